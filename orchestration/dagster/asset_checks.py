"""Checks that SQL tests cannot make; each stops what follows it.

Belongs here: comparing what one step wrote with what another one did. Not here: rules on a single
table; those are dbt tests beside it.
"""

from datetime import datetime

import dagster as dg

from orchestration.dagster.run import RUN_KEY
from orchestration.dagster.shared import run_of
from orchestration.ground.hours import from_partition_key
from orchestration.modelling import scoring
from orchestration.outputs import export_files
from orchestration.warehouse import database
from orchestration.warehouse.score_tables import CART_SCORES


def asset_checks() -> list[dg.AssetChecksDefinition]:
    """The checks as Dagster runs them."""
    return [_rows_add_up(), _scores_are_sane(), _export_equals_table()]


def _rows_add_up() -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset="landed_files",
        blocking=True,
        description="Of every file: rows read = events + duplicates + dropped.",
        required_resource_keys={RUN_KEY},
    )
    def rows_add_up(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with run_of(context).open_warehouse() as connection:
            files = database.unsettled_files(connection)
        return dg.AssetCheckResult(passed=not files, metadata={"files": files})

    return rows_add_up


def _scores_are_sane() -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=CART_SCORES.name,
        blocking=True,
        description="Probabilities are such, grow with time, and ranks have no gap.",
        required_resource_keys={RUN_KEY},
    )
    def scores_are_sane(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        hour = _hour(context)
        with run_of(context).open_warehouse() as connection:
            query = "select * from scores.cart_scores where scored_at = ?"
            scores = connection.sql(query, params=[hour]).pl()
        faults = scoring.faults_of_scores(scores)
        return dg.AssetCheckResult(passed=not faults, metadata={"faults": faults})

    return scores_are_sane


def _export_equals_table() -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset="retargeting_export",
        blocking=True,
        description="The exported file says what the table says, and the manifest fits it.",
        required_resource_keys={RUN_KEY},
    )
    def export_equals_table(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        run, hour = run_of(context), _hour(context)
        with run.open_warehouse() as connection:
            rows = export_files.read_rows(connection, hour)
        faults = export_files.faults_of_export(run.home.exports, hour, rows)
        return dg.AssetCheckResult(passed=not faults, metadata={"faults": faults})

    return export_equals_table


def _hour(context: dg.AssetCheckExecutionContext) -> datetime:
    return from_partition_key(context.run.tags["dagster/partition"])
