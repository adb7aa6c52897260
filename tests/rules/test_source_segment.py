"""Calls of Segment and RudderStack, from their files to carts and orders.

Belongs here: what becomes of calls in the documented shape, in every form in which they are
delivered. Not here: how the files are written (segment_calls.py).
"""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.landing import find_files
from orchestration.landing.locations import sources_in
from orchestration.landing.recognition import recognized

from .segment_calls import URL, call, in_snake_case, track, write_calls, write_tables
from .warehouse import SELECTS, Warehouse

HOUR = datetime(2026, 11, 26, 12, tzinfo=UTC)
ANN, APP = "507f191e810c19729de860ea", "a-5ad1"
EUR = {"currency": "EUR"}
SHOE = {"product_id": "p1", "sku": "G-32", "name": "Red shoe", "category": "Shoes", "brand": "Fix"}
BOUGHT = {
    "order_id": "O-1",
    "total": 30.0,
    "revenue": 25.0,
    **EUR,
    "products": [
        {**SHOE, "price": 10.5, "quantity": 1, "image_url": "https://shop.example/p1.webp"},
        {"sku": "G-33", "name": "Hat", "price": 7.25, "quantity": 2},
    ],
}
TABLES = ("events", "sessions", "carts", "cart_lines", "orders", "order_lines", "items")
CALLS = [
    call("page", "10:00:00", ANN, name="Home", properties={"url": URL, "category": "Landing"}),
    track("Products Searched", "10:01:00", ANN, query="shoes"),
    track("Product List Viewed", "10:02:00", ANN, products=[{"product_id": "p1"}, {"sku": "G-33"}]),
    track("Product Viewed", "10:03:00", ANN, **SHOE, price=10.5, **EUR),
    track("Product Added", "10:04:00", ANN, **SHOE, price=10.5, quantity=2, **EUR),
    # what was added, and the cart as it then was
    track(
        "Product Added",
        "10:04:30",
        ANN,
        sku="G-33",
        price=7.25,
        quantity=1,
        **EUR,
        products=[{**SHOE, "quantity": 2}, {"sku": "G-33", "quantity": 1}],
    ),
    call("identify", "10:05:00", ANN, "u1", traits={"plan": "gold"}),
    call("identify", "10:05:10", ANN, traits={"plan": "guest"}),
    track("Product Removed", "10:06:00", ANN, product_id="p1", quantity=1, **EUR),
    track("Order Completed", "10:07:00", ANN, **BOUGHT),
    # the shop's server knows the user only
    track("Order Completed", "10:07:05", user="u1", **BOUGHT),
    call("group", "10:08:00", ANN, "u1", groupId="g1", traits={"employees": 3}),
    call("alias", "10:09:00", ANN, "u1", previousId=ANN),
    track("Order Refunded", "11:30:00", user="u1", order_id="O-1", total=7.25, **EUR),
    call(
        "screen",
        "12:00:00",
        APP,
        context={"device": {"type": "ios", "model": "iPad13,4"}},
        name="Home",
        properties={"variation": "blue"},
    ),
]


def tables(warehouse: Warehouse, folder: Path) -> dict[str, list[dict]]:
    names = (*TABLES, "landed_files", "set_aside_rows")
    warehouse.build_files(folder, HOUR, tables=names, source_name="segment")
    return {
        name: sorted(warehouse.query(SELECTS[name]), key=lambda row: str([*row.values()]))
        for name in TABLES
    }


def rows(warehouse: Warehouse, select: str) -> list[tuple]:
    return [tuple(row.values()) for row in warehouse.query(select)]


def test_calls_give_these_events_carts_and_orders(of_source: Warehouse, tmp_path: Path):
    warehouse = of_source
    write_calls(tmp_path / "1.json", CALLS)
    tables(warehouse, tmp_path)
    assert rows(
        warehouse,
        """
        select strftime(event_at, '%H:%M:%S.%g'), visitor_id, owner_id, event_type, item_id,
            item_category
        from events order by event_at""",
    ) == [
        ("10:00:00.250", ANN, None, "page_view", None, None),
        ("10:01:00.250", ANN, None, "search", None, None),
        ("10:02:00.250", ANN, None, "view_item_list", None, None),
        ("10:03:00.250", ANN, None, "view_item", "p1", "Shoes"),
        ("10:04:00.250", ANN, None, "add_to_cart", "p1", "Shoes"),
        ("10:04:30.250", ANN, None, "add_to_cart", "G-33", None),
        ("10:05:00.250", ANN, "u1", "login", None, None),
        ("10:05:10.250", ANN, "u1", "identify", None, None),
        ("10:06:00.250", ANN, "u1", "remove_from_cart", "p1", None),
        ("10:07:00.250", ANN, "u1", "purchase", None, None),
        ("10:07:05.250", "user:u1", "u1", "purchase", None, None),
        ("10:08:00.250", ANN, "u1", "group", None, None),
        ("10:09:00.250", ANN, "u1", "alias", None, None),
        ("11:30:00.250", "user:u1", "u1", "refund", None, None),
        ("12:00:00.250", APP, None, "page_view", None, None),
    ]
    assert rows(
        warehouse,
        """
        select visitor_id, owner_id, status, order_id, add_count, remove_count, item_quantity,
            cart_value, currency
        from carts""",
    ) == [(ANN, "u1", "converted", "O-1", 2, 1, 2, Decimal("17.75"), "EUR")]
    assert rows(
        warehouse,
        """
        select visitor_id, order_id, order_value, currency, refunded_value, item_quantity
        from orders""",
    ) == [(ANN, "O-1", Decimal(30), "EUR", Decimal("7.25"), 3)]
    assert rows(
        warehouse, "select item_id, quantity, unit_price, currency from order_lines order by 1"
    ) == [("G-33", 2, Decimal("7.25"), "EUR"), ("p1", 1, Decimal("10.5"), "EUR")]
    assert rows(
        warehouse, "select item_id, item_name, item_brand, image_url from items order by 1"
    ) == [
        ("G-33", "Hat", None, None),
        ("p1", "Red shoe", "Fix", "https://shop.example/p1.webp"),
    ]
    assert rows(
        warehouse,
        f"""
        select landing_page, referrer_domain, utm_source, utm_medium, utm_campaign, device_type,
            country
        from sessions where visitor_id in ('{ANN}', '{APP}') order by started_at""",
    ) == [
        (URL, "mail.example", "letter", "email", "november", "mobile", "Germany"),
        (None, None, None, None, None, "tablet", None),
    ]
    assert rows(warehouse, "from set_aside_rows") == []


def test_calls_are_the_same_in_every_form_and_count_once(of_source: Warehouse, tmp_path: Path):
    again = [{**each, "receivedAt": "2026-11-21T00:00:00.000Z"} for each in CALLS[3:]]
    write_calls(tmp_path / "calls" / "1.json", CALLS)
    write_calls(tmp_path / "snake_case" / "1.json", in_snake_case(CALLS))
    write_calls(tmp_path / "delivered_again" / "1.json", CALLS)
    write_calls(tmp_path / "delivered_again" / "2.json", again)
    # tracks and the tables of the events hold the same calls
    write_tables(tmp_path / "tables", CALLS)
    made = {path.name: tables(of_source, path) for path in tmp_path.iterdir()}
    assert len(made) == 4
    assert {name: each == made["calls"] for name, each in made.items()} == dict.fromkeys(made, True)


VALUES = [
    ({"total": 30, "revenue": 25, "value": 1}, 30),
    ({"revenue": "25.5", "value": 1}, Decimal("25.5")),
    ({"value": 7}, 7),
    ({}, 13),  # of its products
]


def test_an_order_came_to_its_total_else_its_revenue_else_its_value(
    of_source: Warehouse, tmp_path: Path
):
    products = [{"product_id": "a", "price": 6.5, "quantity": 2}]
    bought = [
        track("Completed Order", "10:00:00", f"v{n}", **EUR, products=products, **properties)
        for n, (properties, _) in enumerate(VALUES)
    ]
    write_calls(tmp_path / "1.json", bought)
    tables(of_source, tmp_path)
    assert rows(of_source, "select visitor_id, order_value, currency from orders order by 1") == [
        (f"v{n}", value, "EUR") for n, (_, value) in enumerate(VALUES)
    ]


def test_words_of_any_spelling_are_understood_and_others_kept(of_source: Warehouse, tmp_path: Path):
    words = {
        "product_added": "add_to_cart",
        "Add To Cart": "add_to_cart",
        "Viewed Product": "view_item",
        "PRODUCT ADDED TO WISHLIST": "add_to_wishlist",
        "Payment Info Entered": "add_payment_info",
        "Order Cancelled": "Order Cancelled",
    }
    write_calls(
        tmp_path / "1.json", [track(word, f"10:0{n}:00", ANN) for n, word in enumerate(words)]
    )
    tables(of_source, tmp_path)
    assert rows(of_source, "select event_type from events order by event_at") == [
        (word,) for word in words.values()
    ]


def test_products_are_found_where_older_trackers_put_them(of_source: Warehouse, tmp_path: Path):
    several = json.dumps([{"product_id": "hat", "quantity": 2}, {"sku": "tie"}])
    calls = [
        track("Added Product", "10:00:00", "v0", id="shoe", price=7),  # the specification's first
        track("Product Added", "10:01:00", "v1", products=several),  # a list as text
        track("Product Added", "10:02:00", "v2", productId="cap", id="not this"),
        track("Product Added", "10:03:00", "v3", id="a cart", products=[{"id": "bag"}]),
        track("Checkout Started", "10:04:00", "v0", id="a cart", category="none of its own"),
    ]
    write_calls(tmp_path / "1.json", calls)
    tables(of_source, tmp_path)
    assert rows(of_source, "select visitor_id, item_id, quantity from cart_lines order by all") == [
        *(("v0", "shoe", 1), ("v1", "hat", 2), ("v1", "tie", 1)),
        *(("v2", "cap", 1), ("v3", "bag", 1)),
    ]
    query = "select item_id, item_category from events where event_type = 'begin_checkout'"
    assert rows(of_source, query) == [(None, None)]


@pytest.mark.parametrize(
    "write",
    [
        lambda folder: write_calls(folder / "1.json", CALLS),
        lambda folder: write_calls(folder / "1.json", in_snake_case(CALLS)),
        lambda folder: write_tables(folder, CALLS),
    ],
    ids=["calls", "snake_case", "tables"],
)
def test_the_files_are_recognized(tmp_path: Path, write):
    write(tmp_path)
    assert recognized(find_files(tmp_path), sources_in(DBT_PROJECT)).source == "segment"
