"""Files as they lie.

Belongs here: finding and distinguishing them, and copies of those far away. Not here: what is in
them; `streams` and the readers know that.

Dumps belong to the shop: everything here opens them for reading only.
"""

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import fsspec

from orchestration.ground.errors import ComebackError
from orchestration.landing.kinds import BAD_NAME, FORMATS, SYMLINK, Skip, ending_of
from orchestration.landing.sources import Source

SCRATCH_PREFIX = "comeback-landing-"

_SETTLED_SECONDS = 2.0
_UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload")


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A delivered file: the name it is known by, and where its bytes are (a local path or an fsspec
    address); why it is not opened, if that is so."""

    name: str
    address: str
    skip: Skip | None = None

    @property
    def is_local(self) -> bool:
        """Whether the file can be opened by its path."""
        return "://" not in self.address


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a file system says of a file without reading it; a changed file has another one."""

    byte_size: int
    version: str


def find_files(
    address: str | Path, source: Source | None = None, *, follow_symlinks: bool = False
) -> list[FoundFile]:
    """Find the files under a folder, or the one at a file's address, of whatever kind.

    Hidden and unfinished files are left out: names, of files or folders, that begin with ``.`` or
    ``_``, or that end in ``.tmp``, ``.part`` and the like.

    Args:
        address: Local path or fsspec address (``s3://``, ``memory://``, ``file://``).
        source: Whose files they are, if that is known; named in errors.
        follow_symlinks: Whether symbolic links are followed out of the folder. The folder itself,
            or the file, may be one: it was named.

    Returns:
        Files sorted by name. A folder that does not exist is one where nothing was delivered yet.
        The name of a file in a folder is relative to it; that of a file given by itself is the
        address as given.

    Raises:
        ComebackError: A file given by itself does not exist.
    """
    given = str(address)
    if is_local(given):
        found = _find_local(Path(given.removeprefix("file://")), given, follow_symlinks)
    else:
        found = _find_remote(given)
    if found is not None:
        return sorted(found, key=lambda file: file.name)
    kinds = ", ".join(FORMATS)
    raise ComebackError(
        f"no file to land{f' for {source.name}' if source else ''}",
        given,
        f"give a folder or an existing {kinds}",
    )


def fingerprint(file: FoundFile) -> Fingerprint:
    """Size and version (time of change, or the store's own token) of a file.

    Raises:
        OSError: The file is gone or cannot be looked at.
    """
    if file.skip is SYMLINK:
        return Fingerprint(0, str(Path(file.address).readlink()))
    if file.is_local:
        stat = Path(file.address).stat()
        return Fingerprint(stat.st_size, str(stat.st_mtime_ns))
    filesystem, path = fsspec.core.url_to_fs(file.address)
    filesystem.invalidate_cache()
    return Fingerprint(filesystem.size(path), filesystem.ukey(path))


def is_settled(file: FoundFile) -> bool:
    """Whether another write would show in the fingerprint: a file written just now may be written
    again in the same tick."""
    return not file.is_local or time.time() - Path(file.address).stat().st_mtime > _SETTLED_SECONDS


@contextmanager
def local_copy(file: FoundFile, scratch: Path | None) -> Iterator[Path]:
    """A path to the file's bytes: its own, or for a remote file that of a copy that lives as long
    as the context."""
    if file.is_local:
        yield Path(file.address)
        return
    with TemporaryDirectory(prefix=SCRATCH_PREFIX, dir=scratch) as folder:
        copy = Path(folder) / f"copy{ending_of(file.name) or ''}"
        filesystem, path = fsspec.core.url_to_fs(file.address)
        filesystem.get_file(path, str(copy))
        yield copy


def content_hash(path: Path) -> str:
    """SHA-256 of the file's bytes as they lie, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def exists(address: str) -> bool:
    """Whether a file or folder is at a local path or an fsspec address."""
    if is_local(address):
        return Path(address.removeprefix("file://")).exists()
    filesystem, path = fsspec.core.url_to_fs(address)
    filesystem.invalidate_cache()
    return filesystem.exists(path)


def is_local(address: str) -> bool:
    """Whether an address is a path of this machine."""
    return "://" not in address or address.startswith("file://")


def _find_local(root: Path, given: str, follow_symlinks: bool) -> list[FoundFile] | None:
    if root.is_file():
        return [FoundFile(given, str(root))]
    if not root.is_dir():
        return None if ending_of(given) else []
    return [*_walk(root, follow_symlinks)]


def _walk(root: Path, follow_symlinks: bool) -> Iterator[FoundFile]:
    """Every delivered file below a folder; links that lead out of it, and loops, are not entered
    unless asked for."""
    home = root.resolve()
    entered = {home}
    for folder, folders, files in os.walk(root, followlinks=True):
        here = Path(folder)
        below = [name for name in folders if not name.startswith((".", "_"))]
        folders[:] = []
        for name in below:
            path = here / name
            if not path.is_symlink():
                folders.append(name)
            elif not follow_symlinks and not path.resolve().is_relative_to(home):
                yield FoundFile(path.relative_to(root).as_posix(), str(path), SYMLINK)
            elif follow_symlinks and path.resolve() not in entered:
                entered.add(path.resolve())
                folders.append(name)
        for file in files:
            path = here / file
            name = path.relative_to(root).as_posix()
            if not _is_delivered(name):
                continue
            if (shown := _in_utf8(name)) != name:
                yield FoundFile(shown, str(path), BAD_NAME)
                continue
            is_out = path.is_symlink() and not path.resolve().is_relative_to(home)
            if is_out and not follow_symlinks:
                yield FoundFile(name, str(path), SYMLINK)
            elif path.is_file():
                yield FoundFile(name, str(path))


def _in_utf8(name: str) -> str:
    """A name with the bytes that are not UTF-8 as `\\xe4`: a database and a page can hold it."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _find_remote(given: str) -> list[FoundFile] | None:
    filesystem, root = fsspec.core.url_to_fs(given)
    filesystem.invalidate_cache()
    if filesystem.isfile(root):
        return [FoundFile(given, given)]
    if ending_of(given):
        return None
    prefix = root.rstrip("/") + "/"
    names = [path.removeprefix(prefix) for path in filesystem.find(root)]
    return [
        FoundFile(name, filesystem.unstrip_protocol(prefix + name))
        for name in names
        if _is_delivered(name)
    ]


def _is_delivered(name: str) -> bool:
    if any(part.startswith((".", "_")) for part in name.split("/")):
        return False
    ending = ending_of(name) or ""
    return not any(
        part.endswith(_UNFINISHED)
        for part in (name.lower(), name[: len(name) - len(ending)].lower())
    )
