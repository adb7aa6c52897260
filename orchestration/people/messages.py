"""What was sent to people, without an address: `scores.person_messages`.

Belongs here: making the table out of the vault, from which scores of channels are read, since they
read nothing of the vault. Not here: what becomes of it (`ml.people.channels`).
"""

import duckdb

from orchestration.warehouse.database import has_table
from orchestration.warehouse.person_tables import PERSON_MESSAGES

_MESSAGES = f"scores.{PERSON_MESSAGES.name}"
STATEMENTS = (
    "create schema if not exists scores",
    PERSON_MESSAGES.ddl(_MESSAGES),
    f"delete from {_MESSAGES}",
    f"""
    insert into {_MESSAGES} by name
    with owned as (
        select email_key, user_id, min(updated_at) as known_from
        from vault.profile_versions
        where email_key is not null
        group by all
    )
    select
        coalesce(told.user_id, owned.user_id) as user_id,
        told.visitor_id,
        case when told.channel in ('sms', 'ads', 'onsite') then told.channel else 'email' end
            as channel,
        coalesce(told.campaign, '') as campaign,
        told.status,
        told.contacted_at,
        greatest(told.contacted_at, owned.known_from) as known_from
    from vault.contact_rows as told
    left join owned on told.user_id is null and told.email_key = owned.email_key
    where
        told.status is not null
        and coalesce(told.user_id, owned.user_id, told.visitor_id) is not null
    order by contacted_at, user_id, visitor_id, channel, campaign, status
    """,
)
"""SQL that makes the table anew out of the vault."""


def forget(connection: duckdb.DuckDBPyConnection) -> None:
    """Empty the table, if there is one."""
    if has_table(connection, "scores", PERSON_MESSAGES.name):
        connection.execute(f"delete from {_MESSAGES}")
