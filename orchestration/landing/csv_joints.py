"""Files that were put one behind the other without an end of a line between them.

Belongs here: where in a line another one begins. Not here: when that is asked, and what becomes of
both sides (`csv_records`).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from orchestration.landing.csv_fields import Splitter, StrayQuote
from orchestration.landing.lines import MARK, Line

_QUOTE = re.compile(f'{MARK}? *+"')
_PARTS_A_ROW = 100  # a row of more packed parts is taken for none, which bounds the time
_PARTS_A_HEADER = 3
_NAME_CHARACTERS = 200


class State(NamedTuple):
    """How far a record is: whether its last field is open (``is_bare``: though not quoted), and how
    many stand before that."""

    is_open: bool = False
    count: int = 0
    is_bare: bool = False


class Begin(NamedTuple):
    """The place in a line where another file begins, and whether with its header."""

    place: int
    is_header: bool


@dataclass(frozen=True, slots=True)
class Joints:
    """Where in a line other files begin, by what rows look like.

    A header begins one whatever stands before it. What a packed file holds behind another begins a
    row where both sides have all columns; of one column each part of a value has.

    Attributes:
        splitter: cuts a line into fields.
        needed: fields a row has at least.
        width: fields a row has at most.
        header_text: the line of the header; empty where there is none.
        is_header: whether fields are those of a header.
        may_be_first: whether a field may be the first of these.
        opens_a_row: whether a line that leaves a quoted field open is a row with those that follow.
    """

    splitter: Splitter
    needed: int
    width: int
    header_text: str
    is_header: Callable[[list[str]], bool]
    may_be_first: Callable[[str], bool]
    opens_a_row: Callable[[Line], bool]

    def candidates(self, line: Line) -> list[int]:
        """The places in a line where another file may begin, in order."""
        text, header = line.text, self.header_text
        last = len(text) - len(header)
        has_header = self.needed > 1 and header and last > 0 and text.endswith(header)
        if not line.joints and not has_header and MARK not in text:
            return []  # as nearly all
        found = {*line.joints}
        for mark in re.finditer(MARK, text):
            if self._may_begin_a_header(text, mark.start()):
                found.add(mark.start())
        if has_header:
            found.add(last - (text[last - 1] == MARK))
        return sorted(place for place in found if 0 < place < len(text))

    def hide_in(self, line: Line) -> bool:
        """Whether another file may begin in a line that is, or ends, a row: with a header behind a
        byte order mark, or with a quote, which is nothing but text within a field."""
        return MARK in line.text or (
            bool(line.joints) and any(_QUOTE.match(line.text, each) for each in line.joints)
        )

    def begins(self, line: Line, candidates: Sequence[int], before: State) -> list[Begin]:
        """Where other files do begin in a line, whose record is as far as ``before``. Goes through
        it once, so the time grows as its length."""
        text, joints = line.text, {*line.joints}
        found: list[Begin] = []
        ends = [*candidates[1:], len(text)]
        begin, parts, state = 0, 0, before
        for at, place in enumerate(candidates):
            parts += 1
            next_ends = ends[at : at + _PARTS_A_ROW]
            is_header = self._begins_a_header(text, place, next_ends[:_PARTS_A_HEADER])
            is_row = False
            if not is_header and place in joints and self.needed > 1 and parts <= _PARTS_A_ROW:
                left = self.after(state, text[begin:place])
                if left is None or left.count + left.is_open > self.width:
                    parts = _PARTS_A_ROW  # more text makes no row of it
                elif not left.is_open and left.count >= self.needed:
                    is_row = self._begins_a_row(line, place, next_ends)
            if is_header or is_row:
                found.append(Begin(place, is_header))
                begin, parts, state = place, 0, State()
        return found

    def after(self, state: State, text: str) -> State | None:
        """How far a record is after more text; None where a quote in it is stray."""
        fields: list[str] = []
        try:
            if state.is_open:
                self.splitter.is_open_bare = state.is_bare
                opened = self.splitter.close(text, [""], fields)
            else:
                opened = self.splitter.split(text.removeprefix(MARK), fields)
        except StrayQuote:
            return None
        return State(
            opened is not None,
            state.count + len(fields),
            opened is not None and self.splitter.is_open_bare,
        )

    def _may_begin_a_header(self, text: str, place: int) -> bool:
        begin = text[place : place + _NAME_CHARACTERS].removeprefix(MARK)
        return self.may_be_first(begin.partition(self.splitter.delimiter)[0].strip(' "'))

    def _begins_a_header(self, text: str, place: int, ends: Sequence[int]) -> bool:
        if not self._may_begin_a_header(text, place):
            return False
        for end in ends:
            fields: list[str] = []
            try:
                opened = self.splitter.split(text[place:end].removeprefix(MARK), fields)
            except StrayQuote:
                return False
            if opened is None and self.is_header(fields):
                return True
        return False

    def _begins_a_row(self, line: Line, place: int, ends: Sequence[int]) -> bool:
        for end in ends:
            state = self.after(State(), line.text[place:end])
            if state is None or state.count > self.width:
                return False
            if state.is_open and end == len(line.text):
                return self.opens_a_row(line._replace(text=line.text[place:].removeprefix(MARK)))
            if not state.is_open and state.count >= self.needed:
                return True
        return False
