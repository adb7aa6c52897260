"""The dbt project as assets: a model is an asset, a data test a check that blocks what follows.

Belongs here: how dbt's nodes and their outcomes appear in Dagster. Not here: running dbt
(`warehouse.dbt_build`), or the other assets (`assets`).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator, dbt_assets
from dagster_dbt.asset_utils import get_asset_check_key_for_test

from orchestration.dagster.person_assets import score_people
from orchestration.dagster.shared import by_the_hour, hour_of, materialized, run_of
from orchestration.ground.hours import iso
from orchestration.warehouse import database, dbt_build, late_data, suspect_files
from orchestration.warehouse.build_result import NodeResult
from orchestration.warehouse.dbt_build import SECOND_STEP
from orchestration.warehouse.dbt_manifest import PACKAGE
from orchestration.warehouse.people_build import build_people
from orchestration.warehouse.score_tables import LATE_DATA_REPORT

LANDED_FILES = "landed_files"
SHOWN_FILES = 10


def dbt_models(
    manifest: Mapping[str, Any], partitions: dg.PartitionsDefinition
) -> dg.AssetsDefinition:
    """Every model that reads no scores, and every test as a check that blocks what follows."""
    translator = Translator()

    @dbt_assets(
        manifest=manifest,
        exclude=" ".join(SECOND_STEP),
        name="dbt_models",
        dagster_dbt_translator=translator,
        **by_the_hour(partitions),
    )
    def dbt_project(context: dg.AssetExecutionContext) -> Iterator[Any]:
        run = run_of(context)
        select = _selected_models(context, manifest, translator)
        built = dbt_build.build(run.home, run.settings, as_of=hour_of(context), select=select)
        with run.open_warehouse() as connection:
            if not built.bad:
                late_data.count_withdrawn(connection, run.home.published)
            metadata = table_metadata(connection)
        for name in built.unchanged:
            yield _unchanged(context, name, metadata, manifest, translator)
        for node in built.nodes:
            yield from _dbt_events(context, node, metadata, manifest, translator)
        built.require_success()

    return dbt_project


def people_models(
    manifest: Mapping[str, Any], partitions: dg.PartitionsDefinition
) -> dg.AssetsDefinition:
    """The models that read the scores of the hour: people, segments and what rests on them."""
    translator = Translator()

    @dbt_assets(
        manifest=manifest,
        select=" ".join(SECOND_STEP),
        name="people_models",
        dagster_dbt_translator=translator,
        **by_the_hour(partitions),
    )
    def people_project(context: dg.AssetExecutionContext) -> Iterator[Any]:
        run = run_of(context)
        select = _selected_models(context, manifest, translator)
        built = build_people(
            run.home, run.settings, hour_of(context), partial(score_people, run), select
        )
        with run.open_warehouse() as connection:
            metadata = table_metadata(connection)
        for name in built.unchanged:
            yield _unchanged(context, name, metadata, manifest, translator)
        for node in built.nodes:
            yield from _dbt_events(context, node, metadata, manifest, translator)
        built.require_success()

    return people_project


class Translator(DagsterDbtTranslator):
    """dbt's models as assets: the folder is the group."""

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """`models/carts/carts.sql` belongs to the group `carts`."""
        return dbt_resource_props["fqn"][1]

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The description alone; the SQL is in the repository."""
        return dbt_resource_props.get("description", "")


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


def table_metadata(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    """What the UI shows of each table that dbt built: its rows; of the late data, the report; of
    the files, those that lost rows."""
    metadata: dict[str, dict[str, Any]] = {
        name: {"dagster/row_count": count}
        for name, count in database.row_counts(connection).items()
    }
    if LATE_DATA_REPORT in metadata:
        metadata[LATE_DATA_REPORT] |= {
            name: iso(value) if isinstance(value, datetime) else value
            for name, value in late_data.newest_report(connection).items()
        }
    if LANDED_FILES in metadata:
        metadata[LANDED_FILES]["lost_rows"] = _lost_rows(connection)
    return metadata


def _lost_rows(connection: duckdb.DuckDBPyConnection) -> dg.TableMetadataValue:
    columns = ("file", "source", "read", "dropped")
    lossy = suspect_files.that_lost_rows(connection, SHOWN_FILES)
    records = [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in lossy]
    return dg.MetadataValue.table(
        records, dg.TableSchema([dg.TableColumn(name) for name in columns])
    )


def _dbt_events(
    context: dg.AssetExecutionContext,
    node: NodeResult,
    tables: Mapping[str, Mapping[str, Any]],
    manifest: Mapping[str, Any],
    translator: Translator,
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """What a dbt node means to Dagster: a model that was built, or a test as the check it is."""
    kind = node.unique_id.split(".")[0]
    if kind == "model" and node.is_good:
        key = translator.get_asset_spec(manifest, node.unique_id, None).key
        metadata = {"seconds": node.seconds, **tables.get(key.path[-1], {})}
        yield materialized(context, metadata, key)
    if kind == "test" and node.status != "skipped":
        key = get_asset_check_key_for_test(manifest, translator, node.unique_id, None)
        if key in context.selected_asset_check_keys:
            message = {"message": node.message} if node.message else {}
            yield dg.AssetCheckResult(
                asset_key=key.asset_key,
                check_name=key.name,
                passed=node.status == "pass",
                severity=_severity(node),
                metadata={"failures": node.failures or 0, **message},
            )


def _unchanged(
    context: dg.AssetExecutionContext,
    name: str,
    tables: Mapping[str, Mapping[str, Any]],
    manifest: Mapping[str, Any],
    translator: Translator,
) -> dg.MaterializeResult:
    """A model that building it again would leave as it is: of this hour, too."""
    key = translator.get_asset_spec(manifest, f"model.{PACKAGE}.{name}", None).key
    reason = "no file, no SQL and no setting is another one since it was built"
    return materialized(context, {"unchanged": reason, **tables.get(name, {})}, key)


def _severity(node: NodeResult) -> dg.AssetCheckSeverity:
    is_warning = node.status == "warn"
    return dg.AssetCheckSeverity.WARN if is_warning else dg.AssetCheckSeverity.ERROR
