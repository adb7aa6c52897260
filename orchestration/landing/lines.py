"""Physical lines of a text file.

Belongs here: numbering and decoding them, mending those whose bytes are no text, and the bound of
their length; the CSV and the JSONL reader share it. Not here: what a line holds, which these say.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from orchestration.landing.file_writer import CLIP_MARK, RAW_ROW_CHARACTERS
from orchestration.landing.reasons import Reason
from orchestration.landing.streams import ByteStream
from orchestration.landing.text_encodings import UTF8_MARK, is_utf8

MARK = "\ufeff"
"""The byte order mark as a character; also where files were put one behind the other."""
BLANKS = f" {MARK}\x1a"
"""What may stand on a blank line: Control-Z is DOS's end of a text."""


class Line(NamedTuple):
    """One line: its number from 1, its text without the end, the end itself ("" where the file
    stops within the line).

    ``mended`` names what had to be mended to read it (``not_utf8``, ``nul_bytes``), or is None.
    ``byte_size`` is above the limit for a line of which only the beginning was kept. ``is_cut`` is
    true for the last line of a damaged file, ``is_part`` for one that follows a carriage return
    alone. ``joints`` are the places in the text where a packed file ended and the one that was put
    behind it began.
    """

    number: int
    text: str
    end: str
    mended: Reason | None = None
    byte_size: int = 0
    is_cut: bool = False
    is_part: bool = False
    joints: tuple[int, ...] = ()


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
        returns: the places of those that a carriage return alone ends.
        follows_return: whether one stands before the first.
        joints: places in the bytes of the first where a packed file was put behind another.
    """

    first: int
    pieces: list[bytes]
    newline: bytes
    skipped: int = 0
    returns: frozenset[int] = frozenset()
    follows_return: bool = False
    joints: tuple[int, ...] = ()


def text_blocks(
    stream: ByteStream, limit: int, *, are_returns_ends: bool = False
) -> Iterator[Block]:
    """Yield the lines of a text file, blank ones too, as many at once as a chunk of it ends.

    A line ends with ``\\n``, and carriage returns before it belong to its end; in a file whose
    first chunk has no ``\\n``, with ``\\r``.

    Args:
        stream: The file's bytes.
        limit: Bytes a line may have; of a longer one only the beginning is kept.
        are_returns_ends: Whether a ``\\r`` alone ends a line wherever it stands.
    """
    newline = b"\n"
    number = 1
    held: list[bytes] = []  # of a line whose end is still to come, and how many bytes that are
    size = skipped = 0
    is_first, follows_return = True, False
    joints: list[int] = []
    for chunk in stream:
        if is_first and chunk:
            is_first = False
            chunk = chunk.removeprefix(UTF8_MARK)
            if b"\r" in chunk and b"\n" not in chunk and not are_returns_ends:
                newline = b"\r"
        if size and stream.is_joint:
            joints.append(size)
        if not chunk:
            continue
        follows = bool(held) and held[-1].endswith(b"\r")
        held.append(chunk)
        size += len(chunk)
        if size <= limit and not follows and b"\r" not in chunk and newline not in chunk:
            continue  # what is held is looked through only once
        text = b"".join(held)
        pieces = text.split(newline)
        rest = pieces.pop()
        returns: frozenset[int] = frozenset()
        if are_returns_ends and _has_returns(text):
            pieces, returns, rest = _cut_at_returns(pieces, rest)
        if pieces:
            yield Block(number, pieces, newline, skipped, returns, follows_return, tuple(joints))
            number, skipped = number + len(pieces), 0
            follows_return = len(pieces) - 1 in returns
            joints.clear()
        if len(rest) > limit:
            kept = rest[:RAW_ROW_CHARACTERS]
            skipped += len(rest) - len(kept)
            rest = kept
        held, size = [rest] if rest else [], len(rest)
    rest = b"".join(held)
    if rest or skipped:
        is_ended = are_returns_ends and rest.endswith(b"\r")
        returns = frozenset({0} if is_ended else ())
        rest = rest.rstrip(b"\r") if is_ended else rest
        yield Block(number, [rest], b"", skipped, returns, follows_return, tuple(joints))


def _has_returns(text: bytes) -> bool:
    """Whether carriage returns stand elsewhere than before the end of a line; quick."""
    return b"\r" in text and text.count(b"\r") != text.count(b"\r\n")


def _cut_at_returns(pieces: list[bytes], rest: bytes) -> tuple[list[bytes], frozenset[int], bytes]:
    """Lines cut at the carriage returns within them, the places of those that one ends, and what is
    left of the last, whose end is still to come."""
    cut: list[bytes] = []
    returns: list[int] = []
    for piece in (*pieces, rest):
        body = piece.rstrip(b"\r")
        parts = body.split(b"\r")
        returns.extend(range(len(cut), len(cut) + len(parts) - 1))
        cut += parts
        cut[-1] += piece[len(body) :]
    return cut[:-1], frozenset(returns), cut[-1]


def text_lines(stream: ByteStream, limit: int, *, are_returns_ends: bool = False) -> Iterator[Line]:
    """Yield the lines of ``text_blocks`` one by one, as text."""
    for block in text_blocks(stream, limit, are_returns_ends=are_returns_ends):
        for at in range(len(block.pieces)):
            yield line_of(block, at, stream, limit)


def line_of(block: Block, at: int, stream: ByteStream, limit: int) -> Line:
    """The line of a block at a place in it, from 0, as text."""
    skipped = 0 if at else block.skipped
    end = b"\r" if at in block.returns else block.newline
    line = _line(stream, block.first + at, block.pieces[at], end, limit, skipped)
    if at - 1 in block.returns or (block.follows_return and not at):
        line = line._replace(is_part=True)
    if block.joints and not at:
        is_1252 = not is_utf8(block.pieces[0]) and stream.is_windows_1252
        places = _in_text(block.pieces[0], block.joints, "windows-1252" if is_1252 else "utf-8")
        line = line._replace(joints=places)
    return line if block.newline else line._replace(is_cut=stream.damage is not None)


def _in_text(piece: bytes, joints: tuple[int, ...], encoding: str) -> tuple[int, ...]:
    """Places in the bytes of a line as places in its text; a character that a joint cuts stands
    before it."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    places, begin, count = [], 0, 0
    for end in joints:
        count += len(decoder.decode(piece[begin:end].replace(b"\0", b"")))
        places.append(count + bool(decoder.getstate()[0]))
        begin = end
    return tuple(places)


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
        body = piece.rstrip(b"\r")
        piece, end = body, piece[len(body) :].decode() + end
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
