"""Files that take the place of others in one step.

Belongs here: writing and replacing a file so that a reader sees the old or the new one, and neither
is lost in a power cut. Not here: which files there are (`home`).
"""

import os
import zlib
from contextlib import suppress
from pathlib import Path

_CHUNK_BYTES = 1 << 20


def replace_file(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file so that a reader sees the old or the new content, never a part."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        move_into_place(temporary, path)
    except BaseException:  # as where there is no room
        temporary.unlink(missing_ok=True)
        raise


def read_own(path: Path) -> bytes | None:
    """The content of a file that nobody but this user can have written, such as what is then run.

    Returns:
        None where there is none, it cannot be read, or others can write to it.
    """
    with suppress(OSError), path.open("rb") as file:
        status = os.fstat(file.fileno())
        if status.st_uid == os.getuid() and not status.st_mode & 0o022:
            return file.read()
    return None


def crc32_of(path: Path) -> int:
    """CRC-32 of a file: the fastest checksum that reveals damage."""
    checksum = 0
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK_BYTES):
            checksum = zlib.crc32(chunk, checksum)
    return checksum


def keep_private(path: Path) -> bool:
    """Let only its owner read a file, or enter a folder, that is there; it holds personal data.

    Returns:
        Whether others could.
    """
    with suppress(FileNotFoundError):
        mode = path.stat().st_mode
        if mode & 0o077:
            path.chmod(mode & 0o700)
            return True
    return False


def make_private(folder: Path) -> None:
    """Make a folder that only its owner may enter; one that is there stays as it is."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def unfinished_path(path: Path) -> Path:
    """Where the file that will replace `path` is written; leftovers of killed runs are removed."""
    remove_unfinished(path)
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def remove_unfinished(path: Path) -> None:
    """Remove what killed runs left of files that were to replace `path`."""
    for stale in path.parent.glob(f".{path.name}.*"):
        stale.unlink()


def move_into_place(fresh: Path, path: Path) -> None:
    """Replace `path` by a finished file, in one step that survives a power cut."""
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename within `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
