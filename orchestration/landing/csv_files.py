"""CSV dumps. Two ways to the same rows: DuckDB's parallel reader for files without a fault, else
record by record.

Belongs here: reading the rows of a CSV file. Not here: its delimiter and header (`csv_layout`), the
fields of a line (`csv_fields`), its lines (`lines`), or writing the rows (`file_writer`).

A file may go the fast way only if DuckDB reads it in strict mode without an error and finds one
record on every line; then record n is line n, and both ways agree to the letter (a test holds them
to it). Everything else, a quoted line break or one bad row is enough, is read here record by
record, which knows lines, faults and how to go on after them.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from glob import escape

import duckdb

from orchestration.ground.sql import literal, quoted
from orchestration.landing.csv_fields import Splitter, StrayQuote
from orchestration.landing.csv_layout import Layout, is_header, names_in
from orchestration.landing.csv_plain import Lines, PlainRows, Shape
from orchestration.landing.file_writer import FileWriter, NotClean
from orchestration.landing.json_rows import Places, row_of
from orchestration.landing.lines import (
    MARK,
    MENDED_DETAILS,
    Line,
    is_blank,
    too_long,
)
from orchestration.landing.raw_tables import (
    COLUMN_LIMIT,
    WIDE_COLUMNS,
    declared_columns,
    positional,
    raw_table,
    too_wide,
    unlike,
)
from orchestration.landing.reasons import Reason
from orchestration.landing.streams import ByteStream
from orchestration.landing.text_encodings import UTF8_MARK

# A record that spans more lines is taken for a stray quote: looking ahead stays cheap.
LOOK_AHEAD_LINES = 1_000
FAST_LINE_BYTES = 2_000_000  # what DuckDB allows by default


@dataclass(frozen=True, slots=True)
class Survey:
    """How many lines a file has, and whether nothing in its bytes asks for the exact way."""

    line_count: int
    is_plain: bool


def survey(stream: ByteStream, *, has_backslashes: bool = False) -> Survey:
    """Count lines; look for what DuckDB reads in its own way: NUL bytes, odd line ends, damage, a
    byte order mark within the file, and backslashes where they are escapes."""
    lines = returns = pairs = 0
    last = b""
    tail = b"\n"  # so that the mark at the very beginning is none within the file
    is_plain = True
    for chunk in stream:
        if not chunk:
            continue
        lines += chunk.count(b"\n")
        returns += chunk.count(b"\r")
        pairs += chunk.count(b"\r\n") + (last == b"\r" and chunk[:1] == b"\n")
        is_plain = is_plain and b"\0" not in chunk and returns in (0, pairs, pairs + 1)
        is_plain = is_plain and not (has_backslashes and b"\\" in chunk)
        begin = tail + chunk[:2] if tail != b"\n" else b""
        is_plain = is_plain and UTF8_MARK not in begin and chunk.find(UTF8_MARK, tail == b"\n") < 0
        last, tail = chunk[-1:], chunk[-2:]
        if not is_plain:
            break
    is_plain = is_plain and stream.damage is None and (returns == 0 or returns == pairs == lines)
    return Survey(lines + (last not in (b"", b"\n")), is_plain)


def read_fast(
    writer: FileWriter,
    stream: ByteStream,
    layout: Layout,
    limit: int,
    folders: dict[str, str] | None = None,
) -> None:
    """Load a clean file through DuckDB's own reader.

    Args:
        writer: The file's.
        stream: Its bytes.
        layout: Its columns.
        limit: Bytes a row may have.
        folders: Columns that its folders give all rows.

    Raises:
        NotClean: It is not clean; what was written so far is to be rolled back.
    """
    width = len(layout.names)
    # One column: DuckDB takes a blank line for a row. An unknown layout has no columns to load.
    if not layout.is_known or width == 1 or width > WIDE_COLUMNS or stream.encoding != "utf-8":
        raise NotClean
    seen = survey(stream, has_backslashes=layout.escape == "backslash")
    if not seen.is_plain or layout.has_quote_above:
        raise NotClean
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in positional(width))
    quote = "" if layout.escape == "none" else '"'
    relation = (
        "read_csv(?, auto_detect = false, header = false, skip = ?, delim = ?, "
        f"quote = '{quote}', escape = '{quote}', strict_mode = true, hive_partitioning = false, "
        f"compression = ?, max_line_size = ?, columns = {{{columns}}})"
    )
    names, relation = with_folders(layout.names, relation, folders)
    options = [
        layout.skipped_lines,
        layout.delimiter,
        stream.compression or "none",
        min(limit, FAST_LINE_BYTES),
    ]
    try:
        count = writer.insert(
            f"row_number() over () + {layout.skipped_lines}",
            declared_columns(names, writer.source),
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
    if count != seen.line_count - layout.skipped_lines or _has_header_row(writer, layout):
        raise NotClean
    writer.delimiter = layout.delimiter
    if layout.note:
        writer.note(layout.note)


def with_folders(
    names: Sequence[str], relation: str, folders: dict[str, str] | None
) -> tuple[list[str], str]:
    """Names and SQL of a relation with the columns that folders give, where it has none of that
    name."""
    more = {name: value for name, value in (folders or {}).items() if name not in names}
    if not more:
        return [*names], relation
    added = ", ".join(
        f"{literal(value)} as d{at}" for at, value in enumerate(more.values(), start=len(names))
    )
    return [*names, *more], f"(select *, {added} from {relation})"


def read_exactly(
    writer: FileWriter,
    stream: ByteStream,
    layout: Layout,
    limit: int,
    folders: dict[str, str] | None = None,
) -> None:
    """Load a file record by record; what is no record is set aside, and reading goes on with the
    next line. Arguments as ``read_fast``."""
    lines = Lines(stream, limit, layout.skipped_lines)
    if layout.note:
        writer.note(layout.note)
    if layout.is_known and len(layout.names) <= COLUMN_LIMIT:
        writer.delimiter = layout.delimiter
        _Records(writer, lines, layout, limit, folders or {}).read()
    else:
        detail = writer.source.refusal(layout.names)
        if len(layout.names) > COLUMN_LIMIT:
            detail = too_wide("file", len(layout.names))
        for line in lines:
            if not is_blank(line, layout.delimiter):
                writer.note(detail)
                writer.set_aside(line.number, Reason.UNKNOWN_COLUMNS, detail, line.text)
    for note in stream.notes:
        writer.note(note)


def _has_header_row(writer: FileWriter, layout: Layout) -> bool:
    """Whether a header was read as a row: then a column that rows need holds the name of one."""
    source = writer.source
    for name in layout.names:
        target = source.target(name)
        if target and target[0] in source.required_names:
            names = ", ".join(map(literal, sorted({*layout.names, *source.spellings})))
            found = writer.con.execute(
                f"select 1 from {raw_table(source)} where _load_id = ?"
                f" and {quoted(target[0])} in ({names}) limit 1",
                [writer.load_id],
            ).fetchall()
            return bool(found)
    return False


class _Records:
    """The records of one file, from its lines to the writer.

    A quote that opens may be stray. So a record that does not close, or closes with the wrong
    number of fields, costs its first line only: the lines it had taken are put back and read again
    as records of their own.
    """

    def __init__(
        self,
        writer: FileWriter,
        lines: Lines,
        layout: Layout,
        limit: int,
        folders: dict[str, str],
    ) -> None:
        self.writer = writer
        self.lines = lines
        self.put_back: deque[Line] = deque()
        self.splitter = Splitter(layout.delimiter, layout.escape)
        self.against = "header" if layout.header_line else "declared order"
        self.limit = limit
        self.folders = folders
        self.has_repeated = False
        # what the first field of another header may be, as it is mostly spelled
        self.first_names = {layout.names[0], *writer.source.spellings}
        self.plain: PlainRows | None = None
        self._begin(layout.names)

    def _begin(self, names: Sequence[str]) -> None:
        """Take what follows for rows of these columns."""
        self.names, self.width = tuple(names), len(names)
        more = {name: value for name, value in self.folders.items() if name not in names}
        self.constants = [*more.values()]
        self.wide_names: list[str] | None = None
        if self.width > WIDE_COLUMNS:
            self.wide_names = unlike([*names, *more])
            self.places = Places(self.writer.source, {})
            self.writer.deliver(self.places.width, positional(self.places.width))
            return
        self.writer.deliver(
            self.width + len(more), declared_columns([*names, *more], self.writer.source)
        )
        if self.width > 1:  # a row of one field may be blank, and so none
            shape = Shape(
                self.splitter.delimiter.encode(),
                self.width,
                frozenset(each.encode() for each in self.first_names),
                self.splitter.has_backslashes,
            )
            self.plain = PlainRows(self.writer, shape, self.constants)

    def _finish_plain(self) -> None:
        if self.plain:
            self.plain.finish()
        self.plain = None

    def read(self) -> None:
        """Read to the end of the file."""
        while line := self._next_not_plain():
            if is_blank(line, self.splitter.delimiter):
                continue
            if MARK in line.text:
                line = self._unmarked(line)
            if line.byte_size > self.limit:
                self.writer.set_aside(line.number, *too_long(line.byte_size, self.limit), line.text)
            elif '"' in line.text or (self.splitter.has_backslashes and "\\" in line.text):
                self._read_quoted(line)
            else:
                self._take([line], line.text.split(self.splitter.delimiter))

    def _unmarked(self, line: Line) -> Line:
        """A line without the mark of a file that was put behind another; where that one's last line
        had no end, the rest is a line of its own."""
        text = line.text.removeprefix(MARK)
        before, mark, after = text.partition(MARK)
        if mark and self._header_in(after) is not None:
            self.put_back.appendleft(line._replace(text=after))
            text = before
        return line._replace(text=text)

    def _header_in(self, text: str) -> tuple[str, ...] | None:
        fields: list[str] = []
        try:
            if self.splitter.split(text, fields) is not None:
                return None
        except StrayQuote:
            return None
        names = names_in(fields)
        return names if names == self.names or is_header(names, self.writer.source) else None

    def _next_not_plain(self) -> Line | None:
        """The next line that is not plain; the plain ones before it are taken."""
        while self.plain and not self.put_back:
            rows = self.lines.take_plain(self.plain.shape)
            if not rows:
                break
            self.plain.add(*rows)
        if line := self._next():
            return line
        self._finish_plain()
        return None

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
                if line is None and self.splitter.is_open_bare and not taken[-1].is_cut:
                    fields.append(self.splitter.bare_field(opened))
                    break
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
        except StrayQuote:
            self._refuse(
                taken, Reason.STRAY_QUOTE, "text follows a closing quote before the next delimiter"
            )
            return
        self._take(taken, fields)

    def _take(self, taken: Sequence[Line], fields: list[str]) -> None:
        first, last = taken[0], taken[-1]
        if fields[0] in self.first_names and self._is_header(first, fields):
            return
        while len(fields) > self.width and not fields[-1]:
            fields.pop()  # a delimiter too many at the end says nothing
        while len(fields) < self.width and not self.names[len(fields)]:
            fields.append("")  # nor does one at the end of the header
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
            if self.constants:
                fields = [*fields, *self.constants]
            length = sum(map(len, fields))
            if self.wide_names:
                fields = row_of(dict(zip(self.wide_names, fields, strict=True)), self.places)
            self.writer.add(first.number, fields, length)

    def _is_header(self, line: Line, fields: list[str]) -> bool:
        """Whether a record is the header of another file, which is no row; what follows it is read
        as it says."""
        names = names_in(fields)
        if names != self.names:
            while names and not names[-1]:
                names = names[:-1]
            if not is_header(names, self.writer.source):
                return False
        if names == self.names:
            if not self.has_repeated:
                self.writer.note(f"the header is repeated, first on line {line.number}")
            self.has_repeated = True
        else:
            self.writer.note(f"another header is on line {line.number}; it holds for what follows")
            self._finish_plain()
            self.writer.finish()
            self._begin(names)
        return True

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
