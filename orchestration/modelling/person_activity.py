"""When people were there, by the clock of the shop.

Belongs here: the one query that send times are learned and read from. Not here: what becomes of it
(`ml.people.send_time`).
"""

from datetime import datetime

import duckdb
import polars as pl

from orchestration.ground.rule_macros import person_of

# What was longer ago is no habit.
KEPT_DAYS = 180
NEWEST_DAYS = 28
_FIRST_DAY = "interval 1 day"


def activity_at(
    connection: duckdb.DuckDBPyConnection, as_of: datetime, time_zone: str
) -> pl.DataFrame:
    """person_id, device_type, hour, weekday, period and count of what was known at an hour, in no
    order: visits begun and e-mails opened.

    Periods: 2 for the newest third of the time, 28 days at most; 1 for as long before it; else 0;
    null for the first day of either. Whoever is back within hours is back on the same weekday, and
    that is no habit.
    """
    return connection.sql(
        f"""
        with activity as (
            select person_id, started_at as happened_at
            from main.person_sessions
            where started_at <= $as_of and started_at > $as_of - to_days({KEPT_DAYS})
            union all
            select {person_of("owner_id", "visitor_id")}, event_at
            from main.ordered_events
            where
                event_type = 'email_open' and not is_activity
                and event_at <= $as_of and event_at > $as_of - to_days({KEPT_DAYS})
        ),
        cut as (
            select least(($as_of - min(happened_at)) / 3, to_days({NEWEST_DAYS})) as span
            from activity
        ),
        devices as (
            select person_id, device_type
            from main.person_totals
            where last_seen_at <= $as_of
            union all
            -- of whoever was there later
            select person_id, max_by(device_type, (ended_at, visitor_id))
            from main.person_sessions
            where
                device_type is not null and ended_at <= $as_of
                and person_id in (
                    select person_id from main.person_totals where last_seen_at > $as_of
                )
            group by 1
        ),
        counted as (
            select
                person_id,
                hour(local_at) as hour,
                isodow(local_at) as weekday,
                case
                    when happened_at > $as_of - span + {_FIRST_DAY} then 2
                    when happened_at > $as_of - span then null
                    when happened_at > $as_of - 2 * span + {_FIRST_DAY} then 1
                    when happened_at > $as_of - 2 * span then null
                    else 0
                end as period,
                count(*) as count
            from (
                select
                    *,
                    (happened_at at time zone 'UTC') at time zone $time_zone as local_at
                from activity cross join cut
            )
            group by all
        )
        select person_id, device_type, hour, weekday, period, count
        from counted left join devices using (person_id)
        """,
        params={"as_of": as_of, "time_zone": time_zone},
    ).pl()
