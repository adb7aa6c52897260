"""Dagster's SQLite files are written without waiting for the disk at every event."""

from pathlib import Path

from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from sqlalchemy import text

from orchestration.dagster import sqlite_tuning


def test_the_write_ahead_log_outlives_what_wrote_it_until_it_is_folded_back(tmp_path: Path) -> None:
    sqlite_tuning.tune_sqlite()
    sqlite_tuning.tune_sqlite()
    events = SqliteEventLogStorage(str(tmp_path))
    for statement in ("create table more (id int)", "insert into more values (1)"):
        with events.run_connection("a") as connection:
            assert connection.execute(text("pragma synchronous")).scalar() == 1
            connection.execute(text(statement))
    assert (tmp_path / "a.db-wal").stat().st_size > 0
    sqlite_tuning.fold_write_ahead_logs()
    assert not (tmp_path / "a.db-wal").exists()
    with events.run_connection("a") as connection:
        assert connection.execute(text("select count(*) from more")).scalar() == 1


def test_a_new_file_has_small_pages(tmp_path: Path) -> None:
    sqlite_tuning.tune_sqlite()
    events = SqliteEventLogStorage(str(tmp_path))
    for connect in (events.index_connection, lambda: events.run_connection("a")):
        with connect() as connection:
            assert connection.execute(text("pragma page_size")).scalar() == 1024


def test_only_the_files_used_last_are_kept_open(tmp_path: Path) -> None:
    sqlite_tuning.tune_sqlite()
    sqlite_tuning.fold_write_ahead_logs()
    events = SqliteEventLogStorage(str(tmp_path))
    for n in range(12):
        with events.run_connection(f"run_{n}"):
            pass
    open_files = {path.name.removesuffix(".db-wal") for path in tmp_path.glob("run_*.db-wal")}
    assert open_files == {f"run_{n}" for n in range(4, 12)}


def test_dagster_writes_its_events_and_runs_with_one_connection_a_file(tmp_path: Path) -> None:
    sqlite_tuning.tune_sqlite()
    events, runs = SqliteEventLogStorage(str(tmp_path)), SqliteRunStorage.from_local(str(tmp_path))
    for connect in (events.index_connection, lambda: events.run_connection("a"), runs.connect):
        with connect() as first:
            connected = first.connection.driver_connection
        with connect() as second:
            assert second.connection.driver_connection is connected


def test_what_failed_in_a_transaction_is_not_in_the_next(tmp_path: Path) -> None:
    sqlite_tuning.tune_sqlite()
    events = SqliteEventLogStorage(str(tmp_path))
    with events.run_connection("a") as connection:
        connection.execute(text("create table more (id int)"))
    try:
        with events.run_connection("a") as connection:
            connection.execute(text("insert into more values (1)"))
            raise LookupError
    except LookupError:
        pass
    with events.run_connection("a") as connection:
        assert connection.execute(text("select count(*) from more")).scalar() == 0
