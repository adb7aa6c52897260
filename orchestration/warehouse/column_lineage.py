"""Which columns the columns of dbt's tables are made from, kept beside the parsed project.

Belongs here: reading it out of the SQL that dbt compiles, once for each project and settings, and
keeping it. Not here: going through one query (`column_origins`), or showing it (`dagster`).

No hour reads it, for the catalogue alone shows it; and it is the same in each.
"""

import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from orchestration.ground.errors import ComebackError
from orchestration.ground.files import replace_file
from orchestration.ground.home import Home
from orchestration.ground.project import project_of
from orchestration.ground.settings import Settings
from orchestration.warehouse import dbt_build
from orchestration.warehouse.dbt_manifest import FINGERPRINT, parsed_project, uncompiled

logger = logging.getLogger(__name__)

# By dbt's ids: model -> column -> the models or sources and their columns that it is made from.
Lineage = dict[str, dict[str, list[tuple[str, str]]]]

# What landing adds to the columns that a source declares.
_LANDED_COLUMNS = ("_load_id", "_line", "_extra")


def column_lineage(home: Home, settings: Settings, manifest: Mapping[str, Any]) -> Lineage:
    """The lineage of every column of dbt's models that are tables or views; none if dbt cannot
    compile them: the catalogue is worth having without it.

    Args:
        home: whose project; parsed, as `prepare_manifest` leaves it.
        settings: what the shop has set.
        manifest: the parsed project.
    """
    path = home.dbt / "column_lineage.json"
    fingerprint = (home.dbt / FINGERPRINT).read_text()
    if path.exists():
        kept = json.loads(path.read_bytes())
        if kept["fingerprint"] == fingerprint:
            return kept["lineage"]
    logger.info("Reading from the SQL which columns each column is made from.")
    try:
        compiled = _compiled(home, settings)
    except ComebackError as error:
        logger.warning("No lineage of columns: %s", error)
        return {}
    lineage = lineage_of(manifest, compiled)
    content = {"fingerprint": fingerprint, "lineage": lineage}
    replace_file(path, json.dumps(content, separators=(",", ":"), sort_keys=True).encode())
    return lineage


def lineage_of(manifest: Mapping[str, Any], compiled: Mapping[str, str]) -> Lineage:
    """The lineage of models whose SQL is given; a model whose SQL cannot be read has none.

    Args:
        manifest: the parsed project.
        compiled: SQL of models by dbt's id.
    """
    from orchestration.warehouse.column_origins import Tables

    ids, columns = {}, {}
    for node in (*manifest["sources"].values(), *manifest["nodes"].values()):
        if node["resource_type"] in ("source", "model"):
            added = _LANDED_COLUMNS if node["resource_type"] == "source" else ()
            place = (node["schema"], node.get("identifier") or node["name"])
            ids[place] = node["unique_id"]
            columns[place] = [*node["columns"], *added]
    logging.getLogger("sqlglot").setLevel(logging.WARNING)  # else a line for each place in a list
    tables = Tables(columns)
    lineage: Lineage = {}
    for unique_id, sql in sorted(compiled.items()):
        try:
            origins = tables.origins(sql)
        except Exception as error:  # of a shop's own SQL, in which there may be anything
            # the parser underlines the place, for a terminal
            plain = re.sub(r"\x1b\[\d*m", "", str(error))
            reason = " ".join(f"{type(error).__name__}: {plain}".split())[:200]
            is_shown = logger.isEnabledFor(logging.DEBUG)
            logger.warning(
                "No lineage of the columns of %s: %s", unique_id, reason, exc_info=is_shown
            )
            continue
        lineage[unique_id] = {
            name: [(ids[each.schema, each.table], each.column) for each in found]
            for name, found in origins.items()
        }
    return lineage


def _compiled(home: Home, settings: Settings) -> dict[str, str]:
    """The SQL of each table and view by dbt's id, as a build from nothing runs it; none is run."""
    project = project_of(home)
    args = dbt_build.dbt_args(
        "compile",
        project=project,
        target=home.dbt,
        variables=dbt_build.dbt_vars(settings, project=project),
        select=["resource_type:model"],
        exclude=["config.materialized:ephemeral"],
    )
    parsed = uncompiled(parsed_project(home.dbt, (home.dbt / FINGERPRINT).read_text()))
    with TemporaryDirectory(dir=home.temporary) as folder:
        results = dbt_build.invoke(home, settings, args, parsed, Path(folder) / "empty.duckdb")
    # with models dbt compiles their tests
    models = (each.node for each in results if each.node.resource_type == "model")
    return {each.unique_id: each.compiled_code for each in models}
