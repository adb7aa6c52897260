"""What addresses say: the SQL against a plain reading, and what it makes of page views.

Belongs here: rules of addresses from the text of an address to the events and items that follow.
Not here: the file of a shop's own rules (tests/ground/test_address_rules.py).
"""

import csv
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from orchestration.ground.address_rules import parse_address_rules

from .heavy import heavy
from .macros import macros
from .reference_addresses import Meaning, Rule, meaning
from .warehouse import Warehouse

OWN_RULES = """\
pattern,page_type,category,item_id
/de/imprint,legal,,
/,home,,
/{category}/p-{item_id}.html,item,,
/{category}/{item_id}-*.html,item,,
/shop/*/*-{item_id},item,,
/gear/*tent*/*,item,tents,3
/c/**/{category},list,,
/archive/**,list,old things,
/item.php?id={item_id},item,,
/find?q=*&in={category},list,,
/find?q=*,search,,
/Größe/{item_id},item,,
/a(b)[c].$+|d,page,,
/s/{category}_*_{item_id},item,,
/*/reviews/**/{item_id},item,reviews,
/help*,page,,
"""
PATHS = [
    "",
    "/",
    "/imprint",
    "/Shoes/p-RED-42.html",
    "/shoes/p-.html",
    "/shoes/4711-red-shoe.html",
    "/shoes/red.html",
    "/shop/men/nice-red-shoe-42",
    "/shop/men/shoe",
    "/gear/big-tents/T%C3%A9nt%2F4",
    "/gear/bags/7",
    "/c/men",
    "/c",
    "/c/men/shoes/Boots",
    "/archive",
    "/archive/2020/01",
    "/item.php?id=42&utm_source=id=7",
    "/item.php?ID=a+b%26c&id=7",
    "/item.php?page=2",
    "/find?q=red&in=shoes",
    "/find?in=shoes&q=red",
    "/find?q=red",
    "/find?q=&in=shoes",
    "/gr%C3%B6%C3%9Fe/XL",
    "/A(B)[c].$+|d",
    "/s/a_b_c_d",
    "/x/reviews/2024/may/42",
    "/x/reviews/42",
    "/helpdesk",
    "/help/x",
    "/products/Blue-Hat",
    "/collections/summer/products/hat",
    "/collections/summer?page=2",
    "/product-category/men/shoes/page/3/",
    "/catalog/product/view/id/409/s/tee/category/16",
    "/checkout/cart/",
    "/checkout/onepage/success",
    "/%FF/%E2%82/x",
    "/null/p-null.html",
    "/shop/a//b-7;jsessionid=1.2/&gclid=3",
]
FORMS = [
    "https://shop.example{path}",
    "HTTP://user@www.shop.example:8080/index.php{path}#reviews?id=9",
    "//shop.example/de-AT{path}/",
    "shop.example/ch/fr{path}",
    " {path}",
]
FILES = ("dialects/texts.sql", "rules/addresses.sql", "rules/address_rules.sql")


def with_sql(addresses: Sequence[str | None], own_rules: str = "") -> list[Meaning]:
    """What the project's macros say of addresses."""
    rendered = macros({"address_rules": own(own_rules)}, *FILES)
    with duckdb.connect(config={"threads": 1}) as connection:
        columns = {"place": range(len(addresses)), "page_url": addresses}
        connection.register(
            "given", pl.DataFrame(columns, schema_overrides={"page_url": pl.String})
        )
        rows = connection.execute(
            "select page_type, page_category, page_item_text"
            f" from ({rendered.meanings_of_addresses('given')}) order by place"
        ).fetchall()
    return [Meaning(*row) for row in rows]


def own(own_rules: str) -> list[dict]:
    return [rule.model_dump() for rule in parse_address_rules(own_rules)]


def all_rules(own_rules: str = "") -> list[Rule]:
    rendered = macros({"address_rules": own(own_rules)}, *FILES)
    return [Rule(**rule) for rule in json.loads(rendered.address_rules())]


def test_two_hundred_shapes_of_addresses_mean_what_a_plain_reading_says():
    addresses = [form.format(path=path) for path in PATHS for form in FORMS]
    assert len(addresses) == len(set(addresses)) == 200
    rules = all_rules(OWN_RULES)
    found = with_sql(addresses, OWN_RULES)
    expected = [meaning(address, rules) for address in addresses]
    assert dict(zip(addresses, found, strict=True)) == dict(zip(addresses, expected, strict=True))
    assert len({rule for rule in found if rule.page_type}) > 20


MEANT = [
    ("https://shop.example", ("home", None, None)),
    ("https://shop.example/de/imprint", ("legal", None, None)),
    ("https://shop.example/imprint", (None, None, None)),
    ("https://shop.example/en/Shoes/p-RED-42.html?x=1", ("item", "Shoes", "RED-42")),
    ("https://shop.example/shoes/4711-red-shoe.html", ("item", "shoes", "4711")),
    ("https://shop.example/shop/men/nice-red-shoe-42", ("item", None, "42")),
    ("/gear/big-tents/T%C3%A9nt%2F4", ("item", "tents", "Tént%2F4")),
    ("/c/men/shoes/Boots/", ("list", "Boots", None)),
    ("/archive", ("list", "old things", None)),
    ("/item.php?ID=a+b%26c&id=7", ("item", None, "a b&c")),
    ("/find?in=shoes&q=red", ("list", "shoes", None)),
    ("/find?q=red", ("search", None, None)),
    ("/find?q=&in=shoes", (None, None, None)),
    ("/s/a_b_c_d", ("item", "a", "d")),
    ("/x/reviews/2024/may/42", ("item", "reviews", "42")),
    ("//shop.example/us/en/products/hat;v=1", ("item", None, "hat")),
    ("shop.example/products/hat&fbclid=1", ("item", None, "hat")),
    ("/products/salt&pepper", ("item", None, "salt&pepper")),
    ("/collections/all/products/hat", ("item", None, "hat")),
    ("javascript:void(0)", (None, None, None)),
    ("products/hat", (None, None, None)),
    ("", (None, None, None)),
    (None, (None, None, None)),
]


def test_what_an_address_means():
    found = with_sql([address for address, _ in MEANT], OWN_RULES)
    assert dict(zip((address for address, _ in MEANT), found, strict=True)) == {
        address: Meaning(*expected) for address, expected in MEANT
    }


def test_the_shipped_rules_are_rules_as_a_shop_may_write_them():
    shipped = all_rules()
    lines = [f"{rule.pattern},{rule.page_type}" for rule in shipped]
    parsed = parse_address_rules("\n".join(["pattern,page_type", *lines]))
    assert [(rule.pattern, rule.page_type) for rule in parsed] == [
        (rule.pattern, rule.page_type) for rule in shipped
    ]


OF_SHOP_SYSTEMS = [
    # Shopify
    ("/products/hat", ("item", None, "hat")),
    ("/collections/hats", ("list", "hats", None)),
    ("/checkouts/cn/abc/en-us/thank-you", ("confirmation", None, None)),
    ("/blogs/news/hats", ("article", None, None)),
    # WooCommerce
    ("/product/hat/", ("item", None, "hat")),
    ("/?product=hat", ("item", None, "hat")),
    ("/?s=hat&post_type=product", ("search", None, None)),
    ("/product-category/men/hats/page/2/", ("list", "hats", None)),
    ("/checkout/order-received/17/?key=wc_order_1", ("confirmation", None, None)),
    ("/my-account/orders/", ("account", None, None)),
    # Magento
    ("/catalog/product/view/id/409/s/hat/category/16/", ("item", None, "409")),
    ("/catalog/category/view/s/hats/id/16/", ("list", "16", None)),
    ("/catalogsearch/result/?q=hat", ("search", None, None)),
    ("/checkout/cart/", ("cart", None, None)),
    ("/checkout/#payment", ("checkout", None, None)),
    ("/checkout/onepage/success/", ("confirmation", None, None)),
    # Shopware
    ("/detail/0189ab", ("item", None, "0189ab")),
    ("/navigation/77ef", ("list", "77ef", None)),
    ("/checkout/confirm", ("checkout", None, None)),
    ("/checkout/finish?orderId=1", ("confirmation", None, None)),
    ("/account/order", ("account", None, None)),
]


def test_the_common_shop_systems_are_known():
    paths = [path for path, _ in OF_SHOP_SYSTEMS]
    found = with_sql([f"https://shop.example/en{path}" for path in paths])
    assert dict(zip(paths, found, strict=True)) == {
        path: Meaning(*expected) for path, expected in OF_SHOP_SYSTEMS
    }


def test_on_the_seven_real_days_nearly_every_page_view_has_a_type(shared_data: Path):
    addresses = []
    for path in sorted((shared_data / "shopify_pixel").glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            rows = [*csv.DictReader(file)]
        addresses += [row["page_url"] for row in rows if row["event_name"] == "page_viewed"]
    found = with_sql(addresses)
    assert len(found) == 22_639
    assert sum(each.page_type is not None for each in found) == 22_478
    assert sum(each.category is not None for each in found) == 327
    for address, each in zip(addresses, found, strict=True):
        path = address.partition("?")[0].partition("#")[0].partition("&")[0]
        assert each.item_id == (path.partition("/products/")[2].rstrip("/") or None)


AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
HAT = "https://shop.example/products/hat"
TEN = timedelta(seconds=10)
BIT = timedelta(microseconds=1)
PAGE_VIEW, ITEM_VIEW, LIST_VIEW = "page_view", "view_item", "view_item_list"


def row(visitor: str, at: datetime, word: str, url: str | None, **more: str) -> dict:
    return {
        "source": "canonical",
        "event_id": f"{visitor}{at.isoformat()}{word}",
        "visitor_id": visitor,
        "event_at": at.replace(tzinfo=None).isoformat(),
        "event_type": word,
        "page_url": url,
        **more,
    }


def close(visitor: str, gap: timedelta, url: str | None, **more: str) -> list[dict]:
    """A page view of the hat, and a delivered view so much later."""
    return [
        row(visitor, AT, "page_viewed", HAT),
        row(visitor, AT + gap, "view_item", url, **more),
    ]


MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)
ROWS = [
    row("plain", AT, "page", f"{HAT}?gclid=1"),
    row("plain", AT + TEN, "page", "https://shop.example/collections/summer"),
    row("plain", AT + 2 * TEN, "page", "https://shop.example/about"),
    row("named", AT, "page", HAT, item_id="HAT-1", item_category="Hats"),
    row("added", AT, "add_to_cart", "https://shop.example/collections/summer", item_id="cap"),
    row("added", AT + TEN, "add_to_cart", "https://shop.example/collections/new/products/cap",
        item_id="cap"),
    *close("after", TEN, f"{HAT}?variant=2", item_id="HAT-1"),
    *close("before", -TEN, "http://www.shop.example/en/collections/all/products/hat"),
    *close("later", TEN + BIT, HAT),
    *close("sooner", -TEN - BIT, HAT),
    *close("elsewhere", TEN, "https://shop.example/products/cap", item_id="cap"),
    *close("same_item", TEN, "https://shop.example/quick-view", item_id="hat"),
    *close("no_address", TEN, None, item_id="HAT-1"),
    row("nobody_else", AT + TEN, "page", HAT),
    row("reload", AT, "page", HAT),
    row("reload", AT + TEN, "page", f"{HAT}#top"),
    row("listed", AT, "page", "https://shop.example/collections/summer"),
    row("listed", AT, "view_item_list", "https://shop.example/collections/summer?page=2"),
    row("night", MIDNIGHT - BIT, "page", HAT),
    row("night", MIDNIGHT + TEN / 2, "view_item", HAT, item_id="HAT-1"),
]  # fmt: skip
EXPECTED = {
    "plain": [(ITEM_VIEW, "hat", None, "item"), (LIST_VIEW, None, "summer", "list"),
              (PAGE_VIEW, None, None, None)],
    "named": [(ITEM_VIEW, "HAT-1", "Hats", "item")],
    "added": [("add_to_cart", "cap", None, "list"), ("add_to_cart", "cap", "new", "item")],
    "after": [(PAGE_VIEW, None, None, "item"), (ITEM_VIEW, "HAT-1", None, "item")],
    "before": [(ITEM_VIEW, None, None, "item"), (PAGE_VIEW, None, None, "item")],
    "later": [(ITEM_VIEW, "hat", None, "item"), (ITEM_VIEW, None, None, "item")],
    "sooner": [(ITEM_VIEW, None, None, "item"), (ITEM_VIEW, "hat", None, "item")],
    "elsewhere": [(ITEM_VIEW, "hat", None, "item"), (ITEM_VIEW, "cap", None, "item")],
    "same_item": [(PAGE_VIEW, None, None, "item"), (ITEM_VIEW, "hat", None, None)],
    "no_address": [(PAGE_VIEW, None, None, "item"), (ITEM_VIEW, "HAT-1", None, None)],
    "nobody_else": [(ITEM_VIEW, "hat", None, "item")],
    "reload": [(ITEM_VIEW, "hat", None, "item"), (ITEM_VIEW, "hat", None, "item")],
    "listed": [(PAGE_VIEW, None, "summer", "list"), (LIST_VIEW, None, "summer", "list")],
    "night": [(PAGE_VIEW, None, None, "item"), (ITEM_VIEW, "HAT-1", None, "item")],
}  # fmt: skip
TABLES = ("events", "sessions", "items", "untyped_addresses")


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Warehouse:
    """All these rows at once."""
    warehouse.build(ROWS, MIDNIGHT + TEN, tables=TABLES)
    return warehouse


def events(warehouse: Warehouse) -> dict[str, list[tuple]]:
    found: dict[str, list[tuple]] = {}
    for each in warehouse.query(
        "select visitor_id, event_type, item_id, item_category, page_type from events"
        " order by visitor_id, event_number"
    ):
        visitor, *rest = each.values()
        found.setdefault(visitor, []).append(tuple(rest))
    return found


def test_a_page_view_of_an_item_or_a_list_is_a_view_unless_the_dump_delivers_it(built: Warehouse):
    assert events(built) == EXPECTED


def test_views_count_once_in_sessions_and_items(built: Warehouse):
    views = {
        visitor: sum(type_ == ITEM_VIEW for type_, *_ in rows) for visitor, rows in EXPECTED.items()
    }
    found = built.query("select visitor_id, sum(view_count)::int as n from sessions group by 1")
    assert {each["visitor_id"]: each["n"] for each in found} == views
    hats = sum(row[:2] == (ITEM_VIEW, "hat") for rows in EXPECTED.values() for row in rows)
    items = built.query("select item_id, view_count, item_category from items")
    assert {tuple(each.values()) for each in items} == {
        ("hat", hats, None),
        ("HAT-1", 4, "Hats"),
        ("cap", 1, "new"),
    }


def test_addresses_without_a_type_are_listed(built: Warehouse):
    assert built.query("select untyped_path, page_view_count from untyped_addresses") == [
        {"untyped_path": "/about", "page_view_count": 1}
    ]


@pytest.mark.parametrize("late", [ITEM_VIEW, "page", *heavy([LIST_VIEW, "page_viewed"])])
def test_a_view_that_comes_in_a_later_file_takes_the_page_view_back(
    warehouse: Warehouse, late: str
):
    """Midnight between the two: the items of the day before change too."""
    warehouse.build(ROWS, MIDNIGHT + TEN, tables=["item_days"])
    warehouse.keep(["item_days"])
    files = [2 if each["event_type"] == late else 1 for each in ROWS]
    first = [each for each, file in zip(ROWS, files, strict=True) if file == 1]
    second = [each for each, file in zip(ROWS, files, strict=True) if file == 2]
    warehouse.empty()
    warehouse.land(first, [1] * len(first))
    warehouse.follow(MIDNIGHT + TEN, tables=("events", "item_days"))
    warehouse.land(second, [2] * len(second))
    warehouse.follow(MIDNIGHT + TEN, tables=("events", "item_days"))
    assert events(warehouse) == EXPECTED
    assert warehouse.differing(["item_days"]) == []
