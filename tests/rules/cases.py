"""What hand-made logs are written with: `Case`, and builders of delivered and of expected rows.

Belongs here: how a small log and the rows expected of it are written down. Not here: the cases
(`cases_*.py`, by the sections of `dbt_project/docs/rules*.md`, all together in all_cases.py) and
random logs (strategies.py).

A case pins one rule. Nothing in it is computed from a rule: the numbers are for a reader to check
against the pages of the rules, which quote the names of cases. The same table is put to the
reference and to the SQL. A case expects whole tables: every row of a table it names, in the columns
it names.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
LOADED_AT = datetime(2026, 8, 1, tzinfo=UTC)

Row = dict[str, str | None]


@dataclass(frozen=True)
class Case:
    """A log as delivered and the tables it makes; `as_of` (default: all is known) is the hour."""

    name: str
    rows: Sequence[Row]
    expected: dict[str, list[dict]]
    as_of: datetime = field(default=LOADED_AT)


def at(text: str) -> datetime:
    """An instant: `10:00`, `10:00:59`, `10:30:00.000001`, on Monday or `+2d` days later."""
    days, hours, minutes, seconds, micros = re.fullmatch(
        r"(?:\+(\d+)d )?(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{6}))?)?", text
    ).groups(default="0")
    return MONDAY + timedelta(
        days=int(days),
        hours=int(hours),
        minutes=int(minutes),
        seconds=int(seconds),
        microseconds=int(micros),
    )


def event(visitor: str | None, time: str, event_type: str, **columns: str | None) -> Row:
    """A delivered row; `event_at=` overrides the time as text, the rest are canonical columns."""
    written = at(time).isoformat().replace("+00:00", "Z")
    row: Row = {"visitor_id": visitor, "event_at": written, "event_type": event_type}
    return row | columns


def log(*rows: Row, source: str = "canonical") -> list[Row]:
    """The rows with a source, and with ids e01, e02, ... where they bring none."""
    return [
        {"source": source, "event_id": f"e{number:02}"} | row
        for number, row in enumerate(rows, start=1)
    ]


def view(visitor: str, time: str, **columns: str | None) -> Row:
    return event(visitor, time, "view_item", **columns)


def add(visitor: str, time: str, item: str | None = "shoe", **columns: str | None) -> Row:
    return event(visitor, time, "add_to_cart", item_id=item, **columns)


def remove(visitor: str, time: str, item: str | None = "shoe", **columns: str | None) -> Row:
    return event(visitor, time, "remove_from_cart", item_id=item, **columns)


def buy(visitor: str, time: str, order: str | None = None, **columns: str | None) -> Row:
    return event(visitor, time, "purchase", order_id=order, **columns)


def login(visitor: str, time: str, user: str) -> Row:
    return event(visitor, time, "login", user_id=user)


def rows(columns: str, *values: tuple) -> list[dict]:
    """Expected rows from a header and tuples; a text that reads as an instant becomes one."""
    names = columns.split()
    return [dict(zip(names, map(_value, row), strict=True)) for row in values]


def _value(value: object) -> object:
    is_instant = isinstance(value, str) and re.fullmatch(r"(\+\d+d )?\d\d:\d\d.*", value)
    return at(value) if is_instant else value
