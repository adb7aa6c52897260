"""A till system that nobody here knows, as a shop's own source: two files in its home, one run."""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from orchestration.ground.checkout import DBT_PROJECT

from .conftest import run_comeback

pytestmark = pytest.mark.slow

DEFINITION = """
version: 2
sources:
  - name: raw
    schema: raw
    tables:
      - name: till
        config:
          meta:
            zone: Europe/Berlin
            decimal: comma
            look:
              - columns: [who, act, lines]
            items:
              item_id: [$.sku]
              quantity: [$.n]
              price: [$.each]
        columns:
          - name: stamp
            config: {meta: {required: true, time: true}}
          - name: who
            config: {meta: {required: true, identity: {visitor: $.device}}}
          - name: card
            config: {meta: {identity: user}}
          - name: act
            config: {meta: {required: true}}
          - name: lines
          - name: receipt
"""
MAPPING = """
select
    'till' as source,
    _load_id as load_id,
    _line as line,
    md5({{ row_content() }}) as event_id,
    {{ json_text(json_object('who'), '$.device') }} as visitor_id,
    card as user_id,
    {{ event_time('stamp', 'till') }},
    case act
        when 'scan' then 'add_to_cart'
        when 'void' then 'remove_from_cart'
        when 'pay' then 'purchase'
        else act
    end as event_type,
    'EUR' as currency,
    receipt as order_id,
    lines as items,
    {{ null_fields(
        'item_id', 'item_category', 'item_brand', 'quantity', 'price', 'order_value', 'page_url',
        'referrer', 'utm_source', 'utm_medium', 'utm_campaign', 'device_type', 'country'
    ) }}
from {{ source('raw', 'till') }}
"""


def event(stamp: str, device: str, act: str, *lines: tuple, **more: str) -> str:
    items = [dict(zip(("sku", "n", "each"), line, strict=True)) for line in lines]
    row = {"stamp": stamp, "who": {"device": device}, "act": act, "lines": items, **more}
    return json.dumps(row)


EVENTS = [
    event(
        "2026-03-02 10:00:00", "d1", "scan", ("milk", 2, "1,20"), ("bread", 1, "3,50"), card="c7"
    ),
    event("2026-03-02 10:05:00", "d1", "void", ("milk", 1, None), card="c7"),
    event("2026-03-02 10:30:00", "d2", "scan", ("tea", 1, "4,00")),
    event("2026-03-02 10:40:00", "d2", "pay", ("tea", 1, "4,00"), receipt="r1"),
    event("2026-03-02 12:00:00", "d3", "look around"),
]


@pytest.fixture(scope="module")
def till_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home, dumps = tmp_path_factory.mktemp("till"), tmp_path_factory.mktemp("dumps")
    (home / "sources").mkdir()
    (home / "sources" / "till.yml").write_text(DEFINITION)
    (home / "sources" / "till.sql").write_text(MAPPING)
    (dumps / "monday.jsonl").write_text("\n".join(EVENTS) + "\n")
    done = run_comeback(home, "run", "--as-of", "latest", "--events", dumps)
    assert "The dumps look like till (columns act, lines, who)." in done.stderr
    return home


def query(home: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(home / "published" / "analytics.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_its_rows_become_carts_of_several_items_at_the_times_of_its_zone(till_home: Path):
    assert query(
        till_home,
        "select visitor_id, owner_id, started_at, status, item_quantity, cart_value, currency"
        " from carts order by 1",
    ) == [
        ("d1", "c7", datetime(2026, 3, 2, 9), "open", 2, Decimal("4.7000"), "EUR"),
        ("d2", None, datetime(2026, 3, 2, 9, 30), "converted", 1, Decimal("4.0000"), "EUR"),
    ]


def test_its_orders_have_their_lines(till_home: Path):
    assert query(
        till_home,
        "select order_id, line_number, item_id, order_lines.quantity, unit_price"
        " from order_lines inner join orders using (order_key)",
    ) == [("r1", 1, "tea", 1, Decimal("4.0000"))]


def test_words_that_it_does_not_translate_count_as_activity(till_home: Path):
    assert query(
        till_home, "select visitor_id, event_count, view_count from sessions order by 1"
    ) == [("d1", 2, 0), ("d2", 2, 0), ("d3", 1, 0)]


@pytest.mark.heavy
def test_its_people_can_be_erased(till_home: Path):
    run_comeback(till_home, "erase", "--user", "c7")
    assert query(till_home, "select visitor_id from sessions order by 1") == [("d2",), ("d3",)]


def test_the_checkout_knows_nothing_of_it(till_home: Path):
    assert not [*DBT_PROJECT.rglob("*till*")]
    staging = till_home / "dbt" / "project" / "models" / "staging"
    assert (staging / "stg_till.sql").read_text() == MAPPING
