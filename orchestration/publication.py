"""The database that analysts open, replaced whole.

Belongs here: copying the published tables with their descriptions into a new file beside the old
one, and the rename that makes it the one that is seen. An open reader keeps the file it has; the
next one to open sees the new. Not here: what is in the tables.
"""

import os
from pathlib import Path

import duckdb

from orchestration.errors import ComebackError
from orchestration.home import sync_folder
from orchestration.tables import DBT_TABLES, SCORE_TABLES

# The oldest storage version whose clients (DuckDB 1.5 and later) read what is in the tables.
STORAGE_VERSION = "v1.5.0"

PRIORITIES_DESCRIPTION = (
    "The newest scored hour of cart_scores, best first. One row per cart scored at that hour."
)


def publish(connection: duckdb.DuckDBPyConnection, target: Path) -> dict[str, int]:
    """Write the published tables of the warehouse to `target`, atomically.

    Args:
        connection: the open warehouse, with the dbt tables in `main` and the others in `scores`.
        target: the file to replace; it is left as it is when anything fails.

    Returns:
        Rows of each published table.

    Raises:
        ComebackError: a table or column to publish has no description.
    """
    for stale in target.parent.glob(f".{target.name}.*"):
        stale.unlink()
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    connection.execute(
        f"attach {_quoted(str(temporary))} as published (storage_version '{STORAGE_VERSION}')"
    )
    try:
        rows = _copy_tables(connection)
        connection.execute("checkpoint published")
    finally:
        connection.execute("detach published")
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(target)
    sync_folder(target.parent)
    return rows


def newest_hour_query(columns: str = "*") -> str:
    """The rows of the newest scored hour, best first; none if nothing was to be scored then."""
    return (
        f"select {columns} from scores.cart_scores where scored_at = "
        "(select max(as_of) from scores.runs where carts_scored is not null) order by priority_rank"
    )


def headline_figures(connection: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """What the shop as a whole did: sessions, carts and the share of them that was abandoned."""
    sessions, carts, abandoned = connection.execute(
        "select sum(session_count), sum(cart_count), sum(abandoned_cart_count)"
        " from main.daily_funnel"
    ).fetchall()[0]
    return {
        "sessions": int(sessions or 0),
        "carts": int(carts or 0),
        "abandonment_rate": round(abandoned / carts, 4) if carts else 0.0,
    }


def _copy_tables(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    rows = {}
    for name, order in DBT_TABLES.items():
        query = f"select * from main.{name} order by {', '.join(order)}"
        rows[name] = _copy(connection, name, query, *_dbt_descriptions(connection, name))
    for table in SCORE_TABLES:
        query = f"select * from scores.{table.name} order by {', '.join(table.order)}"
        columns = {column.name: column.description for column in table.columns}
        rows[table.name] = _copy(connection, table.name, query, table.description, columns)
        if table.name == "cart_scores":
            rows["retargeting_priorities"] = _copy(
                connection,
                "retargeting_priorities",
                newest_hour_query(),
                PRIORITIES_DESCRIPTION,
                columns,
            )
    return rows


def _copy(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    query: str,
    description: str,
    columns: dict[str, str],
) -> int:
    connection.execute(f"create table published.main.{name} as {query}")
    connection.execute(f"comment on table published.main.{name} is {_quoted(description)}")
    for column, text in columns.items():
        connection.execute(f"comment on column published.main.{name}.{column} is {_quoted(text)}")
    return connection.execute(f"select count(*) from published.main.{name}").fetchall()[0][0]


def _dbt_descriptions(
    connection: duckdb.DuckDBPyConnection, name: str
) -> tuple[str, dict[str, str]]:
    """The descriptions that dbt left on a table of `main` and on its columns."""
    scope = "database_name = current_database() and schema_name = 'main' and table_name = ?"
    table = connection.execute(f"select comment from duckdb_tables() where {scope}", [name])
    found = table.fetchall()
    columns = connection.execute(
        f"select column_name, comment from duckdb_columns() where {scope} order by column_index",
        [name],
    ).fetchall()
    silent = [column for column, comment in columns if not comment]
    if not found or not found[0][0] or silent:
        raise ComebackError(
            f"the table {name} is not fully described",
            f"columns without a description: {', '.join(silent) or 'none'}",
            "describe table and columns in its yml under dbt_project/models",
        )
    return found[0][0], dict(columns)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
