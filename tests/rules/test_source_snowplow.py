"""Snowplow's enriched events, as rows without a header line and as JSON, from file to cart.

Belongs here: small files in the documented shapes, written by hand, and what must come of them.
https://docs.snowplow.io/docs/pipeline/enriched-tsv-format,
https://docs.snowplow.io/docs/api-reference/analytics-sdk/ and
https://docs.snowplow.io/docs/events/ootb-data/ecommerce-events/
"""

import csv
import gzip
import json
import os
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from orchestration.landing import find_files, land

from .snowplow_rows import CLASSIC, action, classic, enriched, event, objects
from .vendor_files import HOUR, SOURCES, Built, assert_known_by_its_look, values, write_rows
from .warehouse import Warehouse

SHOE = {"id": "shoe", "name": "Shoe", "category": "feet", "price": 19.9, "currency": "EUR"}
HAT = {"id": "hat", "category": "heads", "brand": "B", "price": 5.0, "currency": "EUR"}
SHOES, TWO_HATS = {**SHOE, "quantity": 1}, {**HAT, "quantity": 2}


TRANSACTION = {"transaction_id": "T-1", "revenue": 32.85, "currency": "EUR"}
TRANSACTION |= {"payment_method": "card", "total_quantity": 3}
BASKET = ("cart", {"total_value": 29.9, "currency": "EUR"})
EVENTS = [
    event(1, "ann", 0, "page_view", page_url="https://shop.example/a?utm_source=news&utm_medium=mail",
          page_title='"Red" shoes', page_referrer="https://search.example/", geo_country="DE",
          useragent="Mozilla/5.0 (iPhone; CPU iPhone OS 18_3)"),
    event(2, "ann", 1, "page_ping", dvce_type="Tablet"),
    action(3, "ann", 2, "product_view", ("product", SHOE), dvce_type="Computer"),
    action(4, "ann", 3, "add_to_cart", ("product", SHOES), ("product", TWO_HATS), BASKET),
    action(5, "ann", 4, "checkout_step", ("checkout_step", {"step": 1})),
    action(6, "ann", 5, "checkout_step", ("checkout_step", {"step": 2, "delivery_method": "x"})),
    action(7, "ann", 6, "checkout_step", ("checkout_step", {"step": 3, "payment_method": "x"})),
    action(8, "ann", 7, "transaction", ("transaction", TRANSACTION), ("product", SHOES),
           ("product", TWO_HATS), user_id="u1"),
    action(9, "ann", 8, "refund", ("refund", {"transaction_id": "T-1", "currency": "EUR",
           "refund_amount": 5})),
    # older trackers
    classic(10, "bob", 0, "add_to_cart", {"sku": "tie", "name": "Tie", "category": "necks",
            "unitPrice": 3.49, "quantity": 3, "currency": "GBP"}),
    classic(11, "bob", 1, "remove_from_cart", {"sku": "tie", "unitPrice": 3.49, "quantity": 1}),
    classic(12, "bob", 2, "site_search", {"terms": ["ties"]}),
    event(13, "cyd", 0, "struct", event_name="event", se_category="shop", se_action="newsletter"),
    event(14, "cyd", 1, "transaction", tr_orderid="T-2", tr_total="8.5", tr_currency="USD"),
    event(15, "cyd", 1, "transaction_item", ti_orderid="T-2", ti_sku="cup", ti_price="4",
          ti_quantity="2", ti_currency="USD"),
    # no time but the collector's
    event(16, "dan", 9, "page_view", derived_tstamp=None, mkt_source="ads", mkt_medium="cpc",
          mkt_campaign="fall", platform="mob"),
]  # fmt: skip
AGAIN = [EVENTS[3] | {"collector_tstamp": "2026-11-20 10:59:00.000"}, EVENTS[7]]


def write(folder: Path, form: str, events: list[dict]) -> Path:
    folder.mkdir(exist_ok=True)
    if form == "tsv":
        (folder / "a.tsv").write_text(enriched(events))
    elif form == "tsv.gz":
        (folder / "a.tsv.gz").write_bytes(gzip.compress(enriched(events).encode()))
    else:
        write_rows(folder, form, objects(events))
    return folder


FORMS = ["tsv.gz", "csv", "jsonl", "parquet"]


@pytest.fixture(scope="module", params=FORMS)
def built(request, of_source: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = write(tmp_path_factory.mktemp("dumps"), request.param, [*EVENTS, *AGAIN])
    return Built(of_source, folder, "snowplow")


def test_the_fields_are_in_the_documented_order():
    header = SOURCES["snowplow"].header
    places = {name: at for at, name in enumerate(header, start=1)}
    assert len(header) == len(places) == 131
    assert [places[name] for name in ("event", "event_id", "domain_userid", "contexts")] == [
        6,
        7,
        16,
        53,
    ]
    assert (places["unstruct_event"], places["tr_total"], header[-1]) == (59, 62, "true_tstamp")


def test_types_times_and_owners(built: Built):
    assert built.query("from set_aside_rows") == []
    found = built.query("""
        select right(event_id, 2) as id, visitor_id, owner_id, event_type,
            strftime(event_at, '%M:%S.%g') as at
        from events order by 1""")
    assert values(found) == [
        ("01", "ann", None, "page_view", "00:00.250"),
        ("02", "ann", None, "page_ping", "01:00.250"),
        ("03", "ann", None, "view_item", "02:00.250"),
        ("04", "ann", None, "add_to_cart", "03:00.250"),
        ("05", "ann", None, "begin_checkout", "04:00.250"),
        ("06", "ann", None, "add_shipping_info", "05:00.250"),
        ("07", "ann", None, "add_payment_info", "06:00.250"),
        ("08", "ann", "u1", "purchase", "07:00.250"),
        ("09", "ann", "u1", "refund", "08:00.250"),
        ("10", "bob", None, "add_to_cart", "00:00.250"),
        ("11", "bob", None, "remove_from_cart", "01:00.250"),
        ("12", "bob", None, "search", "02:00.250"),
        ("13", "cyd", None, "newsletter", "00:00.250"),
        ("14", "cyd", None, "purchase", "01:00.250"),
        ("15", "cyd", None, "transaction_item", "01:00.250"),
        ("16", "dan", None, "page_view", "09:09.000"),
    ]


def test_where_from_and_on_what(built: Built):
    found = built.query("""
        select page_url, referrer, utm_source, utm_medium, utm_campaign, device_type, country
        from events where right(event_id, 2) in ('01', '02', '03', '16') order by event_id""")
    assert values(found) == [
        ("https://shop.example/a?utm_source=news&utm_medium=mail", "https://search.example/",
         "news", "mail", None, "mobile", "DE"),
        (None, None, None, None, None, "tablet", None),
        (None, None, None, None, None, "desktop", None),
        (None, None, "ads", "cpc", "fall", "mobile", None),
    ]  # fmt: skip


def test_every_product_of_an_event_is_in_the_cart(built: Built):
    carts = built.query("select visitor_id, status, cart_value, currency from carts order by 1")
    assert values(carts) == [
        ("ann", "converted", Decimal("29.9"), "EUR"),
        ("bob", "open", Decimal("6.98"), "GBP"),
    ]
    lines = built.query("""
        select visitor_id, item_id, quantity, unit_price, currency from cart_lines order by all""")
    assert values(lines) == [
        ("ann", "hat", 2, Decimal(5), "EUR"),
        ("ann", "shoe", 1, Decimal("19.9"), "EUR"),
        ("bob", "tie", 2, Decimal("3.49"), "GBP"),
    ]


def test_an_order_is_worth_what_its_transaction_says(built: Built):
    orders = built.query("""
        select order_id, visitor_id, order_value, currency, refunded_value, line_count
        from orders order by 1""")
    assert values(orders) == [
        ("T-1", "ann", Decimal("32.85"), "EUR", Decimal(5), 2),
        ("T-2", "cyd", Decimal("8.5"), "USD", None, 0),
    ]
    lines = built.query("select item_id, quantity, unit_price from order_lines order by 1")
    assert values(lines) == [
        ("hat", 2, Decimal(5)),
        ("shoe", 1, Decimal("19.9")),
    ]


@pytest.mark.parametrize("form", FORMS)
def test_it_is_known_by_its_look(form: str, tmp_path: Path):
    assert_known_by_its_look(write(tmp_path, form, EVENTS), "snowplow")


def test_an_app_without_a_cookie_has_its_own_pseudonym(of_source: Warehouse, tmp_path: Path):
    session = (CLASSIC.format("client_session"), {"userId": "app-1", "sessionIndex": 1})
    app = [
        event(1, None, 0, "screen_view", platform="mob", entities=[session]),
        event(2, "undefined", 1, "screen_view", platform="mob", entities=[session]),
    ]
    folder = write(tmp_path, "jsonl", app)
    of_source.build_files(folder, HOUR, tables=("events",), source_name="snowplow")
    found = of_source.query("select visitor_id, device_type from events")
    assert found == [{"visitor_id": "app-1", "device_type": "mobile"}] * 2


@pytest.mark.parametrize("title", ['"', '"Red" shoes', 'shoes "Red"', '""', '"a', ' "a" b', "a\\"])
def test_a_quote_in_a_row_without_a_header_is_a_letter(tmp_path: Path, title: str):
    folder = write(tmp_path, "tsv", [event(1, "ann", 0, "page_view", page_title=title)] * 3)
    header = "event_id,event,domain_userid,collector_tstamp"
    (folder / "b.csv").write_text(f'{header}\n"e""1",page_view,ann,2026-11-20\n')
    connection = duckdb.connect()
    outcomes = land(connection, find_files(folder), SOURCES["snowplow"], landed_at=HOUR)
    assert [(each.rows_read, each.rows_unreadable) for each in outcomes] == [(3, 0), (1, 0)]
    found = connection.execute("select distinct page_title, event_id from raw.snowplow").fetchall()
    assert sorted(found, key=str) == sorted(
        [(title, event(1, "", 0, "")["event_id"]), (None, 'e"1')], key=str
    )


def read_plainly(folder: Path) -> dict[str, int]:
    """What tables of events as CSV hold, counted in plain Python."""
    rows: dict[str, tuple[datetime, str, dict]] = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="") as lines:
            for row in csv.DictReader(lines):
                at = datetime.fromisoformat(row["derived_tstamp"] or row["collector_tstamp"])
                visitor = row["domain_userid"] or (row["user_id"] and f"user:{row['user_id']}")
                if visitor and (row["event_id"] not in rows or at < rows[row["event_id"]][0]):
                    rows[row["event_id"]] = (at, visitor, row)
    kinds, items, orders, visits = Counter(), 0, set(), {}
    for at, visitor, row in rows.values():
        kind = held(row, "unstruct_event", "ecommerce_action").get("type")
        kind = kind or (row["event_name"] if row["event"] == "unstruct" else row["event"])
        kinds[kind] += 1
        if kind == "add_to_cart":
            items += len(held(row, "contexts", "ecommerce_product") or [kind])
        if kind == "transaction":
            found = held(row, "contexts", "ecommerce_transaction")
            orders.add(found[0]["transaction_id"] if found else row["tr_orderid"])
        if kind != "refund":
            visits.setdefault(visitor, []).append(at)
    pause = timedelta(minutes=30)
    return {
        "sessions": sum(
            1 + sum(later - at > pause for at, later in pairwise(times))
            for times in map(sorted, visits.values())
        ),
        "adds": kinds["add_to_cart"],
        "items added": items,
        "removals": kinds["remove_from_cart"],
        "orders": len(orders),
    }


def held(row: dict[str, str], kind: str, schema: str) -> list | dict:
    """The value of the column of a schema, whatever its version."""
    texts = [row[name] for name in row if name.startswith(kind) and f"{schema}_1" in name]
    return json.loads(next((text for text in texts if text), "{}"))


def test_a_table_counts_as_in_a_plain_reading(of_source: Warehouse, tmp_path: Path):
    """That of the vendor's public test data, if COMEBACK_SNOWPLOW_DATA is its folder."""
    given = os.environ.get("COMEBACK_SNOWPLOW_DATA")
    folder = Path(given) if given else write(tmp_path / "dumps", "csv", EVENTS)
    tables = ("events", "sessions", "orders")
    of_source.build_files(folder, HOUR, tables=tables, source_name="snowplow")
    (found,) = of_source.query("""
        select (select count(*) from sessions) as sessions,
            count(*) filter (where event_type = 'add_to_cart') as adds,
            (select count(*) from candidate_items inner join events using (row_key)
             where event_type = 'add_to_cart') +
            count(*) filter (where event_type = 'add_to_cart' and item_id is not null)
                as "items added",
            count(*) filter (where event_type = 'remove_from_cart') as removals,
            (select count(*) from orders) as orders
        from events""")
    assert found == read_plainly(folder)
