"""The record of runs (`scores.runs`): what ran for which hour, and how it ended.

Belongs here: writing that table. Not here: Dagster's own record of the same runs, which shows every
step; this one travels with the published data.
"""

from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.ground.settings import Settings
from orchestration.warehouse.database import attached
from orchestration.warehouse.score_tables import HAS_SCORED, PUBLISHED_FILE, RUNS

# The job whose runs end with the publication; they are noted as done before it copies that note.
_PUBLISHING_JOB = "hourly"


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


def fail_unpublished(connection: duckdb.DuckDBPyConnection, published: Path) -> None:
    """Correct the newest run if it was killed between its note that it is done and the publication:
    then it failed, and the published file has no row of it.

    To be called before the next run begins. A file that was deleted or cannot be read
    shows nothing, and nothing is corrected.
    """
    last = connection.execute(
        "select run_id, job, status from scores.runs order by started_at desc, rowid desc limit 1"
    ).fetchall()
    for run_id, *ended in last:
        if ended == [_PUBLISHING_JOB, "done"] and _lacks(connection, published, run_id):
            note_run(connection, run_id, status="failed")


def _lacks(connection: duckdb.DuckDBPyConnection, published: Path, run_id: str) -> bool:
    """Whether it is certain that the published file has no row of a run, or never was there."""
    if not published.exists():
        query = f"select count(*) from scores.{PUBLISHED_FILE.name}"
        return connection.execute(query).fetchall() == [(0,)]
    query = f"select count(*) from published.main.{RUNS.name} where run_id = ?"
    try:
        with attached(connection, published, "(read_only)"):
            return connection.execute(query, [run_id]).fetchall() == [(0,)]
    except duckdb.Error:  # the publication reports it
        return False


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


def reporting_currency(
    connection: duckdb.DuckDBPyConnection, hour: datetime, schema: str = "scores"
) -> str | None:
    """The currency that the scores of an hour are in; None if it knew none.

    Args:
        connection: warehouse or published file.
        hour: the scored hour, UTC.
        schema: where `runs` is.
    """
    found = connection.execute(
        f"select reporting_currency from {schema}.{RUNS.name}"
        f" where {HAS_SCORED} and as_of = ? order by started_at desc limit 1",
        [hour],
    ).fetchall()
    return next(iter(found), (None,))[0]


def reason_of(connection: duckdb.DuckDBPyConnection, run_id: str) -> str | None:
    """Why a check stopped the run, in one line; None if none did."""
    query = "select reason from scores.runs where run_id = ?"
    return next(iter(connection.execute(query, [run_id]).fetchall()), (None,))[0]


def failed_runs(
    connection: duckdb.DuckDBPyConnection, schema: str = "scores"
) -> list[tuple[str, datetime, str, str | None]]:
    """Job, time, id and reason of the runs that failed and that no later good one made up for.

    An hour makes up for a failed landing, too: it lands first. And for a failed acceptance: no file
    stopped it.

    Args:
        connection: warehouse or published file.
        schema: where `runs` is.
    """
    return connection.execute(
        f"select job, started_at, run_id, reason from {schema}.runs as run where status <> 'done'"
        f" and not exists (select 1 from {schema}.runs as later where status = 'done'"
        " and (later.job = run.job or (run.job in ('land', 'accept') and later.job = 'hourly'))"
        " and later.started_at > run.started_at)"
        " order by started_at"
    ).fetchall()


def last_hour_ended(connection: duckdb.DuckDBPyConnection, schema: str = "scores") -> datetime:
    """When the last good run of an hour ended before the newest one; what landed since is new.

    Args:
        connection: warehouse or published file.
        schema: where `runs` is.
    """
    query = (
        f"select coalesce(max(finished_at), timestamp '1970-01-01') from {schema}.runs"
        " where job = ? and status = 'done' and started_at <"
        f" (select max(started_at) from {schema}.runs where job = ?)"
    )
    return connection.execute(query, [_PUBLISHING_JOB, _PUBLISHING_JOB]).fetchall()[0][0]
