"""Sensors that send alerts of failed runs and checks to `notify_failures`.

Belongs here: what is worth an alert. Not here: sending it (`outputs.alerts`). A run of the
command line has its exit code instead.
"""

import dagster as dg

from orchestration.dagster.run_records import failure_reason, started_by
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.outputs import alerts

SENSOR_SECONDS = 30


def alert_sensors(home: Home, settings: Settings) -> list[dg.SensorDefinition]:
    """The two sensors; none where no address is set."""
    if not settings.notify_failures:
        return []
    return [failed_runs_sensor(home, settings), failed_checks_sensor(home, settings)]


def failed_runs_sensor(home: Home, settings: Settings) -> dg.SensorDefinition:
    """One alert for each run that failed, with its reason."""

    @dg.run_failure_sensor(
        name="failed_runs_alert",
        minimum_interval_seconds=SENSOR_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Sends notify_failures an alert for each run that failed, and why.",
    )
    def failed_runs_alert(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
        run = context.dagster_run
        hour = run.tags.get("dagster/partition", "")
        reason = failure_reason(context.instance, run.run_id)
        facts = {
            "kind": "run_failed",
            "job": run.job_name,
            "hour": hour or None,
            "run_id": run.run_id,
            "started_by": started_by(run.tags),
            "reason": reason,
        }
        subject = f"the run {run.job_name} {hour}".strip() + " failed"
        lines = [reason, f"Run {run.run_id}, started by {facts['started_by']}."]
        return _skipped(alerts.tell(home, settings, subject, lines, facts))

    return failed_runs_alert


def failed_checks_sensor(home: Home, settings: Settings) -> dg.SensorDefinition:
    """One alert for the checks that passed in the run before, or were new, and warn now.

    A check that stops an hour fails its run, and has an alert as such.
    """

    @dg.run_status_sensor(
        name="failed_checks_alert",
        run_status=dg.DagsterRunStatus.SUCCESS,
        minimum_interval_seconds=SENSOR_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Sends notify_failures an alert for the checks that begin to warn.",
    )
    def failed_checks_alert(context: dg.RunStatusSensorContext) -> dg.SkipReason | None:
        run = context.dagster_run
        begun = newly_failed(context.instance, run.run_id)
        if not begun:
            return dg.SkipReason("No check begins to fail.")
        subject = "a check begins to fail" if len(begun) == 1 else f"{len(begun)} checks begin to"
        lines = [
            f"{each.check_name} ({each.asset_key.to_user_string()}): {each.description or 'see it'}"
            for each in begun
        ]
        facts = {"kind": "checks_failed", "run_id": run.run_id, "checks": lines}
        return _skipped(alerts.tell(home, settings, subject, lines, facts))

    return failed_checks_alert


def newly_failed(instance: dg.DagsterInstance, run_id: str) -> list[dg.AssetCheckEvaluation]:
    """The checks that failed in a run, and passed when they were made last before it."""
    found = []
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        check = entry.dagster_event.asset_check_evaluation_data
        if check.passed:
            continue
        history = instance.event_log_storage.get_asset_check_execution_history(
            check.asset_check_key, limit=2
        )
        before = [each for each in history if each.run_id != run_id]
        if not before or before[0].status.value == "SUCCEEDED":
            found.append(check)
    return found


def _skipped(reason: str | None) -> dg.SkipReason | None:
    return dg.SkipReason(f"The alert was not delivered: {reason}.") if reason else None
