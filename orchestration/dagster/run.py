"""What every run does first and last, whichever job it is and whoever started it.

Belongs here: taking the run lock, opening the run's row in `scores.runs` and closing it as failed
unless the job closed it as done; the resource by which Dagster hands the run to every step; closing
Dagster's record of runs that were killed. Not here: what the job does in between (`assets`).
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg
import duckdb

from orchestration.dagster.run_records import (
    STARTED_TAG,
    forget_checks_not_made,
    keep_for,
    say_reason,
    started_by,
)
from orchestration.ground.home import Home
from orchestration.ground.hours import from_partition_key, newest_possible_hour, utc_now
from orchestration.ground.own_files import say_faults
from orchestration.ground.settings import Settings, load_settings
from orchestration.landing import simulated_shop
from orchestration.landing.locations import configured_locations, files_at, known_sources
from orchestration.modelling.model_store import ModelStore
from orchestration.warehouse import audit_log, database, run_log, wrong_clock

RUN_KEY = "comeback"
# The UI does not show such tags.
PID_TAG = ".dagster/comeback_pid"


@dataclass(frozen=True)
class Run:
    """One run, while it holds the lock.

    Attributes:
        run_id: Dagster's id of it.
        home: whose state it works on.
        settings: what the shop had set when it began.
    """

    run_id: str
    home: Home
    settings: Settings

    @property
    def model_store(self) -> ModelStore:
        """The models."""
        return ModelStore(self.home.models)

    @property
    def newest_possible_hour(self) -> datetime:
        """The newest hour there can be by the clock; one beyond was scored while it was ahead."""
        return newest_possible_hour(utc_now(), self.settings.clock_skew_minutes)

    def open_warehouse(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection to the warehouse, which stays open for the next one until the run ends."""
        return database.connect(self.home, self.settings)

    def note(self, **values: object) -> None:
        """Set columns of the run's row in `scores.runs`."""
        with self.open_warehouse() as connection:
            run_log.note_run(connection, self.run_id, **values)

    def finish(self) -> None:
        """Note that the job is done."""
        with self.open_warehouse() as connection:
            run_log.end_run(connection, self.run_id, "done", utc_now())

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """Note that the job is done before its last step, which copies it; undo that on failure.

        What a killed run cannot undo, the next one does (`run_log.fail_unpublished`).
        """
        self.finish()
        try:
            yield
        except BaseException:
            with self.open_warehouse() as connection:
                run_log.end_run(connection, self.run_id, "failed", utc_now())
            raise


@contextmanager
def open_run(home: Home, run_id: str, job: str, as_of: datetime | None) -> Iterator[Run]:
    """Hold the lock for a run and keep its row; a row nobody closed as done ends as failed.

    Raises:
        ComebackError: the settings are wrong, or another run does not end in time.
    """
    home.prepare()
    settings = load_settings(home.root)
    run = Run(run_id, home, settings)
    say_faults(home, settings.exports)
    with home.lock(), database.kept_open(home):
        sources = known_sources(home)
        locations = configured_locations(home, settings, sources)
        files = files_at(
            sources,
            locations,
            follow_symlinks=settings.follow_symlinks,
            only_events=True,
        )
        simulated_shop.remove_simulated_shop(home, files)
        with run.open_warehouse() as connection:
            database.ensure_score_tables(connection)
            run_log.fail_unpublished(connection, home.published)
            skew = timedelta(minutes=settings.clock_skew_minutes)
            wrong_clock.correct_times(connection, utc_now(), skew)
            run_log.begin_run(
                connection,
                run_id,
                job=job,
                as_of=as_of,
                started_at=utc_now(),
                settings=settings,
            )
            audit_log.note_settings(connection, utc_now(), settings.digest)
        try:
            yield run
        finally:
            with run.open_warehouse() as connection:
                run_log.end_if_running(connection, run_id, utc_now())


def run_resource(home: Home) -> dg.ResourceDefinition:
    """The resource that is opened before a run's first step and closed after its last."""

    @dg.resource(description="The run, under the lock of COMEBACK_HOME.")
    def run(context: dg.InitResourceContext) -> Iterator[Run]:
        instance, dagster_run = context.instance, context.run
        tags = {PID_TAG: str(os.getpid()), STARTED_TAG: started_by(dagster_run.tags)}
        instance.add_run_tags(dagster_run.run_id, tags)
        fail_dead_runs(instance)
        keep_for(instance, home, load_settings(home.root).dagster_keep_days)
        key = dagster_run.tags.get("dagster/partition")
        as_of = from_partition_key(key) if key else None
        try:
            with open_run(home, dagster_run.run_id, dagster_run.job_name, as_of) as opened:
                yield opened
        finally:
            forget_checks_not_made(instance, dagster_run.run_id)
            say_reason(instance, dagster_run.run_id)

    return run


def fail_dead_runs(instance: dg.DagsterInstance) -> None:
    """Report as failed the runs whose process is gone; else they would block those that queue."""
    begun = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED]
    for dagster_run in instance.get_runs(dg.RunsFilter(statuses=begun)):
        pid = dagster_run.tags.get(PID_TAG)
        if pid and not _is_alive(int(pid)):
            forget_checks_not_made(instance, dagster_run.run_id)
            instance.report_run_failed(dagster_run, f"Process {pid} of this run was killed.")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
