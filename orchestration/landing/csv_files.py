"""CSV dumps. Two ways to the same rows: DuckDB's parallel reader for files without a fault, else
record by record.

A file may go the fast way only if DuckDB reads it in strict mode without an error and finds one
record on every line; then record n is line n, and both ways agree to the letter (a test holds them
to it). Everything else, a quoted line break or one bad row is enough, is read here record by
record, which knows lines, faults and how to go on after them.
"""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from glob import escape
from itertools import islice

import duckdb

from orchestration.landing.file_writer import FileWriter, NotClean
from orchestration.landing.files import ByteStream
from orchestration.landing.lines import MENDED_DETAILS, Line, is_blank, text_lines, too_long
from orchestration.landing.raw_tables import declared_columns, positional
from orchestration.landing.reasons import Reason
from orchestration.landing.sources import Source

DELIMITERS = (",", ";", "\t", "|")
# A record that spans more lines is taken for a stray quote: looking ahead stays cheap.
LOOK_AHEAD_LINES = 1_000
FAST_LINE_BYTES = 2_000_000  # what DuckDB allows by default

# Inside quotes: anything, quotes doubled, up to the quote that closes. Possessive, so a field that
# does not close fails at once.
_CLOSING = re.compile(r'[^"]*+(?:""[^"]*+)*+"(?!")')
_OPENING = re.compile(r' *+"')


class _StrayQuote(Exception):  # noqa: N818  # control flow inside this module
    pass


@dataclass(frozen=True, slots=True)
class Layout:
    """Delimiter and column names of a file, and the line its header is on (0: it has none).

    ``is_known`` is false when none of its columns is one that the source needs.
    """

    delimiter: str
    names: tuple[str, ...]
    header_line: int
    is_known: bool
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """How many lines a file has, and whether nothing in its bytes asks for the exact way."""

    line_count: int
    is_plain: bool


def layout_of(stream: ByteStream, source: Source, limit: int) -> Layout:
    """Find delimiter and columns from the first line that is not blank.

    It is a header if it names at least two declared columns (or its only one). Else, if it has as
    many fields as the source's declared header, that is the order. Else the file's columns are
    unknown.
    """
    lines = ((line.number, line.text) for line in text_lines(stream, limit) if not is_blank(line))
    number, first = next(lines, (0, ""))
    splits = {delimiter: _fields_of(first, delimiter) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=lambda delimiter: source.knows(splits[delimiter]))
    names = tuple(name.strip() for name in splits[best])
    if source.knows(names) >= max(1, min(2, len(names))):
        return Layout(best, names, number, source.accepts(names))
    for delimiter, fields in splits.items():
        if source.header and len(fields) == len(source.header):
            note = "no header line; columns taken in the declared order"
            return Layout(delimiter, source.header, 0, True, note)
    widest = max(DELIMITERS, key=lambda delimiter: len(splits[delimiter]))
    return Layout(widest, tuple(splits[widest]), 0, False)


def _fields_of(text: str, delimiter: str) -> list[str]:
    fields: list[str] = []
    with suppress(_StrayQuote):
        _Splitter(delimiter).split(text, fields)
    return fields


def survey(stream: ByteStream) -> Survey:
    """Count lines; look for what DuckDB reads in its own way: NUL bytes, odd line ends, damage."""
    lines = returns = pairs = 0
    last = b""
    is_plain = True
    for chunk in stream:
        if not chunk:
            continue
        lines += chunk.count(b"\n")
        returns += chunk.count(b"\r")
        pairs += chunk.count(b"\r\n") + (last == b"\r" and chunk[:1] == b"\n")
        is_plain = is_plain and b"\0" not in chunk and returns in (0, pairs, pairs + 1)
        last = chunk[-1:]
        if not is_plain:
            break
    is_plain = is_plain and stream.damage is None and (returns == 0 or returns == pairs == lines)
    return Survey(lines + (last not in (b"", b"\n")), is_plain)


def read_fast(writer: FileWriter, stream: ByteStream, layout: Layout, limit: int) -> None:
    """Load a clean file through DuckDB's own reader.

    Raises:
        NotClean: It is not clean; what was written so far is to be rolled back.
    """
    seen = survey(stream)
    # One column: DuckDB takes a blank line for a row. An unknown layout has no columns to load.
    if not seen.is_plain or not layout.is_known or len(layout.names) == 1:
        raise NotClean
    names = positional(len(layout.names))
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
    relation = (
        "read_csv(?, auto_detect = false, header = false, skip = ?, delim = ?, "
        "quote = '\"', escape = '\"', strict_mode = true, hive_partitioning = false, "
        f"compression = ?, max_line_size = ?, columns = {{{columns}}})"
    )
    options = [
        layout.header_line,
        layout.delimiter,
        "gzip" if stream.is_gzip else "none",
        min(limit, FAST_LINE_BYTES),
    ]
    try:
        count = writer.insert(
            f"row_number() over () + {layout.header_line}",
            declared_columns(layout.names, writer.source),
            relation,
            [escape(str(stream.path)), *options],
        )
    # a row that is longer than its buffer the reader reports as not implemented
    except (
        duckdb.InvalidInputException,
        duckdb.IOException,
        duckdb.NotImplementedException,
    ) as error:
        raise NotClean from error
    if count != seen.line_count - layout.header_line:
        raise NotClean
    writer.delimiter = layout.delimiter
    if layout.note:
        writer.note(layout.note)


def read_exactly(writer: FileWriter, stream: ByteStream, layout: Layout, limit: int) -> None:
    """Load a file record by record; what is no record is set aside, and reading goes on with the
    next line."""
    lines = islice(text_lines(stream, limit), layout.header_line, None)
    if layout.note:
        writer.note(layout.note)
    if layout.is_known:
        writer.delimiter = layout.delimiter
        writer.deliver(len(layout.names), declared_columns(layout.names, writer.source))
        _Records(writer, lines, layout, limit).read()
    else:
        detail = writer.source.refusal(layout.names)
        for line in lines:
            if not is_blank(line):
                writer.note(detail)
                writer.set_aside(line.number, Reason.UNKNOWN_COLUMNS, detail, line.text)
    if stream.damage:
        writer.note(stream.damage)


class _Splitter:
    """Cuts lines into fields. A field is quoted when it begins with a quote (spaces before and
    after do not count)."""

    def __init__(self, delimiter: str) -> None:
        self.delimiter = delimiter
        self.after_quotes = re.compile(f" *+({re.escape(delimiter)}|$)")

    def split(self, text: str, fields: list[str], at: int = 0) -> list[str] | None:
        """Append the fields of ``text`` from ``at`` on.

        Returns:
            None, or the beginning of a quoted field that the line leaves open, for ``close``.

        Raises:
            _StrayQuote: Text follows a closing quote.
        """
        while True:
            opening = _OPENING.match(text, at)
            if opening is None:
                end = text.find(self.delimiter, at)
                if end < 0:
                    fields.append(text[at:])
                    return None
                fields.append(text[at:end])
                at = end + 1
                continue
            closing = _CLOSING.match(text, opening.end())
            if closing is None:
                return [text[opening.end() :]]
            fields.append(text[opening.end() : closing.end() - 1].replace('""', '"'))
            after = self.after_quotes.match(text, closing.end())
            if after is None:
                raise _StrayQuote
            if not after[1]:
                return None
            at = after.end()

    def close(self, text: str, opened: list[str], fields: list[str]) -> list[str] | None:
        """Go on in the next line of an open field; returns and raises as ``split``."""
        closing = _CLOSING.match(text)
        opened.append(text if closing is None else text[: closing.end() - 1])
        if closing is None:
            return opened
        fields.append("".join(opened).replace('""', '"'))
        after = self.after_quotes.match(text, closing.end())
        if after is None:
            raise _StrayQuote
        return self.split(text, fields, after.end()) if after[1] else None


class _Records:
    """The records of one file, from its lines to the writer.

    A quote that opens may be stray. So a record that does not close, or closes with the wrong
    number of fields, costs its first line only: the lines it had taken are put back and read again
    as records of their own.
    """

    def __init__(
        self, writer: FileWriter, lines: Iterator[Line], layout: Layout, limit: int
    ) -> None:
        self.writer = writer
        self.lines = lines
        self.put_back: deque[Line] = deque()
        self.splitter = _Splitter(layout.delimiter)
        self.width = len(layout.names)
        self.against = "header" if layout.header_line else "declared order"
        self.limit = limit

    def read(self) -> None:
        """Read to the end of the file."""
        while line := self._next():
            if is_blank(line):
                continue
            if line.byte_size > self.limit:
                self.writer.set_aside(line.number, *too_long(line.byte_size, self.limit), line.text)
            elif '"' in line.text:
                self._read_quoted(line)
            else:
                self._take([line], line.text.split(self.splitter.delimiter))

    def _next(self) -> Line | None:
        return self.put_back.popleft() if self.put_back else next(self.lines, None)

    def _read_quoted(self, first: Line) -> None:
        taken = [first]
        fields: list[str] = []
        size = first.byte_size
        try:
            opened = self.splitter.split(first.text, fields)
            while opened is not None:
                line = self._next()
                if line is None:
                    reason = Reason.CUT_ROW if _ends_the_file(taken) else Reason.UNCLOSED_QUOTE
                    self._refuse(taken, reason, "a quote opens a field and is never closed")
                    return
                taken.append(line)
                size += line.byte_size
                if len(taken) > LOOK_AHEAD_LINES or size > self.limit:
                    bounds = f"{LOOK_AHEAD_LINES} lines or {self.limit} bytes"
                    detail = f"a quote opens a field and is not closed within {bounds}"
                    self._refuse(taken, Reason.UNCLOSED_QUOTE, detail)
                    return
                opened.append(taken[-2].end)
                opened = self.splitter.close(line.text, opened, fields)
        except _StrayQuote:
            self._refuse(
                taken, Reason.STRAY_QUOTE, "text follows a closing quote before the next delimiter"
            )
            return
        self._take(taken, fields)

    def _take(self, taken: Sequence[Line], fields: list[str]) -> None:
        first, last = taken[0], taken[-1]
        while len(fields) > self.width and not fields[-1]:
            fields.pop()  # a delimiter too many at the end says nothing
        if len(fields) != self.width:
            count = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
            reason = (
                Reason.CUT_ROW
                if len(fields) < self.width and _ends_the_file(taken)
                else Reason.WRONG_FIELD_COUNT
            )
            self._refuse(taken, reason, f"{count} where the {self.against} has {self.width}")
        elif last.is_cut:
            self._refuse(taken, Reason.CUT_ROW, "the last field may not be whole")
        else:
            mended = next((line.mended for line in taken if line.mended), None)
            if mended:
                text = "".join(line.text + line.end for line in taken[:-1]) + last.text
                self.writer.repaired(first.number, mended, MENDED_DETAILS[mended], text)
            self.writer.add(first.number, fields, sum(map(len, fields)))

    def _refuse(self, taken: Sequence[Line], reason: Reason, detail: str) -> None:
        first = taken[0]
        self.put_back.extendleft(reversed(taken[1:]))
        if reason == Reason.CUT_ROW:
            detail += "; the file ends inside this record"
            self.writer.note("the file ends inside its last record")
        self.writer.set_aside(first.number, reason, detail, first.text)


def _ends_the_file(taken: Sequence[Line]) -> bool:
    """Whether a record is one line that has no end: the file stops in it."""
    return len(taken) == 1 and not taken[0].end
