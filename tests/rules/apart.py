"""Many logs in one build: kept apart by their ids, so that none can touch another.

Belongs here: making ids of a log its own, and finding the log of a row again. Does not belong here:
drawing logs (strategies.py).

What dbt does in a build costs the same for one log as for twenty, so twenty are built at once. Two
things are shared all the same: the newest event of the log, on which expiry, abandonment and
censoring depend, and how often an item is bought.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from .cases import Row
from .reference_fields import known_id
from .spellings import within_blanks

IDS = ("visitor_id", "user_id", "order_id", "event_id")


def apart(rows: Iterable[Row], log: int) -> list[Row]:
    """The rows with ids that no other log has; an id that means nobody goes on to mean nobody."""
    return [
        dict(row)
        | {
            name: within_blanks(f"log{log}.", row[name])
            for name in IDS
            if known_id(row.get(name)) is not None
        }
        for row in rows
    ]


def by_log(tables: Mapping[str, Sequence[dict]], logs: Iterable[int]) -> dict[int, dict]:
    """The rows of each log, of tables with a visitor.

    Raises:
        AssertionError: a row is nobody's.
    """
    found = {log: {name: [] for name in tables} for log in logs}
    for name, rows in tables.items():
        for row in rows:
            is_known = re.match(r"(?:user:)?log(\d+)\.", row["visitor_id"] or "")
            assert is_known, f"{name} has a row of no log: {row}"
            found[int(is_known[1])][name].append(row)
    return found
