"""Checks of the scores that stop nothing: visitors who changed, and chances that did not come true.

Belongs here: when they warn, and what the UI shows then. Not here: what is compared
(`modelling.score_health`) or the arithmetic (`ml`).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import dagster as dg
import duckdb
import polars as pl

from ml.outcomes import MAX_RATIO, is_surely_off
from orchestration.dagster.asset_checks import checked_hour, outcome
from orchestration.dagster.markdown import markdown_picture, markdown_table
from orchestration.dagster.run import RUN_KEY
from orchestration.dagster.shared import run_of
from orchestration.modelling import score_health, training
from orchestration.warehouse.contactable import IS_OF_PERSON
from orchestration.warehouse.score_tables import CART_SCORES, SCORE_OUTCOMES

SHOWN_COLUMNS = 10


def score_checks() -> list[dg.AssetChecksDefinition]:
    """The checks as Dagster runs them."""
    return [_visitors_are_as_learned(), _chances_came_true(), _chances_still_hold()]


def _visitors_are_as_learned() -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=CART_SCORES.name,
        description="A warning if features or scores of the hour are spread otherwise than at the"
        " hour at which the model was learned, by a population stability index above 0.25 and"
        " beyond chance: the visitors changed, or what the files say of them.",
        required_resource_keys={RUN_KEY},
    )
    def visitors_are_as_learned(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        run, hour = run_of(context), checked_hour(context)
        with run.open_warehouse() as connection:
            # of bots nothing was learned
            query = (
                f"select * from scores.{CART_SCORES.name} where scored_at = ? and {IS_OF_PERSON}"
            )
            scores = connection.sql(query, params=[hour]).pl()
            found = pl.concat(
                [
                    score_health.drift_of(
                        training.champion(run.model_store, each, hour), scored, scores
                    )
                    for each in training.LEARNERS
                    if (scored := training.scored_frame(connection, each)) is not None
                ]
            )
            is_drawn = _is_first_of_day(connection, hour)
        beyond = found.filter("is_beyond")
        warnings = [
            f"{column} is spread otherwise than when the model was learned (population stability"
            f" index {index:.2f}, at most {limit:.2f} is usual)"
            for column, index, limit in beyond.select("column", "index", "limit").iter_rows()
        ]
        shown = found.sort("index", descending=True).head(SHOWN_COLUMNS)
        metadata = {"compared": found.height, "largest": found["index"].max() or 0.0}
        if is_drawn and shown.height:
            metadata |= _drawn("drift", shown.select("column", "index", "limit"))
        return outcome(context, None, warnings=warnings, **metadata)

    return visitors_are_as_learned


def _chances_came_true() -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=SCORE_OUTCOMES.name,
        description="A warning if of the newest week whose outcomes are known surely over 1.25"
        " times as many carts of an age were expected to be bought as were, or 1.25 times as few:"
        " gains and ranks are wrong by as much.",
        required_resource_keys={RUN_KEY},
    )
    def chances_came_true(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        run, hour = run_of(context), checked_hour(context)
        with run.open_warehouse() as connection:
            by_age = score_health.known_outcomes(connection, hour, run.settings)
            is_drawn = _is_first_of_day(connection, hour)
        warnings = [
            f"of carts idle up to {hours:g} h, {ratio:.2f} times as many were expected to be bought"
            f" as were ({low:.2f} to {high:.2f})"
            for hours, ratio, low, high in by_age.filter("is_off")
            .select("idle_up_to_hours", "ratio", "ratio_low", "ratio_high")
            .iter_rows()
        ]
        metadata: dict[str, Any] = {
            f"ratio_up_to_{hours:g}h": ratio
            for hours, ratio in by_age.select("idle_up_to_hours", "ratio").iter_rows()
        }
        if is_drawn and by_age.height:
            metadata |= _drawn("came_true", by_age)
        return outcome(context, None, warnings=warnings, **metadata)

    return chances_came_true


def _chances_still_hold() -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=SCORE_OUTCOMES.name,
        description="A warning if within 24 hours surely over 1.25 times as many or as few carts"
        " were bought as scores of the days before would have it: the rate of buying changed, two"
        " days before models can learn it.",
        required_resource_keys={RUN_KEY},
    )
    def chances_still_hold(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        run, hour = run_of(context), checked_hour(context)
        with run.open_warehouse() as connection:
            found = score_health.early_outcomes(connection, hour, run.settings)
        if found is None:
            return outcome(context, None, warnings=[])
        warnings = [
            f"of carts scored a day ago, {found.estimate:.2f} times as many were expected to be"
            f" bought by now as were ({found.low:.2f} to {found.high:.2f}), measured by the week"
            " before; as soon as outcomes are known: comeback train --recalibrate-only"
        ]
        return outcome(
            context,
            None,
            warnings=warnings if is_surely_off(found, MAX_RATIO) else [],
            ratio=found.estimate,
            ratio_low=found.low,
            ratio_high=found.high,
        )

    return chances_still_hold


def _drawn(name: str, table: pl.DataFrame) -> dict[str, Any]:
    """A table and its picture, once a day: a picture an hour would fill Dagster's disk."""
    from ml import plots  # matplotlib is slow to import, and most hours draw nothing

    draw: Callable[..., bytes] = getattr(plots, name)
    png = draw(table.to_dicts())
    return {
        "table": dg.MetadataValue.md(markdown_table(table)),
        "picture": dg.MetadataValue.md(markdown_picture(name, png)),
    }


def _is_first_of_day(connection: duckdb.DuckDBPyConnection, hour: datetime) -> bool:
    """Whether no hour before it was scored that day."""
    query = (
        f"select count(*) from scores.{CART_SCORES.name}"
        " where scored_at >= date_trunc('day', ?::timestamp) and scored_at < ?"
    )
    return connection.execute(query, [hour, hour]).fetchall() == [(0,)]
