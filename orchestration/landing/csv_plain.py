"""Rows of a CSV file that ask for no care: many at once, by Arrow's reader.

Belongs here: which lines are such rows, and taking runs of them. Not here: what any other line
means (`csv_records`), or what a line is (`lines`).

One quoted line break or one bad row sends a whole file the exact way; nearly all of its lines are
plain all the same. A plain line is cut by its delimiters and by nothing else, so whoever cuts it
gets the same fields. Measured 2026-11-30, a million rows of which 6,000 were not plain: 19 CPU
seconds line by line, 9 by runs.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import csv

from orchestration.landing.file_writer import FileWriter
from orchestration.landing.lines import Block, Line, line_of, text_blocks
from orchestration.landing.raw_tables import positional
from orchestration.landing.signatures import name_key
from orchestration.landing.streams import ByteStream
from orchestration.landing.text_encodings import UTF8_MARK, is_utf8

# What no plain line holds: quotes, what has to be mended, and ends of lines that are none here.
_NEVER = (b'"', b"\0", b"\r", UTF8_MARK)
_BACKSLASH = b"\\"
_BLANKS = bytes(code for code in range(128) if chr(code).isspace())
_SHAPES_OF_A_BLOCK = 8  # each goes through all of its lines; files put together have two or three
_ROWS_AT_ONCE = 10_000
_BYTES_AT_ONCE = 4 << 20


@dataclass(frozen=True, slots=True)
class Shape:
    """What a plain row looks like.

    Attributes:
        delimiter: what cuts it into fields, one byte: Arrow knows no other.
        width: how many they are, two at least.
        header_keys: what its first field is not, written as `name_key` does: it may be a header.
        has_backslashes: whether they are escapes.
    """

    delimiter: bytes
    width: int
    header_keys: frozenset[bytes]
    has_backslashes: bool


class Lines:
    """The lines of a file, one by one or, where they are plain, many at once.

    Args:
        stream: the file's bytes.
        limit: bytes a line may have; of a longer one only the beginning is kept.
        skipped: how many lines at the beginning are left out.
    """

    def __init__(self, stream: ByteStream, limit: int, skipped: int) -> None:
        """Begin with the first line that is not left out."""
        self._blocks = text_blocks(stream, limit, are_returns_ends=True)
        self._stream, self._limit, self._skipped = stream, limit, skipped
        self._block = Block(1, [], b"")
        self._at = 0  # the next line's place in the block
        self._pieces: list[bytes] = []  # those of the block, without any end
        self._breaks: dict[Shape, list[int]] = {}  # which lines of it are not plain
        self._is_readable = False
        self._found: list[bytes] = []  # what of the block may make a line other than plain

    def __iter__(self) -> Iterator[Line]:
        """The lines that are left."""
        return self

    def __next__(self) -> Line:
        """The next line, whatever it is."""
        while self._at >= len(self._block.pieces):
            self._begin_block(next(self._blocks))
        self._at += 1
        return line_of(self._block, self._at - 1, self._stream, self._limit)

    def take_plain(self, shape: Shape) -> tuple[int, list[bytes]] | None:
        """Take the plain lines that come next, as far as the block goes: the first's number, and
        their bytes without an end. None where the next line is not plain, or there is none."""
        while self._at >= len(self._block.pieces):
            block = next(self._blocks, None)
            if block is None:
                return None
            self._begin_block(block)
        if shape not in self._breaks:
            self._breaks[shape] = self._not_plain(shape)
        breaks, begin = self._breaks[shape], self._at
        at = bisect_left(breaks, begin)
        self._at = breaks[at] if at < len(breaks) else len(self._pieces)
        if self._at == begin:
            return None
        return self._block.first + begin, self._pieces[begin : self._at]

    def _begin_block(self, block: Block) -> None:
        self._block, self._breaks = block, {}
        self._at = max(0, self._skipped + 1 - block.first)
        self._pieces = block.pieces
        if block.newline == b"\n":
            self._pieces = [each.rstrip(b"\r") for each in block.pieces]
        text = b"\n".join(self._pieces)
        is_long = block.skipped or max(map(len, self._pieces)) > self._limit
        self._is_readable = block.newline == b"\n" and not is_long and is_utf8(text)
        self._found = [each for each in (*_NEVER, _BACKSLASH) if each in text]

    def _not_plain(self, shape: Shape) -> list[int]:
        """The places of the lines in the block that are not plain."""
        if not self._is_readable or len(self._breaks) >= _SHAPES_OF_A_BLOCK:
            return [*range(len(self._pieces))]
        cut, cuts, keys = shape.delimiter, shape.width - 1, shape.header_keys
        others = {
            at
            for at, piece in enumerate(self._pieces)
            if piece.count(cut) != cuts or _key(piece.partition(cut)[0]) in keys
        }
        for never in self._found:
            if never != _BACKSLASH or shape.has_backslashes:
                others.update(at for at, piece in enumerate(self._pieces) if never in piece)
        return sorted(others)


class PlainRows:
    """Plain rows of one shape on their way to the writer, some thousands at once.

    Args:
        writer: that of the file.
        shape: theirs.
        constants: fields that follow those of each.
    """

    def __init__(self, writer: FileWriter, shape: Shape, constants: Sequence[str]) -> None:
        """Begin with none."""
        self.shape = shape
        self._writer, self._constants = writer, constants
        self._lines: list[int] = []
        self._pieces: list[bytes] = []
        self._byte_size = 0

    def add(self, first: int, pieces: list[bytes]) -> None:
        """Take lines that stand one after the other, from the number of the first on."""
        self._lines.extend(range(first, first + len(pieces)))
        self._pieces += pieces
        self._byte_size += sum(map(len, pieces))
        if len(self._lines) >= _ROWS_AT_ONCE or self._byte_size >= _BYTES_AT_ONCE:
            self.finish()

    def finish(self) -> None:
        """Give the writer what is held."""
        if not self._lines:
            return
        names = positional(self.shape.width)
        text = b"\n".join((*self._pieces, b""))
        rows = csv.read_csv(
            pa.BufferReader(text),
            csv.ReadOptions(column_names=names, use_threads=False, block_size=len(text) + 1),
            csv.ParseOptions(
                delimiter=self.shape.delimiter.decode(),
                quote_char=False,
                double_quote=False,
                ignore_empty_lines=False,
            ),
            csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()),
                null_values=[],
                strings_can_be_null=False,
            ),
        )
        same = [
            pa.repeat(pa.scalar(each, pa.large_string()), len(self._lines))
            for each in self._constants
        ]
        self._writer.add_columns(self._lines, [*rows.columns, *same], self._byte_size)
        self._lines, self._pieces, self._byte_size = [], [], 0


def _key(field: bytes) -> bytes:
    if field.isascii():
        return field.strip(_BLANKS).lower().translate(None, b" -_")
    return name_key(field.decode()).encode()
