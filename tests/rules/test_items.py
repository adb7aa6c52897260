"""Events of several items as they are delivered: in every format, with faults, late and twice.

Belongs here: what cases_items.py, whose rows are canonical columns in one load, cannot say.
"""

import csv
import json
from datetime import UTC, datetime
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path

import polars as pl
import pytest

from .apart import apart
from .cases import LOADED_AT, Row, add, at, buy, event, log, view
from .cases_items import add_all, items
from .heavy import heavy
from .schedules import Load, assert_same_as_at_once
from .warehouse import Warehouse

HOUR = datetime(2026, 11, 26, 12, tzinfo=UTC)
LISTED = [
    {
        "item_id": "90001.0",
        "item_name": 'A "red" shoe, wide',
        "quantity": 2,
        "price": 19.9,
        "item_brand": None,
    },
    {"item_id": "\u00a0hat", "item_name": "\\N", "quantity": 1, "price": 0.1, "item_brand": "\\N"},
]


def written(visitor: str, listed: object) -> dict:
    return {
        "event_id": visitor,
        "visitor_id": visitor,
        "event_at": "2026-11-20T10:00:00Z",
        "event_type": "add_to_cart",
        "currency": "EUR",
        "items": listed,
    }


def test_a_list_of_items_is_the_same_in_every_format(warehouse: Warehouse, tmp_path: Path):
    with (tmp_path / "a.csv").open("w", newline="") as file:
        row = written("csv", json.dumps(LISTED))
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow(row)
    (tmp_path / "a.jsonl").write_text(json.dumps(written("nested", LISTED)))
    (tmp_path / "b.jsonl").write_text(json.dumps(written("text", json.dumps(LISTED))))
    pl.DataFrame([written("structs", LISTED)]).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame([written("column", json.dumps(LISTED))]).write_parquet(tmp_path / "b.parquet")
    warehouse.build_files(tmp_path, HOUR, tables=("carts", "items", "set_aside_rows"))
    lines = warehouse.query("""
        select visitor_id, item_id, quantity, unit_price, currency from cart_lines order by all""")
    assert [tuple(row.values()) for row in lines] == [
        (visitor, *line)
        for visitor in ("column", "csv", "nested", "structs", "text")
        for line in (
            ("90001", 2, Decimal("19.9"), "EUR"),
            ("hat", 1, Decimal("0.1"), "EUR"),
        )
    ]
    assert warehouse.query("from set_aside_rows") == []
    names = warehouse.query(
        "select item_id, item_name, add_count from items where item_brand is null order by 1"
    )
    assert [tuple(row.values()) for row in names] == [
        ("90001", 'A "red" shoe, wide', 5),
        ("hat", None, 5),
    ]


BAD_ITEMS = [
    (items(("a", 1.5, "cheap"), ("b", "two", -1), currency="???"), "quantity price currency"),
    (items(("a", "1", "5"), ("b", 0, 0), ("c", -2, None)), ""),
    (items(("a", "\\N", "null"), ("b", "", "-"), currency="(not set)"), ""),
    ('[{"item_id": {"x": 1}, "price": {"amount": 5}}]', "price"),
    ("[]", ""),
    ("(not set)", ""),
    ('{"item_id": "a"}', "items"),
    ("3", "items"),
    ('[{"item_id": "a"}', "items"),
    ('["a", {"item_id": "b", "price": "x"}]', "price items"),
]


def test_a_bad_item_is_noted_once_a_row_and_reason(warehouse: Warehouse):
    """Each in a file of its own."""
    rows, files = [], []
    for number, (text, _) in enumerate(BAD_ITEMS, start=1):
        own = log(add_all("A", "10:00", text), view("B", "10:00"), view("C", "10:00"))
        rows += apart(own, number)
        files += [number] * len(own)
    tables = ("landed_files", "set_aside_rows")
    warehouse.build(rows, LOADED_AT, tables=tables, files=files)
    noted = warehouse.query("select load_id, action, reason, line from set_aside_rows")
    assert sorted(noted, key=str) == sorted(
        (
            {"load_id": number, "action": "repaired", "reason": f"bad_{name}", "line": 1}
            for number, (_, reasons) in enumerate(BAD_ITEMS, start=1)
            for name in reasons.split()
        ),
        key=str,
    )
    landed = warehouse.query(
        "select rows_read, rows_accepted, rows_duplicate, rows_dropped, rows_repaired"
        " from landed_files order by load_id"
    )
    assert [tuple(row.values()) for row in landed] == [
        (3, 3, 0, 0, bool(reasons)) for _, reasons in BAD_ITEMS
    ]


def test_prices_of_items_speak_for_their_file(warehouse: Warehouse):
    bad = add("A", "10:00", price="cheap")
    good = add_all("A", "10:00", items(("shoe", 1, 5), ("hat", 1, 5)))
    worse = add_all("A", "10:00", items(("shoe", 1, "x"), ("hat", 1, "y")))
    contents = [[bad, good], [bad, worse, good], [bad, worse, good, good]]
    rows = [row for number, own in enumerate(contents) for row in apart(log(*own), number)]
    files = [number for number, own in enumerate(contents, start=1) for _ in own]
    warehouse.build(rows, LOADED_AT, tables=("landed_files",), files=files)
    found = warehouse.query("select is_suspect from landed_files order by load_id")
    assert [row["is_suspect"] for row in found] == [False, True, False]


def test_a_view_of_several_items_is_of_each_in_the_features(warehouse: Warehouse):
    rows = log(
        view("A", "10:00", items=items(("shoe", 1, 10), ("hat", 1, 30))),
        view("A", "10:01", item_id="shoe", price="20"),
        view("A", "10:02", items=items(("shoe",)), price="40"),
        view("A", "10:03", items=items(("sock",), ("shoe", 1, None))),
        add("A", "10:04", "shoe", price="50"),
    )
    warehouse.build(rows, at("11:00"), tables=("scoring_snapshots",))
    found = warehouse.query(
        "select session_distinct_item_count, session_view_count, cart_price_to_viewed_price"
        " from scoring_snapshots"
    )
    # prices viewed: 10, 30, 20 and 40
    assert [tuple(row.values()) for row in found] == [(3, 4, 2)]


def later(row: Row, event_id: str) -> Row:
    """A row of a later load."""
    return log(row)[0] | {"event_id": event_id}


def test_late_refunds_and_copies_change_orders_and_items_of_others(warehouse: Warehouse):
    refund = later(event("B", "12:00", "refund", order_id="o1", order_value="5.00"), "r1")
    moved = refund | {"order_id": "o2", "event_at": at("11:00").isoformat()}
    bought = log(buy("A", "10:00", "o1", order_value="9"), buy("C", "10:00", "o2", order_value="9"))
    first = later(view("A", "+2d 10:00", items=items(("shoe",), item_name="Late")), "v1")
    other = later(view("B", "+1d 10:00", item_id="hat"), "v2")
    copy = first | view("A", "+1d 09:00", items=items(("shoe",), item_name="Early"))
    arrivals = [
        # a refund comes
        [bought, [refund]],
        # and again, at an earlier time, which counts then
        [bought, [refund], [moved]],
        # what is seen at an earlier time is seen on another day
        [[first, other], [copy]],
        # after all of it, so that nothing is due to time that passes
        [log(view("A", "+3d 10:00", item_id=None))],
    ]
    assert_same_as_at_once(
        warehouse,
        [
            Load([row for number, rows in enumerate(load) for row in apart(rows, number)])
            for load in zip_longest(*arrivals, fillvalue=())
        ],
    )
    found = warehouse.query("select order_id, refunded_value from orders order by 1")
    assert [tuple(row.values()) for row in found] == [
        *(("log0.o1", 5), ("log0.o2", None)),
        *(("log1.o1", None), ("log1.o2", 5)),
    ]
    found = warehouse.query("select item_id, item_name, view_count from items order by 1")
    assert [tuple(row.values()) for row in found] == [("hat", None, 1), ("shoe", "Early", 1)]


@pytest.mark.parametrize("dies_after", ["orders", *heavy(range(3, 60, 6))])
def test_a_build_that_died_leaves_items_and_orders_whole(
    warehouse: Warehouse, dies_after: int | str
):
    both = items(("shoe", 1, 5), ("hat", 2, 7))
    first = log(add_all("A", "10:00", both), buy("B", "10:10", "o1", items=both))
    second = [
        later(buy("A", "10:05", "o1", items=both), "late"),
        later(view("C", "+40d 10:00", items=both), "end"),
    ]
    third = [later(event("C", "+1d 10:00", "refund", order_id="o1", order_value="1"), "refund")]
    assert_same_as_at_once(
        warehouse,
        [Load(first), Load(second, dies_after=dies_after), Load(third, dies_after=dies_after)],
    )
