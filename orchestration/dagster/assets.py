"""The assets beside dbt's: raw files, the two models, scores, what is exported and published.

Belongs here: which asset rests on which, and bodies that read, call, write and report. Not here:
how anything is done; that is in the plain modules the bodies call. dbt's models are in
`dbt_assets`, checks in `asset_checks`.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, timedelta
from functools import partial
from typing import Any

import dagster as dg
import polars as pl
from pydantic import Field

from ml import evaluation
from orchestration.dagster import erase_steps, expiry_steps, model_page
from orchestration.dagster.export_facts import export_metadata
from orchestration.dagster.markdown import markdown_picture, markdown_table
from orchestration.dagster.run import RUN_KEY
from orchestration.dagster.score_facts import contacts_metadata
from orchestration.dagster.shared import (
    HOURLY_JOB,
    MODELS_GROUP,
    OUTPUT_GROUP,
    RAW_GROUP,
    SCORES_GROUP,
    TRAIN_JOB,
    by_the_hour,
    hour_of,
    materialized,
    run_of,
)
from orchestration.ground.hours import iso, utc_now
from orchestration.landing import Source
from orchestration.landing.locations import (
    Location,
    configured_locations,
    land_locations,
    remember_locations,
    with_placeholders,
)
from orchestration.modelling import contact_effects, scoring, training, written_scores
from orchestration.modelling.holdout_arms import holdout_key
from orchestration.modelling.training import Learner
from orchestration.outputs.hour_files import write_exports
from orchestration.people import vault
from orchestration.people.known_at import know_people_at, refused_until
from orchestration.warehouse import (
    audit_log,
    corrected_files,
    database,
    dbt_build,
    dbt_manifest,
    outcomes,
    run_log,
)
from orchestration.warehouse.freshness import freshness
from orchestration.warehouse.score_tables import (
    CART_SCORES,
    MODELS,
    SCORE_OUTCOMES,
)

LANDING_OP = "landing"
EXPORT_OP = "retargeting_export"
LOG_WATERMARK = dg.AssetKey("log_watermark")
OUTCOME_WEEKS = 8


class Landing(dg.Config):
    """What to land; without addresses, every source's configured folder.

    Attributes:
        addresses: files or folders, local or fsspec.
        source: the source they belong to.
    """

    addresses: list[str] = Field(default_factory=list)
    source: str = ""


class Training(dg.Config):
    """What to do although there is a champion.

    Attributes:
        retrain: learn a challenger.
        recalibrate: bring the champion to the newest days, and learn nothing.
    """

    retrain: bool = False
    recalibrate: bool = False


class Exporting(dg.Config):
    """Exports of which somebody said that the removals are meant."""

    accept_removals: list[str] = Field(default_factory=list)


def raw_assets(sources: Mapping[str, Source]) -> dg.AssetsDefinition:
    """Landing: one asset per source, the key being that of the dbt source."""
    specs = [
        dg.AssetSpec(
            [source.schema, name],
            group_name=RAW_GROUP,
            description=f"Rows of the source {name} as delivered, each file once by content.",
        )
        for name, source in sources.items()
    ]

    @dg.multi_asset(specs=specs, name=LANDING_OP, required_resource_keys={RUN_KEY})
    def landing(context: dg.AssetExecutionContext, config: Landing) -> Iterator[Any]:
        run = run_of(context)
        locations = configured_locations(run.home, run.settings, sources)
        if config.addresses:
            locations = [Location(each, config.source) for each in config.addresses]
            remember_locations(run.home, locations)
        with run.open_warehouse() as connection:
            known = with_placeholders(sources, run.settings)
            landed = land_locations(
                connection,
                run.home,
                known,
                locations,
                utc_now().replace(tzinfo=UTC),
                follow_symlinks=run.settings.follow_symlinks,
            )
            vault.settle(connection, known, run.settings)
            if landed.height:
                corrected_files.set_aside_former(connection, known)
                database.checkpoint(connection, run.settings)
        run.note(files_landed=landed.height, rows_read=landed["rows_read"].sum())
        erase_steps.leave_out_returned(run)
        if context.job_name == HOURLY_JOB:
            erase_steps.erase_requested(run)
            expiry_steps.expire(run, hour_of(context))
        for spec in specs:
            own = landed.filter(source=spec.key.path[-1])
            metadata: dict[str, Any] = {
                "files": own.height,
                "files_skipped": own["skipped_reason"].count(),
                "rows_read": int(own["rows_read"].sum()),
            }
            if own.height:
                metadata["landed"] = dg.MetadataValue.md(markdown_table(own))
            yield materialized(context, metadata, spec.key)

    return landing


def watermark_asset(sources: Mapping[str, Source]) -> dg.AssetsDefinition:
    """The time of the newest event, which `latest` is read from before the hour runs."""

    @dg.asset(
        key=LOG_WATERMARK,
        deps=[[source.schema, name] for name, source in sources.items()],
        group_name=RAW_GROUP,
        description="Time of the newest event of the log. Built by the job land.",
        required_resource_keys={RUN_KEY},
    )
    def log_watermark(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        run = run_of(context)
        # to know the newest event it is enough to know the duplicates; the hour builds the log
        built = dbt_build.build(
            run.home, run.settings, as_of=None, command="run", select=["+duplicate_rows"]
        )
        built.require_success()
        with run.open_warehouse() as connection:
            newest = database.newest_event(
                connection, not_after=utc_now() + timedelta(minutes=run.settings.clock_skew_minutes)
            )
        run.finish()
        return materialized(context, {"newest_event": iso(newest) if newest else ""})

    return log_watermark


def model_asset(
    learner: Learner, partitions: dg.PartitionsDefinition, description: str
) -> dg.AssetsDefinition:
    """A learned model: made sure of in the hourly job, challenged in the train job."""

    @dg.asset(
        name=f"{learner.name}_model",
        # the checks of these two stop the hour before anything is learned, scored or exported
        deps=[learner.table, "landed_files", "events"],
        group_name=MODELS_GROUP,
        description=description,
        **by_the_hour(partitions),
    )
    def model(context: dg.AssetExecutionContext, config: Training) -> dg.MaterializeResult:
        run = run_of(context)
        with run.open_warehouse() as connection:
            if config.recalibrate:
                card, decision = training.recalibrate(connection, run.model_store, hour_of(context))
            else:
                card, decision = training.ensure_champion(
                    connection,
                    run.model_store,
                    learner,
                    run.settings,
                    hour_of(context),
                    retrain=config.retrain,
                )
        pictures = run.model_store.pictures(card)
        return materialized(context, model_page.metadata(card, decision, pictures))

    return model


def models_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """The table of all models."""

    @dg.asset(
        name=MODELS.name,
        deps=[*(f"{learner.name}_model" for learner in training.LEARNERS), "person_models"],
        group_name=MODELS_GROUP,
        description=MODELS.description,
        **by_the_hour(partitions),
    )
    def models(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        run = run_of(context)
        with run.open_warehouse() as connection:
            rows = training.write_models(
                connection, run.model_store, not_after=run.newest_possible_hour
            )
        if context.job_name == TRAIN_JOB:
            run.finish()
        return materialized(context, {"models": rows})

    return models


def cart_scores_asset(
    partitions: dg.PartitionsDefinition, manifest: Mapping[str, Any]
) -> dg.AssetsDefinition:
    """The scores of the hour."""

    @dg.asset(
        name=CART_SCORES.name,
        deps=[MODELS.name, "scoring_snapshots", "scoring_returns", "sessions"],
        group_name=SCORES_GROUP,
        description=CART_SCORES.description,
        **by_the_hour(partitions),
    )
    def cart_scores(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        run, as_of = run_of(context), hour_of(context)
        with run.open_warehouse() as connection:
            frames = scoring.read_frames(connection, as_of)
            abandonment = training.champion(run.model_store, training.ABANDONMENT, as_of)
            returning = training.champion(run.model_store, training.RETURN, as_of)
            options = {
                "settings": contact_effects.measured(connection, run.settings, as_of),
                "holdout_key": holdout_key(run.home, run.settings),
                "phrases": dbt_manifest.reason_phrases(manifest),
                "is_stale": freshness(connection, as_of, run.settings).is_stale,
            }
            scored = written_scores.scored_once(
                connection,
                as_of,
                run.run_id,
                run.settings,
                partial(scoring.score, frames, abandonment, returning, as_of=as_of, **options),
                made_of=scoring.made_of(frames, abandonment, returning, options),
                not_after=run.newest_possible_hour,
                reporting_currency=frames.reporting_currency,
            )
        return materialized(
            context,
            {
                "carts_scored": scored.scores.height,
                "reporting_currency": frames.reporting_currency or "",
                "plans_new_or_changed": scored.plans.height,
                **contacts_metadata(scored.scores, as_of),
            },
        )

    return cart_scores


def score_outcomes_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """What became of the scores so far."""

    @dg.asset(
        name=SCORE_OUTCOMES.name,
        deps=[CART_SCORES.name, "visitor_orders", "cart_touches"],
        group_name=SCORES_GROUP,
        description=SCORE_OUTCOMES.description,
        **by_the_hour(partitions),
    )
    def score_outcomes(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        run = run_of(context)
        with run.open_warehouse() as connection:
            followed = outcomes.follow_log(connection, run.settings)
            weekly = pl.DataFrame()
            if followed.is_day_over:
                weekly = outcomes.weekly_outcomes(connection, OUTCOME_WEEKS)
        return materialized(
            context, {"outcomes_changed": followed.changed, **_outcome_metadata(weekly)}
        )

    return score_outcomes


def retargeting_export_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """The CSV files of the hour."""

    @dg.asset(
        name=EXPORT_OP,
        deps=[CART_SCORES.name, "segment_sizes"],
        group_name=OUTPUT_GROUP,
        description="CSV files of the hour for e-mail and ads tools; people held out are left out.",
        **by_the_hour(partitions),
    )
    def retargeting_export(
        context: dg.AssetExecutionContext, config: Exporting
    ) -> dg.MaterializeResult:
        run, as_of = run_of(context), hour_of(context)
        with run.open_warehouse() as connection:
            know_people_at(connection, as_of, refused_until(connection, as_of))
            export = write_exports(
                connection,
                run.home,
                as_of,
                run.settings,
                models={
                    each.name: run.model_store.champion(each.name, as_of)
                    for each in training.LEARNERS
                },
                is_stale=freshness(connection, as_of, run.settings).is_stale,
                reporting_currency=run_log.reporting_currency(connection, as_of),
                not_after=run.newest_possible_hour,
                accepted=config.accept_removals,
            )
            audit_log.note_export(connection, utc_now(), export.files, config.accept_removals)
        return materialized(
            context,
            {
                "file": dg.MetadataValue.path(run.home.exports / export.path),
                "rows": export.rows,
                "rows_with_ids_like_formulas": export.withheld,
                "sha256": export.sha256,
                "exports": dg.MetadataValue.json(export.exports),
                **export_metadata(export.exports),
            },
        )

    return retargeting_export


def _outcome_metadata(weekly: pl.DataFrame) -> dict[str, Any]:
    """Predicted against observed, drawn once a day: a picture an hour would fill Dagster's disk."""
    if weekly.is_empty():
        return {}
    from ml import plots  # matplotlib is slow to import, and most hours draw nothing

    table = evaluation.outcomes_table(weekly)
    newest = table.row(-1, named=True)
    png = plots.outcomes(table.to_dicts())
    return {
        "predicted_abandoned": newest["mean_predicted"],
        "observed_abandoned": newest["mean_observed"],
        "by_week": dg.MetadataValue.md(markdown_table(table)),
        "outcomes": dg.MetadataValue.md(markdown_picture("outcomes", png)),
    }
