"""The records of a CSV file, one by one, which is the exact way to read it.

Belongs here: which lines make a record, and what becomes of one that is none. Not here: whether a
file goes this way (`csv_files`), cutting a line into fields (`csv_fields`), and runs of rows that
ask for no care (`csv_plain`).
"""

from collections import deque
from collections.abc import Sequence
from itertools import pairwise

from orchestration.landing.csv_fields import Splitter, StrayQuote, fields_of
from orchestration.landing.csv_layout import Layout, header_keys, is_header, names_in
from orchestration.landing.csv_plain import Lines, PlainRows, Shape
from orchestration.landing.file_writer import FileWriter
from orchestration.landing.json_rows import Places, row_of
from orchestration.landing.lines import MARK, MENDED_DETAILS, Line, is_blank, too_long
from orchestration.landing.raw_tables import WIDE_COLUMNS, declared_columns, positional, unlike
from orchestration.landing.reasons import Reason
from orchestration.landing.signatures import name_key

# A record that spans more lines is taken for a stray quote: looking ahead stays cheap.
LOOK_AHEAD_LINES = 1_000


class Records:
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
        """Begin with the columns that the layout says."""
        self.writer = writer
        self.lines = lines
        self.put_back: deque[Line] = deque()
        self.splitter = Splitter(layout.delimiter, layout.escape)
        self.against = "header" if layout.header_line else "declared order"
        self.limit = limit
        self.folders = folders
        self.has_repeated = False
        # what the first field of another header may be
        self.header_keys = header_keys(layout.names, writer.source)
        self.are_rows_longer = _are_longer(layout)
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
                frozenset(each.encode() for each in self.header_keys),
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
        if name_key(fields[0]) in self.header_keys and self._is_header(first, fields):
            return
        if self.are_rows_longer or not _may_be_cut(fields):
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
        is_same = [*map(name_key, names)] == [*map(name_key, self.names)]
        if not is_same:
            while names and not names[-1]:
                names = names[:-1]
            if not is_header(names, self.writer.source):
                return False
        if is_same:
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


def _are_longer(layout: Layout) -> bool:
    """Whether most rows end with more delimiters than the header."""
    rows = [fields_of(line.text, layout.delimiter, layout.escape) for line in layout.sample]
    longer = [row for row in rows if len(row) > len(layout.names) and not row[-1]]
    return 2 * len(longer) > len(rows)


def _may_be_cut(fields: Sequence[str]) -> bool:
    """Whether a delimiter within a field may have put all behind it into other columns: in `19,90`,
    or before a blank."""
    return any(
        after.startswith(" ") or (after.isdigit() and before[-1:].isdigit())
        for before, after in pairwise(fields)
    )
