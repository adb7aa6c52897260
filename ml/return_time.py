"""When a shopper will be back: the curve of staying away, given the hours already gone.

What belongs here: learning the curve from ended sessions and reading it. What does not: what to do
with it (``decision``).

A Cox proportional hazards model (lifelines) is fitted and then written down as coefficients and a
baseline on a grid; scores come from that alone. The curve is flat beyond the last time seen: most
who have not come back by then never do, and a formula that goes on falling would promise them.
"""

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

import lifelines
import numpy as np
import pandas as pd
import polars as pl
from lifelines.exceptions import ConvergenceError
from lifelines.utils import concordance_index

from ml import evaluation
from ml.card import CARD_FILE, FALLBACK, ModelCard, named, rounded
from ml.features import feature_columns, numeric_matrix, person
from ml.split import HOUR

NAME = "return"
HORIZONS_HOURS = (4.0, 8.0, 24.0, 72.0, 168.0)

# Nothing is told apart later than this; whoever is away longer counts as still away.
LONGEST_HOURS = 720.0
# Durations are rounded up to 5 minutes in the first day, a quarter of an hour in the first week,
# then half an hour: Cox's cost lies in distinct times, and the whole curve is 1,968 numbers.
GRID_HOURS = np.concatenate(
    [np.arange(1, 289) / 12, 24 + np.arange(1, 577) / 4, 168 + np.arange(1, 1105) / 2]
)

MIN_SESSIONS = 100
MIN_RETURNS = 20
MAX_SESSIONS = 100_000
PENALIZER = 0.001
MAX_GAP = 0.02
TEST_SHARE = 0.3
LONGEST_TEST = timedelta(days=28)


@dataclass(frozen=True)
class Curve:
    """P(still away t hours after the session's end) = exp(-H(t) x exp(score)).

    Attributes:
        features: the columns the score is made of; none for Kaplan-Meier.
        medians: what a null counts as.
        lower: values below count as this.
        upper: values above count as this.
        means: taken off, then
        scales: divided by, then
        coefficients: multiplied with and summed.
        offset: added to the sum.
        hours: times of the baseline, ascending, beginning at 0.
        cumulative_hazard: H at these times; in between it is a straight line, beyond them flat.
    """

    features: tuple[str, ...]
    medians: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    coefficients: tuple[float, ...]
    offset: float
    hours: tuple[float, ...]
    cumulative_hazard: tuple[float, ...]

    def standardised(self, frame: pl.DataFrame) -> np.ndarray:
        """(n x features) what the coefficients apply to."""
        matrix = numeric_matrix(frame, self.features)
        matrix = np.where(np.isfinite(matrix), matrix, np.array(self.medians))
        # in place: of a million carts every copy is a third of a gigabyte
        np.clip(matrix, np.array(self.lower), np.array(self.upper), out=matrix)
        matrix -= np.array(self.means)
        matrix /= np.array(self.scales)
        return matrix

    def relative_hazard(self, frame: pl.DataFrame) -> np.ndarray:
        """(n,) how much faster than the baseline each returns."""
        return np.exp(self.standardised(frame) @ np.array(self.coefficients) + self.offset)

    def hazard_until(self, hours: np.ndarray) -> np.ndarray:
        """The baseline's cumulative hazard at the given times, of any shape."""
        return np.interp(hours, self.hours, self.cumulative_hazard)

    def away(self, frame: pl.DataFrame, horizons_hours: Sequence[float]) -> np.ndarray:
        """(n x horizons) probabilities of still being away, seen from the session's end."""
        hazard = self.hazard_until(np.asarray(horizons_hours, dtype=np.float64))
        return np.exp(-np.outer(self.relative_hazard(frame), hazard))

    def first_hour(self, hazard: np.ndarray) -> np.ndarray:
        """(n,) the first time at which the baseline's cumulative hazard reaches each value."""
        steps, hours = np.array(self.cumulative_hazard), np.array(self.hours)
        right = np.clip(np.searchsorted(steps, hazard, side="left"), 1, len(steps) - 1)
        rise = steps[right] - steps[right - 1]
        part = np.divide(hazard - steps[right - 1], rise, out=np.zeros_like(rise), where=rise > 0)
        return hours[right - 1] + np.clip(part, 0.0, 1.0) * (hours[right] - hours[right - 1])

    def to_json(self) -> bytes:
        """The curve as JSON with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True, allow_nan=False).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "Curve":
        """The curve that ``to_json`` wrote."""
        fields = json.loads(text)
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})


@dataclass(frozen=True)
class ReturnModel:
    """A card and a curve."""

    card: ModelCard
    curve: Curve

    def return_probabilities(
        self, frame: pl.DataFrame, horizons_hours: Sequence[float] = HORIZONS_HOURS
    ) -> np.ndarray:
        """(n x horizons) P(back within h hours from now | away for ``elapsed_hours`` already).

        Raises:
            FeatureError: if a column is missing or not numeric.
        """
        elapsed = _elapsed(frame)[:, None]
        horizons = np.asarray(horizons_hours, dtype=np.float64)[None, :]
        hazard = self.curve.hazard_until(elapsed + horizons) - self.curve.hazard_until(elapsed)
        return -np.expm1(-self.curve.relative_hazard(frame)[:, None] * hazard)

    def return_share_hours(
        self, frame: pl.DataFrame, share: float, within_hours: float = 168.0
    ) -> np.ndarray:
        """(n,) hours from now until ``share`` of those who return within the week have returned.

        NaN where the curve is flat from here: nobody who stayed away so long was seen to return.
        """
        elapsed = _elapsed(frame)
        start = self.curve.hazard_until(elapsed)
        relative = self.curve.relative_hazard(frame)
        rise = self.curve.hazard_until(elapsed + within_hours) - start
        returning = -np.expm1(-relative * rise)
        hazard = start - np.log1p(-share * returning) / relative
        hours = np.maximum(self.curve.first_hour(hazard) - elapsed, 0.0)
        return np.where(returning > 0, hours, np.nan)

    def expected_return_hours(self, frame: pl.DataFrame) -> np.ndarray:
        """(n,) hours from now: the median among those who return within 168 h; NaN if none does."""
        return self.return_share_hours(frame, 0.5)

    def to_files(self) -> dict[str, bytes]:
        """The model as named files; ``from_files`` gives back one that predicts the same bits."""
        return {"curve.json": self.curve.to_json(), CARD_FILE: self.card.to_json()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "ReturnModel":
        """The model that ``to_files`` wrote."""
        return cls(ModelCard.from_json(files[CARD_FILE]), Curve.from_json(files["curve.json"]))


def train(sessions: pl.DataFrame, *, as_of: datetime) -> ReturnModel:
    """Learn from ended sessions; the Kaplan-Meier curve alone if Cox's model cannot be trusted.

    The model is fitted on all sessions; its figures are those of a twin that knew nothing after
    the split and is judged on the sessions that ended later, followed to the end of the data.

    Args:
        sessions: keys, ``duration_hours``, ``is_returned`` and numeric features.
        as_of: the hour to learn at (UTC, naive); returns after it count as not seen.

    Raises:
        FeatureError: if a feature is not numeric.
    """
    rows = known_at(sessions, as_of)
    curve, lack = _fit(rows)
    figures, tables = _measure(rows)
    card = ModelCard(
        name=NAME,
        kind=FALLBACK if lack else "cox",
        trained_as_of=as_of,
        data_from=rows["ended_at"].min(),
        data_to=rows["ended_at"].max(),
        row_count=rows.height,
        group_count=rows.select(person().n_unique()).item(),
        features=curve.features,
        figures=figures,
        tables=tables,
        params={
            "penalizer": PENALIZER,
            "longest_hours": LONGEST_HOURS,
            "max_sessions": MAX_SESSIONS,
            "returns": int(rows["is_returned"].sum()),
        },
        versions={library.__name__: library.__version__ for library in (lifelines, np, pd, pl)},
        note=(
            f"One Kaplan-Meier curve for all instead of a learned model: {lack}"
            if lack
            else "Beyond the last time seen the curve is flat. Figures are of sessions that ended "
            "after the split, by a twin that knew nothing later than the split."
        ),
    )
    return ReturnModel(named(card, {"curve.json": curve.to_json()}), curve)


def known_at(sessions: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """The sessions ended before ``now`` with what was known then, in the order of time.

    A return after ``now`` had not been seen; durations end at ``now``, and at ``LONGEST_HOURS``.
    """
    so_far = (pl.lit(now) - pl.col("ended_at")).dt.total_microseconds() / 3.6e9
    limit = pl.min_horizontal(so_far, pl.lit(LONGEST_HOURS))
    return (
        sessions.filter(pl.col("ended_at") < now)
        .with_columns(
            is_returned=pl.col("is_returned") & (pl.col("duration_hours") <= limit),
            duration_hours=pl.min_horizontal("duration_hours", limit),
        )
        .filter(pl.col("duration_hours") > 0)
        .sort("ended_at", "session_id")
    )


def newest_from(rows: pl.DataFrame) -> datetime:
    """When the newest part of the sessions begins, on which models are judged."""
    first, last = rows["ended_at"].min(), rows["ended_at"].max()
    return last - min(TEST_SHARE * (last - first), LONGEST_TEST) // HOUR * HOUR


def _elapsed(frame: pl.DataFrame) -> np.ndarray:
    return frame["elapsed_hours"].cast(pl.Float64).to_numpy()


def outcomes_on_grid(rows: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Durations on the grid, and whether they ended in a return."""
    durations = rows["duration_hours"].cast(pl.Float64).to_numpy()
    # A hair less, so that a time on the grid is not lifted to the next by its last bit.
    position = np.searchsorted(GRID_HOURS, durations - 1e-9)
    rounded_up = GRID_HOURS[np.minimum(position, len(GRID_HOURS) - 1)]
    return rounded_up, rows["is_returned"].to_numpy().astype(bool)


def _fit(rows: pl.DataFrame) -> tuple[Curve, str]:
    """Cox's model and nothing, or Kaplan-Meier and the reason why, as the end of a sentence."""
    returns = int(rows["is_returned"].sum())
    if rows.height < MIN_SESSIONS or returns < MIN_RETURNS:
        return _kaplan_meier(rows), (
            f"{rows.height} sessions with {returns} returns are known, "
            f"{MIN_SESSIONS} with {MIN_RETURNS} are needed."
        )
    sample = draw_people(rows)
    scaling = standardisation(sample)
    if not scaling.features:
        return _kaplan_meier(rows), "no feature differs between the sessions."
    try:
        curve = _cox(sample, scaling)
    except ConvergenceError:
        return _kaplan_meier(rows), "the Cox model did not converge."
    durations, is_returned = outcomes_on_grid(sample)
    gaps = evaluation.return_curve_against_kaplan_meier(
        durations, is_returned, curve.away(sample, HORIZONS_HOURS), HORIZONS_HOURS
    )
    worst = gaps["gap"].abs().max() or 0.0
    if worst > MAX_GAP:
        return _kaplan_meier(rows), (
            f"the Cox model's mean curve is {worst:.3f} off the observed one, {MAX_GAP} is allowed."
        )
    return curve, ""


def draw_people(rows: pl.DataFrame) -> pl.DataFrame:
    """At most about ``MAX_SESSIONS`` rows: all sessions of people drawn by the hash of their id."""
    if rows.height <= MAX_SESSIONS:
        return rows
    people = rows.select(person().alias("person"))["person"]
    limit = int(MAX_SESSIONS / rows.height * 2**64)
    drawn = [
        name
        for name in people.unique().to_list()
        if int.from_bytes(sha256(name.encode()).digest()[:8]) < limit
    ]
    return rows.filter(people.is_in(drawn))


def standardisation(rows: pl.DataFrame) -> Curve:
    """A curve without hazard: the features that differ, and how they are standardised."""
    names = feature_columns(rows)
    matrix = numeric_matrix(rows, names)
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
    )


def _cox(rows: pl.DataFrame, scaling: Curve) -> Curve:
    """Fit Cox's model with lifelines.

    Raises:
        ConvergenceError: if no finite answer was found.
    """
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


def fit_cox(rows: pl.DataFrame, scaling: Curve) -> lifelines.CoxPHFitter:
    """The lifelines model of the standardised rows, durations on the grid.

    Raises:
        ConvergenceError: if Newton's method failed.
    """
    durations, is_returned = outcomes_on_grid(rows)
    data = pd.DataFrame(scaling.standardised(rows), columns=list(scaling.features))
    data["duration_hours"], data["is_returned"] = durations, is_returned
    fitter = lifelines.CoxPHFitter(penalizer=PENALIZER)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitter.fit(data, "duration_hours", "is_returned")
    if any("failed to converge" in str(warning.message) for warning in caught):
        raise ConvergenceError("Newton's method failed to converge")
    return fitter


def _kaplan_meier(rows: pl.DataFrame) -> Curve:
    """One curve for all, in the same form: its hazard is -log of the Kaplan-Meier estimate."""
    hours: tuple[float, ...] = (0.0, LONGEST_HOURS)
    hazard: tuple[float, ...] = (0.0, 0.0)
    if not rows.is_empty():
        fitter = lifelines.KaplanMeierFitter().fit(*outcomes_on_grid(rows))
        survival = fitter.survival_function_.iloc[:, 0]
        hours = tuple(float(t) for t in survival.index)
        # Where all have returned the hazard is infinite; a billionth still away stands for none.
        hazard = tuple(float(h) for h in -np.log(np.maximum(survival.to_numpy(), 1e-9)))
    return Curve((), (), (), (), (), (), (), 0.0, hours, hazard)


def _measure(rows: pl.DataFrame) -> tuple[dict[str, float], dict[str, list[dict[str, float]]]]:
    """Figures on the newest sessions, by a twin that learned before they ended."""
    if rows.height < MIN_SESSIONS:
        return {}, {}
    split = newest_from(rows)
    learned = known_at(rows, split)
    test = rows.filter(pl.col("ended_at") >= split)
    if min(learned.height, test.height) < MIN_SESSIONS or not test["is_returned"].any():
        return {}, {}
    twin, _ = _fit(learned)
    durations, is_returned = outcomes_on_grid(test)
    away = twin.away(test, HORIZONS_HOURS)
    curve = evaluation.return_curve_against_kaplan_meier(
        durations, is_returned, away, HORIZONS_HOURS
    )
    seen = len(curve)
    brier = evaluation.return_brier_losses(
        durations, is_returned, away[:, :seen], HORIZONS_HOURS[:seen]
    ).mean(axis=0)
    own = np.exp(-twin.relative_hazard(test) * twin.hazard_until(durations))
    figures = {
        "concordance": concordance_index(durations, -twin.relative_hazard(test), is_returned),
        "d_calibration_gap": evaluation.d_calibration_gap(own, is_returned),
        "kaplan_meier_gap": curve["gap"].abs().max(),
        "test_sessions": test.height,
        "test_returns": int(is_returned.sum()),
        "test_hours": (rows["ended_at"].max() - split) / HOUR,
    }
    for row, score in zip(curve.to_dicts(), brier, strict=True):
        figures[f"kaplan_meier_gap_{row['hours']:g}h"] = row["gap"]
        figures[f"brier_{row['hours']:g}h"] = score
    return rounded(figures), {"return_curve": [rounded(row) for row in curve.to_dicts()]}
