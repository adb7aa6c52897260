"""What was sent to people by an hour.

Belongs here: the one query that shares of answers are read from. Not here: what becomes of it
(`ml.people.channels`).
"""

from datetime import datetime

import duckdb
import polars as pl

from orchestration.ground.rule_macros import user_as_visitor
from orchestration.warehouse.person_tables import PERSON_MESSAGES

_TABLE = f"scores.{PERSON_MESSAGES.name}"
_TEXTS = ("person_id", "channel", "campaign", "status")
_SCHEMA = dict.fromkeys(_TEXTS, pl.String) | {"count": pl.Int64}


def messages_at(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> pl.DataFrame:
    """person_id, channel, campaign, status and count of what was known at an hour, in no order.

    A message to a visitor is of whoever the visitor was known to be when it was sent.
    """
    if not connection.execute(f"select 1 from {_TABLE} limit 1").fetchall():
        return pl.DataFrame(schema=_SCHEMA)
    return connection.sql(
        f"""
        with owners as (
            select visitor_id, event_at, owner_id
            from main.ordered_events
            where
                owner_id is not null and event_at <= $as_of
                and visitor_id in (select visitor_id from {_TABLE} where user_id is null)
        )
        select
            coalesce(
                {user_as_visitor("messages.user_id")},
                {user_as_visitor("owners.owner_id")},
                messages.visitor_id
            ) as person_id,
            channel,
            campaign,
            status,
            count(*) as count
        from {_TABLE} as messages
        asof left join owners
            on messages.visitor_id = owners.visitor_id and messages.contacted_at >= owners.event_at
        where known_from <= $as_of
        group by all
        """,
        params={"as_of": as_of},
    ).pl()
