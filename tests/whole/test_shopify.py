"""The main job on real dumps, against counts made without any of our SQL."""

import csv
import hashlib
import json
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from .conftest import run_comeback, run_program

GAP = timedelta(minutes=30)
HOUR = "2025-03-02T00Z"


def published(home: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(home / "published" / "analytics.duckdb"), read_only=True)


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


def test_every_row_of_every_file_is_accounted_for(shopify_home, delivered):
    with published(shopify_home) as connection:
        files = connection.execute(
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


def test_sessions_are_those_of_a_plain_count(shopify_home, visits):
    expected = set()
    for visitor, times in visits.items():
        start = previous = times[0]
        for time in times[1:]:
            if time > previous + GAP:
                expected.add((visitor, start, previous))
                start = time
            previous = time
        expected.add((visitor, start, previous))
    with published(shopify_home) as connection:
        sessions = connection.execute(
            "select visitor_id, started_at, ended_at from sessions"
        ).fetchall()
    assert len(sessions) == len(expected)
    assert {(v, s.isoformat(), e.isoformat()) for v, s, e in sessions} == {
        (v, s.replace(tzinfo=None).isoformat(), e.replace(tzinfo=None).isoformat())
        for v, s, e in expected
    }


def test_views_are_the_page_views_of_products(shopify_home, delivered):
    products = {
        (row.get("client_id") or row.get("clientId"), *list(row.values())[1:])
        for rows in delivered.values()
        for row in rows
        if row["event_name"] == "page_viewed"
        and "/products/" in row["page_url"].partition("?")[0].partition("#")[0]
    }
    views = sum(bool(visitor) for visitor, *_ in products)
    with published(shopify_home) as connection:
        found = connection.execute("select sum(view_count) from sessions").fetchone()
        of_items = connection.execute("select sum(view_count) from items").fetchone()
    assert found == of_items == (views,)
    assert views > 10_000


def test_orders_are_those_of_a_plain_count_each_id_once(shopify_home, delivered):
    first: dict[str, tuple[str, float]] = {}
    for rows in delivered.values():
        for row in sorted(rows, key=lambda row: row["timestamp"]):
            if row["event_name"] == "checkout_completed":
                order = json.loads(row["event_data"])
                first.setdefault(order["transaction_id"], (row["timestamp"], order["revenue"]))
    with published(shopify_home) as connection:
        count, value = connection.execute(
            "select sum(order_count), sum(order_value) from sessions"
        ).fetchone()
    assert (count, float(value)) == (len(first), sum(revenue for _, revenue in first.values()))


def test_order_lines_are_all_items_of_the_orders(shopify_home, delivered):
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
    with published(shopify_home) as connection:
        found = connection.execute(
            "select order_id, list((item_id, quantity, unit_price::double) order by line_number)"
            " from order_lines inner join orders using (order_key) group by all"
        ).fetchall()
        names = connection.execute("select count(item_name) from items").fetchone()
    assert sum(len(lines) > 1 for _, lines in first.values()) > 20
    assert dict(found) == {id_: lines for id_, (_, lines) in first.items() if lines}
    assert names[0] > 20


def test_open_carts_are_ranked_and_exported_with_a_manifest_that_fits(shopify_home):
    folder = shopify_home / "exports" / HOUR
    data = (folder / "retargeting_priorities.csv").read_bytes()
    manifest = json.loads((folder / "manifest.json").read_text())
    rows = list(csv.DictReader(data.decode().splitlines()))
    assert manifest["rows"] == len(rows) > 500
    assert manifest["sha256"] == hashlib.sha256(data).hexdigest()
    ranks = [int(row["priority_rank"]) for row in rows]
    assert ranks == sorted(set(ranks))
    gains = [float(row["expected_gain"]) for row in rows]
    assert gains == sorted(gains, reverse=True)
    assert gains[0] > 0
    latest = json.loads((shopify_home / "exports" / "latest.json").read_text())
    assert latest["sha256"] == manifest["sha256"]
    with published(shopify_home) as connection:
        held_out, open_carts, closed = connection.execute(
            """
            select
                count(*) filter (is_holdout),
                count(*),
                count(*) filter (carts.status != 'open')
            from retargeting_priorities inner join carts using (cart_id)
            """
        ).fetchone()
    assert len(rows) == open_carts - held_out
    assert closed == 0


@pytest.mark.heavy
def test_the_same_hour_again_and_in_another_home_gives_the_same_bytes(
    shopify_home, shared_data, tmp_path
):
    csv_file = shopify_home / "exports" / HOUR / "retargeting_priorities.csv"
    before = csv_file.read_bytes()
    run_comeback(shopify_home, "run", "--as-of", "latest")
    assert csv_file.read_bytes() == before
    folder = shared_data / "shopify_pixel"
    # as a person runs it, in a home where nothing is prepared
    run_program(
        tmp_path, "run", "--as-of", "latest", "--events", folder, "--source", "shopify_pixel"
    )
    assert (tmp_path / "exports" / HOUR / csv_file.name).read_bytes() == before
