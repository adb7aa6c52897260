"""Where files go: a folder, an SFTP server, or a store that fsspec knows, such as S3.

Belongs here: reading, writing and removing one file there, under its final name. Not here: the
order of files (`placing`), trying again (`attempts`). The clients are imported when an address
needs them: an hour without deliveries does not wait for that.

In a folder a file appears whole. So it does in S3. SFTP has no such thing that starts what tools
start on an upload: a file grows there under its name, and the manifest comes after it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from orchestration.ground.errors import ComebackError
from orchestration.ground.files import remove_unfinished, replace_file

SFTP = ("sftp", "ssh")
_CONNECT_SECONDS = 30
_KNOWN_HOSTS = ("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts")
# where a folder would be a bucket, which is not ours to make
_WITHOUT_FOLDERS = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "oci")


class Target(Protocol):
    """A place for files; paths are relative to the address, with slashes."""

    def read(self, path: str) -> bytes | None:
        """The bytes of a file; None if it is not there, or may not be read."""

    def write(self, path: str, content: bytes) -> None:
        """Write a file under its name, and the folders it lies in."""

    def remove(self, path: str) -> None:
        """Remove a file that is there."""


def open_target(address: str, options: Mapping[str, str], own: Path) -> Target:
    """The target of an address.

    Args:
        address: an absolute folder, or an fsspec address without any password.
        options: what the client needs beside it, as `credentials` has it.
        own: the folder that exports are taken from.

    Raises:
        ComebackError: it is that folder, or no known host of an SFTP server is written down.
        Exception: whatever the client raises.
    """
    scheme, separator, rest = address.partition("://")
    if not separator or scheme in ("file", "local"):
        return Folder(Path(rest if separator else address), own)
    if scheme in SFTP:
        return Sftp(address, options)
    return Store(address, options)


class Folder:
    """A folder of this machine, or one that is mounted."""

    def __init__(self, root: Path, own: Path) -> None:
        """See that it is not where the exports come from."""
        if root.resolve().is_relative_to(own.resolve()):
            raise ComebackError(
                "exports cannot be delivered into the folder that they come from",
                str(root),
                "set deliver_to to another folder",
            )
        self._root = root

    def read(self, path: str) -> bytes | None:
        """The bytes of a file."""
        try:
            return (self._root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return None

    def write(self, path: str, content: bytes) -> None:
        """Replace a file in one step; people are in it, so it is its owner's alone."""
        file = self._root / path
        if not file.parent.exists():
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        remove_unfinished(file)
        replace_file(file, content, 0o600)

    def remove(self, path: str) -> None:
        """Remove a file."""
        (self._root / path).unlink(missing_ok=True)


class Store:
    """Anything that fsspec knows by an address."""

    def __init__(self, address: str, options: Mapping[str, str]) -> None:
        """Make the client; most connect with the first request only."""
        import fsspec

        scheme = address.partition("://")[0]
        self._has_folders = scheme not in _WITHOUT_FOLDERS
        limits: dict[str, Any] = {}
        if scheme in ("s3", "s3a"):
            seconds = {"connect_timeout": _CONNECT_SECONDS, "read_timeout": 60}
            limits = {"config_kwargs": seconds}
        self._files, root = fsspec.core.url_to_fs(
            address, skip_instance_cache=True, use_listings_cache=False, **limits, **options
        )
        self._root = root.rstrip("/")

    def read(self, path: str) -> bytes | None:
        """The bytes of a file."""
        try:
            return self._files.cat_file(f"{self._root}/{path}")
        except (FileNotFoundError, PermissionError):
            return None

    def write(self, path: str, content: bytes) -> None:
        """Write a file."""
        whole = f"{self._root}/{path}"
        if self._has_folders:
            self._files.makedirs(whole.rpartition("/")[0], exist_ok=True)
        self._files.pipe_file(whole, content)

    def remove(self, path: str) -> None:
        """Remove a file."""
        self._files.rm_file(f"{self._root}/{path}")


class Sftp:
    """A folder of an SFTP server, whose host key must be known."""

    def __init__(self, address: str, options: Mapping[str, str]) -> None:
        """Connect.

        Raises:
            ComebackError: no file of known hosts is there.
        """
        known_hosts = _known_hosts(options.get("known_hosts", ""))

        from sshfs import SSHFileSystem

        parts = urlsplit(address)
        given: dict[str, Any] = {k: v for k, v in options.items() if k != "known_hosts"}
        if parts.username:
            given.setdefault("username", unquote(parts.username))
        if parts.port:
            given["port"] = parts.port
        self._root = parts.path.rstrip("/")
        # without known_hosts this client would take any server for the one that is meant
        self._files = SSHFileSystem(
            parts.hostname,
            known_hosts=known_hosts,
            connect_timeout=_CONNECT_SECONDS,
            login_timeout=_CONNECT_SECONDS,
            keepalive_interval=15,
            skip_instance_cache=True,
            **given,
        )

    def read(self, path: str) -> bytes | None:
        """The bytes of a file; None also where the server shows nobody what was written."""
        try:
            with self._files.open(f"{self._root}/{path}", "rb") as file:
                return file.read()
        except (FileNotFoundError, PermissionError):
            return None
        except Exception as error:
            if type(error).__name__ == "SFTPPermissionDenied":
                return None
            raise

    def write(self, path: str, content: bytes) -> None:
        """Write a file."""
        whole = f"{self._root}/{path}"
        try:
            self._put(whole, content)
        except FileNotFoundError:
            self._files.makedirs(whole.rpartition("/")[0], exist_ok=True)
            self._put(whole, content)

    def remove(self, path: str) -> None:
        """Remove a file."""
        self._files.rm_file(f"{self._root}/{path}")

    def _put(self, whole: str, content: bytes) -> None:
        with self._files.open(whole, "wb") as file:
            file.write(content)


def _known_hosts(chosen: str) -> list[str]:
    """The files that say which host has which key."""
    paths = [Path(each).expanduser() for each in ([chosen] if chosen else _KNOWN_HOSTS)]
    files = [str(path) for path in paths if path.is_file()]
    if not files:
        raise ComebackError(
            "no SSH host key is known, so no server can be trusted",
            str(paths[0]),
            "write the server's key into it: ssh-keyscan HOST, compared with what its owner says",
        )
    return files
