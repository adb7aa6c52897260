"""Dagster's SQLite files are written without waiting for the disk at every event."""

import sqlite3

from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from orchestration.dagster import sqlite_tuning


def test_the_write_ahead_log_outlives_the_connection_that_wrote_it(tmp_path):
    path = tmp_path / "runs.db"
    with sqlite3.connect(path) as made:
        made.execute("pragma journal_mode = wal")
    made.close()
    sqlite_tuning.tune_sqlite()
    sqlite_tuning.tune_sqlite()
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    with engine.begin() as connection:
        assert connection.execute(text("pragma synchronous")).scalar() == 1
        connection.execute(text("create table events (id int)"))
    assert (tmp_path / "runs.db-wal").exists()


def test_a_file_that_gets_its_write_ahead_log_later_is_kept_open_from_then_on(tmp_path):
    sqlite_tuning.tune_sqlite()
    engine = create_engine(f"sqlite:///{tmp_path / 'run.db'}", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("pragma journal_mode = wal"))
    for statement in ("create table events (id int)", "insert into events values (1)"):
        with engine.begin() as connection:
            connection.execute(text(statement))
    assert (tmp_path / "run.db-wal").exists()


def test_only_the_files_used_last_are_kept_open(tmp_path):
    sqlite_tuning.tune_sqlite()
    for n in range(12):
        with sqlite3.connect(tmp_path / f"{n}.db") as made:
            made.execute("pragma journal_mode = wal")
        made.close()
        engine = create_engine(f"sqlite:///{tmp_path / f'{n}.db'}", poolclass=NullPool)
        with engine.connect():
            pass
    assert len(sqlite_tuning._kept) == 8
    assert list(sqlite_tuning._kept)[-1].endswith("11.db")


def test_dagster_writes_its_events_and_runs_with_one_engine_a_file(tmp_path):
    sqlite_tuning.tune_sqlite()
    events, runs = SqliteEventLogStorage(str(tmp_path)), SqliteRunStorage.from_local(str(tmp_path))
    for connect in (events.index_connection, lambda: events.run_connection("a"), runs.connect):
        with connect() as first:
            pass
        with connect() as second:
            assert second.engine is first.engine
