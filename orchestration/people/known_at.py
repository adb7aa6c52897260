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

from orchestration.ground.sql import literal, transaction
from orchestration.landing.addresses import define_address_keys
from orchestration.people import words
from orchestration.warehouse.database import has_table

# With fewer digits a number without its country would be the end of many.
_COMPARED_DIGITS = 7


def know_people_at(connection: duckdb.DuckDBPyConnection, instant: datetime) -> bool:
    """Make the tables of what was known at an instant, UTC; they are dropped where nothing is.

    A row counts from its time on; one whose contact data was not kept says nothing but what was
    allowed when. A suppression finds people by their user id, and by the address that they have at
    the instant, however it is written. A consent that turned granted later lifts `unsubscribed` for
    its channel, and no other reason; a later row that only repeats a consent grants nothing.

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
    at = literal(instant.isoformat(sep=" "))
    with transaction(connection):
        connection.execute(_profiles(at))
        connection.execute(_suppressions(at, has_phones=has_phones))
    return True


def forgotten(connection: duckdb.DuckDBPyConnection, users: Sequence[str]) -> list[str]:
    """Those of the users of whom too long nothing was heard for their contact data to be kept."""
    if not has_table(connection, "vault", "profile_versions"):
        return []
    found = connection.execute(
        "select user_id from vault.profile_versions where list_contains(?, user_id)"
        " group by user_id having arg_max(is_stripped, updated_at) order by user_id",
        [list(users)],
    ).fetchall()
    return [user for (user,) in found]


def _profiles(at: str) -> str:
    return f"""
    create or replace table vault.current_profiles as
    select
        user_id, email, phone, first_name, last_name, country, language, time_zone,
        {", ".join(words.CONSENTS)}, updated_at, attributes, email_key
    from vault.profile_versions
    where updated_at <= timestamp {at}
    qualify row_number() over (partition by user_id order by updated_at desc) = 1
        and not is_stripped
    order by user_id
    """


def _suppressions(at: str, *, has_phones: bool) -> str:
    """Each suppression for each channel of its own, then each person whom it finds; those whom it
    is lifted for are left out, and one that finds nobody stays as it was delivered."""
    channels = ", ".join(map(literal, words.CHANNEL_CONSENTS))
    reasons = ", ".join(f"{literal(k)}: {literal(v)}" for k, v in words.SUPPRESSING.items())
    granted_at = " ".join(
        f"when {literal(name)} then {_all_since(needed)}"
        for name, needed in words.CHANNEL_CONSENTS.items()
    )
    # the time of the row with which the unbroken run of rows that grant it begins
    ends = ", ".join(
        f"max(updated_at) filter (where not {name}) as {name}" for name in words.CONSENTS
    )
    begins = ", ".join(
        f"min(versions.updated_at) filter ("
        f"where ended.{name} is null or versions.updated_at > ended.{name}) as {name}"
        for name in words.CONSENTS
    )
    phones = _BY_PHONE if has_phones else ""
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
        where suppressed_at is null or suppressed_at <= timestamp {at}
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
        {phones}
    ),
    versions as (
        select user_id, updated_at, {", ".join(words.CONSENTS)}
        from vault.profile_versions
        where updated_at <= timestamp {at} and user_id in (select user_id from found)
    ),
    ended as (
        select user_id, {ends} from versions group by user_id
    ),
    since as (
        select versions.user_id, {begins}
        from versions
        inner join ended on versions.user_id = ended.user_id
        group by versions.user_id
    ),
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


def _all_since(consents: Sequence[str]) -> str:
    """SQL: since when all of them are granted without a break; null while one is not."""
    if not consents:
        return "cast(null as timestamp)"
    columns = [f"since.{name}" for name in consents]
    granted = " and ".join(f"{each} is not null" for each in columns)
    return f"(case when {granted} then greatest({', '.join(columns)}) end)"
