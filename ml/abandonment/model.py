"""Training a model of abandonment, saving it and predicting with it.

What belongs here: which rows a model is fitted, calibrated and measured on, its card, and the
choice between trees and the fallback. What does not: the two kinds themselves (``trees``,
``idle_rates``) and the metrics (``metrics``).

Two models are fitted. The evaluation model: trees fitted on the train window, stopped and
calibrated on the validation window, measured on the test window, with a gap of one horizon between
the windows; its metrics stand in the card. The model that is put to use: trees of as many rounds
refitted on all rows up to one horizon before the test window, calibrated on the test window, the
newest whose outcomes are known, and its level brought to the newest days of that
(``recalibration``). A model in use can be brought to newer days without learning it again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
import polars as pl

from ml.abandonment.idle_rates import PRIOR_RATE, SHRINKAGE_CARTS, IdleRates
from ml.abandonment.metrics import MIN_CARTS_PER_OUTCOME, measure
from ml.abandonment.recalibration import start_of_newest
from ml.abandonment.snapshots import LABEL, abandoned, cart_count, matured
from ml.abandonment.trees import OnRound, Params, Trees, boost, boost_with_early_stopping
from ml.card import (
    CARD_FILE,
    FALLBACK,
    ModelCard,
    continued,
    library_versions,
    rounded,
    with_model_id,
)
from ml.features import Encoding, feature_columns
from ml.split import HOUR, TimeSplit, Window, cart_weights, time_split

NAME = "abandonment"
WINDOWS = ("train", "validation", "test")

MIN_CARTS = 200
MIN_CARTS_PER_WINDOW = 50
# Parts of the span for test and validation each; the first that holds enough carts is taken.
WINDOW_SHARES = (0.15, 0.2, 0.25, 0.3)
LONGEST_WINDOW = timedelta(days=28)


class Scorer(Protocol):
    """The part of a model that differs between kinds."""

    @property
    def calibrated_parameters(self) -> int:
        """How many of its numbers were fitted on the newest rows."""

    def predict(self, frame: pl.DataFrame, encoding: Encoding) -> np.ndarray:
        """(n,) probabilities of abandoning."""

    def contributions(self, frame: pl.DataFrame, encoding: Encoding) -> np.ndarray:
        """(n x features) log-odds of abandoning."""

    def to_files(self) -> dict[str, bytes]:
        """Everything needed to score again."""


@dataclass(frozen=True)
class AbandonmentModel:
    """A card, the encoding of the features, and what scores them."""

    card: ModelCard
    encoding: Encoding
    scorer: Scorer

    def predict(self, frame: pl.DataFrame) -> np.ndarray:
        """(n,) probabilities in [0, 1] that the cart is not bought within the horizon.

        Raises:
            FeatureError: if a column is missing or of another kind than in training.
        """
        if frame.is_empty():
            return np.zeros(0)
        return self.scorer.predict(frame, self.encoding)

    def contributions(self, frame: pl.DataFrame) -> np.ndarray:
        """(n x ``encoding.features``) log-odds of abandoning; slow, meant for the top rows."""
        return self.scorer.contributions(frame, self.encoding)

    def test_rows(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The labelled rows that the trees never saw, those of the test window, by time and cart;
        of a fallback, all.
        """
        rows = frame.filter(pl.col(LABEL).is_not_null()).sort("as_of", "cart_id")
        if self.card.is_fallback:
            return rows
        edges = (self.card.params[f"test_{edge}"] for edge in ("start", "end"))
        return Window(*map(datetime.fromisoformat, edges)).rows(rows)

    def newest_rows(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The labelled rows of the newest days, which the level of its chances was brought to, by
        time and cart; of a fallback, and of a model of before, those it was tested on."""
        if "newest_start" not in self.card.params:
            return self.test_rows(frame)
        edges = (self.card.params[f"newest_{edge}"] for edge in ("start", "end"))
        rows = frame.filter(pl.col(LABEL).is_not_null()).sort("as_of", "cart_id")
        return Window(*map(datetime.fromisoformat, edges)).rows(rows)

    def recalibrated(self, snapshots: pl.DataFrame, *, as_of: datetime) -> "AbandonmentModel":
        """The same trees, brought to the newest days whose outcomes are known at an hour.

        A fallback, and a model for which no such days came since, is given back as it is.

        Args:
            snapshots: as for ``train``.
            as_of: the hour; nothing whose outcome came later is used.
        """
        if not isinstance(self.scorer, Trees):
            return self
        horizon = timedelta(hours=self.card.params["horizon_hours"])
        rows = matured(snapshots, as_of=as_of, horizon=horizon)
        unseen = datetime.fromisoformat(self.card.params["test_start"])
        rows = rows.filter(pl.col("as_of") >= unseen)
        if rows.is_empty():
            return self
        scorer, newest = _brought_to_newest(self.scorer, rows, self.encoding)
        card = replace(
            self.card,
            params=self.card.params
            | newest
            | {
                "recalibrated_as_of": as_of.isoformat(),
                "learned_as": self.card.params.get("learned_as", self.card.model_id),
            },
        )
        return _with_id(card, self.encoding, scorer)

    def to_files(self) -> dict[str, bytes]:
        """The model as named files; ``from_files`` gives back one that predicts the same bits."""
        return _files(self.encoding, self.scorer) | {CARD_FILE: self.card.to_json()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "AbandonmentModel":
        """The model that ``to_files`` wrote."""
        card = ModelCard.from_json(files[CARD_FILE])
        kind = IdleRates if card.is_fallback else Trees
        return cls(card, Encoding.from_json(files["encoding.json"]), kind.from_files(files))


def train(
    snapshots: pl.DataFrame,
    *,
    as_of: datetime,
    horizon: timedelta,
    params: Params | None = None,
    refused: str = "",
    on_round: OnRound = lambda: None,
) -> AbandonmentModel:
    """Learn from snapshots whose outcome is known; a fallback if they are too few.

    Args:
        snapshots: keys, label and features; see ``ml.features``. Rows without a label are left out.
        as_of: the hour to learn at (UTC, naive); nothing whose outcome came later is used.
        horizon: the time in which the label looks for an order.
        params: settings of the boosting.
        refused: why a learned model may not serve, as a sentence: the fallback is made.
        on_round: called after each round of boosting, at most twice ``params.max_rounds`` times.

    Raises:
        FeatureError: if a feature is neither numeric nor text.
    """
    params = params or Params()
    rows = matured(snapshots, as_of=as_of, horizon=horizon)
    if refused:
        return _train_fallback(rows, as_of, horizon, refused)
    split, shortfall = _choose_split(rows, horizon)
    if split is None:
        return _train_fallback(rows, as_of, horizon, shortfall)
    return _train_trees(rows, split, as_of, horizon, params, on_round)


def _choose_split(rows: pl.DataFrame, horizon: timedelta) -> tuple[TimeSplit | None, str]:
    """The first split whose windows hold enough, or None and in one sentence what is missing."""
    carts = cart_count(rows)
    if carts < MIN_CARTS:
        return None, f"{carts} carts have a known outcome, {MIN_CARTS} are needed."
    if rows[LABEL].n_unique() < 2:
        return None, "All known outcomes are alike, so there is nothing to tell apart."
    if not feature_columns(rows):
        return None, "The snapshots hold no feature columns."
    shortfall = ""
    for share in WINDOW_SHARES:
        split = time_split(
            rows["as_of"].min(),
            rows["as_of"].max(),
            gap=horizon,
            share=share,
            longest=LONGEST_WINDOW,
        )
        shortfall = _shortfall(rows, split, horizon)
        if not shortfall:
            return split, ""
    return None, shortfall


def _shortfall(rows: pl.DataFrame, split: TimeSplit | None, horizon: timedelta) -> str:
    """What a split's windows hold too little of, in one sentence; empty if they hold enough."""
    if split is None:
        span = (rows["as_of"].max() - rows["as_of"].min()) / HOUR
        return (
            f"Known outcomes span {span:.0f} hours, too few for three windows "
            f"and two gaps of {horizon / HOUR:.0f} hours."
        )
    for name in WINDOWS:
        window = getattr(split, name).rows(rows)
        carts = cart_count(window)
        if carts < MIN_CARTS_PER_WINDOW:
            return f"The {name} window holds {carts} carts, {MIN_CARTS_PER_WINDOW} are needed."
        for bought in (True, False):
            count = cart_count(window.filter(pl.col(LABEL) == bought))
            # The validation window only stops the trees and fits two parameters.
            needed = MIN_CARTS_PER_OUTCOME // (3 if name == "validation" else 1)
            if count < needed:
                outcome = "bought" if bought else "abandoned"
                return f"The {name} window holds {count} {outcome} carts, {needed} are needed."
    return ""


def _train_trees(
    rows: pl.DataFrame,
    split: TimeSplit,
    as_of: datetime,
    horizon: timedelta,
    params: Params,
    on_round: OnRound,
) -> AbandonmentModel:
    test_rows = split.test.rows(rows)
    metrics, tables, rounds = _evaluate(rows, split, params, on_round)
    newest_rows = Window(split.train.start, split.test.start - horizon).rows(rows)
    encoding = Encoding.fit(newest_rows)
    trees = boost(newest_rows, encoding, params, rounds, on_round).calibrated(test_rows, encoding)
    trees, newest = _brought_to_newest(trees, test_rows, encoding)
    card = ModelCard(
        name=NAME,
        kind="lightgbm",
        trained_as_of=as_of,
        data_from=rows["as_of"].min(),
        data_to=rows["as_of"].max(),
        row_count=rows.height,
        group_count=cart_count(rows),
        features=encoding.features,
        metrics=metrics,
        tables=tables,
        params=params.of_model
        | {"rounds": rounds, "horizon_hours": horizon / HOUR}
        | {
            f"{name}_{edge}": getattr(getattr(split, name), edge).isoformat()
            for name in WINDOWS
            for edge in ("start", "end")
        }
        | newest,
        versions=_versions(),
        note="Figures are of the test window, from an evaluation model fitted on the train window "
        "alone.",
    )
    return _with_id(card, encoding, trees)


def _brought_to_newest(
    trees: Trees, rows: pl.DataFrame, encoding: Encoding
) -> tuple[Trees, dict[str, object]]:
    """Trees with the level of the newest of some rows they were not fitted on, and which they are,
    as parameters of the card."""
    end = rows["as_of"].max() + timedelta(microseconds=1)
    newest = Window(start_of_newest(rows), end)
    brought = trees.recalibrated(newest.rows(rows), encoding)
    return brought, {
        "newest_start": newest.start.isoformat(),
        "newest_end": newest.end.isoformat(),
        "shifts": list(brought.shifts.shifts),
        "shift_parameters": brought.shifts.parameters,
    }


def _evaluate(
    rows: pl.DataFrame, split: TimeSplit, params: Params, on_round: OnRound
) -> tuple[dict[str, float], dict[str, list[dict[str, float]]], int]:
    """Metrics and tables of the evaluation model on the test window, and its rounds."""
    train_rows = split.train.rows(rows)
    validation_rows = split.validation.rows(rows)
    test_rows = split.test.rows(rows)
    encoding = Encoding.fit(train_rows)
    trees, rounds = boost_with_early_stopping(
        train_rows, validation_rows, encoding, params, on_round
    )
    evaluation_model, _ = _brought_to_newest(
        trees.calibrated(validation_rows, encoding), validation_rows, encoding
    )
    p = evaluation_model.predict(test_rows, encoding)
    return *measure(train_rows, test_rows, p), rounds


def _train_fallback(
    rows: pl.DataFrame, as_of: datetime, horizon: timedelta, shortfall: str
) -> AbandonmentModel:
    rates = IdleRates.fit(rows)
    encoding = Encoding.fit(rows)
    base_rate = (
        float(np.average(abandoned(rows), weights=cart_weights(rows))) if len(rows) else np.nan
    )
    card = ModelCard(
        name=NAME,
        kind=FALLBACK,
        trained_as_of=as_of,
        data_from=rows["as_of"].min(),
        data_to=rows["as_of"].max(),
        row_count=rows.height,
        group_count=cart_count(rows),
        features=encoding.features,
        metrics=rounded({"base_rate": base_rate}),
        params={
            "horizon_hours": horizon / HOUR,
            "prior_rate": PRIOR_RATE,
            "shrinkage_carts": SHRINKAGE_CARTS,
        },
        versions=_versions(),
        note=f"Rates by idle time instead of a learned model: {continued(shortfall)}",
    )
    return _with_id(card, encoding, rates)


def _files(encoding: Encoding, scorer: Scorer) -> dict[str, bytes]:
    return scorer.to_files() | {"encoding.json": encoding.to_json()}


def _with_id(card: ModelCard, encoding: Encoding, scorer: Scorer) -> AbandonmentModel:
    return AbandonmentModel(with_model_id(card, _files(encoding, scorer)), encoding, scorer)


def _versions() -> dict[str, str]:
    return library_versions("lightgbm", "numpy", "polars", "scikit-learn")
