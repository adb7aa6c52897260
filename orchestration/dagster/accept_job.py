"""The job `accept`: files that stop the hour, or that no reader reads, are meant so.

Belongs here: the one step. Not here: which files a name means, and the note itself
(`warehouse.suspect_files`).
"""

from typing import Any

import dagster as dg

from orchestration.dagster.run import RUN_KEY, Run
from orchestration.ground.hours import utc_now
from orchestration.warehouse import audit_log, suspect_files

ACCEPT_JOB = "accept"
ACCEPT_OP = "accept_files"


class Accepting(dg.Config):
    """Which files are meant so: names as `comeback status` gives them, or paths to them."""

    files: list[str]


def acceptance(names: list[str]) -> dict[str, Any]:
    """The configuration of the job's steps for files of these names."""
    return {ACCEPT_OP: {"config": Accepting(files=names).model_dump()}}


@dg.op(name=ACCEPT_OP, required_resource_keys={RUN_KEY}, out=dg.Out(dg.Nothing))
def accept_files(context: dg.OpExecutionContext, config: Accepting) -> None:
    """Note of each file that it is meant so; of all of them or of none."""
    run: Run = getattr(context.resources, RUN_KEY)
    with run.open_warehouse() as connection:
        accepted = suspect_files.accept(connection, config.files, utc_now())
        audit_log.note(connection, "accept", utc_now(), files=len(accepted))
    run.finish()
    context.add_output_metadata({"accepted": [each.summary for each in accepted]})


@dg.job(
    name=ACCEPT_JOB,
    description="Say of files that stop the hour, or that no reader reads, that they are meant so.",
)
def ACCEPT() -> None:  # noqa: N802  a job, as its neighbours are named
    """One step."""
    accept_files()
