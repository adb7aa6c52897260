"""When the page that is there is made again though no published table changed."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.ground.hours import END_OF_TIME, hour_name
from orchestration.outputs import kept_page
from orchestration.warehouse import made_steps
from orchestration.warehouse.database import ensure_score_tables

HOUR = datetime(2026, 3, 2, 10)
RUN = (
    "insert into scores.runs by name select ? as run_id, 'hourly' as job, ?::timestamp as as_of,"
    " ?::timestamp as started_at, ? as status, ?::bigint as carts_scored, 'digest' as settings"
)


@pytest.fixture
def connection(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    """A warehouse whose hour was published, with the page and the exports of the hour."""
    folder = tmp_path / hour_name(HOUR)
    folder.mkdir()
    (folder / "manifest.json").write_text("{}")
    (tmp_path / "report.html").write_text("the page")
    with duckdb.connect() as opened:
        ensure_score_tables(opened)
        opened.execute(
            "create table main.last_build as"
            " select 'files' as inputs, ? as as_of, localtimestamp as finished_at",
            [HOUR],
        )
        made_steps.note_log(opened, HOUR, ["carts"])
        opened.execute(RUN, ["one", HOUR, HOUR, "done", 7])
        kept_page.remember(opened, tmp_path / "report.html", tmp_path, END_OF_TIME)
        yield opened


def is_as_before(connection: duckdb.DuckDBPyConnection, folder: Path) -> bool:
    return kept_page.is_as_before(connection, folder / "report.html", folder, END_OF_TIME)


def test_the_same_hour_again_has_the_same_page(connection, tmp_path):
    connection.execute(RUN, ["two", HOUR, "2026-03-02 11:00", "done", 7])
    assert is_as_before(connection, tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda _, folder: (folder / "report.html").unlink(),
        lambda _, folder: (folder / "report.html").write_text("another"),
        lambda _, folder: (folder / hour_name(HOUR) / "manifest.json").write_text('{"a": 1}'),
        lambda opened, _: opened.execute(RUN, ["two", None, "2026-03-02 11:00", "failed", None]),
        lambda opened, _: opened.execute(RUN, ["two", "2026-03-02 11:00", HOUR, "done", 7]),
        lambda opened, _: made_steps.forget(opened),
    ],
    ids=["gone", "changed", "exports", "failed_run", "newer_hour", "built_since"],
)
def test_a_page_that_would_say_something_else_is_made_again(connection, tmp_path, change: Callable):
    change(connection, tmp_path)
    assert not is_as_before(connection, tmp_path)
