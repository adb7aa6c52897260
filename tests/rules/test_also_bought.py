"""What is bought together: hand-made boundaries, and random orders against a count in plain Python.

Belongs here: pairs of items over all orders. Not here: the lines of an order (cases_items.py).
"""

import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import permutations
from math import sqrt

import duckdb
import numpy as np
import pytest

from ml.evaluation import wilson_interval

from .cases import Row, buy, log
from .macros import macros
from .warehouse import Warehouse

HOUR = datetime(2026, 3, 2, 12, tzinfo=UTC)
Z = 1.959963984540054


def order(number: int, items: Iterable[str | None], at: datetime = HOUR) -> Row:
    listed = json.dumps([{"item_id": item} for item in items])
    row = buy(f"v{number}", "09:00", f"o{number}", items=listed)
    return row | {"event_at": at.isoformat(timespec="microseconds")}


def orders(baskets: Mapping[str, int], first: int = 0) -> list[Row]:
    """So many orders of each basket, the items of which are letters."""
    drawn = [basket for basket, count in baskets.items() for _ in range(count)]
    return [order(first + number, basket) for number, basket in enumerate(drawn)]


def also_bought(warehouse: Warehouse, rows: list[Row]) -> list[tuple]:
    warehouse.build(log(*rows), HOUR, tables=("also_bought",), landed_at=HOUR + timedelta(days=1))
    found = warehouse.query("from also_bought order by item_id, other_rank")
    return [tuple(row.values()) for row in found]


def pairs(warehouse: Warehouse, rows: list[Row]) -> list[str]:
    return [item + other for item, other, *_ in also_bought(warehouse, rows)]


def test_a_pair_needs_five_orders_and_a_lift_above_one(warehouse: Warehouse):
    wide = [f"i{number}" for number in range(51)]
    rows = [
        # a and b: 5 of 5; c and d: 4; e and f: in half of each other's orders, as chance has it
        *orders({"ab": 5, "cd": 4, "": 2}),
        *[order(100 + number, wide) for number in range(5)],
        # an item twice is one; one without an id is none
        *[order(200 + number, ["a", "b", "a", None]) for number in range(1)],
    ]
    assert also_bought(warehouse, rows) == [
        ("a", "b", 1, 6, 0.6, 1.0, pytest.approx(10 / 6)),
        ("b", "a", 1, 6, 0.6, 1.0, pytest.approx(10 / 6)),
    ]
    # 16 orders, 8 of e, 8 of f, 4 of both are chance; here 10, 20 and 20 of 40
    assert pairs(warehouse, orders({"ef": 10, "e": 10, "f": 10, "x": 10})) == []
    assert pairs(warehouse, orders({"ef": 10, "e": 10, "f": 10, "x": 11})) == ["ef", "fe"]


def test_an_order_of_fifty_items_counts_and_the_best_ten_of_each_are_kept(warehouse: Warehouse):
    fifty = [f"i{number:02}" for number in range(50)]
    rows = [
        # the same item in two lines is one item
        *(order(number, [*fifty, "i00"]) for number in range(5)),
        *(order(10 + number, [*fifty, "i50"]) for number in range(5)),
        *orders({"x": 5}, first=20),
    ]
    found = also_bought(warehouse, rows)
    assert len(found) == 50 * 10
    # of equals the first by name
    assert [row[1] for row in found if row[0] == "i00"] == fifty[1:11]
    assert {row[3:] for row in found} == {(5, 0.5, 1.0, 2.0)}


def test_a_pair_is_of_the_orders_of_180_days(warehouse: Warehouse):
    moments = {
        "ab": HOUR - timedelta(days=180),
        "cd": HOUR - timedelta(days=180) + timedelta(microseconds=1),
        "ef": HOUR,
        "gh": HOUR + timedelta(microseconds=1),
    }
    rows = [
        order(10 * place + number, items, at)
        for place, (items, at) in enumerate(moments.items())
        for number in range(5)
    ]
    assert pairs(warehouse, rows) == ["cd", "dc", "ef", "fe"]


def test_a_few_orders_do_not_outrank_many(warehouse: Warehouse):
    few, many = orders({"ab": 5, "a": 95}), orders({"ac": 90}, first=500)
    found = also_bought(warehouse, [*few, *many, *orders({"x": 200}, first=900)])
    assert [(item, other, together) for item, other, _, together, *_ in found] == [
        ("a", "c", 90),
        ("a", "b", 5),
        ("b", "a", 5),
        ("c", "a", 90),
    ]


@pytest.mark.slow
def test_what_is_bought_together_is_what_plain_python_counts(warehouse: Warehouse):
    generator = random.Random(7)
    catalogue = [f"item {number:02}" for number in range(60)]
    weights = [1 / (1 + number) for number in range(60)]
    baskets = [
        generator.choices(catalogue, weights, k=generator.choice((1, 2, 3, 5, 8, 60)))
        for _ in range(800)
    ]
    rows = [order(number, basket) for number, basket in enumerate(baskets)]
    found = also_bought(warehouse, rows)
    wanted = counted([set(basket) for basket in baskets])
    assert len(wanted) > 100
    assert [(*row[:4], *map(pytest.approx, row[4:])) for row in found] == wanted


def counted(baskets: list[set[str]]) -> list[tuple]:
    """The table of baskets that are all of the time it looks at."""
    kept = [basket for basket in baskets if 0 < len(basket) <= 50]
    of_item = Counter(item for basket in kept for item in basket)
    together = Counter(pair for basket in kept for pair in permutations(sorted(basket), 2))
    ranked = []
    for item in sorted(of_item):
        others = [
            (-lower_bound(count, of_item[item]), -count, other)
            for (one, other), count in together.items()
            if one == item and count >= 5 and count * len(kept) > of_item[item] * of_item[other]
        ]
        for rank, (_, count, other) in enumerate(sorted(others)[:10], start=1):
            share = -count / of_item[item]
            lift = share * len(kept) / of_item[other]
            ranked.append((item, other, rank, -count, -count / len(kept), share, lift))
    return ranked


def test_the_bound_in_sql_is_that_of_the_interval_in_ml():
    counted, of = [0, 1, 5, 15, 81, 148], [20, 29, 5, 148, 263, 148]
    bound = macros({}, "rules/orders.sql").wilson_lower_bound("counted", "total")
    with duckdb.connect() as connection:
        query = (
            f"select {bound} from (select unnest(?::double[]) counted, unnest(?::double[]) total)"
        )
        found = [value for (value,) in connection.execute(query, [counted, of]).fetchall()]
    low, _ = wilson_interval(np.array(counted), np.array(of))
    assert found == pytest.approx(low.tolist(), abs=1e-12)


def lower_bound(count: int, trials: int) -> float:
    """Wilson's, as in his paper of 1927."""
    share = count / trials
    spread = Z * sqrt(share * (1 - share) / trials + Z**2 / (4 * trials**2))
    return (share + Z**2 / (2 * trials) - spread) / (1 + Z**2 / trials)
