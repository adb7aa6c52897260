"""A sum of standardised features times coefficients, fitted with scikit-learn.

What belongs here: fitting and reading it. What does not: what it predicts (``intent``, ``value``).

scikit-learn is imported where it fits: it is slow to import, and most hours learn nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ml.people.features import matrix
from ml.people.files import as_floats

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression, PoissonRegressor

# So that coefficients of features that say the same stay finite and small.
RIDGE = 1e-4


@dataclass(frozen=True)
class Linear:
    """Features that differ, how they are standardised, coefficients and the intercept."""

    features: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> "Linear":
        """The sum whose fields JSON kept, in which tuples are lists."""
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})

    def __call__(self, frame: pl.DataFrame) -> np.ndarray:
        """(n,) the sums of n rows."""
        values = matrix(frame, self.features)
        standard = (values - np.array(self.means)) / np.array(self.scales)
        # by column: the same row has the same sum whoever stands beside it
        total = np.full(frame.height, self.intercept)
        for column, coefficient in zip(standard.T, self.coefficients, strict=True):
            total += column * coefficient
        return total


def fit_logistic(rows: pl.DataFrame, outcomes: np.ndarray, names: tuple[str, ...]) -> Linear:
    """The log-odds of (n,) outcomes 0 or 1, both of which occur."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1 / (RIDGE * rows.height), solver="newton-cholesky")
    return _fit(model, rows, outcomes, names)


def fit_poisson(rows: pl.DataFrame, amounts: np.ndarray, names: tuple[str, ...]) -> Linear:
    """The logarithm of the mean of (n,) amounts, not all of which are 0."""
    from sklearn.linear_model import PoissonRegressor

    mean = amounts.mean()
    model = PoissonRegressor(alpha=RIDGE, solver="newton-cholesky")
    fitted = _fit(model, rows, amounts / mean, names)
    return Linear(
        fitted.features,
        fitted.means,
        fitted.scales,
        fitted.coefficients,
        fitted.intercept + float(np.log(mean)),
    )


def _fit(
    model: "LogisticRegression | PoissonRegressor",
    rows: pl.DataFrame,
    targets: np.ndarray,
    names: tuple[str, ...],
) -> Linear:
    values = matrix(rows, names)
    scales = values.std(axis=0)
    kept = np.flatnonzero(scales > 1e-9)
    values, scales = values[:, kept], scales[kept]
    means = values.mean(axis=0)
    model.fit((values - means) / scales, targets)
    return Linear(
        tuple(names[i] for i in kept),
        as_floats(means),
        as_floats(scales),
        as_floats(np.ravel(model.coef_)),
        float(np.ravel(model.intercept_)[0]),
    )
