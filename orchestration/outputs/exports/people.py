"""Who was scored, and what the vault knows of them, as frames.

Belongs here: reading scores, orders and the schema `vault`, and the normal form of what people
wrote. Not here: what lies in carts (`cart_contents`), nor what follows from it (`gates`, `hourly`).

Without a vault nobody has a profile. In these frames a person is `user:<owner_id>` where the owner
of the visitor is known by now, else the visitor.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from ml.features import USER_PREFIX
from orchestration.ground.rule_macros import person_of
from orchestration.ground.sql import literal, quoted
from orchestration.landing.tombstones import keyed_hash, read_key
from orchestration.outputs.exports.identifiers import (
    EMPTY,
    UnusableValueError,
    normal_country,
    normal_email,
    normal_phone,
)
from orchestration.warehouse.contactable import IS_BOTS
from orchestration.warehouse.database import has_table

PROFILE = {
    "user_id": pl.String,
    "email": pl.String,
    "phone": pl.String,
    "first_name": pl.String,
    "last_name": pl.String,
    "country": pl.String,
    "language": pl.String,
    "time_zone": pl.String,
    "email_consent": pl.Boolean,
    "sms_consent": pl.Boolean,
    "ad_user_data_consent": pl.Boolean,
    "ad_personalization_consent": pl.Boolean,
}
_KNOWN = {**PROFILE, "mailbox": pl.String}
# The users behind visitors, and when they were known to be.
_OWNED = """
            select visitor_id, owner_id, started_at as owned_at
            from main.sessions where started_at <= $hour and owner_id is not null
            union all
            select visitor_id, owner_id, ordered_at
            from main.orders where ordered_at <= $hour and owner_id is not null
        """


@dataclass(frozen=True)
class Profiles:
    """Profiles in their normal form.

    Attributes:
        frame: the columns of `PROFILE`, one row a user; what cannot be used is null. And mailbox,
            the key of the address (`landing.addresses.email_key`).
        faults: how many e-mails and phones could not be used, by field and fault.
    """

    frame: pl.DataFrame
    faults: dict[str, int]


def scored_carts(
    connection: duckdb.DuckDBPyConnection, hour: datetime, window_days: int | None = None
) -> pl.DataFrame:
    """The carts scored at an hour, or each cart's newest score of the days up to it.

    Returns:
        One row a cart: person_id, user_id (null: not known), cart_id, touched_at, cart_value,
        currency, p_abandon, expected_gain, priority_rank, segment, best_action,
        contact_not_before, contact_valid_until, is_holdout and is_bots_cart.
    """
    window = "interval 1 microsecond" if window_days is None else f"to_days({int(window_days)})"
    query = f"""
        with window_scores as (
            select * from scores.cart_scores
            where scored_at > $hour - {window} and scored_at <= $hour
        ),
        owners as (
            select visitor_id, arg_max(owner_id, scored_at) as owner_id
            from window_scores
            where owner_id is not null
            group by visitor_id
        ),
        touched as (
            select cart_id, last_touched_at from main.carts where last_touched_at <= $hour
            union all
            -- the log goes on: when it was touched last by the hour
            select cart_id, max(event_at)
            from main.cart_operations
            where
                is_touch
                and event_at <= $hour
                and cart_id in (
                    select cart_id from main.carts semi join window_scores using (cart_id)
                    where last_touched_at > $hour
                )
            group by cart_id
        )
        select
            {person_of("owners.owner_id", "scored.visitor_id")} as person_id,
            owners.owner_id as user_id,
            cart_id,
            coalesce(touched.last_touched_at, scored_at) as touched_at,
            scored.cart_value,
            scored.currency,
            p_abandon,
            expected_gain,
            priority_rank,
            segment,
            best_action,
            contact_not_before,
            contact_valid_until,
            is_holdout,
            {IS_BOTS} as is_bots_cart
        from window_scores as scored
        left join owners using (visitor_id)
        left join touched using (cart_id)
        qualify row_number() over (partition by cart_id order by scored_at desc) = 1
        order by cart_id
    """
    return connection.sql(query, params={"hour": hour}).pl()


def owners_of(
    connection: duckdb.DuckDBPyConnection, visitors: pl.Series, hour: datetime
) -> pl.DataFrame:
    """Every user whom sessions, orders or scores up to an hour know behind one of the visitors.

    Returns:
        visitor_id and user_id, each pair once.
    """
    wanted = visitors.drop_nulls().unique()
    if wanted.is_empty():
        return pl.DataFrame(schema={"visitor_id": pl.String, "user_id": pl.String})
    connection.register("wanted_visitors", pl.DataFrame({"visitor_id": wanted}))
    found = connection.sql(
        f"""
        with owned as (
            {_OWNED}
            union all
            select visitor_id, owner_id, scored_at
            from scores.cart_scores where scored_at <= $hour and owner_id is not null
        )
        select distinct visitor_id, owner_id as user_id
        from owned
        semi join wanted_visitors using (visitor_id)
        order by all
        """,
        params={"hour": hour},
    ).pl()
    connection.unregister("wanted_visitors")
    return found


def suspected_bots(connection: duckdb.DuckDBPyConnection, hour: datetime) -> pl.DataFrame:
    """Whose sessions up to an hour are suspected not to be a person's.

    Such a session is one of its visitor, and of every user behind the visitor.

    Returns:
        person_id and suspected_at, the end of the newest such session.
    """
    sessions = connection.sql(
        "select visitor_id, max(ended_at) as suspected_at from main.sessions"
        " where is_suspected_bot and started_at <= ? group by visitor_id order by visitor_id",
        params=[hour],
    ).pl()
    sessions = sessions.cast({"visitor_id": pl.String, "suspected_at": pl.Datetime("us")})
    owned = owners_of(connection, sessions["visitor_id"], hour).join(sessions, on="visitor_id")
    persons = pl.concat(
        [
            sessions.select("suspected_at", person_id="visitor_id"),
            owned.select("suspected_at", person_id=pl.format(f"{USER_PREFIX}{{}}", "user_id")),
        ]
    )
    return persons.group_by("person_id", maintain_order=True).agg(pl.col("suspected_at").max())


def last_orders(connection: duckdb.DuckDBPyConnection, hour: datetime) -> pl.DataFrame:
    """When each person ordered last up to an hour, on any device: person_id and ordered_at.

    What was ordered on a device before anybody signed in there is an order of whoever did first:
    people who buy as guests often sign in right after it. No score knows of that sooner than the
    session in which it was.
    """
    query = f"""
        with known_orders as (
            select visitor_id, owner_id, max(ordered_at) as ordered_at
            from main.orders
            where ordered_at <= $hour
            group by visitor_id, owner_id
        ),
        owned as ({_OWNED}),
        first_owners as (
            select visitor_id, arg_min(owner_id, (owned_at, owner_id)) as owner_id
            from owned
            where visitor_id in (select visitor_id from known_orders where owner_id is null)
            group by visitor_id
        )
        select
            {person_of("coalesce(orders.owner_id, owners.owner_id)", "orders.visitor_id")}
                as person_id,
            max(ordered_at) as ordered_at
        from known_orders as orders
        left join first_owners as owners using (visitor_id)
        group by 1
        order by 1
    """
    return connection.sql(query, params={"hour": hour}).pl()


def erased_users(
    connection: duckdb.DuckDBPyConnection, key_file: Path, users: list[str]
) -> list[str]:
    """Those of the users who were erased."""
    key = read_key(key_file)
    if key is None or not users or not has_table(connection, "raw", "tombstones"):
        return []
    hashes = {keyed_hash(key, "user", user): user for user in users}
    erased = "select hash from raw.tombstones where kind = 'user'"
    found = {each for (each,) in connection.execute(erased).fetchall()}
    return sorted(hashes[each] for each in found & hashes.keys())


def read_profiles(
    connection: duckdb.DuckDBPyConnection,
    users: pl.Series,
    shop_country: str,
    attributes: Collection[str] = (),
) -> Profiles:
    """The profiles of users.

    Args:
        connection: the open warehouse.
        users: user ids.
        shop_country: the country of phone numbers without a prefix of people without a country.
        attributes: fields `attr_*` that are columns of the frame, too; their case does not count.
    """
    schema = _KNOWN | dict.fromkeys(sorted(attributes), pl.String)
    if not has_table(connection, "vault", "current_profiles"):
        return Profiles(pl.DataFrame(schema=schema), {})
    texts = [name for name, kind in PROFILE.items() if kind == pl.String]
    consents = [name for name, kind in PROFILE.items() if kind == pl.Boolean]
    columns = [f"cast({name} as varchar) as {name}" for name in texts]
    columns.append("email_key as mailbox")
    columns += [f"{_attribute(name)} as {quoted(name)}" for name in sorted(attributes)]
    # true, or the word of the dumps; null stays null, and is refused
    columns += [
        f"lower(cast({name} as varchar)) in ('true', 'granted') as {name}" for name in consents
    ]
    connection.register("wanted_users", pl.DataFrame({"user_id": users.drop_nulls().unique()}))
    found = connection.sql(
        f"select {', '.join(columns)} from vault.current_profiles"
        " semi join wanted_users using (user_id) order by user_id"
    ).pl()
    connection.unregister("wanted_users")
    found = found.cast(schema).unique("user_id", keep="first", maintain_order=True)
    faults: dict[str, int] = {}
    countries = normalised(normal_country, "country", faults, found["country"])
    regions = [country or shop_country or None for country in countries]
    phones = normalised(normal_phone, "phone", faults, found["phone"], regions)
    return Profiles(
        found.with_columns(
            email=series(normalised(normal_email, "email", faults, found["email"])),
            phone=series(phones),
            country=series(countries),
        ).with_columns(mailbox=pl.coalesce("mailbox", "email")),
        faults,
    )


def _attribute(name: str) -> str:
    """SQL for a field `attr_*` of a profile."""
    is_it = f"lambda key: lower(key) = {literal(name.lower())}"
    return f"attributes ->> list_filter(json_keys(attributes), {is_it})[1]"


def normalised(
    normalise: Callable[..., str],
    field: str,
    faults: dict[str, int],
    *columns: pl.Series | list[str | None],
) -> list[str | None]:
    """The values in their normal form, None for those without; the others' faults are counted."""
    values = list(zip(*columns, strict=True))
    found: dict[tuple[str | None, ...], str | None] = {}
    unusable: dict[tuple[str | None, ...], str] = {}
    for each in set(values):  # countries are few
        try:
            found[each] = normalise(*each)
        except UnusableValueError as error:
            found[each] = None
            if error.fault != EMPTY:
                unusable[each] = f"{field} {error.fault}"
    for each in values:
        if fault := unusable.get(each):
            faults[fault] = faults.get(fault, 0) + 1
    return [found[each] for each in values]


def series(values: list[str | None]) -> pl.Series:
    """The values as a column of text, also where all are null."""
    return pl.Series(values, dtype=pl.String)
