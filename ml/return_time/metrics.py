"""The metrics and the table in the card of a return model.

What belongs here: which metrics the card holds. What does not: how a metric is computed
(``ml.evaluation``) and on which sessions (``model``).
"""

import math

import numpy as np
import polars as pl

from ml import evaluation
from ml.card import rounded
from ml.features import person_id
from ml.horizons import HORIZONS_HOURS
from ml.intervals import Interval, bounds, groups_of, interval
from ml.return_time.curve import Rows, survival
from ml.return_time.sessions import durations_on_grid

# How far the mean curve surely is from the observed one where it is furthest: beyond the 95 %
# interval of the gap, by people.
GAP_BEYOND_CHANCE = "kaplan_meier_gap_beyond_chance"


def measure(
    expected: Rows, test_rows: pl.DataFrame, test_hours: float
) -> tuple[dict[str, float], dict[str, list[dict[str, float]]]]:
    """Metrics and the table "return_curve" of curves on sessions they were not fitted on.

    Args:
        expected: the curves of these sessions, of a model that was not fitted on them.
        test_rows: the sessions to measure on, at least one of which returned.
        test_hours: the length of the span they ended in.

    Returns:
        Metrics by name, those that cannot be measured left out, and tables by name. Horizons beyond
        the longest duration are left out.
    """
    durations, is_returned = durations_on_grid(test_rows)
    p_away = survival(expected, HORIZONS_HOURS)
    against_observed = evaluation.return_curve_against_kaplan_meier(
        durations, is_returned, p_away, HORIZONS_HOURS
    )
    seen = len(against_observed)
    losses = evaluation.return_brier_losses(
        durations, is_returned, p_away[:, :seen], HORIZONS_HOURS[:seen]
    )
    gaps = gap_intervals(test_rows, p_away[:, :seen])
    groups = groups_of(test_rows.select(person_id()).to_series())
    brier = interval(groups, lambda kept: losses[kept].mean(axis=0)) if seen else None
    p_away_at_own_duration = np.exp(-expected.cumulative_hazard(durations))
    metrics = {
        "concordance": _concordance(durations, p_away[:, -1], is_returned),
        "d_calibration_gap": evaluation.d_calibration_gap(p_away_at_own_duration, is_returned),
        # a log of hours ends before the first horizon
        "kaplan_meier_gap": against_observed["gap"].abs().max() if seen else math.nan,
        GAP_BEYOND_CHANCE: _beyond_chance(gaps),
        "test_sessions": test_rows.height,
        "test_returns": int(is_returned.sum()),
        "test_hours": test_hours,
    }
    for at, row in enumerate(against_observed.to_dicts()):
        metrics[f"kaplan_meier_gap_{row['hours']:g}h"] = row["gap"]
        metrics[f"brier_{row['hours']:g}h"] = brier.estimate[at]
        for name, found in (("kaplan_meier_gap", gaps), ("brier", brier)):
            one = Interval(found.estimate[at], found.low[at], found.high[at])
            metrics |= bounds(f"{name}_{row['hours']:g}h", one)
    table = against_observed.with_columns(
        **_bands(durations, is_returned, against_observed["hours"])
    )
    return rounded(metrics), {"return_curve": [rounded(row) for row in table.to_dicts()]}


def _concordance(durations: np.ndarray, p_away: np.ndarray, is_returned: np.ndarray) -> float:
    """The share of pairs that the predictions order as they were; NaN where no two sessions can be
    ordered, as when all returned after the same time."""
    from lifelines.utils import concordance_index  # slow to import, see ``fit``

    try:
        return concordance_index(durations, p_away, is_returned)
    except ZeroDivisionError:
        return math.nan


def _bands(
    durations: np.ndarray, is_returned: np.ndarray, hours: pl.Series
) -> dict[str, np.ndarray]:
    """The 95 % interval of the observed curve at some hours, as lifelines gives it."""
    from lifelines import KaplanMeierFitter

    bands = KaplanMeierFitter().fit(durations, is_returned).confidence_interval_survival_function_
    low, high = bands.reindex(hours.to_numpy(), method="ffill").to_numpy().T
    return {"kaplan_meier_low": low, "kaplan_meier_high": high}


def gap_beyond_chance(test_rows: pl.DataFrame, p_away: np.ndarray) -> float:
    """How far the mean curve surely is from the observed one: the greatest distance of 0 from the
    intervals of the gaps, 0 if all touch it.

    Args:
        test_rows: the n sessions.
        p_away: (n x horizons) predicted, for the first of the horizons.
    """
    return _beyond_chance(gap_intervals(test_rows, p_away))


def gap_intervals(test_rows: pl.DataFrame, p_away: np.ndarray) -> Interval:
    """The mean curve less the observed one at each horizon, with its interval by people."""
    durations, is_returned = durations_on_grid(test_rows)
    hours = np.array(HORIZONS_HOURS[: p_away.shape[1]], dtype=np.float64)

    def gaps(kept: np.ndarray) -> np.ndarray:
        curve = evaluation.kaplan_meier(durations[kept], is_returned[kept])
        return p_away[kept].mean(axis=0) - evaluation.survival_at(*curve, hours)

    return interval(groups_of(test_rows.select(person_id()).to_series()), gaps)


def _beyond_chance(gaps: Interval) -> float:
    return float(np.maximum(np.maximum(gaps.low, -gaps.high), 0.0).max(initial=0.0))
