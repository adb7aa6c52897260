"""Real dumps, against counts made without any of our SQL, and a whole hour over them.

The counts are of what a build makes of them: an hour publishes these tables as they are, and makes
a model and exports besides.
"""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.landing import ensure_raw_tables, find_files, land
from orchestration.landing.locations import known_sources
from orchestration.warehouse import database, dbt_build

from .conftest import run_comeback, run_program

GAP = timedelta(minutes=30)
HOUR = datetime(2025, 3, 2)
TABLES = ("landed_files", "sessions", "items", "orders", "order_lines")


@pytest.fixture(scope="module")
def warehouse(
    shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The seven days of the mattress shop, landed and built."""
    home = Home(tmp_path_factory.mktemp("shopify_built"))
    home.prepare()
    sources = known_sources(home)
    source = sources["shopify_pixel"]
    with database.connect(home, Settings()) as connection:
        database.ensure_score_tables(connection)
        ensure_raw_tables(connection, sources)
        files = find_files(str(shared_data / source.name), source)
        land(connection, files, source, landed_at=datetime(2025, 3, 2, tzinfo=UTC))
    only = [f"+{name}" for name in TABLES]
    dbt_build.build(home, Settings(), as_of=HOUR, command="run", select=only).require_success()
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def delivered(shared_data: Path) -> dict[str, list[dict[str, str]]]:
    files = {}
    for path in sorted((shared_data / "shopify_pixel").glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            files[path.name] = list(csv.DictReader(file))
    return files


@pytest.fixture(scope="module")
def visits(delivered) -> dict[str, list[datetime]]:
    """Times of each visitor's distinct rows, in order; rows of nobody are left out."""
    rows = {
        (row.get("client_id") or row.get("clientId"), *list(row.values())[1:])
        for file in delivered.values()
        for row in file
    }
    times: dict[str, list[datetime]] = {}
    for visitor, _, _, time, *_ in sorted(rows, key=lambda row: row[3]):
        if visitor:
            times.setdefault(visitor, []).append(datetime.fromisoformat(time))
    return times


def test_every_row_of_every_file_is_accounted_for(warehouse, delivered):
    files = warehouse.execute(
        "select file, rows_read, rows_accepted, rows_duplicate, rows_dropped from landed_files"
    ).fetchall()
    assert {file: read for file, read, *_ in files} == {
        name: len(rows) for name, rows in delivered.items()
    }
    assert all(read == sum(rest) for _, read, *rest in files)
    nobody = sum(
        not (row.get("client_id") or row.get("clientId"))
        for rows in delivered.values()
        for row in rows
    )
    assert sum(dropped for *_, dropped in files) == nobody == 241


def test_sessions_are_those_of_a_plain_count(warehouse, visits):
    expected = set()
    for visitor, times in visits.items():
        start = previous = times[0]
        for time in times[1:]:
            if time > previous + GAP:
                expected.add((visitor, start, previous))
                start = time
            previous = time
        expected.add((visitor, start, previous))
    sessions = warehouse.execute("select visitor_id, started_at, ended_at from sessions").fetchall()
    assert len(sessions) == len(expected)
    assert {(v, s.isoformat(), e.isoformat()) for v, s, e in sessions} == {
        (v, s.replace(tzinfo=None).isoformat(), e.replace(tzinfo=None).isoformat())
        for v, s, e in expected
    }


def test_views_are_the_page_views_of_products(warehouse, delivered):
    products = {
        (row.get("client_id") or row.get("clientId"), *list(row.values())[1:])
        for rows in delivered.values()
        for row in rows
        if row["event_name"] == "page_viewed"
        and "/products/" in row["page_url"].partition("?")[0].partition("#")[0]
    }
    views = sum(bool(visitor) for visitor, *_ in products)
    found = warehouse.execute("select sum(view_count) from sessions").fetchone()
    of_items = warehouse.execute("select sum(view_count) from items").fetchone()
    assert found == of_items == (views,)
    assert views > 10_000


def test_orders_are_those_of_a_plain_count_each_id_once(warehouse, delivered):
    first: dict[str, tuple[str, float]] = {}
    for rows in delivered.values():
        for row in sorted(rows, key=lambda row: row["timestamp"]):
            if row["event_name"] == "checkout_completed":
                order = json.loads(row["event_data"])
                first.setdefault(order["transaction_id"], (row["timestamp"], order["revenue"]))
    count, value = warehouse.execute(
        "select sum(order_count), sum(order_value) from sessions"
    ).fetchone()
    assert (count, float(value)) == (len(first), sum(revenue for _, revenue in first.values()))


def test_order_lines_are_all_items_of_the_orders(warehouse, delivered):
    first: dict[str, tuple[str, list[tuple]]] = {}
    for rows in delivered.values():
        for row in sorted(rows, key=lambda row: row["timestamp"]):
            if row["event_name"] == "checkout_completed":
                order = json.loads(row["event_data"])
                # an item that gives no quantity is one unit
                bought = [
                    (each, 1 if each["quantity"] is None else each["quantity"])
                    for each in order["items"]
                ]
                lines = [
                    (
                        each["item_id"] or "(unknown)",
                        units,
                        each["item_price"] and float(each["item_price"]),
                    )
                    for each, units in bought
                    if units > 0
                ]
                reported = (row["timestamp"], lines)
                first[order["transaction_id"]] = min(
                    reported, first.get(order["transaction_id"], reported), key=lambda one: one[0]
                )
    found = warehouse.execute(
        "select order_id, list((item_id, quantity, unit_price::double) order by line_number)"
        " from order_lines inner join orders using (order_key) group by all"
    ).fetchall()
    names = warehouse.execute("select count(item_name) from items").fetchone()
    assert sum(len(lines) > 1 for _, lines in first.values()) > 20
    assert dict(found) == {id_: lines for id_, (_, lines) in first.items() if lines}
    assert names[0] > 20


@pytest.mark.heavy
def test_the_same_hour_again_and_in_another_home_gives_the_same_bytes(
    shopify_home, shared_data, tmp_path
):
    name = f"exports/{HOUR:%Y-%m-%dT%HZ}/retargeting_priorities.csv"
    csv_file = shopify_home / name
    before = csv_file.read_bytes()
    run_comeback(shopify_home, "run", "--as-of", "latest")
    assert csv_file.read_bytes() == before
    folder = shared_data / "shopify_pixel"
    # as a person runs it, in a home where nothing is prepared
    run_program(
        tmp_path, "run", "--as-of", "latest", "--events", folder, "--source", "shopify_pixel"
    )
    assert (tmp_path / name).read_bytes() == before
