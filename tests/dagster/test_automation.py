"""The sensor for new files: what it asks for, when it tries again, and when its cursor moves."""

from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import dagster as dg
import pytest

from orchestration.dagster.automation import FILES_TAG, _pause, new_files_sensor
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.landing.locations import known_sources


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    (home.landing / "canonical").mkdir(parents=True)
    return home


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def tick(home: Home, instance: dg.DagsterInstance, cursor: str | None):
    sensor = new_files_sensor(home, Settings(), known_sources(home))
    with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
        return sensor.evaluate_tick(context)


def ran(instance: dg.DagsterInstance, request: dg.RunRequest, status: str) -> None:
    instance.add_run(
        dg.DagsterRun(
            job_name="land",
            run_id=request.run_key.replace(" ", "-"),
            status=dg.DagsterRunStatus[status],
            tags=request.tags,
        )
    )


def deliver(home: Home, name: str) -> None:
    (home.landing / "canonical" / name).write_text("visitor_id,event_at,event_type\n")


def test_the_cursor_moves_only_after_the_run_was_good(home, instance):
    assert tick(home, instance, None).run_requests == []
    deliver(home, "a.csv")
    asked = tick(home, instance, None)
    (request,) = asked.run_requests
    assert asked.cursor is None
    assert tick(home, instance, None).run_requests[0].run_key == request.run_key
    ran(instance, request, "STARTED")
    assert tick(home, instance, None).skip_message == "There are new files, and a run is going on."
    instance.report_run_failed(instance.get_runs()[0])
    assert tick(home, instance, None).cursor is None


def test_after_a_good_run_the_sensor_rests_until_something_else_comes(home, instance):
    deliver(home, "a.csv")
    (request,) = tick(home, instance, None).run_requests
    ran(instance, request, "SUCCESS")
    landed = tick(home, instance, None)
    assert (landed.run_requests, landed.cursor) == ([], request.tags[FILES_TAG])
    assert tick(home, instance, landed.cursor).skip_message == "No new files."
    deliver(home, "b.csv")
    (again,) = tick(home, instance, landed.cursor).run_requests
    assert again.tags[FILES_TAG] != request.tags[FILES_TAG]


def test_what_failed_is_tried_again_after_a_pause_under_a_key_of_its_own(
    home, instance, monkeypatch
):
    deliver(home, "a.csv")
    (request,) = tick(home, instance, None).run_requests
    ran(instance, request, "FAILURE")
    waiting = tick(home, instance, None)
    assert waiting.run_requests == []
    assert waiting.skip_message == ("Landing the new files failed 1 times; it will be tried again.")
    monkeypatch.setattr("orchestration.dagster.automation._pause", lambda _: timedelta(0))
    (again,) = tick(home, instance, None).run_requests
    assert again.run_key != request.run_key
    ran(instance, again, "SUCCESS")
    assert tick(home, instance, None).cursor == again.tags[FILES_TAG]


def test_what_failed_while_the_clock_was_ahead_is_tried_again_when_it_is_right(
    home, instance, monkeypatch
):
    class Behind(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) - timedelta(days=100)

    deliver(home, "a.csv")
    (request,) = tick(home, instance, None).run_requests
    ran(instance, request, "FAILURE")
    assert tick(home, instance, None).run_requests == []
    monkeypatch.setattr("orchestration.dagster.automation.datetime", Behind)
    (again,) = tick(home, instance, None).run_requests
    assert again.run_key != request.run_key


def test_pauses_grow_to_half_an_hour_and_no_further():
    assert [_pause(n).total_seconds() for n in (1, 2, 3, 8, 200)] == [20, 40, 80, 1800, 1800]
