"""JSONL dumps: one object a line. Numbers keep their text, nested values stay JSON.

Python's own decoder, for it is the one that hands numbers over as they are written: DuckDB and
polars make floats of them, and 12.50, an id of 20 digits or a decimal of 20 places would come out
changed.
"""

import json
from collections.abc import Iterator
from json.encoder import encode_basestring
from typing import Any

from orchestration.landing.file_writer import FileWriter
from orchestration.landing.files import ByteStream
from orchestration.landing.lines import MENDED_DETAILS, Line, is_blank, text_lines, too_long
from orchestration.landing.raw_tables import extra_text, positional
from orchestration.landing.reasons import Reason
from orchestration.landing.sources import Source


class _Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


def _constant(name: str) -> _Number | None:
    return None if name == "NaN" else _Number(name)


_DECODER = json.JSONDecoder(
    parse_float=_Number, parse_int=_Number, parse_constant=_constant, strict=False
)


def read(writer: FileWriter, stream: ByteStream, limit: int) -> None:
    """Load a file line by line; a line that is no JSON object is set aside."""
    source = writer.source
    if (keys := _foreign_keys(stream, source, limit)) is not None:
        detail = source.refusal(keys)
        writer.note(detail)
        for line in text_lines(stream, limit):
            if not is_blank(line):
                writer.set_aside(line.number, Reason.UNKNOWN_COLUMNS, detail, line.text)
        return
    width = len(source.column_names) + 1
    writer.deliver(width, positional(width))
    places = _Places(source)
    for line in text_lines(stream, limit):
        if is_blank(line):
            continue
        if line.byte_size > limit:
            writer.set_aside(line.number, *too_long(line.byte_size, limit), line.text)
            continue
        try:
            record = _DECODER.decode(line.text)
        except (ValueError, RecursionError) as error:
            writer.set_aside(line.number, *_fault(writer, line, error), line.text)
            continue
        if not isinstance(record, dict):
            detail = f"the line holds {_kind(record)}, not an object"
            writer.set_aside(line.number, Reason.NOT_AN_OBJECT, detail, line.text)
            continue
        row, mended = _row(record, places), line.mended
        if "\\u" in line.text and (better := [text and _mended(text) for text in row]) != row:
            row, mended = better, mended or Reason.BAD_ESCAPE
        if mended:
            writer.repaired(line.number, mended, MENDED_DETAILS[mended], line.text)
        writer.add(line.number, row, len(line.text))
    if stream.damage:
        writer.note(stream.damage)


class _Places(dict[str, tuple[int, int] | None]):
    """Where a delivered key goes: position of its column and rank of the name; None: ``_extra``."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def __missing__(self, key: str) -> tuple[int, int] | None:
        if len(self) > 10_000:  # keys that are data: do not remember them all
            self.clear()
        target = self.source.target(key)
        place = target and (self.source.column_names.index(target[0]), target[1])
        self[key] = place
        return place


def _row(record: dict[str, Any], places: _Places) -> list[str | None]:
    """The row of the table: declared columns in order, then ``_extra``.

    Of several keys for one column the best name wins; the others stay in ``_extra``.
    """
    row: list[str | None] = [None] * (len(places.source.column_names) + 1)
    winners: dict[int, str] = {}
    extras: dict[str, str] = {}
    for key, value in record.items():
        if value is None or value == "":
            continue
        text = value if type(value) is str else _json_text(value)
        place = places[key]
        if place is None:
            extras[key] = text
            continue
        at, rank = place
        if at in winners:
            earlier = winners[at]
            if (places[earlier][1], earlier) < (rank, key):
                extras[key] = text
                continue
            extras[earlier] = row[at]
        row[at] = text
        winners[at] = key
    row[-1] = extra_text(extras)
    return row


def _json_text(value: Any) -> str:
    """JSON of a decoded value; numbers as they were written."""
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if kind is _Number:
        return str(value)  # without the class, whose instances burden the garbage collector
    if kind is dict:
        return (
            "{"
            + ",".join(
                f"{encode_basestring(key)}:{_json_text(held)}" for key, held in value.items()
            )
            + "}"
        )
    if kind is list:
        return "[" + ",".join(map(_json_text, value)) + "]"
    return {None: "null", True: "true", False: "false"}[value]


def _mended(text: str) -> str:
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\0", "")


def _foreign_keys(stream: ByteStream, source: Source, limit: int) -> list[str] | None:
    """The keys of a file none of whose objects has a required one; None for a file of the source's,
    or without objects.

    Reads up to the first object that has one, mostly the first line.
    """
    keys: dict[str, None] = {}
    for line in text_lines(stream, limit):
        if is_blank(line) or line.byte_size > limit:
            continue
        for record in _decoded(line):
            if source.accepts(list(record)):
                return None
            if len(keys) < 1_000:
                keys.update(dict.fromkeys(record))
    return list(keys) if keys else None


def _decoded(line: Line) -> Iterator[dict[str, Any]]:
    try:
        record = _DECODER.decode(line.text)
    except (ValueError, RecursionError):
        return
    if isinstance(record, dict):
        yield record


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


def _kind(value: Any) -> str:
    if isinstance(value, _Number):
        return "a number"
    return {str: "a text", list: "a list", bool: "true or false"}.get(type(value), "null")
