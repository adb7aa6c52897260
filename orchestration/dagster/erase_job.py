"""The job `erase`: a person out of everything that Comeback made, step by step, and the proof.

Belongs here: the order of the steps, and the numbers that each reports. Not here: what a step does
(`erase_steps`).

Whom it is for never reaches Dagster, which keeps what it is given: the command line hands the
person to the run as a resource, in memory, and nothing is passed from step to step but that
resource.
"""

from collections.abc import Iterator

import dagster as dg

from orchestration.dagster import erase_steps
from orchestration.dagster.erase_steps import Erasure
from orchestration.dagster.run import RUN_KEY, Run
from orchestration.ground.errors import ComebackError

ERASE_JOB = "erase"
ERASURE_KEY = "erasure"

_STEP = {
    "required_resource_keys": {RUN_KEY, ERASURE_KEY},
    "ins": {"after": dg.In(dg.Nothing)},
    "out": dg.Out(dg.Nothing),
}


@dg.resource(description="Whom to erase; given by the command line, in memory only.")
def no_subject(_: dg.InitResourceContext) -> Iterator[Erasure]:
    """What a run that was not started by the command line meets."""
    raise ComebackError(
        "nobody was named", "an erasure is not started here", "run: comeback erase --user ID"
    )


@dg.op(required_resource_keys={RUN_KEY, ERASURE_KEY}, out=dg.Out(dg.Nothing))
def set_tombstone(context: dg.OpExecutionContext) -> None:
    """See to it that no file brings the person back, from here on."""
    erase_steps.set_tombstones(_run(context), _erasure(context))


@dg.op(**_STEP)
def build_log(context: dg.OpExecutionContext) -> None:
    """Build the log over all that has landed: it knows which event was whose."""
    erase_steps.build_log(_run(context))


@dg.op(**_STEP)
def remove_rows(context: dg.OpExecutionContext) -> None:
    """Find what was theirs, and delete it from what was delivered and from the scores."""
    erasing = _erasure(context)
    erase_steps.remove_rows(_run(context), erasing)
    context.add_output_metadata({"rows": dict(erasing.plan.rows)})


@dg.op(**_STEP)
def rebuild(context: dg.OpExecutionContext) -> None:
    """Build every table from all rows, and put a fresh copy of the warehouse in its place."""
    erase_steps.rebuild(_run(context))


@dg.op(**_STEP)
def rewrite_outputs(context: dg.OpExecutionContext) -> None:
    """Rewrite all exports that are kept, and the published file."""
    run = _run(context)
    hours = erase_steps.rewrite_exports(run, _erasure(context))
    with run.finishing():
        erase_steps.republish(run)
    context.add_output_metadata({"exported_hours": hours})


@dg.op(**_STEP)
def search_residue(context: dg.OpExecutionContext) -> None:
    """Search all that Comeback made for the ids, and write down what was done."""
    run = _run(context)
    with run.finishing():
        path = erase_steps.prove(run, _erasure(context))
    context.add_output_metadata({"report": dg.MetadataValue.path(str(path))})


@dg.job(
    name=ERASE_JOB,
    description="Erase a person and prove it; started by `comeback erase` only.",
)
def ERASE() -> None:  # noqa: N802  a job, as its neighbours are named
    """Each step after the one before."""
    done = set_tombstone()
    for step in (build_log, remove_rows, rebuild, rewrite_outputs, search_residue):
        done = step(done)


def _run(context: dg.OpExecutionContext) -> Run:
    return getattr(context.resources, RUN_KEY)


def _erasure(context: dg.OpExecutionContext) -> Erasure:
    return getattr(context.resources, ERASURE_KEY)
