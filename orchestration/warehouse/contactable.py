"""Whose scores may be acted on: carts of people held out and of suspected bots are scored, too.

Belongs here: these conditions over rows of `cart_scores`, as SQL that DuckDB and Polars read alike.
Not here: who is held out (`modelling.holdout_arms`), whom an export leaves out beside them
(`outputs.exports.gates`), or what a bot is (the macro `is_suspected_bot`).
"""

import duckdb

# null in hours that were scored before there were such carts
IS_BOTS = "coalesce(is_suspected_bot, false)"
IS_OF_PERSON = f"not {IS_BOTS}"
MAY_BE_CONTACTED = f"not is_holdout and {IS_OF_PERSON}"


def conditions_in(published: duckdb.DuckDBPyConnection) -> tuple[str, str]:
    """`MAY_BE_CONTACTED` and `IS_BOTS` for the scores of a published file, which has no carts of
    bots, and does not say so, where an older version published it."""
    query = (
        "select count(*) from duckdb_columns()"
        " where table_name = 'cart_scores' and column_name = 'is_suspected_bot'"
    )
    if published.execute(query).fetchall() != [(0,)]:
        return MAY_BE_CONTACTED, IS_BOTS
    return "not is_holdout", "false"


def without_bots(connection: duckdb.DuckDBPyConnection, schema: str) -> str:
    """SQL to put behind a table of outcomes, so that those of bots' carts are left out.

    Args:
        connection: warehouse or published file.
        schema: where `cart_scores` is.
    """
    _, is_bots = conditions_in(connection)
    bots = f"select scored_at, cart_id from {schema}.cart_scores where {is_bots}"
    return f"anti join ({bots}) as bots using (scored_at, cart_id)"
