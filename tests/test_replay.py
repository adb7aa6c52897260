"""Which steps a replay has, in which order; that they end as hours run one by one is shown by
tests/whole/test_schedules.py."""

from datetime import datetime
from pathlib import Path

import pytest

from orchestration.cli import main
from orchestration.ground.home import Home


def test_a_replay_runs_every_hour_in_order_and_learns_after_that_of_the_training(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    done = []

    class Launcher:
        def __init__(self, home: Home, job: str) -> None:
            done.append((home.root, job))

        def __enter__(self) -> "Launcher":
            return self

        def __exit__(self, *_: object) -> None:
            done.append("ended")

        def require_files(self) -> None:
            done.append("files")

        def hourly(self, hour: datetime) -> None:
            done.append(("hourly", hour))

        def train(self, hour: datetime) -> None:
            done.append(("train", hour))

    monkeypatch.setattr("orchestration.dagster.in_process.Launcher", Launcher)
    monkeypatch.setattr("orchestration.status.summary", lambda _, hour, *__: f"summary of {hour}")
    two, three, four = (datetime(2026, 10, 31, hour) for hour in (2, 3, 4))
    monkeypatch.setenv("COMEBACK_HOME", str(tmp_path))
    assert main(["replay", "--from", "2026-10-31T02:00Z", "--to", "2026-10-31T04:00Z"]) == 0
    assert done == [
        (tmp_path, "replay"),
        *("files", ("hourly", two), ("hourly", three), ("train", three), ("hourly", four)),
        "ended",
    ]
    assert capsys.readouterr().out == "summary of 2026-10-31 04:00:00\n"
