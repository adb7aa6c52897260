"""Who was contacted before: put on a list for e-mail of ours, or said so by a dump of contacts.

Belongs here: what counts as one contact, by person and by address. Not here: how many there may be
(`gates`), the lists (`membership`), or reading dumps (`people.vault`).

Whoever is put on a list counts as contacted; an e-mail that a dump has within a day after it is
that contact. A tool may report a message several times, as sent, delivered, opened and clicked:
it is counted once, when it was sent, else when it was first heard of. It is delivered once: what is
delivered without having been sent is a message of its own, as of a tool that says no more. A text
message is a contact as an e-mail is: two within the cooldown are one too many for the person,
whichever tool sent them.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb
import polars as pl

from ml.features import USER_PREFIX
from orchestration.ground.rule_macros import user_as_visitor
from orchestration.landing.addresses import email_key
from orchestration.outputs.exports.membership import mail_listings
from orchestration.outputs.exports.people import owners_of
from orchestration.warehouse.database import has_table

WEEK = timedelta(days=7)
_SENT, _DELIVERED = "sent", "delivered"
# What says that a message reached its tool; the other statuses suppress.
_STATUSES = (_SENT, _DELIVERED, "opened", "clicked")
# All there are, in their order.
STATUSES = (*_STATUSES, "bounced", "complained", "unsubscribed")
EMAIL, _MESSAGES_BY = "email", ("email", "sms")
# Clocks of a tool differ, and filters open mails ahead: an open so short before the delivery is of
# the same message.
_OPENED_AHEAD = timedelta(minutes=10)
# A planned contact is sent within so long after it was put on a list.
CONFIRMED_WITHIN = timedelta(days=1)
# So long after a message its opens and clicks are taken for those of it.
HEARD_OF_WITHIN = WEEK


@dataclass(frozen=True)
class Contacts:
    """The contacts up to an hour, each counted once.

    Attributes:
        by_person: person_id, person_contacted_at (the last) and person_contacts (of seven days).
        by_mailbox: the same by the key of the address, which all its spellings have: mailbox,
            mailbox_contacted_at, mailbox_contacts.
        of_both: which of them are of a person and an address: person_id, mailbox, both_contacts.
    """

    by_person: pl.DataFrame
    by_mailbox: pl.DataFrame
    of_both: pl.DataFrame


def read_contacts(
    connection: duckdb.DuckDBPyConnection,
    hour: datetime,
    profiles: pl.DataFrame,
    cooldown: timedelta,
    refused_by: datetime,
) -> Contacts:
    """The contacts before an hour, of seven days or the cooldown, whichever is longer.

    Args:
        connection: the open warehouse.
        hour: lists count before it.
        profiles: user_id and email in its normal form.
        cooldown: how far back the last contact is asked for.
        refused_by: messages count up to it, as refusals do (`known_at.refused_until`).
    """
    since = hour - max(WEEK, cooldown)
    listed = mail_listings(connection, hour, since)
    heard = _messages(connection, refused_by, since)
    by_email = heard.filter(channel=EMAIL)
    pairs = listed.select("person_id", listed_at="at").join(by_email, on="person_id")
    # an open of what a list of ours led to is no message of its own
    of_lists = pairs.filter(
        ~pl.col("status").is_in([_SENT, _DELIVERED])
        & (pl.col("at") >= pl.col("listed_at"))
        & (pl.col("at") < pl.col("listed_at") + HEARD_OF_WITHIN)
    )
    messages = by_email.join(of_lists, on=["person_id", "at", "status"], how="anti")
    confirmed = (
        listed.select("person_id", listed_at="at")
        .join(messages, on="person_id")
        .filter(
            (pl.col("at") >= pl.col("listed_at"))
            & (pl.col("at") < pl.col("listed_at") + CONFIRMED_WITHIN)
        )
    )
    unconfirmed = listed.join(
        confirmed, left_on=["person_id", "at"], right_on=["person_id", "listed_at"], how="anti"
    )
    messages = pl.concat([messages, heard.filter(pl.col("channel") != EMAIL)])
    unconfirmed = unconfirmed.with_columns(channel=pl.lit(EMAIL))
    sent = pl.concat([unconfirmed, messages.drop("status")], how="diagonal")
    # a text is of the person alone, whoever has the same mailbox
    sent = sent.join(
        _emails(connection, sent["person_id"], profiles), on="person_id", how="left"
    ).with_columns(email=pl.when(channel=EMAIL).then(pl.coalesce("email", "own_email")))
    emails = sent["email"].drop_nulls().unique().to_list()
    keys = {"email": emails, "mailbox": [email_key(each) for each in emails]}
    sent = sent.join(pl.DataFrame(keys, schema=dict.fromkeys(keys, pl.String)), "email", "left")
    of_both = _counted(sent, "both", hour, ["person_id", "mailbox"])
    return Contacts(
        _counted(sent, "person", hour, ["person_id"]),
        _counted(sent, "mailbox", hour, ["mailbox"]),
        of_both.drop("both_contacted_at"),
    )


def _counted(sent: pl.DataFrame, prefix: str, hour: datetime, by: list[str]) -> pl.DataFrame:
    # as of the cooldown: what is so old already counts no more
    is_of_week = pl.col("at") > hour - WEEK
    # two lists of an hour, or two campaigns at an instant, are two
    contact = pl.struct("at", "channel", "campaign", "export")
    return (
        sent.drop_nulls(by)
        .group_by(by)
        .agg(
            pl.col("at").max().alias(f"{prefix}_contacted_at"),
            contact.filter(is_of_week).n_unique().cast(pl.Int64).alias(f"{prefix}_contacts"),
        )
        .sort(by)
    )


def _emails(
    connection: duckdb.DuckDBPyConnection, persons: pl.Series, profiles: pl.DataFrame
) -> pl.DataFrame:
    """The addresses of persons, in the spelling of whoever of `profiles` has the same mailbox."""
    users = profiles.select("user_id", own_email="email")
    others = persons.unique().str.strip_prefix(USER_PREFIX).to_frame("user_id")
    others = others.join(users, on="user_id", how="anti")
    if not others.is_empty() and has_table(connection, "vault", "current_profiles"):
        connection.register("contacted_users", others)
        connection.register("known_users", users.select("user_id"))
        same = connection.sql(
            """
            with known as (
                select user_id, email_key from vault.current_profiles
                semi join known_users using (user_id)
            )
            select contacted.user_id as other_id, min(known.user_id) as user_id
            from vault.current_profiles as contacted
            semi join contacted_users on contacted.user_id = contacted_users.user_id
            inner join known on contacted.email_key = known.email_key
            group by contacted.user_id
            order by contacted.user_id
            """
        ).pl()
        connection.unregister("contacted_users")
        connection.unregister("known_users")
        same = same.cast(pl.String).join(users, on="user_id")
        users = pl.concat([users, same.select("own_email", user_id="other_id")], how="diagonal")
    return users.select("own_email", person_id=pl.format(f"{USER_PREFIX}{{}}", "user_id"))


def _messages(
    connection: duckdb.DuckDBPyConnection, hour: datetime, since: datetime
) -> pl.DataFrame:
    """What dumps say was sent, per message and person: person_id, channel, campaign, at, status.

    Reports of one campaign are of one message, reported once, unless another was sent, or delivered
    without that the one before it was sent.
    """
    schema = {
        "person_id": pl.String,
        "channel": pl.String,
        "campaign": pl.String,
        "at": pl.Datetime("us"),
        "status": pl.String,
    }
    reported = reports(connection, hour, since - HEARD_OF_WITHIN, _STATUSES, _MESSAGES_BY)
    return (
        beginnings(connection, reported)
        .filter(pl.col("reported_at") >= since)
        .rename({"reported_at": "at"})
        .select(list(schema))
        .cast(schema)
    )


def beginnings(connection: duckdb.DuckDBPyConnection, reported: pl.DataFrame) -> pl.DataFrame:
    """Of reports those with which a message begins: the others are of one that began before.

    Args:
        connection: for its SQL.
        reported: see `reports`; from `HEARD_OF_WITHIN` before the first that is asked about.
    """
    connection.register("of_persons", reported)
    left = f"case when status in ('{_SENT}', '{_DELIVERED}') then"
    too_old = f"reported_at - to_days({HEARD_OF_WITHIN.days})"
    ahead = f"interval {_OPENED_AHEAD // timedelta(minutes=1)} minutes"
    found = connection.sql(
        f"""
        with followed as (
            select
                *,
                lag(reported_at) over reports_before as heard_before_at,
                last_value({left} status end ignore nulls) over reports_before as left_as,
                last_value({left} reported_at end ignore nulls) over reports_before
                    as left_before_at
            from of_persons
            window reports_before as (
                partition by person_id, channel, campaign
                order by reported_at, list_position({[*STATUSES]}, status)
                rows between unbounded preceding and 1 preceding
            )
        )
        select distinct person_id, channel, campaign, reported_at, status
        from followed
        where
            case
                when status = '{_SENT}' then true
                when status = '{_DELIVERED}'
                    then
                        (left_as is distinct from '{_SENT}' or left_before_at <= {too_old})
                        and (left_before_at is not null or heard_before_at is null
                            or heard_before_at < reported_at - {ahead})
                else heard_before_at is null or heard_before_at <= {too_old}
            end
        order by all
        """
    ).pl()
    connection.unregister("of_persons")
    return found


def reports(
    connection: duckdb.DuckDBPyConnection,
    hour: datetime,
    since: datetime,
    statuses: Collection[str],
    channels: Collection[str] = (EMAIL,),
    persons: pl.Series | None = None,
) -> pl.DataFrame:
    """What dumps say of messages: person_id, channel, reported_at, campaign and status, verbatim.

    A row finds people by user id, by the address that they have or had then, however it is written,
    and by visitor. What names no channel, or all, is taken for an e-mail.

    Args:
        connection: the open warehouse.
        hour: up to which.
        since: from which on.
        statuses: of these statuses.
        channels: of these channels.
        persons: only of these person_id: most messages of a shop are none of ours; None: of all.
    """
    schema = {
        "person_id": pl.String,
        "channel": pl.String,
        "reported_at": pl.Datetime("us"),
        "campaign": pl.String,
        "status": pl.String,
    }
    if not has_table(connection, "vault", "contact_rows"):
        return pl.DataFrame(schema=schema)
    wanted, by = (", ".join(f"'{each}'" for each in names) for names in (statuses, channels))
    connection.execute(
        f"""
        create or replace temp table heard_of as
        select user_id, email_key, visitor_id, contacted_at, coalesce(campaign, '') as campaign,
            status, coalesce(nullif(channel, 'all'), '{EMAIL}') as channel
        from vault.contact_rows
        where
            status in ({wanted})
            and coalesce(nullif(channel, 'all'), '{EMAIL}') in ({by})
            and contacted_at <= ?
            and contacted_at >= ?
        """,
        [hour, since],
    )
    visitors = "select distinct visitor_id from heard_of where visitor_id is not null order by 1"
    visitor_ids = connection.sql(visitors).pl()["visitor_id"].cast(pl.String)
    connection.register("visitor_owners", owners_of(connection, visitor_ids, hour))
    is_wanted = ""
    if persons is not None:
        connection.register("wanted_persons", persons.unique().to_frame("person_id"))
        is_wanted = "semi join wanted_persons using (person_id)"
    found = connection.sql(
        f"""
        with addressees as (
            select distinct user_id from vault.profile_versions
            where email_key in (select email_key from heard_of)
        ),
        versions as (
            select
                user_id,
                email_key,
                updated_at,
                lead(updated_at) over (partition by user_id order by updated_at) as replaced_at
            from vault.profile_versions
            semi join addressees using (user_id)
        ),
        found as (
            select
                {user_as_visitor("user_id")} as person_id,
                contacted_at as reported_at,
                channel,
                campaign,
                status
            from heard_of where user_id is not null
            union all
            select {user_as_visitor("profiles.user_id")}, contacted_at, channel, campaign, status
            from heard_of
            inner join vault.current_profiles as profiles using (email_key)
            union all
            select {user_as_visitor("versions.user_id")}, contacted_at, channel, campaign, status
            from heard_of
            inner join versions
                on
                    heard_of.email_key = versions.email_key
                    and heard_of.contacted_at >= versions.updated_at
                    and (
                        heard_of.contacted_at < versions.replaced_at
                        or versions.replaced_at is null
                    )
            union all
            select visitor_id, contacted_at, channel, campaign, status
            from heard_of where visitor_id is not null
            union all
            select {user_as_visitor("owners.user_id")}, contacted_at, channel, campaign, status
            from heard_of
            inner join visitor_owners as owners using (visitor_id)
        )
        select distinct * from found {is_wanted}
        order by all
        """
    ).pl()
    connection.execute("drop table heard_of")
    connection.unregister("visitor_owners")
    if persons is not None:
        connection.unregister("wanted_persons")
    return found.cast(schema)
