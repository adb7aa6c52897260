"""What contacts did: people who were contacted against people who were held out.

Belongs here: everybody's first contact with what became of it, the effects that plans count with,
and which plans a contact has ended. Not here: the tables of results (`contact_results`), the log of
contacts (`outputs.exports.contact_log`), nor the arithmetic (`ml.effects`).

All is as of an hour: contacts before it, orders up to it, and of persons whose seven days the log
has passed by then. A person counts once in a channel, in the arm and with the plan of the first
contact, whatever came after it.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import duckdb
import numpy as np
import polars as pl

from ml.contact_timing import ContactTiming
from ml.decision import ON_THE_FENCE
from ml.economics import ACTIONS, NOTHING
from ml.effects import Estimate, estimate_effect
from ml.later import HOUR_US
from orchestration.ground.rule_macros import person_of, user_as_visitor
from orchestration.ground.settings import Settings
from orchestration.ground.sql import transaction
from orchestration.warehouse.contact_tables import (
    CONTACT_EFFECTS,
    CONTACT_LOG,
    WITHHELD_CONTACTS,
)
from orchestration.warehouse.database import log_end
from orchestration.warehouse.retention import too_old

OUTCOME_DAYS = 7
USED_DIGITS = 2
_LOG, _WITHHELD = f"scores.{CONTACT_LOG.name}", f"scores.{WITHHELD_CONTACTS.name}"
_EFFECTS = f"scores.{CONTACT_EFFECTS.name}"
# Contacts of both arms, and which of them is a person's first.
EVERY_CONTACT = f"""
    select *, exported_at as first_at, true as is_contacted from {_LOG}
    union all by name
    select *, withheld_at as first_at, false as is_contacted from {_WITHHELD}
"""
IS_FIRST = (
    "row_number() over (partition by person_id, channel"
    " order by first_at, is_contacted, send_after, contact_id) = 1"
)
# Of a row of the log: costs and discounts are those of what was sent, not of what the plan had.
_SENT = "coalesce(log.sent_action, log.action)"
# A plan's time may be a week after its contact, a week is over after another, its seven days then.
_FEWEST_DAYS = 28
_NUDGES = tuple(action for action in ACTIONS if action != NOTHING)


def ended_plans(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> pl.DataFrame:
    """When the people behind the carts to score were contacted last before an hour.

    A contact counts once it was sent, one that was withheld at once: what is planned only is put on
    a list again if the tool never sends it.

    Returns:
        cart_id, contacted_at; the carts of people who never were have no row.
    """
    return connection.sql(
        f"""
        with contacts as (
            select person_id, cart_id, exported_at as contacted_at from {_LOG}
            where exported_at < $as_of and sent_at <= $as_of
            union all
            select person_id, cart_id, withheld_at from {_WITHHELD} where withheld_at < $as_of
        ),
        found as (
            select carts.cart_id, contacts.contacted_at
            from main.scoring_snapshots as carts
            inner join contacts on carts.cart_id = contacts.cart_id
            union all
            select carts.cart_id, contacts.contacted_at
            from main.scoring_snapshots as carts
            inner join contacts
                on contacts.person_id
                = {person_of("carts.owner_id", "carts.visitor_id")}
        )
        select cart_id, max(contacted_at) as contacted_at
        from found
        group by cart_id
        order by cart_id
        """,
        params={"as_of": as_of},
    ).pl()


def measured(
    connection: duckdb.DuckDBPyConnection, settings: Settings, as_of: datetime
) -> Settings:
    """The settings with the effects that were measured by an hour in the place of the assumed ones.

    The table of effects gets the hour's rows, in the place of those it may have.

    Args:
        connection: the open warehouse.
        settings: what the shop assumes.
        as_of: the hour.

    Returns:
        The settings as they are while no effect could be estimated.
    """
    # of older first contacts those only are kept whose person was contacted again
    is_kept = pl.col("first_at") > as_of - timedelta(days=kept_days(settings))
    contacts = first_contacts(connection, as_of).filter("is_mature", is_kept)
    economics = settings.economics
    rows = []
    for action in _NUDGES:
        # an arm with another action says nothing of this one, and is drawn: leaving it out is fair
        own = contacts.filter(action=action, sent_action=action, segment=ON_THE_FENCE)
        assumed = getattr(economics, f"{action}_odds_ratio")
        estimate = _estimate(own, settings.contacts.timing)
        used = _used(estimate.shrunk(assumed)) if estimate else assumed
        rows.append(_effect_row(as_of, action, own, assumed, estimate, used))
        settings = settings.model_copy(
            update={"economics": replace(settings.economics, **{f"{action}_odds_ratio": used})}
        )
    _replace_effects(connection, as_of, rows)
    return settings


def kept_days(settings: Settings) -> int:
    """For how many days contacts are kept: as scores are, and until a week of them is judged."""
    return max(settings.scores_keep_days, _FEWEST_DAYS)


def drop_old_effects(
    connection: duckdb.DuckDBPyConnection, as_of: datetime, not_after: datetime, keep_days: int
) -> None:
    """Drop effects of hours of which no scores are kept; see `written_scores.write_scores`."""
    is_old, old = too_old("estimated_at", as_of, not_after, keep_days)
    connection.execute(f"delete from {_EFFECTS} where {is_old}", old)


def first_contacts(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> pl.DataFrame:
    """Everybody's first contact before an hour, or the first that was withheld, and the outcome.

    An order counts for a user who owned it, and for the visitor of the cart while that had no
    owner; from after the plan's time up to seven days after it.

    Returns:
        person_id, channel, segment, action (the plan's), sent_action (an experiment's arm may have
        another), p_abandon, send_after, session_ended_at, first_at (its hour), is_contacted,
        contacts (put on lists in the seven days), incentives (sent with those of them),
        is_converted, revenue (of orders of known value, in the reporting currency),
        incentive_revenue (of those after an incentive) and is_mature; by person_id and channel.
    """
    end = log_end(connection, as_of)
    query = f"""
        with every as (
            select * from ({EVERY_CONTACT}) where first_at < $as_of
        ),
        firsts as (
            select * from every qualify {IS_FIRST}
        ),
        theirs as (
            select firsts.contact_id, firsts.send_after, ordered_at, order_value_base
            from firsts
            inner join main.orders as orders
                on firsts.person_id = {user_as_visitor("orders.owner_id")}
            union all
            select firsts.contact_id, firsts.send_after, ordered_at, order_value_base
            from firsts
            inner join main.carts as carts on firsts.cart_id = carts.cart_id
            inner join main.orders as orders on carts.visitor_id = orders.visitor_id
            where orders.owner_id is null
        ),
        counted as (
            select
                firsts.contact_id,
                count(*) as contacts,
                count(*) filter (where {_SENT} = 'incentive') as incentives,
                min(greatest(log.exported_at, log.send_after))
                filter (where {_SENT} = 'incentive') as incentive_at
            from firsts
            inner join {_LOG} as log
                on firsts.person_id = log.person_id and firsts.channel = log.channel
            where
                log.exported_at < $as_of
                and log.exported_at >= firsts.first_at
                and log.exported_at <= firsts.send_after + to_days({OUTCOME_DAYS})
            group by firsts.contact_id
        ),
        bought as (
            select
                contact_id,
                count(*) as orders,
                sum(order_value_base) as revenue,
                sum(order_value_base) filter (where ordered_at > incentive_at) as incentive_revenue
            from theirs
            left join counted using (contact_id)
            where
                ordered_at > send_after
                and ordered_at <= send_after + to_days({OUTCOME_DAYS})
                and ordered_at <= $as_of
            group by contact_id
        )
        select
            firsts.person_id,
            firsts.channel,
            firsts.segment,
            firsts.action,
            coalesce(firsts.sent_action, firsts.action) as sent_action,
            firsts.p_abandon,
            firsts.send_after,
            firsts.session_ended_at,
            firsts.first_at,
            firsts.is_contacted,
            coalesce(counted.contacts, 0) as contacts,
            coalesce(counted.incentives, 0) as incentives,
            bought.orders is not null as is_converted,
            cast(coalesce(bought.revenue, 0) as decimal(38, 4)) as revenue,
            cast(coalesce(bought.incentive_revenue, 0) as decimal(38, 4)) as incentive_revenue,
            coalesce(firsts.send_after + to_days({OUTCOME_DAYS}) <= $end, false) as is_mature
        from firsts
        left join bought using (contact_id)
        left join counted using (contact_id)
        order by firsts.person_id, firsts.channel
    """
    return connection.sql(query, params={"as_of": as_of, "end": end}).pl()


def _estimate(contacts: pl.DataFrame, timing: ContactTiming) -> Estimate | None:
    """The effect at the best time of contact; what the delay does to it is taken out."""
    delay = (pl.max_horizontal("first_at", "send_after") - pl.col("session_ended_at")).dt
    hours = contacts.select(delay.total_microseconds() / HOUR_US).to_series()
    ratios = np.where(
        hours.is_null().to_numpy(), 1.0, timing.delay_odds_ratio(hours.fill_null(0.0).to_numpy())
    )
    return estimate_effect(
        1.0 - contacts["p_abandon"].to_numpy(),
        contacts["is_contacted"].to_numpy(),
        contacts["is_converted"].to_numpy(),
        ratios,
    )


def _used(odds_ratio: float) -> float:
    """To digits that outlast an hour; an effect that leaves nearly no buyers is an odds ratio yet,
    and none is 0."""
    return max(round(odds_ratio, USED_DIGITS), 10.0**-USED_DIGITS)


def _effect_row(
    as_of: datetime,
    action: str,
    contacts: pl.DataFrame,
    assumed: float,
    estimate: Estimate | None,
    used: float,
) -> dict[str, object]:
    low, high = estimate.interval if estimate else (None, None)
    return {
        "estimated_at": as_of,
        "segment": ON_THE_FENCE,
        "action": action,
        **counts(contacts),
        "assumed_odds_ratio": assumed,
        "estimated_odds_ratio": estimate.odds_ratio if estimate else None,
        "odds_ratio_low": low,
        "odds_ratio_high": high,
        "weight": estimate.weight() if estimate else 0.0,
        "used_odds_ratio": used,
        "used": "measured" if estimate else "assumed",
    }


def counts(contacts: pl.DataFrame) -> dict[str, int]:
    """Persons of both arms, and who of them ordered."""
    contacted, held_out = (contacts.filter(is_contacted=is_) for is_ in (True, False))
    return {
        "contacted_persons": contacted.height,
        "held_out_persons": held_out.height,
        "contacted_conversions": int(contacted["is_converted"].sum()),
        "held_out_conversions": int(held_out["is_converted"].sum()),
    }


def _replace_effects(
    connection: duckdb.DuckDBPyConnection, as_of: datetime, rows: list[dict[str, object]]
) -> None:
    with transaction(connection):
        connection.execute(f"delete from {_EFFECTS} where estimated_at = ?", [as_of])
        CONTACT_EFFECTS.insert(connection, rows)
