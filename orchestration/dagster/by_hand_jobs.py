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
from orchestration.ground.errors import ComebackError, Explained
from orchestration.ground.failures import explained, is_interruption
from orchestration.ground.home import Home

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
        failure: what went wrong, where Dagster gets a line of it only.
    """

    work: Callable[[duckdb.DuckDBPyConnection], Any]
    result: Any = None
    failure: Exception | None = None


@dg.resource(description="What to do; given by the command line, in memory only.")
def no_command(_: dg.InitResourceContext) -> Iterator[CommandStep]:
    """What a run that was not started by the command line meets."""
    raise ComebackError(
        "nothing was asked for", "this is not started here", "run the command: comeback --help"
    )


def _job(name: str, description: str, *, is_private: bool = False) -> dg.JobDefinition:
    @dg.op(
        name=f"{name}_by_hand",
        required_resource_keys={RUN_KEY, BY_HAND_KEY},
        out=dg.Out(dg.Nothing),
    )
    def step(context: dg.OpExecutionContext) -> None:
        run: Run = getattr(context.resources, RUN_KEY)
        command: CommandStep = getattr(context.resources, BY_HAND_KEY)
        with run.open_warehouse() as connection:
            command.result = (
                _privately(command, connection, run.home)
                if is_private
                else command.work(connection)
            )
        run.finish()

    @dg.job(name=name, description=description)
    def job() -> None:
        step()

    return job


def _privately(command: CommandStep, connection: duckdb.DuckDBPyConnection, home: Home) -> Any:
    """Do it so that of a failure only a line of ours gets into Dagster's record: an error of the
    database may quote a person's data, and its line would stand there with all that led to it.

    Raises:
        ComebackError: it went wrong.
    """
    try:
        return command.work(connection)
    except Exception as error:
        if is_interruption(error):
            raise
        command.failure = error
        found = explained(error, home)
    # outside of the clause above, or what was caught there would be its context
    if isinstance(found, ComebackError):
        raise Explained(str(found)) from None
    raise ComebackError(
        f"the person's data could not be gathered ({type(found).__name__})",
        str(home.warehouse),
        "see why, which is written down nowhere: comeback --debug access --user ID",
    ) from None


BY_HAND_JOBS = (
    _job(ACCESS_JOB, "Give all data of a person: comeback access --user ID.", is_private=True),
    _job(DELIVER_JOB, "Bring exports to their addresses again: comeback deliver."),
    _job(SERVE_JOB, "Have another version of a model serve: comeback models --serve ID."),
)
