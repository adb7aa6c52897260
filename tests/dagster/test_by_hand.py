"""Commands of one step: that Dagster has a run of each, and of a mistyped one none.

Not here: what serving does (tests/modelling), or delivering (tests/outputs).
"""

from datetime import datetime
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration.cli import main
from orchestration.dagster.by_hand import ByHand
from orchestration.dagster.by_hand_jobs import SERVE_JOB
from orchestration.dagster.in_process import COMMAND_TAG, Launcher
from orchestration.dagster.run_records import failed_runs
from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.outputs import delivery
from tests.outputs.delivery.conftest import Shop


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


def test_an_hour_that_has_not_come_is_refused_in_one_line(home):
    with Launcher(home, "run") as launcher, pytest.raises(ComebackError) as refusal:
        launcher.hourly(datetime(2099, 10, 9))
    assert str(refusal.value).startswith(
        "the hour 2099-10-09-00:00 UTC has not come yet, this machine's clock says"
    )
    assert recorded(home) == []


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


def test_what_is_mistyped_is_no_run(home, capsys, tmp_path_factory):
    assert main(["models", "--serve", "000000000000"]) == 2
    assert main(["deliver"]) == 1
    assert "no export has an address to be delivered to" in capsys.readouterr().err
    delivered_to(home, tmp_path_factory.mktemp("elsewhere") / "out")
    assert main(["deliver", "--hour", "2026-10-31T09:00Z"]) == 1
    assert "the hour 2026-10-31T09Z is not among the exports" in capsys.readouterr().err
    assert recorded(home) == []


def test_a_delivery_that_failed_is_a_fault_until_one_ends_well(
    home, monkeypatch, capsys, tmp_path_factory
):
    def fail(*_, **__):
        raise ComebackError("it cannot be done", "here", "do something else")

    delivered_to(home, tmp_path_factory.mktemp("elsewhere") / "out")
    with monkeypatch.context() as broken:
        broken.setattr(delivery, "deliver_by_hand", fail)
        assert main(["deliver"]) == 1
    assert "it cannot be done, here, do something else" in capsys.readouterr().err
    (run,) = recorded(home)
    assert (run.job_name, run.tags[COMMAND_TAG]) == ("deliver", "deliver")
    assert [(each.run_id, each.job) for each in failed_runs(home)] == [(run.run_id, "deliver")]
    assert main(["deliver"]) == 0
    assert [each.status.value for each in recorded(home)] == ["SUCCESS", "FAILURE"]
    assert failed_runs(home) == []


def delivered_to(home: Home, folder: Path) -> None:
    """An hour is exported, and its files are delivered to a folder."""
    (home.root / "comeback.toml").write_text(
        f'[exports.email]\nprofile = "email"\ndeliver_to = "{folder}"\n'
    )
    Shop(home.root).export("2026-10-31T10Z")
