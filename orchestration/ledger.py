"""The record of runs (`scores.runs`): what ran for which hour, and how it ended.

Belongs here: writing that table. Not here: Dagster's own record of the same runs, which shows every
step; this one travels with the published data.
"""

from datetime import datetime

import duckdb

from orchestration.settings import Settings


def begin_run(
    connection: duckdb.DuckDBPyConnection,
    run_id: str,
    *,
    job: str,
    as_of: datetime | None,
    started_at: datetime,
    settings: Settings,
) -> None:
    """Note that a run began; whatever still counts as running was killed and becomes failed.

    The clock may have been set back: a run begins no earlier than those before it.
    """
    connection.execute("update scores.runs set status = 'failed' where status = 'running'")
    connection.execute(
        "insert into scores.runs by name select ? as run_id, ? as job, ? as as_of,"
        " (select greatest(?, max(started_at)) from scores.runs) as started_at,"
        " 'running' as status, ? as settings",
        [run_id, job, as_of, started_at, settings.digest],
    )


def note_run(connection: duckdb.DuckDBPyConnection, run_id: str, **values: object) -> None:
    """Set columns of the run's row."""
    columns = ", ".join(f"{name} = ?" for name in values)
    connection.execute(
        f"update scores.runs set {columns} where run_id = ?", [*values.values(), run_id]
    )


def end_run(
    connection: duckdb.DuckDBPyConnection, run_id: str, status: str, finished_at: datetime
) -> None:
    """Note how the run ended: `done` or `failed`."""
    connection.execute(
        "update scores.runs set status = ?, finished_at = greatest(?, started_at) where run_id = ?",
        [status, finished_at, run_id],
    )


def end_if_running(
    connection: duckdb.DuckDBPyConnection, run_id: str, finished_at: datetime
) -> None:
    """Note that the run failed, unless how it ended was noted already."""
    connection.execute(
        "update scores.runs set status = 'failed', finished_at = greatest(?, started_at)"
        " where run_id = ? and status = 'running'",
        [finished_at, run_id],
    )
