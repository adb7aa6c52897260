"""When jobs run: by the hour, by the day, and when files come.

Belongs here: jobs, schedules and sensors, each only choosing what to run for which hour. Not here:
what a job does (`assets`).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.dagster.alert_sensors import alert_sensors
from orchestration.dagster.assets import LOG_WATERMARK, Training
from orchestration.dagster.run import fail_dead_runs
from orchestration.dagster.shared import HOURLY_JOB, LAND_JOB, MODELS_GROUP, RAW_GROUP, TRAIN_JOB
from orchestration.ground.home import Home
from orchestration.ground.hours import first_full_hour, last_full_hour, partition_key
from orchestration.ground.settings import Settings
from orchestration.landing import Source
from orchestration.landing.locations import configured_locations, locations_digest
from orchestration.modelling.training import ABANDONMENT, LEARNERS

# Whichever minute it is, the last full hour is scored. Where files land in between, the sensor for
# them asks for the newest hour of the log at once.
HOURLY_CRON = "0 * * * *"
TRAIN_HOUR = 3
TRAIN_CRON = f"30 {TRAIN_HOUR} * * *"
# A file waits for two sensors, one after the other.
SENSOR_SECONDS = 10
# What the file systems said when a run of the sensor began; the UI does not show such tags.
FILES_TAG = ".dagster/comeback_files"
_MAX_TRIES = 1000

_IN_PROGRESS = dg.RunsFilter(
    statuses=[
        dg.DagsterRunStatus.QUEUED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
    ]
)


RETRAIN = {
    name: {"config": Training(retrain=True).model_dump(exclude_defaults=True)}
    for name in (*(f"{learner.name}_model" for learner in LEARNERS), "person_models")
}
RECALIBRATE = {
    f"{ABANDONMENT.name}_model": {
        "config": Training(recalibrate=True).model_dump(exclude_defaults=True)
    },
}

# Each job runs in one process: the warehouse has one writer.
LAND = dg.define_asset_job(
    LAND_JOB,
    dg.AssetSelection.groups(RAW_GROUP),
    description="Land files, and see how far the log reaches.",
)
HOURLY = dg.define_asset_job(
    HOURLY_JOB,
    dg.AssetSelection.all() - dg.AssetSelection.assets(LOG_WATERMARK),
    description="Land what is new; build, score, export and publish one hour.",
)
TRAIN = dg.define_asset_job(
    TRAIN_JOB,
    dg.AssetSelection.groups(MODELS_GROUP),
    config={"ops": RETRAIN},
    description="Learn challengers and promote those that are better.",
)


JOBS = (LAND, HOURLY, TRAIN)


def schedules(home: Home) -> list[dg.ScheduleDefinition]:
    """What runs by the clock."""
    return [hourly_schedule(home), train_schedule(home)]


def sensors(
    home: Home, settings: Settings, sources: Mapping[str, Source]
) -> list[dg.SensorDefinition]:
    """What runs when files come, and what sends alerts of failures."""
    return [
        new_files_sensor(home, settings, sources),
        landed_sensor(settings),
        *alert_sensors(home, settings),
    ]


def hourly_schedule(home: Home) -> dg.ScheduleDefinition:
    """At every full hour, that hour."""

    @dg.schedule(
        job=HOURLY,
        cron_schedule=HOURLY_CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def hourly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if not home.warehouse.exists() and not any(home.landing.glob("*/*")):
            return dg.SkipReason("Nothing has landed yet.")
        return _request(_naive(context.scheduled_execution_time))

    return hourly


def train_schedule(home: Home) -> dg.ScheduleDefinition:
    """Once a day, as of the hour before."""

    @dg.schedule(
        job=TRAIN,
        cron_schedule=TRAIN_CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def train(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if not home.published.exists():
            return dg.SkipReason("Nothing was built yet to learn from.")
        return _request(_naive(context.scheduled_execution_time))

    return train


def new_files_sensor(
    home: Home, settings: Settings, sources: Mapping[str, Source]
) -> dg.SensorDefinition:
    """Lands files within a minute of their coming, but not into a run that is going on.

    The cursor is what the file systems said when everything had landed: it moves after the run was
    good. A run that failed is tried again, after longer and longer pauses.
    """

    @dg.sensor(
        job=LAND,
        minimum_interval_seconds=SENSOR_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def new_files(
        context: dg.SensorEvaluationContext,
    ) -> dg.SensorResult | dg.RunRequest | dg.SkipReason:
        fail_dead_runs(context.instance)
        digest = locations_digest(
            sources,
            configured_locations(home, settings, sources),
            follow_symlinks=settings.follow_symlinks,
        )
        if digest == (context.cursor or locations_digest(sources, [])):
            return dg.SkipReason("No new files.")
        if context.instance.get_runs_count(_IN_PROGRESS):
            return dg.SkipReason("There are new files, and a run is going on.")
        tried = context.instance.get_run_records(
            dg.RunsFilter(job_name=LAND_JOB, tags={FILES_TAG: digest}), limit=_MAX_TRIES
        )
        if any(each.dagster_run.is_success for each in tried):
            return dg.SensorResult(skip_reason="The new files have landed.", cursor=digest)
        since = tried and datetime.now(UTC) - tried[0].create_timestamp
        # one that is dated ahead was tried while the clock was wrong: nothing waits for that time
        if tried and timedelta(0) <= since < _pause(len(tried)):
            return dg.SkipReason(
                f"Landing the new files failed {len(tried)} times; it will be tried again."
            )
        return dg.RunRequest(run_key=f"{digest} {len(tried)}", tags={FILES_TAG: digest})

    return new_files


def _pause(tries: int) -> timedelta:
    """How long to wait after so many failed runs: 20 s, 40 s, and so on, at most half an hour."""
    return timedelta(seconds=min(SENSOR_SECONDS * 2**tries, 1800))


def landed_sensor(settings: Settings) -> dg.SensorDefinition:
    """Scores the newest hour of the log once `new_files` has landed something.

    What the command line lands is not its business: those runs belong to no code location.
    """

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=[LAND],
        request_job=HOURLY,
        minimum_interval_seconds=SENSOR_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def files_landed(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
        hour = latest_hour(context.instance)
        if hour is None or hour.date() < settings.partitions_start:
            return dg.SkipReason("The log has no event, or none since partitions_start.")
        return dg.RunRequest(run_key=context.dagster_run.run_id, partition_key=partition_key(hour))

    return files_landed


def latest_hour(instance: dg.DagsterInstance) -> datetime | None:
    """The first full hour at or after the newest event that landing saw; None without one."""
    event = instance.get_latest_materialization_event(LOG_WATERMARK)
    if event is None:
        return None
    newest = event.asset_materialization.metadata["newest_event"].value
    return first_full_hour(_naive(datetime.fromisoformat(newest))) if newest else None


def _request(hour: datetime) -> dg.RunRequest:
    return dg.RunRequest(partition_key=partition_key(last_full_hour(hour)))


def _naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)
