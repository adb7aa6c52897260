"""What the command line says of a shop's state: the summary of a run, and `comeback status`.

Belongs here: reading the published file and the pointers, and saying it in lines of text. Not here:
running anything; nothing is written.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import duckdb
import polars as pl

from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.ground.settings import load_settings
from orchestration.modelling.model_store import ModelStore
from orchestration.modelling.scoring import SHOWN_COLUMNS
from orchestration.outputs import export_files
from orchestration.privacy.erasure_records import PENDING
from orchestration.warehouse import database

TOP_ROWS = 5
_MODELS = ("abandonment", "return")
_TOP_COLUMNS = [name for name in SHOWN_COLUMNS if name not in ("p_return_24h", "segment")]


def summary(home: Home, hour: datetime, seconds: float) -> str:
    """What a run for an hour made, and where it lies."""
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
        late = list(late_lines(connection))
        skipped = list(skipped_lines(connection))
    lines = [
        f"Hour       {hour:%Y-%m-%d %H:%M} UTC, done in {seconds:.0f} s",
        f"Landed     {files:,} files, {rows:,} rows, {aside:,} of them set aside",
        *skipped,
        f"Log        {sessions:,} sessions, {carts:,} carts",
        f"Scored     {scored:,} open carts, {worthwhile:,} worth a nudge",
        *late,
        *(["", *aligned(top).splitlines(), ""] if top.height else []),
        *_places(home),
    ]
    return "\n".join(lines)


def status(home: Home) -> str:
    """Files, rows, watermark, models, newest export, and anything that is wrong."""
    if not home.published.exists():
        return f"Nothing was published yet under {home.root}. Run: comeback run"
    with _published(home) as connection:
        files, rows, aside = _landed(connection)
        (watermark,) = connection.execute("select max(ended_at) from sessions").fetchall()[0]
        hour, scored = connection.execute(
            "select as_of, carts_scored from runs where carts_scored is not null"
            " order by as_of desc, started_at desc limit 1"
        ).fetchall()[0]
        models = connection.execute(
            "select name, model_id, kind, trained_as_of from models where is_champion order by name"
        ).fetchall()
        wrong = list(_wrong(home, connection))
        skipped = list(skipped_lines(connection))
    lines = [
        f"Landed     {files:,} files, {rows:,} rows, {aside:,} of them set aside",
        *skipped,
        f"Newest     {watermark} UTC",
        f"Scored     {hour:%Y-%m-%d %H:%M} UTC, {scored:,} carts",
        *(
            f"Model      {name}: {model_id} ({kind}), learned at {at:%Y-%m-%d %H:%M} UTC"
            for name, model_id, kind, at in models
        ),
        *_places(home),
        *(f"Wrong      {each}" for each in wrong or ["nothing"]),
    ]
    return "\n".join(lines)


def models(home: Home) -> str:
    """Of each model, which one scores come from and what was decided last."""
    model_store = ModelStore(home.models)
    lines = []
    for name in _MODELS:
        champion, decision = model_store.champion(name), model_store.last_decision(name)
        if decision.model_id == champion:
            lines.append(f"{name}: {champion} is in use ({decision.reason})")
        else:
            lines.append(f"{name}: {champion} stays; {decision.model_id}: {decision.reason}")
    return "\n".join(lines)


def late_lines(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """What late rows changed, where the newest run of an hour took up any."""
    for rows, merged, split, reopened, changed, vanished, withdrawn in connection.execute(
        "select late_row_count, merged_session_count, split_session_count, reopened_session_count,"
        " changed_cart_count, vanished_cart_count, withdrawn_priority_count"
        " from late_data_report where late_row_count > 0"
        " and built_at >= (select max(started_at) from runs where carts_scored is not null)"
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


def _wrong(home: Home, published: duckdb.DuckDBPyConnection) -> Iterator[str]:
    yield from _failed_runs(home)
    if (home.erasures / PENDING).exists():
        yield "an erasure did not end; run it again: comeback erase"
    for file, note in published.execute(
        "select file, note from landed_files where note is not null order by load_id"
    ).fetchall():
        yield in_print(f"{file}: {note}")
    model_store = ModelStore(home.models)
    for name in _MODELS:
        try:
            if (model_id := model_store.champion(name)) is not None:
                model_store.load(name, model_id)
        except ComebackError as error:
            yield str(error)


def _failed_runs(home: Home) -> Iterator[str]:
    """Runs that failed and were not made good since; they may be in the warehouse only."""
    try:
        with (
            home.lock(wait_seconds=0),
            database.connect(home, load_settings(home.root)) as connection,
        ):
            failed = connection.execute(
                "select job, started_at, run_id from scores.runs as run where status <> 'done'"
                " and not exists (select 1 from scores.runs as later where status = 'done'"
                " and later.job = run.job and later.started_at > run.started_at)"
                " order by started_at"
            ).fetchall()
    except ComebackError as error:
        yield str(error)
        return
    for job, started_at, run_id in failed:
        yield f"the run {run_id} ({job}, {started_at} UTC) failed; see it in the UI (make ui)"
