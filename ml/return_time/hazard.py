"""The other kind of return model: the chance to come back in each span of hours, by boosted trees.

What belongs here: spans, one row a session and span it was away at, fitting them with LightGBM, and
the curves read from them. What does not: which kind serves (``choice``).

A discrete-time hazard model (Singer and Willett 1993): the log loss of the rows is the likelihood
of the sessions, censored ones included. Unlike Cox's model it lets effects change with time, and
the hour of the day at which a span lies say something. The trees begin at the observed hazard of
each span, and within a span it is spread as that is.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ml.boosting import lightgbm
from ml.calibration import sigmoid
from ml.features import feature_columns, numeric_matrix
from ml.return_time.curve import Curve, survival
from ml.return_time.fit import kaplan_meier_curve, sample_people
from ml.return_time.sessions import LONGEST_HOURS, durations_on_grid

if TYPE_CHECKING:
    from lightgbm import Booster

EDGES_HOURS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 24.0, 48.0, 72.0, 168.0, 336.0, LONGEST_HOURS)
# Trees cost ten times what Cox's model does; more sessions than that hardly change them.
MAX_SESSIONS = 30_000
ROUNDS = 40
# One thread, as for the trees of abandonment, and repeatable.
_PARAMS = {
    "objective": "binary",
    "learning_rate": 0.1,
    "num_leaves": 15,
    "min_data_in_leaf": 200,
    "feature_fraction": 0.7,
    "lambda_l2": 5.0,
    "seed": 7,
    "num_threads": 1,
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
}
# Rows at a time when scoring: a million carts have eleven million spans.
_CHUNK = 50_000


class Spans:
    """The survival curves of n rows: their cumulative hazard at the edges of the spans."""

    def __init__(self, hazard: np.ndarray, baseline: Curve) -> None:
        """Take the (n x edges) hazard, and the curve by which it is spread within a span."""
        self._hazard, self._baseline = hazard, baseline
        self._edges = np.array(EDGES_HOURS)

    def cumulative_hazard(self, hours: np.ndarray) -> np.ndarray:
        """The cumulative hazard of each row at times, (n,) or (n x m), or (1 x m) of all; flat
        beyond the last edge."""
        span = np.clip(np.searchsorted(self._edges, hours, side="right") - 1, 0, self._last)
        low, high = self._edges[span], self._edges[span + 1]
        part = self._part(np.clip(hours, low, high), low, high)
        rows = np.arange(len(self._hazard)).reshape(-1, *[1] * (np.ndim(hours) - 1))
        start = self._hazard[rows, span]
        return start + part * (self._hazard[rows, span + 1] - start)

    def hours_at(self, hazard: np.ndarray) -> np.ndarray:
        """(n,) the first time at which each row's cumulative hazard reaches a value."""
        span = np.clip((self._hazard < hazard[:, None]).sum(axis=1) - 1, 0, self._last)
        rows = np.arange(len(hazard))
        start, rise = self._hazard[rows, span], np.diff(self._hazard, axis=1)[rows, span]
        part = np.divide(hazard - start, rise, out=np.zeros_like(rise), where=rise > 0)
        part = np.clip(part, 0.0, 1.0)
        low, high = self._edges[span], self._edges[span + 1]
        at_low, at_high = (self._baseline.cumulative_hazard_at(each) for each in (low, high))
        spread = self._baseline.hours_at(at_low + part * (at_high - at_low))
        return np.where(at_high > at_low, np.clip(spread, low, high), low + part * (high - low))

    @property
    def _last(self) -> int:
        return len(EDGES_HOURS) - 2

    def _part(self, hours: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Which part of a span's hazard lies before some hours in it."""
        at, at_low, at_high = map(self._baseline.cumulative_hazard_at, (hours, low, high))
        straight = (hours - low) / (high - low)
        return np.divide(at - at_low, at_high - at_low, out=straight, where=at_high > at_low)


class Hazard:
    """Boosted trees of the chance to come back in each span."""

    def __init__(self, text: str, features: Sequence[str], baseline: Curve) -> None:
        """Take a LightGBM text model, the columns it reads and the observed curve of all."""
        self._text, self.features, self.baseline = text, tuple(features), baseline

    @cached_property
    def _booster(self) -> "Booster":
        """The trees, read when they are first asked."""
        return lightgbm().Booster(model_str=self._text)

    def of(self, frame: pl.DataFrame) -> Spans:
        """The curves of n rows: ended_at and the features."""
        matrix = numeric_matrix(frame, self.features)
        ended_at = frame["ended_at"]
        count = len(EDGES_HOURS) - 1
        chances = np.empty((frame.height, count))
        for start in range(0, frame.height, _CHUNK):
            part = slice(start, start + _CHUNK)
            rows = np.arange(len(matrix[part]))
            every, spans = np.repeat(rows, count), np.tile(np.arange(count), len(rows))
            inputs = _inputs(matrix[part], _clock(ended_at[part]), every, spans)
            logits = np.asarray(self._booster.predict(inputs, raw_score=True))
            chances[part] = sigmoid(logits + _offsets(self.baseline)[spans]).reshape(-1, count)
        rises = -np.log1p(-np.minimum(chances, 1 - 1e-9))
        start = np.zeros((frame.height, 1))
        return Spans(np.hstack([start, np.cumsum(rises, axis=1)]), self.baseline)

    def survival(self, frame: pl.DataFrame, hours: Sequence[float]) -> np.ndarray:
        """(n x hours) S(t) of n rows; see ``curve.survival``."""
        return survival(self.of(frame), hours)

    def to_files(self) -> dict[str, bytes]:
        """The LightGBM text model, and what it needs beside."""
        fields = {"features": self.features, "baseline": json.loads(self.baseline.to_json())}
        return {
            "trees.txt": self._text.encode(),
            "hazard.json": json.dumps(fields, sort_keys=True).encode(),
        }

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "Hazard":
        """What ``to_files`` wrote."""
        fields = json.loads(files["hazard.json"])
        baseline = Curve.from_json(json.dumps(fields["baseline"]).encode())
        return cls(files["trees.txt"].decode(), fields["features"], baseline)


def fit_hazard(rows: pl.DataFrame) -> Hazard:
    """Fit the trees to sessions as ``sessions.known_at`` gives them.

    Raises:
        FeatureError: if a feature is not numeric.
    """
    sample = sample_people(rows, MAX_SESSIONS)
    features = feature_columns(sample)
    matrix = numeric_matrix(sample, features)
    baseline = kaplan_meier_curve(sample)
    every, spans, outcomes = _at_risk(sample)
    data = lightgbm().Dataset(
        _inputs(matrix, _clock(sample["ended_at"]), every, spans),
        label=outcomes,
        init_score=_offsets(baseline)[spans],
    )
    return Hazard(lightgbm().train(_PARAMS, data, ROUNDS).model_to_string(), features, baseline)


def _at_risk(sample: pl.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One row a session and span it was away at the beginning of: which session, which span, and
    whether it ended in it.

    A span that the log does not reach the end of is left out for those who came back in it, too:
    else returns would be all that is known of it.
    """
    durations, is_returned = durations_on_grid(sample)
    known_for = (sample["ended_at"].max() - sample["ended_at"]).dt.total_microseconds() / 3.6e9
    # the end of what is known, seen from the censored sessions
    ends = known_for.to_numpy() - sample["duration_hours"].cast(pl.Float64).to_numpy()
    followed = known_for.to_numpy() - ends.min()
    edges = np.array(EDGES_HOURS)
    is_there = (durations[:, None] > edges[:-1]) & (followed[:, None] >= edges[1:] - 1e-6)
    every, spans = np.nonzero(is_there)
    return every, spans, (is_returned[every] & (durations[every] <= edges[1:][spans])).astype(float)


def _inputs(
    matrix: np.ndarray, clock: np.ndarray, every: np.ndarray, spans: np.ndarray
) -> np.ndarray:
    """What the trees read: the features, the span, and the hour of the day at its middle."""
    edges = np.array(EDGES_HOURS)
    angle = clock[every] + ((edges[:-1] + edges[1:]) / 2)[spans] * (np.pi / 12)
    return np.column_stack([matrix[every], spans, np.sin(angle), np.cos(angle)])


def _clock(ended_at: pl.Series) -> np.ndarray:
    """(n,) the hour of the day as an angle."""
    of_day = ended_at.dt.hour().cast(pl.Float64) + ended_at.dt.minute().cast(pl.Float64) / 60
    return of_day.to_numpy() * (np.pi / 12)


def _offsets(baseline: Curve) -> np.ndarray:
    """The log-odds to come back in each span, for all alike."""
    rise = np.diff(baseline.cumulative_hazard_at(np.array(EDGES_HOURS)))
    chance = np.clip(-np.expm1(-rise), 1e-9, 1 - 1e-9)
    return np.log(chance) - np.log1p(-chance)
