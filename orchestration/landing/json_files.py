"""JSON dumps: one object a line, or any other way to put objects into a file.

Belongs here: what becomes of each object and of what is none. Not here: objects that are not one a
line (`json_objects`), or the columns of a row (`json_rows`).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from orchestration.landing.file_writer import FileWriter
from orchestration.landing.json_chunks import QUICK_LINES, chunks_of, read_chunk
from orchestration.landing.json_objects import Found, Objects, has_one_a_line, objects_in
from orchestration.landing.json_rows import (
    DECODER,
    DEPTH_LIMIT,
    Places,
    TooDeep,
    kind_in_words,
    mended_escapes,
    row_of,
)
from orchestration.landing.lines import (
    MENDED_DETAILS,
    Line,
    is_blank,
    text_lines,
    too_long,
)
from orchestration.landing.raw_tables import COLUMN_LIMIT, positional, too_wide
from orchestration.landing.reasons import Reason
from orchestration.landing.signatures import SAMPLE_ROWS, other_source
from orchestration.landing.sources import Source
from orchestration.landing.streams import ByteStream

_SHOWN_KEYS = 1_000
_NO_DELIMITER = ""


def read(
    writer: FileWriter, stream: ByteStream, limit: int, folders: Mapping[str, str] | None = None
) -> None:
    """Load a file; what is no JSON object is set aside.

    Args:
        writer: The file's.
        stream: Its bytes.
        limit: Bytes a row may have.
        folders: Columns that its folders give all rows.
    """
    folders = folders or {}
    rows = _Rows(writer, limit, folders)
    is_lines = has_one_a_line(stream, limit)
    found = _found(stream, limit, writer.source.accepts, is_lines)
    first = [each.record for each in islice(found, SAMPLE_ROWS) if each.record is not None]
    names = dict.fromkeys(key for each in [folders, *first] for key in each)
    if skip := other_source(writer.source.name, writer.source.signatures, names, first):
        writer.skip(skip)
        return
    again = _found(stream, limit, writer.source.accepts, is_lines)
    keys = _foreign_keys(again, writer.source, folders)
    if keys is not None:
        rows.refuse(writer.source.refusal(keys))
    if is_lines:
        rows.read_lines(text_lines(stream, limit))
    else:
        objects = Objects(stream, limit, writer.source.accepts)
        rows.read_objects(objects)
        for note in objects.notes:
            writer.note(note)
    for note in stream.notes:
        writer.note(note)


def first_objects(
    stream: ByteStream, limit: int, accepts: Callable[[list[str]], bool]
) -> Iterator[dict[str, Any]]:
    """The objects of a file as they come, without what is none.

    Args:
        stream: The file's bytes.
        limit: Bytes a row may have.
        accepts: Whether an object with these keys may be a row.
    """
    for each in _found(stream, limit, accepts, has_one_a_line(stream, limit)):
        if each.record is not None:
            yield each.record


class _Rows:
    """The rows of one file, from its objects to the writer."""

    def __init__(self, writer: FileWriter, limit: int, folders: Mapping[str, str]) -> None:
        self.writer = writer
        self.limit = limit
        self.places = Places(writer.source, folders)
        self.refusal: str | None = None
        self.is_quick = True
        self.more = 0  # objects that shared a line with others: they count as lines of their own
        writer.deliver(self.places.width, positional(self.places.width))

    def refuse(self, detail: str) -> None:
        """Set all rows aside: the file's columns are none of the source's."""
        self.refusal = detail
        self.writer.note(detail)

    def read_lines(self, lines: Iterator[Line]) -> None:
        """Read a file of one object a line."""
        for chunk in chunks_of(lines):
            self._read_exactly(self._quickly_read(chunk))

    def _quickly_read(self, lines: list[Line]) -> list[Line]:
        """Load the lines that DuckDB can read; the others."""
        if (
            not self.is_quick
            or len(lines) < QUICK_LINES
            # columns of folders are joined row by row, and numbers of lines are to be known before
            or (self.refusal or self.places.folders or self.more)
            or any(line.byte_size > self.limit for line in lines)
        ):
            return lines
        others = read_chunk(self.writer, lines)
        # what most rows are too odd for is not tried on the next ones
        self.is_quick = 2 * len(others) <= len(lines)
        return others

    def _read_exactly(self, lines: Iterable[Line]) -> None:
        writer, limit, decode, take = self.writer, self.limit, DECODER.decode, self.take
        for line in lines:
            if is_blank(line, _NO_DELIMITER):
                continue
            number = line.number + self.more
            if self.refusal:
                writer.set_aside(number, Reason.UNKNOWN_COLUMNS, self.refusal, line.text)
                continue
            if line.byte_size > limit:
                writer.set_aside(number, *too_long(line.byte_size, limit), line.text)
                continue
            try:
                record = decode(line.text)
            except (ValueError, RecursionError) as error:
                several = objects_in(line.text)
                if not several:
                    writer.set_aside(number, *_fault(writer, line, error), line.text)
                for nth, (text, each) in enumerate(several):
                    self.take(number + nth, text, each, line.mended)
                if len(several) > 1:
                    writer.note("several objects on one line; lines are counted by objects")
                    self.more += len(several) - 1
                continue
            if not isinstance(record, dict):
                detail = f"the line holds {kind_in_words(record)}, not an object"
                writer.set_aside(number, Reason.NOT_AN_OBJECT, detail, line.text)
                continue
            take(number, line.text, record, line.mended)

    def read_objects(self, objects: Objects) -> None:
        """Read a file of any other form."""
        for line, text, record, fault, mended in objects:
            if fault is None and self.refusal:
                fault = (Reason.UNKNOWN_COLUMNS, self.refusal)
            if fault is None:
                self.take(line, text, record, mended)
            else:
                self.writer.set_aside(line, *fault, text)

    def take(self, line: int, text: str, record: dict[str, Any], mended: Reason | None) -> None:
        """Take one object."""
        if len(record) > COLUMN_LIMIT:
            detail = too_wide("row", len(record))
            self.writer.set_aside(line, Reason.UNKNOWN_COLUMNS, detail, text)
            return
        try:
            row = row_of(record, self.places)
        except TooDeep:
            detail = f"nested more than {DEPTH_LIMIT} deep"
            self.writer.set_aside(line, Reason.BAD_JSON, detail, text)
            return
        if "\\u" in text and (better := [cell and mended_escapes(cell) for cell in row]) != row:
            row, mended = better, mended or Reason.BAD_ESCAPE
        if mended:
            self.writer.repaired(line, mended, MENDED_DETAILS[mended], text)
        self.writer.add(line, row, len(text))


def _found(
    stream: ByteStream, limit: int, accepts: Callable[[list[str]], bool], is_lines: bool
) -> Iterator[Found]:
    """The objects of a file, in whatever form it is."""
    if not is_lines:
        yield from Objects(stream, limit, accepts)
        return
    for line in text_lines(stream, limit):
        if is_blank(line, _NO_DELIMITER) or line.byte_size > limit:
            continue
        for text, record in objects_in(line.text):
            yield Found(line.number, text, record)


def _foreign_keys(
    found: Iterator[Found], source: Source, folders: Mapping[str, str]
) -> list[str] | None:
    """The keys of a file none of whose objects has a required one; None for a file of the source's,
    or without objects.

    Reads up to the first object that has one, mostly the first line.
    """
    keys: dict[str, None] = {}
    for each in found:
        if each.record is None:
            continue
        if source.accepts([*each.record, *folders]):
            return None
        if len(keys) < _SHOWN_KEYS:
            keys.update(dict.fromkeys(each.record))
    return list(keys) if keys else None


def _fault(writer: FileWriter, line: Line, error: Exception) -> tuple[Reason, str]:
    if isinstance(error, RecursionError):
        return Reason.BAD_JSON, "nested too deeply"
    detail = (
        f"no JSON: {error.msg} at column {error.colno}"
        if isinstance(error, json.JSONDecodeError)
        else str(error)
    )
    if line.end:
        return Reason.BAD_JSON, detail
    writer.note("the file ends inside its last record")
    return Reason.CUT_ROW, f"{detail}; the file ends inside this record"
