"""Who must not be contacted, and who withdrew the consent, in the normal form of addresses.

Belongs here: reading both out of the schema `vault`. Not here: whom a suppression finds
(`people.known_at`), nor whom a gate refuses (`gates`).
"""

from contextlib import suppress
from datetime import datetime

import duckdb
import polars as pl

from orchestration.landing.addresses import bare_email
from orchestration.outputs.exports.identifiers import (
    UnusableValueError,
    normal_email,
    normal_phone,
)
from orchestration.outputs.exports.people import normalised, owners_of, series
from orchestration.people.known_at import granted_since
from orchestration.people.words import UNSUBSCRIBED
from orchestration.warehouse.database import has_table

SUPPRESSION = {
    "channel": pl.String,
    "user_id": pl.String,
    "email": pl.String,
    "phone": pl.String,
    "reason": pl.String,
    "suppressed_at": pl.Datetime("us"),
    "visitor_id": pl.String,
}


def read_suppressions(
    connection: duckdb.DuckDBPyConnection, hour: datetime, shop_country: str
) -> pl.DataFrame:
    """Everybody who must not be contacted, with e-mails and numbers in their normal form.

    A suppression of a visitor is also one of each user who ever was behind the visitor, until a
    later consent of the user's lifts it.

    Args:
        connection: the open warehouse.
        hour: the owners of visitors are those known up to it.
        shop_country: the country of phone numbers without a prefix.

    Returns:
        The columns of `SUPPRESSION`, the earliest first; those without a time are since ever.
    """
    if not has_table(connection, "vault", "current_suppressions"):
        return pl.DataFrame(schema=SUPPRESSION)
    found = connection.sql(
        f"select {', '.join(SUPPRESSION)} from vault.current_suppressions"
        " order by suppressed_at nulls first, channel, user_id, email, phone, visitor_id, reason"
    ).pl()
    found = found.cast(SUPPRESSION)
    owners = owners_of(connection, found["visitor_id"], hour).rename({"user_id": "owner_id"})
    owned = found.join(owners, on="visitor_id", how="inner").with_columns(user_id="owner_id")
    granted = granted_since(connection, owned["user_id"], hour)
    is_lifted = (pl.col("reason") == UNSUBSCRIBED) & (
        pl.col("granted_at") > pl.col("suppressed_at")
    )
    owned = owned.join(granted, on=["user_id", "channel"], how="left").filter(
        ~is_lifted.fill_null(value=False)
    )
    found = pl.concat([found, owned.select(list(SUPPRESSION))]).sort(
        "suppressed_at", nulls_last=False, maintain_order=True
    )
    unused: dict[str, int] = {}
    regions = [shop_country or None] * found.height
    return found.with_columns(
        email=series(normalised(_address, "email", unused, found["email"])),
        phone=series(normalised(normal_phone, "phone", unused, found["phone"], regions)),
    )


def read_withdrawn(
    connection: duckdb.DuckDBPyConnection, hour: datetime, refused_by: datetime
) -> pl.DataFrame:
    """Whose profile granted e-mails once and does not any more, as a suppression of the mailbox.

    The tool has the address of then, too. A mailbox that somebody with the consent has is none.

    Args:
        connection: the open warehouse.
        hour: profiles count up to it.
        refused_by: a newest one that is later and refuses, up to this (`known_at.refused_until`).

    Returns:
        The columns of `SUPPRESSION`, the earliest first.
    """
    needed = ("profile_versions", "current_profiles")
    if not all(has_table(connection, "vault", name) for name in needed):
        return pl.DataFrame(schema=SUPPRESSION)
    found = connection.sql(
        f"""
        with versions as (
            from vault.profile_versions
            where updated_at <= $refused_by
            qualify
                updated_at <= $hour
                or (
                    not email_consent
                    and updated_at = max(updated_at) over (partition by user_id)
                )
        ),
        known as (
            select
                *,
                max(updated_at) filter (where email_consent)
                    over (partition by user_id) as granted_at
            from versions
        ),
        withdrawn as (
            select user_id, min(updated_at) as suppressed_at
            from known where updated_at > granted_at group by user_id
        )
        select distinct 'email' as channel, user_id, email, cast(null as varchar) as phone,
            '{UNSUBSCRIBED}' as reason, suppressed_at, cast(null as varchar) as visitor_id
        from known
        inner join withdrawn using (user_id)
        where
            updated_at >= granted_at
            and email is not null
            and email_key not in (
                select email_key from vault.current_profiles
                where email_consent and email_key is not null
            )
        order by suppressed_at, user_id, email
        """,
        params={"hour": hour, "refused_by": refused_by},
    ).pl()
    found = found.cast(SUPPRESSION)
    return found.with_columns(email=series(normalised(_address, "email", {}, found["email"])))


def _address(text: str | None) -> str:
    """The normal form of an address, also of one with a name or quotes around it: whoever said no
    is known to the tool by the address alone.

    Raises:
        UnusableValueError: there is no address in the text.
    """
    with suppress(UnusableValueError):
        return normal_email(bare_email(text))
    return normal_email(text)
