"""The page that is there, where making it again would give the same.

Belongs here: what it rests on beside the published tables. Not here: whether these changed
(`published_database`), or making it (`report`).
"""

import hashlib
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.ground.hours import hour_name
from orchestration.outputs.export_files import MANIFEST
from orchestration.warehouse import made_steps, run_log
from orchestration.warehouse.score_tables import HAS_SCORED, RUNS


def is_as_before(
    connection: duckdb.DuckDBPyConnection, page: Path, exports: Path | None, not_after: datetime
) -> bool:
    """Whether the page was made of the same runs and exports, of tables that are as they were.

    Args:
        connection: the open warehouse.
        page: the page.
        exports: folder of the exported hours, if it is about them.
        not_after: a later hour was scored while the clock was ahead.
    """
    hour, made_of = _made_of(connection, page, exports, not_after)
    return hour is not None and made_steps.is_made(connection, made_steps.PAGE, hour, made_of)


def remember(
    connection: duckdb.DuckDBPyConnection, page: Path, exports: Path | None, not_after: datetime
) -> None:
    """Note that the page was made, and its tables were published with it; arguments as above."""
    hour, made_of = _made_of(connection, page, exports, not_after)
    if hour is not None:
        made_steps.note(connection, made_steps.PAGE, hour, made_of)


def _made_of(
    connection: duckdb.DuckDBPyConnection, page: Path, exports: Path | None, not_after: datetime
) -> tuple[datetime | None, list[object]]:
    """The newest hour, and all that the page says of runs and exports; no hour without a page."""
    newest = connection.execute(
        f"select as_of, reporting_currency, settings from scores.{RUNS.name} where {HAS_SCORED}"
        " and as_of <= ? order by as_of desc, started_at desc limit 1",
        [not_after],
    ).fetchall()
    if not newest or not page.exists():
        return None, []
    hour = newest[0][0]
    manifest = exports / hour_name(hour) / MANIFEST if exports else None
    digests = [
        hashlib.sha256(path.read_bytes()).hexdigest() if path and path.exists() else ""
        for path in (page, manifest)
    ]
    return hour, [*newest, *run_log.failed_runs(connection), *digests]
