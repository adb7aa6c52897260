"""The share of carts abandoned, by hours idle: the fallback, and where trees begin.

What belongs here: fitting and reading the table of rates. What does not: when the fallback is used
instead of trees (``model``), and what trees make of it (``trees``).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl

from ml.abandonment.snapshots import abandoned, idle_hours
from ml.features import Encoding
from ml.split import cart_weights

# Without a single row: of the sessions with an add-to-cart in the SIGIR eCom 2021 data challenge
# about one in five ended in a purchase.
PRIOR_RATE = 0.8
RATES_FILE = "rates.json"
# How many carts the overall rate counts for in the rate of a bucket.
SHRINKAGE_CARTS = 20.0
IDLE_EDGES_HOURS = (0.5, 1.0, 4.0, 8.0, 24.0, 48.0, 72.0, 96.0, 120.0, 144.0, 168.0)


@dataclass(frozen=True)
class IdleRates:
    """The share abandoned by hours idle: one bucket, and so one rate, more than edges."""

    edges_hours: tuple[float, ...]
    rates: tuple[float, ...]

    @classmethod
    def fit(cls, frame: pl.DataFrame) -> "IdleRates":
        """Rates of labelled rows, weighted by ``cart_weights``, shrunk towards the overall rate."""
        outcomes, weights = abandoned(frame), cart_weights(frame)
        overall = (weights @ outcomes + PRIOR_RATE) / (weights.sum() + 1)
        bucket = np.searchsorted(IDLE_EDGES_HOURS, idle_hours(frame), side="right")
        size = len(IDLE_EDGES_HOURS) + 1
        total = np.bincount(bucket, weights=weights, minlength=size)
        positive = np.bincount(bucket, weights=weights * outcomes, minlength=size)
        rates = (positive + SHRINKAGE_CARTS * overall) / (total + SHRINKAGE_CARTS)
        return cls(IDLE_EDGES_HOURS, tuple(float(rate) for rate in rates))

    @property
    def calibrated_parameters(self) -> int:
        """All of its rates."""
        return len(self.rates)

    def predict(self, frame: pl.DataFrame, encoding: Encoding) -> np.ndarray:  # noqa: ARG002
        """(n,) the rate of each row's bucket."""
        bucket = np.searchsorted(self.edges_hours, idle_hours(frame), side="right")
        return np.array(self.rates)[bucket]

    def log_odds(self, frame: pl.DataFrame) -> np.ndarray:
        """(n,) the log-odds of the rate at each row's age, on a line between the ages that were
        learned from, by the logarithm of hours; flat beyond the last."""
        ages = np.log1p(np.array([0.0, *self.edges_hours]))
        return np.interp(np.log1p(idle_hours(frame)), ages, self._log_odds_by_age)

    @property
    def mean_log_odds(self) -> float:
        """The mean over the ages that were learned from, each of which counts once."""
        return float(self._log_odds_by_age.mean())

    @property
    def _log_odds_by_age(self) -> np.ndarray:
        rates = np.clip(self.rates, 1e-6, 1 - 1e-6)
        return np.log(rates) - np.log1p(-rates)

    def contributions(self, frame: pl.DataFrame, encoding: Encoding) -> np.ndarray:
        """(n x features) zeros: the rates use no feature."""
        return np.zeros((frame.height, len(encoding.features)))

    def to_files(self) -> dict[str, bytes]:
        """The table of rates."""
        return {RATES_FILE: json.dumps(asdict(self), sort_keys=True).encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "IdleRates":
        """The scorer that ``to_files`` wrote."""
        fields = json.loads(files[RATES_FILE])
        return cls(tuple(fields["edges_hours"]), tuple(fields["rates"]))
