"""What the command line says of a shop's state: the summary of a run, and `comeback status`.

Belongs here: reading the published file and the pointers, and saying it in lines of text. Not here:
running anything; nothing is written.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import duckdb
import polars as pl

from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.ground.hours import BEGINNING_OF_TIME, iso, newest_possible_hour, utc_now
from orchestration.ground.settings import Settings, load_settings
from orchestration.landing.locations import (
    configured_locations,
    known_sources,
    misplaced_folders,
)
from orchestration.modelling.model_store import ModelStore
from orchestration.modelling.scoring import SHOWN_COLUMNS, is_constant
from orchestration.modelling.training import LEARNERS
from orchestration.outputs import export_files
from orchestration.privacy.erasure_records import PENDING
from orchestration.warehouse import (
    database,
    lacking_rates,
    run_log,
    suspect_files,
    suspicious_ids,
)
from orchestration.warehouse.score_tables import HAS_SCORED

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
    """

    lines: Sequence[str]
    warnings: Sequence[str]
    wrong: Sequence[str]
    is_published: bool = True

    @property
    def is_wrong(self) -> bool:
        """Whether anything is."""
        return bool(self.wrong)

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


def summary(home: Home, hour: datetime, seconds: float) -> str:
    """What a run for an hour made, and where it lies."""
    settings = load_settings(home.root)
    with _published(home) as connection:
        files, rows, aside = _landed(connection)
        sessions, carts = connection.execute(
            "select (select count(*) from sessions), (select count(*) from carts)"
        ).fetchall()[0]
        scored, worthwhile = connection.execute(
            "select count(*), count(*) filter (best_action <> 'nothing') from cart_scores"
            " where scored_at = ?",
            [hour],
        ).fetchall()[0]
        top = connection.sql(
            f"select {', '.join(_TOP_COLUMNS)} from cart_scores where scored_at = ?"
            " order by priority_rank limit ?",
            params=[hour, TOP_ROWS],
        ).pl()
        outcomes = list(outcome_lines(connection))
        late = list(late_lines(connection))
        money = list(money_lines(connection, hour))
        since = run_log.last_hour_ended(connection, "main")
        warnings = list(_warnings(home, connection, hour, since))
        skipped = list(skipped_lines(connection))
    warnings += misplaced_folders(home, settings)
    lines = [
        f"Hour       {hour:%Y-%m-%d %H:%M} UTC, done in {seconds:.0f} s",
        f"Landed     {files:,} files, {rows:,} rows, {aside:,} of them set aside",
        *skipped,
        f"Log        {sessions:,} sessions, {carts:,} carts",
        f"Scored     {scored:,} open carts, {worthwhile:,} worth a nudge",
        *outcomes,
        *money,
        *late,
        *(f"Warning    {each}" for each in warnings),
        *(["", *aligned(top).splitlines(), ""] if top.height else []),
        *_places(home),
    ]
    return "\n".join(lines)


def outcome_lines(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """What became of the scores of the newest week of outcomes; no line before there are any.

    A cart counts once, with the first of its scores in that week.

    Args:
        connection: the published file.
    """
    carts, predicted, observed = connection.execute(
        "select count(*), avg(p_abandon), avg((not is_converted)::int) from ("
        " select arg_min(p_abandon, scored_at) as p_abandon,"
        " arg_min(is_converted, scored_at) as is_converted from score_outcomes"
        " where is_mature and hours_idle is not null and scored_at >"
        " (select max(scored_at) from score_outcomes where is_mature) - interval 7 day"
        " group by cart_id)"
    ).fetchall()[0]
    if carts:
        yield (
            f"Outcomes   {carts:,} carts of the newest week that is known: {observed:.1%} were"
            f" abandoned, {predicted:.1%} were expected to be"
        )


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
            "select file, note from landed_files where note is not null order by load_id"
        ).fetchall()
        warnings = [
            *(
                each
                for hour, _ in scored
                for each in _warnings(home, connection, hour, since=BEGINNING_OF_TIME)
            ),
            *(in_print(f"{file}: {note}") for file, note in notes),
        ]
        skipped = list(skipped_lines(connection))
    wrong = [
        *_wrong(home, settings, recorded),
        *(_ahead(hour) for (hour,) in ahead),
    ]
    lines = [
        f"Landed     {files:,} files, {rows:,} rows, {aside:,} of them set aside",
        *skipped,
        f"Newest     {watermark} UTC",
        *(f"Scored     {hour:%Y-%m-%d %H:%M} UTC, {carts:,} carts" for hour, carts in scored),
        *(
            f"Model      {name}: {model_id} ({kind}), learned at {at:%Y-%m-%d %H:%M} UTC"
            for name, model_id, kind, at in models
        ),
        *_places(home),
    ]
    return Status(lines, warnings, wrong)


def models(home: Home) -> str:
    """Of each model, which one scores come from and what was decided last."""
    model_store = ModelStore(home.models)
    lines = []
    for name in (learner.name for learner in LEARNERS):
        champion, decision = model_store.champion(name), model_store.last_decision(name)
        if decision.model_id == champion:
            lines.append(f"{name}: {champion} is in use ({decision.reason})")
        else:
            lines.append(f"{name}: {champion} stays; {decision.model_id}: {decision.reason}")
    return "\n".join(lines)


def money_lines(connection: duckdb.DuckDBPyConnection, hour: datetime) -> Iterator[str]:
    """The currency that an hour's values and gains are in, if the log knows any."""
    if not _has_column(connection, "runs", "reporting_currency"):
        return  # an older version published it
    query = (
        "select reporting_currency from runs"
        f" where {HAS_SCORED} and as_of = ? order by started_at desc limit 1"
    )
    for (currency,) in connection.execute(query, [hour]).fetchall():
        if currency is not None:
            yield f"Money      gains, ranks and sums are in {currency}"


def late_lines(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """What late rows changed, where the newest run of an hour took up any."""
    for rows, merged, split, reopened, changed, vanished, withdrawn in connection.execute(
        "select late_row_count, merged_session_count, split_session_count, reopened_session_count,"
        " changed_cart_count, vanished_cart_count, withdrawn_priority_count"
        " from late_data_report where late_row_count > 0"
        f" and built_at >= (select max(started_at) from runs where {HAS_SCORED})"
    ).fetchall():
        yield (
            f"Late       {rows:,} rows; sessions: {merged:,} merged, {split:,} split,"
            f" {reopened:,} re-opened; carts: {changed:,} with another status, {vanished:,} gone;"
            f" {withdrawn:,} priorities withdrawn"
        )


def skipped_lines(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """How many files no reader reads, by reason, if there are any."""
    found = connection.execute(
        "select skipped_reason, count(*) from landed_files where skipped_reason is not null"
        " group by all order by count(*) desc, skipped_reason"
    ).fetchall()
    if found:
        count = sum(each for _, each in found)
        reasons = ", ".join(f"{each} {reason}" for reason, each in found)
        files = "1 file is" if count == 1 else f"{count:,} files are"
        yield f"Skipped    {files} not read: {reasons}"


def aligned(frame: pl.DataFrame) -> str:
    """The frame as columns of text, with a header line."""
    cells = [frame.columns, *([_text(value) for value in row] for row in frame.rows())]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)
    return "\n".join(lines)


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case float():
            return f"{value:.3f}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case _:
            return in_print(str(value))


def in_print(text: str) -> str:
    """The text on one line, without what a terminal would obey."""
    return "".join(each if each.isprintable() else " " for each in text)


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
    if latest := export_files.read_latest(home.exports):
        yield f"Exports    {home.exports / latest['path']}"


def _ahead(hour: datetime) -> str:
    fault = ComebackError(
        f"the hour {iso(hour)} was scored while the clock was ahead",
        f"this machine's clock says {iso(utc_now())}",
        "it never counts as the newest until it has come; see whether the clock is right now",
    )
    return str(fault)


def _warnings(
    home: Home, published: duckdb.DuckDBPyConnection, hour: datetime, since: datetime
) -> Iterator[str]:
    """What a person should know of an hour and of the files that landed since."""
    if not _has_column(published, "cart_scores", "is_stale"):
        return  # an older version published it
    scores = published.sql(
        "select cart_scores.p_abandon, models.note"
        " from cart_scores left join models on cart_scores.abandonment_model = models.model_id"
        " where scored_at = ?",
        params=[hour],
    ).pl()
    if export_files.is_stale(home.exports, hour):
        yield "the hour is stale: its newest event was too old (stale_after_hours)"
    if is_constant(scores):
        note = scores["note"][0]
        yield f"p_abandon is the same for every cart{f': {note}' if note else ''}"
    yield from suspicious_ids.warnings(published, with_ids=True)
    yield from lacking_rates.warnings(published)[:SHOWN_WARNINGS]
    files = suspect_files.warnings(published, since)
    yield from files[:SHOWN_WARNINGS]
    if len(files) > SHOWN_WARNINGS:
        yield f"and {len(files) - SHOWN_WARNINGS} more files, see landed_files and set_aside_rows"


def _has_column(published: duckdb.DuckDBPyConnection, table: str, column: str) -> bool:
    query = "select count(*) from duckdb_columns() where table_name = ? and column_name = ?"
    return published.execute(query, [table, column]).fetchall() == [(1,)]


def _wrong(
    home: Home, settings: Settings, recorded: Callable[[], Sequence[FailedRun]]
) -> Iterator[str]:
    yield from _in_the_warehouse(home, settings, recorded)
    try:
        configured_locations(home, settings, known_sources())
    except ComebackError as error:
        yield str(error)
    yield from misplaced_folders(home, settings)
    if (home.erasures / PENDING).exists():
        yield "an erasure did not end; run it again: comeback erase"
    model_store = ModelStore(home.models)
    for name in (learner.name for learner in LEARNERS):
        try:
            if (model_id := model_store.champion(name)) is not None:
                model_store.load(name, model_id)
        except ComebackError as error:
            yield str(error)


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
        yield _failure(job, started_at, run_id, reason)
    known = {run_id for _, _, run_id, _ in noted}
    for run in recorded() if _has_recorded_failure(home) else ():
        if run.run_id not in known:
            yield _failure(run.job, run.started_at, run.run_id, run.reason)
    for file in files:
        yield (
            f"{file.in_full}; correct it, or say that it is meant so: comeback accept {file.file}"
        )


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


def _failure(job: str, started_at: datetime, run_id: str, reason: str | None) -> str:
    why = f": {reason}" if reason else ""
    return f"the run {run_id} ({job}, {started_at} UTC) failed{why}; see it in the UI (make ui)"
