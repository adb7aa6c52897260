"""The survival curve that scores are read from: coefficients and a baseline on a grid.

What belongs here: the curve as numbers, reading it at any time, and its JSON. What does not:
fitting it (``fit``); reading needs neither lifelines nor pandas.

The curve is flat beyond the last time seen: most who have not come back by then never do, and a
parametric tail that goes on falling would predict that they do.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

import numpy as np
import polars as pl

from ml.features import numeric_matrix


class Rows(Protocol):
    """The survival curves of n rows, whatever they come from."""

    def cumulative_hazard(self, hours: np.ndarray) -> np.ndarray:
        """The cumulative hazard of each row at times, (n,) or (n x m), or (1 x m) of all."""

    def hours_at(self, hazard: np.ndarray) -> np.ndarray:
        """(n,) the first time at which each row's cumulative hazard reaches a value."""


def survival(rows: Rows, hours: Sequence[float]) -> np.ndarray:
    """(n x hours) S(t), the probabilities of still being away, from the session's end."""
    return np.exp(-rows.cumulative_hazard(np.asarray(hours, dtype=np.float64)[None, :]))


@dataclass(frozen=True)
class Curve:
    """S(t) = P(still away t hours after the session's end) = exp(-H(t) x exp(score)).

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
        logged: the features that enter as log(1 + x), before all else.
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
    logged: tuple[str, ...] = ()

    def standardised(self, frame: pl.DataFrame) -> np.ndarray:
        """(n x features) what the coefficients apply to."""
        matrix = with_logarithms(numeric_matrix(frame, self.features), self.features, self.logged)
        matrix = np.where(np.isfinite(matrix), matrix, np.array(self.medians))
        # in place: of a million carts every copy is a third of a gigabyte
        np.clip(matrix, np.array(self.lower), np.array(self.upper), out=matrix)
        matrix -= np.array(self.means)
        matrix /= np.array(self.scales)
        return matrix

    def relative_hazard(self, frame: pl.DataFrame) -> np.ndarray:
        """(n,) exp(score), the hazard of each row as a multiple of the baseline's."""
        return np.exp(self.standardised(frame) @ np.array(self.coefficients) + self.offset)

    def cumulative_hazard_at(self, hours: np.ndarray) -> np.ndarray:
        """The baseline's cumulative hazard at the given times, of any shape."""
        return np.interp(hours, self.hours, self.cumulative_hazard)

    def hours_at(self, hazard: np.ndarray) -> np.ndarray:
        """(n,) the first time at which the baseline's cumulative hazard reaches each value."""
        steps, hours = np.array(self.cumulative_hazard), np.array(self.hours)
        right = np.clip(np.searchsorted(steps, hazard, side="left"), 1, len(steps) - 1)
        rise = steps[right] - steps[right - 1]
        part = np.divide(hazard - steps[right - 1], rise, out=np.zeros_like(rise), where=rise > 0)
        return hours[right - 1] + np.clip(part, 0.0, 1.0) * (hours[right] - hours[right - 1])

    def of(self, frame: pl.DataFrame) -> "Proportional":
        """The curves of n rows."""
        return Proportional(self, self.relative_hazard(frame))

    def survival(self, frame: pl.DataFrame, hours: Sequence[float]) -> np.ndarray:
        """(n x hours) S(t) of n rows; see ``survival``."""
        return survival(self.of(frame), hours)

    def to_files(self) -> dict[str, bytes]:
        """The curve as the one file of a model."""
        return {"curve.json": self.to_json()}

    def to_json(self) -> bytes:
        """The curve as JSON with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True, allow_nan=False).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "Curve":
        """The curve that ``to_json`` wrote."""
        fields = json.loads(text)
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})


@dataclass(frozen=True)
class Proportional:
    """The survival curves of n rows, each with its multiple of one baseline's hazard."""

    curve: Curve
    relative_hazard: np.ndarray

    def cumulative_hazard(self, hours: np.ndarray) -> np.ndarray:
        """The cumulative hazard of each row at times, (n,) or (n x m), or (1 x m) of all."""
        baseline = self.curve.cumulative_hazard_at(hours)
        return self.relative_hazard.reshape(-1, *[1] * (baseline.ndim - 1)) * baseline

    def hours_at(self, hazard: np.ndarray) -> np.ndarray:
        """(n,) the first time at which each row's cumulative hazard reaches a value."""
        return self.curve.hours_at(hazard / self.relative_hazard)


def with_logarithms(
    matrix: np.ndarray, features: Sequence[str], logged: Collection[str]
) -> np.ndarray:
    """The (n x features) matrix with log(1 + x) in the place of those that enter logged."""
    if not logged:
        return matrix
    matrix = matrix.copy()
    for position, name in enumerate(features):
        if name in logged:
            matrix[:, position] = np.log1p(np.maximum(matrix[:, position], 0.0))
    return matrix
