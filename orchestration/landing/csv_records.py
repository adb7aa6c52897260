"""The records of a CSV file, one by one, which is the exact way to read it.

Belongs here: which lines make a record, and what becomes of one that is none. Not here: whether a
file goes this way (`csv_files`), cutting a line into fields (`csv_fields`), and runs of rows that
ask for no care (`csv_plain`).
"""

from collections import deque
from collections.abc import Sequence
from itertools import pairwise

from orchestration.landing.csv_fields import Splitter, StrayQuote, fields_of
from orchestration.landing.csv_joints import Begin, Joints, State
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

    Two ends of lines may be none; how many fields there are says so. A carriage return alone is
    one, unless the lines up to the line feed are a row only together. Where a file was put behind
    another whose last line has no end, there is none, unless `csv_joints` finds it.
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
        self.header_text = layout.header_text
        self.more = 0  # packed files whose first row counts as a line of its own
        self.has_repeated = False
        # what the first field of another header may be
        self.header_keys = header_keys(layout.names, writer.source)
        self.are_rows_longer = _are_longer(layout)
        self.plain: PlainRows | None = None
        self._begin(layout.names)

    def _begin(self, names: Sequence[str]) -> None:
        """Take what follows for rows of these columns."""
        self.names, self.width = tuple(names), len(names)
        # fields that a row has at least: a delimiter at the end of the header says nothing
        self.needed = max((at for at, name in enumerate(names, 1) if name), default=0)
        self.joints = Joints(
            self.splitter,
            self.needed,
            self.width,
            self.header_text,
            is_header=lambda fields: self._header_names(fields) is not None,
            may_be_first=lambda field: name_key(field) in self.header_keys,
            opens_a_row=self._opens_a_row,
        )
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
        # a row of one field may be blank, and so none; Arrow cuts at one byte
        if self.width > 1 and self.splitter.delimiter.isascii():
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
            # a carriage return alone may stand at the beginning of a row
            is_empty = is_blank(line, self.splitter.delimiter)
            if is_empty and (line.end != "\r" or line.is_part):
                continue
            if line.text.startswith(MARK):
                line = line._replace(
                    text=line.text[1:], joints=tuple(each - 1 for each in line.joints)
                )
            if line.byte_size > self.limit:
                self.writer.set_aside(line.number, *too_long(line.byte_size, self.limit), line.text)
                continue
            taken, fields = [line], []
            if '"' not in line.text and not (self.splitter.has_backslashes and "\\" in line.text):
                fields = line.text.split(self.splitter.delimiter)
            elif not self._read_quoted(taken, fields):
                continue
            if taken[-1].end == "\r" and not line.is_part and len(fields) < self.needed:
                self._read_to_the_feed(taken, fields)
            if is_empty and len(taken) == 1:
                continue
            if self.joints.hide_in(taken[-1]) and self._put_back_apart(taken):
                continue
            self._take(taken, fields)

    def _header_names(self, fields: list[str]) -> tuple[str, ...] | None:
        """The columns that a record names if it is a header: the file's own or that of another."""
        if name_key(fields[0]) not in self.header_keys:
            return None
        names = names_in(fields)
        if [*map(name_key, names)] == [*map(name_key, self.names)]:
            return self.names
        while not names[-1]:
            names = names[:-1]
        return names if is_header(names, self.writer.source) else None

    def _next_not_plain(self) -> Line | None:
        """The next line that is not plain; the plain ones before it are taken."""
        while self.plain and not self.put_back:
            rows = self.lines.take_plain(self.plain.shape)
            if not rows:
                break
            self.plain.add(rows[0] + self.more, rows[1])
        if line := self._next():
            return line
        self._finish_plain()
        return None

    def _next(self) -> Line | None:
        if self.put_back:
            return self.put_back.popleft()
        line = next(self.lines, None)
        return line._replace(number=line.number + self.more) if line and self.more else line

    def _read_quoted(self, taken: list[Line], fields: list[str]) -> bool:
        """Read a record from its first line on; whether it is one, else that line is refused."""
        first = taken[0]
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
                    return False
                taken.append(line)
                size += line.byte_size
                if len(taken) > LOOK_AHEAD_LINES or size > self.limit:
                    bounds = f"{LOOK_AHEAD_LINES} lines or {self.limit} bytes"
                    detail = f"a quote opens a field and is not closed within {bounds}"
                    self._refuse(taken, Reason.UNCLOSED_QUOTE, detail)
                    return False
                opened.append(taken[-2].end)
                opened = self.splitter.close(line.text, opened, fields)
        except StrayQuote:
            self._refuse(
                taken, Reason.STRAY_QUOTE, "text follows a closing quote before the next delimiter"
            )
            return False
        return True

    def _read_to_the_feed(self, taken: list[Line], fields: list[str]) -> None:
        """Add the lines up to the next line feed, if these are a row only together with what is
        taken: then a carriage return stands within a field. None of them is a row by itself."""
        if taken[-1].text.endswith('"'):
            return
        more: list[Line] = []
        whole = [*fields]
        end = gap = "\r"
        size = sum(line.byte_size for line in taken)
        while end == "\r" and (line := self._next()):
            more.append(line)
            size += line.byte_size
            parts: list[str] = []
            try:
                is_open = self.splitter.split(line.text, parts) is not None
            except StrayQuote:
                break
            if (
                is_open
                or len(parts) >= self.needed
                or len(more) > LOOK_AHEAD_LINES
                or size > self.limit
            ):
                break
            end = line.end
            if line.text:
                whole[-1] += gap + parts[0]
                whole += parts[1:]
                gap = end
            else:
                gap += end
        else:
            if len(whole) == self.width:
                taken += more
                fields[:] = whole
                return
        self.put_back.extendleft(reversed(more))

    def _take(self, taken: Sequence[Line], fields: list[str]) -> None:
        first, last = taken[0], taken[-1]
        if names := self._header_names(fields):
            if not self._put_back_apart(taken):  # of a file without rows only the header is left
                self._take_header(first, names)
            return
        if len(fields) > self.width and (self.are_rows_longer or not _may_be_cut(fields)):
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

    def _take_header(self, line: Line, names: tuple[str, ...]) -> None:
        """Go on after a header of another file, which is no row, as it says."""
        if names == self.names:
            if not self.has_repeated:
                self.writer.note(f"the header is repeated, first on line {line.number}")
            self.has_repeated = True
            return
        self.writer.note(f"another header is on line {line.number}; it holds for what follows")
        self._finish_plain()
        self.writer.finish()
        self.header_text = line.text
        self._begin(names)

    def _put_back_apart(self, taken: Sequence[Line]) -> bool:
        """Put lines back, one of them as several, where other files begin in it. Whether there is
        such a line."""
        state: State | None = State()
        known = 0
        for at, line in enumerate(taken):
            candidates = self.joints.candidates(line)
            if not candidates:
                continue  # as nearly all
            while state and known < at:
                state = self.joints.after(state, taken[known].text)
                known += 1
            rest = taken[at + 1 :]
            self.put_back.extendleft(reversed(rest))
            begins = self.joints.begins(line, candidates, state) if state else []
            if begins:
                self._put_pieces_back([*taken[:at]], line, begins)
                return True
            for _ in rest:
                self.put_back.popleft()
        return False

    def _put_pieces_back(self, before: list[Line], line: Line, begins: list[Begin]) -> None:
        """Put back a line cut where other files begin. A row that does is counted as a line."""
        pieces: list[Line] = []
        more = 0
        places = [0, *(each.place for each in begins), len(line.text)]
        for at, (begin, end) in enumerate(pairwise(places)):
            more += at > 0 and not begins[at - 1].is_header
            text = line.text[begin:end]
            piece = line._replace(
                text=text,
                number=line.number + more,
                byte_size=len(text.encode()),
                is_part=line.is_part and not at,
                joints=(),
            )
            pieces.append(piece if end == places[-1] else piece._replace(end="\n", is_cut=False))
        if more:
            self.writer.note(
                "packed files are put together; what follows one whose last line has no end"
                " counts as the next line"
            )
            self.more += more
        behind = [each._replace(number=each.number + more) for each in self.put_back]
        self.put_back = deque([*before, *pieces, *behind])

    def _opens_a_row(self, line: Line) -> bool:
        """Whether a line is, with those that follow, a row and maybe more behind it."""
        more: list[Line] = []
        fields: list[str] = []
        size = 0
        last = line
        try:
            opened = self.splitter.split(line.text, fields)
            while opened is not None and len(fields) < self.needed:
                following = self._next()
                if following is None or len(more) >= LOOK_AHEAD_LINES or size > self.limit:
                    break
                more.append(following)
                size += following.byte_size
                opened.append(last.end)
                opened = self.splitter.close(following.text, opened, fields)
                last = following
        except StrayQuote:
            pass
        finally:
            self.put_back.extendleft(reversed(more))
        return len(fields) >= self.needed

    def _refuse(self, taken: Sequence[Line], reason: Reason, detail: str) -> None:
        if self._put_back_apart(taken):
            return
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
    or before a blank where not every field has one."""
    blanks = [field.startswith(" ") for field in fields[1:] if field]
    return (any(blanks) and not all(blanks)) or any(
        after.isdigit() and before[-1:].isdigit() for before, after in pairwise(fields)
    )
