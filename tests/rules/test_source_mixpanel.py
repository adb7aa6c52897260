"""Mixpanel's raw export, and its files of columns, from file to cart.

Belongs here: small files in the documented shapes, written by hand, and what must come of them.
https://docs.mixpanel.com/reference/raw-event-export and
https://docs.mixpanel.com/docs/data-pipelines/json-pipelines. Not here: epochs by the clocks of a
zone (test_times.py).
"""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from .vendor_files import Built, assert_known_by_its_look, values, write_rows
from .warehouse import Warehouse

TEN = 1795168800  # 2026-11-20 10:00 UTC
SHOE = {"product_id": "shoe", "name": "Shoe", "price": 19.9, "quantity": 1}
HATS = {"product_id": "hat", "name": "Hat", "price": 5.0, "quantity": 2}
PHONE = {"$os": "iOS", "$device": "iPhone"}


def event(number: int, device: str | None, minute: int, kind: str, **properties) -> dict:
    user = properties.get("$user_id")
    return {
        "event": kind,
        "properties": {
            "time": TEN + 60 * minute,
            "distinct_id": user or f"$device:{device}",
            "$insert_id": f"i{number}",
            "mp_processing_time_ms": 1795172400000,
            "mp_country_code": "DE",
            "$os": "Mac OS X",
            **({"$device_id": device} if device else {}),
            **properties,
        },
    }


EVENTS = [
    event(1, "ann", 0, "$mp_web_page_view", **{"$current_url": "https://shop.example/a",
          "$referrer": "$direct", "utm_source": "news", "utm_medium": "mail"}),
    event(2, "ann", 1, "Product Viewed", **{"Product ID": "shoe", "Price": 19.9}),
    event(3, "ann", 2, "Added to Cart", products=[SHOE, HATS], currency="EUR"),
    event(4, "ann", 3, "Checkout Started", items=3),
    event(5, "ann", 4, "Order Completed", **{"$user_id": "u1"}, order_id="T-1", revenue=32.85,
          currency="EUR", products=[SHOE, HATS]),
    event(6, "bob", 0, "Add To Cart", **PHONE, sku="tie", price="3.49", quantity=3, currency="GBP"),
    event(7, "bob", 1, "Remove from Cart", **PHONE, sku="tie", quantity=1),
    # from a server, which knows no device
    event(8, None, 2, "Purchase", **{"$user_id": "u2", "$os": "iOS", "$device": "iPad"},
          total=8.5, **{"Product ID": "cup", "Quantity": 2, "Price": 4.25}),
    event(9, "bob", 3, "Newsletter", **PHONE),
]  # fmt: skip
AGAIN = [EVENTS[2], EVENTS[4]]


def columns(events: list[dict]) -> list[dict]:
    """The same as a pipeline writes it."""
    names = ("time", "distinct_id", "$device_id", "$user_id", "$insert_id")
    return [
        {
            "event_name": each["event"],
            **{name.lstrip("$"): each["properties"].get(name) for name in names},
            "properties": {
                name: value for name, value in each["properties"].items() if name not in names
            },
        }
        for each in events
    ]


def flat(events: list[dict]) -> list[dict]:
    """The same with a column for each property."""
    return [{"event": each["event"], **each["properties"]} for each in events]


SHAPES = {
    "raw jsonl.gz": lambda rows: rows,
    "raw parquet": lambda rows: [
        {"event": row["event"], "properties": json.dumps(row["properties"])} for row in rows
    ],
    "columns jsonl": columns,
    "flat csv": flat,
    "flat jsonl": flat,
}


def write(folder: Path, shape: str, events: list[dict]) -> Path:
    return write_rows(folder, shape.split()[1], SHAPES[shape](events))


@pytest.fixture(scope="module", params=SHAPES)
def built(request, of_source: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = write(tmp_path_factory.mktemp("dumps"), request.param, [*EVENTS, *AGAIN])
    return Built(of_source, folder, "mixpanel")


def test_types_times_and_owners(built: Built):
    assert built.query("from set_aside_rows") == []
    found = built.query("""
        select split_part(event_id, ' ', 1) as sent, visitor_id, owner_id, event_type,
            strftime(event_at, '%H:%M:%S') as at
        from events order by event_id""")
    assert values(found) == [
        ("i1", "ann", None, "page_view", "10:00:00"),
        ("i2", "ann", None, "view_item", "10:01:00"),
        ("i3", "ann", None, "add_to_cart", "10:02:00"),
        ("i4", "ann", None, "begin_checkout", "10:03:00"),
        ("i5", "ann", "u1", "purchase", "10:04:00"),
        ("i6", "bob", None, "add_to_cart", "10:00:00"),
        ("i7", "bob", None, "remove_from_cart", "10:01:00"),
        ("i8", "u2", "u2", "purchase", "10:02:00"),
        ("i9", "bob", None, "Newsletter", "10:03:00"),
    ]


def test_where_from_and_on_what(built: Built):
    found = built.query("""
        select page_url, referrer, utm_source, utm_medium, utm_campaign, device_type, country
        from events where split_part(event_id, ' ', 1) in ('i1', 'i6', 'i8') order by event_id""")
    assert values(found) == [
        ("https://shop.example/a", None, "news", "mail", None, "desktop", "DE"),
        (None, None, None, None, None, "mobile", "DE"),
        (None, None, None, None, None, "tablet", "DE"),
    ]


def test_carts_and_their_lines(built: Built):
    carts = built.query("select visitor_id, status, cart_value, currency from carts order by 1")
    assert values(carts) == [
        ("ann", "converted", Decimal("29.9"), "EUR"),
        ("bob", "open", Decimal("6.98"), "GBP"),
    ]
    lines = built.query("""
        select visitor_id, item_id, quantity, unit_price from cart_lines order by all""")
    assert values(lines) == [
        ("ann", "hat", 2, Decimal(5)),
        ("ann", "shoe", 1, Decimal("19.9")),
        ("bob", "tie", 2, Decimal("3.49")),
    ]


def test_orders_and_their_lines(built: Built):
    orders = built.query("""
        select order_id, visitor_id, order_value, currency, line_count from orders
        order by visitor_id""")
    assert values(orders) == [
        ("T-1", "ann", Decimal("32.85"), "EUR", 2),
        (None, "u2", Decimal("8.5"), None, 1),
    ]
    lines = built.query("select item_id, quantity, unit_price from order_lines order by 1")
    assert values(lines) == [
        ("cup", 2, Decimal("4.25")),
        ("hat", 2, Decimal(5)),
        ("shoe", 1, Decimal("19.9")),
    ]


@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_known_by_its_look(shape: str, tmp_path: Path):
    assert_known_by_its_look(write(tmp_path, shape, EVENTS), "mixpanel")


def test_an_id_that_comes_again_is_the_same_event_under_its_name_and_on_its_day_only(
    of_source: Warehouse, tmp_path: Path
):
    day = 24 * 60
    rows = [
        event(1, "ann", 0, "Product Added", sku="tie"),
        event(1, "ann", 1, "Checkout Started"),
        event(1, "ann", 2, "Order Completed", order_id="T-1"),
        # merged with another person meanwhile, and exported again
        event(1, "ann", 0, "Product Added", sku="tie", distinct_id="u1"),
        event(1, "ann", day, "Product Added", sku="tie"),
    ]
    built = Built(of_source, write_rows(tmp_path / "dumps", "jsonl", rows), "mixpanel")
    assert values(built.query("select event_id, event_type from events order by event_at")) == [
        ("i1 Product Added 2026-11-20", "add_to_cart"),
        ("i1 Checkout Started 2026-11-20", "begin_checkout"),
        ("i1 Order Completed 2026-11-20", "purchase"),
        ("i1 Product Added 2026-11-21", "add_to_cart"),
    ]
    assert values(built.query("select status, order_id from carts order by started_at")) == [
        ("converted", "T-1"),
        ("open", None),
    ]
