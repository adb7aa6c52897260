"""Whether a person buys within a week: logistic regression, or the rate of people alike.

What belongs here: learning, judging and predicting it. What does not: the levels (``shares``).

The plain answer is the share of buyers among people who were last seen as long ago and ordered as
often. What is learned is used where, on later instants, it ranks better and loses less.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

import numpy as np
import polars as pl

from ml import evaluation
from ml.calibration import Bend, Platt
from ml.card import (
    CARD_FILE,
    FALLBACK,
    ModelCard,
    continued,
    library_versions,
    rounded,
    with_model_id,
)
from ml.people.features import LONG_AGO_DAYS, OF_INTENT
from ml.people.files import as_json
from ml.people.linear import Linear, fit_logistic
from ml.people.shares import LEVELS, Shares
from ml.people.windows import Windows, bought_within, newest, windows

NAME = "intent"
HORIZON_DAYS = 7
MODEL_FILE = "intent.json"
RECENCY_EDGES_DAYS = (1.0, 7.0, 30.0, 90.0)
FREQUENCY_EDGES = (1.0, 2.0)
# How many rows the rate of all counts for in the rate of a cell.
SHRINKAGE_ROWS = 50.0


@dataclass(frozen=True)
class Rates:
    """The plain answer: the share of buyers by recency and frequency; empty at first."""

    rates: tuple[float, ...] = ()

    @classmethod
    def fit(cls, rows: pl.DataFrame, outcomes: np.ndarray) -> "Rates":
        """The rates of rows, few of a cell drawn to the rate of all."""
        if rows.is_empty():
            return cls()
        size = (len(RECENCY_EDGES_DAYS) + 1) * (len(FREQUENCY_EDGES) + 1)
        cells, overall = _cells(rows), outcomes.mean()
        count = np.bincount(cells, minlength=size)
        bought = np.bincount(cells, weights=outcomes, minlength=size)
        rates = (bought + SHRINKAGE_ROWS * overall) / (count + SHRINKAGE_ROWS)
        return cls(tuple(float(rate) for rate in rates))

    def __call__(self, frame: pl.DataFrame) -> np.ndarray:
        """(n,) the rate of each row's cell; NaN while nothing is known."""
        if not self.rates:
            return np.full(frame.height, np.nan)
        return np.array(self.rates)[_cells(frame)]


@dataclass(frozen=True)
class Calibrated:
    """What is learned: log-odds, and the level that the newest instants have.

    Log-odds of logarithms fall too slowly for the long absent, who are most people: without the
    bend the low level would expect seven times the buyers there are.
    """

    linear: Linear
    platt: Platt
    bend: Bend

    @classmethod
    def fit(cls, rows: pl.DataFrame) -> "Calibrated":
        """Learned from rows whose outcome is known."""
        outcomes = bought_within(rows, HORIZON_DAYS)
        linear = fit_logistic(rows, outcomes, OF_INTENT)
        bend = Bend.fit(linear(rows), outcomes, np.ones(len(outcomes)))
        last = newest(rows)
        bought = bought_within(last, HORIZON_DAYS)
        return cls(linear, Platt.fit(bend(linear(last)), bought, np.ones(len(bought))), bend)

    def __call__(self, frame: pl.DataFrame) -> np.ndarray:
        """(n,) probabilities."""
        return self.platt(self.bend(self.linear(frame)))


@dataclass(frozen=True)
class IntentModel:
    """A card, and what scores: learned or plain."""

    card: ModelCard
    scorer: Calibrated | Rates

    def predict(self, frame: pl.DataFrame) -> np.ndarray:
        """(n,) probability of an order within a week; NaN while nothing is known."""
        return self.scorer(frame)

    def to_files(self) -> dict[str, bytes]:
        """The model as named files; ``from_files`` gives back one that predicts the same bits."""
        return {MODEL_FILE: as_json(asdict(self.scorer)), CARD_FILE: self.card.to_json()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "IntentModel":
        """The model that ``to_files`` wrote."""
        fields = json.loads(files[MODEL_FILE])
        card = ModelCard.from_json(files[CARD_FILE])
        if "linear" not in fields:
            return cls(card, Rates(tuple(fields["rates"])))
        linear, platt = Linear.from_fields(fields["linear"]), Platt(**fields["platt"])
        # a model of an older version has none
        return cls(card, Calibrated(linear, platt, Bend(**fields.get("bend", {}))))


def train(frame: pl.DataFrame, *, as_of: datetime, shares: Shares) -> IntentModel:
    """Learn from people at past instants.

    Args:
        frame: person_id, as_of, the features, days_observed, days_to_order.
        as_of: the hour that it is learned at.
        shares: the cuts of the levels that the card shows.
    """
    cut = windows(frame, HORIZON_DAYS)
    plain = Rates.fit(cut.known, bought_within(cut.known, HORIZON_DAYS))
    if shortfall := cut.shortfall(pl.col("days_to_order") <= HORIZON_DAYS):
        note = f"Rates by recency and frequency instead of a learned model: {continued(shortfall)}"
        if not plain.rates:
            note += " Null until the log has gone on for a week."
        return _model(cut, plain, as_of, {}, {}, note)
    metrics, tables = _judge(cut, shares)
    is_better = (
        metrics["log_loss"] < metrics["log_loss_recency_frequency"]
        and metrics["auc"] > metrics["auc_recency_frequency"]
    )
    if not is_better:
        note = (
            "Rates by recency and frequency instead of a learned model, which was no better on the"
            " newest instants: the figures are of the learned one."
        )
        return _model(cut, plain, as_of, metrics, tables, note)
    learned = Calibrated.fit(cut.known)
    coefficients = zip(learned.linear.features, learned.linear.coefficients, strict=True)
    metrics |= rounded({f"coefficient_{name}": value for name, value in coefficients})
    note = (
        "Figures are of the newest instants, by a model that was learned on older ones alone;"
        " coefficients are of standardised logarithms."
    )
    return _model(cut, learned, as_of, metrics, tables, note)


def _judge(
    cut: Windows, shares: Shares
) -> tuple[dict[str, float], dict[str, list[dict[str, float]]]]:
    rows = cut.test
    outcomes, ones = bought_within(rows, HORIZON_DAYS), np.ones(rows.height)
    p = Calibrated.fit(cut.train)(rows)
    plain = Rates.fit(cut.train, bought_within(cut.train, HORIZON_DAYS))(rows)
    calibration = evaluation.calibration_table(outcomes, p, ones)
    lift = evaluation.lift_table(outcomes, p, ones, evaluation.SHARES)
    beside = evaluation.lift_table(outcomes, plain, ones, evaluation.SHARES)
    metrics = {
        "auc": evaluation.auc(outcomes, p, ones),
        "auc_recency_frequency": evaluation.auc(outcomes, plain, ones),
        "log_loss": evaluation.log_loss(outcomes, p, ones),
        "log_loss_recency_frequency": evaluation.log_loss(outcomes, plain, ones),
        "brier": evaluation.brier(outcomes, p, ones),
        "ece": evaluation.expected_calibration_error(calibration),
        "base_rate": outcomes.mean(),
        "predicted_over_observed": p.mean() / outcomes.mean(),
        "lift_at_10": lift["lift"][1],
        "test_rows": rows.height,
        "test_people": rows["person_id"].n_unique(),
    }
    levels = shares.levels(pl.Series(p))
    for level in LEVELS:
        is_of = (levels == level).to_numpy()
        if is_of.any():
            metrics[f"predicted_{level}"] = p[is_of].mean()
            metrics[f"observed_{level}"] = outcomes[is_of].mean()
    gain = lift.with_columns(captured_plain=beside["captured"])
    return rounded(metrics), {
        "calibration": [rounded(row) for row in calibration.to_dicts()],
        "gain": [rounded(row) for row in gain.to_dicts()],
    }


def _model(
    cut: Windows,
    scorer: Calibrated | Rates,
    as_of: datetime,
    metrics: dict[str, float],
    tables: dict[str, list[dict[str, float]]],
    note: str,
) -> IntentModel:
    is_learned = isinstance(scorer, Calibrated)
    card = ModelCard(
        name=NAME,
        kind="logistic" if is_learned else FALLBACK,
        trained_as_of=as_of,
        data_from=cut.known["as_of"].min(),
        data_to=cut.known["as_of"].max(),
        row_count=cut.known.height,
        group_count=cut.known["person_id"].n_unique(),
        features=scorer.linear.features if is_learned else ("days_since_seen", "order_count"),
        metrics=metrics,
        tables=tables,
        params={"horizon_days": HORIZON_DAYS, "shrinkage_rows": SHRINKAGE_ROWS},
        versions=library_versions("numpy", "polars", "scikit-learn"),
        note=note,
    )
    return IntentModel(with_model_id(card, {MODEL_FILE: as_json(asdict(scorer))}), scorer)


def _cells(frame: pl.DataFrame) -> np.ndarray:
    recency = frame["days_since_seen"].fill_null(LONG_AGO_DAYS).to_numpy()
    frequency = frame["order_count"].to_numpy()
    row = np.searchsorted(RECENCY_EDGES_DAYS, recency, side="left")
    column = np.searchsorted(FREQUENCY_EDGES, frequency, side="right")
    return row * (len(FREQUENCY_EDGES) + 1) + column
