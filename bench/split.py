"""Where the seconds of an hour go, out of what the run itself recorded.

Belongs here: from Dagster's event log and the line that dbt's build logs to the parts. Not here:
running the hour; nothing in the process is changed to measure it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.processes import Cost

_DBT = re.compile(r"^dbt: \d+ nodes in ([\d.]+) s, ([\d.]+) of it their own\.$", re.MULTILINE)
_LANDING = ("landing",)
# Each builds with dbt once.
_DBT_STEPS = ("dbt_models", "people_models")
_MODELS = (
    "abandonment_model",
    "return_model",
    "models",
    "cart_scores",
    "cart_scores_scores_are_sane",
    "score_outcomes",
    "person_models",
    "person_scores",
)


@dataclass(frozen=True)
class RunRecord:
    """What Dagster recorded of a run: its first and last event, and the seconds of every step."""

    first: float
    last: float
    steps: Mapping[str, float]


def newest_run(dagster_home: Path) -> RunRecord:
    """The record of the newest run of an instance."""
    import dagster as dg

    with dg.DagsterInstance.from_config(str(dagster_home)) as instance:
        run = instance.get_runs(limit=1)[0]
        times = [entry.timestamp for entry in instance.all_logs(run.run_id)]
        stats = instance.get_run_step_stats(run.run_id)
    steps = {step.step_key: step.end_time - step.start_time for step in stats}
    return RunRecord(min(times), max(times), steps)


def split(cost: Cost, record: RunRecord) -> dict[str, float]:
    """Seconds of each part; together those of the process.

    Args:
        cost: the process, with what it printed on stderr.
        record: its run.
    """
    builds = _DBT.findall(cost.progress)
    dbt, nodes = (sum(map(float, seconds)) for seconds in zip(*builds, strict=True))
    landing, models, steps_of_dbt = (
        sum(record.steps.get(name, 0.0) for name in names)
        for names in (_LANDING, _MODELS, _DBT_STEPS)
    )
    all_steps = sum(record.steps.values())
    return {
        "Python start, imports, definitions": record.first - cost.began,
        "Dagster": record.last - record.first - all_steps + steps_of_dbt - dbt,
        "landing": landing,
        "dbt around its nodes": dbt - nodes,
        "SQL: dbt's models and tests": nodes,
        "models and scores": models,
        "exports, publication, checks": all_steps - landing - models - steps_of_dbt,
        "printing the outcome, end of the process": cost.began + cost.seconds - record.last,
    }
