"""Training a model of return times, saving it and predicting with it.

What belongs here: which sessions a model is fitted and measured on, its card, and probabilities and
times counted from now. What does not: the curve itself (``curve``), fitting it (``fit``) and the
metrics (``metrics``).

Two curves are fitted: the one that is put to use on all sessions, and an evaluation model on what
was known before the test span, whose metrics on the sessions that ended in it stand in the card.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from ml.card import CARD_FILE, FALLBACK, ModelCard, library_versions, with_model_id
from ml.features import person
from ml.horizons import HORIZONS_HOURS
from ml.return_time.curve import Curve
from ml.return_time.fit import (
    MAX_SESSIONS,
    MIN_SESSIONS,
    PENALIZER,
    fit_curve,
    kaplan_meier_curve,
)
from ml.return_time.metrics import GAP_BEYOND_CHANCE, measure
from ml.return_time.sessions import LONGEST_HOURS, known_at, start_of_test
from ml.split import HOUR

NAME = "return"
# The mean curve against the observed one on sessions that ended after all that was learned from,
# beyond chance.
MAX_GAP_OUT_OF_TIME = 0.05


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
        rise = self.curve.cumulative_hazard_at(
            elapsed + horizons
        ) - self.curve.cumulative_hazard_at(elapsed)
        # less than 0, not negated: a chance of none is no -0.0
        return 0.0 - np.expm1(-self.curve.relative_hazard(frame)[:, None] * rise)

    def still_away(self, frame: pl.DataFrame, hours: np.ndarray) -> np.ndarray:
        """(n,) P(still away so many hours after the session's end | away for ``elapsed_hours``).

        Args:
            frame: n rows to score.
            hours: (n,) one time a row; 1 where it has passed.
        """
        elapsed = _elapsed(frame)
        rise = self.curve.cumulative_hazard_at(
            np.maximum(hours, elapsed)
        ) - self.curve.cumulative_hazard_at(elapsed)
        return np.exp(-self.curve.relative_hazard(frame) * rise)

    def return_share_hours(
        self, frame: pl.DataFrame, share: float, within_hours: float = 168.0
    ) -> np.ndarray:
        """(n,) hours from now until ``share`` of those who return within the week have returned.

        A quantile of the return time, given a return within ``within_hours``. NaN where the curve
        is flat from here: nobody who stayed away so long was seen to return.
        """
        elapsed = _elapsed(frame)
        start = self.curve.cumulative_hazard_at(elapsed)
        relative = self.curve.relative_hazard(frame)
        rise = self.curve.cumulative_hazard_at(elapsed + within_hours) - start
        p_return = -np.expm1(-relative * rise)
        hazard = start - np.log1p(-share * p_return) / relative
        hours = np.maximum(self.curve.hours_at(hazard) - elapsed, 0.0)
        return np.where(p_return > 0, hours, np.nan)

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


def train(sessions: pl.DataFrame, *, as_of: datetime, refused: str = "") -> ReturnModel:
    """Learn from ended sessions; the Kaplan-Meier curve alone if Cox's model cannot be trusted.

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
    curve, shortfall = (kaplan_meier_curve(rows), refused) if refused else fit_curve(rows)
    fit = kaplan_meier_curve if shortfall else _fitted
    metrics, tables = _evaluate(rows, fit)
    if shortfall and metrics.get(GAP_BEYOND_CHANCE, 0.0) > MAX_GAP_OUT_OF_TIME:
        rows = rows.filter(pl.col("ended_at") >= start_of_test(rows))
        curve = kaplan_meier_curve(rows)
        shortfall += (
            " Of the newest sessions alone: out of time the older ones were surely"
            f" {metrics[GAP_BEYOND_CHANCE]:.3f} off, {MAX_GAP_OUT_OF_TIME} is allowed."
        )
    card = ModelCard(
        name=NAME,
        kind=FALLBACK if shortfall else "cox",
        trained_as_of=as_of,
        data_from=rows["ended_at"].min(),
        data_to=rows["ended_at"].max(),
        row_count=rows.height,
        group_count=rows.select(person().n_unique()).item(),
        features=curve.features,
        metrics=metrics,
        tables=tables,
        params={
            "penalizer": PENALIZER,
            "longest_hours": LONGEST_HOURS,
            "max_sessions": MAX_SESSIONS,
            "returns": int(rows["is_returned"].sum()),
        },
        versions=library_versions("lifelines", "numpy", "pandas", "polars"),
        note=(
            f"One Kaplan-Meier curve for all instead of a learned model: {shortfall}"
            if shortfall
            else "Beyond the last time seen the curve is flat. Figures are of sessions that ended "
            "after the split, from an evaluation model fitted on what was known at the split."
        ),
    )
    return ReturnModel(with_model_id(card, {"curve.json": curve.to_json()}), curve)


def _fitted(rows: pl.DataFrame) -> Curve:
    curve, _ = fit_curve(rows)
    return curve


def _evaluate(
    rows: pl.DataFrame, fit: Callable[[pl.DataFrame], Curve]
) -> tuple[dict[str, float], dict[str, list[dict[str, float]]]]:
    """Metrics and tables of the evaluation model; empty where there are too few sessions."""
    if rows.height < MIN_SESSIONS:
        return {}, {}
    split = start_of_test(rows)
    train_rows = known_at(rows, split)
    test_rows = rows.filter(pl.col("ended_at") >= split)
    if (
        min(train_rows.height, test_rows.height) < MIN_SESSIONS
        or not test_rows["is_returned"].any()
    ):
        return {}, {}
    return measure(fit(train_rows), test_rows, (rows["ended_at"].max() - split) / HOUR)


def _elapsed(frame: pl.DataFrame) -> np.ndarray:
    return frame["elapsed_hours"].cast(pl.Float64).to_numpy()
