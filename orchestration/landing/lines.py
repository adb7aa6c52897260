"""Physical lines of a text file.

Belongs here: numbering and decoding them, mending those whose bytes are no text, and the bound of
their length; the CSV and the JSONL reader share it. Not here: what a line holds, which these say.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from orchestration.landing.file_writer import CLIP_MARK, RAW_ROW_CHARACTERS
from orchestration.landing.reasons import Reason
from orchestration.landing.streams import ByteStream
from orchestration.landing.text_encodings import UTF8_MARK

MARK = "\ufeff"
"""The byte order mark as a character; also where files were put one behind the other."""
BLANKS = f" {MARK}\x1a"
"""What may stand on a blank line: Control-Z is DOS's end of a text."""


class Line(NamedTuple):
    """One line: its number from 1, its text without the end, the end itself ("" where the file
    stops within the line).

    ``mended`` names what had to be mended to read it (``not_utf8``, ``nul_bytes``), or is None.
    ``byte_size`` is above the limit for a line of which only the beginning was kept. ``is_cut`` is
    true for the last line of a damaged file.
    """

    number: int
    text: str
    end: str
    mended: Reason | None = None
    byte_size: int = 0
    is_cut: bool = False


MENDED_DETAILS = {
    Reason.NOT_UTF8: "bytes that are not UTF-8 were replaced by U+FFFD",
    Reason.NUL_BYTES: "NUL bytes were removed",
    Reason.BAD_ESCAPE: "an escape that stands for no character was replaced by U+FFFD or removed",
}


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that a file holds one after the other.

    Attributes:
        first: the number of the first of them, from 1.
        pieces: their bytes, without the ``newline`` that ends each; ``\\r`` may be left of it.
        newline: what ends each; empty where the file stops within the only one.
        skipped: bytes of the first line that were left out, as it is above the limit.
    """

    first: int
    pieces: list[bytes]
    newline: bytes
    skipped: int = 0


def text_blocks(stream: ByteStream, limit: int) -> Iterator[Block]:
    """Yield the lines of a text file, blank ones too, as many at once as a chunk of it ends.

    A line ends with ``\\n`` or ``\\r\\n``; in a file whose first chunk has none of these, with
    ``\\r``.

    Args:
        stream: The file's bytes.
        limit: Bytes a line may have; of a longer one only the beginning is kept.
    """
    newline = b"\n"
    number = 1
    rest, skipped = b"", 0
    is_first = True
    for chunk in stream:
        if is_first and chunk:
            is_first = False
            chunk = chunk.removeprefix(UTF8_MARK)
            if b"\r" in chunk and b"\n" not in chunk:
                newline = b"\r"
        pieces = (rest + chunk).split(newline)
        rest = pieces.pop()
        if pieces:
            yield Block(number, pieces, newline, skipped)
            number, skipped = number + len(pieces), 0
        if len(rest) > limit:
            kept = rest[:RAW_ROW_CHARACTERS]
            skipped += len(rest) - len(kept)
            rest = kept
    if rest or skipped:
        yield Block(number, [rest], b"", skipped)


def text_lines(stream: ByteStream, limit: int) -> Iterator[Line]:
    """Yield the lines of ``text_blocks`` one by one, as text."""
    for block in text_blocks(stream, limit):
        for at in range(len(block.pieces)):
            yield line_of(block, at, stream, limit)


def line_of(block: Block, at: int, stream: ByteStream, limit: int) -> Line:
    """The line of a block at a place in it, from 0, as text."""
    skipped = 0 if at else block.skipped
    line = _line(stream, block.first + at, block.pieces[at], block.newline, limit, skipped)
    return line if block.newline else line._replace(is_cut=stream.damage is not None)


def is_blank(line: Line, delimiter: str = "\t") -> bool:
    """Whether nothing is on the line but blanks; such a line is no row. A tab is one where it is no
    delimiter."""
    blanks = BLANKS if delimiter == "\t" else BLANKS + "\t"
    text = line.text
    return not text or (text[0] in blanks and not text.strip(blanks))


def too_long(byte_size: object, limit: int) -> tuple[Reason, str]:
    """Reason and detail for a row above the limit."""
    return Reason.ROW_TOO_LONG, f"the row has {byte_size} bytes, the limit is {limit}"


def _line(
    stream: ByteStream, number: int, piece: bytes, newline: bytes, limit: int, skipped: int
) -> Line:
    byte_size = len(piece) + skipped
    end = newline.decode()
    if newline == b"\n" and piece.endswith(b"\r"):
        piece, end = piece[:-1], "\r\n"
    if byte_size > limit:
        kept = piece[:RAW_ROW_CHARACTERS]
        text = kept.decode(errors="replace") + (CLIP_MARK if len(kept) < byte_size else "")
        return Line(number, text, end, None, byte_size)
    mended = None
    if b"\0" in piece:
        piece, mended = piece.replace(b"\0", b""), Reason.NUL_BYTES
    try:
        return Line(number, piece.decode(), end, mended, byte_size)
    except UnicodeDecodeError:
        if stream.is_windows_1252:
            text = piece.decode("windows-1252", errors="replace")
            return Line(number, text, end, mended, byte_size)
        return Line(number, piece.decode(errors="replace"), end, Reason.NOT_UTF8, byte_size)
