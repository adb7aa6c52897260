"""Turning a score into a probability that holds: Platt's calibrator, one with a bend, and shifts of
the level.

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

    @classmethod
    def fit_slope(
        cls, logits: np.ndarray, outcomes: np.ndarray, weights: np.ndarray, slope_sd: float
    ) -> "Platt":
        """The slope, drawn to one by a normal prior; the mean of the log-odds stays where it is.

        For a score that was fitted to far more outcomes than these: they say whether it is too sure
        of itself, and its level is better known than theirs.
        """
        mean = float(np.average(logits, weights=weights))
        design = np.column_stack([logits - mean, np.ones_like(logits)])
        excess, _ = _newton(design, outcomes, weights, logits, np.array([slope_sd**-2, 0.0]))
        # one that is not positive would turn the ranking around, as in `fit`
        slope = 1.0 + float(excess) if excess > -1 else 1.0
        return cls(slope, (1.0 - slope) * mean)

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        """Calibrated probabilities of (n,) log-odds."""
        return sigmoid(self.slope * logits + self.intercept)


@dataclass(frozen=True)
class LevelPrior:
    """How the level of chances is expected to have moved, in log-odds.

    Most days hardly, now and then much: two normal distributions about none. So what a few hundred
    people happened to do moves little, and what changed is believed soon.

    Attributes:
        steady_sd: the standard deviation while nothing changes.
        changed_sd: the same after a change.
        changed_share: how often there was one.
    """

    steady_sd: float
    changed_sd: float
    changed_share: float

    def shift(self, likeliest: float, error: float) -> float:
        """The expected move, given the most likely one and its standard error."""
        return likeliest * sum(
            chance * sd**2 / (sd**2 + error**2) for chance, sd in self.kinds(likeliest, error)
        )

    def kinds(self, likeliest: float, error: float) -> list[tuple[float, float]]:
        """The chance of either kind of day, given the same, and its standard deviation."""
        sds = np.array([self.steady_sd, self.changed_sd])
        variances = sds**2 + error**2
        log_weights = np.log([1 - self.changed_share, self.changed_share])
        log_weights -= likeliest**2 / (2 * variances) + np.log(variances) / 2
        weights = np.exp(log_weights - log_weights.max())
        return list(zip((weights / weights.sum()).tolist(), sds.tolist(), strict=True))


@dataclass(frozen=True)
class GroupShifts:
    """What is added to the log-odds in each group, and how much was fitted to find it.

    Attributes:
        shifts: (sizes,) log-odds.
        parameters: how many free parameters fit outcomes as closely as these shifts, which are
            drawn to none.
    """

    shifts: np.ndarray
    parameters: float


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
    prior: LevelPrior,
    group_sd: float,
    group_share: float = 0.0,
) -> GroupShifts:
    """What to add to the log-odds in each group so that chances are those of the outcomes.

    One shift for all, drawn to none by ``prior``, then a deviation for each group, drawn to none by
    a normal distribution, the wider the more all have moved. Few outcomes shift little, and a group
    of few nearly as much as all.

    Args:
        logits: (n,) log-odds.
        outcomes: (n,) 0 or 1.
        weights: (n,) how many outcomes each row counts for.
        groups: (n,) the group of each row, from 0.
        sizes: the number of groups.
        prior: of the common shift.
        group_sd: the standard deviation that the deviations are expected to have.
        group_share: how much of the common shift is added to it, as a share.
    """
    # what is seen as often as not cannot be infinitely likely: a hundredth of an outcome
    (likeliest,) = _newton(np.ones((len(logits), 1)), outcomes, weights, logits, penalty=0.01)
    p = sigmoid(logits + likeliest)
    information = float(weights @ (p * (1 - p))) + 0.01
    seen = float(likeliest), information**-0.5
    common = prior.shift(*seen)
    design = (groups[:, None] == np.arange(sizes)).astype(np.float64)
    group_variance = group_sd**2 + (group_share * common) ** 2
    penalty = np.full(sizes, 1 / group_variance)
    shifts = common + _newton(design, outcomes, weights, logits + common, penalty)
    p = sigmoid(logits + shifts[groups])
    informations = np.bincount(groups, weights * p * (1 - p), minlength=sizes)
    parameters = sum(
        chance * _parameters(informations, sd**2 + group_variance * np.eye(sizes))
        for chance, sd in prior.kinds(*seen)
    )
    return GroupShifts(shifts, parameters)


def _parameters(informations: np.ndarray, prior_variance: np.ndarray) -> float:
    """How many free parameters are as many as a normal prior leaves (Hastie and Tibshirani 1990):
    the trace of I (I + V^-1)^-1.

    Args:
        informations: (k,) what outcomes say of each parameter, the diagonal of I.
        prior_variance: (k, k) their variance V before any outcome is seen.
    """
    ratio = prior_variance * informations
    return float(np.trace(np.linalg.solve(np.eye(len(ratio)) + ratio, ratio)))


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
