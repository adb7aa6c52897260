"""How good a model is: metrics of probabilities and of return curves.

What belongs here: numbers out of outcomes and predictions. What does not: deciding on them
(``promotion``) or drawing them (``plots``). Every array is (n,) unless said otherwise; ``weights``
are the weights of the rows.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

# Standard deviations of a normal distribution on either side that hold 95 % of it.
Z_95 = 1.959963984540054
# What is predicted is kept off 0 and 1, where a loss is infinite.
PROBABILITIES = (1e-9, 1 - 1e-9)
# Of the rows with the highest scores, where lift and gain are read.
SHARES = tuple(i / 20 for i in range(1, 21))


def auc(outcomes: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    """Weighted area under the ROC curve; NaN if only one outcome occurs."""
    if outcomes.min(initial=1) == outcomes.max(initial=0):
        return float("nan")
    from sklearn.metrics import roc_auc_score  # slow to import, and most hours measure nothing

    return float(roc_auc_score(outcomes, scores, sample_weight=weights))


def average_precision(outcomes: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    """Weighted average precision; NaN if the outcome never occurs."""
    if not outcomes.any():
        return float("nan")
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(outcomes, scores, sample_weight=weights))


def brier(outcomes: np.ndarray, p: np.ndarray, weights: np.ndarray) -> float:
    """Weighted mean squared error of the probabilities."""
    from sklearn.metrics import brier_score_loss

    return float(brier_score_loss(outcomes, p, sample_weight=weights, pos_label=1))


def log_losses(outcomes: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Log loss of each row, in nats; probabilities are kept within ``PROBABILITIES``."""
    p = np.clip(p, *PROBABILITIES)
    return -np.where(outcomes > 0, np.log(p), np.log1p(-p))


def log_loss(outcomes: np.ndarray, p: np.ndarray, weights: np.ndarray) -> float:
    """Weighted mean log loss, in nats; as in ``log_losses``."""
    from sklearn import metrics

    p = np.clip(p, *PROBABILITIES)
    return float(metrics.log_loss(outcomes, p, sample_weight=weights, labels=[0, 1]))


def calibration_table(
    outcomes: np.ndarray, p: np.ndarray, weights: np.ndarray, bins: int = 10
) -> pl.DataFrame:
    """Predicted against observed in bins of equal weight; rows of one probability stay together.

    Returns:
        bin (1..), row_count, weight, mean_predicted, mean_observed; one row per bin that is not
        empty, from the lowest probability up.
    """
    values, position = np.unique(p, return_inverse=True)
    mass = np.bincount(position, weights=weights, minlength=len(values))
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    rows = pl.DataFrame(
        {
            "bin": np.minimum((middle * bins).astype(np.int64), bins - 1)[position] + 1,
            "p": p,
            "outcome": outcomes.astype(np.float64),
            "weight": weights,
        }
    )
    weight = pl.col("weight")
    return (
        rows.group_by("bin")
        .agg(
            row_count=pl.len().cast(pl.Int64),
            weight=weight.sum(),
            mean_predicted=(pl.col("p") * weight).sum() / weight.sum(),
            mean_observed=(pl.col("outcome") * weight).sum() / weight.sum(),
        )
        .sort("bin")
    )


def expected_calibration_error(table: pl.DataFrame) -> float:
    """Mean distance of predicted from observed over the bins of ``calibration_table``."""
    gap = (table["mean_predicted"] - table["mean_observed"]).abs()
    return float(np.average(gap.to_numpy(), weights=table["weight"].to_numpy()))


def lift_table(
    outcomes: np.ndarray, scores: np.ndarray, weights: np.ndarray, shares: Sequence[float]
) -> pl.DataFrame:
    """What the best-scored part holds of the outcome; rows of one score enter in equal parts.

    Returns:
        share (of all weight, best scores first), captured (share of all outcomes found there),
        lift (captured / share; NaN if the outcome never occurs).
    """
    values, position = np.unique(-scores, return_inverse=True)
    mass = np.bincount(position, weights=weights, minlength=len(values))
    positives = np.bincount(position, weights=weights * outcomes, minlength=len(values))
    weight_share = np.concatenate([[0.0], np.cumsum(mass)]) / mass.sum()
    total = positives.sum()
    positive_share = np.concatenate([[0.0], np.cumsum(positives)]) / (total if total else np.nan)
    captured = np.interp(shares, weight_share, positive_share)
    return pl.DataFrame(
        {"share": list(shares), "captured": captured, "lift": captured / np.asarray(shares)}
    )


def kaplan_meier(durations: np.ndarray, is_event: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The product-limit estimate of staying away (Kaplan and Meier 1958).

    Returns:
        The distinct durations, ascending, and the share still away just after each of them.
    """
    times, position = np.unique(durations, return_inverse=True)
    events = np.bincount(position, weights=is_event, minlength=len(times))
    ended = np.bincount(position, minlength=len(times))
    at_risk = len(durations) - np.concatenate([[0], np.cumsum(ended)[:-1]])
    return times, np.cumprod(1.0 - events / at_risk)


def still_followed(durations: np.ndarray, is_event: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The product-limit estimate of not being censored. What ends at a time at which another is
    censored ended before: it cannot be censored then.

    Returns:
        As ``kaplan_meier``, of which it is the counterpart: the share not away any more at a time
        is the mean of 1 / this just before each event by then.
    """
    times, position = np.unique(durations, return_inverse=True)
    censored = np.bincount(position, weights=~is_event, minlength=len(times))
    events = np.bincount(position, weights=is_event, minlength=len(times))
    ended = np.concatenate([[0], np.cumsum(censored + events)[:-1]])
    at_risk = np.maximum(len(durations) - ended - events, 1)  # where it is 0 nobody is censored
    return times, np.cumprod(1.0 - censored / at_risk)


def kaplan_meier_interval(
    durations: np.ndarray, is_event: np.ndarray, at: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The 95 % interval of ``kaplan_meier`` by Greenwood's variance of log(-log S), within 0 and 1.

    Args:
        durations: as in ``kaplan_meier``.
        is_event: as in ``kaplan_meier``.
        at: where to read it, (m,).

    Returns:
        Its lower and upper ends, (m,) each; both are the estimate itself where that is 0 or 1.
    """
    times, survival = kaplan_meier(durations, is_event)
    at_risk = len(durations) - np.searchsorted(np.sort(durations), times)
    events = np.bincount(np.searchsorted(times, durations), weights=is_event, minlength=len(times))
    left = np.maximum(at_risk - events, 1)  # where it is 0 the estimate is, and has no interval
    variance = np.concatenate([[0.0], np.cumsum(events / (at_risk * left))])
    estimate = survival_at(times, survival, at)
    inside = (estimate > 0) & (estimate < 1)
    log = np.log(np.where(inside, estimate, 0.5))
    spread = Z_95 * np.sqrt(variance[np.searchsorted(times, at, side="right")]) / -log
    low, high = np.exp(log * np.exp(spread)), np.exp(log * np.exp(-spread))
    return np.where(inside, low, estimate), np.where(inside, high, estimate)


def survival_at(
    times: np.ndarray, survival: np.ndarray, at: np.ndarray, *, before: bool = False
) -> np.ndarray:
    """A survival step function read at ``at`` (or just before it), 1 ahead of the first step."""
    position = np.searchsorted(times, at, side="left" if before else "right")
    return np.concatenate([[1.0], survival])[position]


def return_curve_against_kaplan_meier(
    durations: np.ndarray,
    is_returned: np.ndarray,
    p_away: np.ndarray,
    horizons_hours: Sequence[float],
) -> pl.DataFrame:
    """The mean predicted survival curve against the observed one.

    Args:
        durations: hours to the return, or to the end of what is known.
        is_returned: whether they came back.
        p_away: (n x horizons) predicted probabilities of still being away at each horizon.
        horizons_hours: the horizons; those beyond the longest duration are left out.

    Returns:
        hours, model (mean predicted share away), kaplan_meier, gap (model - kaplan_meier).
    """
    times, survival = kaplan_meier(durations, is_returned)
    longest = durations.max(initial=0.0)
    seen = [i for i, hours in enumerate(horizons_hours) if hours <= longest]
    hours = np.array([float(horizons_hours[i]) for i in seen])
    model = p_away[:, seen].mean(axis=0)
    observed = survival_at(times, survival, hours)
    return pl.DataFrame(
        {"hours": hours, "model": model, "kaplan_meier": observed, "gap": model - observed}
    )


def return_brier_losses(
    durations: np.ndarray,
    is_returned: np.ndarray,
    p_away: np.ndarray,
    horizons_hours: Sequence[float],
) -> np.ndarray:
    """Squared errors of the survival curve, weighted for censoring (Graf et al. 1999).

    A row whose outcome at a horizon is known weighs 1 / P(not censored so long), one censored
    before weighs 0, so that column means estimate the Brier score without censoring.

    Args:
        durations: as in ``return_curve_against_kaplan_meier``, like the arguments that follow.
        is_returned: whether they came back.
        p_away: (n x horizons).
        horizons_hours: the horizons.

    Returns:
        (n x horizons) losses.
    """
    times, uncensored = still_followed(durations, is_returned)
    at_duration = survival_at(times, uncensored, durations, before=True)
    losses = np.zeros_like(p_away)
    for column, hours in enumerate(horizons_hours):
        still_away = durations > hours
        returned = is_returned & ~still_away
        at_horizon = survival_at(times, uncensored, np.array([float(hours)]))[0]
        weight = np.zeros(len(durations))
        weight[returned] = 1 / at_duration[returned]
        if still_away.any():
            weight[still_away] = 1 / at_horizon
        losses[:, column] = weight * (still_away - p_away[:, column]) ** 2
    return losses


def d_calibration_gap(p_away: np.ndarray, is_returned: np.ndarray, bins: int = 10) -> float:
    """D-calibration: how far S(t) at each row's own duration is from uniform (Haider et al. 2020).

    Args:
        p_away: predicted probability of still being away at the row's own duration.
        is_returned: whether the row ended in a return; a censored one spreads evenly below.
        bins: equal bins of probability.

    Returns:
        The largest difference of a bin's share from 1 / bins; 0 is perfect.
    """
    edges = np.linspace(0.0, 1.0, bins + 1)
    returned = np.histogram(p_away[is_returned], edges)[0].astype(np.float64)
    censored = np.maximum(p_away[~is_returned], 1e-9)[:, None]
    inside = np.clip(censored - edges[:-1], 0.0, 1.0 / bins) / censored
    shares = (returned + inside.sum(axis=0)) / max(len(p_away), 1)
    return float(np.abs(shares - 1.0 / bins).max())


def wilson_interval(
    counted: np.ndarray, of: np.ndarray, z: float = Z_95
) -> tuple[np.ndarray, np.ndarray]:
    """The interval of a share by Wilson (1927), which holds for small counts and at 0 and 1.

    Args:
        counted: how many had it, (n,).
        of: of how many, (n,), each at least 1.
        z: standard deviations on either side; by default those of 95 %.

    Returns:
        Its lower and upper ends, (n,) each, within 0 and 1; the share is between them.
    """
    share = counted / of
    middle = (share + z**2 / (2 * of)) / (1 + z**2 / of)
    half = z * np.sqrt(share * (1 - share) / of + z**2 / (4 * of**2)) / (1 + z**2 / of)
    # of all or none an end is the share itself, which rounding may miss
    return np.clip(middle - half, 0, share), np.clip(middle + half, share, 1)


def outcomes_table(weekly: pl.DataFrame) -> pl.DataFrame:
    """Predicted against observed by week, with the interval of what was observed.

    Args:
        weekly: week, cart_count, abandoned_count, mean_predicted.

    Returns:
        week, cart_count, mean_predicted, mean_observed, observed_low, observed_high.
    """
    counted, of = weekly["abandoned_count"].to_numpy(), weekly["cart_count"].to_numpy()
    low, high = wilson_interval(counted, of)
    return weekly.select(
        "week",
        "cart_count",
        "mean_predicted",
        mean_observed=pl.col("abandoned_count") / pl.col("cart_count"),
        observed_low=pl.Series(low),
        observed_high=pl.Series(high),
    )
