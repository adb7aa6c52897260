"""Which failures have an alert."""

import dagster as dg
import pytest

from orchestration.dagster import alert_sensors as module
from orchestration.dagster.alert_sensors import alert_sensors
from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.ground.settings import parse_settings

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture
def alerts_sent(monkeypatch):
    alerts = []

    def tell(_home, _settings, subject, lines, facts):
        alerts.append((subject, lines, facts))

    monkeypatch.setattr(module.alerts, "tell", tell)
    return alerts


@pytest.fixture
def sensors(tmp_path):
    settings = parse_settings({"notify_failures": "https://hooks.example/x"})
    return {each.name: each for each in alert_sensors(Home(tmp_path), settings)}


def hourly(outcome: dict[str, bool], error: Exception | None = None) -> dg.JobDefinition:
    """A job with one asset that fails or not, and a check that is as `outcome` says then."""

    @dg.asset
    def carts() -> None:
        if error:
            raise error

    @dg.asset_check(asset=carts, name="is_full")
    def is_full() -> dg.AssetCheckResult:
        severity = dg.AssetCheckSeverity.WARN
        return dg.AssetCheckResult(
            passed=outcome["passed"], severity=severity, description="too few"
        )

    job = dg.define_asset_job("hourly", dg.AssetSelection.all())
    definitions = dg.Definitions(assets=[carts], asset_checks=[is_full], jobs=[job])
    return definitions.resolve_job_def("hourly")


def run(instance, job):
    return job.execute_in_process(instance=instance, raise_on_error=False, run_config=QUIET)


def test_there_is_no_alert_where_no_address_is_set(tmp_path):
    assert alert_sensors(Home(tmp_path), parse_settings({})) == []


def test_a_run_that_failed_has_an_alert_with_its_reason(sensors, alerts_sent):
    error = ComebackError("it broke", "here", "mend it")
    with dg.DagsterInstance.ephemeral() as instance:
        done = run(instance, hourly({}, error))
        context = dg.build_run_status_sensor_context(
            sensor_name="failed_runs_alert",
            dagster_instance=instance,
            dagster_run=done.dagster_run,
            dagster_event=done.get_run_failure_event(),
        ).for_run_failure()
        sensors["failed_runs_alert"](context)
    ((subject, lines, facts),) = alerts_sent
    assert subject == "the run hourly failed"
    assert lines[0] == facts["reason"] == "it broke, here, mend it"
    assert facts["started_by"] == "the UI"


def test_a_check_has_one_alert_when_it_begins_to_fail_until_it_was_good(sensors, alerts_sent):
    heard = []
    with dg.DagsterInstance.ephemeral() as instance:
        for passed in (True, False, False, True, False):
            done = run(instance, hourly({"passed": passed}))
            context = dg.build_run_status_sensor_context(
                sensor_name="failed_checks_alert",
                dagster_instance=instance,
                dagster_run=done.dagster_run,
                dagster_event=done.get_run_success_event(),
            )
            sensors["failed_checks_alert"](context)
            heard.append(len(alerts_sent))
            alerts_sent.clear()
    assert heard == [0, 1, 0, 0, 1]


def test_an_alert_of_checks_names_them_and_what_is_wrong(sensors, alerts_sent):
    with dg.DagsterInstance.ephemeral() as instance:
        done = run(instance, hourly({"passed": False}))
        context = dg.build_run_status_sensor_context(
            sensor_name="failed_checks_alert",
            dagster_instance=instance,
            dagster_run=done.dagster_run,
            dagster_event=done.get_run_success_event(),
        )
        sensors["failed_checks_alert"](context)
    ((subject, lines, _),) = alerts_sent
    assert (subject, lines) == ("a check begins to fail", ["is_full (carts): too few"])
