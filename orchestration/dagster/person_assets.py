"""The models of people and their scores of the hour, as assets.

Belongs here: bodies that read, call, write and report. Not here: how anything is done
(`modelling.person_models`, `modelling.person_scores`), or the tables made of the scores
(`dbt_assets`).
"""

from datetime import datetime

import dagster as dg
import polars as pl

from orchestration.dagster import model_page
from orchestration.dagster.assets import Training
from orchestration.dagster.run import Run
from orchestration.dagster.shared import (
    MODELS_GROUP,
    SCORES_GROUP,
    by_the_hour,
    hour_of,
    materialized,
    run_of,
)
from orchestration.modelling import person_scores
from orchestration.modelling.person_models import (
    SCORING_TABLE,
    TRAINING_TABLE,
    ensure_person_models,
)
from orchestration.warehouse.person_tables import PERSON_SCORES
from orchestration.warehouse.score_tables import MODELS


def person_models_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """The models of people: made sure of in the hourly job, learned again in the train job."""

    @dg.asset(
        # the checks of the last two stop the hour before anything is learned, scored or exported
        deps=[TRAINING_TABLE, SCORING_TABLE, "person_sessions", "landed_files", "events"],
        group_name=MODELS_GROUP,
        description="The models that scores of people come from.",
        **by_the_hour(partitions),
    )
    def person_models(context: dg.AssetExecutionContext, config: Training) -> dg.MaterializeResult:
        run = run_of(context)
        with run.open_warehouse() as connection:
            found = ensure_person_models(
                connection,
                run.model_store,
                run.settings,
                hour_of(context),
                retrain=config.retrain,
            )
        metadata = {
            f"{card.name}_{name}": value
            for card, decision in found
            for name, value in model_page.metadata(
                card, decision, run.model_store.pictures(card)
            ).items()
        }
        return materialized(context, metadata)

    return person_models


def person_scores_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """The scores of people at the hour."""

    @dg.asset(
        name=PERSON_SCORES.name,
        deps=[MODELS.name, SCORING_TABLE],
        group_name=SCORES_GROUP,
        description=PERSON_SCORES.description,
        **by_the_hour(partitions),
    )
    def scores_of_people(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        scores = score_people(run_of(context), hour_of(context))
        if scores is None:
            return materialized(context, {"people": 0})
        counts = {
            f"{name}_{level}": count
            for name in ("intent_level", "value_tier")
            for level, count in scores[name].drop_nulls().value_counts().sort(name).iter_rows()
        }
        expected = float(scores["expected_value_365d"].sum() or 0)
        return materialized(
            context, {"people": scores.height, "expected_value": expected, **counts}
        )

    return scores_of_people


def score_people(run: Run, hour: datetime, beside: datetime | None = None) -> pl.DataFrame | None:
    """Score the people of an hour over the warehouse, which is not open; see `person_scores`."""
    with run.open_warehouse() as connection:
        return person_scores.score_people(
            connection, run.model_store, run.settings, hour, beside=beside
        )
