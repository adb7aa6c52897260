"""What the modules of this package share: names of jobs and groups, partitions, a step's run.

Belongs here: what at least two of them need. Not here: any asset, check or job.
"""

import logging
import warnings
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import dagster as dg
import duckdb

from orchestration.dagster.run import RUN_KEY, Run
from orchestration.ground.home import Home
from orchestration.ground.hours import from_partition_key
from orchestration.ground.settings import Settings

logger = logging.getLogger(__name__)

# Said once per asset; a backfill takes one hour after the other or its order is lost.
warnings.filterwarnings("ignore", "Parameter `backfill_policy`", dg.BetaWarning)

HOURLY_JOB, TRAIN_JOB, LAND_JOB = "hourly", "train", "land"
RAW_GROUP, MODELS_GROUP, SCORES_GROUP, OUTPUT_GROUP = "raw", "models", "scores", "output"


def hourly_partitions(
    settings: Settings, begins: date | None = None
) -> dg.HourlyPartitionsDefinition:
    """One partition per scored hour; its key is the hour itself, not the hour's beginning.

    The first is that of a day if one is given, at the earliest that of `partitions_start`.

    The last partition may lie up to two hours ahead: the first full hour at or after the newest
    event is the coming one, and an event may be dated a few minutes after its landing.
    """
    first = max(settings.partitions_start, begins or settings.partitions_start)
    start = datetime.combine(first, datetime.min.time())
    return dg.HourlyPartitionsDefinition(start_date=start, timezone="UTC", end_offset=3)


def log_begins(home: Home) -> date | None:
    """The day of the first event, or of an hour that was scored before it, as published; None
    before anything was, or if the file cannot be read now."""
    if not home.published.exists():
        return None
    query = (
        "select least((select min(started_at) from sessions), (select min(as_of) from runs))::date"
    )
    try:
        with duckdb.connect(str(home.published), read_only=True) as published:
            return published.execute(query).fetchall()[0][0]
    except duckdb.Error:
        return None


def by_the_hour(partitions: dg.PartitionsDefinition) -> dict[str, Any]:
    """What all assets of the hour share; a backfill takes one hour after the other."""
    return {
        "partitions_def": partitions,
        "backfill_policy": dg.BackfillPolicy.multi_run(1),
        "required_resource_keys": {RUN_KEY},
    }


def run_of(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> Run:
    """The run that a step belongs to; with -v the command line says that the step begins."""
    logger.debug("Step %s.", context.op_execution_context.op_handle.name)
    return getattr(context.resources, RUN_KEY)


def hour_of(context: dg.AssetExecutionContext) -> datetime:
    """The hour that an asset is made for, UTC."""
    return from_partition_key(context.partition_key)


def materialized(
    context: dg.AssetExecutionContext, metadata: Mapping[str, Any], key: dg.AssetKey | None = None
) -> dg.MaterializeResult:
    """An asset that was made, and what is said of it.

    It is said with the asset alone: given with the result it would stand with the step's output,
    too, a line above in the run's log.
    """
    context.add_asset_metadata(metadata, asset_key=key)
    return dg.MaterializeResult(asset_key=key)
