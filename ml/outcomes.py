"""What became of chances: predicted over observed buying.

What belongs here: the ratio with its interval by people, and the same by age of the cart. What does
not: following the log (the warehouse does), or what is done where they did not come true
(``gates``, the checks of the orchestration).
"""

import numpy as np
import polars as pl

from ml.intervals import Interval, groups_of, interval

AGE_EDGES_HOURS = (1.0, 8.0, 24.0, 72.0, 168.0)
# Chances may be so many times what came of them, or one in so many, before it is said.
MAX_RATIO = 1.25
# Carts that were bought, or expected to be: of fewer, a group says nothing.
MIN_BUYERS = 30
# What none counts as in a ratio: half a cart. A ratio to nothing is no number that can be read.
_FEWEST = 0.5


def buying_ratio(
    groups: np.ndarray, weights: np.ndarray, p_buy: np.ndarray, bought: np.ndarray
) -> Interval:
    """Predicted over observed buying with its 95 % interval, even in logarithms.

    Args:
        groups: (n,) groups of people; see ``intervals.groups_of``.
        weights: (n,) what each row counts.
        p_buy: (n,) what was predicted.
        bought: (n,) 1 or 0.

    Returns:
        The ratio, in which fewer than half a cart count as half of one.
    """

    def log_ratio(kept: np.ndarray) -> float:
        weight = weights * kept
        return float(np.log(max(weight @ p_buy, _FEWEST) / max(weight @ bought, _FEWEST)))

    return _of_logarithm(interval(groups, log_ratio))


def has_buyers(weights: np.ndarray, p_buy: np.ndarray, bought: np.ndarray) -> bool:
    """Whether so many of n rows were bought, or expected to be, that their ratio says something."""
    return max(weights @ p_buy, weights @ bought) >= MIN_BUYERS


def is_surely_off(found: Interval, limit: float) -> bool:
    """Whether all of an interval is above a limit, or below one over it."""
    return found.low > limit or found.high < 1 / limit


def by_age(rows: pl.DataFrame) -> pl.DataFrame:
    """What was predicted and what came of it, by how long carts had been idle.

    Args:
        rows: person, hours_idle, p_buy, is_bought; a cart once in each age.

    Returns:
        idle_up_to_hours, row_count, mean_predicted, mean_observed, ratio, ratio_low, ratio_high (in
        ``buying_ratio``'s sense) and is_off; of the ages that say something, youngest first.
    """
    age = np.searchsorted(AGE_EDGES_HOURS, rows["hours_idle"].to_numpy())
    groups = groups_of(rows["person"])
    p_buy, bought = (rows[name].cast(pl.Float64).to_numpy() for name in ("p_buy", "is_bought"))
    found = []
    for position, hours in enumerate(AGE_EDGES_HOURS):
        weights = (age == position).astype(np.float64)
        if not has_buyers(weights, p_buy, bought):
            continue
        ratio = buying_ratio(groups, weights, p_buy, bought)
        count = int(weights.sum())
        means = weights @ p_buy / count, weights @ bought / count
        is_off = is_surely_off(ratio, MAX_RATIO)
        found.append((hours, count, *means, ratio.estimate, ratio.low, ratio.high, is_off))
    schema = {"idle_up_to_hours": pl.Float64, "row_count": pl.Int64}
    names = ("mean_predicted", "mean_observed", "ratio", "ratio_low", "ratio_high")
    schema |= dict.fromkeys(names, pl.Float64) | {"is_off": pl.Boolean}
    return pl.DataFrame(found, schema, orient="row")


def early_ratio(rows: pl.DataFrame, before: pl.DataFrame) -> Interval | None:
    """How much more chances promise of the first day than they did before.

    A chance is of the whole horizon; which part of it comes true within the first day is taken
    from older rows. So a change shows two days before the outcomes are known that it was
    learned for.

    Args:
        rows: person, p_buy, is_bought_early (within a day), of hours just older than a day.
        before: the same of older hours.

    Returns:
        Predicted over observed buying within the first day; None where too few bought, or were
        expected to.
    """
    if rows.is_empty() or before.is_empty():
        return None
    both = pl.concat([rows.with_columns(is_new=True), before.with_columns(is_new=False)])
    is_new = both["is_new"].to_numpy()
    p_buy, bought = (both[n].cast(pl.Float64).to_numpy() for n in ("p_buy", "is_bought_early"))

    def sums(weights: np.ndarray) -> tuple[float, float]:
        return float(weights @ p_buy), float(weights @ bought)

    (p_new, bought_new), (p_old, bought_old) = sums(is_new), sums(~is_new)
    if bought_old < MIN_BUYERS or max(bought_new, p_new * bought_old / p_old) < MIN_BUYERS:
        return None

    def log_ratio(kept: np.ndarray) -> float:
        (p_new, bought_new), (p_old, bought_old) = sums(is_new & kept), sums(~is_new & kept)
        expected = p_new * bought_old / max(p_old, 1e-9)
        return float(np.log(max(expected, _FEWEST) / max(bought_new, _FEWEST)))

    return _of_logarithm(interval(groups_of(both["person"]), log_ratio))


def _of_logarithm(found: Interval) -> Interval:
    return Interval(*(float(np.exp(x)) for x in (found.estimate, found.low, found.high)))
