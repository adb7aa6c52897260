"""Carts of the simulated shop that a visit left behind, with what only the simulator knows of them.

Belongs here: the chances and effects by its truth, and the plans that follow from the true chances.
Not here: what a plan or an estimate is worth by them (the tests).
"""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from data.shop_law import (
    SESSION_GAP_HOURS,
    SeasonClock,
    ShopLaw,
    bought_later,
    delay_log_odds,
    purchase_between,
    return_cdf,
)
from data.simulated_shop import simulate
from ml.contact_plan import Moment, best_plans
from ml.contact_timing import ContactTiming
from ml.economics import ACTIONS, Economics, shift_odds


class OwnEconomics(Economics):
    """The economics of whoever knows each shopper's own chance, and not that of many alike."""

    def nudged(self, p_buy: np.ndarray, odds_ratio: np.ndarray | float) -> np.ndarray:
        return shift_odds(p_buy, odds_ratio)


LAW, TIMING, ECONOMICS = ShopLaw(), ContactTiming(), OwnEconomics()
START = datetime(2026, 9, 27, tzinfo=UTC)
HOUR_US = 3_600_000_000
HORIZON_HOURS = 72.0


class Carts:
    """Their true chances by hours since the visit ended."""

    def __init__(self, seed: int, visitors: int = 6_000) -> None:
        shop = simulate(visitors=visitors, days=35, seed=seed, start=START)
        left = shop.carts.filter(
            ~pl.col("is_emptied"),
            pl.col("converted_at").is_null()
            | (pl.col("converted_at") > pl.col("last_touched_at") + timedelta(minutes=30)),
        ).join(shop.people, on="person_id", how="left")
        self.frame = left
        self.clock = SeasonClock(START)
        ended = (left["last_touched_at"] - START).dt.total_microseconds().to_numpy() / HOUR_US
        self.ended = ended
        self.origin = self.clock.season(ended + SESSION_GAP_HOURS)
        self.p_later = bought_later(LAW, left["p_convert"].to_numpy())
        # values are not in the truth: log-normal as the catalogue's prices
        rng = np.random.default_rng(seed)
        self.value = LAW.price_median * rng.lognormal(0, LAW.price_sigma, left.height)
        names = ("reminder_odds_ratio", "incentive_odds_ratio")
        self.odds_ratios = [left[name].to_numpy() for name in names]

    def waited(self, hours: np.ndarray | float) -> np.ndarray:
        return self.clock.season(self.ended + np.maximum(hours, SESSION_GAP_HOURS)) - self.origin

    def p_buy(self, hours: np.ndarray | float) -> np.ndarray:
        until = self.waited(np.asarray(hours) + HORIZON_HOURS)
        return purchase_between(LAW, self.p_later, self.waited(hours), until)

    def p_away(self, hours: np.ndarray | float) -> np.ndarray:
        traits = ("return_never", "return_quick", "return_quick_median", "return_slow_median")
        back = return_cdf(
            LAW, self.waited(hours), *(self.frame[each].to_numpy() for each in traits)
        )
        bought = purchase_between(
            LAW, self.p_later, np.zeros_like(self.p_later), self.waited(hours)
        )
        return (1 - back) * (1 - bought)

    def true_gain(
        self, action: int, hours: np.ndarray | float, if_away: bool = False
    ) -> np.ndarray:
        """What an action at a time gains by the truth, in a column of carts."""
        p, margin = self.p_buy(hours), ECONOMICS.margin_rate * self.value
        effect = np.exp(delay_log_odds(LAW, hours))
        discount = ECONOMICS.incentive_rate * self.value if action == 2 else 0.0
        cost = (ECONOMICS.reminder_cost, ECONOMICS.incentive_cost)[action - 1]
        nudged = shift_odds(p, self.odds_ratios[action - 1] * effect)
        gain = nudged * (margin - discount) - p * margin - cost
        return gain * (1.0 if if_away else self.p_away(hours))

    def planned(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, pl.DataFrame]:
        """Action, hours and true gain of the plan of each cart, made when its visit is over."""
        ended = START.replace(tzinfo=None) + pl.duration(
            microseconds=pl.Series((self.ended * HOUR_US).round().astype(np.int64))
        )
        carts = pl.select(
            session_ended_at=ended,
            as_of=ended + timedelta(minutes=30),
            cart_value_base=pl.Series(self.value).cast(pl.Decimal(38, 4)),
            is_rate_lacking=pl.lit(False),
            not_after=pl.lit(None, pl.Datetime("us")),
        )
        moments = (
            Moment(
                np.full(carts.height, round(hours * HOUR_US)), self.p_buy(hours), self.p_away(hours)
            )
            for hours in TIMING.grid_hours
        )
        plans = best_plans(carts, moments, ECONOMICS, TIMING)
        action = np.array([ACTIONS.index(name) for name in plans["best_action"]])
        delay = (plans["contact_not_before"] - carts["session_ended_at"]).dt.total_seconds()
        hours = delay.fill_null(24 * 3600).to_numpy() / 3600
        gain = np.zeros(carts.height)
        for number in (1, 2):
            gain = np.where(action == number, self.true_gain(number, hours), gain)
        return action, hours, gain, plans
