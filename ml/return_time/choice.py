"""Which kind of curves serves: Cox's model, or the trees where they are surely better.

What belongs here: what the two are compared by. What does not: fitting them (``fit``, ``hazard``)
and the metrics of the one that serves (``metrics``).
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ml import evaluation
from ml.features import person_id
from ml.horizons import HORIZONS_HOURS
from ml.intervals import groups_of, interval
from ml.return_time.curve import Rows, survival
from ml.return_time.metrics import gap_beyond_chance
from ml.return_time.sessions import durations_on_grid

# Given so many hours of absence, the chance to be back within so many more.
GIVEN_ABSENCE = ((8.0, 16.0), (24.0, 48.0))
# The mean Brier score that makes it worth to leave the reference, as for a new model.
MINIMUM_EFFECT = 0.0005
# A mean curve surely this far off out of time is no worse than one that is surely less off.
CALIBRATED = 0.01


@dataclass(frozen=True)
class Comparison:
    """How trees compare with the reference on sessions that neither was fitted on.

    Attributes:
        is_better: whether they are taken.
        reason: why or why not, as a sentence.
        metrics: the Brier scores of both, by horizon and given absence.
    """

    is_better: bool
    reason: str
    metrics: dict[str, float]


def compare(trees: Rows, reference: Rows, name: str, rows: pl.DataFrame) -> Comparison:
    """Compare the trees with the reference, which has a name, on sessions, one of which returned.

    Judged are the Brier scores weighted for censoring at every horizon and given absence, the mean
    of them by people, and whether the mean curve is surely off the observed one.
    """
    losses = {"trees": _losses(trees, rows), name: _losses(reference, rows)}
    criteria = list(losses[name])
    difference = interval(
        groups_of(rows.select(person_id()).to_series()),
        lambda kept: float(
            np.mean(
                [
                    np.nanmean(losses["trees"][each][kept]) - np.nanmean(losses[name][each][kept])
                    for each in criteria
                ]
            )
        ),
    )
    seen = [hours for hours in HORIZONS_HOURS if f"{hours:g}h" in criteria]
    off, reference_off = (
        gap_beyond_chance(rows, survival(each, seen)) for each in (trees, reference)
    )
    metrics = {
        f"brier_{each}_{kind}": float(np.nanmean(found[each]))
        for kind, found in losses.items()
        for each in criteria
    }
    metrics |= {
        "kaplan_meier_gap_beyond_chance_trees": off,
        f"kaplan_meier_gap_beyond_chance_{name}": reference_off,
    }
    said = f"trees against {name}: mean Brier score {difference.estimate:+.4f}"
    said += f" ({difference.low:+.4f} to {difference.high:+.4f})"
    if off > max(reference_off, CALIBRATED):
        return Comparison(False, f"{said}, but surely {off:.3f} off the observed curve.", metrics)
    is_better = bool(difference.high < 0 and difference.estimate <= -MINIMUM_EFFECT)
    return Comparison(is_better, f"{said}.", metrics)


def _losses(expected: Rows, rows: pl.DataFrame) -> dict[str, np.ndarray]:
    """(n,) squared errors weighted for censoring by criterion, NaN for rows that it is not about;
    without horizons that no session was followed to."""
    durations, is_returned = durations_on_grid(rows)
    longest = durations.max()
    seen = [hours for hours in HORIZONS_HOURS if hours <= longest]
    losses = evaluation.return_brier_losses(durations, is_returned, survival(expected, seen), seen)
    found = {f"{hours:g}h": losses[:, at] for at, hours in enumerate(seen)}
    for gone, ahead in GIVEN_ABSENCE:
        is_away = durations > gone
        if gone + ahead > longest:
            continue
        away, later = survival(expected, (gone, gone + ahead))[is_away].T
        column = np.full(len(durations), np.nan)
        column[is_away] = evaluation.return_brier_losses(
            durations[is_away] - gone,
            is_returned[is_away],
            (later / np.maximum(away, 1e-12))[:, None],
            (ahead,),
        )[:, 0]
        found[f"{ahead:g}h_after_{gone:g}h"] = column
    return found
