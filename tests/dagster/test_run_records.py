"""Dagster's record of runs: what is removed when, and which failures are reported."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from orchestration.dagster.run_records import (
    as_table,
    failed_runs,
    fold_logs_of_killed_runs,
    forget_checks_not_made,
    newest_runs,
    remove_old,
    started_by,
)
from orchestration.dagster.sqlite_tuning import fold_write_ahead_logs, tune_sqlite
from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.ground.hours import utc_now


@dg.asset
def thing() -> None:
    """What a run makes."""


@dg.asset_check(asset=thing)
def thing_is_good() -> dg.AssetCheckResult:
    """Whether it is."""
    return dg.AssetCheckResult(passed=True)


@dg.asset(name="other")
def broken_thing() -> None:
    """What cannot be made."""
    raise ComebackError("it broke", "here", "mend it")


def job(name: str, is_broken: bool = False) -> dg.JobDefinition:
    assets = [broken_thing] if is_broken else [thing]
    checks = [] if is_broken else [thing_is_good]
    selection = dg.AssetSelection.all()
    definitions = dg.Definitions(
        assets=assets, asset_checks=checks, jobs=[dg.define_asset_job(name, selection)]
    )
    return definitions.resolve_job_def(name)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.prepare()
    tune_sqlite()
    return home


def run(home: Home, name: str, *, is_broken: bool = False) -> str:
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        done = job(name, is_broken).execute_in_process(
            instance=instance,
            raise_on_error=False,
            tags={"a": "b"},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    fold_write_ahead_logs()
    return done.run_id


def test_a_check_to_which_a_run_did_not_come_shows_what_it_said_last(home):
    @dg.asset(deps=[broken_thing])
    def made_of_it() -> None:
        """What would be made of what cannot be made."""

    @dg.asset_check(asset=made_of_it)
    def is_good() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    def executions(instance: dg.DagsterInstance) -> list[tuple[str, str]]:
        found = instance.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(dg.AssetKey("made_of_it"), "is_good"), limit=9
        )
        return [(each.run_id, each.status.value) for each in found]

    definitions = dg.Definitions(assets=[broken_thing, made_of_it], asset_checks=[is_good])
    all_of_it = definitions.resolve_implicit_global_asset_job_def()
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        good, bad = (
            all_of_it.execute_in_process(
                instance=instance,
                raise_on_error=False,
                run_config=quiet,
                asset_selection=selection,
            ).run_id
            for selection in ([made_of_it.key], None)
        )
        assert executions(instance) == [(bad, "PLANNED"), (good, "SUCCEEDED")]
        for run_id in (good, bad):
            forget_checks_not_made(instance, run_id)
        assert executions(instance) == [(good, "SUCCEEDED")]


def rows_of(home: Home, run_id: str) -> dict[str, int]:
    """Rows that name the run, by file and table, and files named after it."""
    import sqlite3

    found = {}
    for path in (home.dagster / "history").rglob("*.db"):
        if path.stem == run_id:
            found[path.name] = 1
            continue
        with sqlite3.connect(path) as file:
            tables = file.execute(
                "select m.name from sqlite_master m, pragma_table_info(m.name) c"
                " where m.type = 'table' and c.name = 'run_id'"
            ).fetchall()
            for (table,) in tables:
                query = f"select count(*) from {table} where run_id = ?"
                found[f"{path.name} {table}"] = file.execute(query, [run_id]).fetchall()[0][0]
        file.close()
    return {place: count for place, count in found.items() if count}


def test_a_run_that_ended_leaves_no_write_ahead_log(home):
    run(home, "hourly")
    assert list((home.dagster / "history" / "runs").glob("*-wal")) == []


def test_nothing_is_left_of_a_run_that_is_too_old_and_all_of_one_that_is_not(home):
    old, new = run(home, "hourly"), run(home, "hourly")
    assert len(rows_of(home, old)) >= 4
    before = rows_of(home, new)
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        assert remove_old(instance, home, utc_now() - timedelta(days=1)) == 0
        started = instance.get_run_record_by_id(new).create_timestamp.replace(tzinfo=None)
        assert remove_old(instance, home, started) == 1
        assert [each.run_id for each in instance.get_runs()] == [new]
    fold_write_ahead_logs()
    assert rows_of(home, old) == {}
    assert rows_of(home, new) == before


def test_the_log_that_a_killed_run_left_is_folded_back_once_it_ended(home):
    run_id = run(home, "hourly")
    log = home.dagster / "history" / "runs" / f"{run_id}.db-wal"
    log.write_bytes(b"")
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        fold_logs_of_killed_runs(instance, home)
    assert not log.exists()


def test_a_failure_is_reported_with_its_reason_until_a_later_run_was_good(home):
    assert failed_runs(home) == []
    run_id = run(home, "hourly", is_broken=True)
    (failed,) = failed_runs(home)
    assert (failed.run_id, failed.job, failed.reason) == (
        run_id,
        "hourly",
        "it broke, here, mend it",
    )
    run(home, "train")
    assert len(failed_runs(home)) == 1
    run(home, "hourly")
    assert failed_runs(home) == []


def test_the_newest_runs_say_what_started_them_and_why_one_failed(home):
    assert newest_runs(home, 5) == []
    run(home, "land")
    broken = run(home, "hourly", is_broken=True)
    newest, before = newest_runs(home, 5)
    assert (newest.run_id, newest.job, newest.status) == (broken, "hourly", "failed")
    assert newest.reason == "it broke, here, mend it"
    assert (before.job, before.status, before.reason, before.hour) == ("land", "done", "", None)
    assert before.seconds is not None
    assert [each.run_id for each in newest_runs(home, 1)] == [broken]
    assert as_table([newest])["run_id"].to_list() == [broken[:8]]
    assert newest.facts["started_at"].endswith("Z")


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"comeback/command": "run"}, "command run"),
        ({"dagster/schedule_name": "hourly", "a": "b"}, "schedule hourly"),
        ({"dagster/sensor_name": "new_files"}, "sensor new_files"),
        ({"dagster/backfill": "abc"}, "backfill abc"),
        ({}, "the UI"),
    ],
)
def test_what_started_a_run_is_told_by_its_tags(tags, words):
    assert started_by(tags) == words


def test_a_good_hour_makes_a_failed_landing_good_and_no_failed_training(home):
    for name in ("land", "train"):
        run(home, name, is_broken=True)
    run(home, "hourly")
    assert [each.job for each in failed_runs(home)] == ["train"]


def test_a_good_run_from_before_a_failure_heals_nothing_though_the_clock_was_ahead_then(home):
    good = run(home, "hourly")
    with closing(sqlite3.connect(home.dagster / "history" / "runs.db")) as file, file:
        ahead = "2099-01-01 00:00:00.000000"
        changed = file.execute(
            "update runs set create_timestamp = ? where run_id = ?", [ahead, good]
        )
        assert changed.rowcount == 1
    failed = run(home, "hourly", is_broken=True)
    assert [each.run_id for each in failed_runs(home)] == [failed]
    run(home, "hourly")
    assert failed_runs(home) == []
