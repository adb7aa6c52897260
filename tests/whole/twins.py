"""A small shop with one scored hour and dumps for another, and its twin after that other hour.

Whatever is done to a copy of the shop, once the second hour ran to its end on it nothing may tell
it from the twin.

Belongs here: the shop, its dumps, running an hour in a process of its own, and the comparison. Not
here: what is done to a copy (`kills`, `test_faults`).
"""

import multiprocessing
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryDirectory

import duckdb
import polars as pl

from data.simulated_shop import write_shop
from orchestration.ground.encryption import KEY_OPTIONS, is_encrypted
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.warehouse import dbt_build
from tests.encrypted import KEY

START = datetime.fromisoformat("2026-10-01T00:00+00:00")
DAYS = 8
SECOND_HOUR = datetime(2026, 10, 1) + timedelta(days=DAYS)
FIRST_HOUR = SECOND_HOUR - timedelta(days=1)
HOUR_LIMIT_SECONDS = 300
# of any shop, not the small one alone
COMMAND_LIMIT_SECONDS = 400

# Columns that depend on when something was done by the clock on the wall.
CLOCKS = {
    "raw.files": "landed_at",
    "main.landed_files": "landed_at",
    "main.last_build": "finished_at, inputs",  # a hash with the times of landing in it
    "main.late_data_report": "built_at",
}
NOT_COMPARED = {
    # What the last build took up: nothing, if the one before was done and its run died after it.
    *("main.loads_this_run", "main.events_this_run", "main.visitors_this_run"),
    *("main.rows_this_run", "main.log_this_run", "main.ids_this_run"),
    *("main.days_this_run", "main.persons_this_run", "main.states_this_run"),
    # Which bytes were published last: one that follows no file writes others for the same rows.
    "scores.published_file",
    # Hashes with the times of landing, and of the last build, in them.
    *("vault.settled", "scores.made_steps"),
    # What was done when by the clock on the wall: a run that died did something, too.
    "scores.audit_log",
}
# A run that died stays among the runs, and what it landed is not landed again by the next.
RUNS = "select distinct job, as_of, carts_scored, settings from {} where status = 'done'"

# A fork of a process that has imported everything is there at once; the hour it runs is real.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        *("orchestration.dagster.in_process", "dbt.cli.main", "tests.whole.twins"),
        "tests.whole.preloaded",
    ]
)


@dataclass(frozen=True)
class Shop:
    """What copies are made of and compared with.

    Attributes:
        before: a home with one scored hour, and dumps since.
        twin: the same after an undisturbed second hour.
        seconds: how long that hour took.
    """

    before: Path
    twin: Path
    seconds: float


def open_shop(folder: Path, visitors: int = 150) -> Shop:
    """A shop with one scored hour, dumps of another, and its twin, below an empty folder.

    Raises:
        RuntimeError: an hour failed that nobody disturbed.
    """
    before, twin, dumps = folder / "before", folder / "twin", folder / "dumps"
    shop = folder / "simulated"
    write_shop(shop, folder / "truth", visitors=visitors, days=DAYS, start=START, slice_name="day")
    *old, new = sorted(shop.iterdir())
    dumps.mkdir()
    for path in old:
        _deliver(path.read_bytes(), dumps / path.name)
    before.mkdir()
    # outside of the homes, so that every copy of a home reads the same files
    (before / "comeback.toml").write_text(f"[sources]\ncanonical = '{dumps}'\n")
    dbt_build.prepare_manifest(Home(before), Settings())
    run_to_the_end(before, FIRST_HOUR)
    known = pl.concat([pl.read_csv(path, infer_schema=False) for path in old])
    arriving = pl.concat([pl.read_csv(new, infer_schema=False), *_disorder(known)])
    _deliver(arriving.write_csv().encode(), dumps / "arriving.csv")
    shutil.copytree(before, twin)
    begun = time.monotonic()
    run_to_the_end(twin, SECOND_HOUR)
    return Shop(before, twin, time.monotonic() - begun)


def begin_hour(
    home: Path, hour: datetime, *options: str, hinder: Callable[[], object] | None = None
) -> BaseProcess:
    """Start `comeback run --as-of HOUR`; what it says goes to `words_of(home)`.

    Args:
        home: whose hour.
        hour: which one.
        options: more options of the command.
        hinder: called in the process before the command; it may take away what the hour needs.
    """
    arguments = ("run", "--as-of", f"{hour.isoformat()}Z", *options)
    process = _FORKS.Process(
        target=_command, args=(home, arguments, _log(home), _log(home), hinder)
    )
    process.start()
    return process


def run_command(home: Path, *arguments: str) -> CompletedProcess[str]:
    """Any command to its end, in a process of its own: its exit code and what it said."""
    with TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = _FORKS.Process(target=_command, args=(home, arguments, out, err, None))
        process.start()
        code = exit_code_of(process, COMMAND_LIMIT_SECONDS)
        return CompletedProcess(arguments, code, *(path.read_text("utf-8") for path in (out, err)))


def kill(process: BaseProcess) -> bool:
    """Kill a process and its children; whether it was still alive."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:  # gone, or not yet in a group of its own
        process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL


def run_to_the_end(
    home: Path, hour: datetime, *options: str, hinder: Callable[[], object] | None = None
) -> None:
    """Run an hour that is not killed.

    Raises:
        RuntimeError: it failed.
    """
    code = exit_code_of(begin_hour(home, hour, *options, hinder=hinder))
    if code != 0:
        raise RuntimeError(f"the hour {hour} ended with {code} in {home}: {words_of(home)[-2000:]}")


def exit_code_of(process: BaseProcess, seconds: float = HOUR_LIMIT_SECONDS) -> int:
    """Wait for a process to end, but not for ever."""
    process.join(seconds)
    kill(process)
    return process.exitcode


def words_of(home: Path) -> str:
    """What the runs of a home have said, beside the home."""
    return _log(home).read_text(encoding="utf-8")


def differences(home: Path, twin: Path) -> list[str]:
    """In what a home differs from its twin although it should not, as sentences."""
    databases = ("warehouse.duckdb", "published/analytics.duckdb")
    tables = (each for name in databases for each in _of_tables(home / name, twin / name))
    return [*tables, *_of_files(home, twin)]


def columns_compared(table: str) -> str:
    """The columns of `schema.table` that must be equal, as SQL."""
    return f"* exclude ({CLOCKS[table]})" if table in CLOCKS else "*"


def _deliver(content: bytes, path: Path) -> None:
    """Put a file that has rested long enough to be recognised by its time, whenever a run comes."""
    path.write_bytes(content)
    os.utime(path, (START.timestamp(), START.timestamp()))


def _disorder(known: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Rows that change what is known: repeated, late, between two sessions, of another person."""
    at = pl.col("event_at").str.to_datetime(time_unit="us", time_zone="UTC", strict=False)
    rows = known.with_columns(at=at).drop_nulls(["at", "visitor_id"]).sort("at", "event_id")
    views = rows.filter(pl.col("event_type") == "view_item")
    pause = pl.col("at").shift(-1).over("visitor_id") - pl.col("at")
    paused = rows.filter(pause.is_between(timedelta(minutes=31), timedelta(minutes=59)))
    users = rows.drop_nulls("user_id").unique("visitor_id", maintain_order=True, keep="first")
    others = users.with_columns(pl.col("user_id").shift(1)).drop_nulls("user_id").head(10)
    yield known.tail(40)
    yield _later(views.head(60), timedelta(minutes=7), "add_to_cart").select(known.columns)
    yield _later(paused, timedelta(minutes=30), "page_view").select(known.columns)
    yield _later(others, timedelta(hours=1), "login").select(known.columns)
    yield known.head(1).with_columns(event_id=pl.lit("bad"), event_at=pl.lit("no time at all"))


def _later(rows: pl.DataFrame, by: timedelta, event_type: str) -> pl.DataFrame:
    """Other events of the same people, by so much later."""
    return rows.with_columns(
        event_id=pl.format("{}-{}", pl.lit(event_type), "event_id"),
        event_at=(pl.col("at") + by).dt.to_string("%Y-%m-%dT%H:%M:%S%.6fZ"),
        event_type=pl.lit(event_type),
        order_id=pl.lit(None, pl.String),
    )


def _command(
    home: Path,
    arguments: Sequence[str],
    out: Path,
    err: Path,
    hinder: Callable[[], object] | None,
) -> None:
    """The command, in a process group of its own; what it says goes to the end of files."""
    os.setpgid(0, 0)
    for path, stream in ((out, sys.stdout), (err, sys.stderr)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, stream.fileno())
    os.environ["COMEBACK_HOME"] = str(home)
    from orchestration.cli import main

    if hinder:
        hinder()
    sys.exit(main([*arguments]))


def _log(home: Path) -> Path:
    return home.with_name(f"{home.name}.log")


def _of_tables(mine: Path, twins: Path) -> Iterator[str]:
    names = (
        "select schema_name || '.' || table_name from duckdb_tables()"
        " where database_name = ? order by 1"
    )
    with duckdb.connect() as connection:
        for alias, path in (("mine", mine), ("twins", twins)):
            options = f"read_only, {KEY_OPTIONS}" if is_encrypted(path) else "read_only"
            given = [str(path), KEY] if is_encrypted(path) else [str(path)]
            connection.execute(f"attach ? as {alias} ({options})", given)
        here, there = (
            [name for (name,) in connection.execute(names, [alias]).fetchall()]
            for alias in ("mine", "twins")
        )
        if here != there:
            yield f"{mine.name} has the tables {here}, its twin {there}"
        for name in sorted({*here}.intersection(there) - NOT_COMPARED):
            query = f"select {columns_compared(name)} from {{}}"
            query = RUNS if name.endswith(".runs") else query
            own, others = query.format(f"mine.{name}"), query.format(f"twins.{name}")
            more, less = (
                connection.execute(f"select * from ({one} except all {other})").fetchall()
                for one, other in ((own, others), (others, own))
            )
            if more or less:
                yield f"{mine.name}: {name} has {more[:3]} where its twin has {less[:3]}"


def _of_files(home: Path, twin: Path) -> Iterator[str]:
    """Differing exports and models, and files that should be gone."""
    mine, twins = _files(home), _files(twin)
    if left := sorted(set(mine) - set(twins)):
        yield f"left behind: {left}"
    if missing := sorted(set(twins) - set(mine)):
        yield f"missing: {missing}"
    for name in sorted({*mine}.intersection(twins)):
        if name.startswith(("exports/", "models/")) and mine[name] != twins[name]:
            yield f"{name} differs"


def _files(home: Path) -> dict[str, bytes]:
    """All files by name, but for what Dagster keeps of runs and dbt of what it compiled."""
    return {
        name: path.read_bytes()
        for path in home.rglob("*")
        if path.is_file()
        and not (name := path.relative_to(home).as_posix()).startswith(("dagster/", "dbt/run/"))
    }
