"""What a perfect model would have known: the tables beside the dumps, never read by the pipeline.

Belongs here: probabilities that follow from the latent state, and what came of it, dump or no dump
(a return after the last day counts). Does not belong here: anything estimated from events.

`carts_truth`     one row a decision: a first add and what it leads to
    person_id, visitor_id, add_event_id, started_at, last_touched_at (within that visit), p_convert
    (ever), p_convert_72h and converts_72h (within 72 h of started_at), idle_as_of (last touch +
    24 h; null if bought, emptied or touched by then), p_convert_72h_idle and converts_72h_idle
    (within 72 h of idle_as_of), converted_at, is_emptied.
    A first add into a basket still full of an older decision is no new cart to the pipeline: join
    on (visitor_id, started_at) for carts, on (visitor_id, last_touched_at) for touches.
`people_truth`    one row a person
    person_id, visitor_ids, user_id (null without account), price_sensitivity, return_never,
    return_quick, return_quick_median, return_slow_median (arguments of `shop_law.return_cdf`),
    reminder_odds_ratio, incentive_odds_ratio (what a nudge at the best time would do to the odds of
    buying; `shop_law.delay_log_odds` is what another time adds to their logarithm).
`sessions_truth`  one row a visit
    person_id, visitor_id, started_at, ended_at, returned_at (next visit of the person, on any
    device; null for never), p_return_4h, p_return_8h, p_return_24h, p_return_72h, p_return_168h.
"""

import numpy as np
import polars as pl

from data.shop_catalogue import Names
from data.shop_events import VisitEvents
from data.shop_law import (
    HORIZON_HOURS,
    IDLE_HOURS,
    RETURN_HOURS,
    SESSION_GAP_HOURS,
    Ints,
    SeasonClock,
    ShopLaw,
    bought_later,
    purchase_between,
    purchase_by,
    return_cdf,
)
from data.shop_people import MAX_DEVICES, People
from data.shop_visits import MAX_ADDS, STEP, Visits

_HOUR_US = 3_600_000_000
_NEVER = np.iinfo(np.int64).max
_ADDS = [STEP[f"add_{number}"] for number in range(1, MAX_ADDS + 1)]
_REMOVES = [STEP["take_off"], STEP["clear"]]
_REMOVES += [STEP[f"remove_{number}"] for number in range(1, MAX_ADDS + 1)]


def carts_truth(
    law: ShopLaw,
    clock: SeasonClock,
    visits: Visits,
    recorded: VisitEvents,
    event_ids: pl.Series,
    names: Names,
    opened_us: int,
    hours: float,
) -> pl.DataFrame:
    """Make `carts_truth` of the decisions before `hours`; `event_ids` names `recorded` events."""
    at_us = recorded.codes["at_us"].to_numpy()
    count = len(visits.start)
    decision = visits.decision[recorded.visit]
    touches = np.isin(recorded.step, [*_ADDS, *_REMOVES])
    own = touches & (decision == recorded.visit)
    last_touch = np.zeros(count, np.int64)
    np.maximum.at(last_touch, recorded.visit[own], at_us[own])
    later = touches & (decision != recorded.visit) & (decision >= 0)
    next_touch = np.full(count, _NEVER)
    np.minimum.at(next_touch, decision[later], at_us[later])
    buys = (recorded.step == STEP["purchase"]) & (decision >= 0)
    converted = np.full(count, _NEVER)
    converted[decision[buys]] = at_us[buys]

    first_add = np.flatnonzero(recorded.step == STEP["add_1"])
    first_add = first_add[at_us[first_add] < hours * _HOUR_US]
    made = recorded.visit[first_add]  # the visits that decide
    started, last_touch = at_us[first_add], last_touch[made]
    next_touch, converted = next_touch[made], converted[made]
    idle_as_of = last_touch + round(IDLE_HOURS * _HOUR_US)
    horizon_us = round(HORIZON_HOURS * _HOUR_US)
    is_idle = (converted > idle_as_of) & (next_touch > idle_as_of) & ~visits.is_emptied[made]

    p_convert = visits.p_convert[made]
    origin = clock.season(visits.end[made] + SESSION_GAP_HOURS)

    def waited(at: Ints) -> np.ndarray:
        return clock.season(at / _HOUR_US) - origin

    p_idle = purchase_between(
        law, bought_later(law, p_convert), waited(idle_as_of), waited(idle_as_of + horizon_us)
    )
    return pl.DataFrame(
        {
            "person_id": visits.person[made],
            "visitor_id": names.visitors.gather(_visitor(visits, made)),
            "add_event_id": event_ids.gather(first_add),
            "started_at": _when(started, opened_us),
            "last_touched_at": _when(last_touch, opened_us),
            "p_convert": p_convert,
            "p_convert_72h": purchase_by(law, p_convert, waited(started + horizon_us)),
            "converts_72h": converted <= started + horizon_us,
            "idle_as_of": _when(np.where(is_idle, idle_as_of, _NEVER), opened_us),
            "p_convert_72h_idle": pl.Series(np.where(is_idle, p_idle, np.nan)).fill_nan(None),
            "converts_72h_idle": pl.Series(converted <= idle_as_of + horizon_us).set(
                pl.Series(~is_idle), None
            ),
            "converted_at": _when(converted, opened_us),
            "is_emptied": visits.is_emptied[made],
        }
    ).sort("started_at", "add_event_id")


def people_truth(law: ShopLaw, people: People, names: Names) -> pl.DataFrame:
    """Make `people_truth`."""
    person = np.arange(len(people))
    reminder = law.reminder_log_odds + law.reminder_forgetful_weight * people.forgetfulness
    incentive = law.incentive_log_odds + law.incentive_sensitivity_weight * people.sensitivity
    visitors = names.visitors.to_list()
    return pl.DataFrame(
        {
            "person_id": person,
            "visitor_ids": [
                visitors[number * MAX_DEVICES : number * MAX_DEVICES + devices]
                for number, devices in enumerate(people.devices.tolist())
            ],
            "user_id": names.users.set(pl.Series(~people.has_account), None),
            "price_sensitivity": people.sensitivity,
            "return_never": people.never,
            "return_quick": people.quick,
            "return_quick_median": people.quick_median,
            "return_slow_median": people.slow_median,
            "reminder_odds_ratio": np.exp(reminder),
            "incentive_odds_ratio": np.exp(incentive),
        }
    )


def sessions_truth(
    law: ShopLaw,
    clock: SeasonClock,
    people: People,
    visits: Visits,
    recorded: VisitEvents,
    names: Names,
    opened_us: int,
    hours: float,
) -> pl.DataFrame:
    """Make `sessions_truth` of the visits that end before `hours`."""
    at_us = recorded.codes["at_us"].to_numpy()
    last = np.flatnonzero(np.diff(recorded.visit, append=-1))
    first = np.concatenate([[0], last[:-1] + 1])
    kept = np.flatnonzero(at_us[last] < hours * _HOUR_US)
    person, end = visits.person[kept], visits.end[kept]
    next_start = visits.next_start[kept]
    returns = np.isfinite(next_start)
    next_ms = np.where(returns, next_start, 0.0) * _HOUR_US // 1000
    now = clock.season(end + SESSION_GAP_HOURS)
    origin = clock.season(visits.decision_end[kept] + SESSION_GAP_HOURS)
    odds = {}
    for horizon in RETURN_HOURS:
        then = clock.season(end + horizon)
        alone = return_cdf(
            law,
            then - now,
            people.never[person],
            people.quick[person],
            people.quick_median[person],
            people.slow_median[person],
        )
        to_buy = purchase_between(law, visits.p_later[kept], now - origin, then - origin)
        odds[f"p_return_{horizon:.0f}h"] = 1.0 - (1.0 - alone) * (1.0 - to_buy)
    return pl.DataFrame(
        {
            "person_id": person,
            "visitor_id": names.visitors.gather(_visitor(visits, kept)),
            "started_at": _when(at_us[first][kept], opened_us),
            "ended_at": _when(at_us[last][kept], opened_us),
            "returned_at": _when(
                np.where(returns, next_ms.astype(np.int64) * 1000, _NEVER), opened_us
            ),
            **odds,
        }
    ).sort("started_at", "visitor_id")


def _visitor(visits: Visits, rows: Ints) -> Ints:
    return visits.person[rows] * MAX_DEVICES + visits.device[rows]


def _when(at_us: Ints, opened_us: int) -> pl.Series:
    """Turn microseconds after the opening into UTC times, `_NEVER` into null."""
    never = at_us == _NEVER
    times = pl.Series(np.where(never, 0, at_us) + opened_us).cast(pl.Datetime("us", "UTC"))
    return times.set(pl.Series(never), None)
