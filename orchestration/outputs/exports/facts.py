"""What is known of each person whom an export may concern, as the gates ask for it.

Belongs here: putting scores, profiles, suppressions, orders, sessions and contacts together to one
row a person. Not here: reading them (`people`, `contacted`), nor what follows from them (`gates`).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb
import polars as pl

from ml.features import USER_PREFIX
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.ground.settings_exports import Export
from orchestration.outputs.exports import csv_text, membership, people, suppressed
from orchestration.outputs.exports.contacted import Contacts, read_contacts
from orchestration.outputs.exports.gates import FACTS, best_carts
from orchestration.outputs.exports.presets import Preset
from orchestration.outputs.exports.rows import hashed_rows
from orchestration.people.known_at import forgotten

_CHANNELS = {"email": ("email", "all"), "suppressions": ("email", "all")}
_ADS_CHANNELS = ("ads", "all")


@dataclass(frozen=True)
class Known:
    """What is known of everybody whom an export of the hour may concern."""

    profiles: people.Profiles
    suppressions: pl.DataFrame
    withdrawn: pl.DataFrame
    last_orders: pl.DataFrame
    suspected_bots: pl.DataFrame
    contacts: Contacts
    erased: list[str]
    forgotten: list[str]


def read_known(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    hour: datetime,
    settings: Settings,
    carts: Iterable[pl.DataFrame],
    before: Iterable[membership.Before],
    refused_by: datetime,
    attributes: Collection[str] = (),
) -> Known:
    """Read all of it once for all exports.

    Args:
        connection: the open warehouse.
        home: where the key of the erased lies.
        hour: the scored hour.
        settings: the shop's country and the cooldown.
        carts: the scored carts of the exports.
        before: their lists before the hour.
        refused_by: up to when refusals and messages count (`known_at.refused_until`).
        attributes: fields `attr_*` of profiles that are columns of a file.
    """
    suppressions = suppressed.read_suppressions(connection, hour, settings.contacts.country)
    listed = [each.listed["person_id"] for each in before if each.listed is not None]
    # not the addresses of a list of suppressions
    on_lists = [
        each.filter(each.str.starts_with(USER_PREFIX)).str.strip_prefix(USER_PREFIX)
        for each in listed
    ]
    users = pl.concat(
        [*(each["user_id"].cast(pl.String) for each in carts), *on_lists, suppressions["user_id"]]
    )
    profiles = people.read_profiles(connection, users, settings.contacts.country, attributes)
    unknown = set().union(*on_lists) - set(profiles.frame["user_id"])
    cooldown = timedelta(hours=settings.contacts.cooldown_hours)
    return Known(
        profiles=profiles,
        suppressions=suppressions,
        withdrawn=suppressed.read_withdrawn(connection, hour, refused_by),
        last_orders=people.last_orders(connection, hour),
        suspected_bots=people.suspected_bots(connection, hour),
        contacts=read_contacts(connection, hour, profiles.frame, cooldown, refused_by),
        erased=people.erased_users(connection, home.erasure_key, sorted(unknown)),
        forgotten=forgotten(connection, sorted(unknown)),
    )


def person_facts(
    entry: Export,
    preset: Preset,
    known: Known,
    hour: datetime,
    scored: pl.DataFrame,
    listed: pl.DataFrame | None,
) -> pl.DataFrame:
    """The facts of whoever was scored, and of whoever is on the list without it.

    Args:
        entry: the export.
        preset: of its file.
        known: what is known of people.
        hour: the scored hour.
        scored: the carts, see `people.scored_carts`, and is_member: whether the person is in a
            segment of people that the export takes; null: no.
        listed: the list before the hour; None: there is none.

    Returns:
        One row a person with `gates.FACTS`, is_scored, the cart's and the profile's columns; of the
        ads also `rows.ROWS`.
    """
    window_from = hour - timedelta(days=entry.window_days)
    persons = _live_carts(scored, known.last_orders)
    if listed is not None:
        others = listed.select("person_id").unique(maintain_order=True)
        others = others.join(persons, on="person_id", how="anti").select(
            "person_id",
            user_id=pl.col("person_id").str.strip_prefix(USER_PREFIX),
            # whoever ordered within the window does not stay on the list for its end
            touched_at=pl.lit(window_from).cast(pl.Datetime("us")),
            is_holdout=pl.lit(value=False),
            is_bots_cart=pl.lit(value=False),
            is_scored=pl.lit(value=False),
        )
        persons = pl.concat([persons, _with_bought(others, known.last_orders)], how="diagonal")
    channels = _CHANNELS.get(entry.profile, _ADS_CHANNELS)
    blocked = known.suppressions.filter(pl.col("channel").is_in(channels))
    profiles = known.profiles.frame.with_columns(has_profile=pl.lit(value=True))
    for frame, by in (
        (profiles, "user_id"),
        (known.suspected_bots, "person_id"),
        (known.contacts.by_person, "person_id"),
        (known.contacts.by_mailbox, "mailbox"),
        (known.contacts.of_both, ["person_id", "mailbox"]),
    ):
        persons = persons.join(frame, on=by, how="left", maintain_order="left")
    # whoever has the address of somebody who said no, however the one or the other writes it
    of_users = known.profiles.frame.join(blocked.select("user_id"), on="user_id", how="semi")
    refused = {
        "user_id": [blocked["user_id"]],
        "person_id": [blocked["visitor_id"]],
        "email": [blocked["email"]],
        "mailbox": [of_users["mailbox"]],
    }
    if entry.is_ads:  # a number that two people have would be the hash of both
        refused["phone"] = [blocked["phone"], of_users["phone"]]
    persons = persons.with_columns(
        is_erased=(
            pl.col("user_id").is_in(known.erased) | (pl.col("person_id") == membership.ERASED)
        ).fill_null(value=False),
        is_suppressed=pl.any_horizontal(
            pl.col(name).is_in(each.drop_nulls().to_list()).fill_null(value=False)
            for name, columns in refused.items()
            for each in columns
        ),
        has_profile=pl.col("has_profile").fill_null(value=False),
        is_consented=_is_consented(entry),
        is_suspected_bot=pl.col("is_bots_cart").fill_null(value=False)
        | (pl.col("suspected_at") > window_from).fill_null(value=False),
        is_worth_it=_is_worth_it(entry),
        priority=pl.col("priority_rank"),
        last_contacted_at=pl.max_horizontal("person_contacted_at", "mailbox_contacted_at"),
        contacts_in_7_days=pl.col("person_contacts").fill_null(0)
        + pl.col("mailbox_contacts").fill_null(0)
        - pl.col("both_contacts").fill_null(0),
        value=pl.col("expected_gain").cast(pl.Float64).round(2),
    )
    if entry.is_ads:
        # of who did not consent not even a hash is made
        rows = hashed_rows(persons.filter(pl.col("is_consented")), preset).frame
        persons = persons.join(rows, on="person_id", how="left", maintain_order="left")
    persons = persons.with_columns(
        contact=_contact(entry, persons),
        # a list of the ads writes to nobody
        mailbox=pl.lit(None) if entry.is_ads else pl.col("mailbox"),
    )
    return persons.cast(FACTS)


def _live_carts(scored: pl.DataFrame, last_orders: pl.DataFrame) -> pl.DataFrame:
    """One cart a person: of those touched after the last order, else of all."""
    of_any = scored.group_by("person_id").agg(
        is_any_held_out=pl.col("is_holdout").any(), is_any_bots=pl.col("is_bots_cart").any()
    )
    carts = _with_bought(scored, last_orders)
    live = carts.filter(~pl.col("has_bought_since"))
    bought = carts.filter(pl.col("has_bought_since")).join(live, on="person_id", how="anti")
    return (
        best_carts(pl.concat([live, bought]))
        .join(of_any, on="person_id", how="left", maintain_order="left")
        .with_columns(
            is_scored=pl.lit(value=True),
            is_holdout=pl.col("is_any_held_out"),
            is_bots_cart=pl.col("is_any_bots"),
        )
    )


def _with_bought(carts: pl.DataFrame, last_orders: pl.DataFrame) -> pl.DataFrame:
    """The carts with has_bought_since; an order at the instant of the last touch is later."""
    return carts.join(last_orders, on="person_id", how="left", maintain_order="left").with_columns(
        has_bought_since=(pl.col("ordered_at") >= pl.col("touched_at")).fill_null(value=False)
    )


def _is_consented(entry: Export) -> pl.Expr:
    if not entry.is_ads:
        return pl.col("email_consent")
    is_open = pl.col("country").is_in(entry.countries_without_consent)
    both = pl.col("ad_user_data_consent") & pl.col("ad_personalization_consent")
    return is_open.fill_null(value=False) | both


def _is_worth_it(entry: Export) -> pl.Expr:
    if entry.is_ads:
        return pl.col("segment").is_in(entry.segments) | pl.col("is_member")
    return pl.col("best_action") != "nothing"


def _contact(entry: Export, persons: pl.DataFrame) -> pl.Series:
    """What identifies each person in the file, null where it cannot stand there."""
    if entry.is_ads:
        return persons["identifier"].alias("contact")
    name = "user_id" if entry.identifier == "external_id" else "email"
    safe = [text if text and csv_text.is_safe_identifier(text) else None for text in persons[name]]
    return pl.Series("contact", safe, dtype=pl.String)
