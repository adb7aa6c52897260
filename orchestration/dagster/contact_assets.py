"""The step that compares contacted people with those held out.

Belongs here: the asset, its metadata and its plot. Not here: the comparison
(`modelling.contact_results`), nor the log that it reads (`outputs.exports.contact_log`).
"""

from datetime import timedelta
from typing import Any

import dagster as dg
import polars as pl

from orchestration.dagster.assets import EXPORT_OP
from orchestration.dagster.markdown import markdown_picture, markdown_table
from orchestration.dagster.shared import SCORES_GROUP, by_the_hour, hour_of, materialized, run_of
from orchestration.modelling import (
    contact_effects,
    contact_results,
    experiment_arms,
    experiment_results,
)
from orchestration.outputs.exports import contact_log
from orchestration.warehouse import database, run_log
from orchestration.warehouse.contact_tables import CAMPAIGN_RESULTS

_SHOWN_WEEKS = 8


def campaign_results_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """What contacts brought so far."""

    @dg.asset(
        name=CAMPAIGN_RESULTS.name,
        deps=[EXPORT_OP, "orders", "ordered_events", "carts", "segment_sizes"],
        group_name=SCORES_GROUP,
        description=CAMPAIGN_RESULTS.description,
        **by_the_hour(partitions),
    )
    def campaign_results(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        run, as_of = run_of(context), hour_of(context)
        with run.open_warehouse() as connection:
            not_after = run.newest_possible_hour
            keep_days = contact_effects.kept_days(run.settings)
            contact_log.drop_old(connection, as_of, not_after, keep_days)
            contact_effects.drop_old_effects(
                connection, as_of, not_after, run.settings.scores_keep_days
            )
            # one that is run again says nothing of what came of contacts since
            newest = database.newest_scored_hour(connection, not_after=not_after) or as_of
            currency = run_log.reporting_currency(connection, newest)
            results = contact_results.write_results(connection, run.settings, newest, currency)
            kept_from = newest - timedelta(days=keep_days)
            experiment_arms.drop_old(connection, run.settings.experiments, kept_from)
            tried = experiment_results.write_results(connection, run.settings, newest, currency)
        return materialized(context, {**_metadata(results), **_of_experiments(tried)})

    return campaign_results


def _of_experiments(rows: list[dict[str, object]]) -> dict[str, Any]:
    """What may be read of each arm, and a warning where nothing may be read yet."""
    if not rows:
        return {}
    names = ("experiment", "arm", "persons", "planned_persons", "conversion_rate", "reading")
    shown = pl.DataFrame([{name: row[name] for name in names} for row in rows])
    early = sorted({str(row["experiment"]) for row in rows if row["reading"] == "too_early"})
    warning = {
        "warning": "too early to stop, whatever the difference looks like: " + ", ".join(early)
    }
    return {"experiments": dg.MetadataValue.md(markdown_table(shown)), **(warning if early else {})}


def _metadata(results: pl.DataFrame) -> dict[str, Any]:
    """Counts that the UI plots over time, and the differences of the last weeks, drawn."""
    counts: dict[str, Any] = {
        "contacted_persons": int(results["contacted_persons"].sum()),
        "held_out_persons": int(results["held_out_persons"].sum()),
    }
    mature = results.filter(pl.col("is_mature")).drop_nulls("incremental_margin")
    if mature.height:  # as the report counts it; weeks stay in the currency they were written in
        newest = mature.sort("week", descending=True)["reporting_currency"][0]
        mature = mature.filter(pl.col("reporting_currency").eq_missing(pl.lit(newest)))
        counts["earned"] = float((mature["incremental_margin"] - mature["contact_cost"]).sum())
    elif results["is_mature"].any():
        counts["earned_is_known"] = "once a week has people of both arms, and rates for its orders"
    else:
        counts["earned_is_known"] = "seven days after a whole week of contacts; none is so old yet"
    shown = results.drop_nulls("difference")
    weeks = shown["week"].unique().sort().tail(_SHOWN_WEEKS)
    shown = shown.filter(pl.col("week").is_in(weeks.implode()))
    if shown.is_empty():
        return counts
    from ml import plots  # matplotlib is slow to import, and most hours draw nothing

    rows = shown.to_dicts()
    return {
        **counts,
        "by_week": dg.MetadataValue.md(markdown_table(shown)),
        "differences": dg.MetadataValue.md(
            markdown_picture("differences", plots.campaign_differences(rows))
        ),
    }
