"""Files as they lie: finding and distinguishing them, and their bytes. What a record is, the
readers know.

Dumps belong to the shop: everything here opens them for reading only.
"""

import codecs
import hashlib
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import fsspec

from orchestration.ground.errors import ComebackError
from orchestration.landing.sources import Source

ENDINGS = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet")
SCRATCH_PREFIX = "comeback-landing-"

_CHUNK_BYTES = 1 << 20
_GZIP_CHUNK_BYTES = 1 << 16
_GZIP_MAGIC = b"\x1f\x8b"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_SETTLED_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A delivered file: the name it is known by, and where its bytes are (a local path or an fsspec
    address)."""

    name: str
    address: str

    @property
    def ending(self) -> str:
        """The known ending of the name, in lower case."""
        return _ending(self.name) or ""

    @property
    def is_local(self) -> bool:
        """Whether the file can be opened by its path."""
        return "://" not in self.address


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a file system says of a file without reading it; a changed file has another one."""

    byte_size: int
    version: str


def find_files(address: str | Path, source: Source) -> list[FoundFile]:
    """Find the dumps under a folder, or the one at a file's address.

    Hidden and unfinished files are left out: names, of files or folders, that begin with ``.`` or
    ``_``, or that end in ``.tmp`` or ``.part``.

    Args:
        address: Local path or fsspec address (``s3://``, ``memory://``, ``file://``).
        source: Whose files they are; named in errors.

    Returns:
        Files sorted by name. A folder that does not exist is one where nothing was delivered yet.
        The name of a file in a folder is relative to it; that of a file given by itself is the
        address as given.

    Raises:
        ComebackError: A file given by itself does not exist, or is of no kind that landing reads.
    """
    given = str(address)
    if "://" not in given or given.startswith("file://"):
        found = _find_local(Path(given.removeprefix("file://")), given)
    else:
        found = _find_remote(given)
    if found is not None:
        return sorted(found, key=lambda file: file.name)
    kinds = ", ".join(ENDINGS)
    raise ComebackError(
        f"no file to land for {source.name}", given, f"give a folder or an existing {kinds}"
    )


def fingerprint(file: FoundFile) -> Fingerprint:
    """Size and version (time of change, or the store's own token) of a file.

    Raises:
        OSError: The file is gone or cannot be looked at.
    """
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
        copy = Path(folder) / f"copy{file.ending}"
        filesystem, path = fsspec.core.url_to_fs(file.address)
        filesystem.get_file(path, str(copy))
        yield copy


def content_hash(path: Path) -> str:
    """SHA-256 of the file's bytes as they lie, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class ByteStream:
    """The bytes of a text file in chunks, gzip and UTF-16 undone; a damaged gzip gives up what can
    be had of it.

    Whether it is gzip, its first bytes say, not its name. After the last chunk ``damage`` says in a
    few words what is wrong with the file, or is None.
    """

    def __init__(self, path: Path) -> None:
        """Look at the first bytes of the file."""
        self.path = path
        self.damage: str | None = None
        with path.open("rb") as stream:
            self.is_gzip = stream.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC

    def __iter__(self) -> Iterator[bytes]:
        """Read the file from its beginning."""
        self.damage = None
        with self.path.open("rb") as stream:
            size = _GZIP_CHUNK_BYTES if self.is_gzip else _CHUNK_BYTES
            chunks: Iterator[bytes] = iter(partial(stream.read, size), b"")
            yield from _as_utf8(self._inflate(chunks) if self.is_gzip else chunks)

    def _inflate(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        member = zlib.decompressobj(wbits=31)
        is_inside = False
        for chunk in chunks:
            while chunk if is_inside else chunk.lstrip(b"\0"):  # zeros after a member are padding
                is_inside = True
                before = member.copy()
                try:
                    inflated = member.decompress(chunk)
                except zlib.error:
                    yield _salvage(before, chunk)
                    self.damage = "the gzip data is damaged; what follows the damage is lost"
                    return
                yield inflated
                if not member.eof:
                    break
                chunk, member, is_inside = member.unused_data, zlib.decompressobj(wbits=31), False
        if is_inside:
            self.damage = "the gzip data is cut; what is missing was never here"


def _salvage(member: "zlib._Decompress", chunk: bytes) -> bytes:
    """What can be inflated before the damage: zlib gives nothing of a call that fails, so call it
    for every byte."""
    inflated = bytearray()
    try:
        for at in range(len(chunk)):
            inflated += member.decompress(chunk[at : at + 1])
    except zlib.error:
        pass
    return bytes(inflated)


def _as_utf8(chunks: Iterable[bytes]) -> Iterator[bytes]:
    chunks = iter(chunks)
    first = next(chunks, b"")
    if first[:2] not in _UTF16_MARKS:
        yield first
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    yield decoder.decode(first).encode()
    for chunk in chunks:
        yield decoder.decode(chunk).encode()
    yield decoder.decode(b"", final=True).encode()


def _find_local(root: Path, given: str) -> list[FoundFile] | None:
    if root.is_file():
        return [FoundFile(given, str(root))] if _ending(given) else None
    if not root.is_dir():
        return None if _ending(given) else []
    names = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
    return [FoundFile(name, str(root / name)) for name in names if _is_delivered(name)]


def _find_remote(given: str) -> list[FoundFile] | None:
    filesystem, root = fsspec.core.url_to_fs(given)
    filesystem.invalidate_cache()
    if filesystem.isfile(root):
        return [FoundFile(given, given)] if _ending(given) else None
    if _ending(given):
        return None
    prefix = root.rstrip("/") + "/"
    names = [path.removeprefix(prefix) for path in filesystem.find(root)]
    return [
        FoundFile(name, filesystem.unstrip_protocol(prefix + name))
        for name in names
        if _is_delivered(name)
    ]


def _is_delivered(name: str) -> bool:
    ending = _ending(name)
    if ending is None or any(part.startswith((".", "_")) for part in name.split("/")):
        return False
    return not name[: -len(ending)].lower().endswith((".tmp", ".part"))


def _ending(name: str) -> str | None:
    return next((ending for ending in ENDINGS if name.lower().endswith(ending)), None)
