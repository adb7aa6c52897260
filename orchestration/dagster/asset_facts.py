"""What the catalogue says of every asset: its kinds, owner, tags, columns, and where its code is.

Belongs here: what follows from an asset's name and group, said once for all. Not here: what an
asset does (`assets`), or what a run adds to it.
"""

import inspect
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.dagster.dbt_assets import Translator
from orchestration.dagster.shared import MODELS_GROUP, OUTPUT_GROUP, RAW_GROUP, SCORES_GROUP
from orchestration.ground.checkout import DBT_PROJECT
from orchestration.landing import Source
from orchestration.warehouse.column_lineage import Lineage
from orchestration.warehouse.score_tables import DBT_TABLES, SCORE_TABLES
from orchestration.warehouse.segment_tables import SEGMENT_SIZES

_DATA, _SCIENCE, _MARKETING = "team:data", "team:science", "team:marketing"
_OWNERS = {
    MODELS_GROUP: _SCIENCE,
    SCORES_GROUP: _SCIENCE,
    OUTPUT_GROUP: _MARKETING,
    "people": _MARKETING,
    "segments": _MARKETING,
    "triggers": _MARKETING,
}
_KINDS = {
    "abandonment_model": {"python", "lightgbm"},
    "return_model": {"python", "lifelines"},
    "retargeting_export": {"python", "csv"},
    "delivered_exports": {"python"},
}
_PUBLISHED = {*DBT_TABLES, *(table.name for table in (*SCORE_TABLES, SEGMENT_SIZES))}
_SCHEMAS = {
    table.name: dg.TableSchema(
        [dg.TableColumn(each.name, each.type, each.description) for each in table.columns]
    )
    for table in SCORE_TABLES
}


def with_facts(
    assets: Sequence[dg.AssetsDefinition],
    manifest: Mapping[str, Any],
    sources: Mapping[str, Source],
    lineage: Lineage,
) -> list[dg.AssetsDefinition]:
    """The assets, each with what the catalogue says of it."""
    files = {
        node["name"]: node["original_file_path"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
    }
    origins = _by_asset(lineage, manifest)
    private = {(source.schema, name) for name, source in sources.items() if source.is_private}
    found = []
    for asset in assets:
        code = _python_code(asset)

        def described(spec: dg.AssetSpec, code: tuple[Path, int] = code) -> dg.AssetSpec:
            name = spec.key.path[-1]
            tags = {
                **({"published": ""} if name in _PUBLISHED else {}),
                **({"personal": ""} if tuple(spec.key.path) in private else {}),
            }
            path, line = (DBT_PROJECT / files[name], 1) if name in files else code
            place = dg.LocalFileCodeReference(
                file_path=str(path), line_number=line, label=path.name
            )
            metadata = {
                **spec.metadata,
                "dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[place]),
            }
            if name in _SCHEMAS:
                metadata["dagster/column_schema"] = _SCHEMAS[name]
            if spec.key in origins:
                metadata |= _with_origins(metadata, origins[spec.key])
            kinds = spec.kinds or _KINDS.get(name, {"python", "duckdb"})
            return spec.replace_attributes(
                kinds={*kinds},
                owners=[_OWNERS.get(spec.group_name or RAW_GROUP, _DATA)],
                tags={**spec.tags, **tags},
                metadata=metadata,
            )

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.BetaWarning)  # of code references, once per asset
            found.append(asset.map_asset_specs(described))
    return found


def _by_asset(
    lineage: Lineage, manifest: Mapping[str, Any]
) -> dict[dg.AssetKey, dg.TableColumnLineage]:
    """The lineage of columns with Dagster's keys in the place of dbt's ids."""
    translator = Translator()
    ids = {
        *lineage,
        *(each for table in lineage.values() for of in table.values() for each, _ in of),
    }
    keys = {each: translator.get_asset_spec(manifest, each, None).key for each in ids}
    return {
        keys[table]: dg.TableColumnLineage(
            {
                column: [dg.TableColumnDep(keys[each], name) for each, name in found]
                for column, found in columns.items()
            }
        )
        for table, columns in lineage.items()
    }


def _with_origins(metadata: Mapping[str, Any], lineage: dg.TableColumnLineage) -> dict[str, Any]:
    """The lineage of a table's columns, and its columns with a sentence that says it: the open UI
    shows no other lineage than that of tables."""
    columns = [
        dg.TableColumn(
            each.name,
            each.type,
            " ".join(filter(None, (each.description, _sentence(lineage, each.name)))),
        )
        for each in metadata["dagster/column_schema"].columns
    ]
    return {
        "dagster/column_schema": dg.TableSchema(columns),
        "dagster/column_lineage": lineage,
    }


def _sentence(lineage: dg.TableColumnLineage, column: str) -> str:
    """From which columns of which tables a column is made."""
    tables: dict[str, list[str]] = {}
    for each in lineage.deps_by_column.get(column, ()):
        tables.setdefault(each.asset_key.to_user_string(), []).append(each.column_name)
    named = (f"{table} ({', '.join(names)})" for table, names in tables.items())
    return f"From {', '.join(named)}." if tables else ""


def _python_code(asset: dg.AssetsDefinition) -> tuple[Path, int]:
    """File and line of the function that makes an asset."""
    function = asset.op.compute_fn.decorated_fn
    path = Path(inspect.getsourcefile(function) or "")
    return path, function.__code__.co_firstlineno
