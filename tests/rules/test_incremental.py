"""Building by arrival against building everything: the tables must not know how the rows came.

Belongs here: logs cut into loads, built load by load, with builds that die in between. Does not
belong here: whether a full build is right (test_sql_against_reference.py).
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from . import reference
from .cases import LOADED_AT, Row
from .comparison import assert_same_tables
from .strategies import random_log
from .warehouse import Warehouse

HOUR = timedelta(hours=1)
# Said at which run a row was taken up, or only meant for the next build.
OF_THE_BUILD = {"new_loads", "touched_events", "touched_visitors", "affected_visitors"}


@dataclass(frozen=True)
class Load:
    """What lands between two builds, and after how many models the build after it dies."""

    rows: Sequence[Row]
    dies_after: int | None = None


def schedule(seed: int, model_count: int) -> list[Load]:
    """A random log as 2 to 8 loads: rows cut, shuffled, repeated and delayed; builds may die."""
    generator = random.Random(seed)
    rows = random_log(seed, size=generator.choice((10, 25, 40, 60)))
    count = generator.randint(2, 8)
    loads: list[list[Row]] = [[] for _ in range(count)]
    is_in_order = generator.random() < 0.5
    for place, row in enumerate(rows):
        own = place * count // len(rows) if is_in_order else generator.randrange(count)
        if generator.random() < 0.15:
            own = generator.randrange(own, count)
        loads[own].append(row)
        if generator.random() < 0.15:
            loads[generator.randrange(count)].append(row)
    for load in loads:
        generator.shuffle(load)
    return [
        Load(load, generator.randrange(model_count) if generator.random() < 0.2 else None)
        for load in loads
    ]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1300))
def test_load_by_load_equals_everything_at_once(warehouse: Warehouse, seed: int) -> None:
    assert_same_as_at_once(warehouse, schedule(seed, len(warehouse.lasting_names)))


def assert_same_as_at_once(warehouse: Warehouse, loads: Sequence[Load]) -> None:
    """Build load by load, then everything at once, and compare all tables in all columns."""
    rows = [row for load in loads for row in load.rows]
    files = [number for number, load in enumerate(loads, start=1) for _ in load.rows]
    as_of = newest_hour(rows)
    names = [name for name in warehouse.model_names if name not in OF_THE_BUILD]

    warehouse.empty()
    for number, load in enumerate(loads, start=1):
        warehouse.land(load.rows, [number] * len(load.rows))
        warehouse.follow(as_of, only_first=load.dies_after)
    warehouse.follow(as_of)
    warehouse.finish(as_of)
    followed = {name: warehouse.query(f"select * from {name}") for name in names}

    warehouse.build(rows, as_of, tables=names, files=files)
    at_once = {name: warehouse.query(f"select * from {name}") for name in names}
    assert_same_tables(followed, at_once)


def newest_hour(rows: Sequence[Row]) -> datetime:
    """The first full hour at or after the newest event."""
    events = reference.clean(rows, LOADED_AT).events
    newest_at = max((event.event_at for event in events), default=LOADED_AT)
    hour = newest_at.replace(minute=0, second=0, microsecond=0)
    return hour if hour == newest_at else hour + HOUR
