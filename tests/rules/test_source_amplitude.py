"""Amplitude's exported events from file to cart.

Belongs here: small files in the documented shapes, written by hand, and what must come of them.
https://amplitude.com/docs/apis/analytics/export, https://amplitude.com/docs/apis/analytics/http-v2
and https://amplitude.com/docs/analytics/charts/cart-analysis
"""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from .vendor_files import HOUR, Built, assert_known_by_its_look, values, write_rows
from .warehouse import Warehouse

FORMS = ["jsonl.gz", "json", "parquet"]
MAC = {"platform": "Web", "device_type": "Mac", "device_family": "Mac OS X", "os_name": "Chrome"}
PHONE = {"platform": "iOS", "device_type": "Apple iPhone", "device_family": "Apple iPhone"}


def event(number: int, device: str | None, minute: int, kind: str, **more) -> dict:
    return {
        "$insert_id": f"i{number}",
        "uuid": f"c6ef3124-b53a-4b13-a233-{number:012}",
        "amplitude_id": 77,
        "app": 5,
        "event_id": number,
        "device_id": device,
        "user_id": None,
        "event_type": kind,
        # without a zone, UTC
        "event_time": f"2026-11-20 10:{minute:02}:00.250000",
        "client_event_time": "2026-11-20 03:00:00.000000",
        "server_upload_time": "2026-11-20 10:59:00.000000",
        "session_id": 1795168800000,
        "country": "Germany",
        "event_properties": {},
        "user_properties": {},
        **MAC,
        **more,
    }


SHOE = {"product_id": "shoe", "name": "Shoe", "price": 19.9, "quantity": 1, "category": "feet"}
HATS = {"product_id": "hat", "name": "Hat", "price": 5.0, "quantity": 2, "brand": "B"}
PLACE = {
    "[Amplitude] Page Location": "https://shop.example/a",
    "referrer": "https://search.example",
}
EVENTS = [
    event(1, "ann", 0, "[Amplitude] Page Viewed", event_properties=PLACE,
          user_properties={"utm_source": "news", "utm_medium": "EMPTY", "utm_campaign": "fall"}),
    event(2, "ann", 1, "Product Viewed", event_properties={"product_id": "shoe", "price": 19.9}),
    event(3, "ann", 2, "Product Added",
          event_properties={"products": [SHOE, HATS], "currency": "EUR"}),
    event(4, "ann", 3, "Checkout Started", event_properties={"items": 3}),
    event(5, "ann", 4, "Order Completed", user_id="u1000",
          event_properties={"order_id": "T-1", "revenue": 32.85, "currency": "EUR",
                            "products": [SHOE, HATS]}),
    # what revenue() of an SDK sends beside the shop's own event
    event(6, "ann", 4, "revenue_amount", event_properties={"$revenue": 32.85, "$price": 32.85}),
    event(7, "bob", 0, "add_to_cart", **PHONE,
          event_properties={"sku": "tie", "price": "3.49", "quantity": 3, "currency": "GBP"}),
    event(8, "bob", 1, "Product Removed", **PHONE, event_properties={"sku": "tie", "quantity": 1}),
    event(9, None, 2, "Purchase", user_id="u2000", platform="Android",
          device_type="Samsung Tablet",
          event_properties={"$revenue": 8.5, "$price": 4.25, "$quantity": 2, "$productId": "cup"}),
    event(10, "bob", 3, "Newsletter Joined", **PHONE),
]  # fmt: skip
# sent again by the device, and exported again
AGAIN = [EVENTS[2] | {"uuid": "other"}, EVENTS[4]]


@pytest.fixture(scope="module", params=FORMS)
def built(request, of_source: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = write_rows(tmp_path_factory.mktemp("dumps"), request.param, [*EVENTS, *AGAIN])
    return Built(of_source, folder, "amplitude")


def test_types_times_and_owners(built: Built):
    assert built.query("from set_aside_rows") == []
    found = built.query("""
        select event_id, visitor_id, owner_id, event_type, strftime(event_at, '%H:%M:%S.%g') as at
        from events order by length(event_id), event_id""")
    assert values(found) == [
        ("i1", "ann", None, "page_view", "10:00:00.250"),
        ("i2", "ann", None, "view_item", "10:01:00.250"),
        ("i3", "ann", None, "add_to_cart", "10:02:00.250"),
        ("i4", "ann", None, "begin_checkout", "10:03:00.250"),
        ("i5", "ann", "u1000", "purchase", "10:04:00.250"),
        ("i6", "ann", None, "revenue_amount", "10:04:00.250"),
        ("i7", "bob", None, "add_to_cart", "10:00:00.250"),
        ("i8", "bob", None, "remove_from_cart", "10:01:00.250"),
        ("i9", "user:u2000", "u2000", "purchase", "10:02:00.250"),
        ("i10", "bob", None, "Newsletter Joined", "10:03:00.250"),
    ]


def test_where_from_and_on_what(built: Built):
    found = built.query("""
        select page_url, referrer, utm_source, utm_medium, utm_campaign, device_type, country
        from events where event_id in ('i1', 'i7', 'i9') order by event_id""")
    assert values(found) == [
        ("https://shop.example/a", "https://search.example", "news", None, "fall", "desktop",
         "Germany"),
        (None, None, None, None, None, "mobile", "Germany"),
        (None, None, None, None, None, "tablet", "Germany"),
    ]  # fmt: skip


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
        (None, "user:u2000", Decimal("8.5"), None, 1),
    ]
    lines = built.query("select item_id, quantity, unit_price from order_lines order by 1")
    assert values(lines) == [
        ("cup", 2, Decimal("4.25")),
        ("hat", 2, Decimal(5)),
        ("shoe", 1, Decimal("19.9")),
    ]


@pytest.mark.parametrize("form", FORMS)
def test_it_is_known_by_its_look(form: str, tmp_path: Path):
    assert_known_by_its_look(write_rows(tmp_path, form, EVENTS), "amplitude")


def test_events_as_they_are_sent_are_read_too(of_source: Warehouse, tmp_path: Path):
    sent = {
        "insert_id": "s1",
        "device_id": "ann",
        "event_type": "Purchase",
        "time": 1795168800250,
        "productId": "cup",
        "price": 4.25,
        "quantity": 2,
        "revenue": 8.5,
        "event_properties": {"currency": "EUR"},
        "user_properties": {"tier": "gold"},
    }
    folder = write_rows(tmp_path, "jsonl", [sent])
    of_source.build_files(folder, HOUR, tables=("events", "orders"), source_name="amplitude")
    assert values(of_source.query("select order_value, currency, item_quantity from orders")) == [
        (Decimal("8.5"), "EUR", 2)
    ]
    found = of_source.query("select event_id, strftime(event_at, '%H:%M:%S.%g') as at from events")
    assert found == [{"event_id": "s1", "at": "10:00:00.250"}]


def test_a_list_that_cannot_be_read_is_noted(of_source: Warehouse, tmp_path: Path):
    rows = [event(1, "ann", 0, "Product Added", event_properties={"products": "[shoe, hat]"})]
    folder = write_rows(tmp_path, "jsonl", rows)
    of_source.build_files(folder, HOUR, tables=("set_aside_rows",), source_name="amplitude")
    assert of_source.query("select reason from set_aside_rows") == [{"reason": "bad_items"}]


def test_a_list_may_be_a_text_or_hold_ids_alone(of_source: Warehouse, tmp_path: Path):
    lists = [["shoe", "hat"], [12, 7], json.dumps([{"sku": "tie", "quantity": "2"}]), '[ "cap"]']
    rows = [
        event(at, f"v{at}", at, "Product Added", event_properties={"products": each})
        for at, each in enumerate(lists)
    ]
    folder = write_rows(tmp_path, "jsonl", rows)
    of_source.build_files(
        folder, HOUR, tables=("set_aside_rows", "cart_lines"), source_name="amplitude"
    )
    assert of_source.query("from set_aside_rows") == []
    found = of_source.query("select visitor_id, item_id, quantity from cart_lines order by all")
    assert values(found) == [
        *(("v0", "hat", 1), ("v0", "shoe", 1), ("v1", "12", 1), ("v1", "7", 1)),
        *(("v2", "tie", 2), ("v3", "cap", 1)),
    ]


def test_a_shop_names_its_events_itself(of_source: Warehouse, tmp_path: Path):
    words = {
        "Cart Add": "add_to_cart",
        "cart_empty": "remove_from_cart",
        "checkout": "begin_checkout",
        "Placed Order": "purchase",
        "$mp_web_page_view": "page_view",
        "add to basket": "add to basket",
    }
    rows = [event(minute, "ann", minute, word) for minute, word in enumerate(words)]
    folder = write_rows(tmp_path, "jsonl", rows)
    of_source.build_files(folder, HOUR, tables=("events",), source_name="amplitude")
    found = values(of_source.query("select event_type from events order by event_at"))
    assert found == [(word,) for word in words.values()]
