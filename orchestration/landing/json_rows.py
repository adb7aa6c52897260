"""From a JSON object to the row of a source's table: numbers keep their text, nested values JSON.

Belongs here: decoding, and placing keys in columns. Not here: where in a file an object stands
(`json_files`, `json_objects`).
"""

import json
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any

from orchestration.landing.date_and_time import date_position, is_clock, joined, time_position
from orchestration.landing.decimals import text_of_number
from orchestration.landing.raw_tables import EMPTY_LIST, extra_text
from orchestration.landing.sources import Source

# Python's own stack bears about a thousand calls, of which Dagster has taken some already.
DEPTH_LIMIT = 500


class TooDeep(Exception):  # noqa: N818  # the row is set aside
    """A value is nested deeper than `DEPTH_LIMIT`."""


class Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


def _constant(name: str) -> Number | None:
    return None if name == "NaN" else Number(name)


# Python's own decoder, for it is the one that hands numbers over as they are written: DuckDB and
# polars make floats of them, and 12.50, an id of 20 digits or a decimal of 20 places would come out
# changed.
DECODER = json.JSONDecoder(
    parse_float=Number, parse_int=Number, parse_constant=_constant, strict=False
)


class Places(dict[str, tuple[int, int] | None]):
    """Where a delivered key goes: position of its column and rank of the name; None: ``_extra``.

    Args:
        source: Whose columns they are.
        folders: Columns that the file's folders give all its rows.
    """

    def __init__(self, source: Source, folders: Mapping[str, str]) -> None:
        """Begin with no key known."""
        self.source = source
        self.folders = {key: value for key, value in folders.items() if value}
        self.width = len(source.column_names) + 1
        time = source.time_name
        self.time_at = None if time is None else source.column_names.index(time)

    def __missing__(self, key: str) -> tuple[int, int] | None:
        """The place of a key that is seen for the first time."""
        if len(self) > 10_000:  # keys that are data: do not remember them all
            self.clear()
        target = self.source.target(key)
        place = target and (self.source.column_names.index(target[0]), target[1])
        self[key] = place
        return place


def row_of(record: dict[str, Any], places: Places) -> list[str | None]:
    """The row of the table: declared columns in order, then ``_extra``.

    Of several keys for one column the best name wins that has more than an empty list; the others
    stay in ``_extra``.

    Raises:
        TooDeep: A value is nested too deep.
    """
    if places.folders:
        record = {**places.folders, **record}
    row: list[str | None] = [None] * places.width
    winners: dict[int, str] = {}
    extras: dict[str, str] = {}
    for key, value in record.items():
        if value is None or value == "":
            continue
        text = value if type(value) is str else json_text(value)
        if places.source.has_commas and type(value) is Number:
            text = text_of_number(text)
        place = places[key]
        if place is None:
            extras[key] = text
            continue
        at, rank = place
        if at in winners:
            rival = winners[at]
            if text == EMPTY_LIST:
                continue
            if row[at] != EMPTY_LIST:
                if (places[rival][1], rival) < (rank, key):
                    extras[key] = text
                    continue
                extras[rival] = row[at]
        row[at] = text
        winners[at] = key
    if places.time_at is not None:
        time = row[places.time_at]
        if time is None or is_clock(time):
            row[places.time_at] = _joined(time, extras, places.source)
    row[-1] = extra_text(extras)
    return row


def _joined(time: str | None, extras: dict[str, str], source: Source) -> str | None:
    """A time of day with the date beside it; what there is where one of them is missing."""
    names = [*extras]
    date = date_position(names, source)
    if time is None and date is not None:
        at = time_position(names, source)
        time = None if at is None else extras.pop(names[at])
    return time if time is None or date is None else joined(extras[names[date]], time)


def json_text(value: Any, depth: int = 0) -> str:
    """JSON of a decoded value; numbers as they were written.

    Raises:
        TooDeep: It is nested deeper than `DEPTH_LIMIT`.
    """
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if kind is Number:
        return str(value)  # without the class, whose instances burden the garbage collector
    if kind is dict or kind is list:
        if depth >= DEPTH_LIMIT:
            raise TooDeep
        parts = []  # a loop, for a generator would take a second call a level
        if kind is list:
            for each in value:
                parts.append(json_text(each, depth + 1))
            return "[" + ",".join(parts) + "]"
        for key, held in value.items():
            parts.append(f"{encode_basestring(key)}:{json_text(held, depth + 1)}")
        return "{" + ",".join(parts) + "}"
    return {None: "null", True: "true", False: "false"}[value]


def mended_escapes(text: str) -> str:
    """The text without halves of surrogates and NUL characters."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\0", "")


def kind_in_words(value: Any) -> str:
    """What a value is that is no object."""
    if isinstance(value, Number):
        return "a number"
    return {str: "a text", list: "a list", bool: "true or false"}.get(type(value), "null")
