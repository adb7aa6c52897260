"""Nights on which models are learned, brought to newer days and taken or not, beside the truth.

A night does what `comeback train` does with the model of abandonment. What is taken, and what is
not, is judged by the true chances of the days that follow, which nobody knew. Heavy: a model is
learned each night, in shops of 45,000 people.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
import pytest

from ml import abandonment, gates, promotion
from ml.abandonment import AbandonmentModel
from ml.split import cart_weights
from tests.whole.judged_shops import DAY, END, HORIZON, NOW, JudgedShop, shop_of

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(5400)]

STABLE_NIGHTS, SHIFTING_NIGHTS = 20, 13
JUDGED_ON = 3 * DAY
# In log loss: what may be taken although it is worse, and left although it is better.
WORSE, BETTER = 0.002, 0.005


@dataclass(frozen=True)
class Choice:
    """A model that could be taken on a night.

    Attributes:
        night: when.
        kind: whether it was brought to newer days or learned.
        is_taken: whether it was taken.
        difference: its log loss less that of the model in use, by the true chances of what follows.
    """

    night: datetime
    kind: str
    is_taken: bool
    difference: float


def nights_of(shop: JudgedShop, first: datetime, count: int) -> list[Choice]:
    """What was taken on so many nights, of which the first model serves from the one before on."""
    rows = shop.snapshots.filter(pl.col("as_of") > first)
    truth = pl.Series(shop.true_chances(rows))
    rows = rows.with_columns(p_true=truth).filter(pl.col("p_true").is_not_nan())
    served = learned(shop, first - DAY)
    choices = []
    for night in (first + number * DAY for number in range(count)):
        judged = rows.filter(pl.col("as_of") > night, pl.col("as_of") <= night + JUDGED_ON)

        def offered(
            model: AbandonmentModel,
            kind: str,
            is_better: bool,
            served: AbandonmentModel = served,
            night: datetime = night,
            judged: pl.DataFrame = judged,
        ) -> AbandonmentModel:
            is_taken = is_better and not gates.refusals(model, shop.snapshots, None, served)
            difference = expected_loss(model, judged) - expected_loss(served, judged)
            choices.append(Choice(night, kind, is_taken, difference))
            return model if is_taken else served

        again = served.recalibrated(shop.snapshots, as_of=night)
        verdict = promotion.recalibration(again, served, shop.snapshots)
        served = offered(again, "brought", verdict.promote)
        challenger = learned(shop, night)
        verdict = promotion.better(challenger, served, shop.snapshots)
        served = offered(challenger, "learned", verdict.promote, served)
    return choices


def learned(shop: JudgedShop, night: datetime) -> AbandonmentModel:
    return abandonment.train(shop.snapshots, as_of=night, horizon=HORIZON)


def expected_loss(model: AbandonmentModel, rows: pl.DataFrame) -> float:
    """The log loss of a model on the true chances of rows, less that of the truth."""
    p_buy = np.clip(1 - model.predict(rows), 1e-9, 1 - 1e-9)
    p_true = np.clip(rows["p_true"].to_numpy(), 1e-9, 1 - 1e-9)
    losses = p_true * np.log(p_true / p_buy) + (1 - p_true) * np.log((1 - p_true) / (1 - p_buy))
    return float(np.average(losses, weights=cart_weights(rows)))


@pytest.mark.parametrize(
    ("is_shifted", "first", "count"),
    [(False, END - (STABLE_NIGHTS + 1) * DAY, STABLE_NIGHTS), (True, NOW + DAY, SHIFTING_NIGHTS)],
)
def test_nothing_worse_is_taken_and_nothing_much_better_left(is_shifted, first, count):
    choices = nights_of(shop_of(1, is_shifted=is_shifted), first, count)
    for each in choices:
        print(f"{each.night:%d} {each.kind}: {each.difference:+.4f}{' taken' * each.is_taken}")
    assert len(choices) == 2 * count
    assert [each for each in choices if each.is_taken and each.difference > WORSE] == []
    assert [each for each in choices if not each.is_taken and each.difference < -BETTER] == []
