"""The survival curve that scores are read from: coefficients and a baseline on a grid.

What belongs here: the curve as numbers, reading it at any time, and its JSON. What does not:
fitting it (``fit``); reading needs neither lifelines nor pandas.

The curve is flat beyond the last time seen: most who have not come back by then never do, and a
parametric tail that goes on falling would predict that they do.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl

from ml.features import numeric_matrix


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

    def survival(self, frame: pl.DataFrame, hours: Sequence[float]) -> np.ndarray:
        """(n x hours) S(t), the probabilities of still being away, from the session's end."""
        hazard = self.cumulative_hazard_at(np.asarray(hours, dtype=np.float64))
        return np.exp(-np.outer(self.relative_hazard(frame), hazard))

    def to_json(self) -> bytes:
        """The curve as JSON with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True, allow_nan=False).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "Curve":
        """The curve that ``to_json`` wrote."""
        fields = json.loads(text)
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})
