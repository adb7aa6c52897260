"""Fitting the curve: Cox's proportional hazards model, or Kaplan-Meier if it cannot be trusted.

What belongs here: standardising the features, fitting with lifelines and the choice between the
two. What does not: which sessions are learned from (``model``) and reading a fitted curve
(``curve``): what lifelines fitted is written down as coefficients and a baseline on a grid, and
scores come from that alone. lifelines and pandas are imported where they fit: they are slow to
import, and most hours learn nothing.
"""

import warnings
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ml import evaluation
from ml.features import feature_columns, numeric_matrix, person_id
from ml.horizons import HORIZONS_HOURS
from ml.return_time.curve import Curve, with_logarithms
from ml.return_time.sessions import LONGEST_HOURS, durations_on_grid

if TYPE_CHECKING:
    from lifelines import CoxPHFitter

MIN_SESSIONS = 100
MIN_RETURNS = 20
MAX_SESSIONS = 100_000
PENALIZER = 0.001
# How the names of counts end: twice as many means as much among few as among many.
COUNTS = "_count"
MAX_KAPLAN_MEIER_GAP = 0.02


def fit_curve(rows: pl.DataFrame) -> tuple[Curve, str]:
    """Cox's model and nothing, or Kaplan-Meier and the reason why, as the end of a sentence.

    Args:
        rows: sessions as ``sessions.known_at`` gives them.

    Raises:
        FeatureError: if a feature is not numeric.
    """
    from lifelines.exceptions import ConvergenceError

    returns = int(rows["is_returned"].sum())
    if rows.height < MIN_SESSIONS or returns < MIN_RETURNS:
        return kaplan_meier_curve(rows), (
            f"{rows.height} sessions with {returns} returns are known, "
            f"{MIN_SESSIONS} with {MIN_RETURNS} are needed."
        )
    sample = sample_people(rows)
    scaling = standardisation(sample)
    if not scaling.features:
        return kaplan_meier_curve(rows), "no feature differs between the sessions."
    try:
        curve = _cox_curve(sample, scaling)
    except ConvergenceError:
        return kaplan_meier_curve(rows), "the Cox model did not converge."
    durations, is_returned = durations_on_grid(sample)
    gaps = evaluation.return_curve_against_kaplan_meier(
        durations, is_returned, curve.survival(sample, HORIZONS_HOURS), HORIZONS_HOURS
    )
    worst = gaps["gap"].abs().max() or 0.0
    if worst > MAX_KAPLAN_MEIER_GAP:
        return kaplan_meier_curve(rows), (
            f"the Cox model's mean curve is {worst:.3f} off the observed one, "
            f"{MAX_KAPLAN_MEIER_GAP} is allowed."
        )
    return curve, ""


def sample_people(rows: pl.DataFrame, at_most: int | None = None) -> pl.DataFrame:
    """At most about so many rows, by default ``MAX_SESSIONS``: all sessions of people drawn by the
    hash of their id."""
    at_most = at_most or MAX_SESSIONS
    if rows.height <= at_most:
        return rows
    people = rows.select(person_id().alias("person"))["person"]
    limit = int(at_most / rows.height * 2**64)
    drawn = [
        name
        for name in people.unique().to_list()
        if int.from_bytes(sha256(name.encode()).digest()[:8]) < limit
    ]
    return rows.filter(people.is_in(drawn))


def standardisation(rows: pl.DataFrame) -> Curve:
    """A curve without hazard: the features that differ, and how they are standardised."""
    names = feature_columns(rows)
    logged = tuple(name for name in names if name.endswith(COUNTS))
    matrix = with_logarithms(numeric_matrix(rows, names), names, logged)
    matrix = np.where(np.isfinite(matrix), matrix, np.nan)
    kept, columns = [], []
    for name, column in zip(names, matrix.T, strict=True):
        known = column[~np.isnan(column)]
        if not len(known):
            continue
        median = float(np.median(known))
        lower, upper = (float(x) for x in np.quantile(known, [0.01, 0.99]))
        values = np.clip(np.where(np.isnan(column), median, column), lower, upper)
        # Of a column that differs in its rarest rows only, clipping leaves a constant.
        if (scale := float(values.std())) > 1e-9 * max(1.0, abs(median)):
            kept.append(name)
            columns.append((median, lower, upper, float(values.mean()), scale))
    medians, lower, upper, means, scales = zip(*columns, strict=True) if columns else ((),) * 5
    return Curve(
        features=tuple(kept),
        medians=medians,
        lower=lower,
        upper=upper,
        means=means,
        scales=scales,
        coefficients=(0.0,) * len(kept),
        offset=0.0,
        hours=(0.0, LONGEST_HOURS),
        cumulative_hazard=(0.0, 0.0),
        logged=tuple(name for name in logged if name in kept),
    )


def fit_cox(rows: pl.DataFrame, scaling: Curve) -> "CoxPHFitter":
    """The lifelines model of the standardised rows, durations on the grid.

    Raises:
        ConvergenceError: if Newton's method failed.
    """
    import pandas as pd
    from lifelines import CoxPHFitter
    from lifelines.exceptions import ConvergenceError

    durations, is_returned = durations_on_grid(rows)
    data = pd.DataFrame(scaling.standardised(rows), columns=list(scaling.features))
    data["duration_hours"], data["is_returned"] = durations, is_returned
    fitter = CoxPHFitter(penalizer=PENALIZER)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitter.fit(data, "duration_hours", "is_returned")
    if any("failed to converge" in str(warning.message) for warning in caught):
        raise ConvergenceError("Newton's method failed to converge")
    return fitter


def _cox_curve(rows: pl.DataFrame, scaling: Curve) -> Curve:
    """Fit Cox's model with lifelines.

    Raises:
        ConvergenceError: if no finite answer was found.
    """
    from lifelines.exceptions import ConvergenceError

    fitter = fit_cox(rows, scaling)
    coefficients = fitter.params_.to_numpy()
    baseline = fitter.baseline_cumulative_hazard_.iloc[:, 0]
    if not (np.isfinite(coefficients).all() and np.isfinite(baseline.to_numpy()).all()):
        raise ConvergenceError("coefficients are not finite")
    return replace(
        scaling,
        coefficients=tuple(float(b) for b in coefficients),
        offset=-float(fitter._norm_mean.to_numpy() @ coefficients),
        hours=(0.0, *(float(t) for t in baseline.index if t > 0)),
        cumulative_hazard=(0.0, *(float(h) for t, h in baseline.items() if t > 0)),
    )


def kaplan_meier_curve(rows: pl.DataFrame) -> Curve:
    """One curve for all, in the same form: its hazard is -log of the Kaplan-Meier estimate."""
    from lifelines import KaplanMeierFitter

    hours: tuple[float, ...] = (0.0, LONGEST_HOURS)
    hazard: tuple[float, ...] = (0.0, 0.0)
    if not rows.is_empty():
        fitter = KaplanMeierFitter().fit(*durations_on_grid(rows))
        survival = fitter.survival_function_.iloc[:, 0]
        hours = tuple(float(t) for t in survival.index)
        # Where all have returned the hazard is infinite; a billionth still away stands for none.
        hazard = tuple(float(h) for h in -np.log(np.maximum(survival.to_numpy(), 1e-9)))
    return Curve((), (), (), (), (), (), (), 0.0, hours, hazard)
