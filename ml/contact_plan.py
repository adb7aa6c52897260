"""The plan of contact: one action and one time an absence, by gain over time.

What belongs here: choosing action and time out of the chances at each time, and keeping what was
planned hour after hour. What does not: the chances (the models make them, of snapshots that
``later`` moved on), what an action gains at one chance (``economics``), and what follows for the
hour (``decision``).

A plan is made at the first hour at which a session with an open cart is over, and kept as long as
the shopper stays away: what it says of gain is said of its own time, and the time never recedes.
Until it is due, it is looked at again where what it rests on has changed, such as the model.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import numpy as np
import polars as pl

from ml.contact_timing import LAST_STEP_HOURS, ContactTiming
from ml.economics import ACTIONS, NOTHING, Economics
from ml.later import HOUR_US

GAIN_TYPE = pl.Decimal(18, 4)
PROBABILITY_DIGITS = 6
_NEVER = np.iinfo(np.int64).max

ABSENCE = ("visitor_id", "session_ended_at")
PLAN_TYPES = {
    "best_action": pl.String(),
    "contact_not_before": pl.Datetime("us"),
    "contact_valid_until": pl.Datetime("us"),
    "expected_gain": GAIN_TYPE,
    "gain_if_away": GAIN_TYPE,
    "p_away": pl.Float64(),
    "p_buy": pl.Float64(),
}
# What a plan was made from; where it has changed, a plan that is not due is looked at again.
BASIS_TYPES = {
    "cart_value_base": pl.Decimal(38, 4),
    "reporting_currency": pl.String(),
    "abandonment_model": pl.String(),
    "return_model": pl.String(),
    "assumptions": pl.String(),
}
_KEPT = "kept_"


@dataclass(frozen=True)
class Moment:
    """A time at which each of n carts may be contacted, and what is true of it then.

    Attributes:
        delay_us: (n,) microseconds since the session's end.
        p_buy: (n,) chance of buying without a nudge from then on, if still away.
        p_away: (n,) chance of still being away then.
    """

    delay_us: np.ndarray
    p_buy: np.ndarray
    p_away: np.ndarray


Moments = Callable[[pl.DataFrame], Iterable[Moment]]


def best_plans(
    carts: pl.DataFrame,
    moments: Iterable[Moment],
    economics: Economics,
    timing: ContactTiming,
    typical_value: Decimal | None = None,
) -> pl.DataFrame:
    """The best pair of action and time of each cart: the greatest p_away x gain.

    Args:
        carts: as_of, session_ended_at, cart_value_base, is_rate_lacking, and not_after: no later
            time is planned (null: the cap alone).
        moments: the times to choose from; those that have passed, lie below the floor, or beyond
            the cap or ``not_after`` are no choice, the others ascend.
        economics: margin, costs and effects.
        timing: floor, cap, and what a delay does to an effect.
        typical_value: what a cart without a price is taken to be worth; without it such a cart
            gains nothing by a nudge. Of a cart that lacks a rate more is known, though not in this
            currency: nothing is planned for it.

    Returns:
        The columns of ``PLAN_TYPES``, row for row. For "nothing" the gains are 0 and the others
        null; for a cart that lacks a rate the gains are null, too.
    """
    value = carts["cart_value_base"].cast(pl.Float64).fill_null(float(typical_value or 0))
    value = value.to_numpy()
    is_valued = ~carts["is_rate_lacking"].to_numpy()
    ended = carts["session_ended_at"].dt.epoch("us").to_numpy()
    elapsed = carts["as_of"].dt.epoch("us").to_numpy() - ended
    floor, cap = round(timing.floor_hours * HOUR_US), round(timing.cap_hours * HOUR_US)
    latest = carts["not_after"].dt.epoch("us").fill_null(_NEVER).to_numpy()
    latest = np.minimum(np.where(latest == _NEVER, cap, latest - ended), cap)

    count = carts.height
    action, delay = np.zeros(count, np.int64), np.zeros(count, np.int64)
    until = np.full(count, _NEVER)
    gain, if_away = np.zeros(count), np.zeros(count)
    p_away, p_buy = np.zeros(count), np.zeros(count)
    for moment in moments:
        at = moment.delay_us
        effect = timing.delay_odds_ratio(at / HOUR_US)
        gains = economics.gains(moment.p_buy, value, effect)
        best = gains.argmax(axis=1)
        best_gain = gains[np.arange(count), best]
        expected = np.round(moment.p_away * best_gain, 4)
        is_choice = (at >= elapsed) & (at >= floor) & (at <= latest) & is_valued
        is_better = is_choice & (expected > gain)
        has_paid_so_far = (action > 0) & (until == _NEVER) & (at > delay) & ~is_better
        ends = has_paid_so_far & (gains[np.arange(count), action] <= 0)
        until = np.where(is_better, _NEVER, np.where(ends, at, until))
        action, delay = np.where(is_better, best, action), np.where(is_better, at, delay)
        gain, if_away = (
            np.where(is_better, expected, gain),
            np.where(is_better, best_gain, if_away),
        )
        p_away = np.where(is_better, moment.p_away, p_away)
        p_buy = np.where(is_better, moment.p_buy, p_buy)
    last = np.maximum(cap, delay) + round(LAST_STEP_HOURS * HOUR_US)
    return pl.DataFrame(
        {
            "best_action": pl.Series(np.array(ACTIONS, dtype=object)[action], dtype=pl.String),
            "contact_not_before": _minute(ended + delay),
            "contact_valid_until": _minute(ended + np.minimum(until, last)),
            "expected_gain": _decimals(gain),
            "gain_if_away": _decimals(if_away),
            "p_away": np.round(p_away, PROBABILITY_DIGITS),
            "p_buy": np.round(p_buy, PROBABILITY_DIGITS),
        },
        schema=PLAN_TYPES,
    ).select(
        "best_action",
        *(_where(action > 0, name) for name in ("contact_not_before", "contact_valid_until")),
        *(_where(is_valued, name) for name in ("expected_gain", "gain_if_away")),
        *(_where(action > 0, name) for name in ("p_away", "p_buy")),
    )


def plan(
    carts: pl.DataFrame,
    kept: pl.DataFrame,
    moments: Moments,
    economics: Economics,
    timing: ContactTiming,
    *,
    basis: Mapping[str, str | None],
    session_gap: timedelta,
    scored_for: timedelta,
    typical_value: Decimal | None = None,
) -> pl.DataFrame:
    """What is planned for each cart at an hour: what was planned before where that stands.

    Args:
        carts: visitor_id, as_of, last_touched_at, session_ended_at, cart_value_base,
            is_rate_lacking, and what ``moments`` needs. A visitor has one open cart at most.
        kept: the newest plan before the hour of each absence: ``ABSENCE`` and the columns of
            ``PLAN_TYPES`` and ``BASIS_TYPES``. Those of other absences have ended.
        moments: for some of the carts, the times to choose from; asked only for carts that have no
            plan that stands, as it costs a prediction a time.
        economics: margin, costs and effects.
        timing: floor, cap, the share from which on a plan is changed.
        basis: what the hour's plans are made from: the columns of ``BASIS_TYPES`` but the value.
        session_gap: a session is over, and so an absence begun, this long after its end.
        scored_for: a cart is scored for so long after it was touched: a time beyond never comes.
        typical_value: see ``best_plans``.

    Returns:
        ``carts`` with the columns of ``PLAN_TYPES`` and ``BASIS_TYPES``, row for row, and
        is_to_keep: whether the row says something that was not kept yet.
    """
    carts = (
        carts.with_row_index("row")
        .with_columns(pl.lit(value, pl.String).alias(name) for name, value in basis.items())
        .join(
            kept.select(*ABSENCE, pl.all().exclude(ABSENCE).name.prefix(_KEPT)),
            on=list(ABSENCE),
            how="left",
        )
        .with_columns(is_open=~_stands(timing.replan_share))
    )
    asked = carts.filter("is_open").with_columns(not_after=_not_after(scored_for))
    new = best_plans(asked, moments(asked), economics, timing, typical_value)
    asked = pl.concat([asked, new], how="horizontal").with_columns(
        # one that was due is due since then
        pl.when(pl.col("contact_not_before").is_not_null()).then(
            pl.min_horizontal("contact_not_before", f"{_KEPT}contact_not_before")
        )
    )
    is_changed = _is_changed(timing.replan_share)
    asked = asked.with_columns(
        pl.when(is_changed).then(name).otherwise(_KEPT + name).alias(name) for name in PLAN_TYPES
    )
    standing = carts.filter(~pl.col("is_open")).with_columns(
        pl.col(_KEPT + name).alias(name) for name in PLAN_TYPES
    )
    is_over = pl.col("session_ended_at") + session_gap <= pl.col("as_of")
    return (
        pl.concat([asked.drop("not_after"), standing])
        .sort("row")
        .with_columns(is_to_keep=pl.col("is_open") & is_over & ~pl.col("is_rate_lacking"))
        .select(pl.exclude("row", "is_open", f"^{_KEPT}.*$"))
    )


def _is_due() -> pl.Expr:
    return (pl.col(f"{_KEPT}contact_not_before") <= pl.col("as_of")).fill_null(False)


def _is_same_currency() -> pl.Expr:
    return pl.col("reporting_currency").eq_missing(pl.col(f"{_KEPT}reporting_currency"))


def _stands(share: float) -> pl.Expr:
    """Whether there is a plan that need not be looked at again.

    What is due stays. Gains in another currency say nothing in this one, so those are not kept.
    """
    value, before = (
        pl.col(name).cast(pl.Float64) for name in ("cart_value_base", f"{_KEPT}cart_value_base")
    )
    is_same_value = value.eq_missing(before) | ((value - before).abs() <= share * before)
    is_same_basis = pl.all_horizontal(
        pl.col(name).eq_missing(pl.col(_KEPT + name))
        for name in BASIS_TYPES
        if name != "cart_value_base"
    ) & is_same_value.fill_null(False)
    return (
        pl.col(f"{_KEPT}best_action").is_not_null()
        & ~pl.col("is_rate_lacking")
        & _is_same_currency()
        & (_is_due() | is_same_basis)
    )


def _not_after(scored_for: timedelta) -> pl.Expr:
    """No time of a cart that is not scored any more, and none later than the one planned before."""
    before = pl.col(f"{_KEPT}contact_not_before")
    planned = pl.when(before.is_not_null()).then(pl.max_horizontal(before, "as_of"))
    return pl.min_horizontal(pl.col("last_touched_at") + scored_for, planned)


def _is_changed(share: float) -> pl.Expr:
    """Whether the new plan takes the place of the one before, compared as if still away then."""
    gain, before = (
        pl.col(name).cast(pl.Float64) for name in ("gain_if_away", f"{_KEPT}gain_if_away")
    )
    differs = (gain - before).abs() > share * before
    return differs.fill_null(True) | ~_is_same_currency()


def _minute(at_us: np.ndarray) -> pl.Series:
    """UTC times, rounded up to the minute."""
    minute = 60_000_000
    return pl.Series(-(-at_us // minute) * minute).cast(pl.Datetime("us"))


def _where(condition: np.ndarray, name: str) -> pl.Expr:
    return pl.when(pl.lit(pl.Series(condition, dtype=pl.Boolean))).then(name).alias(name)


def _decimals(gains: np.ndarray) -> pl.Series:
    units = pl.Series(np.rint(gains * 10_000).astype(np.int64))
    return (units.cast(pl.Decimal(18, 0)) * Decimal("0.0001")).cast(GAIN_TYPE)


def last_seen() -> pl.Expr:
    """When the shopper was last active: the visitor, or the same owner on another device.

    Reads as_of, session_ended_at and owner_idle_hours (null without an owner).
    """
    idle_us = (pl.col("owner_idle_hours") * HOUR_US).round().cast(pl.Int64)
    return pl.max_horizontal(
        "session_ended_at", pl.col("as_of") - pl.duration(microseconds=idle_us)
    )


def lapsed() -> pl.Expr:
    """Whether a plan's time has passed, so that nothing is advised any more."""
    return (pl.col("contact_valid_until") <= pl.col("as_of")).fill_null(False)


def was_contacted() -> pl.Expr:
    """Whether the contact of a plan that has not lapsed happened, or was withheld.

    Reads contacted_at, when the person was contacted last (null: never).
    """
    is_done = pl.col("contacted_at") >= pl.col("contact_not_before")
    return is_done.fill_null(False) & ~lapsed()


def advice(is_over: pl.Expr) -> list[pl.Expr]:
    """The columns of a plan as they hold at the hour: one that is over says nothing.

    Args:
        is_over: whether it is.
    """
    return [
        pl.when(is_over).then(pl.lit(NOTHING)).otherwise("best_action").alias("best_action"),
        *(
            pl.when(~is_over).then(name).alias(name)
            for name in ("contact_not_before", "contact_valid_until")
        ),
        pl.when(is_over)
        .then(pl.lit(Decimal(0), GAIN_TYPE))
        .otherwise("expected_gain")
        .alias("expected_gain"),
    ]
