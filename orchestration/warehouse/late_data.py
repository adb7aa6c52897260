"""Late data: what new rows changed of what was known before, and of what was published.

Belongs here: the count of priorities that new rows took back, which dbt cannot make because it
never reads a score, and the report of the newest build with it. Not here: the rest of the report,
which dbt writes (models/quality/late_data_report.sql).
"""

import logging
from pathlib import Path

import duckdb

from orchestration.ground.rule_macros import rule_macros
from orchestration.ground.settings import Settings
from orchestration.warehouse.database import attached
from orchestration.warehouse.score_tables import LATE_DATA_REPORT, WITHDRAWN_PRIORITIES

logger = logging.getLogger(__name__)

WITHDRAWN_COUNT = "withdrawn_priority_count"
# dbt's report with the count beside it, as it is published.
REPORT = (
    f"select report.*, coalesce({WITHDRAWN_COUNT}, 0) as {WITHDRAWN_COUNT}"
    f" from main.{LATE_DATA_REPORT} as report"
    f" left join scores.{WITHDRAWN_PRIORITIES.name} as withdrawn using (load_id)"
)


def count_withdrawn(connection: duckdb.DuckDBPyConnection, published: Path) -> None:
    """Note how many of the published priorities the loads of the newest build took back.

    Taken back is a contact advised for a cart that was closed at that hour or never was, as known
    now. A build without new loads takes nothing back. Loads are counted once: where nothing came
    since, those of the newest build are still there, and what is published may know of them.

    Args:
        connection: the open warehouse, after a build and before its hour is scored or published.
        published: the file that analysts see, as published before; it need not exist.
    """
    if not published.exists() or not _has_uncounted_loads(connection):
        return
    try:
        count = _withdrawn(connection, published)
    except (duckdb.IOException, duckdb.SerializationException, duckdb.CatalogException) as error:
        logger.info("Priorities taken back are not counted: %s", str(error).splitlines()[0])
        return
    connection.execute(
        f"insert into scores.{WITHDRAWN_PRIORITIES.name}"
        " select max(load_id), ? from main.loads_this_run",
        [count],
    )


def newest_report(connection: duckdb.DuckDBPyConnection) -> dict[str, object]:
    """The newest build's report of late data, by column; empty if it took up no loads."""
    found = connection.execute(
        f"select * from ({REPORT}) where load_id = (select max(load_id) from main.loads_this_run)"
    )
    names = [column[0] for column in found.description]
    rows = found.fetchall()
    return dict(zip(names, rows[0], strict=True)) if rows else {}


def _has_uncounted_loads(connection: duckdb.DuckDBPyConnection) -> bool:
    query = (
        "select max(load_id) from main.loads_this_run having count(*) > 0 and max(load_id) not in"
        f" (select load_id from scores.{WITHDRAWN_PRIORITIES.name})"
    )
    return bool(connection.execute(query).fetchall())


def _withdrawn(connection: duckdb.DuckDBPyConnection, published: Path) -> int:
    is_open = rule_macros(Settings()).is_cart_open("carts", "advised.scored_at")
    with attached(connection, published, "(read_only)"):
        rows = connection.execute(
            "select count(*) from published.main.retargeting_priorities as advised"
            " left join main.carts using (cart_id)"
            " where best_action <> 'nothing'"
            f" and (carts.cart_id is null or not {is_open})"
        ).fetchall()
    return rows[0][0]
