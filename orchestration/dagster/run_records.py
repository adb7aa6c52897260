"""Dagster's record of runs: kept for some time, and read for what failed.

Belongs here: removing records that are too old, with everything Dagster would leave of them, and
the failures that no later run made good. Not here: `scores.runs`, which is published and stays.

A run leaves about 2 MB: a file of its own with some 500 events, and rows in the files that all runs
share. Dagster itself removes none of it, and deleting a run leaves its (empty) file, its tags and
the outcomes of its checks.
"""

import logging
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.runs.schema import RunTagsTable
from sqlalchemy import delete, func, select

from orchestration.ground.home import Home
from orchestration.ground.hours import from_partition_key, iso, utc_now

logger = logging.getLogger(__name__)

# So many at a time: the first clean-up of an old home must not take an hour.
MAX_REMOVED = 200
_RECENT_FAILURES = 50
_CHECKS_OF_A_RUN = 1_000
_ENDED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]
_FAILURES = {
    dg.DagsterEventType.RESOURCE_INIT_FAILURE,
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.RUN_FAILURE,
}
# What a person sees first of a run, in the list of runs and on top of its page.
STARTED_TAG, REASON_TAG = "started_by", "reason"
_STARTERS = {
    "comeback/command": "command",
    ".dagster/comeback_command": "command",
    "dagster/schedule_name": "schedule",
    "dagster/sensor_name": "sensor",
    "dagster/backfill": "backfill",
}
_STATUSES = {
    dg.DagsterRunStatus.SUCCESS: "done",
    dg.DagsterRunStatus.FAILURE: "failed",
    dg.DagsterRunStatus.CANCELED: "canceled",
    dg.DagsterRunStatus.CANCELING: "canceled",
    dg.DagsterRunStatus.STARTED: "running",
}
# An hour lands and delivers what these could not, and is good only if no file stops it.
_HEALED_BY = {name: (name, "hourly") for name in ("land", "accept", "deliver", "__ASSET_JOB")}


@dataclass(frozen=True)
class FailedRun:
    """A run that failed, as Dagster recorded it.

    Attributes:
        run_id: its id.
        job: its job.
        started_at: when it was created, UTC.
        reason: why it failed, in one line; empty if that was not recorded.
    """

    run_id: str
    job: str
    started_at: datetime
    reason: str


@dataclass(frozen=True)
class RecordedRun:
    """A run, as Dagster recorded it.

    Attributes:
        run_id: its id.
        job: its job.
        hour: the scored hour, UTC; None for a job that scores none.
        started_by: a command, schedule or sensor, by name, or the UI.
        started_at: when it was created, UTC.
        seconds: how long it took; None before it ended.
        status: running, done, failed, canceled or waiting.
        reason: why it failed, in one line; empty if it did not.
    """

    run_id: str
    job: str
    hour: datetime | None
    started_by: str
    started_at: datetime
    seconds: float | None
    status: str
    reason: str

    @property
    def facts(self) -> dict[str, Any]:
        """The same for programs: times in ISO 8601."""
        times = {"hour": self.hour and iso(self.hour), "started_at": iso(self.started_at)}
        return asdict(self) | times


def started_by(tags: Mapping[str, str]) -> str:
    """What started a run: a command, schedule or sensor, by name, or somebody in the UI."""
    for tag, kind in _STARTERS.items():
        if tag in tags:
            return f"{kind} {tags[tag]}"
    return "the UI"


def say_reason(instance: dg.DagsterInstance, run_id: str) -> None:
    """Put on top of a run that failed why it did, in our words, unless it stands there."""
    if reason := failure_reason(instance, run_id):
        instance.add_run_tags(run_id, {REASON_TAG: reason})


def forget_checks_not_made(instance: dg.DagsterInstance, run_id: str) -> None:
    """Remove that checks were planned to which a run did not come, in which Dagster would show
    them all as failed: each shows what it said when it was made last."""
    table = AssetCheckExecutionsTable
    with instance.event_log_storage.index_connection() as index:
        newest = index.execute(select(func.max(table.c.id))).scalar() or 0
        planned = (table.c.run_id == run_id) & (table.c.execution_status == "PLANNED")
        # the newest of them alone are looked through: the whole table has a line a check and run
        index.execute(delete(table).where((table.c.id > newest - _CHECKS_OF_A_RUN) & planned))


def failure_reason(instance: dg.DagsterInstance, run_id: str) -> str:
    """Why a run failed, in one line; empty if it did not, or that was not recorded."""
    run = instance.get_run_by_id(run_id)
    said = run.tags.get(REASON_TAG) if run else None
    return said or _reason(instance, run_id)


def remove_old(instance: dg.DagsterInstance, home: Home, before: datetime) -> int:
    """Remove what is left of runs that ended before an instant, the oldest first.

    Args:
        instance: Dagster's instance of the home.
        home: whose runs.
        before: UTC.

    Returns:
        How many were removed; at most `MAX_REMOVED`.
    """
    records = instance.get_run_records(
        dg.RunsFilter(statuses=_ENDED, updated_before=before.replace(tzinfo=UTC)),
        limit=MAX_REMOVED,
        ascending=True,
    )
    for record in records:
        _remove(instance, home, record.dagster_run.run_id)
    if records:
        logger.info("Removed Dagster's records of %d old runs.", len(records))
    return len(records)


def fold_logs_of_killed_runs(instance: dg.DagsterInstance, home: Home) -> None:
    """Fold the write-ahead logs that killed runs left back into their files."""
    for log in _runs_folder(home).glob("*.db-wal"):
        run = instance.get_run_by_id(log.name.removesuffix(".db-wal"))
        if run is not None and run.is_finished:
            with closing(sqlite3.connect(log.with_name(log.name.removesuffix("-wal")))) as file:
                file.execute("pragma wal_checkpoint(truncate)").fetchall()


def failed_runs(home: Home) -> list[FailedRun]:
    """The runs that failed and were not made good by a later one, the oldest first."""
    if not _runs_folder(home).exists():
        return []
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        records = instance.get_run_records(
            dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]), limit=_RECENT_FAILURES
        )
        jobs = {record.dagster_run.job_name for record in records}
        healed = {job: _last_success(instance, job) for job in jobs}
        return [
            FailedRun(
                run_id=record.dagster_run.run_id,
                job=record.dagster_run.job_name,
                started_at=record.create_timestamp.replace(tzinfo=None, microsecond=0),
                reason=failure_reason(instance, record.dagster_run.run_id),
            )
            for record in reversed(records)
            if record.storage_id > healed[record.dagster_run.job_name]
        ]


def newest_runs(home: Home, count: int) -> list[RecordedRun]:
    """So many of the newest runs, the newest first."""
    if not _runs_folder(home).exists():
        return []
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        return [_recorded(instance, each) for each in instance.get_run_records(limit=count)]


def as_table(runs: Sequence[RecordedRun]) -> pl.DataFrame:
    """Runs as a frame to be read."""
    return pl.DataFrame([asdict(each) for each in runs]).with_columns(pl.col("run_id").str.head(8))


def _recorded(instance: dg.DagsterInstance, record: dg.RunRecord) -> RecordedRun:
    found = record.dagster_run
    has_failed = found.status is dg.DagsterRunStatus.FAILURE
    begun, ended = record.start_time, record.end_time
    return RecordedRun(
        run_id=found.run_id,
        job=found.job_name,
        hour=from_partition_key(key) if (key := found.tags.get("dagster/partition")) else None,
        started_by=started_by(found.tags),
        started_at=record.create_timestamp.replace(tzinfo=None, microsecond=0),
        seconds=round(ended - begun, 1) if begun and ended else None,
        status=_STATUSES.get(found.status, "waiting"),
        reason=failure_reason(instance, found.run_id) if has_failed else "",
    )


def _remove(instance: dg.DagsterInstance, home: Home, run_id: str) -> None:
    instance.delete_run(run_id)
    with instance.event_log_storage.index_connection() as index:
        index.execute(
            delete(AssetCheckExecutionsTable).where(AssetCheckExecutionsTable.c.run_id == run_id)
        )
    with instance.run_storage.connect() as runs:
        runs.execute(delete(RunTagsTable).where(RunTagsTable.c.run_id == run_id))
    for suffix in ("", "-wal", "-shm"):
        (_runs_folder(home) / f"{run_id}.db{suffix}").unlink(missing_ok=True)
    shutil.rmtree(home.dagster / "storage" / run_id, ignore_errors=True)


def _runs_folder(home: Home) -> Path:
    return home.dagster / "history" / "runs"


def _last_success(instance: dg.DagsterInstance, job: str) -> int:
    """The number of the newest run that makes failures of a job good; 0 without one. Runs are
    numbered as they begin, whatever the clock says."""
    found = [
        record.storage_id
        for each in _HEALED_BY.get(job, (job,))
        for record in instance.get_run_records(
            dg.RunsFilter(job_name=each, statuses=[dg.DagsterRunStatus.SUCCESS]), limit=1
        )
    ]
    return max(found, default=0)


def _reason(instance: dg.DagsterInstance, run_id: str) -> str:
    """What a person can act on of a run's failure."""
    messages = [
        error.message
        for entry in instance.all_logs(run_id, of_type=_FAILURES)
        for error in _errors(entry)
    ]
    ours = [each for each in messages if each.startswith(_OURS)]
    causes = [each for each in messages if not each.startswith("dagster.")]
    line = " ".join((ours or causes or messages or [""])[0].split())
    return line.removeprefix(_OURS)[:500]


_OURS = "orchestration.ground.errors.ComebackError: "


def _errors(entry: dg.EventLogEntry) -> Iterator[object]:
    """The failure of an entry and those that it was raised from, the outermost first."""
    data = entry.dagster_event and entry.dagster_event.event_specific_data
    error = getattr(data, "error", None)
    while error is not None:
        yield error
        error = error.cause


def keep_for(instance: dg.DagsterInstance, home: Home, days: int) -> None:
    """Keep the records of runs for some days, and the folder free of logs of killed runs."""
    remove_old(instance, home, utc_now() - timedelta(days=days))
    fold_logs_of_killed_runs(instance, home)
