"""What contacts brought: people who were contacted against people who were held out.

Belongs here: everybody's first contact with what became of it, the table of results, the effects
that plans count with, and which plans a contact has ended. Not here: the log of contacts
(`outputs.exports.contact_log`), nor the arithmetic (`ml.effects`).

All is as of an hour: contacts before it, orders up to it, and of persons whose seven days the log
has passed by then. A person counts once in a channel, in the arm and with the plan of the first
contact, whatever came after it.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import duckdb
import numpy as np
import polars as pl

from ml.contact_timing import ContactTiming
from ml.decision import ON_THE_FENCE
from ml.economics import ACTIONS, NOTHING, Economics
from ml.effects import (
    Estimate,
    difference_interval,
    estimate_effect,
    mean_difference_reach,
)
from ml.features import USER_PREFIX
from orchestration.ground.settings import Settings
from orchestration.ground.sql import transaction
from orchestration.warehouse.contact_tables import (
    CAMPAIGN_RESULTS,
    CONTACT_EFFECTS,
    CONTACT_LOG,
    WITHHELD_CONTACTS,
)
from orchestration.warehouse.retention import too_old

OUTCOME_DAYS = 7
USED_DIGITS = 2
_LOG, _WITHHELD = f"scores.{CONTACT_LOG.name}", f"scores.{WITHHELD_CONTACTS.name}"
_EFFECTS = f"scores.{CONTACT_EFFECTS.name}"
_RESULTS = f"scores.{CAMPAIGN_RESULTS.name}"
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
_HOUR_US = 3_600_000_000
_CENTS = Decimal("0.0001")
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
                = coalesce('{USER_PREFIX}' || carts.owner_id, carts.visitor_id)
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
    contacts = first_contacts(connection, as_of).filter("is_mature")
    economics = settings.economics
    rows = []
    for action in _NUDGES:
        own = contacts.filter(action=action, segment=ON_THE_FENCE)
        assumed = getattr(economics, f"{action}_odds_ratio")
        estimate = _estimate(own, settings.contacts.timing)
        used = round(estimate.shrunk(assumed), USED_DIGITS) if estimate else assumed
        rows.append(_effect_row(as_of, action, own, assumed, estimate, used))
        settings = settings.model_copy(
            update={"economics": replace(settings.economics, **{f"{action}_odds_ratio": used})}
        )
    _replace_effects(connection, as_of, rows)
    return settings


def write_results(
    connection: duckdb.DuckDBPyConnection, settings: Settings, as_of: datetime, currency: str | None
) -> pl.DataFrame:
    """Write the table of results again, as of an hour, and give its rows.

    Args:
        connection: the open warehouse.
        settings: margin and costs.
        as_of: the hour.
        currency: the reporting currency, which sums are in.
    """
    contacts = first_contacts(connection, as_of)
    rows = [*_results(contacts, settings.economics, log_end(connection, as_of), currency)]
    names = CAMPAIGN_RESULTS.column_names
    connection.execute(f"create or replace temp table results as from {_RESULTS} limit 0")
    if rows:
        marks = ", ".join("?" * len(names))
        values = [[row[name] for name in names] for row in rows]
        connection.executemany(f"insert into results values ({marks})", values)
    with transaction(connection):
        connection.execute(f"delete from {_RESULTS}")
        order = ", ".join(CAMPAIGN_RESULTS.order)
        connection.execute(f"insert into {_RESULTS} from results order by {order}")
    connection.execute("drop table results")
    return connection.sql(f"from {_RESULTS} order by {order}").pl()


def drop_old_effects(
    connection: duckdb.DuckDBPyConnection, as_of: datetime, not_after: datetime, keep_days: int
) -> None:
    """Drop effects of hours of which no scores are kept; see `scoring.write_scores`."""
    is_old, old = too_old("estimated_at", as_of, not_after, keep_days)
    connection.execute(f"delete from {_EFFECTS} where {is_old}", old)


def log_end(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> datetime | None:
    """The newest event that the log has up to an hour; None without any."""
    query = "select max(event_at) from main.ordered_events where event_at <= ?"
    return connection.execute(query, [as_of]).fetchall()[0][0]


def first_contacts(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> pl.DataFrame:
    """Everybody's first contact before an hour, or the first that was withheld, and the outcome.

    An order counts for a user who owned it, and for the visitor of the cart while that had no
    owner; from after the plan's time up to seven days after it.

    Returns:
        person_id, channel, segment, action, p_abandon, send_after, session_ended_at, first_at (its
        hour), is_contacted, contacts (put on lists in the seven days), incentives (those of them),
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
                on firsts.person_id = '{USER_PREFIX}' || orders.owner_id
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
                count(*) filter (where log.action = 'incentive') as incentives,
                min(greatest(log.exported_at, log.send_after))
                filter (where log.action = 'incentive') as incentive_at
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
    hours = contacts.select(delay.total_microseconds() / _HOUR_US).to_series()
    ratios = np.where(
        hours.is_null().to_numpy(), 1.0, timing.delay_odds_ratio(hours.fill_null(0.0).to_numpy())
    )
    return estimate_effect(
        1.0 - contacts["p_abandon"].to_numpy(),
        contacts["is_contacted"].to_numpy(),
        contacts["is_converted"].to_numpy(),
        ratios,
    )


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
        **_counts(contacts),
        "assumed_odds_ratio": assumed,
        "estimated_odds_ratio": estimate.odds_ratio if estimate else None,
        "odds_ratio_low": low,
        "odds_ratio_high": high,
        "weight": estimate.weight() if estimate else 0.0,
        "used_odds_ratio": used,
        "used": "measured" if estimate else "assumed",
    }


def _counts(contacts: pl.DataFrame) -> dict[str, int]:
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
    names = CONTACT_EFFECTS.column_names
    marks = ", ".join("?" * len(names))
    with transaction(connection):
        connection.execute(f"delete from {_EFFECTS} where estimated_at = ?", [as_of])
        connection.executemany(
            f"insert into {_EFFECTS} ({', '.join(names)}) values ({marks})",
            [[row[name] for name in names] for row in rows],
        )


def _results(
    contacts: pl.DataFrame, economics: Economics, end: datetime | None, currency: str | None
) -> Iterator[dict[str, object]]:
    """The rows of the table of results."""
    week = pl.col("send_after").dt.truncate("1w").alias("week")
    by = ("week", "segment", "action", "channel")
    grouped = contacts.filter("is_mature").with_columns(week).group_by(*by, maintain_order=True)
    for key, own in grouped:
        said = dict(zip(by, key, strict=True))
        over = said["week"] + pl.duration(days=7 + OUTCOME_DAYS)
        is_mature = end is not None and pl.select(over <= end).item()
        yield {
            **said,
            "week": said["week"].date(),
            **_counts(own),
            **_money(own, economics),
            **_difference(own),
            "reporting_currency": currency,
            "is_mature": is_mature,
        }


def _difference(contacts: pl.DataFrame) -> dict[str, float | None]:
    found = _counts(contacts)
    count, other = found["contacted_persons"], found["held_out_persons"]
    if not count or not other:
        return dict.fromkeys(("difference", "difference_low", "difference_high"))
    bought, other_bought = found["contacted_conversions"], found["held_out_conversions"]
    low, high = difference_interval(bought, count, other_bought, other)
    return {
        "difference": bought / count - other_bought / other,
        "difference_low": low,
        "difference_high": high,
    }


def _money(contacts: pl.DataFrame, economics: Economics) -> dict[str, Decimal | None]:
    contacted, held_out = (contacts.filter(is_contacted=is_)["revenue"] for is_ in (True, False))
    of_contacted = contacts.filter("is_contacted")
    incentives = int(of_contacted["incentives"].sum())
    reminders = int(of_contacted["contacts"].sum()) - incentives
    cost = reminders * Decimal(str(economics.reminder_cost))
    cost += incentives * Decimal(str(economics.incentive_cost))
    found: dict[str, Decimal | None] = dict.fromkeys(
        (
            "incremental_revenue",
            "incremental_revenue_low",
            "incremental_revenue_high",
            "incremental_margin",
        )
    )
    found |= {
        "contacted_revenue": _total(contacted),
        "held_out_revenue": _total(held_out),
        "contact_cost": cost.quantize(_CENTS),
    }
    if not (count := contacted.len()) or not (other := held_out.len()):
        return found
    more = _total(contacted) - _total(held_out) * count / other
    discount = Decimal(str(economics.incentive_rate)) * _total(of_contacted["incentive_revenue"])
    margin = Decimal(str(economics.margin_rate)) * more - discount
    found |= {
        "incremental_revenue": more.quantize(_CENTS),
        "incremental_margin": margin.quantize(_CENTS),
    }
    if count > 1 and other > 1:
        variances = (float(each.cast(pl.Float64).var()) for each in (contacted, held_out))
        variance, other_variance = variances
        reach = Decimal(
            str(round(count * mean_difference_reach(variance, count, other_variance, other), 4))
        )
        found |= {
            "incremental_revenue_low": (more - reach).quantize(_CENTS),
            "incremental_revenue_high": (more + reach).quantize(_CENTS),
        }
    return found


def _total(amounts: pl.Series) -> Decimal:
    return sum(amounts.to_list(), Decimal(0))
