"""A home with exported hours, and servers to deliver them to.

Belongs here: what tests of delivery share. Not here: any test.
"""

import asyncio
import hashlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration.ground.home import Home
from orchestration.ground.settings import Settings, parse_settings

TEN, ELEVEN, TWELVE = (f"2026-10-31T{hour}Z" for hour in (10, 11, 12))
PARTS = ("full", "add", "remove")


class Shop:
    """A home whose hours were exported."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.home.exports.mkdir(parents=True, exist_ok=True)
        self.connection = duckdb.connect()

    def export(
        self, hour: str, exports: tuple[str, ...] = ("email", "google"), mark: str = ""
    ) -> None:
        """An hour with the files of these; its lines say which hour, and `mark`."""
        folder = self.home.exports / hour
        folder.mkdir(exist_ok=True)
        names = ["retargeting_priorities.csv"]
        names += [f"{name}.{part}.csv" for name in exports for part in PARTS]
        files = []
        for name in names:
            content = f"email\n{name}-{hour}{mark}@example.com\n".encode()
            (folder / name).write_bytes(content)
            files.append(
                {
                    "path": f"{hour}/{name}",
                    "rows": 1,
                    "bytes": len(content),
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "columns": ["email"],
                }
            )
        manifest = {
            "hour": f"{hour[:-1]}:00:00Z",
            "path": files[0]["path"],
            "models": {"abandonment": "a" * 12},
            "settings": "d" * 12,
            "files": files,
            "exports": {name: {"profile": "email", "persons": 1} for name in exports},
        }
        (folder / "manifest.json").write_text(json.dumps(manifest))

    def settings(self, notify: str = "", **addresses: str) -> Settings:
        """Exports of these names with these addresses."""
        exports = {
            name: {"profile": "email", "deliver_to": address} for name, address in addresses.items()
        }
        return parse_settings(
            {"exports": exports or {"email": {"profile": "email"}}, "notify": notify}
        )

    def audited(self) -> list[tuple]:
        """The rows of deliveries: counts and sum."""
        return self.connection.execute(
            "select counts, sha256 from scores.audit_log where deed = 'delivery' order by rowid"
        ).fetchall()


@pytest.fixture
def shop(tmp_path, monkeypatch) -> Shop:
    monkeypatch.setattr("orchestration.ground.files.sync_folder", lambda _: None)
    return Shop(tmp_path / "home")


def tree(folder: Path) -> dict[str, str]:
    """The files below a folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def require_whole(files: dict[str, str], hour: str) -> None:
    """The pointer, the manifest and the files of an hour fit each other."""
    latest = json.loads(files["latest.json"])
    assert latest["hour"] == f"{hour[:-1]}:00:00Z"
    manifest = json.loads(files[f"{hour}/manifest.json"])
    sums = [(each["path"], each["sha256"]) for each in manifest["files"]]
    assert sums == [(each["path"], each["sha256"]) for each in latest["files"]]
    for path, digest in sums:
        assert hashlib.sha256(files[path].encode()).hexdigest() == digest


class SftpServer:
    """An SFTP server of asyncssh over a folder; a client needs its password and its host key."""

    def __init__(self, root: Path) -> None:
        import asyncssh

        self.root, self.fails = root, lambda _: False
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        outer = self

        class Login(asyncssh.SSHServer):
            def begin_auth(self, username):  # noqa: ARG002
                return True

            def password_auth_supported(self):
                return True

            def validate_password(self, username, password):
                return (username, password) == ("shop", "pass word")

        class Files(asyncssh.SFTPServer):
            def __init__(self, chan):
                super().__init__(chan, chroot=str(root))

            def open(self, path, pflags, attrs):
                if outer.fails("open"):
                    raise asyncssh.SFTPFailure("out of order")
                return super().open(path, pflags, attrs)

            def write(self, file_obj, offset, data):
                if outer.fails("write"):
                    raise asyncssh.SFTPFailure("out of order")
                return super().write(file_obj, offset, data)

        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

        async def listen() -> asyncssh.SSHAcceptor:
            return await asyncssh.listen(
                "127.0.0.1",
                0,
                server_host_keys=[self.key],
                server_factory=Login,
                sftp_factory=Files,
            )

        self._server = asyncio.run_coroutine_threadsafe(listen(), self._loop).result(60)
        self.port = self._server.get_port()

    @property
    def address(self) -> str:
        return f"sftp://shop@127.0.0.1:{self.port}/in"

    def known_hosts(self, path: Path) -> Path:
        """A file that says which key this server has."""
        public = self.key.export_public_key().decode().split()
        path.write_text(f"[127.0.0.1]:{self.port} {public[0]} {public[1]}\n")
        return path

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)


@pytest.fixture
def sftp(tmp_path) -> Iterator[SftpServer]:
    (tmp_path / "sftp").mkdir()
    server = SftpServer(tmp_path / "sftp")
    yield server
    server.close()
