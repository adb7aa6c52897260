"""One home fed by six other systems at once, against counts made without any of our SQL.

Belongs here: that what each system recorded comes out as sessions, carts, orders, items, values
and owners, and goes when its person goes. Not here: single fields of a source (tests/rules).
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import duckdb
import pytest

from .conftest import run_comeback
from .vendor_dumps import WRITERS, Step, price_of, write_dumps

# heavy: two minutes
pytestmark = [pytest.mark.slow, pytest.mark.heavy]

GAP = timedelta(minutes=30)
Rows = list[tuple]


@dataclass
class Visit:
    """A session as it is counted."""

    started: datetime
    ended: datetime
    owner: str | None = None
    events: int = 0
    adds: int = 0
    orders: int = 0
    value: Decimal = Decimal(0)


@dataclass
class Basket:
    """A cart as it is counted; `lines` are units by item."""

    started: datetime
    status: str = "open"
    owner: str | None = None
    order_id: str | None = None
    lines: dict[str, int] = field(default_factory=dict)

    @property
    def value(self) -> Decimal:
        return sum((price_of(item) * units for item, units in self.lines.items()), Decimal(0))


def by_visitor(done: dict[str, list[Step]]) -> Iterator[tuple[str, list[Step]]]:
    """Each visitor's steps in order, with the owner known by then as their user."""
    for steps in done.values():
        for visitor, own in groupby(steps, key=lambda step: step.visitor):
            yield visitor, sorted(own, key=lambda step: step.at)


def visits(steps: Sequence[Step]) -> list[Visit]:
    found: list[Visit] = []
    owner = None
    for step in steps:
        owner = step.user or owner
        if not found or step.at - found[-1].ended > GAP:
            found.append(Visit(step.at, step.at))
        visit = found[-1]
        visit.ended, visit.owner = step.at, owner
        visit.events += 1
        visit.adds += step.kind == "add"
        visit.orders += step.order_id is not None
        visit.value += step.order_value or 0
    return found


def baskets(steps: Sequence[Step]) -> list[Basket]:
    found: list[Basket] = []
    owner = None
    for step in steps:
        owner = step.user or owner
        basket = found[-1] if found and found[-1].status == "open" else None
        if step.kind == "add" and basket is None:
            basket = Basket(step.at)
            found.append(basket)
        if basket is None:
            continue
        basket.owner = owner  # as known when it closes, or by now
        if step.kind not in ("add", "remove", "purchase"):
            continue
        if step.kind == "purchase":
            basket.status, basket.order_id = "converted", step.order_id
            continue
        for item, units in step.items:
            change = units if step.kind == "add" else -units
            basket.lines[item] = basket.lines.get(item, 0) + change
            if basket.lines[item] <= 0:
                del basket.lines[item]
        if not basket.lines:
            basket.status = "emptied"
    return found


def orders(steps: Sequence[Step]) -> Rows:
    owner, found = None, []
    for step in steps:
        owner = step.user or owner
        if step.order_id:
            units = sum(units for _, units in step.items)
            found.append(
                (step.visitor, step.at.replace(tzinfo=None), step.order_id, owner,
                 step.order_value, "EUR", len(step.items), units)
            )  # fmt: skip
    return found


@pytest.fixture(scope="module")
def fed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[Step]]]:
    home = tmp_path_factory.mktemp("vendors")
    done = write_dumps(home / "landing")
    run_comeback(home, "run", "--as-of", "latest")
    return home, done


def published(home: Path, select: str) -> Rows:
    path = home / "published" / "analytics.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(select).fetchall()


def test_every_row_is_accounted_for_and_none_is_set_aside(fed):
    home, done = fed
    found = published(
        home,
        "select source, sum(rows_accepted), sum(rows_dropped), sum(rows_duplicate) > 0"
        " from landed_files group by source",
    )
    assert {source: tuple(rest) for source, *rest in found} == {
        source: (len(done[source]), 0, True) for source in WRITERS
    }
    assert published(home, "select * from set_aside_rows") == []


def test_sessions_are_those_of_a_plain_count(fed):
    home, done = fed
    found = published(
        home,
        "select visitor_id, started_at, ended_at, owner_id, event_count, add_count, order_count,"
        " coalesce(order_value, 0) from sessions order by all",
    )
    expected = [
        (visitor, visit.started.replace(tzinfo=None), visit.ended.replace(tzinfo=None),
         visit.owner, visit.events, visit.adds, visit.orders, visit.value)
        for visitor, steps in by_visitor(done)
        for visit in visits(steps)
    ]  # fmt: skip
    assert found == sorted(expected, key=lambda row: row[:2])
    assert len(found) > 60


def test_carts_and_their_lines_are_those_of_a_plain_count(fed):
    home, done = fed
    found = published(
        home,
        "select visitor_id, started_at, status, owner_id, order_id, line_count, item_quantity,"
        " cart_value, is_value_complete, converted_elsewhere from carts order by all",
    )
    counted = [
        (visitor, basket) for visitor, steps in by_visitor(done) for basket in baskets(steps)
    ]
    assert found == sorted(
        (
            (visitor, basket.started.replace(tzinfo=None), basket.status, basket.owner,
             basket.order_id, len(basket.lines), sum(basket.lines.values()), basket.value,
             True, False)
            for visitor, basket in counted
        ),
        key=lambda row: row[:2],
    )  # fmt: skip
    assert {status for _, _, status, *_ in found} == {"open", "converted", "emptied"}
    lines = published(
        home,
        "select carts.visitor_id, started_at, item_id, quantity, unit_price, cart_lines.currency"
        " from cart_lines inner join carts using (cart_id) order by all",
    )
    assert lines == sorted(
        (visitor, basket.started.replace(tzinfo=None), item, units, price_of(item), "EUR")
        for visitor, basket in counted
        for item, units in basket.lines.items()
    )


def test_orders_and_their_lines_are_those_of_a_plain_count(fed):
    home, done = fed
    found = published(
        home,
        "select visitor_id, ordered_at, order_id, owner_id, order_value, currency, line_count,"
        " item_quantity from orders order by all",
    )
    expected = [order for _, steps in by_visitor(done) for order in orders(steps)]
    assert found == sorted(expected, key=lambda row: row[:3])
    lines = published(
        home,
        "select order_id, item_id, order_lines.quantity, unit_price, order_lines.currency"
        " from order_lines inner join orders using (order_key) order by all",
    )
    assert lines == sorted(
        (step.order_id, item, units, price_of(item), "EUR")
        for steps in done.values()
        for step in steps
        if step.order_id
        for item, units in step.items
    )
    items = published(home, "select item_id from items order by 1")
    assert items == sorted(
        {(item,) for steps in done.values() for step in steps for item, _ in step.items}
    )


def test_a_person_of_a_source_with_nested_ids_can_be_erased(fed, tmp_path: Path):
    home, done = fed
    user = next(step.user for step in done["mixpanel"] if step.user)
    visitor = user.removeprefix("account-of-")
    left = tmp_path / "home"
    shutil.copytree(home, left)
    others = f"select * from carts where visitor_id != '{visitor}' order by all"
    expected = published(home, others)
    run_comeback(left, "erase", "--user", user)
    assert published(left, others) == expected
    for table in ("sessions", "carts", "orders"):
        own = f"select count(*) from {table} where visitor_id = '{visitor}' or owner_id = '{user}'"
        assert published(left, own) == [(0,)]
    files = [path for path in left.rglob("*") if path.is_file()]
    kept = [path for path in files if not path.is_relative_to(left / "landing")]
    assert [path for path in kept if visitor.encode() in path.read_bytes()] == []
