"""The command `accept` from its arguments to Dagster's record, over files that no reader reads.

Not here: which files a name means (tests/warehouse); an hour that a suspect file stops
(tests/whole).
"""

from datetime import UTC, datetime

import dagster as dg
import duckdb
import pytest

from orchestration.cli import main
from orchestration.dagster import in_process
from orchestration.dagster.accept_job import ACCEPT
from orchestration.dagster.in_process import COMMAND_TAG
from orchestration.dagster.run import RUN_KEY, run_resource
from orchestration.dagster.run_records import failed_runs
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.landing.locations import (
    configured_locations,
    known_sources,
    land_locations,
)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home in which three files landed that are not read, and the one job over it."""
    home = Home(tmp_path)
    monkeypatch.setenv("COMEBACK_HOME", str(tmp_path))
    home.prepare()
    for name in ("day1/a.zip", "day2/a.zip", "b.zip"):
        path = home.landing / "canonical" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"PK\x03\x04" + name.encode())
    locations = configured_locations(home, Settings(), known_sources(home))
    with duckdb.connect(str(home.warehouse)) as connection:
        land_locations(connection, home, known_sources(home), locations, datetime.now(UTC))
    definitions = dg.Definitions(
        jobs=[ACCEPT], resources={RUN_KEY: run_resource(home)}, executor=dg.in_process_executor
    )
    monkeypatch.setattr(in_process, "build_definitions", lambda _: definitions)
    return home


def rows(home: Home, query: str) -> list[tuple]:
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        return connection.execute(query).fetchall()


def recorded(home: Home) -> list[dg.DagsterRun]:
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        return list(instance.get_runs())


def test_accepting_is_a_run_that_says_what_was_accepted(home, capsys):
    assert main(["accept", "b.zip", "day1/a.zip"]) == 0
    assert capsys.readouterr().out == (
        "Accepted   b.zip (canonical): not read, zip_archive\n"
        "Accepted   day1/a.zip (canonical): not read, zip_archive\n"
        "Run the hour again: comeback run\n"
    )
    (run,) = recorded(home)
    assert (run.job_name, run.status) == ("accept", dg.DagsterRunStatus.SUCCESS)
    assert run.tags[COMMAND_TAG] == "accept"
    assert run.run_config["ops"]["accept_files"]["config"] == {"files": ["b.zip", "day1/a.zip"]}
    query = "select run_id, job, as_of, status from scores.runs"
    assert rows(home, query) == [(run.run_id, "accept", None, "done")]
    accepted = "select file from raw.files semi join scores.accepted_files using (content_hash)"
    assert sorted(rows(home, accepted)) == [("b.zip",), ("day1/a.zip",)]


@pytest.mark.parametrize(
    ("name", "code", "line"),
    [
        (
            "c.zip",
            2,
            "no suspect file has this name, c.zip, suspect are: none; see comeback status",
        ),
        (
            "a.zip",
            1,
            "several suspect files are meant by this name, a.zip,"
            " give one of: day1/a.zip, day2/a.zip",
        ),
    ],
)
def test_a_name_that_means_no_file_is_one_line_and_no_run_that_failed(
    home, capsys, name, code, line
):
    assert main(["accept", "b.zip", name]) == code
    assert capsys.readouterr().err == f"comeback: {line}\n"
    assert (recorded(home), failed_runs(home)) == ([], [])
    assert rows(home, "select * from scores.accepted_files") == []
