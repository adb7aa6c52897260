"""Tealium's events from file to cart: sent, stored in EventStore, and within a visitor's record.

Belongs here: small files in the documented shapes, written by hand, and what must come of them.
https://docs.tealium.com/platforms/http-api/data-layer/
https://docs.tealium.com/server-side/data-storage/audiencestore-eventstore/eventstore-data-guide/
https://docs.tealium.com/iq-tag-management/extensions/extensions-list/tealium-events-extension/
"""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from .vendor_files import HOUR, Built, assert_known_by_its_look, values, write_rows
from .warehouse import Warehouse

TEN = 1795168800250  # 2026-11-20 10:00:00.250 UTC, in milliseconds
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X)"
BOTH = {
    "product_id": ["shoe", "hat"],
    "product_name": ["Shoe", "Hat"],
    "product_price": ["19.90", "5.00"],
    "product_quantity": ["1", "2"],
    "product_brand": ["", "B"],
}
PAGE = "https://shop.example/a?utm_source=news&utm_medium=mail"
# number, visitor, minute, word, agent, data layer
EVENTS = [
    (1, "ann", 0, "page_view", MAC, {"country_code": "de"}),
    (2, "ann", 1, "product_view", MAC, {"product_id": ["shoe"], "product_price": ["19.90"]}),
    (3, "ann", 2, "cart_add", MAC, {**BOTH, "order_currency": "EUR"}),
    (4, "ann", 3, "checkout", MAC, {}),
    (5, "ann", 4, "purchase", MAC, {**BOTH, "order_id": "T-1", "order_total": "32.85",
     "order_currency": "EUR", "customer_id": "u1"}),
    # numbers, a list that is too short, and a currency of each
    (6, "bob", 0, "cart_add", PHONE, {"product_id": ["tie", "cup"], "product_quantity": [3],
     "product_unit_price": [3.49, 2], "product_price": [9, 9], "product_currency": ["GBP", "GBP"]}),
    (7, "bob", 1, "cart_remove", PHONE, {"product_id": ["tie"], "product_quantity": [1]}),
    (8, "cyd", 0, "cart_add", MAC, {"product_sku": ["bag"], "product_quantity": [2]}),
    (9, "cyd", 1, "cart_empty", MAC, {}),
    (10, "cyd", 2, "link", MAC, {}),
]  # fmt: skip


def sent(events: list[tuple]) -> list[dict]:
    """As a page or an app sends it: no number of the event, the time as ISO 8601."""
    return [
        {
            "tealium_account": "shop",
            "tealium_profile": "main",
            "tealium_environment": "prod",
            "tealium_event": word,
            "tealium_visitor_id": visitor,
            "tealium_random": f"{number:016}",
            "tealium_timestamp_epoch": TEN // 1000 + 60 * minute,
            "tealium_timestamp_utc": f"2026-11-20T10:{minute:02}:00.250Z",
            "useragent": agent,
            "dom.url": PAGE,
            "dom.referrer": "https://search.example/",
            **layer,
        }
        for number, visitor, minute, word, agent, layer in events
    ]


def stored(events: list[tuple]) -> list[dict]:
    """As EventStore has it: flat, the data layer behind udo_, lists as texts."""
    return [
        {
            "visitorid": visitor,
            "eventid": f"e{number:02}",
            "eventtime": TEN + 60_000 * minute,
            "useragent": agent,
            "dom_url": PAGE,
            "referrerurl_full_url": "https://search.example/",
            "udo_tealium_event": word,
            **{
                f"udo_{name}": json.dumps(value) if isinstance(value, list) else value
                for name, value in layer.items()
            },
        }
        for number, visitor, minute, word, agent, layer in events
    ]


def within(events: list[tuple]) -> list[dict]:
    """As an event is within the record of a visitor."""
    return [
        {
            "account": "shop",
            "profile": "main",
            "env": "prod",
            "event_id": f"e{number:02}",
            "visitor_id": visitor,
            "post_time": TEN + 60_000 * minute,
            "type": "LIVE",
            "useragent": agent,
            "data": {
                "dom": {"url": PAGE, "referrer": "https://search.example/"},
                "udo": {"tealium_event": word, **layer},
            },
        }
        for number, visitor, minute, word, agent, layer in events
    ]


SHAPES = [
    ("jsonl", sent),
    ("jsonl.gz", stored),
    ("csv", stored),
    ("jsonl", within),
]


def write(folder: Path, shape: tuple, events: list[tuple]) -> Path:
    form, make = shape
    return write_rows(folder, form, make(events))


@pytest.fixture(
    scope="module",
    params=SHAPES,
    ids=lambda shape: f"{shape[1].__name__} {shape[0]}",
)
def shape(request) -> tuple:
    return request.param


@pytest.fixture(scope="module")
def built(shape: tuple, of_source: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = write(tmp_path_factory.mktemp("dumps"), shape, [*EVENTS, EVENTS[2], EVENTS[4]])
    return Built(of_source, folder, "tealium")


def test_types_times_and_owners(built: Built):
    assert built.query("from set_aside_rows") == []
    found = built.query("""
        select visitor_id, owner_id, event_type, strftime(event_at, '%M:%S.%g') as at
        from events order by visitor_id, event_at""")
    assert values(found) == [
        ("ann", None, "page_view", "00:00.250"),
        ("ann", None, "view_item", "01:00.250"),
        ("ann", None, "add_to_cart", "02:00.250"),
        ("ann", None, "begin_checkout", "03:00.250"),
        ("ann", "u1", "purchase", "04:00.250"),
        ("bob", None, "add_to_cart", "00:00.250"),
        ("bob", None, "remove_from_cart", "01:00.250"),
        ("cyd", None, "add_to_cart", "00:00.250"),
        ("cyd", None, "remove_from_cart", "01:00.250"),
        ("cyd", None, "link", "02:00.250"),
    ]


def test_where_from_and_on_what(built: Built):
    found = built.query("""
        select distinct page_url, referrer, utm_source, utm_medium, utm_campaign, device_type,
            country
        from events where event_type in ('page_view', 'remove_from_cart') and visitor_id != 'cyd'
        order by device_type""")
    page = (PAGE, "https://search.example/", "news", "mail", None)
    assert values(found) == [(*page, "desktop", "de"), (*page, "mobile", None)]


def test_lists_beside_each_other_are_the_items_of_an_event(built: Built):
    carts = built.query("""
        select visitor_id, status, cart_value, currency, is_value_complete from carts order by 1""")
    assert values(carts) == [
        ("ann", "converted", Decimal("29.9"), "EUR", True),
        ("bob", "open", Decimal("8.98"), "GBP", True),
        ("cyd", "emptied", Decimal(0), None, True),
    ]
    lines = built.query("""
        select visitor_id, item_id, quantity, unit_price from cart_lines order by all""")
    assert values(lines) == [
        ("ann", "hat", 2, Decimal(5)),
        ("ann", "shoe", 1, Decimal("19.9")),
        ("bob", "cup", 1, Decimal(2)),
        ("bob", "tie", 2, Decimal("3.49")),
    ]


def test_orders_and_their_lines(built: Built):
    orders = built.query("""
        select order_id, visitor_id, order_value, currency, line_count from orders""")
    assert values(orders) == [("T-1", "ann", Decimal("32.85"), "EUR", 2)]
    lines = built.query("select item_id, quantity, unit_price from order_lines order by 1")
    assert values(lines) == [("hat", 2, Decimal(5)), ("shoe", 1, Decimal("19.9"))]


def test_it_is_known_by_its_look(shape: tuple, tmp_path: Path):
    assert_known_by_its_look(write(tmp_path, shape, EVENTS), "tealium")


def test_one_product_may_stand_without_a_list_and_a_broken_list_is_noted(
    of_source: Warehouse, tmp_path: Path
):
    rows = stored([(1, "ann", 0, "cart_add", MAC, {"product_id": "shoe", "product_price": "5"}),
                   (2, "bob", 0, "cart_add", MAC, {"product_id": '["shoe"'})])  # fmt: skip
    folder = write_rows(tmp_path, "jsonl", rows)
    tables = ("set_aside_rows", "cart_lines")
    of_source.build_files(folder, HOUR, tables=tables, source_name="tealium")
    lines = of_source.query("select visitor_id, item_id, unit_price from cart_lines order by 1")
    assert values(lines) == [("ann", "shoe", Decimal(5)), ("bob", "(unknown)", None)]
    assert of_source.query("select reason from set_aside_rows") == [{"reason": "bad_items"}]
