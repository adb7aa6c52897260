"""The bytes of one file: compression undone, in UTF-8, and what is wrong with it as a whole.

Belongs here: reading a file from its beginning, as often as asked. Not here: finding files
(`files`), lines (`lines`) or records (the readers).
"""

import codecs
import zlib
from collections.abc import Iterable, Iterator
from functools import cached_property, partial
from pathlib import Path

import pyarrow as pa

from orchestration.ground.sealed_files import MARK, opened
from orchestration.landing.kinds import SAMPLE_BYTES, Format, Skip, kind_of
from orchestration.landing.text_encodings import encoding_of, is_windows_1252
from orchestration.landing.zstd_frames import frame_ends, part

_CHUNK_BYTES = 1 << 20
_PACKED_CHUNK_BYTES = 1 << 16
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_NOTES = {
    "windows-1252": "the text is not UTF-8; read as Windows-1252",
    "utf-16": "the text is UTF-16; read as such",
    "utf-32": "the text is UTF-32; read as such",
}


class ByteStream:
    """The bytes of a text file in chunks of UTF-8, gzip, zstd and UTF-16 undone, and Comeback's own
    encryption; a damaged file gives up what can be had of it.

    How it is compressed, its first bytes say, not its name. After the last chunk ``damage`` says in
    a few words what is wrong with the file, or is None. ``is_joint`` says whether the chunk given
    last is the first of a packed file that was put behind another (a member of gzip, a frame of
    zstd).
    """

    def __init__(self, path: Path) -> None:
        """Look at the first bytes of the file."""
        self.path = path
        self.damage: str | None = None
        self.is_joint = False
        with path.open("rb") as stream:
            start = stream.read(len(MARK))
        self._is_sealed = start == MARK
        first = start[:4]
        # what zstd may put before its first frame begins with one of sixteen marks
        is_zstd = first == _ZSTD_MAGIC or (first[1:] == b"\x2a\x4d\x18" and 0x50 <= first[0] < 0x60)
        is_gzip = first.startswith(_GZIP_MAGIC)
        self.compression = "gzip" if is_gzip else "zstd" if is_zstd else None
        self._is_windows_1252: bool | None = None

    def __iter__(self) -> Iterator[bytes]:
        """Read the file from its beginning."""
        if self.encoding == "utf-8":
            yield from self.unpacked()
            return
        decoder = codecs.getincrementaldecoder(self.encoding)("replace")
        for chunk in self.unpacked():
            yield decoder.decode(chunk).encode(errors="replace")
        self.is_joint = False
        yield decoder.decode(b"", final=True).encode(errors="replace")

    def unpacked(self) -> Iterator[bytes]:
        """The bytes from the beginning, as they are but for the compression."""
        self.damage, self.is_joint = None, False
        if self._is_sealed:
            yield opened(self.path.read_bytes())
            return
        if self.compression == "zstd":
            yield from self._decompress()
            return
        with self.path.open("rb") as stream:
            size = _PACKED_CHUNK_BYTES if self.compression else _CHUNK_BYTES
            chunks: Iterator[bytes] = iter(partial(stream.read, size), b"")
            yield from self._inflate(chunks) if self.compression else chunks

    @cached_property
    def sample(self) -> bytes:
        """The first bytes, uncompressed."""
        if self.compression is None and not self._is_sealed:
            with self.path.open("rb") as stream:
                return stream.read(SAMPLE_BYTES)
        sample = b""
        for chunk in self.unpacked():
            sample += chunk
            if len(sample) >= SAMPLE_BYTES:
                break
        return sample[:SAMPLE_BYTES]

    @cached_property
    def encoding(self) -> str:
        """What the first bytes say: UTF-8, or another Unicode encoding."""
        return encoding_of(self.sample)

    @property
    def is_windows_1252(self) -> bool:
        """Whether a text that is not UTF-8 is Windows-1252; looks through the whole file once."""
        if self._is_windows_1252 is None:
            self._is_windows_1252 = self.encoding == "utf-8" and is_windows_1252(
                ByteStream(self.path).unpacked()
            )
        return self._is_windows_1252

    @property
    def notes(self) -> list[str]:
        """What is odd about the bytes, once they have been read."""
        encoding = "windows-1252" if self._is_windows_1252 else self.encoding[:6]
        return [each for each in (_NOTES.get(encoding), self.damage) if each]

    def kind(self, name: str) -> Format | Skip:
        """How the file is read, or why it is not."""
        text = self.sample.decode(self.encoding, errors="replace").replace("\ufeff", "")
        kind = kind_of(name, self.sample, text)
        # of a file cut in its first bytes there may be nothing left: the reader says so
        return Format.DELIMITED if isinstance(kind, Skip) and not text and self.damage else kind

    def unpack_into(self, path: Path) -> None:
        """Write the uncompressed bytes into a file.

        Raises:
            OSError: It cannot be written.
        """
        with path.open("wb") as file:
            file.writelines(self.unpacked())

    def _inflate(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        member = zlib.decompressobj(wbits=31)
        is_inside = is_behind = False
        for chunk in chunks:
            while chunk if is_inside else chunk.lstrip(b"\0"):  # zeros after a member are padding
                is_inside = True
                before = member.copy()
                try:
                    inflated = member.decompress(chunk)
                except zlib.error:
                    self.is_joint = is_behind
                    yield _salvage(before, chunk)
                    self.damage = "the gzip data is damaged; what follows the damage is lost"
                    return
                if inflated:
                    self.is_joint, is_behind = is_behind, False
                    yield inflated
                if not member.eof:
                    break
                is_behind = True
                chunk, member, is_inside = member.unused_data, zlib.decompressobj(wbits=31), False
        if is_inside:
            self.damage = "the gzip data is cut; what is missing was never here"

    def _decompress(self) -> Iterator[bytes]:
        given = begin = 0
        is_first = False
        try:
            with self.path.open("rb") as stream:
                # what follows the last whole frame, if anything does, is damage or padding
                for end in (*frame_ends(stream), None):
                    is_first = bool(begin)
                    with pa.CompressedInputStream(part(stream, begin, end), "zstd") as unpacked:
                        while chunk := unpacked.read(_PACKED_CHUNK_BYTES):
                            self.is_joint, is_first = is_first, False
                            given += len(chunk)
                            yield chunk
                    begin = end or begin
        except OSError as error:
            self.is_joint = is_first
            yield self._last_bytes(given)
            self.damage = (
                "the zstd data is cut; what is missing was never here"
                if "runcated" in str(error)
                else "the zstd data is damaged; what follows the damage is lost"
            )

    def _last_bytes(self, given: int) -> bytes:
        """What can be had of a chunk that could not be read as a whole: its bytes one by one."""
        last = bytearray()
        try:
            with (
                self.path.open("rb") as stream,
                pa.CompressedInputStream(stream, "zstd") as unpacked,
            ):
                while given:
                    given -= len(unpacked.read(min(given, _PACKED_CHUNK_BYTES)))
                while byte := unpacked.read(1):
                    last += byte
        except OSError:
            pass
        return bytes(last)


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
