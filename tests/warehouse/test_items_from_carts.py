"""A shop whose purchases name no item, and its setting that says so.

Belongs here: that triggers, items and pairs ask the carts then, and follow what comes late. Not
here: what the carts of an order hold (tests/rules/cases_order_items.py), nor that without it
only what purchases name was bought (tests/rules).
"""

from datetime import datetime
from pathlib import Path

import pytest

from orchestration.ground.home import Home
from orchestration.ground.settings import Settings

from .test_incremental_build import build, deliver, query

pytestmark = pytest.mark.slow

HOUR = datetime(2026, 3, 2, 13)
TABLES = {"command": "run", "select": ["+trigger_events", "+items", "+also_bought"]}
VIEWS = [f"v{n},A,7,2026-03-02T10:0{n}:00Z,view_item,hat,,," for n in range(3)]
ORDER = "o1,B,7,2026-03-02T10:20:00Z,purchase,,,,T-1"
# Five carts of two items beside an item of another order.
PAIRS = [
    f"p{n}{item},P{n},,2026-03-02T08:00:00Z,{row}"
    for n in range(5)
    for item, row in (("a", "add_to_cart,a,,,"), ("b", "add_to_cart,b,,,"))
]
PAIR_ORDERS = [f"q{n},P{n},,2026-03-02T08:30:00Z,purchase,,,,Q-{n}" for n in range(5)]
OTHER_ORDER = "r,R,,2026-03-02T08:30:00Z,purchase,c,,,R-1"
LATE_ADD = "l1,A,7,2026-03-02T10:10:00Z,add_to_cart,hat,,,"
FIRED = """select person_id, item_id, fired_at from trigger_events
    where trigger = 'viewed_often_not_bought'"""
BOUGHT = "select item_id, order_count from items order by 1"
TOGETHER = "select item_id, other_item_id, orders_together from also_bought order by 1"


def test_a_shop_may_say_that_its_orders_bought_their_carts(tmp_path: Path):
    home, carts_say = Home(tmp_path), Settings(items_from_carts=True)
    home.prepare()
    deliver(home, 0, [*VIEWS, ORDER, *PAIRS, *PAIR_ORDERS, OTHER_ORDER])
    build(home, carts_say, as_of=HOUR, **TABLES)
    assert query(home, FIRED) == [("user:7", "hat", datetime(2026, 3, 2, 11))]
    assert query(home, BOUGHT) == [("a", 5), ("b", 5), ("c", 1), ("hat", 0)]
    assert query(home, TOGETHER) == [("a", "b", 5), ("b", "a", 5)]
    # the add was late: the hat lay in the cart that the order took on another device
    deliver(home, 1, [LATE_ADD])
    build(home, carts_say, as_of=HOUR, **TABLES)
    assert query(home, FIRED) == []
    assert query(home, BOUGHT) == [("a", 5), ("b", 5), ("c", 1), ("hat", 1)]
