"""What a person will spend: Poisson regression, or what the last year says.

What belongs here: learning, judging and predicting it, and how many days the history allows. What
does not: the tiers (``shares``).

The plain answer is last year's revenue of the person, times what people spend afterwards for each
unit of it. Both are drawn to the level of the newest instants: a shop that grows has ever more
people who are gone. What is learned is used where, on later instants, it orders people better and
its top fifth spends at least as much. Better is a gain curve that encloses more; a rank correlation
would favour the plain answer, which leaves most people in one tie.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime

import numpy as np
import polars as pl

from ml import evaluation
from ml.card import (
    CARD_FILE,
    FALLBACK,
    ModelCard,
    continued,
    library_versions,
    rounded,
    with_model_id,
)
from ml.people.features import OF_VALUE
from ml.people.files import as_json
from ml.people.linear import Linear, fit_poisson
from ml.people.windows import Windows, newest, windows

NAME = "value"
MODEL_FILE = "value.json"
YEAR_DAYS = 365
TOP_SHARE = 0.2
# The level of all instants counts as so many buyers in that of the newest.
LEVEL_BUYERS = 150.0
_LABEL = "value_next_"


@dataclass(frozen=True)
class LastYear:
    """The plain answer: last year's revenue times a factor."""

    factor: float = 1.0

    @classmethod
    def fit(cls, rows: pl.DataFrame, days: int) -> "LastYear":
        """The factor at which both sums are the same; 1 where nothing was ordered before."""
        return cls(_level(cls(), rows, days))

    def __call__(self, frame: pl.DataFrame) -> np.ndarray:
        """(n,) amounts."""
        return self.factor * frame["order_value_365d"].cast(pl.Float64).to_numpy()


@dataclass(frozen=True)
class Spending:
    """What is learned: the logarithm of the mean amount, and the level of the newest instants."""

    linear: Linear
    most: float
    level: float = 1.0

    @classmethod
    def fit(cls, rows: pl.DataFrame, days: int) -> "Spending":
        """Learned from rows, at least one of which has an amount. No more than anybody spent."""
        amounts = _amounts(rows, days)
        fitted = cls(fit_poisson(rows, amounts, OF_VALUE), float(amounts.max()))
        return replace(fitted, level=_level(fitted, rows, days))

    def __call__(self, frame: pl.DataFrame) -> np.ndarray:
        """(n,) amounts."""
        expected = self.level * np.exp(np.minimum(self.linear(frame), 50.0))
        return np.minimum(expected, self.most)


@dataclass(frozen=True)
class ValueModel:
    """A card, and what scores: learned or plain."""

    card: ModelCard
    scorer: Spending | LastYear

    def predict(self, frame: pl.DataFrame) -> np.ndarray:
        """(n,) expected revenue of the days that the card says."""
        return self.scorer(frame)

    def to_files(self) -> dict[str, bytes]:
        """The model as named files; ``from_files`` gives back one that predicts the same bits."""
        return {MODEL_FILE: as_json(asdict(self.scorer)), CARD_FILE: self.card.to_json()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "ValueModel":
        """The model that ``to_files`` wrote."""
        fields = json.loads(files[MODEL_FILE])
        card = ModelCard.from_json(files[CARD_FILE])
        if "linear" not in fields:
            return cls(card, LastYear(**fields))
        linear = Linear.from_fields(fields.pop("linear"))
        return cls(card, Spending(linear, **fields))


def train(frame: pl.DataFrame, *, as_of: datetime) -> ValueModel:
    """Learn from people at past instants, over as many days as the history allows, 365 at most.

    Args:
        frame: person_id, as_of, the features, days_observed, and value_next_<n>d for some n.
        as_of: the hour that it is learned at.
    """
    horizons = _horizons(frame)
    shortfall = ""
    for days in horizons:
        cut = windows(frame, days)
        if not (shortfall := cut.shortfall(pl.col(_label(days)) > 0)):
            return _train(cut, as_of, days)
    days = _longest_known(frame, horizons)
    cut = windows(frame, days)
    plain = LastYear.fit(cut.known, days)
    note = (
        f"{_days(days, cut.known.is_empty())} Last year's revenue instead of a learned model:"
        f" {continued(shortfall)}"
    )
    return _model(cut, plain, as_of, days, {}, {}, note)


def _train(cut: Windows, as_of: datetime, days: int) -> ValueModel:
    metrics, tables = _judge(cut, days)
    is_better = (
        metrics["gain_area"] > metrics["gain_area_last_year"]
        and metrics["top_fifth"] >= metrics["top_fifth_last_year"]
    )
    if not is_better:
        note = (
            f"{_days(days)} Last year's revenue instead of a learned model, which was no better on"
            " the newest instants: the figures are of the learned one."
        )
        plain = LastYear.fit(cut.known, days)
        return _model(cut, plain, as_of, days, metrics, tables, note)
    learned = Spending.fit(cut.known, days)
    coefficients = zip(learned.linear.features, learned.linear.coefficients, strict=True)
    metrics |= rounded({f"coefficient_{name}": value for name, value in coefficients})
    note = (
        f"{_days(days)} Figures are of the newest instants, by a model that was learned on older"
        " ones alone; coefficients are of standardised logarithms."
    )
    return _model(cut, learned, as_of, days, metrics, tables, note)


def _judge(cut: Windows, days: int) -> tuple[dict[str, float], dict[str, list[dict[str, float]]]]:
    rows, amounts = cut.test, _amounts(cut.test, days)
    ones = np.ones(len(amounts))
    predicted = Spending.fit(cut.train, days)(rows)
    plain = LastYear.fit(cut.train, days)(rows)
    gain = evaluation.lift_table(amounts, predicted, ones, evaluation.SHARES)
    beside = evaluation.lift_table(amounts, plain, ones, evaluation.SHARES)
    fifth = evaluation.SHARES.index(TOP_SHARE)
    metrics = {
        "rank_correlation": rank_correlation(predicted, amounts),
        "rank_correlation_last_year": rank_correlation(plain, amounts),
        "gain_area": gain["captured"].mean(),
        "gain_area_last_year": beside["captured"].mean(),
        "top_fifth": gain["captured"][fifth],
        "top_fifth_last_year": beside["captured"][fifth],
        "predicted_over_observed": predicted.sum() / amounts.sum(),
        "predicted_over_observed_last_year": plain.sum() / amounts.sum(),
        "horizon_days": days,
        "test_rows": rows.height,
        "test_people": rows["person_id"].n_unique(),
    }
    table = gain.with_columns(captured_plain=beside["captured"])
    return rounded(metrics), {"gain": [rounded(row) for row in table.to_dicts()]}


def _level(scorer: "Spending | LastYear", rows: pl.DataFrame, days: int) -> float:
    """What the newest rows spent for each unit that is expected of them, drawn by few buyers to
    what all rows spent for it."""
    level = of_all = _spent_for_each(scorer, rows, days) or 1.0
    last = newest(rows)
    if spent_now := _spent_for_each(scorer, last, days):
        buyers = last.filter(pl.col(_label(days)) > 0)["person_id"].n_unique()
        level = (buyers * spent_now + LEVEL_BUYERS * of_all) / (buyers + LEVEL_BUYERS)
    return level


def _spent_for_each(scorer: "Spending | LastYear", rows: pl.DataFrame, days: int) -> float | None:
    if rows.is_empty() or not (expected := scorer(rows).sum()) > 0:
        return None
    return float(_amounts(rows, days).sum() / expected)


def rank_correlation(predicted: np.ndarray, amounts: np.ndarray) -> float:
    """Spearman's; 0 where one side is all alike."""
    ranks = [pl.Series(each).rank("average").to_numpy() for each in (predicted, amounts)]
    if min(each.std() for each in ranks) == 0:
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])


def _horizons(frame: pl.DataFrame) -> list[int]:
    """The days that there are outcomes of, the most first."""
    names = [name for name in frame.columns if name.startswith(_LABEL)]
    return sorted((int(name[len(_LABEL) : -1]) for name in names), reverse=True)


def _longest_known(frame: pl.DataFrame, horizons: list[int]) -> int:
    """The most days of which any outcome is known; a year where there is none."""
    known = (days for days in horizons if frame[_label(days)].count())
    return next(known, YEAR_DAYS)


def _label(days: int) -> str:
    return f"{_LABEL}{days}d"


def _amounts(rows: pl.DataFrame, days: int) -> np.ndarray:
    if rows.is_empty():
        return np.zeros(0)
    return rows[_label(days)].fill_null(0).cast(pl.Float64).to_numpy()


def _days(days: int, is_unknown: bool = False) -> str:
    if is_unknown:
        return "What was ordered in the last 365 days: no outcome is known yet."
    if days == YEAR_DAYS:
        return "Expected revenue of the next 365 days."
    return f"Expected revenue of the next {days} days: the history allows no more."


def _model(
    cut: Windows,
    scorer: Spending | LastYear,
    as_of: datetime,
    days: int,
    metrics: dict[str, float],
    tables: dict[str, list[dict[str, float]]],
    note: str,
) -> ValueModel:
    is_learned = isinstance(scorer, Spending)
    card = ModelCard(
        name=NAME,
        kind="poisson" if is_learned else FALLBACK,
        trained_as_of=as_of,
        data_from=cut.known["as_of"].min(),
        data_to=cut.known["as_of"].max(),
        row_count=cut.known.height,
        group_count=cut.known["person_id"].n_unique(),
        features=scorer.linear.features if is_learned else ("order_value_365d",),
        metrics={"horizon_days": float(days), **metrics},
        tables=tables,
        params={"horizon_days": days},
        versions=library_versions("numpy", "polars", "scikit-learn"),
        note=note,
    )
    return ValueModel(with_model_id(card, {MODEL_FILE: as_json(asdict(scorer))}), scorer)
