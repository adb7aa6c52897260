"""What decisions and plans earn in a judged shop, by its truth and under the settings' assumptions.

Belongs here: the gains of the models' decisions, of the true chances' and of plain rules. Not here:
the shop (`judged_shops`) and what must come out of it (`test_models_judged_by_truth`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from ml.contact_plan import Moment, best_plans
from ml.contact_timing import ContactTiming
from ml.economics import ACTIONS, Economics
from ml.intervals import Interval, interval
from ml.later import HOUR_US, at_later_instant
from ml.return_time import ReturnModel
from tests.ml.simulated_carts import OwnEconomics
from tests.whole.judged_shops import JudgedShop, hours, people_groups

ECONOMICS, OF_TRUTH, TIMING = Economics(), OwnEconomics(), ContactTiming()
REMINDER = ACTIONS.index("reminder")
CUT_OFFS = (0.5, 0.7, 0.9)
# The plan of before receded every hour, up to here.
OLD_PLAN_HOURS = 72.0
DRAWS = 20


@dataclass(frozen=True)
class Earned:
    """What each cart brings by the truth, in the reporting currency.

    Attributes:
        by_model: by what the models decide.
        by_truth: by what the true chances decide.
        others: by rules that know less, by name.
        groups: groups of people.
        said_over_true: gain said over gain true, of the contacts that came due.
    """

    by_model: np.ndarray
    by_truth: np.ndarray
    others: dict[str, np.ndarray]
    groups: np.ndarray
    said_over_true: float

    @property
    def share(self) -> float:
        """Of what the true chances earn."""
        return float(self.by_model.sum() / self.by_truth.sum())

    def ahead_of(self, other: str) -> Interval:
        """How much more than another rule, with the interval of the difference by people."""
        difference = self.by_model - self.others[other]
        return interval(self.groups, lambda kept: float(difference[kept].sum()))


def gains(
    action: np.ndarray,
    p_buy: np.ndarray,
    value: np.ndarray,
    at: float = 24.0,
    economics: Economics = OF_TRUTH,
) -> np.ndarray:
    """(n,) what an action at so many hours gains at a true chance to buy, if the shopper is away;
    at one that is said by the economics of the models."""
    effect = TIMING.delay_odds_ratio(np.array(at))
    return economics.gains(p_buy, value, effect)[np.arange(len(value)), action]


def best(
    p_buy: np.ndarray, value: np.ndarray, at: float = 24.0, economics: Economics = ECONOMICS
) -> np.ndarray:
    """(n,) the action that gains most at a chance to buy."""
    return economics.gains(p_buy, value, TIMING.delay_odds_ratio(np.array(at))).argmax(axis=1)


def plain_rules(
    p_buy: np.ndarray, value: np.ndarray, contacts: int, at: float
) -> dict[str, np.ndarray]:
    """The actions of rules without economics of each cart's own chance."""
    dearest = np.zeros(len(value), np.int64)
    dearest[np.argsort(-value)[:contacts]] = REMINDER
    return {
        "nothing": np.zeros(len(value), np.int64),
        "everyone": np.full(len(value), REMINDER),
        **{f"from {cut}": np.where(1 - p_buy >= cut, REMINDER, 0) for cut in CUT_OFFS},
        "dearest first": dearest,
        "mean chance": best(np.full(len(value), p_buy.mean()), value, at),
    }


def decided_after_a_day(rows: pl.DataFrame, p_buy: np.ndarray) -> Earned:
    """Decisions on carts a day after they were touched; rows with p_true."""
    value, p_true = values(rows), rows["p_true"].to_numpy()
    action = best(p_buy, value)
    rules = plain_rules(p_buy, value, np.count_nonzero(action), 24.0)
    earned = gains(action, p_true, value)
    return Earned(
        by_model=earned,
        by_truth=gains(best(p_true, value, economics=OF_TRUTH), p_true, value),
        others={name: gains(each, p_true, value) for name, each in rules.items()},
        groups=people_groups(rows),
        said_over_true=float(gains(action, p_buy, value, economics=ECONOMICS).sum() / earned.sum()),
    )


def planned(
    shop: JudgedShop,
    since: datetime,
    until: datetime,
    predict: Callable[[pl.DataFrame, pl.Series], np.ndarray],
    returning: ReturnModel,
) -> Earned:
    """Plans of an hour after the last touch, of absences that began in a span.

    Args:
        shop: the shop.
        since: when the first are planned.
        until: before when the last are, a week before the log ends.
        predict: the chance to abandon of rows, as of the instants at which they are planned.
        returning: the model of returns.
    """
    carts, absences = _left(shop, since, until)
    visit, device = shop.visits(carts)
    now, ended = hours(carts["as_of"]), hours(carts["session_ended_at"])
    value, rows, count = values(carts), np.arange(carts.height), carts.height
    expected = returning.absences(absences)
    said, true = [], []
    for at in TIMING.grid_hours:
        instant = pl.max_horizontal(
            pl.col("session_ended_at") + pl.duration(microseconds=round(at * HOUR_US)), "as_of"
        )
        then = np.maximum(ended + at, now)
        later = at_later_instant(carts, instant)
        delay = np.full(count, round(at * HOUR_US))
        away = expected.still_away(np.full(count, at))
        said.append(Moment(delay, 1 - predict(later, carts["as_of"]), away))
        p_buy = shop.futures.buys(visit, then, device, seed=2, draws=DRAWS)
        true.append(Moment(delay, p_buy, shop.futures.still_away(visit, now, then)))
    p_true, p_away = (np.array([getattr(m, n) for m in true]) for n in ("p_buy", "p_away"))

    def chosen(
        moments: list[Moment], economics: Economics
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Action and time, as a place in the grid, and what is said of them."""
        plans = best_plans(carts, moments, economics, TIMING)
        action = np.array([ACTIONS.index(name) for name in plans["best_action"]])
        delay = (plans["contact_not_before"] - carts["session_ended_at"]).dt.total_microseconds()
        place = np.searchsorted(TIMING.grid_hours, delay.fill_null(0) / HOUR_US - 0.1)
        return action, place, plans["gain_if_away"].cast(pl.Float64).to_numpy()

    def if_away(action: np.ndarray, place: np.ndarray) -> np.ndarray:
        found = np.zeros(count)
        for number, at in enumerate(TIMING.grid_hours):
            here = place == number
            found[here] = gains(action[here], p_true[number, here], value[here], at)
        return found

    def earned(action: np.ndarray, place: np.ndarray) -> np.ndarray:
        return p_away[place, rows] * if_away(action, place)

    action, place, said_gain = chosen(said, ECONOMICS)
    others = {}
    for at in (24.0, OLD_PLAN_HOURS):
        fixed = TIMING.grid_hours.index(at)
        p_buy = said[fixed].p_buy
        rules = plain_rules(p_buy, value, np.count_nonzero(action), at)
        if at == OLD_PLAN_HOURS:
            rules["old plan"] = best(p_buy, value, at)
        for name, each in rules.items():
            others[f"{name} at {at:.0f} h"] = earned(each, np.full(count, fixed))
    is_due = (action > 0) & (
        shop.futures.visits.next_start[visit] > ended + np.array(TIMING.grid_hours)[place]
    )
    return Earned(
        by_model=earned(action, place),
        by_truth=earned(*chosen(true, OF_TRUTH)[:2]),
        others=others,
        groups=people_groups(carts),
        said_over_true=float(said_gain[is_due].sum() / if_away(action, place)[is_due].sum()),
    )


def values(rows: pl.DataFrame) -> np.ndarray:
    """(n,) what carts are worth, 0 where that is not known."""
    return rows["cart_value_base"].cast(pl.Float64).fill_null(0.0).to_numpy()


def _left(shop: JudgedShop, since: datetime, until: datetime) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Carts an hour after they were touched whose session is over, and their absences."""
    rows = shop.snapshots.filter(
        pl.col("as_of") >= since, pl.col("as_of") < until, pl.col("idle_hours") >= 0.5
    )
    rows = rows.filter(
        (pl.col("as_of") - pl.col("last_touched_at")).dt.total_microseconds() == HOUR_US
    )
    visit, _ = shop.visits(rows)
    gap = np.abs(shop.futures.visits.end[visit] - hours(rows["session_ended_at"]))
    # the person's newest visit is the cart's own, and not one on another device
    rows = rows.filter(pl.Series((visit >= 0) & (gap < 0.02)))
    known = shop.returns.rename({"ended_at": "session_ended_at"}).unique(
        ["visitor_id", "session_ended_at"]
    )
    both = ["visitor_id", "session_ended_at"]
    rows = rows.join(known.select(both), on=both, how="semi", maintain_order="left")
    rows = rows.with_columns(not_after=pl.lit(None, pl.Datetime("us")))
    elapsed = (pl.col("as_of") - pl.col("session_ended_at")).dt.total_microseconds() / HOUR_US
    absences = rows.select(*both, "as_of").join(known, on=both, how="left", maintain_order="left")
    return rows, absences.with_columns(ended_at="session_ended_at", elapsed_hours=elapsed)
