"""Attributes are those that were known of the person at the time of the row."""

from datetime import datetime, timedelta

import duckdb
import polars as pl

from orchestration.modelling.attributes import with_attributes

TEN = datetime(2026, 3, 1, 10)
TICK = timedelta(microseconds=1)
GOLD, SILVER = '{"attr_tier":"gold"}', '{"attr_tier":"silver"}'
ROWS = pl.DataFrame(
    {
        "cart_id": ["c1", "c2", "c3", "c4", "c5"],
        "owner_id": ["anna", "bert", "anna", None, "anna"],
        "as_of": [TEN + 2 * TICK, TEN, TEN, TEN, TEN - TICK],
    }
)


def vault(*rows: tuple[str, datetime, str | None]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("create schema vault")
    connection.execute(
        "create table vault.profile_versions"
        " (user_id varchar, updated_at timestamp, attributes varchar)"
    )
    for row in rows:
        connection.execute("insert into vault.profile_versions values (?, ?, ?)", row)
    return connection


def test_what_was_known_at_the_very_instant_is_and_a_microsecond_later_is_not():
    with vault(
        ("anna", TEN + 2 * TICK, SILVER),
        ("anna", TEN, GOLD),
        ("bert", TEN + TICK, GOLD),
        ("carl", TEN - TICK, SILVER),
    ) as connection:
        found = with_attributes(connection, ROWS, "as_of")
    assert found.drop("attributes").equals(ROWS)
    assert found["attributes"].to_list() == [SILVER, None, GOLD, None, None]


def test_a_profile_that_says_nothing_replaces_one_that_did():
    with vault(("anna", TEN - TICK, GOLD), ("anna", TEN, None)) as connection:
        found = with_attributes(connection, ROWS, "as_of")
    assert found["attributes"].to_list() == [None, None, None, None, GOLD]


def test_where_nobody_has_any_the_rows_are_as_they_were():
    with vault(("anna", TEN, None)) as connection:
        assert with_attributes(connection, ROWS, "as_of").equals(ROWS)
    with duckdb.connect() as connection:
        assert with_attributes(connection, ROWS, "as_of").equals(ROWS)
