"""What contacts did: the arms of a holdout compared, and the effect that plans count with.

What belongs here: the difference of two arms with its interval, the odds ratio of a nudge estimated
from them, and how far that moves what was assumed. What does not: who is in which arm and what
became of them (the warehouse knows), and what follows from an effect (``economics``).

Everybody counts in the arm that they had at their first eligible contact, whatever was done later:
leaving out whom something happened to would leave out the ones that contacts made come back.
"""

from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np

from ml.economics import unseen_share
from ml.evaluation import Z_95, wilson_interval

# How much the logarithm of an assumed odds ratio may be wrong (standard deviation): with it, two of
# three assumed effects are between 0.75 and 1.35 of the true one.
ASSUMED_SD = 0.3
# Weak beliefs that keep an estimate finite where nobody of an arm bought: of the intercept, of the
# slope on the predicted log odds (about 1), and of the effect.
_PRIOR_MEANS = np.array([0.0, 1.0, 0.0])
_PRIOR_SDS = np.array([10.0, 1.0, 5.0])
_STEPS = 100
_MOST_LOG_ODDS = 15.0


@dataclass(frozen=True)
class Estimate:
    """An odds ratio out of two arms.

    Attributes:
        log_odds_ratio: its logarithm.
        standard_error: of that.
    """

    log_odds_ratio: float
    standard_error: float

    @property
    def odds_ratio(self) -> float:
        """The factor on the odds of buying."""
        return exp(self.log_odds_ratio)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the odds ratio."""
        reach = Z_95 * self.standard_error
        return exp(self.log_odds_ratio - reach), exp(self.log_odds_ratio + reach)

    def weight(self) -> float:
        """How much of the estimate counts against what was assumed, in [0, 1)."""
        return ASSUMED_SD**2 / (ASSUMED_SD**2 + self.standard_error**2)

    def shrunk(self, assumed: float) -> float:
        """The odds ratio between the assumed one and the estimate, by how sure each is."""
        weight = self.weight()
        return exp(weight * self.log_odds_ratio + (1.0 - weight) * log(assumed))


def estimate_effect(
    p_buy: np.ndarray,
    is_treated: np.ndarray,
    is_converted: np.ndarray,
    delay_odds_ratio: np.ndarray,
) -> Estimate | None:
    """The odds ratio of a nudge at the best time, out of persons of both arms.

    A logistic regression of buying on the predicted log odds and the arm. It is the odds ratio of a
    shopper's own chance: predicted are means of those who look alike, on which it does less
    (``unseen_share``). What the delay of each contact does to its effect is taken as known, and out
    of the estimate: whoever plans counts both in again.

    Args:
        p_buy: (n,) predicted chance of buying without a nudge, in [0, 1].
        is_treated: (n,) whether the person's arm is contacted.
        is_converted: (n,) whether the person bought.
        delay_odds_ratio: (n,) factor that the time of the contact leaves of the odds ratio.

    Returns:
        None while one arm is empty.
    """
    treated = is_treated.astype(np.float64)
    if not 0 < treated.sum() < treated.size:
        return None
    chance = np.clip(p_buy, 1e-6, 1 - 1e-6)
    part = treated * (1.0 - unseen_share(chance))
    design = np.column_stack([np.ones_like(chance), np.log(chance / (1 - chance)), part])
    offset = part * np.log(delay_odds_ratio)
    precision = np.diag(1.0 / _PRIOR_SDS**2)
    beliefs = _PRIOR_MEANS.copy()
    for _ in range(_STEPS):
        odds = np.clip(design @ beliefs + offset, -_MOST_LOG_ODDS, _MOST_LOG_ODDS)
        p = 1.0 / (1.0 + np.exp(-odds))
        slope = design.T @ (is_converted - p) - precision @ (beliefs - _PRIOR_MEANS)
        curvature = (design * (p * (1 - p))[:, None]).T @ design + precision
        step = np.linalg.solve(curvature, slope)
        # a step of more than this overshoots where an arm has few buyers
        step *= min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        beliefs = beliefs + step
        if np.abs(step).max() < 1e-10:
            break
    error = sqrt(float(np.linalg.inv(curvature)[2, 2]))
    return Estimate(float(beliefs[2]), error)


def difference_interval(
    successes: float, count: float, other_successes: float, other_count: float, z: float = Z_95
) -> tuple[float, float]:
    """Newcombe's interval of the difference of two shares, the first less the other; of 95 %, or
    that of so many standard deviations.

    Newcombe (1998), Statistics in Medicine 17, 873-890, method 10: it holds for few and for none.
    """
    counted = np.array([successes, other_successes], dtype=np.float64)
    of = np.array([count, other_count], dtype=np.float64)
    (low, other_low), (high, other_high) = wilson_interval(counted, of, z)
    share, other = counted / of
    below = sqrt((share - low) ** 2 + (other_high - other) ** 2)
    above = sqrt((high - share) ** 2 + (other - other_low) ** 2)
    return float(share - other - below), float(share - other + above)


def mean_difference_reach(variance: float, count: float, other: float, other_count: float) -> float:
    """Half the 95 % interval of the difference of two means, by the variances of their rows."""
    return Z_95 * sqrt(variance / count + other / other_count)
