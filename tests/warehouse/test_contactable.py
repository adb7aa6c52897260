"""Whose scores may be acted on, in DuckDB and Polars, and what an older published file lacks."""

from itertools import product

import duckdb
import polars as pl

from orchestration.warehouse.contactable import (
    IS_BOTS,
    IS_OF_PERSON,
    MAY_BE_CONTACTED,
    conditions_in,
)

ROWS = pl.DataFrame(
    list(product([False, True], [False, True, None])),
    schema={"is_holdout": pl.Boolean, "is_suspected_bot": pl.Boolean},
    orient="row",
)


def test_neither_people_held_out_nor_bots_and_an_hour_of_before_knows_none():
    expected = {
        MAY_BE_CONTACTED: [True, False, True, False, False, False],
        IS_OF_PERSON: [True, False, True, True, False, True],
        IS_BOTS: [False, True, False, False, True, False],
    }
    with duckdb.connect() as connection:
        connection.register("rows", ROWS)
        for condition, values in expected.items():
            query = f"select ({condition}) as found from rows"
            assert connection.sql(query).pl()["found"].to_list() == values
            assert ROWS.select(pl.sql_expr(condition)).to_series().to_list() == values


def test_a_file_that_an_older_version_published_has_no_bots():
    with duckdb.connect() as connection:
        connection.execute("create table cart_scores (is_holdout boolean)")
        assert conditions_in(connection) == ("not is_holdout", "false")
        connection.execute("alter table cart_scores add column is_suspected_bot boolean")
        assert conditions_in(connection) == (MAY_BE_CONTACTED, IS_BOTS)
