"""Turning a score into a probability that holds: Platt's two-parameter calibrator, one with a bend,
and shifts.

What belongs here: the calibrators and the logit. What does not: measuring calibration
(``evaluation``). Two or three parameters and no more: isotonic regression needs thousands of rows
and breaks the ranking into ties.
"""

from dataclasses import dataclass

import numpy as np

LOGIT_LIMIT = 30.0


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Log-odds to probabilities."""
    return 1.0 / (1.0 + np.exp(-np.clip(logits, -LOGIT_LIMIT, LOGIT_LIMIT)))


@dataclass(frozen=True)
class Platt:
    """p = sigmoid(slope x logit + intercept)."""

    slope: float
    intercept: float

    @classmethod
    def fit(cls, logits: np.ndarray, outcomes: np.ndarray, weights: np.ndarray) -> "Platt":
        """Maximum likelihood on (n,) log-odds, outcomes 0/1 and weights.

        Outcomes are drawn in a little, as in Platt (1999), so that separable rows have a finite
        answer. A slope that is not positive would turn the ranking around on the word of one
        window: it is then held at one and only the intercept is fitted.
        """
        targets = _drawn_in(outcomes, weights)
        slope, intercept = _newton(
            np.column_stack([logits, np.ones_like(logits)]), targets, weights
        )
        if slope > 0:
            return cls(float(slope), float(intercept))
        (intercept,) = _newton(np.ones((len(logits), 1)), targets, weights, offset=logits)
        return cls(1.0, float(intercept))

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        """Calibrated probabilities of (n,) log-odds."""
        return sigmoid(self.slope * logits + self.intercept)


@dataclass(frozen=True)
class Bend:
    """Log-odds that rise by a parabola: slope x logit + bend x logit^2 + intercept.

    For scores that are right on the whole but too high, or too low, at both ends. Beyond the
    log-odds that it was learned from it goes straight on.
    """

    slope: float = 1.0
    bend: float = 0.0
    intercept: float = 0.0
    low: float = 0.0
    high: float = 0.0

    @classmethod
    def fit(cls, logits: np.ndarray, outcomes: np.ndarray, weights: np.ndarray) -> "Bend":
        """Maximum likelihood on (n,) log-odds, outcomes 0/1 and weights; none at all where it would
        turn the ranking around."""
        design = np.column_stack([logits, logits**2, np.ones_like(logits)])
        targets = _drawn_in(outcomes, weights)
        slope, bend, intercept = map(float, _newton(design, targets, weights))
        low, high = float(logits.min()), float(logits.max())
        if min(slope + 2 * bend * low, slope + 2 * bend * high) <= 0:
            return cls()
        return cls(slope, bend, intercept, low, high)

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        """(n,) log-odds of (n,) log-odds."""
        near = np.clip(logits, self.low, self.high)
        rise = self.slope + 2 * self.bend * near
        return self.slope * near + self.bend * near**2 + self.intercept + rise * (logits - near)


def group_shifts(
    logits: np.ndarray,
    outcomes: np.ndarray,
    weights: np.ndarray,
    groups: np.ndarray,
    *,
    sizes: int,
    common_sd: float,
    group_sd: float,
) -> np.ndarray:
    """What to add to the log-odds in each group so that chances are those of the outcomes.

    One shift for all and a deviation for each group, both drawn to none: most likely with normal
    priors. Few outcomes shift little, and a group of few nearly as much as all.

    Args:
        logits: (n,) log-odds.
        outcomes: (n,) 0 or 1.
        weights: (n,) how many outcomes each row counts for.
        groups: (n,) the group of each row, from 0.
        sizes: the number of groups.
        common_sd: the standard deviation that the common shift is expected to have.
        group_sd: the same for the deviations.

    Returns:
        (sizes,) shifts.
    """
    design = np.column_stack([np.ones(len(logits)), groups[:, None] == np.arange(sizes)])
    penalty = 1 / np.array([common_sd, *[group_sd] * sizes]) ** 2
    common, *deviations = _newton(
        design.astype(np.float64), outcomes, weights, offset=logits, penalty=penalty
    )
    return common + np.array(deviations)


def _drawn_in(outcomes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(n,) outcomes 0/1 as Platt's targets, so that separable rows have a finite answer."""
    positives = float(weights @ outcomes)
    negatives = float(weights.sum()) - positives
    return np.where(outcomes > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2))


def _newton(
    design: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    offset: np.ndarray | float = 0.0,
    penalty: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Weighted logistic regression by damped Newton steps; ``penalty`` times half the squares."""
    beta = np.zeros(design.shape[1])

    def loss(beta: np.ndarray) -> float:
        eta = design @ beta + offset
        fit = weights @ (np.logaddexp(0.0, eta) - targets * eta)
        return float(fit + np.sum(penalty * beta**2) / 2)

    for _ in range(100):
        p = sigmoid(design @ beta + offset)
        gradient = design.T @ (weights * (p - targets)) + penalty * beta
        hessian = (design.T * (weights * p * (1 - p))) @ design
        hessian = hessian + penalty * np.eye(len(beta))
        # The tiny ridge keeps the step defined when all scores are alike.
        step = np.linalg.solve(hessian + 1e-9 * np.eye(len(beta)), gradient)
        scale = 1.0
        while loss(beta - scale * step) > loss(beta) and scale > 1e-6:
            scale /= 2
        beta = beta - scale * step
        if np.abs(scale * step).max() < 1e-10:
            break
    return beta
