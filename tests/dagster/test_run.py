"""What every run does first and last."""

from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.dagster.run import Run, open_run
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.warehouse import database, run_log

TEN = datetime(2026, 10, 31, 10)


def runs(home: Home) -> list:
    with duckdb.connect(str(home.warehouse)) as connection:
        return connection.execute(
            "select run_id, job, as_of, status, finished_at is not null, files_landed"
            " from scores.runs order by run_id"
        ).fetchall()


def test_a_run_that_finished_is_done_with_its_hour_and_figures(tmp_path):
    home = Home(tmp_path)
    with open_run(home, "1", "hourly", TEN) as run:
        run.note(files_landed=3, rows_read=100)
        run.finish()
    assert runs(home) == [("1", "hourly", TEN, "done", True, 3)]


def test_a_run_that_raised_is_failed(tmp_path):
    home = Home(tmp_path)
    with pytest.raises(ValueError, match="broken"), open_run(home, "1", "land", None):
        raise ValueError("broken")
    assert runs(home) == [("1", "land", None, "failed", True, None)]


def test_a_run_whose_last_step_raised_is_failed_although_it_was_noted_as_done(tmp_path):
    home = Home(tmp_path)
    with (
        pytest.raises(OSError, match="full"),
        open_run(home, "1", "hourly", TEN) as run,
        run.finishing(),
    ):
        raise OSError("full")
    assert runs(home)[0][3] == "failed"


def test_after_the_clock_was_set_back_a_run_begins_no_earlier_than_those_before():
    earlier = TEN - timedelta(days=1)
    with duckdb.connect() as connection:
        database.ensure_score_tables(connection)
        for run_id, at in (("1", TEN), ("2", earlier)):
            run_log.begin_run(
                connection, run_id, job="land", as_of=None, started_at=at, settings=Settings()
            )
            run_log.end_run(connection, run_id, "done", at)
        times = connection.execute(
            "select run_id, started_at, finished_at from scores.runs order by run_id"
        ).fetchall()
    assert times == [("1", TEN, TEN), ("2", TEN, TEN)]


def test_a_run_that_was_killed_becomes_failed_when_the_next_begins(tmp_path):
    home = Home(tmp_path)
    with open_run(home, "1", "hourly", TEN):
        pass
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("update scores.runs set status = 'running', finished_at = null")
    with open_run(home, "2", "hourly", TEN) as run:
        run.finish()
    assert [(row[0], row[3]) for row in runs(home)] == [("1", "failed"), ("2", "done")]


def publish(run: Run) -> None:
    """Copy the runs to the published file, and remember the file."""
    run.home.published.unlink(missing_ok=True)
    with run.open_warehouse() as connection:
        with database.attached(connection, run.home.published):
            connection.execute("create table published.main.runs as from scores.runs")
        connection.execute("insert into scores.published_file values (1, 1, 1)")


def killed_hour(home: Home, run_id: str, *, is_published: bool) -> None:
    """What an hour leaves that was killed in its last step, before the rename or after it."""
    with open_run(home, run_id, "hourly", TEN) as run:
        run.finish()
        if is_published:
            publish(run)


def statuses(home: Home) -> list[tuple]:
    return [(row[0], row[3]) for row in runs(home)]


@pytest.mark.parametrize("was_published", [True, False])
def test_a_run_killed_before_its_publication_is_corrected_by_the_next(tmp_path, was_published):
    home = Home(tmp_path)
    if was_published:
        killed_hour(home, "0", is_published=True)
    killed_hour(home, "1", is_published=False)
    before = [("0", "done")] if was_published else []
    assert statuses(home) == [*before, ("1", "done")]
    with open_run(home, "2", "land", None) as run:
        run.finish()
    with open_run(home, "3", "hourly", TEN) as run, run.finishing():
        publish(run)
    assert statuses(home) == [*before, ("1", "failed"), ("2", "done"), ("3", "done")]


def test_a_run_killed_after_its_publication_stays_done(tmp_path):
    home = Home(tmp_path)
    killed_hour(home, "1", is_published=True)
    with open_run(home, "2", "land", None) as run:
        run.finish()
    assert statuses(home) == [("1", "done"), ("2", "done")]


@pytest.mark.parametrize(
    "harm", [Path.unlink, lambda path: path.write_bytes(b"no database")], ids=["gone", "damaged"]
)
def test_a_published_file_that_says_nothing_makes_no_run_a_failed_one(tmp_path, harm):
    home = Home(tmp_path)
    killed_hour(home, "1", is_published=True)
    harm(home.published)
    with open_run(home, "2", "land", None) as run:
        run.finish()
    assert statuses(home) == [("1", "done"), ("2", "done")]
