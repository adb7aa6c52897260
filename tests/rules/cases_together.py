"""Hand-made cases of which many fit into one build, and what each of them made there.

Belongs here: which cases may be together, and how they are put together and taken apart again. Not
here: the cases.

Logs of one build share their newest event, so each is moved in time until its own stands where that
of the others does; and no id, which `apart` sees to. Of sessions alone nothing depends on it: how a
time is written is put to the test where it stands. What else logs of a build share, or what would
be another rule's if it were moved or renamed, stays alone.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from .apart import IDS, apart, by_log
from .cases import LOADED_AT, MONDAY, Case, Row
from .reference_fields import known_id, parse_time
from .reference_rows import clean
from .warehouse import SELECTS, Warehouse

# Where the newest events stand: behind all that a case has, and long before it is loaded.
NEWEST = MONDAY + timedelta(days=100)


def may_be_together(case: Case) -> bool:
    """Whether a case makes the same rows beside others."""
    return (
        case.as_of == LOADED_AT
        and len(case.rows) > 0
        and not {"items"} & case.expected.keys()
        and not clean(case.rows, case.as_of).set_aside
        and all(_is_movable(row) for row in case.rows)
        and _currencies(case) in (set(), {"EUR"})
    )


def may_stand_together(case: Case) -> bool:
    """Whether a case that cannot be moved makes the same rows beside others all the same."""
    tables = {name: {key for row in rows for key in row} for name, rows in case.expected.items()}
    return (
        not may_be_together(case)
        and case.as_of == LOADED_AT
        and len(case.rows) > 0
        and tables.keys() == {"sessions"}
        and "is_cart_abandoned" not in tables["sessions"]
        and all(_has_plain_ids(row) for row in case.rows)
    )


def batches(cases: Sequence[Case], size: int) -> list[Sequence[Case]]:
    """The cases as they may share builds: sums are in the commonest currency of a log."""
    of_kinds = ([case for case in cases if _currencies(case) == kind] for kind in (set(), {"EUR"}))
    return [kind[first : first + size] for kind in of_kinds for first in range(0, len(kind), size)]


def _currencies(case: Case) -> set[str]:
    given = (row.get("currency") for row in case.rows)
    lists = (row.get("items") or "" for row in case.rows)
    return {*given, *re.findall(r'"currency": ?"(.*?)"', " ".join(lists))} - {None}


def _is_movable(row: Row) -> bool:
    is_utc = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", row["event_at"] or "")
    return bool(is_utc) and _has_plain_ids(row)


def _has_plain_ids(row: Row) -> bool:
    ids = [row.get(name) for name in IDS]
    return all(
        id_ is None or (re.fullmatch(r"[A-Za-z]*\d*", id_) and known_id(id_) == id_) for id_ in ids
    )


def tables_together(
    warehouse: Warehouse, cases: Sequence[Case]
) -> list[tuple[Case, Mapping[str, list[dict]]]]:
    """Build the cases at once, each as a file of its own: the tables of each, as if it were alone.

    Raises:
        AssertionError: a row is of no case.
    """
    moves = [_move(case) for case in cases]
    rows: list[Row] = []
    files: list[int] = []
    for number, (case, move) in enumerate(zip(cases, moves, strict=True)):
        moved = [row | {"event_at": _text(_time(row) + move)} if move else row for row in case.rows]
        rows += apart(moved, number)
        files += [number + 1] * len(moved)
    names = {name for case in cases for name in case.expected}
    warehouse.build(rows, LOADED_AT, tables=names, files=files)
    found = by_log({name: warehouse.query(SELECTS[name]) for name in names}, range(len(cases)))
    return [
        (
            case,
            {
                name: [
                    {key: _alone(value, move) for key, value in row.items()}
                    for row in found[number][name]
                ]
                for name in case.expected
            },
        )
        for number, (case, move) in enumerate(zip(cases, moves, strict=True))
    ]


def _move(case: Case) -> timedelta:
    if may_stand_together(case):
        return timedelta(0)
    return NEWEST - max(event.event_at for event in clean(case.rows, LOADED_AT).events)


def _time(row: Row) -> datetime:
    return parse_time(row["event_at"], "UTC")


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _alone(value: object, move: timedelta) -> object:
    """A value as it would be had the case not been moved and its ids not been made its own."""
    if isinstance(value, datetime):
        return value - move
    return re.sub(r"^(user:)?log\d+\.", r"\1", value) if isinstance(value, str) else value
