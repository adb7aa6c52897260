"""Commands of one step: that Dagster has a run of each, and of a mistyped one none.

Not here: what serving does (tests/modelling), or delivering (tests/outputs).
"""

import dagster as dg
import duckdb
import pytest

from orchestration.cli import main
from orchestration.dagster.by_hand import ByHand
from orchestration.dagster.by_hand_jobs import SERVE_JOB
from orchestration.dagster.in_process import COMMAND_TAG
from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home with a warehouse, and nothing in it."""
    home = Home(tmp_path)
    monkeypatch.setenv("COMEBACK_HOME", str(tmp_path))
    home.prepare()
    duckdb.connect(str(home.warehouse)).close()
    return home


def recorded(home: Home) -> list[dg.DagsterRun]:
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        return list(instance.get_runs())


def test_what_is_done_by_hand_is_a_run_of_its_job_and_a_row_of_runs(home):
    with ByHand(home, "models") as launcher:
        query = "select count(*) from scores.models"
        assert launcher.run_step(SERVE_JOB, lambda found: found.execute(query).fetchall()) == [(0,)]
    (run,) = recorded(home)
    assert (run.job_name, run.status) == ("serve", dg.DagsterRunStatus.SUCCESS)
    assert run.tags[COMMAND_TAG] == "models"
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        query = "select run_id, job, status from scores.runs"
        assert connection.execute(query).fetchall() == [(run.run_id, "serve", "done")]


def test_what_goes_wrong_is_said_in_one_line_and_a_run_that_failed(home):
    def fail(_: duckdb.DuckDBPyConnection) -> None:
        raise ComebackError("it cannot be done", "here", "do something else")

    with (
        ByHand(home, "models") as launcher,
        pytest.raises(ComebackError, match="it cannot be done, here, do something else"),
    ):
        launcher.run_step(SERVE_JOB, fail)
    (run,) = recorded(home)
    assert run.status == dg.DagsterRunStatus.FAILURE


def test_delivering_is_a_run_and_an_unknown_model_none(home, capsys):
    assert main(["models", "--serve", "000000000000"]) == 2
    assert recorded(home) == []
    assert main(["deliver"]) == 1
    assert "no export has an address to be delivered to" in capsys.readouterr().err
    (run,) = recorded(home)
    assert (run.job_name, run.tags[COMMAND_TAG]) == ("deliver", "deliver")
