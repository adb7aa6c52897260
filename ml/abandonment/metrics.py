"""The metrics and tables in the card of an abandonment model.

What belongs here: which metrics the card holds, and the baselines beside them. What does not: how a
metric is computed (``ml.evaluation``) and on which rows (``model``).
"""

from collections.abc import Callable

import numpy as np
import polars as pl

from ml import evaluation
from ml.abandonment.snapshots import abandoned, cart_count, cart_values, idle_hours
from ml.card import rounded
from ml.features import person_id
from ml.intervals import Interval, bounds, groups_of, interval
from ml.split import cart_weights

MIN_CARTS_PER_OUTCOME = 30
SNAPSHOT_AGES_HOURS = (0, 0.5, 1, 4, 8, 24, 48, 72, 96, 120, 144, 168)


def measure(
    train_rows: pl.DataFrame, test_rows: pl.DataFrame, p: np.ndarray
) -> tuple[dict[str, float], dict[str, list[dict[str, float]]]]:
    """Metrics and tables of predictions for the test rows, and of baselines without learning.

    Args:
        train_rows: labelled rows that the model was fitted on; the baselines take from them the
            constant to predict and the direction in which to rank.
        test_rows: the n labelled rows to measure on.
        p: (n,) predicted probabilities of abandoning.

    Returns:
        Metrics by name, those that cannot be measured left out, and the tables "calibration" and
        "lift".
    """
    outcomes, weights = abandoned(test_rows), cart_weights(test_rows)
    calibration = evaluation.calibration_table(outcomes, p, weights)
    lift = evaluation.lift_table(outcomes, p, weights, evaluation.SHARES)
    purchase_lift = evaluation.lift_table(1 - outcomes, 1 - p, weights, evaluation.SHARES)
    base_rate = float(np.average(outcomes, weights=weights))
    constant = np.full(
        len(outcomes), np.average(abandoned(train_rows), weights=cart_weights(train_rows))
    )
    metrics = {
        "auc": evaluation.auc(outcomes, p, weights),
        "average_precision": evaluation.average_precision(outcomes, p, weights),
        "average_precision_purchase": evaluation.average_precision(1 - outcomes, 1 - p, weights),
        "brier": evaluation.brier(outcomes, p, weights),
        "log_loss": evaluation.log_loss(outcomes, p, weights),
        "ece": evaluation.expected_calibration_error(calibration),
        "base_rate": base_rate,
        "predicted_over_observed": float(np.average(p, weights=weights)) / base_rate,
        "lift_at_10": _lift_at_tenth(lift),
        "lift_at_10_purchase": _lift_at_tenth(purchase_lift),
        "brier_constant": evaluation.brier(outcomes, constant, weights),
        "log_loss_constant": evaluation.log_loss(outcomes, constant, weights),
        "auc_idle_hours": _baseline_auc(train_rows, test_rows, idle_hours),
        "auc_cart_value": _baseline_auc(train_rows, test_rows, cart_values),
        "test_rows": test_rows.height,
        "test_carts": cart_count(test_rows),
    }
    for name, found in _intervals(test_rows, p).items():
        metrics |= bounds(name, found)
    idle = idle_hours(test_rows)
    for age in SNAPSHOT_AGES_HOURS:
        at = np.isclose(idle, age, atol=1e-3)
        if min(outcomes[at].sum(), (1 - outcomes[at]).sum()) >= MIN_CARTS_PER_OUTCOME:
            metrics[f"auc_at_{age:g}h"] = evaluation.auc(outcomes[at], p[at], weights[at])
    lifts = lift.with_columns(
        captured_purchases=purchase_lift["captured"], lift_purchases=purchase_lift["lift"]
    )
    return rounded(metrics), {
        "calibration": [rounded(row) for row in calibration.to_dicts()],
        "lift": [rounded(row) for row in lifts.to_dicts()],
    }


def _intervals(test_rows: pl.DataFrame, p: np.ndarray) -> dict[str, Interval]:
    """Of the figures that a reader looks at first, how far they would move with other people."""
    outcomes, weights = abandoned(test_rows), cart_weights(test_rows)
    figures: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], float]] = {
        "auc": evaluation.auc,
        "brier": evaluation.brier,
        "base_rate": lambda y, _, w: float(np.average(y, weights=w)),
        "predicted_over_observed": lambda y, q, w: float(
            np.average(q, weights=w) / np.average(y, weights=w)
        ),
        "average_precision_purchase": lambda y, q, w: evaluation.average_precision(1 - y, 1 - q, w),
        "lift_at_10_purchase": lambda y, q, w: _lift_at_tenth(
            evaluation.lift_table(1 - y, 1 - q, w, evaluation.SHARES)
        ),
    }

    def all_of_them(kept: np.ndarray) -> np.ndarray:
        y, q, w = outcomes[kept], p[kept], weights[kept]
        return np.array([figure(y, q, w) for figure in figures.values()])

    found = interval(groups_of(test_rows.select(person_id()).to_series()), all_of_them)
    ends = zip(found.estimate, found.low, found.high, strict=True)
    return {name: Interval(*each) for name, each in zip(figures, ends, strict=True)}


def _lift_at_tenth(lift: pl.DataFrame) -> float:
    return lift.filter(pl.col("share") == 0.1)["lift"].item()


def _baseline_auc(
    train_rows: pl.DataFrame,
    test_rows: pl.DataFrame,
    score: Callable[[pl.DataFrame], np.ndarray],
) -> float:
    """The test AUC of ranking by one column, in the direction that was right in training."""
    train_auc = evaluation.auc(abandoned(train_rows), score(train_rows), cart_weights(train_rows))
    sign = 1.0 if train_auc >= 0.5 else -1.0
    return evaluation.auc(abandoned(test_rows), sign * score(test_rows), cart_weights(test_rows))
