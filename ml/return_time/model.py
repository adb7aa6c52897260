"""Training a model of return times, saving it and predicting with it.

What belongs here: which sessions a model is fitted and measured on, its card, and probabilities and
times counted from now. What does not: the curve itself (``curve``), fitting it (``fit``) and the
metrics (``metrics``).

Each kind is fitted as an evaluation model on what was known before the test span. On the sessions
that ended in it they are compared, the one that is taken is fitted again on all sessions, and its
metrics there stand in the card. Cox's model by lifelines is the reference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import polars as pl

from ml.card import CARD_FILE, FALLBACK, ModelCard, library_versions, rounded, with_model_id
from ml.features import feature_columns, person_id
from ml.horizons import HORIZONS_HOURS
from ml.return_time import fit, hazard
from ml.return_time.choice import Comparison, compare
from ml.return_time.curve import Curve, Rows
from ml.return_time.fit import (
    MIN_SESSIONS,
    PENALIZER,
    fit_curve,
    kaplan_meier_curve,
    sample_people,
)
from ml.return_time.hazard import Hazard, fit_hazard
from ml.return_time.metrics import GAP_BEYOND_CHANCE, measure
from ml.return_time.sessions import LONGEST_HOURS, known_at, start_of_test
from ml.split import HOUR

NAME = "return"
COX, HAZARD = "cox", "hazard"
MAX_SESSIONS_OF = {
    COX: fit.MAX_SESSIONS,
    FALLBACK: fit.MAX_SESSIONS,
    HAZARD: hazard.MAX_SESSIONS,
}
# The mean curve against the observed one on sessions that ended after all that was learned from,
# beyond chance.
MAX_GAP_OUT_OF_TIME = 0.05


@dataclass(frozen=True)
class Absences:
    """What is expected of n absences, counted from now.

    Attributes:
        rows: the curves of the absences.
        elapsed: (n,) hours that they have lasted.
    """

    rows: Rows
    elapsed: np.ndarray

    def return_probabilities(self, horizons_hours: Sequence[float]) -> np.ndarray:
        """(n x horizons) P(back within h hours from now | away for the elapsed hours already)."""
        later = self.elapsed[:, None] + np.asarray(horizons_hours, dtype=np.float64)[None, :]
        gone = self.rows.cumulative_hazard(self.elapsed)[:, None]
        # less than 0, not negated: a chance of none is no -0.0
        return 0.0 - np.expm1(gone - self.rows.cumulative_hazard(later))

    def still_away(self, hours: np.ndarray) -> np.ndarray:
        """(n,) P(still away so many hours after the session's end | away for the elapsed hours).

        Args:
            hours: (n,) one time a row; 1 where it has passed.
        """
        later = self.rows.cumulative_hazard(np.maximum(hours, self.elapsed))
        return np.exp(self.rows.cumulative_hazard(self.elapsed) - later)

    def return_share_hours(self, share: float, within_hours: float = 168.0) -> np.ndarray:
        """(n,) hours from now until ``share`` of those who return within the week have returned.

        A quantile of the return time, given a return within ``within_hours``. NaN where the curve
        is flat from here: nobody who stayed away so long was seen to return.
        """
        start = self.rows.cumulative_hazard(self.elapsed)
        rise = self.rows.cumulative_hazard(self.elapsed + within_hours) - start
        p_return = -np.expm1(-rise)
        hours = self.rows.hours_at(start - np.log1p(-share * p_return)) - self.elapsed
        return np.where(p_return > 0, np.maximum(hours, 0.0), np.nan)

    def expected_return_hours(self) -> np.ndarray:
        """(n,) hours from now: the median among those who return within 168 h; NaN if none does."""
        return self.return_share_hours(0.5)


@dataclass(frozen=True)
class ReturnModel:
    """A card and curves."""

    card: ModelCard
    curve: Curve | Hazard

    def absences(self, frame: pl.DataFrame) -> Absences:
        """What is expected of the absences of n rows to score.

        Raises:
            FeatureError: if a column is missing or not numeric.
        """
        return Absences(self.curve.of(frame), _elapsed(frame))

    def return_probabilities(
        self, frame: pl.DataFrame, horizons_hours: Sequence[float] = HORIZONS_HOURS
    ) -> np.ndarray:
        """(n x horizons) P(back within h hours from now | away for ``elapsed_hours`` already).

        Raises:
            FeatureError: if a column is missing or not numeric.
        """
        return self.absences(frame).return_probabilities(horizons_hours)

    def to_files(self) -> dict[str, bytes]:
        """The model as named files; ``from_files`` gives back one that predicts the same bits."""
        return self.curve.to_files() | {CARD_FILE: self.card.to_json()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "ReturnModel":
        """The model that ``to_files`` wrote."""
        card = ModelCard.from_json(files[CARD_FILE])
        if card.kind == HAZARD:
            return cls(card, Hazard.from_files(files))
        return cls(card, Curve.from_json(files["curve.json"]))


def train(sessions: pl.DataFrame, *, as_of: datetime, refused: str = "") -> ReturnModel:
    """Learn from ended sessions: Cox's model, or the trees where they are surely better out of
    time; the Kaplan-Meier curve alone if neither can be trusted.

    That curve is judged out of time, too: where the one of the older sessions is surely off on the
    newer ones by more than ``MAX_GAP_OUT_OF_TIME``, it is the curve of the newer ones alone.

    Args:
        sessions: keys, ``duration_hours``, ``is_returned`` and numeric features.
        as_of: the hour to learn at (UTC, naive); returns after it count as not seen.
        refused: why a learned model may not serve, as a sentence: the fallback is made.

    Raises:
        FeatureError: if a feature is not numeric.
    """
    rows = known_at(sessions, as_of)
    spans = _split(rows)
    compared = None if refused or spans is None else _compare(rows, spans)
    shortfall, curve = refused, None
    if compared and compared.comparison.is_better:
        kind, curve = HAZARD, fit_hazard(rows)
    else:
        if not refused:
            curve, shortfall = fit_curve(rows)
        kind = FALLBACK if shortfall else COX
    found = _measured(spans, compared, is_fallback=bool(shortfall))
    curve = curve or kaplan_meier_curve(rows)
    if shortfall and found.metrics.get(GAP_BEYOND_CHANCE, 0.0) > MAX_GAP_OUT_OF_TIME:
        rows = rows.filter(pl.col("ended_at") >= start_of_test(rows))
        curve = kaplan_meier_curve(rows)
        shortfall += (
            " Of the newest sessions alone: out of time the older ones were surely"
            f" {found.metrics[GAP_BEYOND_CHANCE]:.3f} off, {MAX_GAP_OUT_OF_TIME} is allowed."
        )
    card = ModelCard(
        name=NAME,
        kind=kind,
        trained_as_of=as_of,
        data_from=rows["ended_at"].min(),
        data_to=rows["ended_at"].max(),
        row_count=rows.height,
        group_count=rows.select(person_id().n_unique()).item(),
        features=curve.features,
        metrics=found.metrics,
        tables=found.tables,
        params={
            "penalizer": PENALIZER,
            "longest_hours": LONGEST_HOURS,
            "max_sessions": MAX_SESSIONS_OF[kind],
            "returns": int(rows["is_returned"].sum()),
            "choice": compared.comparison.reason if compared else "",
        },
        versions=library_versions("lifelines", "lightgbm", "numpy", "pandas", "polars"),
        note=(
            f"One Kaplan-Meier curve for all instead of a learned model: {shortfall}"
            if shortfall
            else "Beyond the last time seen the curve is flat. Figures are of sessions that ended "
            "after the split, from an evaluation model fitted on what was known at the split."
        ),
    )
    return ReturnModel(with_model_id(card, curve.to_files()), curve)


@dataclass(frozen=True)
class _Spans:
    """What the evaluation models are fitted on, and the sessions that ended after it."""

    train: pl.DataFrame
    test: pl.DataFrame
    test_hours: float


@dataclass(frozen=True)
class _Compared:
    """Both kinds on the test span.

    Attributes:
        expected: the curves of the one that is taken.
        is_cox: whether the reference is Cox's model; the Kaplan-Meier curve where it falls short.
        comparison: how they compared.
    """

    expected: Rows
    is_cox: bool
    comparison: Comparison


@dataclass(frozen=True)
class _Measured:
    """The metrics and tables of the card; empty where there are too few sessions."""

    metrics: dict[str, float] = field(default_factory=dict)
    tables: dict[str, list[dict[str, float]]] = field(default_factory=dict)


def _split(rows: pl.DataFrame) -> _Spans | None:
    """The two spans, of people who are drawn where there are many; None where one has too few
    sessions, or nobody came back after the second."""
    if rows.height < MIN_SESSIONS:
        return None
    split = start_of_test(rows)
    train_rows = known_at(rows, split)
    test_rows = rows.filter(pl.col("ended_at") >= split)
    if (
        min(train_rows.height, test_rows.height) < MIN_SESSIONS
        or not test_rows["is_returned"].any()
    ):
        return None
    drawn = (sample_people(each, hazard.MAX_SESSIONS) for each in (train_rows, test_rows))
    return _Spans(*drawn, (rows["ended_at"].max() - split) / HOUR)


def _compare(rows: pl.DataFrame, spans: _Spans) -> _Compared | None:
    """Both kinds fitted on the first span, on the second; None without features."""
    if not feature_columns(rows):
        return None
    curve, shortfall = fit_curve(spans.train)
    reference = curve.of(spans.test)
    trees = fit_hazard(spans.train).of(spans.test)
    comparison = compare(trees, reference, "kaplan_meier" if shortfall else COX, spans.test)
    return _Compared(trees if comparison.is_better else reference, not shortfall, comparison)


def _measured(spans: _Spans | None, compared: _Compared | None, *, is_fallback: bool) -> _Measured:
    """The metrics of the kind that is taken."""
    if spans is None:
        return _Measured()
    expected = compared.expected if compared else None
    if expected is None or (is_fallback and compared.is_cox):
        # Cox's model may fit the older sessions and not all of them
        expected = kaplan_meier_curve(spans.train).of(spans.test)
    metrics, tables = measure(expected, spans.test, spans.test_hours)
    return _Measured(metrics | (rounded(compared.comparison.metrics) if compared else {}), tables)


def _elapsed(frame: pl.DataFrame) -> np.ndarray:
    return frame["elapsed_hours"].cast(pl.Float64).to_numpy()
