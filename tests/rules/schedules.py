"""Random schedules: logs cut into loads, with builds in between that may die.

Belongs here: drawing schedules of one log and of many at once, and comparing what they end in with
one build over everything. Does not belong here: schedules written by hand (test_incremental.py).
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .apart import apart
from .cases import LOADED_AT, MONDAY, Row
from .comparison import assert_same_rows
from .reference_events import known_type
from .reference_rows import clean
from .strategies import random_log, random_rates, random_sales
from .warehouse import Warehouse

HOUR = timedelta(hours=1)
# Many visitors, few persons and orders: what ties visitors to each other comes often.
TYING = {
    "visitor": tuple("ABCDEFGH"),
    "user": (None, None, None, None, "7", "8"),
    "event_type": (*("add_to_cart",) * 4, *("purchase",) * 3, *("login",) * 2, "view_item"),
    "order": (None, "o1", "o2", "o3", "o4"),
    "item": ("shoe", "hat"),
    "quantity": (None, "1"),
    "kind": (*("new",) * 15, "again", "later", "other"),
}
LOAD_COUNTS = (2, 2, 3, 3, 4, 5, 6, 8)
# Else the first load has all that is in time; in order, time goes on with every load.
IN_ORDER_SHARE = 0.4


@dataclass(frozen=True)
class Load:
    """What lands between two builds; after which model, or how many, the build after it dies."""

    rows: Sequence[Row]
    dies_after: int | str | None = None
    rates: Sequence[tuple[str, str, str]] = ()
    sales: Sequence[tuple[str, str, str, str]] = ()


def schedule(seed: int, model_count: int) -> list[Load]:
    """A random log as 2 to 8 loads; of the builds after them every fifth dies."""
    generator = random.Random(seed)
    loads = _cut(
        seed,
        generator,
        count=generator.choice(LOAD_COUNTS),
        is_in_order=generator.random() < IN_ORDER_SHARE,
    )
    return [
        Load(load, _death(generator, model_count, 0.2), *_rates_and_sales(seed, place))
        for place, load in enumerate(loads)
    ]


def common_schedule(seeds: Sequence[int], model_count: int) -> list[Load]:
    """A log for each seed, of which the first loads land together, then the second, and so on.

    Logs share the number of loads and whether time goes on, or the newest event of them all, which
    decides when a cart expires, would stand still. Builds die twice as often as those of one log:
    there are fewer.
    """
    generator = random.Random(seeds[0])
    count = generator.choice(LOAD_COUNTS)
    is_in_order = generator.random() < IN_ORDER_SHARE
    common: list[list[Row]] = [[] for _ in range(count)]
    for log, seed in enumerate(seeds):
        for together, load in zip(
            common,
            _cut(seed, random.Random(seed), count=count, is_in_order=is_in_order),
            strict=True,
        ):
            together.extend(apart(load, log))
    for load in common:
        generator.shuffle(load)
    return [
        Load(load, _death(generator, model_count, 0.4), *_rates_and_sales(seeds[0], place))
        for place, load in enumerate(common)
    ]


def _rates_and_sales(seed: int, place: int) -> tuple[list, list]:
    """Those that land with a load, of times before, in and after the logs."""
    number, around = seed * 10 + place, MONDAY + timedelta(days=seed % 40)
    return random_rates(number, around, size=2), random_sales(number, around, size=2)


def _cut(seed: int, generator: random.Random, *, count: int, is_in_order: bool) -> list[list[Row]]:
    """A random log cut into loads: rows shuffled, repeated and delayed."""
    pools = generator.choice(({}, TYING, TYING))
    rows = random_log(seed, size=generator.choice((10, 25, 40, 60)), **pools)
    # Few late rows leave most visitors untouched: what ties visitors shows only then.
    late_share = generator.choice((0.02, 0.05, 0.2, 1))
    loads: list[list[Row]] = [[] for _ in range(count)]
    for place, row in enumerate(rows):
        in_time = place * count // len(rows) if is_in_order else 0
        ties = known_type(row["event_type"]) in ("purchase", "login")
        is_late = generator.random() < late_share * (5 if ties else 1)
        loads[generator.randrange(in_time, count) if is_late else in_time].append(row)
        if generator.random() < 0.1:
            loads[generator.randrange(count)].append(row)
    for load in loads:
        generator.shuffle(load)
    return loads


def _death(generator: random.Random, model_count: int, share: float) -> int | None:
    return generator.randrange(model_count) if generator.random() < share else None


def assert_same_as_at_once(warehouse: Warehouse, loads: Sequence[Load]) -> None:
    """Build load by load, then everything at once, and compare all tables in all columns."""
    rows = [row for load in loads for row in load.rows]
    # of three files one has rates and one has sales
    files = [number for number, load in enumerate(loads) for _ in load.rows]
    files = [3 * number + 1 for number in files]
    rates = {3 * number + 2: load.rates for number, load in enumerate(loads)}
    sales = {3 * number + 3: load.sales for number, load in enumerate(loads)}
    as_of = newest_hour(rows)
    names = compared_names(warehouse)

    warehouse.empty()
    for number, load in enumerate(loads):
        warehouse.land(load.rows, [3 * number + 1] * len(load.rows))
        if load.rates:
            warehouse.land_rates(load.rates, 3 * number + 2)
        if load.sales:
            warehouse.land_sales(load.sales, 3 * number + 3)
        warehouse.follow(as_of, dies_after=load.dies_after)
    warehouse.follow(as_of)
    warehouse.finish(as_of)
    warehouse.keep(names)

    warehouse.build(rows, as_of, tables=names, files=files, rates=rates, sales=sales)
    for name in warehouse.differing(names):
        # figures in hours may differ in their last bits, which this does not look at
        assert_same_rows(
            name,
            warehouse.query(f"select * from kept.{name}"),
            warehouse.query(f"select * from {name}"),
        )


def compared_names(warehouse: Warehouse) -> list[str]:
    """All tables but those that name what a build took up, or say what it changed.

    A staging view says what landed; that is one and the same here.
    """
    return [
        model.name
        for model in warehouse.models
        if model.folder not in ("incremental", "staging")
        and model.name not in ("late_data_report", "states_this_run")
    ]


def newest_hour(rows: Sequence[Row]) -> datetime:
    """The first full hour at or after the newest event."""
    events = clean(rows, LOADED_AT).events
    newest_at = max((event.event_at for event in events), default=LOADED_AT)
    hour = newest_at.replace(minute=0, second=0, microsecond=0)
    return hour if hour == newest_at else hour + HOUR
