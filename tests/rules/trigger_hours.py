"""When triggers fired in a build, or in builds that follow each other, as short texts to compare.

Belongs here: asking the table `trigger_events`. Not here: what it should say (reference_triggers.py
and the tests).
"""

import re
from collections.abc import Sequence

from .apart import apart
from .cases import Row, at, log
from .warehouse import Warehouse

TABLES = ("trigger_events", "carts")
FIRED = """
    select trigger, person_id, item_id, (carts.visitor_id, carts.started_at) as cart, fired_at
    from trigger_events left join carts using (cart_id)"""


def fired(warehouse: Warehouse) -> list[dict]:
    found = warehouse.query(FIRED)
    return [row | {"cart": None if row["cart"] is None else _cart(row["cart"])} for row in found]


def _cart(pair: dict | tuple) -> tuple | None:
    visitor, started_at = pair.values() if isinstance(pair, dict) else pair
    return None if visitor is None else (visitor, started_at.replace(tzinfo=at("10:00").tzinfo))


def hours(warehouse: Warehouse, trigger: str, rows: Sequence[Row], last: str) -> list[tuple]:
    """When a trigger fires up to an hour, and for whom or what: person, item."""
    warehouse.build(log(*rows), at(last), tables=TABLES)
    found = sorted(
        (row["fired_at"], row["person_id"], row["item_id"])
        for row in fired(warehouse)
        if row["trigger"] == trigger
    )
    assert all(when.minute == 0 for when, *_ in found)
    return [(f"{when:%d %H}", *whom) for when, *whom in found]


def hours_of_each(
    warehouse: Warehouse, last: str, *logs: tuple[str, Sequence[Row]]
) -> list[list[tuple]]:
    """The same of many logs, each with the trigger that it is about, in one build."""
    rows = [row for number, (_, own) in enumerate(logs) for row in apart(log(*own), number)]
    warehouse.build(rows, at(last), tables=TABLES)
    found: list[list[tuple]] = [[] for _ in logs]
    for row in sorted(fired(warehouse), key=lambda row: (row["fired_at"], str(row["item_id"]))):
        assert row["fired_at"].minute == 0
        user, number, person = re.fullmatch(r"(user:)?log(\d+)\.(.*)", row["person_id"]).groups("")
        if row["trigger"] == logs[int(number)][0]:
            found[int(number)].append((f"{row['fired_at']:%d %H}", user + person, row["item_id"]))
    return found


def follow(
    warehouse: Warehouse, *loads: tuple[str, Sequence[Row]], trigger: str = "t_added"
) -> list[list[str]]:
    """The hours at which it has fired after each build, of an hour and of rows new by then."""
    warehouse.empty()
    found = []
    for number, (hour, rows) in enumerate(loads, start=1):
        landed = [row | {"event_id": f"{number}-{row['event_id']}"} for row in log(*rows)]
        warehouse.land(landed, [number] * len(rows))
        warehouse.follow(at(hour), tables=TABLES)
        firings = [row for row in fired(warehouse) if row["trigger"] == trigger]
        found.append(sorted(f"{row['person_id']} {row['fired_at']:%H}" for row in firings))
    return found
