"""Who is in which segment at hours that are past, by SQL that dbt makes once for all of them.

Belongs here: having dbt make it, putting an hour in, and asking. Not here: any SQL of people
(`dbt_project`), which hours are past and what becomes of the answers (`people_build`,
`segment_history`).

To have dbt build an hour takes longer than most of what it asks, and rows that come days late
change a hundred hours.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.ground.project import project_of
from orchestration.ground.segment_sql import is_like_at_every_hour
from orchestration.ground.segments import FOLDER
from orchestration.ground.settings import Settings
from orchestration.ground.sql import transaction
from orchestration.warehouse import dbt_build, made_steps
from orchestration.warehouse.dbt_manifest import FINGERPRINT, PACKAGE, parsed_project, uncompiled

if TYPE_CHECKING:
    from dbt.contracts.graph.nodes import ModelNode

MEMBERS = "members_then"
"""The temporary table that is made, as `main.segment_members`."""

# Stands for the hour in what dbt makes; nobody writes it.
_ANY_HOUR = datetime.fromisoformat("2000-01-01T01:23:45.678901")
_CURRENCY, _PEOPLE, _MEMBERS = "hour_currency", "people", "segment_members"


def sql_of_any_hour(
    home: Home, settings: Settings, names: Sequence[str]
) -> Mapping[str, str] | None:
    """The SQL of what the segments of a past hour are asked of, by the model's name.

    None where dbt has to make it again for each hour, for a segment's template may say anything of
    the hour, or where dbt cannot make it.

    Args:
        home: whose project, and whose warehouse, which must not be open.
        settings: what the shop has set.
        names: of the models of the hour, beside that of the members.

    Raises:
        ComebackError: dbt cannot parse the project.
    """
    dbt_build.prepare_manifest(home, settings)
    project = project_of(home)
    if not all(_is_plain(path) for path in (project / FOLDER).glob("*.sql")):
        return None
    args = dbt_build.dbt_args(
        "compile",
        project=project,
        target=home.dbt,
        variables={
            **dbt_build.dbt_vars(settings, project=project),
            "as_of": _ANY_HOUR.isoformat(),
        },
        # with models dbt compiles their tests
        select=[f"{name},resource_type:model" for name in (*names, _MEMBERS)],
    )
    manifest = uncompiled(parsed_project(home.dbt, (home.dbt / FINGERPRINT).read_text()))
    # nothing but segments reads the people of a past hour
    with _within_others(manifest.nodes[f"model.{PACKAGE}.{_PEOPLE}"]):
        try:
            results = dbt_build.invoke(home, settings, args, manifest)
        except ComebackError:  # it says so again as it builds the hour
            return None
    if any(each.status != "success" for each in results):
        return None
    return {each.node.name: each.node.compiled_code for each in results}


def set_hour(connection: duckdb.DuckDBPyConnection, sql: Mapping[str, str], hour: datetime) -> None:
    """Make what reads the hour from the warehouse read that one, until dbt builds another."""
    made_steps.forget(connection)
    with transaction(connection):
        connection.execute(f"delete from main.{_CURRENCY}")
        connection.execute(f"insert into main.{_CURRENCY} by name {_at(sql[_CURRENCY], hour)}")
        for name in sql.keys() - {_CURRENCY, _MEMBERS}:
            connection.execute(f"create or replace view main.{name} as {_at(sql[name], hour)}")


def ask_members(
    connection: duckdb.DuckDBPyConnection, sql: Mapping[str, str], hour: datetime
) -> None:
    """Make the table `MEMBERS` of an hour, that was set."""
    connection.execute(f"create or replace temp table {MEMBERS} as {_at(sql[_MEMBERS], hour)}")


def _at(sql: str, hour: datetime) -> str:
    return sql.replace(str(_ANY_HOUR), str(hour))


def _is_plain(path: Path) -> bool:
    """Whether a segment's SQL is the same at every hour but for the hour itself."""
    text = path.read_text(encoding="utf-8")
    shipped = DBT_PROJECT / FOLDER / path.name
    is_shipped = shipped.exists() and shipped.read_text(encoding="utf-8") == text
    return is_shipped or (is_like_at_every_hour(text) and str(_ANY_HOUR) not in text)


@contextmanager
def _within_others(node: "ModelNode") -> Iterator[None]:
    """A model is no table but part of the SQL of those that read it."""
    materialized = node.config.materialized
    node.config.materialized = "ephemeral"
    try:
        yield
    finally:
        node.config.materialized = materialized
