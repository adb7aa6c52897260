"""The asset graph: raw files, dbt models, the two models, scores, what is published.

Belongs here: which asset rests on which, and bodies that read, call, write and report. Not here:
how anything is done; that is in the plain modules the bodies call. Checks are in `checks`.
"""

import warnings
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import duckdb
import polars as pl
from dagster_dbt import DagsterDbtTranslator, dbt_assets
from dagster_dbt.asset_utils import get_asset_check_key_for_test
from pydantic import Field

from ml.card import ModelCard
from orchestration import (
    exports,
    late_data,
    publication,
    scoring,
    training,
    transform,
    warehouse,
)
from orchestration.figures import markdown_picture, markdown_table
from orchestration.hours import from_partition_key, iso
from orchestration.intake import Delivery, land_deliveries, note_deliveries, standing_deliveries
from orchestration.landing import Source
from orchestration.registry import Decision
from orchestration.resources import RUN_KEY
from orchestration.running import Run
from orchestration.settings import Settings
from orchestration.tables import CART_SCORES, LATE_DATA_REPORT, MODELS
from orchestration.training import Learner

# Said once per asset; a backfill takes one hour after the other or its order is lost.
warnings.filterwarnings("ignore", "Parameter `backfill_policy`", dg.BetaWarning)

HOURLY_JOB = "hourly"
TRAIN_JOB = "train"
LAND_JOB = "land"
LANDING_OP = "landing"

LOG_WATERMARK = dg.AssetKey("log_watermark")
RAW_GROUP, MODELS_GROUP, SCORES_GROUP, OUTPUT_GROUP = "raw", "models", "scores", "output"
TOP_ROWS = 10


class Landing(dg.Config):
    """What to land; without addresses, every source's standing folder.

    Attributes:
        addresses: files or folders, local or fsspec.
        source: the source they belong to.
    """

    addresses: list[str] = Field(default_factory=list)
    source: str = ""


class Training(dg.Config):
    """Whether to learn anew although there is a champion."""

    retrain: bool = False


def hourly_partitions(settings: Settings) -> dg.HourlyPartitionsDefinition:
    """One partition per scored hour; its key is the hour itself, not the hour's beginning.

    The last partition may lie up to two hours ahead: the first full hour at or after the newest
    event is the coming one, and an event may be dated a few minutes after its landing.
    """
    start = datetime.combine(settings.partitions_start, datetime.min.time())
    return dg.HourlyPartitionsDefinition(start_date=start, timezone="UTC", end_offset=3)


def raw_assets(sources: Mapping[str, Source]) -> dg.AssetsDefinition:
    """Landing: one asset per source, the key being that of the dbt source."""
    specs = [
        dg.AssetSpec(
            ["raw", name],
            group_name=RAW_GROUP,
            description=f"Rows of the source {name} as delivered, each file once by content.",
        )
        for name in sources
    ]

    @dg.multi_asset(specs=specs, name=LANDING_OP, required_resource_keys={RUN_KEY})
    def landing(context: dg.AssetExecutionContext, config: Landing) -> Iterator[Any]:
        run = _run(context)
        deliveries = standing_deliveries(run.home, run.settings, sources)
        if config.addresses:
            deliveries = [Delivery(each, config.source) for each in config.addresses]
            note_deliveries(run.home, deliveries)
        with run.open_warehouse() as connection:
            landed = land_deliveries(connection, run.home, sources, deliveries, datetime.now(UTC))
        run.note(files_landed=landed.height, rows_read=landed["rows_read"].sum())
        for spec in specs:
            own = landed.filter(source=spec.key.path[-1])
            yield dg.MaterializeResult(
                asset_key=spec.key,
                metadata={
                    "files": own.height,
                    "rows_read": int(own["rows_read"].sum()),
                    "landed": dg.MetadataValue.md(markdown_table(own)),
                },
            )

    return landing


def watermark_asset(sources: Mapping[str, Source]) -> dg.AssetsDefinition:
    """The time of the newest event; what tells `latest` after landing and before the hour."""

    @dg.asset(
        key=LOG_WATERMARK,
        deps=[["raw", name] for name in sources],
        group_name=RAW_GROUP,
        description="Time of the newest event of the log. Built by the job land.",
        required_resource_keys={RUN_KEY},
    )
    def log_watermark(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        run = _run(context)
        # which rows are events is enough to tell the newest; the hour builds the log
        built = transform.build(
            run.home, run.settings, as_of=None, command="run", select=["+duplicate_rows"]
        )
        built.require_success()
        with run.open_warehouse() as connection:
            newest = warehouse.newest_event(connection)
        run.finish()
        return dg.MaterializeResult(metadata={"newest_event": iso(newest) if newest else ""})

    return log_watermark


def dbt_models(
    manifest: Mapping[str, Any], partitions: dg.PartitionsDefinition
) -> dg.AssetsDefinition:
    """Every model of the dbt project, and every test as a check that blocks what follows."""
    translator = Translator()

    @dbt_assets(
        manifest=manifest,
        name="dbt_models",
        dagster_dbt_translator=translator,
        **_by_the_hour(partitions),
    )
    def dbt_project(context: dg.AssetExecutionContext) -> Iterator[Any]:
        run = _run(context)
        select = _selected_models(context, manifest, translator)
        built = transform.build(run.home, run.settings, as_of=_as_of(context), select=select)
        with run.open_warehouse() as connection:
            figures = _table_figures(connection, run, built)
        for node in built.nodes:
            yield from _dbt_events(context, node, figures, manifest, translator)
        built.require_success()

    return dbt_project


class Translator(DagsterDbtTranslator):
    """dbt's models as assets: the folder is the group."""

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """`models/carts/carts.sql` belongs to the group `carts`."""
        return dbt_resource_props["fqn"][1]

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The description alone; the SQL is in the repository."""
        return dbt_resource_props.get("description", "")


def model_asset(learner: Learner, partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """A learned model: made sure of in the hourly job, learned anew in the train job."""

    @dg.asset(
        name=f"{learner.name}_model",
        deps=[learner.table],
        group_name=MODELS_GROUP,
        description=f"The {learner.name} model that scores come from.",
        **_by_the_hour(partitions),
    )
    def model(context: dg.AssetExecutionContext, config: Training) -> dg.MaterializeResult:
        run = _run(context)
        with run.open_warehouse() as connection:
            card, decision = training.ensure_champion(
                connection,
                run.registry,
                learner,
                run.settings,
                _as_of(context),
                retrain=config.retrain,
            )
        return dg.MaterializeResult(metadata=_card_metadata(run, card, decision))

    return model


def models_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """The table of all models."""

    @dg.asset(
        name=MODELS.name,
        deps=[f"{learner.name}_model" for learner in training.LEARNERS],
        group_name=MODELS_GROUP,
        description=MODELS.description,
        **_by_the_hour(partitions),
    )
    def models(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        run = _run(context)
        with run.open_warehouse() as connection:
            rows = training.write_models(connection, run.registry)
        if context.job_name == TRAIN_JOB:
            run.finish()
        return dg.MaterializeResult(metadata={"models": rows})

    return models


def cart_scores_asset(
    partitions: dg.PartitionsDefinition, manifest: Mapping[str, Any]
) -> dg.AssetsDefinition:
    """The scores of the hour."""

    @dg.asset(
        name=CART_SCORES.name,
        deps=[MODELS.name, "scoring_snapshots", "scoring_returns"],
        group_name=SCORES_GROUP,
        description=CART_SCORES.description,
        **_by_the_hour(partitions),
    )
    def cart_scores(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        run, as_of = _run(context), _as_of(context)
        with run.open_warehouse() as connection:
            scores = scoring.score(
                scoring.read_frames(connection, as_of),
                training.champion(run.registry, training.ABANDONMENT, as_of),
                training.champion(run.registry, training.RETURN, as_of),
                as_of=as_of,
                settings=run.settings,
                phrases=transform.reason_phrases(manifest),
            )
            scoring.write_scores(connection, scores, as_of, run.run_id, run.settings)
        top = scores.sort("priority_rank").head(TOP_ROWS)
        return dg.MaterializeResult(
            metadata={
                "carts_scored": scores.height,
                "worth_contacting": scores.filter(pl.col("best_action") != "nothing").height,
                "top": dg.MetadataValue.md(markdown_table(top.select(scoring.SHOWN_COLUMNS))),
            }
        )

    return cart_scores


def retargeting_export_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """The CSV files of the hour."""

    @dg.asset(
        deps=[CART_SCORES.name],
        group_name=OUTPUT_GROUP,
        description="CSV files of the hour for e-mail and ads tools; people held out are left out.",
        **_by_the_hour(partitions),
    )
    def retargeting_export(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        run, as_of = _run(context), _as_of(context)
        with run.open_warehouse() as connection:
            rows = exports.read_rows(connection, as_of)
        export = exports.write_export(
            run.home.exports,
            as_of,
            rows,
            models={
                each.name: run.registry.champion(each.name, as_of) for each in training.LEARNERS
            },
            settings_digest=run.settings.digest,
            keep_hours=run.settings.exports_keep_hours,
        )
        return dg.MaterializeResult(
            metadata={
                "file": dg.MetadataValue.path(run.home.exports / export.path),
                "rows": export.rows,
                "withheld": export.withheld,
                "sha256": export.sha256,
            }
        )

    return retargeting_export


def published_database_asset(
    partitions: dg.PartitionsDefinition,
) -> dg.AssetsDefinition:
    """The database of the analysts; the last step of an hour."""

    @dg.asset(
        deps=["retargeting_export", *publication.DBT_TABLES],
        group_name=OUTPUT_GROUP,
        description="published/analytics.duckdb, replaced whole at the end of an hour.",
        **_by_the_hour(partitions),
    )
    def published_database(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        run = _run(context)
        with run.finishing(), run.open_warehouse() as connection:
            rows = publication.publish(connection, run.home.published)
            figures = publication.headline_figures(connection)
        return dg.MaterializeResult(
            metadata={
                "file": dg.MetadataValue.path(run.home.published),
                "rows": dg.MetadataValue.json(rows),
                **figures,
            }
        )

    return published_database


def _by_the_hour(partitions: dg.PartitionsDefinition) -> dict[str, Any]:
    """What all assets of the hour share; a backfill takes one hour after the other."""
    return {
        "partitions_def": partitions,
        "backfill_policy": dg.BackfillPolicy.multi_run(1),
        "required_resource_keys": {RUN_KEY},
    }


def _selected_models(
    context: dg.AssetExecutionContext, manifest: Mapping[str, Any], translator: Translator
) -> list[str]:
    """dbt's names of the models that are asked for; none when all are."""
    if not context.is_subset:
        return []
    return [
        node["name"]
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "model"
        and translator.get_asset_spec(manifest, unique_id, None).key in context.selected_asset_keys
    ]


def _table_figures(
    connection: duckdb.DuckDBPyConnection, run: Run, built: transform.BuildResult
) -> dict[str, dict[str, Any]]:
    """What the UI shows of each table that dbt built: its rows; of the late data, the report."""
    rows = warehouse.row_counts(connection)
    figures: dict[str, dict[str, Any]] = {
        name: {"dagster/row_count": count} for name, count in rows.items()
    }
    if not built.bad and LATE_DATA_REPORT in figures:
        late_data.count_withdrawn(connection, run.home.published)
        report = late_data.newest_report(connection)
        figures[LATE_DATA_REPORT] |= {
            name: iso(value) if isinstance(value, datetime) else value
            for name, value in report.items()
        }
    return figures


def _dbt_events(
    context: dg.AssetExecutionContext,
    node: transform.NodeResult,
    figures: Mapping[str, Mapping[str, Any]],
    manifest: Mapping[str, Any],
    translator: Translator,
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """What a dbt node means to Dagster: a model that was built, or a test as the check it is."""
    kind = node.unique_id.split(".")[0]
    if kind == "model" and node.is_good:
        key = translator.get_asset_spec(manifest, node.unique_id, None).key
        metadata = {"seconds": node.seconds, **figures.get(key.path[-1], {})}
        yield dg.MaterializeResult(asset_key=key, metadata=metadata)
    if kind == "test" and node.status != "skipped":
        key = get_asset_check_key_for_test(manifest, translator, node.unique_id, None)
        if key in context.selected_asset_check_keys:
            yield dg.AssetCheckResult(
                asset_key=key.asset_key,
                check_name=key.name,
                passed=node.status == "pass",
                severity=_severity(node),
                metadata={"failures": node.failures or 0, "message": node.message},
            )


def _severity(node: transform.NodeResult) -> dg.AssetCheckSeverity:
    is_warning = node.status == "warn"
    return dg.AssetCheckSeverity.WARN if is_warning else dg.AssetCheckSeverity.ERROR


def _card_metadata(run: Run, card: ModelCard, decision: Decision | None) -> dict[str, Any]:
    """A model's card as metadata: figures that the UI plots over time, and its plots."""
    return {
        "model_id": card.model_id,
        "kind": card.kind,
        "decision": decision.reason if decision else "kept; nothing was learned",
        "trained_as_of": iso(card.trained_as_of),
        "rows": card.row_count,
        "note": card.note,
        **card.figures,
        **{
            name: dg.MetadataValue.md(markdown_picture(name, png))
            for name, png in run.registry.pictures(card).items()
        },
    }


def _run(context: dg.AssetExecutionContext) -> Run:
    return getattr(context.resources, RUN_KEY)


def _as_of(context: dg.AssetExecutionContext) -> datetime:
    return from_partition_key(context.partition_key)
