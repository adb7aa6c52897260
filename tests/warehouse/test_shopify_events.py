"""Shopify's customer events as Shopify documents them, from the file to carts and orders.

Belongs here: events with Shopify's own `data`, of which
https://shopify.dev/docs/api/web-pixels-api/standard-events says the shapes. Not here: the flat
events of the real dumps (tests/whole/test_shopify.py).
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.landing import ensure_raw_tables, find_files, land
from orchestration.landing.locations import known_sources
from orchestration.warehouse import database, dbt_build

pytestmark = pytest.mark.slow

Query = Callable[[str], list[tuple]]


def variant(id_: str, sku: str | None, price: float) -> dict:
    return {
        "id": id_,
        "sku": sku,
        "title": f"Size {id_}",
        "image": {"src": f"https://cdn.example/{id_}.png"},
        "price": {"amount": price, "currencyCode": "EUR"},
        "product": {
            "id": "7",
            "title": "Shoe",
            "type": "Shoes",
            "vendor": "Acme",
            "url": "/products/shoe",
        },
    }


RED = variant("701", "SHOE-RED", 30)
BLUE = variant("702", None, 35.5)


def line(merchandise: dict, quantity: int) -> dict:
    total = {"amount": merchandise["price"]["amount"] * quantity, "currencyCode": "EUR"}
    cost = {"totalAmount": total}
    return {"cartLine": {"cost": cost, "merchandise": merchandise, "quantity": quantity}}


def event(client: str, time: str, name: str, data: dict | None) -> dict:
    return {
        "id": f"{client}-{time}",
        "clientId": client,
        "name": name,
        "timestamp": f"2026-11-20T{time}:00.000Z",
        "url": "https://shop.example/products/boot?variant=701",
        "data": data,
    }


ORDER = {
    "currencyCode": "EUR",
    "order": {"id": "o1"},
    "totalPrice": {"amount": 65.5, "currencyCode": "EUR"},
    "lineItems": [
        {"id": "l1", "title": "Shoe", "quantity": 1, "variant": RED},
        {"id": "l2", "title": "Shoe", "quantity": 1, "variant": BLUE},
    ],
}
# lines that name no variant, by client
UNNAMED = {
    "no_line": {"cartLine": None},
    "no_keys": {},
    "no_data": None,
    "no_merchandise": {"cartLine": {"merchandise": None, "quantity": 1}},
    "product_only": {"cartLine": {"merchandise": {"product": {"id": "7"}}, "quantity": 1}},
}
ADDED, REMOVED = "product_added_to_cart", "product_removed_from_cart"
EVENTS = [
    *(
        event(client, time, name, data)
        for client in ("open", "bought")
        for time, name, data in (
            ("10:00", "product_viewed", {"productVariant": RED}),
            ("10:01", ADDED, line(RED, 2)),
            ("10:02", ADDED, line(BLUE, 1)),
            ("10:03", REMOVED, line(RED, 1)),
        )
    ),
    event("bought", "10:04", "checkout_completed", {"checkout": ORDER}),
    event("emptied", "10:00", ADDED, line(RED, 3)),
    event("emptied", "10:01", REMOVED, line(RED, 3)),
    event("another", "10:00", ADDED, line(BLUE, 1)),
    event("another", "10:01", REMOVED, line(RED, 1)),
    *(event(client, "10:00", ADDED, data) for client, data in UNNAMED.items()),
]


@pytest.fixture(scope="module")
def query(tmp_path_factory: pytest.TempPathFactory) -> Query:
    """Select from what a build makes of all these events."""
    home = Home(tmp_path_factory.mktemp("shopify_events"))
    home.prepare()
    folder = home.root / "dumps"
    folder.mkdir()
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, EVENTS)))
    source = known_sources(home)["shopify_pixel"]
    landed_at = datetime(2026, 11, 26, tzinfo=UTC)
    with database.connect(home, Settings()) as connection:
        ensure_raw_tables(connection, known_sources(home))
        land(connection, find_files(str(folder), source), source, landed_at=landed_at)
    hour = datetime(2026, 11, 20, 11)
    dbt_build.build(home, Settings(), as_of=hour, command="run").require_success()

    def select(sql: str) -> list[tuple]:
        with database.connect(home, Settings()) as connection:
            return connection.execute(sql).fetchall()

    return select


def test_the_line_of_a_cart_is_its_variant_its_units_and_the_price_of_one(query: Query):
    lines = "select item_id, quantity, unit_price, currency from cart_lines"
    assert query(f"{lines} where visitor_id = 'open' order by 1") == [
        ("702", 1, Decimal("35.5"), "EUR"),
        ("SHOE-RED", 1, Decimal(30), "EUR"),
    ]
    totals = "select cart_value, currency, is_value_complete from carts where visitor_id = 'open'"
    assert query(totals) == [(Decimal("65.5"), "EUR", True)]


def test_a_variant_is_one_item_where_it_is_viewed_added_and_bought(query: Query):
    assert query(
        "select item_id, item_name, item_category, item_brand, item_url, image_url, view_count,"
        " add_count, order_count from items where item_id != 'boot' order by 1"
    ) == [
        (
            id_,
            "Shoe",
            "Shoes",
            "Acme",
            "/products/shoe",
            f"https://cdn.example/{image}.png",
            *counts,
        )
        for id_, image, counts in (("702", 702, (0, 3, 1)), ("SHOE-RED", 701, (2, 3, 1)))
    ]
    assert query(
        "select item_id, quantity, unit_price, currency from order_lines order by line_number"
    ) == [("SHOE-RED", 1, Decimal(30), "EUR"), ("702", 1, Decimal("35.5"), "EUR")]
    found = query("select visitor_id, order_id from carts where status = 'converted'")
    assert found == [("bought", "o1")]


def test_a_removal_takes_its_own_variant_only(query: Query):
    assert query(
        "select visitor_id, status from carts where visitor_id in ('emptied', 'another') order by 1"
    ) == [("another", "open"), ("emptied", "emptied")]


@pytest.mark.parametrize("client", UNNAMED)
def test_a_line_without_a_variant_is_the_product_of_the_page(query: Query, client: str):
    assert query(
        f"select item_id, quantity, unit_price from cart_lines where visitor_id = '{client}'"
    ) == [("boot", 1, None)]


def test_no_row_is_set_aside(query: Query):
    assert query("select count(*) from events") == [(len(EVENTS),)]
    assert query("from set_aside_rows") == []
