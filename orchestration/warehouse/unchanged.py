"""What a build is made from, and what it leaves as it is because nothing came since the last one.

Belongs here: which sources a build reads, whether it would find all tables of the log as they are,
and which models an hour changes all the same. Not here: which rows a model replaces
(dbt_project/macros/incremental), nor running dbt (`dbt_build`).

A small shop has many hours with nothing new. dbt takes as long to find that out for each of its
models as it takes to fill them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any

import duckdb

from orchestration.warehouse.database import delivered_sources, has_table
from orchestration.warehouse.dbt_manifest import PACKAGE
from orchestration.warehouse.made_steps import content

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

_HOUR = f"macro.{PACKAGE}.as_of"
# What is known of delivered files; without a row of `files` also of rows that were taken away.
_OF_FILES = ("files", "people_rows", "expired_rows", "passed_files")


@dataclass(frozen=True)
class Inputs:
    """What a build is made from.

    Attributes:
        variables: dbt's, with the sources that have rows and a hash of all there is.
        without_rows: the models of the other sources, which are left out.
        are_as_built: whether the last build that was done was made from the same.
    """

    variables: Mapping[str, object]
    without_rows: list[str]
    are_as_built: bool


def build_inputs(
    connection: duckdb.DuckDBPyConnection,
    project: str,
    variables: Mapping[str, Any],
    with_rows: Sequence[str] | None,
) -> Inputs:
    """What a build would be made from now.

    Args:
        connection: the open warehouse.
        project: a hash over the files of the dbt project.
        variables: dbt's; the hour is none of them.
        with_rows: sources that are taken to have rows; None for those that have.
    """
    sources: list[str] = variables["event_sources"]
    if with_rows is None:
        with_rows = delivered_sources(connection)
    # any one will do where none has rows
    with_rows = sorted(set(with_rows).intersection(sources)) or sources[:1]
    variables = {**variables, "sources_with_rows": with_rows}
    digest = inputs_digest(connection, project, variables)
    return Inputs(
        {**variables, "inputs": digest},
        [f"stg_{name}" for name in sources if name not in with_rows],
        is_as_built(connection, digest),
    )


def inputs_digest(
    connection: duckdb.DuckDBPyConnection, project: str, variables: Mapping[str, object]
) -> str:
    """A hash over all that the tables of the log are made from: delivered files, SQL, settings."""
    files = [
        content(connection, f"from raw.{name}")
        for name in _OF_FILES
        if has_table(connection, "raw", name)
    ]
    text = json.dumps([project, variables, files], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def is_as_built(connection: duckdb.DuckDBPyConnection, digest: str) -> bool:
    """Whether the last build that was done was made from the same."""
    if not has_table(connection, "main", "last_build"):
        return False
    try:
        query = "select inputs from main.last_build"
        return connection.execute(query).fetchall() == [(digest,)]
    except duckdb.BinderException:  # an older version did not write it down
        return False


def by_the_hour(manifest: "Manifest") -> tuple[list[str], list[str]]:
    """Names of the models that are others at another hour though nothing came, and of all others.

    The first are those whose SQL, or which rows they replace, asks for the hour, and all that is
    built from them. Each comes after those that it is built from.
    """
    models = {
        key: node for key, node in manifest.nodes.items() if node.resource_type.value == "model"
    }

    @cache
    def asks(macro: str) -> bool:
        known = manifest.macros.get(macro)
        inner = known.depends_on.macros if known else ()
        return macro == _HOUR or any(asks(each) for each in inner)

    @cache
    def is_of_the_hour(key: str) -> bool:
        node = models.get(key)
        if node is None:
            return False
        return (
            bool(node.config.meta.get("rebuilt_after"))
            or any(asks(each) for each in node.depends_on.macros)
            or any(is_of_the_hour(each) for each in node.depends_on.nodes)
        )

    needs = {key: sorted(set(node.depends_on.nodes)) for key, node in sorted(models.items())}
    keys = [key for key in TopologicalSorter(needs).static_order() if key in models]
    return (
        [models[key].name for key in keys if is_of_the_hour(key)],
        [models[key].name for key in keys if not is_of_the_hour(key)],
    )
