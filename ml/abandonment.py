"""The probability that an open cart is not bought within the horizon.

What belongs here: learning it from snapshots, predicting it, and the plain stand-in for when there
is too little to learn from. What does not: computing snapshots (SQL) or acting on scores
(``decision``).

Gradient-boosted trees (LightGBM) on the log loss, without class weights or resampling, which would
spoil the probabilities. No monotone constraints: that a longer silence means less chance is true of
the whole but not hour by hour, people come back at the same time of day.

Judged: trees fitted on the train window, stopped and calibrated on the validation window, measured
on the test window, with a gap of one horizon between the windows. Put to use: trees of as many
rounds refitted on all rows up to one horizon before the test window, calibrated on the test window,
the newest whose outcomes are known. The figures in the card are those of the judged twin.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Protocol

import lightgbm
import numpy as np
import polars as pl
import sklearn

from ml import evaluation
from ml.calibration import Platt
from ml.card import CARD_FILE, FALLBACK, ModelCard, named, rounded
from ml.features import Encoding, feature_columns
from ml.split import HOUR, TimeSplit, Window, cart_weights, time_split

NAME = "abandonment"
LABEL = "converts_within_horizon"

MIN_CARTS = 200
MIN_CARTS_PER_OUTCOME = 30
MIN_CARTS_PER_WINDOW = 50
# Parts of the span for test and validation each; the first that holds enough carts is taken.
WINDOW_SHARES = (0.15, 0.2, 0.25, 0.3)
LONGEST_WINDOW = timedelta(days=28)

# Without a single row: of the sessions with an add-to-cart in the SIGIR eCom 2021 data challenge
# about one in five ended in a purchase.
PRIOR_RATE = 0.8
# How many carts the common rate counts for in the rate of a bucket.
SHRINKAGE_CARTS = 20.0
IDLE_EDGES_HOURS = (0.5, 1.0, 4.0, 8.0, 24.0, 48.0, 72.0)
AGES_HOURS = (0, 0.5, 1, 4, 8, 24, 48, 72)


@dataclass(frozen=True)
class Params:
    """Settings of the boosting; names and meanings are LightGBM's.

    One thread: the trees are the same with two, but beside other work on the machine LightGBM's
    threads wait for each other (measured, both cores busy: 1.3 s with one, 16 to 24 s with two).
    """

    learning_rate: float = 0.05
    num_leaves: int = 31
    min_data_in_leaf: int = 50
    feature_fraction: float = 0.8
    bagging_fraction: float = 0.8
    bagging_freq: int = 1
    lambda_l2: float = 5.0
    max_rounds: int = 500
    early_stopping_rounds: int = 30
    seed: int = 7
    num_threads: int = 1

    def for_lightgbm(self) -> dict[str, object]:
        """The dictionary that LightGBM takes; its last two entries make results repeatable."""
        settings = asdict(self)
        del settings["max_rounds"], settings["early_stopping_rounds"]
        return settings | {
            "objective": "binary",
            "metric": "binary_logloss",
            "verbosity": -1,
            "deterministic": True,
            "force_row_wise": True,
        }


Ranker = Callable[[pl.DataFrame], np.ndarray]


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


class Trees:
    """Boosted trees and the calibrator of their log-odds."""

    def __init__(self, text: str, platt: Platt) -> None:
        """Take a LightGBM text model; a saved model and a fresh one are thus read the same way."""
        self._text = text
        self._booster = lightgbm.Booster(model_str=text)
        self.platt = platt

    @property
    def calibrated_parameters(self) -> int:
        """Slope and intercept."""
        return 2

    def logits(self, matrix: np.ndarray) -> np.ndarray:
        """(n,) log-odds before calibration."""
        return np.asarray(self._booster.predict(matrix, raw_score=True), dtype=np.float64)

    def predict(self, frame: pl.DataFrame, encoding: Encoding) -> np.ndarray:
        """(n,) calibrated probabilities of abandoning."""
        return self.platt(self.logits(encoding.matrix(frame)))

    def contributions(self, frame: pl.DataFrame, encoding: Encoding) -> np.ndarray:
        """(n x features) shares in the log-odds before calibration (TreeSHAP), bias left out."""
        if frame.is_empty():
            return np.zeros((0, len(encoding.features)))
        shares = self._booster.predict(encoding.matrix(frame), pred_contrib=True)
        return np.asarray(shares)[:, :-1]

    def to_files(self) -> dict[str, bytes]:
        """The LightGBM text model and the calibrator."""
        calibration = json.dumps(asdict(self.platt), sort_keys=True).encode()
        return {"trees.txt": self._text.encode(), "calibration.json": calibration}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "Trees":
        """The scorer that ``to_files`` wrote."""
        platt = Platt(**json.loads(files["calibration.json"]))
        return cls(files["trees.txt"].decode(), platt)


@dataclass(frozen=True)
class IdleRates:
    """The share abandoned by how long a cart has been idle; one rate more than edges."""

    edges_hours: tuple[float, ...]
    rates: tuple[float, ...]

    @classmethod
    def learn(cls, frame: pl.DataFrame) -> "IdleRates":
        """Rates of labelled rows, one cart one vote, each drawn towards the common rate."""
        target, weights = _target(frame), cart_weights(frame)
        common = (weights @ target + PRIOR_RATE) / (weights.sum() + 1)
        bucket = np.searchsorted(IDLE_EDGES_HOURS, idle_hours(frame), side="right")
        size = len(IDLE_EDGES_HOURS) + 1
        carts = np.bincount(bucket, weights=weights, minlength=size)
        abandoned = np.bincount(bucket, weights=weights * target, minlength=size)
        rates = (abandoned + SHRINKAGE_CARTS * common) / (carts + SHRINKAGE_CARTS)
        return cls(IDLE_EDGES_HOURS, tuple(float(rate) for rate in rates))

    @property
    def calibrated_parameters(self) -> int:
        """All of its rates."""
        return len(self.rates)

    def predict(self, frame: pl.DataFrame, encoding: Encoding) -> np.ndarray:  # noqa: ARG002
        """(n,) the rate of each row's bucket."""
        bucket = np.searchsorted(self.edges_hours, idle_hours(frame), side="right")
        return np.array(self.rates)[bucket]

    def contributions(self, frame: pl.DataFrame, encoding: Encoding) -> np.ndarray:
        """(n x features) zeros: no feature was weighed."""
        return np.zeros((frame.height, len(encoding.features)))

    def to_files(self) -> dict[str, bytes]:
        """The table of rates."""
        return {"rates.json": json.dumps(asdict(self), sort_keys=True).encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "IdleRates":
        """The scorer that ``to_files`` wrote."""
        fields = json.loads(files["rates.json"])
        return cls(tuple(fields["edges_hours"]), tuple(fields["rates"]))


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
    snapshots: pl.DataFrame, *, as_of: datetime, horizon: timedelta, params: Params | None = None
) -> AbandonmentModel:
    """Learn from snapshots whose outcome is known; a fallback if they are too few.

    Args:
        snapshots: keys, label and features; see ``ml.features``. Rows without a label are left out.
        as_of: the hour to learn at (UTC, naive); nothing whose outcome came later is used.
        horizon: the time in which the label looks for an order.
        params: settings of the boosting.

    Raises:
        FeatureError: if a feature is neither numeric nor text.
    """
    params = params or Params()
    rows = matured(snapshots, as_of=as_of, horizon=horizon)
    split, lack = _windows(rows, horizon)
    if split is None:
        return _fallback(rows, as_of, horizon, lack)
    return _boosted(rows, split, as_of, horizon, params)


def matured(snapshots: pl.DataFrame, *, as_of: datetime, horizon: timedelta) -> pl.DataFrame:
    """The rows whose outcome is known whichever it is, by time and cart.

    A purchase is known at once, its absence only after the horizon: rows younger than the newest
    known absence are left out, or the newest would all be purchases.
    """
    rows = snapshots.filter(
        pl.col(LABEL).is_not_null() & (pl.col("as_of") <= as_of - horizon)
    ).sort("as_of", "cart_id")
    newest_absence = rows.filter(~pl.col(LABEL))["as_of"].max()
    return rows if newest_absence is None else rows.filter(pl.col("as_of") <= newest_absence)


def idle_hours(frame: pl.DataFrame) -> np.ndarray:
    """(n,) hours since the cart was last touched."""
    idle = (pl.col("as_of") - pl.col("last_touched_at")).dt.total_microseconds()
    return frame.select(idle / 3.6e9).to_series().to_numpy()


def _target(frame: pl.DataFrame) -> np.ndarray:
    return (~frame[LABEL]).cast(pl.Float64).to_numpy()


def _carts(frame: pl.DataFrame) -> int:
    return frame["cart_id"].n_unique()


def _windows(rows: pl.DataFrame, horizon: timedelta) -> tuple[TimeSplit | None, str]:
    """The first split that holds enough, or None and one sentence about what is lacking."""
    carts = _carts(rows)
    if carts < MIN_CARTS:
        return None, f"{carts} carts have a known outcome, {MIN_CARTS} are needed."
    if rows[LABEL].n_unique() < 2:
        return None, "All known outcomes are alike, so there is nothing to tell apart."
    if not feature_columns(rows):
        return None, "The snapshots hold no feature columns."
    lack = ""
    for share in WINDOW_SHARES:
        split = time_split(
            rows["as_of"].min(),
            rows["as_of"].max(),
            gap=horizon,
            share=share,
            longest=LONGEST_WINDOW,
        )
        lack = _lack(rows, split, horizon)
        if not lack:
            return split, ""
    return None, lack


def _lack(rows: pl.DataFrame, split: TimeSplit | None, horizon: timedelta) -> str:
    if split is None:
        span = (rows["as_of"].max() - rows["as_of"].min()) / HOUR
        return (
            f"Known outcomes span {span:.0f} hours, too few for three windows "
            f"and two gaps of {horizon / HOUR:.0f} hours."
        )
    for name in ("train", "validation", "test"):
        window = getattr(split, name).rows(rows)
        carts = _carts(window)
        if carts < MIN_CARTS_PER_WINDOW:
            return f"The {name} window holds {carts} carts, {MIN_CARTS_PER_WINDOW} are needed."
        for bought in (True, False):
            count = _carts(window.filter(pl.col(LABEL) == bought))
            # The validation window only stops the trees and fits two parameters.
            needed = MIN_CARTS_PER_OUTCOME // (3 if name == "validation" else 1)
            if count < needed:
                outcome = "bought" if bought else "abandoned"
                return f"The {name} window holds {count} {outcome} carts, {needed} are needed."
    return ""


def _boosted(
    rows: pl.DataFrame, split: TimeSplit, as_of: datetime, horizon: timedelta, params: Params
) -> AbandonmentModel:
    train_rows = split.train.rows(rows)
    validation_rows = split.validation.rows(rows)
    test_rows = split.test.rows(rows)

    judged_encoding = Encoding.learn(train_rows)
    judged_trees, rounds = _fit_stopped(train_rows, validation_rows, judged_encoding, params)
    judged = _calibrated(judged_trees, validation_rows, judged_encoding)
    figures, tables = _measure(train_rows, test_rows, judged.predict(test_rows, judged_encoding))

    newest = Window(split.train.start, split.test.start - horizon).rows(rows)
    encoding = Encoding.learn(newest)
    trees = _fit(newest, encoding, params, rounds)
    scorer = _calibrated(trees, test_rows, encoding)
    card = ModelCard(
        name=NAME,
        kind="lightgbm",
        trained_as_of=as_of,
        data_from=rows["as_of"].min(),
        data_to=rows["as_of"].max(),
        row_count=rows.height,
        group_count=_carts(rows),
        features=encoding.features,
        figures=figures,
        tables=tables,
        params=asdict(params)
        | {"rounds": rounds, "horizon_hours": horizon / HOUR}
        | {
            f"{name}_{edge}": getattr(getattr(split, name), edge).isoformat()
            for name in ("train", "validation", "test")
            for edge in ("start", "end")
        },
        versions=_versions(),
        note="Figures are of the test window, by a twin that was fitted on the train window alone.",
    )
    return _named(card, encoding, scorer)


def _fallback(
    rows: pl.DataFrame, as_of: datetime, horizon: timedelta, lack: str
) -> AbandonmentModel:
    scorer = IdleRates.learn(rows)
    encoding = Encoding.learn(rows)
    known = float(np.average(_target(rows), weights=cart_weights(rows))) if len(rows) else np.nan
    card = ModelCard(
        name=NAME,
        kind=FALLBACK,
        trained_as_of=as_of,
        data_from=rows["as_of"].min(),
        data_to=rows["as_of"].max(),
        row_count=rows.height,
        group_count=_carts(rows),
        features=encoding.features,
        figures=rounded({"base_rate": known}),
        params={
            "horizon_hours": horizon / HOUR,
            "prior_rate": PRIOR_RATE,
            "shrinkage_carts": SHRINKAGE_CARTS,
        },
        versions=_versions(),
        note=f"Rates by idle time instead of a learned model: {lack[0].lower()}{lack[1:]}",
    )
    return _named(card, encoding, scorer)


def _files(encoding: Encoding, scorer: Scorer) -> dict[str, bytes]:
    return scorer.to_files() | {"encoding.json": encoding.to_json()}


def _named(card: ModelCard, encoding: Encoding, scorer: Scorer) -> AbandonmentModel:
    return AbandonmentModel(named(card, _files(encoding, scorer)), encoding, scorer)


def _versions() -> dict[str, str]:
    libraries = (lightgbm, np, pl, sklearn)
    return {library.__name__: library.__version__ for library in libraries}


def _dataset(frame: pl.DataFrame, encoding: Encoding) -> lightgbm.Dataset:
    return lightgbm.Dataset(
        encoding.matrix(frame),
        label=_target(frame),
        weight=cart_weights(frame),
        feature_name=list(encoding.features),
        categorical_feature=encoding.categorical_positions,
    )


def _fit(frame: pl.DataFrame, encoding: Encoding, params: Params, rounds: int) -> str:
    booster = lightgbm.train(params.for_lightgbm(), _dataset(frame, encoding), rounds)
    return booster.model_to_string()


def _fit_stopped(
    frame: pl.DataFrame, validation: pl.DataFrame, encoding: Encoding, params: Params
) -> tuple[str, int]:
    """The trees up to the round that was best on the validation rows, and that round."""
    dataset = _dataset(frame, encoding)
    booster = lightgbm.train(
        params.for_lightgbm(),
        dataset,
        params.max_rounds,
        valid_sets=[
            dataset.create_valid(
                encoding.matrix(validation),
                label=_target(validation),
                weight=cart_weights(validation),
            )
        ],
        callbacks=[lightgbm.early_stopping(params.early_stopping_rounds, verbose=False)],
    )
    rounds = max(booster.best_iteration, 1)
    return booster.model_to_string(num_iteration=rounds), rounds


def _calibrated(trees: str, frame: pl.DataFrame, encoding: Encoding) -> Trees:
    logits = Trees(trees, Platt(1.0, 0.0)).logits(encoding.matrix(frame))
    return Trees(trees, Platt.fit(logits, _target(frame), cart_weights(frame)))


def _measure(
    train_rows: pl.DataFrame, test_rows: pl.DataFrame, p: np.ndarray
) -> tuple[dict[str, float], dict[str, list[dict[str, float]]]]:
    """Figures and tables on the test rows, next to those of rankers that need no learning."""
    target, weights = _target(test_rows), cart_weights(test_rows)
    calibration = evaluation.calibration_table(target, p, weights)
    shares = [i / 20 for i in range(1, 21)]
    lift = evaluation.lift_table(target, p, weights, shares)
    purchases = evaluation.lift_table(1 - target, 1 - p, weights, shares)
    base_rate = float(np.average(target, weights=weights))
    constant = np.full(
        len(target), np.average(_target(train_rows), weights=cart_weights(train_rows))
    )
    idle = idle_hours(test_rows)
    figures = {
        "auc": evaluation.auc(target, p, weights),
        "average_precision": evaluation.average_precision(target, p, weights),
        "average_precision_purchase": evaluation.average_precision(1 - target, 1 - p, weights),
        "brier": evaluation.brier(target, p, weights),
        "log_loss": evaluation.log_loss(target, p, weights),
        "ece": evaluation.expected_calibration_error(calibration),
        "base_rate": base_rate,
        "predicted_over_observed": float(np.average(p, weights=weights)) / base_rate,
        "lift_at_10": _at_tenth(lift),
        "lift_at_10_purchase": _at_tenth(purchases),
        "brier_constant": evaluation.brier(target, constant, weights),
        "log_loss_constant": evaluation.log_loss(target, constant, weights),
        "auc_idle_hours": _ranker_auc(train_rows, test_rows, idle_hours),
        "auc_cart_value": _ranker_auc(train_rows, test_rows, _values),
        "test_rows": test_rows.height,
        "test_carts": _carts(test_rows),
    }
    for age in AGES_HOURS:
        at = np.isclose(idle, age, atol=1e-3)
        if min(target[at].sum(), (1 - target[at]).sum()) >= MIN_CARTS_PER_OUTCOME:
            figures[f"auc_at_{age:g}h"] = evaluation.auc(target[at], p[at], weights[at])
    lifts = lift.with_columns(
        captured_purchases=purchases["captured"], lift_purchases=purchases["lift"]
    )
    return rounded(figures), {
        "calibration": [rounded(row) for row in calibration.to_dicts()],
        "lift": [rounded(row) for row in lifts.to_dicts()],
    }


def _at_tenth(lift: pl.DataFrame) -> float:
    return lift.filter(pl.col("share") == 0.1)["lift"].item()


def _values(frame: pl.DataFrame) -> np.ndarray:
    return frame["cart_value"].cast(pl.Float64).fill_null(0.0).to_numpy()


def _ranker_auc(train_rows: pl.DataFrame, test_rows: pl.DataFrame, score: Ranker) -> float:
    """The test AUC of one column, in the direction that was right in training."""
    seen = evaluation.auc(_target(train_rows), score(train_rows), cart_weights(train_rows))
    sign = 1.0 if seen >= 0.5 else -1.0
    return evaluation.auc(_target(test_rows), sign * score(test_rows), cart_weights(test_rows))
