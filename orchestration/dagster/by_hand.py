"""Commands of one step that need no dbt: `models --serve` and `deliver`, as runs of their jobs.

Belongs here: the jobs by themselves, so that neither command waits for dbt's project to be read, or
fails where a source of the shop's own cannot be. Not here: the step (`by_hand_jobs`), or other
commands (`in_process`).
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import dagster as dg
import duckdb

from orchestration.dagster import failure_words, output_copies
from orchestration.dagster.by_hand_jobs import (
    BY_HAND_JOBS,
    BY_HAND_KEY,
    DELIVER_JOB,
    SERVE_JOB,
    CommandStep,
    no_command,
)
from orchestration.dagster.event_writes import write_in_few_statements
from orchestration.dagster.in_process import Launcher
from orchestration.dagster.run import RUN_KEY, run_resource
from orchestration.dagster.sqlite_tuning import tune_sqlite
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings, load_settings
from orchestration.modelling import model_versions
from orchestration.modelling.model_store import ModelStore
from orchestration.outputs import delivery


class ByHand(Launcher):
    """These jobs over the state of a home folder, and Dagster's instance that records them."""

    def _load(self, home: Home) -> None:
        home.prepare()
        tune_sqlite()
        write_in_few_statements()
        output_copies.start_apart()
        failure_words.say_reasons_first(home)
        self._home = home
        self._settings = load_settings(home.root)
        self._definitions = dg.Definitions(
            jobs=[*BY_HAND_JOBS],
            resources={RUN_KEY: run_resource(home), BY_HAND_KEY: no_command},
            executor=dg.in_process_executor,
        )

    @property
    def settings(self) -> Settings:
        """Those of the home."""
        return self._settings

    def run_step(self, job: str, work: Callable[[duckdb.DuckDBPyConnection], Any]) -> Any:
        """Do something over the open warehouse in a run of a job; what it returns.

        Raises:
            ComebackError: it went wrong.
        """
        step = CommandStep(work)
        self._execute(job, resources={BY_HAND_KEY: step})
        return step.result


def serve(home: Home, model_id: str) -> list[str]:
    """Have scores come from another version of a model: see `model_versions.serve`."""
    # a mistyped id is no run that failed, and waits for none
    model_versions.require_whole(ModelStore(home.models), model_id)
    with ByHand(home, "models") as launcher:
        return launcher.run_step(
            SERVE_JOB,
            partial(model_versions.serve, home=home, settings=launcher.settings, model_id=model_id),
        )


def deliver(home: Home, hour: datetime | None) -> list[delivery.Outcome]:
    """Bring exports to their addresses: see `delivery.deliver_by_hand`."""
    with ByHand(home, "deliver") as launcher:
        # before a run begins: an hour that is not kept is no run that failed
        delivery.hour_to_deliver(home, launcher.settings, hour)
        return launcher.run_step(
            DELIVER_JOB,
            partial(delivery.deliver_by_hand, home=home, settings=launcher.settings, hour=hour),
        )
