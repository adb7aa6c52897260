"""When times that were recorded by a clock that was ahead are dated otherwise, and when they stay.

What becomes of the rows: test_incremental_build.py. Not here: hours that were scored then
(tests/whole/test_first_to_last_hour.py).
"""

from datetime import datetime, timedelta

import duckdb
import pytest

from orchestration.ground.settings import Settings
from orchestration.warehouse import database, run_log
from orchestration.warehouse.wrong_clock import MAX_VISITORS_AHEAD, correct_times

NOW = datetime(2026, 11, 28, 12)
SKEW = timedelta(minutes=5)
AHEAD = NOW + timedelta(days=100)
SECOND = timedelta(seconds=1)


@pytest.fixture
def warehouse():
    """A log of ten visitors up to now, in a file that landed an hour ago; built."""
    with duckdb.connect() as connection:
        database.ensure_score_tables(connection)
        connection.execute(
            "create schema raw; create table raw.files (file varchar, landed_at timestamp);"
            "create table main.last_build (load_id bigint);"
            "create table main.candidate_events as select 'v' || range as visitor_id,"
            f" timestamp '{NOW}' - to_minutes(range::int) as event_at,"
            " null::varchar as drop_reason from range(10)"
        )
        landed(connection, "a.csv", NOW - timedelta(hours=1))
        yield connection


def landed(connection, file: str, at: datetime) -> None:
    connection.execute("insert into raw.files values (?, ?)", [file, at])


def happened(connection, visitors: int, at: datetime, reason: str | None = None) -> None:
    connection.execute(
        "insert into main.candidate_events select 'w' || range, ?, ? from range(?)",
        [at, reason, visitors],
    )


def ran(connection, run_id: str, job: str, at: datetime, status: str = "done") -> None:
    run_log.begin_run(connection, run_id, job=job, as_of=None, started_at=at, settings=Settings())
    run_log.end_run(connection, run_id, status, at)


def files(connection) -> list[tuple]:
    return connection.execute("select * from raw.files order by file").fetchall()


def is_built(connection) -> bool:
    return database.has_table(connection, "main", "last_build")


def test_files_and_runs_of_then_are_dated_by_the_clock_and_all_is_built_again(warehouse):
    landed(warehouse, "b.csv", AHEAD)
    ran(warehouse, "1", "hourly", NOW - timedelta(hours=1))
    ran(warehouse, "2", "hourly", AHEAD)
    assert correct_times(warehouse, NOW, SKEW)
    assert files(warehouse) == [("a.csv", NOW - timedelta(hours=1)), ("b.csv", NOW)]
    times = "select run_id, started_at, finished_at from scores.runs order by run_id"
    assert warehouse.execute(times).fetchall() == [
        ("1", NOW - timedelta(hours=1), NOW - timedelta(hours=1)),
        ("2", NOW - SECOND, NOW - SECOND),
    ]
    assert not is_built(warehouse)
    assert not correct_times(warehouse, NOW, SKEW)


def test_after_it_a_run_that_fails_is_not_made_good_by_one_of_then(warehouse):
    ran(warehouse, "1", "hourly", AHEAD)
    correct_times(warehouse, NOW, SKEW)
    ran(warehouse, "2", "hourly", NOW, "failed")
    assert [run_id for _, _, run_id, _ in run_log.failed_runs(warehouse)] == ["2"]
    ran(warehouse, "3", "hourly", NOW + timedelta(hours=1))
    assert run_log.failed_runs(warehouse) == []
    assert run_log.last_hour_ended(warehouse) == NOW - SECOND
    assert is_built(warehouse)  # no file was dated otherwise


@pytest.mark.parametrize("at", [NOW, NOW + SKEW])
def test_what_is_as_far_ahead_as_it_may_be_stays(warehouse, at):
    landed(warehouse, "b.csv", at)
    ran(warehouse, "1", "hourly", at)
    assert not correct_times(warehouse, NOW, SKEW)
    assert files(warehouse)[-1] == ("b.csv", at)
    assert is_built(warehouse)


def test_a_microsecond_more_does_not(warehouse):
    landed(warehouse, "b.csv", NOW + SKEW + timedelta(microseconds=1))
    assert correct_times(warehouse, NOW, SKEW)


@pytest.mark.parametrize(("visitors", "dated"), [(MAX_VISITORS_AHEAD, True), (4, False)])
def test_events_of_many_visitors_after_the_clock_say_that_it_is_behind(warehouse, visitors, dated):
    landed(warehouse, "b.csv", AHEAD)
    for day in (1, 2):
        happened(warehouse, visitors, NOW + timedelta(days=day))
    assert correct_times(warehouse, NOW, SKEW) == dated
    assert files(warehouse)[-1] == ("b.csv", NOW if dated else AHEAD)
    assert is_built(warehouse) != dated


@pytest.mark.parametrize(
    "query", ["delete from main.candidate_events", "drop table main.candidate_events"]
)
def test_a_log_without_events_says_nothing_about_the_clock(warehouse, query):
    landed(warehouse, "b.csv", AHEAD)
    warehouse.execute(query)
    assert not correct_times(warehouse, NOW, SKEW)
    assert files(warehouse)[-1] == ("b.csv", AHEAD)


def test_rows_that_were_set_aside_say_nothing_about_the_clock(warehouse):
    landed(warehouse, "b.csv", AHEAD)
    happened(warehouse, 9, NOW + timedelta(days=1), "implausible_time")
    assert correct_times(warehouse, NOW, SKEW)


def test_before_anything_landed_there_is_nothing_to_date():
    with duckdb.connect() as connection:
        database.ensure_score_tables(connection)
        assert not correct_times(connection, NOW, SKEW)
