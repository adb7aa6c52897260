"""A published file made by hand: the tables that the report reads, with the columns it reads."""

from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from orchestration.warehouse.score_tables import CART_SCORES, SCORE_TABLES

HOUR = datetime(2026, 11, 1, 10)
_DBT_TABLES = """
    create table sessions (session_id text, visitor_id text, owner_id text, started_at timestamp,
        ended_at timestamp);
    create table carts (cart_id text, visitor_id text, status text, closed_at timestamp,
        cart_value decimal(38, 4), currency text, cart_value_base decimal(38, 4),
        abandoned_at timestamp, is_recovered boolean);
    create table cart_lines (cart_id text, item_id text, quantity bigint,
        unit_price decimal(18, 4), currency text);
    create table items (item_id text, item_name text, item_category text);
    create table daily_funnel (day date, session_count bigint, cart_session_count bigint,
        order_count bigint, order_value decimal(38, 4), cart_count bigint,
        abandoned_cart_count bigint, recovered_cart_count bigint,
        recovered_168h_cart_count bigint, abandonment_rate double, is_mature boolean);
    create table amounts_without_rate (day date, kind text, currency text, amount_count bigint,
        amount decimal(38, 4));
    create table landed_files (file text, source text, landed_at timestamp, rows_read bigint,
        rows_accepted bigint, rows_duplicate bigint, rows_dropped bigint, rows_repaired bigint,
        is_suspect boolean, skipped_reason text, load_id bigint);
    create table set_aside_rows (source text, file text, line bigint, action text, reason text,
        detail text, raw_row text, load_id bigint);
    create table suspicious_ids (kind text, id text, event_count bigint);
"""


def insert(connection: duckdb.DuckDBPyConnection, table: str, **values: object) -> None:
    """Add a row; what is not given is null."""
    given = ", ".join(f"? as {name}" for name in values)
    connection.execute(f"insert into {table} by name select {given}", [*values.values()])


def make_empty(path: Path) -> duckdb.DuckDBPyConnection:
    """Every table without a row."""
    connection = duckdb.connect(str(path))
    connection.execute(_DBT_TABLES)
    for table in SCORE_TABLES:
        connection.execute(table.ddl(table.name))
    connection.execute(CART_SCORES.ddl("retargeting_priorities"))
    return connection


def make_run(connection: duckdb.DuckDBPyConnection, **values: object) -> None:
    """The run of the hour."""
    usual = {
        "run_id": "r1",
        "job": "hourly",
        "as_of": HOUR,
        "started_at": HOUR,
        "status": "done",
        "carts_scored": 0,
        "reporting_currency": "EUR",
        "settings": "5e771465",
    }
    insert(connection, "runs", **usual | values)


def make_shop(path: Path) -> None:
    """A shop of three weeks: 60 carts that were scored at known chances, with what became of them.

    Cart n began n days of eight hours before the hour; every third was bought after all.
    """
    with make_empty(path) as connection:
        make_run(connection, carts_scored=60)
        for day in range(21):
            insert(
                connection,
                "daily_funnel",
                day=(HOUR - timedelta(days=20 - day)).date(),
                session_count=100 + day,
                cart_session_count=50,
                order_count=5,
                order_value=500,
                cart_count=40,
                abandoned_cart_count=30,
                recovered_cart_count=6,
                recovered_168h_cart_count=6 if day < 12 else None,
                abandonment_rate=0.75,
                is_mature=day < 12,
            )
        for number in range(60):
            _make_cart(connection, number)
        connection.execute(
            f"insert into retargeting_priorities from cart_scores where scored_at = '{HOUR}'"
        )
        insert(connection, "items", item_id="i0", item_name="Linen shirt", item_category="shirts")
        insert(connection, "items", item_id="i1", item_name=None, item_category="shirts")
        insert(
            connection,
            "models",
            name="abandonment",
            model_id="8e99a21a332b",
            kind="lightgbm",
            trained_as_of=HOUR,
            row_count=2373,
            is_champion=True,
            verdict="the first model",
            figures={"auc": 0.8123, "predicted_over_observed": 1.04},
        )
        for load, dropped in enumerate((0, 3, 60)):
            insert(
                connection,
                "landed_files",
                file=f"{load}.csv",
                source="canonical",
                landed_at=HOUR,
                rows_read=100,
                rows_accepted=100 - dropped,
                rows_duplicate=0,
                rows_dropped=dropped,
                rows_repaired=0,
                is_suspect=dropped > 50,
                load_id=load,
            )
            for line in range(dropped):
                insert(
                    connection,
                    "set_aside_rows",
                    action="dropped",
                    reason="bad_time",
                    raw_row="somebody@example.com",
                    line=line,
                    load_id=load,
                )


def _make_cart(connection: duckdb.DuckDBPyConnection, number: int) -> None:
    started = HOUR - timedelta(hours=8 * (number + 1))
    is_recovered = number % 3 == 0
    cart = {
        "cart_id": f"{number:02}{'c' * 30}",
        "visitor_id": f"visitor-{number}",
        "cart_value": 100 + number,
        "currency": "GBP" if number % 2 else "EUR",
        "cart_value_base": 100 + number,
    }
    insert(
        connection,
        "carts",
        **cart,
        status="converted" if is_recovered else "open",
        closed_at=started + timedelta(hours=30) if is_recovered else None,
        abandoned_at=started + timedelta(hours=1),
        is_recovered=is_recovered,
    )
    insert(
        connection,
        "cart_lines",
        cart_id=cart["cart_id"],
        item_id=f"i{number % 2}",
        quantity=2,
        unit_price=10,
        currency=cart["currency"],
    )
    for start in (started, *([started + timedelta(hours=30)] if is_recovered else [])):
        insert(
            connection,
            "sessions",
            session_id=f"{number}-{start}",
            visitor_id=cart["visitor_id"],
            started_at=start,
            ended_at=start + timedelta(minutes=10),
        )
    score = {
        **cart,
        "p_abandon": 0.6 + number / 200,
        **{f"p_return_{hours}h": hours / 200 for hours in (4, 8, 24, 72, 168)},
        "expected_return_at": HOUR + timedelta(hours=50),
        "segment": "on_the_fence" if number % 4 else "unlikely_to_purchase",
        "best_action": "reminder" if number % 4 else "nothing",
        "expected_gain": 5 if number % 4 else 0,
        "priority_rank": number + 1,
        "contact_not_before": HOUR + timedelta(hours=number - 10) if number % 4 else None,
        "reasons": "long visit",
        "is_holdout": number % 10 == 1,
        "is_stale": False,
    }
    insert(connection, "cart_scores", **score, scored_at=HOUR)
    insert(connection, "cart_scores", **score, scored_at=started + timedelta(hours=2))
    if number >= 9:  # 72 hours have passed
        for hours in (2, 9):
            insert(
                connection,
                "score_outcomes",
                scored_at=started + timedelta(hours=hours),
                cart_id=cart["cart_id"],
                p_abandon=score["p_abandon"],
                is_converted=is_recovered,
                hours_idle=float(hours),
                is_mature=True,
            )
