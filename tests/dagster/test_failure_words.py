"""What stands first in Dagster's record of a failed run."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import DagsterEvent
from dagster._core.execution import api, context_creation_job, resources_init
from dagster._core.execution.plan import execute_plan

from orchestration.dagster.failure_words import SAID_ABOVE, say_reasons_first
from orchestration.dagster.run_records import REASON_TAG, failure_reason
from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home

LINE = "two files are one, landing/a.csv, remove one of them"


@pytest.fixture(autouse=True)
def worded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in (
        (execute_plan, "step_failure_event_from_exc_info"),
        (resources_init, "serializable_error_info_from_exc_info"),
        (context_creation_job, "serializable_error_info_from_exc_info"),
        (api, "serializable_error_info_from_exc_info"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name))
    monkeypatch.setattr(DagsterEvent, "job_failure", staticmethod(DagsterEvent.job_failure))
    say_reasons_first(Home(tmp_path))


def failures_of(asset: dg.AssetsDefinition, *, raises: bool, **parts: object) -> list:
    """The first failure that each failure event of a run says, and the run's reason."""
    with dg.DagsterInstance.ephemeral() as instance:
        job = dg.Definitions(assets=[asset], **parts).resolve_implicit_global_asset_job_def()
        run_id = None
        try:
            run_id = job.execute_in_process(instance=instance, raise_on_error=raises).run_id
        except (ComebackError, OSError, ValueError, dg.DagsterError):
            run_id = instance.get_runs()[0].run_id
        events = [
            (entry.dagster_event_type.value, error)
            for entry in instance.all_logs(run_id)
            if entry.dagster_event and "FAILURE" in entry.dagster_event_type.value
            for error in [getattr(entry.dagster_event.event_specific_data, "error", None)]
        ]
        return [*events, failure_reason(instance, run_id)]


def failing(error: Exception) -> dg.AssetsDefinition:
    @dg.asset
    def broken() -> None:
        try:
            raise OSError("a detail")
        except OSError as below:
            raise error from below

    return broken


@pytest.mark.parametrize("raises", [True, False])
def test_the_step_that_failed_begins_with_our_line_and_the_run_does_not_say_it_again(raises):
    asset = failing(ComebackError("two files are one", "landing/a.csv", "remove one of them"))
    (step, error), (run, of_run), reason = failures_of(asset, raises=raises)
    assert (step, run) == ("STEP_FAILURE", "PIPELINE_FAILURE")
    assert error.message == f"{LINE}\n"
    assert "a detail" in error.cause.message
    assert (of_run.message, of_run.stack, of_run.cause) == (f"{SAID_ABOVE}\n", [], None)
    assert reason == LINE


def test_a_failure_below_us_that_is_known_is_said_in_our_words():
    (_, error), *_ = failures_of(failing(OSError(28, "No space left on device")), raises=True)
    assert error.message.startswith("there is no room to write (No space left on device), ")
    assert "OSError" in error.cause.to_string()


def test_a_check_that_stops_the_hour_says_the_reason_that_it_noted():
    @dg.asset
    def table() -> None:
        pass

    @dg.asset_check(asset=table, blocking=True)
    def is_right(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        context.instance.add_run_tags(context.run.run_id, {REASON_TAG: LINE})
        return dg.AssetCheckResult(passed=False)

    @dg.asset(deps=[table])
    def after() -> None:
        pass

    (step, error), (_, of_run), reason = failures_of(table, raises=True, asset_checks=[is_right])
    assert step == "STEP_FAILURE"
    assert (error.message, error.stack, error.cause) == (f"{LINE}\n", [], None)
    assert of_run.message == f"{SAID_ABOVE}\n"
    assert reason == LINE


def test_before_the_first_step_what_failed_says_it():
    @dg.resource
    def lock() -> Iterator[None]:
        raise ComebackError("two files are one", "landing/a.csv", "remove one of them")
        yield

    @dg.asset(required_resource_keys={"lock"})
    def table() -> None:
        pass

    (kind, error), (_, of_run), reason = failures_of(table, raises=True, resources={"lock": lock})
    assert (kind, error.message) == ("RESOURCE_INIT_FAILURE", f"{LINE}\n")
    assert of_run.message == f"{SAID_ABOVE}\n"
    assert reason == LINE


def test_a_bug_is_said_as_dagster_says_it():
    (_, error), *_ = failures_of(failing(ValueError("a bug")), raises=True)
    assert error.message.startswith("dagster._core.errors.DagsterExecutionStepExecutionError")
    assert "ValueError: a bug" in error.cause.message
