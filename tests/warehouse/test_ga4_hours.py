"""A day of GA4 that arrives twice: its intraday files while it goes on, its daily files afterwards.

Belongs here: that hours which take up one after the other end where the daily files alone do. Not
here: what the rows become (tests/rules/test_source_ga4.py).
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.landing import ensure_raw_tables, find_files, land
from orchestration.landing.locations import known_sources
from orchestration.warehouse import database, dbt_build
from tests.rules.ga4_export import daily, hit, write_json, write_parquet
from tests.rules.warehouse import SELECTS

from .test_incremental_build import contents, query

pytestmark = [pytest.mark.slow, pytest.mark.heavy]

ANN, BEN, CLEO = "1.1", "2.2", "3.3"
EUR = {"currency": "EUR"}
SHOE = {"item_id": "shoe", "price": 20.0, "quantity": 1}
HAT = {"item_id": "hat", "price": 5.5, "quantity": 2}
MORNING = [
    hit(ANN, "08:00:00.000001", "page_view"),
    hit(ANN, "08:01:00", "add_to_cart", [SHOE, HAT], params=EUR),
    hit(BEN, "08:30:00", "add_to_cart", [HAT], params=EUR),
    hit(ANN, "08:40:00", "page_view"),
]
# What came by then, and what intraday files never had.
DAY = [
    *MORNING,
    hit(ANN, "08:20:00", "page_view"),
    hit(ANN, "09:00:00", "remove_from_cart", [HAT], params=EUR),
    hit(CLEO, "09:30:00", "view_item", [SHOE], params=EUR),
    hit(
        BEN,
        "10:00:00",
        "purchase",
        [HAT],
        params={**EUR, "transaction_id": "T-1"},
        ecommerce={"transaction_id": "T-1", "purchase_revenue": 11.0},
    ),
]
TABLES = ("events", "sessions", "carts", "cart_lines", "orders", "order_lines", "items")
HOUR = datetime(2026, 11, 21, 3)
CARTS = "select visitor_id, status, item_quantity, order_id from carts order by 1"


def build(home: Home, *files: Path) -> None:
    """Land the files, one after the other, and build what they bring."""
    sources = known_sources(home)
    with database.connect(home, Settings()) as connection:
        ensure_raw_tables(connection, sources)
        found = [each for path in files for each in find_files(path)]
        landed = land(connection, found, sources["ga4"], landed_at=HOUR.replace(tzinfo=UTC))
    assert [each.status for each in landed] == ["loaded"] * len(files)
    dbt_build.build(home, Settings(), as_of=HOUR).require_success()


def tables(home: Home) -> dict[str, list[tuple]]:
    return {name: query(home, f"from ({SELECTS[name]}) order by all") for name in TABLES}


def test_intraday_files_and_then_those_of_the_day_end_as_the_day_alone(tmp_path: Path):
    intraday = tmp_path / "events_intraday_20261120.json"
    whole = tmp_path / "events_20261120.parquet"
    write_json(intraday, MORNING)
    write_parquet(whole, daily(reversed(DAY)))
    hourly, at_once, alone = homes = [Home(tmp_path / name) for name in ("hourly", "both", "day")]
    for home in homes:
        home.prepare()
    build(hourly, intraday)
    assert query(hourly, CARTS) == [(ANN, "open", 3, None), (BEN, "open", 2, None)]
    build(hourly, whole)
    assert query(hourly, CARTS) == [(ANN, "open", 1, None), (BEN, "converted", 2, "T-1")]
    build(at_once, intraday, whole)
    assert contents(hourly) == contents(at_once)
    build(alone, whole)
    assert tables(hourly) == tables(alone)
    assert query(hourly, "select count(*) from events") == [(len(DAY),)]
    accepted = "select rows_accepted, rows_duplicate from landed_files order by load_id"
    assert sum(count for count, _ in query(hourly, accepted)) == len(DAY)
