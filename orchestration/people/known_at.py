"""What was known of people at an instant: their profile, and what they must not be sent.

Belongs here: which row of a person counts at an instant, and whom a suppression finds. Not here:
reading the rows (`vault`), or who may be contacted (`outputs.exports`).

    vault.current_profiles      user_id, email, phone, first_name, last_name, country (alpha-2),
        language, time_zone (IANA), email_consent, sms_consent, ad_user_data_consent,
        ad_personalization_consent (booleans), updated_at, attributes (JSON). One row a user.
    vault.current_suppressions  channel (email, sms, ads or onsite), user_id, email, phone, reason,
        suppressed_at (null: since ever), visitor_id. One row per channel that is suppressed, and
        per user whom that concerns; user_id is null where nobody is known by it, or by the address.
"""

from collections.abc import Sequence
from datetime import datetime

import duckdb
import polars as pl

from orchestration.ground.hours import END_OF_TIME, HOUR
from orchestration.ground.sql import literal, transaction
from orchestration.landing.addresses import define_address_keys
from orchestration.people import words
from orchestration.warehouse.database import has_table, log_end

# With fewer digits a number without its country would be the end of many.
_COMPARED_DIGITS = 7
# So long after a message to an address it is answered by whoever had it.
_ANSWERED_DAYS = 7


def refused_until(
    connection: duckdb.DuckDBPyConnection, hour: datetime, newest: datetime | None = None
) -> datetime:
    """Up to when refusals count at an hour: the hour, or without end where the log goes no further.

    The files of such an hour go out now: whoever is known to have said no since is not in them.

    Args:
        connection: the open warehouse.
        hour: the hour.
        newest: the newest event that the log had when the hour was exported; None: that of now.
    """
    end = newest or log_end(connection)
    return END_OF_TIME if end is not None and end < hour + HOUR else hour


def know_people_at(
    connection: duckdb.DuckDBPyConnection, instant: datetime, refused_by: datetime | None = None
) -> bool:
    """Make the tables of what was known at an instant, UTC; they are dropped where nothing is.

    A row counts from its time on; one whose contact data was not kept says nothing but what was
    allowed when. A suppression finds people by their user id, and by the address that they have at
    the instant, however it is written; one that somebody asked for, also by the e-mail address that
    they had then, or up to seven days before (ever, if it has no time), whatever they have now. A
    consent that turned granted later lifts `unsubscribed` for its channel, and no other reason; a
    later row that only repeats a consent grants nothing.

    Args:
        connection: the open warehouse, with the vault settled.
        instant: the instant.
        refused_by: up to when suppressions, and the end of consents, count; None: up to the
            instant. Nothing else that is later does.

    Returns:
        Whether anything at all is known of people.
    """
    if not has_table(connection, "vault", "settled"):
        return False
    has_phones = connection.execute(
        "select count(*) > 0 from vault.suppression_rows where phone is not null"
    ).fetchall()[0][0]
    if has_phones:
        define_address_keys(connection)
    at = _timestamp(instant)
    until = _timestamp(refused_by or instant)
    with transaction(connection):
        connection.execute(_profiles(at, until))
        connection.execute(_suppressions(at, until, has_phones=has_phones))
    return True


def granted_since(
    connection: duckdb.DuckDBPyConnection, users: pl.Series, instant: datetime
) -> pl.DataFrame:
    """Since when the consents of channels are granted without a break, by an instant.

    Returns:
        user_id, channel and granted_at, for each channel that is granted then.
    """
    schema = {"user_id": pl.String, "channel": pl.String, "granted_at": pl.Datetime("us")}
    users = users.drop_nulls().unique()
    if users.is_empty() or not has_table(connection, "vault", "profile_versions"):
        return pl.DataFrame(schema=schema)
    connection.register("granting_users", users.to_frame("user_id"))
    by_channel = " union all ".join(
        f"select user_id, {literal(name)} as channel, {_all_since(needed)} as granted_at from since"
        for name, needed in words.CHANNEL_CONSENTS.items()
        if needed
    )
    found = connection.sql(
        f"with {_since(_timestamp(instant), 'select user_id from granting_users')}"
        f" select * from ({by_channel}) where granted_at is not null order by all"
    ).pl()
    connection.unregister("granting_users")
    return found.cast(schema)


def forgotten(connection: duckdb.DuckDBPyConnection, users: Sequence[str]) -> list[str]:
    """Those of the users of whom too long nothing was heard for their contact data to be kept."""
    if not has_table(connection, "vault", "profile_versions"):
        return []
    connection.register("wanted_users", pl.DataFrame({"user_id": users}, {"user_id": pl.String}))
    found = connection.execute(
        "select user_id from vault.profile_versions semi join wanted_users using (user_id)"
        " group by user_id having arg_max(is_stripped, updated_at) order by user_id"
    ).fetchall()
    connection.unregister("wanted_users")
    return [user for (user,) in found]


def _timestamp(instant: datetime) -> str:
    return f"timestamp {literal(instant.isoformat(sep=' '))}"


def _profiles(at: str, until: str) -> str:
    newest = "row_number() over (partition by user_id order by updated_at desc) = 1"
    consents = ", ".join(
        f"known.{name} and coalesce(later.{name}, true) as {name}" for name in words.CONSENTS
    )
    return f"""
    create or replace table vault.current_profiles as
    with known as (
        from vault.profile_versions where updated_at <= {at} qualify {newest}
    ),
    later as (
        from vault.profile_versions
        where updated_at > {at} and updated_at <= {until}
        qualify {newest}
    )
    select
        known.user_id, known.email, known.phone, known.first_name, known.last_name, known.country,
        known.language, known.time_zone, {consents}, known.updated_at, known.attributes,
        known.email_key
    from known
    left join later on known.user_id = later.user_id
    where not known.is_stripped
    order by known.user_id
    """


def _suppressions(at: str, until: str, *, has_phones: bool) -> str:
    """Each suppression for each channel of its own, then each person whom it finds; those whom it
    is lifted for are left out, and one that finds nobody stays as it was delivered."""
    channels = ", ".join(map(literal, words.CHANNEL_CONSENTS))
    reasons = ", ".join(f"{literal(k)}: {literal(v)}" for k, v in words.SUPPRESSING.items())
    granted_at = " ".join(
        f"when {literal(name)} then {_all_since(needed)}"
        for name, needed in words.CHANNEL_CONSENTS.items()
    )
    phones = _BY_PHONE if has_phones else ""
    asked_for = ", ".join(map(literal, words.ASKED_FOR))
    return f"""
    create or replace table vault.current_suppressions as
    with every as (
        select channel, user_id, email, phone, visitor_id, reason, suppressed_at, email_key,
            load_id, line
        from vault.suppression_rows
        union all
        select coalesce(channel, 'all'), user_id, email, null, visitor_id,
            map {{{reasons}}}[status], contacted_at, email_key, load_id, line
        from vault.contact_rows
        where status in ({", ".join(map(literal, words.SUPPRESSING))})
    ),
    by_channel as (
        select * replace (unnest(
            case when channel = 'all' then [{channels}] else [channel] end
        ) as channel)
        from every
        where suppressed_at is null or suppressed_at <= {until}
    ),
    owners as (
        select distinct user_id from vault.profile_versions
        where email_key in (select email_key from by_channel where reason in ({asked_for}))
    ),
    owned as (
        select
            user_id,
            email_key,
            updated_at,
            lead(updated_at) over (partition by user_id order by updated_at)
            + to_days({_ANSWERED_DAYS}) as answered_until
        from vault.profile_versions
        semi join owners using (user_id)
        where updated_at <= {at}
    ),
    found as (
        select by_channel.load_id, by_channel.line, profiles.user_id
        from by_channel
        inner join vault.current_profiles as profiles
            on by_channel.user_id = profiles.user_id
        union
        select by_channel.load_id, by_channel.line, profiles.user_id
        from by_channel
        inner join vault.current_profiles as profiles
            on by_channel.email_key = profiles.email_key
        union
        select by_channel.load_id, by_channel.line, owned.user_id
        from by_channel
        inner join owned
            on
                by_channel.email_key = owned.email_key
                and (
                    by_channel.suppressed_at is null
                    or (
                        by_channel.suppressed_at >= owned.updated_at
                        and coalesce(by_channel.suppressed_at < owned.answered_until, true)
                    )
                )
        inner join vault.current_profiles as profiles on owned.user_id = profiles.user_id
        where by_channel.reason in ({asked_for})
        {phones}
    ),
    {_since(at, "select user_id from found")},
    concerned as (
        select
            by_channel.channel,
            coalesce(found.user_id, by_channel.user_id) as user_id,
            coalesce(by_channel.email, profiles.email) as email,
            coalesce(by_channel.phone, profiles.phone) as phone,
            by_channel.reason,
            by_channel.suppressed_at,
            by_channel.visitor_id,
            coalesce(
                by_channel.reason = {literal(words.UNSUBSCRIBED)}
                and case by_channel.channel {granted_at} end > by_channel.suppressed_at, false
            ) as is_lifted
        from by_channel
        left join found
            on by_channel.load_id = found.load_id and by_channel.line = found.line
        left join vault.current_profiles as profiles on found.user_id = profiles.user_id
        left join since on found.user_id = since.user_id
    )
    select distinct * exclude (is_lifted) from concerned where not is_lifted order by all
    """


# A number without its country is that of whoever has it with one.
_BY_PHONE = f"""
        union
        (
            with numbers as (
                select distinct load_id, line, phone_key(phone, '') as key
                from every where phone is not null
            ),
            profiles as (
                select user_id, phone_key(phone, coalesce(country, '')) as key
                from vault.current_profiles where phone is not null
            )
            select numbers.load_id, numbers.line, profiles.user_id
            from numbers
            inner join profiles
                on right(numbers.key, {_COMPARED_DIGITS}) = right(profiles.key, {_COMPARED_DIGITS})
            where
                numbers.key = profiles.key
                or (
                    length(numbers.key) >= {_COMPARED_DIGITS}
                    and length(profiles.key) >= {_COMPARED_DIGITS}
                    and (
                        not starts_with(numbers.key, '+') and ends_with(profiles.key, numbers.key)
                        or not starts_with(profiles.key, '+')
                        and ends_with(numbers.key, profiles.key)
                    )
                )
        )
"""


def _since(at: str, users: str) -> str:
    """SQL of CTEs, the last of which is `since`: of users the time of the row with which the
    unbroken run of rows that grant a consent begins, for each consent; null while it is not."""
    ends = ", ".join(
        f"max(updated_at) filter (where not {name}) as {name}" for name in words.CONSENTS
    )
    begins = ", ".join(
        f"min(versions.updated_at) filter ("
        f"where ended.{name} is null or versions.updated_at > ended.{name}) as {name}"
        for name in words.CONSENTS
    )
    return f"""versions as (
        select user_id, updated_at, {", ".join(words.CONSENTS)}
        from vault.profile_versions
        where updated_at <= {at} and user_id in ({users})
    ),
    ended as (
        select user_id, {ends} from versions group by user_id
    ),
    since as (
        select versions.user_id, {begins}
        from versions
        inner join ended on versions.user_id = ended.user_id
        group by versions.user_id
    )"""


def _all_since(consents: Sequence[str]) -> str:
    """SQL: since when all of them are granted without a break; null while one is not."""
    if not consents:
        return "cast(null as timestamp)"
    columns = [f"since.{name}" for name in consents]
    granted = " and ".join(f"{each} is not null" for each in columns)
    return f"(case when {granted} then greatest({', '.join(columns)}) end)"
