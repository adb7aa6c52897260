"""What the shop knows of people beyond who they are: the fields `attr_*` of profiles.

Belongs here: which fields those are, and `scores.person_attributes`, which segments read, since
they read nothing of the vault. Not here: what becomes a feature (`ml.attributes`).
"""

import duckdb

from orchestration.ground.rule_macros import user_as_visitor
from orchestration.warehouse.database import has_table
from orchestration.warehouse.segment_tables import PERSON_ATTRIBUTES

_ATTRIBUTES = f"scores.{PERSON_ATTRIBUTES.name}"
STATEMENTS = (
    "create schema if not exists scores",
    PERSON_ATTRIBUTES.ddl(_ATTRIBUTES),
    f"delete from {_ATTRIBUTES}",
    f"""
    insert into {_ATTRIBUTES} by name
    with versions as (
        select
            user_id,
            attributes,
            updated_at as known_from,
            lead(updated_at) over (partition by user_id order by updated_at) as known_until
        from vault.profile_versions
    ),
    named as (
        select *, unnest(json_keys(attributes)) as key from versions where attributes is not null
    )
    select
        {user_as_visitor("user_id")} as person_id,
        lower(key) as name,
        attributes ->> key as value,
        known_from,
        known_until
    from named
    order by person_id, name, known_from
    """,
)
"""SQL that makes the table out of `vault.profile_versions`."""


def forget(connection: duckdb.DuckDBPyConnection) -> None:
    """Empty the table, if there is one."""
    if has_table(connection, "scores", PERSON_ATTRIBUTES.name):
        connection.execute(f"delete from {_ATTRIBUTES}")


def given_in(column: str) -> str:
    """SQL for the fields `attr_*` in a row's JSON of undeclared columns, null without any."""
    keys = f"list_filter(json_keys({column}), lambda key: starts_with(lower(key), 'attr_'))"
    pair = f"to_json(key)::varchar || ':' || to_json({column} ->> key)::varchar"
    pairs = f"list_sort(list_transform({keys}, lambda key: {pair}))"
    return f"'{{' || nullif(array_to_string({pairs}, ','), '') || '}}'"
