"""Whom the files for e-mail tools have contacted, and whom they would have but for the holdout.

Belongs here: the rows of `scores.contact_log` and `scores.withheld_contacts`, and what dumps of
contacts say of them. Not here: who may be contacted (`gates`), what contacts brought
(`modelling.contact_effects`).

A contact is logged for the hour whose files put the person on a list; the hour done again logs the
same, and keeps whom its earlier files had. What is withheld has its own cooldown and cap, as if it
had been sent: both arms are asked the same questions.
"""

import hashlib
from dataclasses import replace
from datetime import datetime

import duckdb
import polars as pl

from orchestration.ground.hours import END_OF_TIME, iso
from orchestration.ground.sql import transaction
from orchestration.modelling.contact_effects import EVERY_CONTACT, IS_FIRST, OUTCOME_DAYS
from orchestration.outputs.exports.contacted import (
    CONFIRMED_WITHIN,
    HEARD_OF_WITHIN,
    STATUSES,
    WEEK,
    beginnings,
    reports,
)
from orchestration.outputs.exports.gates import ELIGIBLE, FACTS, Policy, gates
from orchestration.outputs.exports.variants import ARM_ACTION
from orchestration.warehouse.contact_tables import CONTACT_LOG, CONTACT_PLANS, WITHHELD_CONTACTS
from orchestration.warehouse.database import has_table
from orchestration.warehouse.retention import too_old

LOGGED = {
    "contact_id": pl.String,
    "person_id": pl.String,
    "channel": pl.String,
    "export": pl.String,
    "logged_at": pl.Datetime("us"),
    "send_after": pl.Datetime("us"),
    "cart_id": pl.String,
    "segment": pl.String,
    "action": pl.String,
    "p_abandon": pl.Float64,
    "expected_gain": pl.Decimal(18, 4),
    "session_ended_at": pl.Datetime("us"),
    "sent_action": pl.String,
    "is_withheld": pl.Boolean,
}
NOBODY = pl.DataFrame(schema=LOGGED)
_EMAIL = "email"
_LOG, _WITHHELD = f"scores.{CONTACT_LOG.name}", f"scores.{WITHHELD_CONTACTS.name}"
_NO_LIMIT = 2**62


def contacts_of_hour(
    connection: duckdb.DuckDBPyConnection,
    export: str,
    decided: pl.DataFrame,
    added: pl.DataFrame,
    policy: Policy,
    hour: datetime,
) -> pl.DataFrame:
    """Whom an e-mail export contacts, and whom it would have.

    Args:
        connection: the open warehouse.
        export: its name.
        decided: the persons of the hour with `gates.FACTS`, their cart's columns and their gate.
        added: person_id of whoever is put on the list.
        policy: how much contact there may be.
        hour: the scored hour.

    Returns:
        Rows with `LOGGED`, by contact_id.
    """
    contacted = decided.join(added.select("person_id"), on="person_id", how="semi")
    held_out = _would_be_contacted(connection, export, decided, policy, hour)
    persons = pl.concat(
        [
            contacted.with_columns(is_withheld=pl.lit(value=False)),
            held_out.with_columns(is_withheld=pl.lit(value=True)),
        ],
        how="diagonal",
    )
    ids = [_contact_id(export, person, hour) for person in persons["person_id"]]
    return (
        persons.join(_absences(connection, persons["cart_id"], hour), on="cart_id", how="left")
        .with_columns(
            contact_id=pl.Series(ids, dtype=pl.String),
            channel=pl.lit(_EMAIL),
            export=pl.lit(export),
            logged_at=pl.lit(hour).cast(pl.Datetime("us")),
            send_after=pl.col("contact_not_before"),
            action=pl.col("best_action"),
            sent_action=pl.coalesce(ARM_ACTION, "best_action"),
        )
        .select(pl.col(name).cast(kind) for name, kind in LOGGED.items())
        .sort("contact_id")
    )


def keep(connection: duckdb.DuckDBPyConnection, contacts: pl.DataFrame) -> None:
    """Log contacts with `LOGGED`, in the place of those with their ids."""
    connection.register("logged", contacts)
    with transaction(connection):
        for table, at, condition in (
            (CONTACT_LOG, "exported_at", "not is_withheld"),
            (WITHHELD_CONTACTS, "withheld_at", "is_withheld"),
        ):
            name = f"scores.{table.name}"
            connection.execute("create schema if not exists scores")
            connection.execute(table.ddl(name))
            connection.execute(
                f"delete from {name} where contact_id in (select contact_id from logged)"
            )
            sent = "" if at == "withheld_at" else ", 'planned' as status, sent_action"
            connection.execute(
                f"insert into {name} by name"
                f" select * exclude (logged_at, is_withheld, sent_action), logged_at as {at}{sent}"
                f" from logged where {condition} order by contact_id"
            )
    connection.unregister("logged")


def settle(
    connection: duckdb.DuckDBPyConnection, hour: datetime, not_after: datetime = END_OF_TIME
) -> None:
    """Bring what is known of contacts up to the dumps, as of the newest hour that has any.

    Args:
        connection: the open warehouse.
        hour: an hour that was exported.
        not_after: the newest hour there can be by the clock.
    """
    if not has_table(connection, "scores", CONTACT_LOG.name):
        return
    query = f"select max(exported_at), min(exported_at) from {_LOG} where exported_at <= ?"
    newest, oldest = connection.execute(query, [not_after]).fetchall()[0]
    if newest is None:
        return
    instant = max(newest, hour)
    persons = connection.sql(f"select distinct person_id from {_LOG} order by 1").pl()["person_id"]
    heard = reports(connection, instant, oldest - HEARD_OF_WITHIN, STATUSES, persons=persons)
    connection.register("heard_reports", heard)
    # an open of a message of before says nothing of the one that was planned
    connection.register("begun_messages", beginnings(connection, heard))
    ranks = ", ".join(f"'{name}'" for name in STATUSES)
    connection.execute(
        f"""
        create or replace temp table reported_contacts as
        with first as (
            select
                log.contact_id,
                min(heard.reported_at) as reported_at,
                arg_min(heard.campaign, (heard.reported_at, heard.campaign)) as campaign
            from {_LOG} as log
            inner join begun_messages as heard
                on log.person_id = heard.person_id
                and heard.reported_at >= log.exported_at
                and heard.reported_at < log.exported_at + to_days({CONFIRMED_WITHIN.days})
            group by log.contact_id
        )
        select
            first.contact_id,
            first.reported_at,
            [{ranks}][max(list_position([{ranks}], heard.status))] as furthest
        from first
        inner join {_LOG} as log on first.contact_id = log.contact_id
        inner join heard_reports as heard
            on log.person_id = heard.person_id
            and first.campaign = heard.campaign
            and heard.reported_at >= first.reported_at
            and heard.reported_at < log.exported_at + to_days({HEARD_OF_WITHIN.days})
        group by first.contact_id, first.reported_at
        """
    )
    for name in ("heard_reports", "begun_messages"):
        connection.unregister(name)
    begun = _first_dump(connection, instant)
    # a day before the first message, nobody could have said anything
    is_silent = "true" if begun is None else f"exported_at < timestamp '{begun - CONFIRMED_WITHIN}'"
    sent_at = f"coalesce(reported.reported_at, if({is_silent}, log.exported_at, null))"
    connection.execute(
        f"""
        update {_LOG} as log
        set
            sent_at = {sent_at},
            status = if({sent_at} is null, 'planned', 'sent'),
            reported_status = reported.furthest
        from (
            select log.contact_id, reported_contacts.reported_at, reported_contacts.furthest
            from {_LOG} as log left join reported_contacts using (contact_id)
        ) as reported
        where
            log.contact_id = reported.contact_id
            and (log.sent_at, log.status, log.reported_status) is distinct from
            ({sent_at}, if({sent_at} is null, 'planned', 'sent'), reported.furthest)
        """
    )
    connection.execute("drop table reported_contacts")


def drop_old(
    connection: duckdb.DuckDBPyConnection, hour: datetime, not_after: datetime, keep_days: int
) -> None:
    """Drop contacts that are too old to keep, as scores are.

    Of whoever has newer ones in either table, the first in a channel stays with its seven days: the
    person would change the arm otherwise.

    Args:
        connection: the open warehouse.
        hour: what was logged for it stays.
        not_after: a later hour was exported while the clock was ahead: nothing is old by it.
        keep_days: contacts of as many days are kept.
    """
    is_old, old = too_old("first_at", hour, not_after, keep_days)
    connection.execute(
        f"""
        create or replace temp table old_contacts as
        with every as (select *, {is_old} as is_old from ({EVERY_CONTACT})),
        firsts as (select * from every qualify {IS_FIRST})
        select every.contact_id
        from every
        inner join firsts
            on every.person_id = firsts.person_id and every.channel = firsts.channel
        where
            every.is_old
            and (
                (
                    every.contact_id <> firsts.contact_id
                    and every.first_at > firsts.send_after + to_days({OUTCOME_DAYS})
                )
                or every.person_id not in (select person_id from every where not is_old)
            )
        """,
        old,
    )
    with transaction(connection):
        for name in (_LOG, _WITHHELD):
            connection.execute(f"delete from {name} where contact_id in (from old_contacts)")
    connection.execute("drop table old_contacts")


def _would_be_contacted(
    connection: duckdb.DuckDBPyConnection,
    export: str,
    decided: pl.DataFrame,
    policy: Policy,
    hour: datetime,
) -> pl.DataFrame:
    """Of those held out, whom all other gates let through, and whose plan was not withheld yet."""
    persons = decided.filter(gate="holdout")
    if persons.is_empty():
        return persons
    before = _withheld_before(connection, hour)
    # two exports of one hour contact a person twice; so they do here
    counted = before.group_by("person_id").agg(
        withheld_last=pl.col("withheld_at").max(),
        withheld_in_7_days=(pl.col("withheld_at") > hour - WEEK).sum().cast(pl.Int64),
    )
    asked = persons.join(counted, on="person_id", how="left", maintain_order="left").with_columns(
        is_holdout=pl.lit(value=False),
        last_contacted_at=pl.max_horizontal("last_contacted_at", "withheld_last"),
        contacts_in_7_days=pl.col("contacts_in_7_days") + pl.col("withheld_in_7_days").fill_null(0),
    )
    let_through = gates(asked.select(list(FACTS)), replace(policy, capacity=_NO_LIMIT), hour)
    ahead = decided.filter(pl.col("gate").is_in([ELIGIBLE, "below_priority"]))["priority"].sort()
    places = ahead.search_sorted(persons["priority"], side="left")
    return persons.filter((let_through == ELIGIBLE) & (places < policy.capacity)).join(
        before.filter(export=export),
        left_on=["person_id", "cart_id", "contact_not_before"],
        right_on=["person_id", "cart_id", "send_after"],
        how="anti",
    )


def _withheld_before(connection: duckdb.DuckDBPyConnection, hour: datetime) -> pl.DataFrame:
    schema = {
        "person_id": pl.String,
        "export": pl.String,
        "cart_id": pl.String,
        "send_after": pl.Datetime("us"),
        "withheld_at": pl.Datetime("us"),
    }
    if not has_table(connection, "scores", WITHHELD_CONTACTS.name):
        return pl.DataFrame(schema=schema)
    query = f"select {', '.join(schema)} from {_WITHHELD} where withheld_at < ? order by all"
    return connection.sql(query, params=[hour]).pl().cast(schema)


def _absences(
    connection: duckdb.DuckDBPyConnection, carts: pl.Series, hour: datetime
) -> pl.DataFrame:
    """When the absences of carts began, by the plans up to an hour: cart_id, session_ended_at."""
    schema = {"cart_id": pl.String, "session_ended_at": pl.Datetime("us")}
    if not has_table(connection, "scores", CONTACT_PLANS.name):
        return pl.DataFrame(schema=schema)
    connection.register("wanted_carts", pl.DataFrame({"cart_id": carts.cast(pl.String).unique()}))
    found = connection.sql(
        f"select cart_id, arg_max(session_ended_at, planned_at) as session_ended_at"
        f" from scores.{CONTACT_PLANS.name} semi join wanted_carts using (cart_id)"
        " where planned_at <= ? group by cart_id order by cart_id",
        params=[hour],
    ).pl()
    connection.unregister("wanted_carts")
    return found.cast(schema)


def _first_dump(connection: duckdb.DuckDBPyConnection, instant: datetime) -> datetime | None:
    """When the first message was that dumps know of; None before any dump of contacts."""
    if not has_table(connection, "vault", "contact_rows"):
        return None
    query = "select min(contacted_at) from vault.contact_rows where contacted_at <= ?"
    return connection.execute(query, [instant]).fetchall()[0][0]


def _contact_id(export: str, person: str, hour: datetime) -> str:
    return hashlib.sha256(f"{export}\0{person}\0{iso(hour)}".encode()).hexdigest()[:32]
