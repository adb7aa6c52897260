"""Checks that SQL tests cannot make; each stops what follows it.

Belongs here: comparing what one step wrote with what another one did. Not here: rules on a single
table; those are dbt tests beside it.
"""

import hashlib
import itertools
import json
from datetime import datetime
from pathlib import Path

import dagster as dg
import duckdb
import polars as pl

from orchestration import exports
from orchestration.hours import from_partition_key, hour_name
from orchestration.resources import RUN_KEY
from orchestration.tables import CART_SCORES

_P_RETURNS = [name for name in CART_SCORES.column_names if name.startswith("p_return_")]


def unsettled_files(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Files of which rows read are not events, duplicates and dropped rows together."""
    rows = connection.execute(
        "select file from main.landed_files"
        " where rows_read <> rows_accepted + rows_duplicate + rows_dropped order by load_id"
    ).fetchall()
    return [name for (name,) in rows]


def faults_of_scores(scores: pl.DataFrame) -> list[str]:
    """What cannot be true of an hour's scores, as sentences; none for good ones.

    Args:
        scores: rows of `cart_scores` of one hour.
    """
    faults = []
    for name in ("p_abandon", *_P_RETURNS):
        if not scores[name].is_between(0, 1).fill_null(False).all():
            faults.append(f"{name} is not a probability in every row")
    for sooner, later in itertools.pairwise(_P_RETURNS):
        if (scores[sooner] > scores[later]).any():
            faults.append(f"{sooner} is above {later}")
    if scores["priority_rank"].sort().to_list() != list(range(1, scores.height + 1)):
        faults.append("priority_rank does not count from 1 without a gap")
    if scores.height >= 100 and scores["p_abandon"].n_unique() == 1:
        faults.append("p_abandon is the same for every cart")
    return faults


def faults_of_export(folder: Path, hour: datetime, rows: pl.DataFrame) -> list[str]:
    """Where an exported hour differs from the table, as sentences; none for a good one.

    Args:
        folder: the exports folder; an hour too old to be kept is not in it, and has no fault.
        hour: the scored hour.
        rows: the rows to export, best first.
    """
    exported = folder / hour_name(hour)
    if not exported.exists():
        return []
    content = (exported / exports.FILE).read_bytes()
    manifest = json.loads((exported / exports.MANIFEST).read_bytes())
    faults = []
    if content != exports.to_csv(rows)[0]:
        faults.append("the file differs from the table")
    if manifest["sha256"] != hashlib.sha256(content).hexdigest():
        faults.append("the manifest tells another sha256 than the file has")
    return faults


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
        with getattr(context.resources, RUN_KEY).open_warehouse() as connection:
            files = unsettled_files(connection)
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
        with getattr(context.resources, RUN_KEY).open_warehouse() as connection:
            query = "select * from scores.cart_scores where scored_at = ?"
            scores = connection.sql(query, params=[hour]).pl()
        faults = faults_of_scores(scores)
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
        run, hour = getattr(context.resources, RUN_KEY), _hour(context)
        with run.open_warehouse() as connection:
            rows = exports.read_rows(connection, hour)
        faults = faults_of_export(run.home.exports, hour, rows)
        return dg.AssetCheckResult(passed=not faults, metadata={"faults": faults})

    return export_equals_table


def _hour(context: dg.AssetCheckExecutionContext) -> datetime:
    return from_partition_key(context.run.tags["dagster/partition"])
