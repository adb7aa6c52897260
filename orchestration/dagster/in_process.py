"""Running Dagster jobs in this process, recorded like those that the schedules start.

Belongs here: choosing the job, its hour and its configuration, and finding the reason when a run
fails. Not here: arguments and printing (`cli`), or what a job does (`assets`).
"""

import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from typing import Any, Self

import dagster as dg
import polars as pl
from dagster._core.errors import DagsterAssetCheckFailedError, DagsterExecutionInterruptedError
from dagster._core.utils import make_new_run_id

from orchestration.dagster import automation
from orchestration.dagster.accept_job import ACCEPT_JOB, acceptance
from orchestration.dagster.assets import EXPORT_OP, LANDING_OP, Exporting, Landing
from orchestration.dagster.by_hand_jobs import ACCESS_JOB, BY_HAND_KEY, CommandStep
from orchestration.dagster.definitions import build_definitions
from orchestration.dagster.erase_job import ERASE_JOB, ERASURE_KEY
from orchestration.dagster.erase_steps import Erasure
from orchestration.dagster.run import PID_TAG
from orchestration.dagster.shared import HOURLY_JOB, LAND_JOB, TRAIN_JOB
from orchestration.dagster.sqlite_tuning import fold_write_ahead_logs
from orchestration.ground import good_sources
from orchestration.ground.errors import ComebackError, Explained, WrongUsage
from orchestration.ground.failures import chain, explained
from orchestration.ground.home import Home
from orchestration.ground.hours import HOUR, newest_possible_hour, partition_key, utc_now
from orchestration.ground.own_files import say_faults
from orchestration.ground.settings import FILE_NAME, load_settings
from orchestration.landing import (
    ensure_raw_tables,
    find_files,
    simulated_shop,
    source_named,
)
from orchestration.landing.locations import (
    configured_locations,
    files_at,
    known_sources,
    unread_places,
    with_placeholders,
)
from orchestration.landing.recognition import recognized
from orchestration.landing.sources import EVENTS
from orchestration.outputs.exports.taken import taken_by
from orchestration.people import vault
from orchestration.privacy import access, rectified
from orchestration.privacy.erasure_records import Subject
from orchestration.warehouse import audit_log, database, run_log, suspect_files
from orchestration.warehouse.recovery import rebuild

logger = logging.getLogger(__name__)

COMMAND_TAG = ".dagster/comeback_command"
RIGHTS = ("erase", "access", "rectify")


class Launcher:
    """The jobs over the state of a home folder, and Dagster's instance that records them."""

    def __init__(self, home: Home, command: str) -> None:
        """Load the definitions; `command` is shown with the runs.

        Raises:
            ComebackError: the settings are wrong, or dbt cannot parse its project. Commands for the
                rights of people do with the sources as they were before one of the shop's own
                became wrong.
        """
        self._command = command
        self._stack = ExitStack()
        try:
            self._load(home)
        except ComebackError as error:
            if command not in RIGHTS or not self._falls_back(home, error):
                raise

    def _falls_back(self, home: Home, error: ComebackError) -> bool:
        """Load the home with the sources of the last hour that ended well, if these are others."""
        other = good_sources.fallback(home)
        if other is None:
            return False
        logger.warning("Warning: %s; your sources count as they were in the last hour.", error)
        self._load(other)
        return True

    def _load(self, home: Home) -> None:
        self._home = home
        say_faults(home, load_settings(home.root).exports)
        self._definitions = build_definitions(home)
        self._settings = load_settings(home.root)
        self._sources = known_sources(home)

    def __enter__(self) -> Self:
        """Open the instance."""
        instance = dg.DagsterInstance.from_config(str(self._home.dagster))
        self._instance = self._stack.enter_context(instance)
        return self

    def __exit__(self, *failure: object) -> None:
        """Close the instance."""
        self._stack.close()

    def simulate(self) -> None:
        """Have the simulated shop's dumps in the home, for the next run to land.

        Raises:
            ComebackError: the files in this home are a real shop's.
        """
        simulated_shop.add_simulated_shop(self._home, is_taken=self._has_files(only_events=True))

    def rebuild(self) -> None:
        """Put a new warehouse in the place of one that is damaged or gone.

        Raises:
            ComebackError: dumps that had landed are not where they were.
        """
        with self._home.lock():
            rebuild(self._home, self._settings, self._sources)

    def require_files(self) -> None:
        """Fail while there is nothing to work on.

        Raises:
            ComebackError: no file ever landed, and none is there to land.
        """
        if self._has_files():
            return
        unread = unread_places(self._home, self._settings, self._sources)
        raise ComebackError(
            "no file has landed yet",
            "; ".join(unread) or f"there is none under {self._home.landing}/<source>",
            "put dumps there, or run: comeback run --events DIR --source SOURCE",
        )

    def source_of(self, address: str) -> str:
        """The name of the source whose dumps lie in a folder, by what they look like.

        Raises:
            WrongUsage: they fit several sources.
            ComebackError: they fit none.
        """
        follow = self._settings.follow_symlinks
        files = find_files(address, follow_symlinks=follow)
        found = recognized(files, self._sources, self._home.temporary)
        logger.info("The dumps look like %s (%s).", found.source, found.because)
        return found.source

    def land(self, addresses: Sequence[str], source: str) -> pl.DataFrame:
        """Land files or folders of a source.

        Returns:
            source, file, rows_read, note and skipped_reason of what was new.

        Raises:
            WrongUsage: there is no such source.
            ComebackError: no file is there, or the run went wrong.
        """
        definition = source_named(self._sources, source)
        files = [
            file
            for address in addresses
            for file in find_files(
                address, definition, follow_symlinks=self._settings.follow_symlinks
            )
        ]
        if not files:
            raise ComebackError(
                "no file is there to land", ", ".join(addresses), "name a folder with dumps"
            )
        if definition.holds == EVENTS:
            with self._home.lock():
                simulated_shop.remove_simulated_shop(self._home, files)
        before = self._landed().height
        landing = Landing(addresses=list(addresses), source=source)
        self._execute(LAND_JOB, ops={LANDING_OP: {"config": landing.model_dump()}})
        return self._landed().slice(before)

    def latest_hour(self) -> datetime:
        """Land what is new; the first full hour at or after the newest event.

        Raises:
            ComebackError: no event has landed.
        """
        self._execute(LAND_JOB)
        hour = automation.latest_hour(self._instance)
        if hour is None:
            raise ComebackError(
                "the files that landed hold no event",
                str(self._home.landing),
                "see whether they belong to the source they were landed for",
            )
        return hour

    def hourly(self, hour: datetime, accept_removals: Sequence[str] = ()) -> None:
        """Run one hour, all steps.

        Args:
            hour: the hour.
            accept_removals: exports of which the removals are meant, however many.

        Raises:
            WrongUsage: there is no such export.
            ComebackError: the hour cannot be scored, a setting names nothing, or a step failed.
        """
        if unknown := sorted(set(accept_removals) - set(self._settings.exports)):
            raise WrongUsage(
                f"there is no export '{unknown[0]}'",
                str(self._home.root / FILE_NAME),
                f"name one of: {', '.join(self._settings.exports)}",
            )
        taken_by(self._home, self._settings)
        exporting = Exporting(accept_removals=list(accept_removals))
        ops = {EXPORT_OP: {"config": exporting.model_dump()}} if accept_removals else None
        self._execute(HOURLY_JOB, hour, ops=ops)

    def train(self, hour: datetime, *, recalibrate_only: bool = False) -> None:
        """Learn challengers as of an hour, and promote those that are better; or only bring the
        chances of the model in use to the newest days.

        Raises:
            ComebackError: there is nothing to learn from, or a step failed.
        """
        ops = automation.RECALIBRATE if recalibrate_only else automation.RETRAIN
        self._execute(TRAIN_JOB, hour, ops=ops)

    def erase(self, subject: Subject) -> list[str]:
        """Erase a person and prove it.

        Returns:
            What was done, line by line.

        Raises:
            ComebackError: nobody has that id, the id is still somewhere, or a step failed.
        """
        try:
            return self._erase(subject)
        except ComebackError as error:
            if not self._falls_back(self._home, error):
                raise
            return self._erase(subject)

    def _erase(self, subject: Subject) -> list[str]:
        erasing = Erasure([subject])
        self._execute(ERASE_JOB, resources={ERASURE_KEY: erasing})
        return erasing.lines

    def access(self, subject: Subject) -> str:
        """All data of a person as JSON.

        Raises:
            ComebackError: no row names the person, or nothing was built yet.
        """
        sources = with_placeholders(self._sources, self._settings)
        # before a run begins: a mistyped id is no run that failed
        with self._home.lock(), database.connect(self._home, self._settings) as connection:
            ensure_raw_tables(connection, sources)
            access.require_known(connection, sources, subject)
        step = CommandStep(partial(access.disclose, sources=sources, subject=subject))
        try:
            self._execute(ACCESS_JOB, resources={BY_HAND_KEY: step})
        except ComebackError as error:
            raise error from step.failure
        return step.result

    def rectify(self, subject: Subject, assignments: Sequence[str]) -> None:
        """Correct a user's profile, and land that.

        Args:
            subject: the user.
            assignments: texts `field=value`.

        Raises:
            WrongUsage: one of them is no assignment, or names no field of a profile.
            ComebackError: nothing is known of the user, or landing went wrong.
        """
        sources = with_placeholders(self._sources, self._settings)
        fields = rectified.parsed(assignments, sources[rectified.SOURCE])
        with self._home.lock(), database.connect(self._home, self._settings) as connection:
            ensure_raw_tables(connection, sources)
            vault.settle(connection, sources, self._settings)
            rectified.write(connection, self._home, subject.id, fields, utc_now())
            audit_log.note(connection, "rectify", utc_now(), people=1, fields=len(fields))
        self._execute(LAND_JOB)

    def accept(self, names: Sequence[str]) -> list[str]:
        """Note of files that they are meant so.

        Args:
            names: as `comeback status` gives them, or paths to the files.

        Returns:
            What is said of each.

        Raises:
            ComebackError: no file, or more than one, is meant by a name, or the step failed.
        """
        # before a run begins: a mistyped name is no run that failed
        with self._home.lock(), database.connect(self._home, self._settings) as connection:
            database.ensure_score_tables(connection)
            files = suspect_files.named(connection, names)
        self._execute(ACCEPT_JOB, ops=acceptance([*names]))
        return [each.summary for each in files]

    def newest_scored_hour(self) -> datetime | None:
        """The hour that was scored last, None before the first."""
        with self._home.lock(), database.connect(self._home, self._settings) as connection:
            database.ensure_score_tables(connection)
            return database.newest_scored_hour(
                connection,
                not_after=newest_possible_hour(utc_now(), self._settings.clock_skew_minutes),
            )

    def _has_files(self, *, only_events: bool = False) -> bool:
        """Whether a file ever landed, or lies there to be landed; one of rates is no shop's yet."""
        locations = configured_locations(self._home, self._settings, self._sources)
        files = files_at(
            self._sources,
            locations,
            follow_symlinks=self._settings.follow_symlinks,
            only_events=only_events,
        )
        landed = self._landed()
        if only_events and landed.height:
            rates = [name for name, each in self._sources.items() if each.holds != EVENTS]
            landed = landed.filter(~pl.col("source").is_in(rates))
        return landed.height > 0 or any(files)

    def _landed(self) -> pl.DataFrame:
        with self._home.lock(), database.connect(self._home, self._settings) as connection:
            return database.landed_files(connection)

    def _execute(
        self,
        job: str,
        hour: datetime | None = None,
        ops: Mapping[str, Any] | None = None,
        resources: Mapping[str, object] | None = None,
    ) -> None:
        definition = self._definitions.resolve_job_def(job)
        key = self._partition(definition, hour) if hour else None
        # What went wrong is said in one line; Dagster's console would take a hundred.
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        config = {**quiet, **({"ops": ops} if ops else {})}
        run_id = make_new_run_id()
        try:
            definition.execute_in_process(
                run_id=run_id,
                run_config=config,
                instance=self._instance,
                partition_key=key,
                resources=resources,
                tags={COMMAND_TAG: self._command, PID_TAG: str(os.getpid())},
            )
        except BaseException as error:
            # itself no `Exception`, as its like in Python; and what came of it may be any
            if any(isinstance(each, DagsterExecutionInterruptedError) for each in chain(error)):
                raise KeyboardInterrupt from error
            if isinstance(error, dg.DagsterError):
                raise self._reason(error, run_id) from error
            raise
        finally:
            fold_write_ahead_logs()

    def _reason(self, error: dg.DagsterError, run_id: str) -> BaseException:
        """The failure that a person can act on, out of those that Dagster wrapped around it."""
        if not any(isinstance(each, DagsterAssetCheckFailedError) for each in chain(error)):
            return explained(error, self._home)
        with self._home.lock(), database.connect(self._home, self._settings) as connection:
            files = suspect_files.pending(connection)
            noted = run_log.reason_of(connection, run_id)
            shown = suspect_files.reason_to_stop(files, with_rows=True)
        if noted is None:
            return ComebackError(
                " ".join(str(error).split()), "nothing was published", "see the run in the UI"
            )
        is_about_files = noted == suspect_files.reason_to_stop(files, with_rows=False)
        return Explained(shown if is_about_files else noted)

    def _partition(self, definition: dg.JobDefinition, hour: datetime) -> str:
        key = partition_key(hour)
        if hour > utc_now() + 2 * HOUR:
            raise ComebackError(
                f"the hour {key} UTC has not come yet",
                f"this machine's clock says {utc_now()} UTC",
                "choose an earlier one, or correct the clock",
            )
        if not definition.partitions_def.has_partition_key(key):
            raise ComebackError(
                f"the hour {key} UTC cannot be scored",
                f"hours begin with {self._settings.partitions_start}",
                f"choose another, or set partitions_start in {self._home.root / FILE_NAME}",
            )
        return key
