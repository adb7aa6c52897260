"""GA4's export to BigQuery, from its files to carts and orders.

Belongs here: what becomes of rows in the documented shape, in every form in which they are
delivered. Not here: how the files are written (ga4_export.py).
"""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.landing import find_files
from orchestration.landing.locations import sources_in
from orchestration.landing.recognition import recognized

from .ga4_export import daily, hit, write_json, write_parquet
from .warehouse import SELECTS, Warehouse

HOUR = datetime(2026, 11, 26, 12, tzinfo=UTC)
ANN, BEN = "1001.1700000001", "1002.1700000002"
SHOE = {"item_id": "shoe", "item_name": "Red shoe", "item_category": "Shoes", "item_brand": "Fix"}
HAT = {"item_id": "hat", "item_name": "Hat"}
EUR = {"currency": "EUR"}
CAMPAIGN = {
    "manual_source": "letter",
    "manual_medium": "email",
    "manual_campaign_name": "november",
}
HOME = "https://shop.example/?utm_source=ignored"
TABLES = ("events", "sessions", "carts", "cart_lines", "orders", "order_lines", "items")


def sock(attention: int) -> dict:
    """One of several adds of a request, which have one time."""
    return hit(
        BEN,
        "11:00:00.000001",
        "add_to_cart",
        [{"item_id": "sock", "price": 4.0, "quantity": 1}],
        params={**EUR, "value": 4.0, "engagement_time_msec": attention},
    )


def bought(clock: str) -> dict:
    return hit(
        BEN,
        clock,
        "purchase",
        [
            {"item_id": "sock", "price": 4.0, "price_in_usd": 4.4, "quantity": 2},
            {"item_id": "shirt", "price": 22.0, "price_in_usd": 24.2, "quantity": 1},
        ],
        params={**EUR, "value": 30.0, "transaction_id": "T-1"},
        ecommerce={
            "transaction_id": "T-1",
            "purchase_revenue": 30.0,
            "purchase_revenue_in_usd": 33.0,
        },
    )


DAY = [
    # three events of one request
    *(
        hit(
            ANN,
            "10:00:00.123456",
            name,
            params={"page_location": HOME, "page_referrer": "https://mail.example/"},
            collected_traffic_source=CAMPAIGN,
        )
        for name in ("session_start", "first_visit", "page_view")
    ),
    hit(ANN, "10:01:00", "view_item", [{**SHOE, "price": 19.9, "quantity": 1}], params=EUR),
    hit(
        ANN,
        "10:02:00",
        "add_to_cart",
        [{**SHOE, "price": 19.9, "quantity": 2}, {**HAT, "price": 5.5, "quantity": 1}],
        params={**EUR, "value": 45.3},
    ),
    hit(ANN, "10:03:00", "login", user_id="u7"),
    hit(ANN, "10:04:00", "remove_from_cart", [{**HAT, "price": 5.5, "quantity": 1}], params=EUR),
    # a request with two clicks on one button and one on another
    sock(100),
    sock(250),
    hit(
        BEN,
        "11:00:00.000001",
        "add_to_cart",
        [{"item_id": "shirt", "price": 22.0, "quantity": 1}],
        params={**EUR, "value": 22.0, "engagement_time_msec": 100},
    ),
    bought("11:10:00"),
    # the page of thanks, loaded again
    bought("11:20:00"),
    # nobody agreed to a cookie
    hit(None, "12:00:00", "page_view", params={"page_location": HOME}),
]


def tables(warehouse: Warehouse, folder: Path) -> dict[str, list[dict]]:
    names = (*TABLES, "landed_files", "set_aside_rows")
    warehouse.build_files(folder, HOUR, tables=names, source_name="ga4")
    return {
        name: sorted(warehouse.query(SELECTS[name]), key=lambda row: str([*row.values()]))
        for name in TABLES
    }


def rows(warehouse: Warehouse, select: str) -> list[tuple]:
    return [tuple(row.values()) for row in warehouse.query(select)]


def test_a_day_of_json_lines_gives_these_events_carts_and_orders(
    of_source: Warehouse, tmp_path: Path
):
    warehouse = of_source
    write_json(tmp_path / "events_20261120.json", daily(DAY))
    tables(warehouse, tmp_path)
    assert rows(
        warehouse,
        """
        select strftime(event_at, '%H:%M:%S.%f'), visitor_id, owner_id, event_type
        from events order by event_at, event_type, item_id""",
    ) == [
        ("10:00:00.123456", ANN, None, "first_visit"),
        ("10:00:00.123456", ANN, None, "page_view"),
        ("10:00:00.123456", ANN, None, "session_start"),
        ("10:01:00.000000", ANN, None, "view_item"),
        ("10:02:00.000000", ANN, None, "add_to_cart"),
        ("10:03:00.000000", ANN, "u7", "login"),
        ("10:04:00.000000", ANN, "u7", "remove_from_cart"),
        ("11:00:00.000001", BEN, None, "add_to_cart"),
        ("11:00:00.000001", BEN, None, "add_to_cart"),
        ("11:00:00.000001", BEN, None, "add_to_cart"),
        ("11:10:00.000000", BEN, None, "purchase"),
        ("11:20:00.000000", BEN, None, "purchase"),
    ]
    assert rows(
        warehouse,
        """
        select item_id, quantity, price, currency, order_id, order_value
        from events where item_id is not null order by event_at, item_id""",
    ) == [
        ("shoe", 1, Decimal("19.9"), "EUR", None, None),
        ("shoe", 2, Decimal("19.9"), "EUR", None, None),
        ("hat", 1, Decimal("5.5"), "EUR", None, None),
        ("shirt", 1, Decimal(22), "EUR", None, None),
        ("sock", 1, Decimal(4), "EUR", None, None),
        ("sock", 1, Decimal(4), "EUR", None, None),
        ("sock", 2, Decimal(4), "EUR", "T-1", Decimal(30)),
        ("sock", 2, Decimal(4), "EUR", "T-1", Decimal(30)),
    ]
    assert rows(
        warehouse,
        """
        select visitor_id, owner_id, status, item_quantity, line_count, cart_value, currency,
            order_id, add_count, remove_count
        from carts order by 1""",
    ) == [
        (ANN, "u7", "open", 2, 1, Decimal("39.8"), "EUR", None, 1, 1),
        (BEN, None, "converted", 3, 2, Decimal(30), "EUR", "T-1", 3, 0),
    ]
    assert rows(
        warehouse, "select order_id, order_value, currency, line_count, item_quantity from orders"
    ) == [("T-1", Decimal(30), "EUR", 2, 3)]
    assert rows(
        warehouse, "select item_id, quantity, unit_price, currency from order_lines order by 1"
    ) == [("shirt", 1, Decimal(22), "EUR"), ("sock", 2, Decimal(4), "EUR")]
    assert rows(
        warehouse,
        """
        select landing_page, referrer_domain, utm_source, utm_medium, utm_campaign, device_type,
            country
        from sessions where visitor_id like '1001.%'""",
    ) == [(HOME, "mail.example", "letter", "email", "november", "mobile", "Germany")]
    assert rows(
        warehouse, "select item_id, item_name, item_category, item_brand from items order by 1"
    ) == [
        ("hat", "Hat", None, None),
        ("shirt", None, None, None),
        ("shoe", "Red shoe", "Shoes", "Fix"),
        ("sock", None, None, None),
    ]
    assert rows(warehouse, "select action, reason, line from set_aside_rows") == [
        ("dropped", "no_identity", len(DAY))
    ]


def test_a_day_is_the_same_in_every_form_and_counts_once(of_source: Warehouse, tmp_path: Path):
    forms = {
        "json": [(write_json, "events_20261120.json", daily(DAY))],
        "parquet": [(write_parquet, "events_20261120.parquet", daily(DAY))],
        "intraday": [(write_json, "events_intraday_20261120.json", DAY)],
        "intraday_and_daily": [
            (write_json, "events_intraday_20261120.json", DAY),
            (write_parquet, "events_20261120.parquet", daily(DAY)),
        ],
        # the daily table is written again when events arrive late
        "daily_twice": [
            (write_json, "a/events_20261120.json", daily(DAY)[:-3]),
            (write_parquet, "b/events_20261120.parquet", daily(reversed(DAY))),
            (write_parquet, "c/events_intraday_20261120.parquet", DAY[4:]),
        ],
    }
    made = {}
    for name, files in forms.items():
        for write, path, written in files:
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            write(tmp_path / name / path, written)
        made[name] = tables(of_source, tmp_path / name)
    assert {name: each == made["json"] for name, each in made.items()} == dict.fromkeys(forms, True)


# Fields as columns and a row for each item, as in tables made of Google's public sample.
FLAT = [
    {
        "event_date": "20210131",
        "event_timestamp": "1612069510766593",
        "event_name": "purchase",
        "user_pseudo_id": "1026454.4271112504",
        "device_category": "desktop",
        "geo_country": "Canada",
        "page_location": "https://shop.example/thanks",
        "transaction_id": "741471",
        "purchase_revenue_in_usd": "36.0",
        "item_id": item,
        "price_in_usd": price,
        "quantity": quantity,
    }
    for item, price, quantity in [("tee", "14.0", "2"), ("pen", "8.0", "1")]
]


def test_a_flattened_table_with_a_row_for_each_item_is_one_order(
    of_source: Warehouse, tmp_path: Path
):
    written = io.StringIO()
    writer = csv.DictWriter(written, FLAT[0])
    writer.writeheader()
    writer.writerows(FLAT)
    (tmp_path / "purchases.csv").write_text(written.getvalue())
    tables(of_source, tmp_path)
    assert rows(
        of_source,
        "select order_id, order_value, currency, line_count, item_quantity from orders",
    ) == [("741471", Decimal(36), "USD", 2, 3)]
    assert rows(
        of_source,
        "select item_id, quantity, unit_price, currency from order_lines order by 1",
    ) == [("pen", 1, Decimal(8), "USD"), ("tee", 2, Decimal(14), "USD")]
    assert rows(of_source, "select device_type, country from sessions") == [("desktop", "Canada")]


# What was sent, an item and the order of it; the price, its currency and the value of the order.
AMOUNTS = [
    # the shop's own amounts win over those in dollars
    ({**EUR, "value": 9}, {"price": 9.0, "price_in_usd": 9.9}, {"in_usd": 9.9}, 9, "EUR", 9),
    ({}, {"price_in_usd": 9.9}, {"in_usd": 9.9}, Decimal("9.9"), "USD", Decimal("9.9")),
    ({"currency": "USD"}, {"price_in_usd": 9.9}, {}, Decimal("9.9"), "USD", Decimal("9.9")),
    # an amount in dollars is none in another currency
    (EUR, {"price_in_usd": 9.9}, {"in_usd": 9.9}, None, "EUR", None),
    # an amount that nobody named the currency of
    ({"value": 9.0}, {"price": 9.0, "price_in_usd": 9.9}, {}, 9, None, 9),
    ({}, {}, {}, None, None, None),
    ({}, {}, {"": 9.0}, None, None, 9),
]


def test_amounts_are_in_the_shops_currency_or_in_dollars(of_source: Warehouse, tmp_path: Path):
    events = []
    for number, (sent, item, ecommerce, *_) in enumerate(AMOUNTS):
        money = {
            f"purchase_revenue_{name}".rstrip("_"): amount for name, amount in ecommerce.items()
        }
        events.append(
            hit(
                f"{2000 + number}.1700000001",
                "10:00:00",
                "purchase",
                [{"item_id": "a", "quantity": 1, **item}],
                params=sent,
                ecommerce={**money, "transaction_id": f"T{number}"},
            )
        )
    write_parquet(tmp_path / "events_20261120.parquet", events)
    tables(of_source, tmp_path)
    assert rows(
        of_source,
        "select order_id, unit_price, order_lines.currency"
        " from order_lines inner join orders using (order_key) order by 1",
    ) == [(f"T{n}", price, currency) for n, (*_, price, currency, _) in enumerate(AMOUNTS)]
    # an order of no known value is in no currency
    assert rows(of_source, "select order_id, order_value, currency from orders order by 1") == [
        (f"T{n}", value, None if value is None else currency)
        for n, (*_, currency, value) in enumerate(AMOUNTS)
    ]


def test_words_of_apps_and_of_site_search_are_understood(of_source: Warehouse, tmp_path: Path):
    words = ["screen_view", "view_search_results", "in_app_purchase", "scroll"]
    write_json(tmp_path / "a.json", [hit(ANN, f"10:0{n}:00", w) for n, w in enumerate(words)])
    tables(of_source, tmp_path)
    assert rows(of_source, "select event_type from events order by event_at") == [
        ("page_view",),
        ("search",),
        ("purchase",),
        ("scroll",),
    ]


def test_what_is_bought_within_an_app_is_sent_in_millionths(of_source: Warehouse, tmp_path: Path):
    values = [4990000, 70000000, 0, 4.99, "much"]
    events = [
        hit(ANN, f"10:0{n}:00", "in_app_purchase", params={**EUR, "value": value})
        for n, value in enumerate(values)
    ]
    events += [hit(ANN, "10:05:00", "purchase", params={**EUR, "value": 4990000})]
    write_json(tmp_path / "a.json", events)
    tables(of_source, tmp_path)
    assert rows(of_source, "select order_value from orders order by ordered_at") == [
        (Decimal("4.99"),), (Decimal(70),), (Decimal(0),), (Decimal("4.99"),), (None,),
        (Decimal(4990000),),
    ]  # fmt: skip


NAMED = {
    "item_id": "(not set)",
    "item_brand": "(not set)",
    "item_category": "(not set)",
    "price": 9.0,
    "quantity": 1,
}
REFUSED = {"analytics_storage": "No", "ads_storage": "No"}
NOT_SENT = [
    # items of a request that have names alone
    *(
        hit(ANN, "10:00:00", "add_to_cart", [{**NAMED, "item_name": name}], params=EUR)
        for name in ("Scarf", "Glove")
    ),
    hit(
        ANN,
        "10:01:00",
        "purchase",
        [{**NAMED, "item_name": "Scarf"}],
        params={**EUR, "value": 9.0, "transaction_id": "T-9"},
        ecommerce={"transaction_id": "(not set)"},
        geo={"country": "(not set)"},
    ),
    # people who did not agree to be known; one of them had signed in
    *(hit(None, f"11:0{n}:00", "page_view", privacy_info=REFUSED) for n in range(4)),
    hit(None, "11:05:00", "page_view", user_id="u8", privacy_info=REFUSED),
    hit(None, "11:06:00", "page_view"),
]


@pytest.mark.parametrize("write", [write_json, write_parquet])
def test_what_was_not_sent_or_not_agreed_to(of_source: Warehouse, tmp_path: Path, write):
    ending = {write_json: "json", write_parquet: "parquet"}[write]
    write(tmp_path / f"events_20261120.{ending}", NOT_SENT)
    tables(of_source, tmp_path)
    assert rows(
        of_source,
        "select visitor_id, event_type, item_id, item_category, item_brand from events"
        " order by event_at, item_id",
    ) == [
        (ANN, "add_to_cart", "Glove", None, None),
        (ANN, "add_to_cart", "Scarf", None, None),
        (ANN, "purchase", "Scarf", None, None),
        ("user:u8", "page_view", None, None, None),
    ]
    assert rows(of_source, "select item_id, quantity from cart_lines order by 1") == [
        ("Glove", 1),
        ("Scarf", 1),
    ]
    assert rows(of_source, "select order_id, order_value from orders") == [("T-9", Decimal(9))]
    assert rows(of_source, "select reason, count(*) from set_aside_rows group by 1 order by 1") == [
        ("no_consent", 4),
        ("no_identity", 1),
    ]
    # 5 of 9 rows were dropped, of which 4 say nothing about the file
    assert rows(of_source, "select rows_dropped, is_suspect from landed_files") == [(5, False)]


@pytest.mark.parametrize("write", [write_json, write_parquet])
def test_the_files_are_recognized(tmp_path: Path, write):
    ending = {write_json: "json", write_parquet: "parquet"}[write]
    write(tmp_path / f"events_20261120.{ending}", daily(DAY))
    assert recognized(find_files(tmp_path), sources_in(DBT_PROJECT)).source == "ga4"
