"""Where the frames of a Zstandard file begin and end, by its block headers (RFC 8878).

Belongs here: walking them without decompressing. Not here: decompressing (`streams`).
"""

import io
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa

_MAGIC = 0xFD2FB528
_SKIPPABLE = 0x184D2A50  # and the fifteen after it
_RLE = 1
_BYTES_AT_ONCE = 1 << 16
_EMPTY_BLOCKS = 1_000  # one behind the other in a frame; more are the zeros of an unfinished copy


class _Part(io.RawIOBase):
    """The bytes of an open file from one place up to another, or to its end."""

    def __init__(self, stream: BinaryIO, begin: int, end: int | None) -> None:
        """Go to the first of them."""
        stream.seek(begin)
        self._stream, self._left = stream, None if end is None else end - begin

    def readable(self) -> bool:
        """Always."""
        return True

    def read(self, size: int = -1) -> bytes:
        """The next bytes, as many as asked for or as there are."""
        if self._left is not None:
            size = self._left if size < 0 else min(size, self._left)
        found = self._stream.read(size)
        if self._left is not None:
            self._left -= len(found)
        return found


def part(stream: BinaryIO, begin: int, end: int | None) -> pa.BufferReader | io.RawIOBase:
    """The bytes of an open file from one place up to another, or to its end: few of them at once,
    as there may be many such parts."""
    if end is None or end - begin > _BYTES_AT_ONCE:
        return _Part(stream, begin, end)
    stream.seek(begin)
    return pa.BufferReader(stream.read(end - begin))


def frame_ends(stream: BinaryIO) -> Iterator[int]:
    """Where the frames that are whole end, as places in the file; one that holds no data, which
    may stand anywhere, belongs to the one that follows.

    Raises:
        OSError: The file cannot be read.
    """
    at = 0
    size = stream.seek(0, io.SEEK_END)
    while True:
        stream.seek(at)
        magic = int.from_bytes(stream.read(4), "little")
        if magic & ~0xF == _SKIPPABLE:
            at += 8 + int.from_bytes(stream.read(4), "little")
            continue
        end = _end_of_frame(stream, at + 4) if magic == _MAGIC else None
        if end is None or end > size:
            return
        yield end
        at = end


def _end_of_frame(stream: BinaryIO, at: int) -> int | None:
    """Where a frame ends whose descriptor is at a place; None where its blocks do before."""
    described = stream.read(1)
    if not described:
        return None
    (flags,) = described
    is_single = flags >> 5 & 1
    size_bytes = (is_single, 2, 4, 8)[flags >> 6]
    at += 1 + (not is_single) + (0, 1, 2, 4)[flags & 3] + size_bytes
    is_last = False
    empty = 0
    while not is_last:
        stream.seek(at)
        header = stream.read(3)
        if len(header) < 3:
            return None
        block = int.from_bytes(header, "little")
        is_last = bool(block & 1)
        empty = 0 if block else empty + 1
        if empty > _EMPTY_BLOCKS:
            return None
        at += 3 + (1 if block >> 1 & 3 == _RLE else block >> 3)
    return at + 4 * (flags >> 2 & 1)  # the checksum
