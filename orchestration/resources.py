"""What Dagster hands to every step of a run: the run itself, under its lock.

Belongs here: the one resource, and cleaning Dagster's record of runs that were killed. Not here:
what a run does first and last (`running`).
"""

import os
from collections.abc import Iterator

import dagster as dg

from orchestration.home import Home
from orchestration.hours import from_partition_key
from orchestration.running import Run, open_run

RUN_KEY = "comeback"
PID_TAG = "comeback/pid"


def run_resource(home: Home) -> dg.ResourceDefinition:
    """The resource that is opened before a run's first step and closed after its last."""

    @dg.resource(description="The run, under the lock of COMEBACK_HOME.")
    def run(context: dg.InitResourceContext) -> Iterator[Run]:
        instance, dagster_run = context.instance, context.run
        instance.add_run_tags(dagster_run.run_id, {PID_TAG: str(os.getpid())})
        fail_dead_runs(instance)
        key = dagster_run.tags.get("dagster/partition")
        as_of = from_partition_key(key) if key else None
        with open_run(home, dagster_run.run_id, dagster_run.job_name, as_of) as opened:
            yield opened

    return run


def fail_dead_runs(instance: dg.DagsterInstance) -> None:
    """Report as failed the runs whose process is gone; else they would block those that queue."""
    begun = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED]
    for dagster_run in instance.get_runs(dg.RunsFilter(statuses=begun)):
        pid = dagster_run.tags.get(PID_TAG)
        if pid and not _is_alive(int(pid)):
            instance.report_run_failed(dagster_run, f"Process {pid} of this run was killed.")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
