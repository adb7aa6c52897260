"""Jobs of one step that somebody starts by a command: `serve`, `deliver` and `access`.

Belongs here: the step, which does what the command hands it, so that Dagster has a run of it. Not
here: what is done (`modelling`, `outputs.delivery`, `privacy`), or the command (`cli`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg
import duckdb

from orchestration.dagster.run import RUN_KEY, Run
from orchestration.ground.errors import ComebackError

BY_HAND_KEY = "by_hand"
ACCESS_JOB = "access"
DELIVER_JOB = "deliver"
SERVE_JOB = "serve"


@dataclass
class CommandStep:
    """What a command does in the step of its run, and what came of it: in memory only.

    Attributes:
        work: over the open warehouse.
        result: what it returned.
    """

    work: Callable[[duckdb.DuckDBPyConnection], Any]
    result: Any = None


@dg.resource(description="What to do; given by the command line, in memory only.")
def no_command(_: dg.InitResourceContext) -> Iterator[CommandStep]:
    """What a run that was not started by the command line meets."""
    raise ComebackError(
        "nothing was asked for", "this is not started here", "run the command: comeback --help"
    )


def _job(name: str, description: str) -> dg.JobDefinition:
    @dg.op(
        name=f"{name}_by_hand",
        required_resource_keys={RUN_KEY, BY_HAND_KEY},
        out=dg.Out(dg.Nothing),
    )
    def step(context: dg.OpExecutionContext) -> None:
        run: Run = getattr(context.resources, RUN_KEY)
        command: CommandStep = getattr(context.resources, BY_HAND_KEY)
        with run.open_warehouse() as connection:
            command.result = command.work(connection)
        run.finish()

    @dg.job(name=name, description=description)
    def job() -> None:
        step()

    return job


BY_HAND_JOBS = (
    _job(ACCESS_JOB, "Give all data of a person: comeback access --user ID."),
    _job(DELIVER_JOB, "Bring exports to their addresses again: comeback deliver."),
    _job(SERVE_JOB, "Have another version of a model serve: comeback models --serve ID."),
)
