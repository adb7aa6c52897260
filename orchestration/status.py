"""What the command line says of a shop's state: the summary of a run, and `comeback status`.

Belongs here: what there is, what is wrong, and what a person should know of it. Not here: the lines
of one table of the published file (status_lines.py); running anything; nothing is written.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import duckdb
import polars as pl

from orchestration.ground.encryption import is_encrypted
from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.ground.hours import BEGINNING_OF_TIME, iso, newest_possible_hour, utc_now
from orchestration.ground.own_files import faults_in
from orchestration.ground.settings import Settings, load_settings
from orchestration.ground.text import in_print
from orchestration.landing.locations import (
    configured_locations,
    known_sources,
    misplaced_folders,
    unread_places,
)
from orchestration.modelling import model_versions
from orchestration.modelling.model_store import ModelStore
from orchestration.modelling.scoring import SHOWN_COLUMNS
from orchestration.outputs import export_files
from orchestration.outputs.delivery import delivered_line, undelivered
from orchestration.outputs.exports.taken import fault_in
from orchestration.privacy.erasure_records import PENDING
from orchestration.status_faults import failed_run, hour_ahead, landed_ahead
from orchestration.status_lines import (
    aligned,
    constant_lines,
    encryption_lines,
    has_column,
    late_lines,
    money_lines,
    odd_notes,
    outcome_lines,
    scored_line,
    skipped_lines,
    swing_lines,
)
from orchestration.warehouse import (
    database,
    lacking_rates,
    rewriting,
    run_log,
    skipped_files,
    suspect_files,
    suspicious_ids,
    unread_amounts,
)
from orchestration.warehouse.contactable import conditions_in
from orchestration.warehouse.score_tables import HAS_SCORED
from orchestration.warehouse.skipped_files import SkippedFile

SHOWN_WARNINGS = 5
TOP_ROWS = 5
_TOP_COLUMNS = [name for name in SHOWN_COLUMNS if name not in ("p_return_24h", "segment")]


class FailedRun(Protocol):
    """A run that Dagster recorded as failed, and that no later one made good."""

    run_id: str
    job: str
    started_at: datetime
    reason: str


@dataclass(frozen=True)
class Status:
    """What there is, as text.

    Attributes:
        lines: what there is, one fact a line.
        warnings: what a person should know.
        wrong: what a person has to do something about.
        is_published: whether anything ever was.
        facts: what the lines say, for programs: numbers as numbers, times in ISO 8601.
    """

    lines: Sequence[str]
    warnings: Sequence[str]
    wrong: Sequence[str]
    is_published: bool = True
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_wrong(self) -> bool:
        """Whether anything is."""
        return bool(self.wrong)

    def to_json(self) -> str:
        """All of it as one JSON object."""
        texts = {"warnings": self.warnings, "wrong": self.wrong}
        return json.dumps({"is_published": self.is_published} | dict(self.facts) | texts, indent=2)

    def __str__(self) -> str:
        """All of it, in lines."""
        nothing = ["nothing"] if self.is_published else []
        return "\n".join(
            [
                *self.lines,
                *(f"Warning    {each}" for each in self.warnings),
                *(f"Wrong      {each}" for each in self.wrong or nothing),
            ]
        )


def summary(
    home: Home, hour: datetime, seconds: float, table: Callable[[pl.DataFrame], str] = aligned
) -> str:
    """What a run for an hour made, and where it lies; `table` writes the best carts."""
    settings = load_settings(home.root)
    with _published(home) as connection:
        files, rows, aside = _landed(connection)
        sessions, carts = connection.execute(
            "select (select count(*) from sessions), (select count(*) from carts)"
        ).fetchall()[0]
        may_be_contacted, _ = conditions_in(connection)
        top = connection.sql(
            f"select {', '.join(_TOP_COLUMNS)} from cart_scores where scored_at = ?"
            f" and {may_be_contacted} order by priority_rank limit ?",
            params=[hour, TOP_ROWS],
        ).pl()
        scored = scored_line(connection, hour)
        outcomes = list(outcome_lines(connection))
        late = list(late_lines(connection))
        money = list(money_lines(connection, hour))
        since = run_log.last_hour_ended(connection, "main")
        warnings = list(_warnings(home, connection, hour, since))
        skipped = _skipped(home, settings, connection)
    warnings += [
        *_damaged_models(home, settings),
        *misplaced_folders(home, settings),
        *unread_places(home, settings, known_sources(home)),
        *undelivered(home),
    ]
    lines = [
        f"Hour       {hour:%Y-%m-%d %H:%M} UTC, done in {seconds:.0f} s",
        f"Landed     {files:,} files, {rows:,} rows, {aside:,} of them set aside",
        *skipped_lines(skipped),
        f"Log        {sessions:,} sessions, {carts:,} carts",
        scored,
        *outcomes,
        *money,
        *late,
        *(f"Warning    {each}" for each in warnings),
        *(["", *table(top).splitlines(), ""] if top.height else []),
        *_places(home),
    ]
    return "\n".join(lines)


def status(home: Home, recorded: Callable[[], Sequence[FailedRun]] = tuple) -> Status:
    """Files, rows, watermark, models, newest export, and anything that is wrong.

    Args:
        home: whose state.
        recorded: gives the runs that Dagster recorded as failed.
    """
    try:
        settings = load_settings(home.root)
    except ComebackError as error:
        return Status(lines=[], warnings=[], wrong=[str(error)])
    if not home.published.exists():
        wrong = list(_wrong(home, settings, recorded))
        nothing = f"Nothing was published yet under {home.root}. Run: comeback run"
        return Status([nothing], [], wrong, is_published=False)
    newest_hour = newest_possible_hour(utc_now(), settings.clock_skew_minutes)
    with _published(home) as connection:
        files, rows, aside = _landed(connection)
        (watermark,) = connection.execute("select max(ended_at) from sessions").fetchall()[0]
        scored = connection.execute(
            f"select as_of, carts_scored from runs where {HAS_SCORED} and as_of <= ?"
            " order by as_of desc, started_at desc limit 1",
            [newest_hour],
        ).fetchall()
        ahead = connection.execute(
            f"select distinct as_of from runs where {HAS_SCORED} and as_of > ? order by as_of",
            [newest_hour],
        ).fetchall()
        models = connection.execute(
            "select name, model_id, kind, trained_as_of from models where is_champion order by name"
        ).fetchall()
        notes = connection.execute(
            "select source, file, content_hash, skipped_reason, note from landed_files"
            " where note is not null order by load_id"
        ).fetchall()
        skipped = _skipped(home, settings, connection)
        dated_ahead = connection.execute(
            "select max(landed_at) from landed_files having max(landed_at) > ?",
            [utc_now() + timedelta(minutes=settings.clock_skew_minutes)],
        ).fetchall()
        warnings = [
            *(
                each
                for hour, _ in scored
                for each in _warnings(home, connection, hour, since=BEGINNING_OF_TIME)
            ),
            *(
                in_print(f"{file}: {note}")
                for source, file, digest, reason, note in odd_notes(notes)
                if reason is None or SkippedFile(source, file, digest, reason) in skipped
            ),
            *rewriting.plain_copies(home),
        ]
    wrong = [
        *_wrong(home, settings, recorded),
        *(hour_ahead(hour) for (hour,) in ahead),
        *(landed_ahead(at) for (at,) in dated_ahead),
    ]
    lines = [
        f"Landed     {files:,} files, {rows:,} rows, {aside:,} of them set aside",
        *skipped_lines(skipped),
        f"Newest     {watermark} UTC",
        *(f"Scored     {hour:%Y-%m-%d %H:%M} UTC, {carts:,} carts" for hour, carts in scored),
        *(
            f"Model      {name}: {model_id} ({kind}), learned at {at:%Y-%m-%d %H:%M} UTC"
            for name, model_id, kind, at in models
        ),
        *encryption_lines(home),
        *_places(home),
    ]
    facts = {
        "files": files,
        "rows_read": rows,
        "rows_dropped": aside,
        "files_not_read": len(skipped),
        "newest_event": watermark and iso(watermark),
        "hour": next((iso(hour) for hour, _ in scored), None),
        "carts_scored": next((carts for _, carts in scored), None),
        "models": [
            {"name": name, "model_id": model_id, "kind": kind, "trained_as_of": iso(at)}
            for name, model_id, kind, at in models
        ],
        "is_encrypted": bool(is_encrypted(home.warehouse)),
        "places": {
            name.lower(): path for name, path in (each.split(maxsplit=1) for each in _places(home))
        },
    }
    return Status(lines, warnings, wrong, facts=facts)


@contextmanager
def _published(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    try:
        with duckdb.connect(str(home.published), read_only=True) as connection:
            yield connection
    except duckdb.Error as error:
        raise ComebackError(
            f"the published file cannot be read ({str(error).splitlines()[0]})",
            str(home.published),
            "delete it, then run again: comeback run",
        ) from error


def _landed(connection: duckdb.DuckDBPyConnection) -> tuple[int, int, int]:
    """Files, rows read and rows dropped."""
    return connection.execute(
        "select count(*) filter (skipped_reason is null), coalesce(sum(rows_read), 0)::bigint,"
        " coalesce(sum(rows_dropped), 0)::bigint from landed_files"
    ).fetchall()[0]


def _places(home: Home) -> Iterator[str]:
    yield f"Analysts   {home.published}"
    if home.report.exists():
        yield f"Report     {home.report}"
    if latest := export_files.read_latest(home.exports):
        yield f"Exports    {home.exports / latest['path']}"
    yield from delivered_line(home)


def _warnings(
    home: Home, published: duckdb.DuckDBPyConnection, hour: datetime, since: datetime
) -> Iterator[str]:
    """What a person should know of an hour and of the files that landed since."""
    if not has_column(published, "cart_scores", "is_stale"):
        return  # an older version published it
    if export_files.is_stale(home.exports, hour):
        yield "the hour is stale: its newest event was too old (stale_after_hours)"
    yield from constant_lines(published, hour)
    yield from swing_lines(published, hour)
    yield from (str(each) for each in faults_in(home) if each.is_taken)
    yield from suspicious_ids.warnings(published, with_ids=True)
    yield from lacking_rates.warnings(published)[:SHOWN_WARNINGS]
    files = suspect_files.warnings(published, since)
    files += unread_amounts.warnings(published, since, with_text=True)
    yield from files[:SHOWN_WARNINGS]
    if len(files) > SHOWN_WARNINGS:
        yield f"and {len(files) - SHOWN_WARNINGS} more files, see landed_files and set_aside_rows"


def _skipped(
    home: Home, settings: Settings, published: duckdb.DuckDBPyConnection
) -> list[SkippedFile]:
    """The files that no reader reads and that somebody still has to look at: neither gone from
    where they were delivered, nor meant so."""
    files = skipped_files.of_table(published, "main.landed_files")
    if not files:
        return []
    try:
        files = skipped_files.still_there(files, home, settings, known_sources(home))
        with home.lock(wait_seconds=0), database.connect(home, settings) as connection:
            accepted = skipped_files.accepted_contents(connection)
    except ComebackError:  # `wrong` says which; what cannot be asked leaves them as they are
        return files
    return [each for each in files if (each.source, each.content_hash) not in accepted]


def _wrong(
    home: Home, settings: Settings, recorded: Callable[[], Sequence[FailedRun]]
) -> Iterator[str]:
    yield from _in_the_warehouse(home, settings, recorded)
    try:
        sources = known_sources(home)
        configured_locations(home, settings, sources)
        yield from unread_places(home, settings, sources)
    except ComebackError as error:
        yield str(error)
    wrong = (each for each in faults_in(home, settings.exports) if not each.is_taken)
    yield from (*map(str, wrong), *fault_in(home, settings))
    yield from (*misplaced_folders(home, settings), *undelivered(home))
    if (home.erasures / PENDING).exists():
        yield "an erasure did not end; run it again: comeback erase"
    yield from _damaged_models(home, settings)


def _damaged_models(home: Home, settings: Settings) -> list[str]:
    return model_versions.faults(ModelStore(home.models), model_versions.newest_hour(settings))


def _in_the_warehouse(
    home: Home, settings: Settings, recorded: Callable[[], Sequence[FailedRun]]
) -> Iterator[str]:
    """Runs that failed and were not made good since, and suspect files: what stopped a run is in
    the warehouse only, and what stopped it before it began in Dagster's record only."""
    noted, files = [], []
    if home.warehouse.exists():
        try:
            with home.lock(wait_seconds=0), database.connect(home, settings) as connection:
                database.ensure_score_tables(connection)
                noted = run_log.failed_runs(connection)
                files = suspect_files.pending(connection)
        except ComebackError as error:
            yield str(error)
            return
    for job, started_at, run_id, reason in noted:
        yield failed_run(job, started_at, run_id, reason)
    known = {run_id for _, _, run_id, _ in noted}
    for run in recorded() if _has_recorded_failure(home) else ():
        if run.run_id not in known:
            yield failed_run(run.job, run.started_at, run.run_id, run.reason)
    for file in files:
        correct = ": ".join(["correct it", *filter(None, [file.todo])])
        yield f"{file.in_full}; {correct}; or say that it is meant so: {file.acceptance}"


def _has_recorded_failure(home: Home) -> bool:
    """Whether Dagster's record has any; to read it in full takes seconds of imports."""
    path = home.dagster / "history" / "runs.db"
    if not path.exists():
        return False
    try:
        with closing(sqlite3.connect(path)) as file:
            query = "select 1 from runs where status = 'FAILURE' limit 1"
            return file.execute(query).fetchall() != []
    except sqlite3.Error:
        return True
