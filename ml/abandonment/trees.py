"""Gradient-boosted trees (LightGBM) and what their log-odds are calibrated by.

What belongs here: the settings of the boosting; fitting, calibrating, predicting and explaining by
trees. What does not: which rows they are fitted on (``model``) and how good they are (``metrics``).

The loss is the log loss, without class weights or resampling, which would spoil the probabilities.
Trees begin at the share abandoned at each age. From that of all ages boosting stops before it is
down at those at which hardly a cart is bought. Measured on 45,000 people: at 72 to 168 h buying
expected was 1.1 to 1.5 times what came, from the shares by age 1.1 to 1.3 times; the AUC at the
first add is .775, not .770.
What is said of carts that were left for days is then learned further on these alone (``late``):
they are bought for other reasons than new ones, and boosting stops for the many new ones before it
has seen that. Measured on three shops of 45,000 people: the AUC at 72 to 168 h is .02 higher.
No monotone constraints: that a longer silence means less chance is true of the whole but not hour
by hour, people come back at the same time of day.

LightGBM is loaded where it is used: it is slow to import, and neither a fallback nor an hour whose
scores are there already needs it.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ml.abandonment.idle_rates import RATES_FILE, IdleRates
from ml.abandonment.recalibration import AgePlatts, AgeShifts
from ml.abandonment.snapshots import abandoned, idle_hours
from ml.boosting import lightgbm
from ml.calibration import Platt
from ml.features import Encoding
from ml.split import cart_weights

if TYPE_CHECKING:
    from lightgbm import Booster, Dataset

NOT_CALIBRATED = AgePlatts()
# The feature that says what the rates at which trees begin are of.
AGE_FEATURE = "cart_idle_hours"
# From so many hours idle on carts have trees of their own; small ones, for few are bought then.
LATE_HOURS = 60.0
LATE_ROUNDS = 60
LATE_PARAMS = {
    "num_leaves": 6,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.5,
}
LATE_FILE = "trees_late.txt"

# Called after each round of boosting, for whoever waits.
OnRound = Callable[[], None]


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

    @property
    def of_model(self) -> dict[str, object]:
        """Those that decide what a model is: how many threads found it does not."""
        settings = asdict(self)
        del settings["num_threads"]
        return settings

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


class Trees:
    """Boosted trees, the calibrators of their log-odds, and what the newest carts shift them by."""

    def __init__(
        self,
        text: str,
        platts: AgePlatts,
        shifts: AgeShifts | None = None,
        start: IdleRates | None = None,
        late: str | None = None,
    ) -> None:
        """Take a LightGBM text model, where it begins, and one of what is added for old carts; a
        saved model and a fresh one are thus read the same way."""
        self._text = text
        self.platts = platts
        self.shifts = shifts or AgeShifts()
        self.start = start
        self._late = late

    @cached_property
    def _booster(self) -> "Booster":
        """The trees, read when they are first asked."""
        return lightgbm().Booster(model_str=self._text)

    @cached_property
    def _late_booster(self) -> "Booster":
        return lightgbm().Booster(model_str=self._late)

    @property
    def calibrated_parameters(self) -> int:
        """As many as the slopes, which are drawn to one, fit together. The shifts by age are not
        counted: of the models that this compares each has its own."""
        return 2

    def recalibrated(self, frame: pl.DataFrame, encoding: Encoding) -> "Trees":
        """The same trees, with shifts fitted on labelled rows that the trees were not fitted on."""
        p = self.platts(frame, self.logits(frame, encoding))
        return Trees(self._text, self.platts, AgeShifts.fit(frame, p), self.start, self._late)

    def calibrated(self, frame: pl.DataFrame, encoding: Encoding) -> "Trees":
        """The same trees, calibrated on labelled rows that they were not fitted on: whether they
        are too sure of themselves at an age. Their level is brought to the newest days apart."""
        platts = AgePlatts.fit(frame, self.logits(frame, encoding))
        return Trees(self._text, platts, start=self.start, late=self._late)

    def with_late(self, late: str) -> "Trees":
        """The same trees, and a LightGBM text model of what is added for old carts."""
        return Trees(self._text, self.platts, self.shifts, self.start, late)

    def logits(self, frame: pl.DataFrame, encoding: Encoding) -> np.ndarray:
        """(n,) log-odds before calibration."""
        matrix = encoding.matrix(frame)
        grown = np.array(self._booster.predict(matrix, raw_score=True), dtype=np.float64)
        if self.start is not None:
            grown += self.start.log_odds(frame)
        is_late = self._is_late(frame)
        if is_late.any():
            grown[is_late] += self._late_booster.predict(matrix[is_late], raw_score=True)
        return grown

    def _is_late(self, frame: pl.DataFrame) -> np.ndarray:
        """(n,) whether the trees of old carts count."""
        if self._late is None:
            return np.zeros(frame.height, dtype=bool)
        return idle_hours(frame) >= LATE_HOURS

    def predict(self, frame: pl.DataFrame, encoding: Encoding) -> np.ndarray:
        """(n,) calibrated probabilities of abandoning."""
        return self.shifts(frame, self.platts(frame, self.logits(frame, encoding)))

    def contributions(self, frame: pl.DataFrame, encoding: Encoding) -> np.ndarray:
        """(n x features) SHAP values of the log-odds before calibration, without the bias.

        What is begun with is the part of ``cart_idle_hours``, against the mean over the ages: what
        moved a cart does not depend on which others are asked about.
        """
        if frame.is_empty():
            return np.zeros((0, len(encoding.features)))
        matrix = encoding.matrix(frame)
        contributions = np.array(self._booster.predict(matrix, pred_contrib=True))[:, :-1]
        is_late = self._is_late(frame)
        if is_late.any():
            of_late = np.asarray(self._late_booster.predict(matrix[is_late], pred_contrib=True))
            contributions[is_late] += of_late[:, :-1]
        if self.start is not None and AGE_FEATURE in encoding.features:
            begun = self.start.log_odds(frame) - self.start.mean_log_odds
            contributions[:, encoding.features.index(AGE_FEATURE)] += begun
        return contributions

    def to_files(self) -> dict[str, bytes]:
        """The LightGBM text models, the calibrators, and the rates at which they begin."""
        fields = {"calibrators": asdict(self.platts)} | asdict(self.shifts)
        calibration = json.dumps(fields, sort_keys=True).encode()
        start = {} if self.start is None else self.start.to_files()
        late = {} if self._late is None else {LATE_FILE: self._late.encode()}
        return {"trees.txt": self._text.encode(), "calibration.json": calibration} | start | late

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "Trees":
        """The scorer that ``to_files`` wrote."""
        fields = json.loads(files["calibration.json"])
        if "calibrators" in fields:
            of_ages = fields["calibrators"]
            platts = AgePlatts(
                tuple(of_ages["edges_hours"]), tuple(Platt(**each) for each in of_ages["platts"])
            )
        else:  # models of before have one for all ages
            platts = AgePlatts((), (Platt(fields["slope"], fields["intercept"]),))
        shifts = None
        if "shifts" in fields:  # models of before are without
            added = tuple(fields["shifts"])
            parameters = fields.get("parameters", 0.0)
            shifts = AgeShifts(tuple(fields["edges_hours"]), added, parameters)
        start = IdleRates.from_files(files) if RATES_FILE in files else None
        # models of before are without
        late = files[LATE_FILE].decode() if LATE_FILE in files else None
        return cls(files["trees.txt"].decode(), platts, shifts, start, late)


def boost(
    frame: pl.DataFrame, encoding: Encoding, params: Params, rounds: int, on_round: OnRound
) -> Trees:
    """Trees of so many rounds on labelled rows, not calibrated yet."""
    start = IdleRates.fit(frame)
    booster = lightgbm().train(
        params.for_lightgbm(),
        _dataset(frame, encoding, start.log_odds(frame)),
        rounds,
        callbacks=[lambda _: on_round()],
    )
    return _with_late(Trees(_text(booster), NOT_CALIBRATED, start=start), frame, encoding, params)


def boost_with_early_stopping(
    frame: pl.DataFrame,
    validation: pl.DataFrame,
    encoding: Encoding,
    params: Params,
    on_round: OnRound,
) -> tuple[Trees, int]:
    """Trees up to the round that was best on the validation rows, not calibrated yet, and that
    round."""
    start = IdleRates.fit(frame)
    dataset = _dataset(frame, encoding, start.log_odds(frame))
    booster = lightgbm().train(
        params.for_lightgbm(),
        dataset,
        params.max_rounds,
        valid_sets=[
            dataset.create_valid(
                encoding.matrix(validation),
                label=abandoned(validation),
                weight=cart_weights(validation),
                init_score=start.log_odds(validation),
            )
        ],
        callbacks=[
            lambda _: on_round(),
            lightgbm().early_stopping(params.early_stopping_rounds, verbose=False),
        ],
    )
    rounds = max(booster.best_iteration, 1)
    trees = Trees(_text(booster, rounds), NOT_CALIBRATED, start=start)
    return _with_late(trees, frame, encoding, params), rounds


def _with_late(trees: Trees, frame: pl.DataFrame, encoding: Encoding, params: Params) -> Trees:
    """The same trees, and what old carts among labelled rows add to them; nothing where these are
    too few to tell apart."""
    old = frame.filter(pl.Series(idle_hours(frame) >= LATE_HOURS))
    bought = 1 - abandoned(old)
    if min(bought.sum(), len(bought) - bought.sum()) < LATE_PARAMS["min_data_in_leaf"]:
        return trees
    data = _dataset(old, encoding, trees.logits(old, encoding))
    late = lightgbm().train(params.for_lightgbm() | LATE_PARAMS, data, LATE_ROUNDS)
    return trees.with_late(_text(late))


def _text(booster: "Booster", rounds: int | None = None) -> str:
    """The text model, without the number of threads that it notes."""
    return re.sub(r"\[num_threads: \d+\]\n", "", booster.model_to_string(num_iteration=rounds))


def _dataset(frame: pl.DataFrame, encoding: Encoding, begun: np.ndarray) -> "Dataset":
    return lightgbm().Dataset(
        encoding.matrix(frame),
        label=abandoned(frame),
        weight=cart_weights(frame),
        init_score=begun,
        feature_name=list(encoding.features),
        categorical_feature=encoding.categorical_positions,
    )
