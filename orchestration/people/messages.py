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
        coalesce(contacts.user_id, owned.user_id) as user_id,
        contacts.visitor_id,
        case
            when contacts.channel in ('sms', 'ads', 'onsite') then contacts.channel
            else 'email'
        end as channel,
        coalesce(contacts.campaign, '') as campaign,
        contacts.status,
        contacts.contacted_at,
        greatest(contacts.contacted_at, owned.known_from) as known_from
    from vault.contact_rows as contacts
    left join owned on contacts.user_id is null and contacts.email_key = owned.email_key
    where
        contacts.status is not null
        and coalesce(contacts.user_id, owned.user_id, contacts.visitor_id) is not null
    order by contacted_at, user_id, visitor_id, channel, campaign, status
    """,
)
"""SQL that makes the table out of the vault."""


def forget(connection: duckdb.DuckDBPyConnection) -> None:
    """Empty the table, if there is one."""
    if has_table(connection, "scores", PERSON_MESSAGES.name):
        connection.execute(f"delete from {_MESSAGES}")
