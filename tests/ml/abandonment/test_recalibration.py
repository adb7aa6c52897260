"""The level of a model's chances, brought to the newest days."""

import json
import re
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from ml import abandonment, evaluation, outcomes, promotion
from ml.abandonment import AbandonmentModel, abandoned, recalibration
from ml.abandonment.recalibration import (
    AGE_EDGES_HOURS,
    AgePlatts,
    AgeShifts,
    start_of_newest,
)
from ml.calibration import Platt, group_shifts, sigmoid
from ml.features import person_id
from ml.intervals import effective_people
from ml.split import cart_weights
from tests.ml.conftest import make_snapshots
from tests.ml.training import HORIZON, START
from tests.ml.training import train_abandonment as train

DAY = timedelta(days=1)
SHIFT, NOW = START + 30 * DAY, START + 40 * DAY


@pytest.fixture(scope="module")
def steady() -> pl.DataFrame:
    return make_snapshots(8000, days=45)


@pytest.fixture(scope="module")
def shifted(steady) -> pl.DataFrame:
    """The same shop, in which from a day on more than half of the buyers do not buy."""
    gives_up = (pl.col("last_touched_at") >= SHIFT) & (pl.col("cart_id").hash(1) % 100 >= 45)
    converts = pl.col("converts_within_horizon") & ~gives_up
    return steady.with_columns(converts_within_horizon=converts)


@pytest.fixture(scope="module")
def served(shifted) -> AbandonmentModel:
    """Learned when the shift came."""
    return train(shifted, as_of=SHIFT)


def ratio(model: AbandonmentModel, rows: pl.DataFrame) -> float:
    """Predicted over observed buying."""
    weights = cart_weights(rows)
    return (weights @ (1 - model.predict(rows))) / (weights @ (1 - abandoned(rows)))


def test_after_a_shift_the_chances_are_those_of_the_newest_days(served, shifted):
    again = served.recalibrated(shifted.drop("truth"), as_of=NOW)
    newest = again.newest_rows(shifted)
    assert newest["as_of"].max() <= NOW - HORIZON
    assert newest["as_of"].min() >= SHIFT
    assert ratio(served, newest) > 1.7
    assert ratio(again, newest) == pytest.approx(1, abs=0.1)
    later = shifted.filter(pl.col("last_touched_at") > NOW)
    assert ratio(served, later) > 1.7
    assert 0.85 < ratio(again, later) < 1.15
    verdict = promotion.recalibration(again, served, shifted)
    assert verdict.promote
    assert verdict.reason.startswith("Brought to the days from 2026-02-0")
    # the trees are the same, and it is said what was done
    assert again.to_files()["trees.txt"] == served.to_files()["trees.txt"]
    assert again.card.params["learned_as"] == served.card.model_id != again.card.model_id
    assert again.card.params["recalibrated_as_of"] == NOW.isoformat()
    # brought to the same days again it is the same
    assert again.recalibrated(shifted, as_of=NOW).card == again.card


def test_what_comes_after_the_hour_and_what_is_not_known_then_changes_nothing(served, shifted):
    cut = shifted.filter(pl.col("as_of") <= NOW - HORIZON)
    assert served.recalibrated(cut, as_of=NOW).to_files() == (
        served.recalibrated(shifted, as_of=NOW).to_files()
    )


def test_in_a_steady_shop_nothing_is_better_for_newer_days(served, steady):
    again = served.recalibrated(steady, as_of=NOW)
    assert not promotion.recalibration(again, served, steady).promote


def test_shifts_are_charged_by_what_was_fitted_on_the_days_that_are_compared(served, shifted):
    night = SHIFT + 6 * DAY
    before = served.recalibrated(shifted, as_of=night)
    again = served.recalibrated(shifted, as_of=night + DAY)
    rows = again.newest_rows(shifted)
    weights = cart_weights(rows)
    people = effective_people(rows.select(person_id()).to_series(), weights)
    shared = before.newest_rows(rows).height / rows.height
    assert 0.2 < shared < 1
    metrics = promotion.recalibration(again, before, shifted).metrics
    for name, model, share in (("challenger", again, 1), ("champion", before, shared)):
        parameters = model.card.params["shift_parameters"]
        # five shifts that are drawn to none
        assert 1 < parameters < 5
        assert parameters == model.scorer.shifts.parameters
        loss = evaluation.log_loss(abandoned(rows), model.predict(rows), weights)
        assert metrics[f"{name}_loss"] == pytest.approx(
            loss + share * parameters / people, abs=1e-6
        )
    # what served before was fitted on none of them
    loss = evaluation.log_loss(abandoned(rows), served.predict(rows), weights)
    metrics = promotion.recalibration(again, served, shifted).metrics
    assert metrics["champion_loss"] == pytest.approx(loss, abs=1e-6)


def test_where_the_level_is_surely_off_a_lower_loss_is_enough(served, shifted, monkeypatch):
    again = served.recalibrated(shifted, as_of=NOW)
    monkeypatch.setitem(promotion.MINIMUM_EFFECTS, "abandonment", 0.5)
    verdict = promotion.recalibration(again, served, shifted)
    assert verdict.promote
    assert re.search(r"goes from [12]\.\d\d, surely off, to \d\.\d\d\. ", verdict.reason)
    # where the level is right, nothing is taken
    assert ", surely off, to " not in promotion.recalibration(again, again, shifted).reason
    assert not promotion.recalibration(again, again, shifted).promote
    # of few buyers nothing is sure
    monkeypatch.setattr(outcomes, "MIN_BUYERS", len(shifted) + 1)
    assert not promotion.recalibration(again, served, shifted).promote


def test_a_fallback_is_not_brought_to_anything(steady):
    fallback = train(steady.head(100))
    assert fallback.recalibrated(steady, as_of=NOW) is fallback


def test_a_model_of_before_shifts_nothing_and_is_read(served, shifted):
    files = served.to_files()
    files["calibration.json"] = json.dumps({"slope": 0.9, "intercept": 0.2}).encode()
    old = AbandonmentModel.from_files(files)
    rows = shifted.head(50)
    assert old.scorer.shifts == AgeShifts()
    logits = old.scorer.logits(rows, served.encoding)
    assert old.predict(rows).tolist() == Platt(0.9, 0.2)(logits).tolist()
    again = AbandonmentModel.from_files(served.recalibrated(shifted, as_of=NOW).to_files())
    assert again.predict(rows).tolist() != old.predict(rows).tolist()


def test_what_is_too_sure_at_old_ages_alone_moves_no_level_at_any(steady):
    """Of old carts few are bought, and log-odds spread twice as far as they should."""
    rng = np.random.default_rng(4)
    age = abandonment.idle_hours(steady).round()
    is_old = age >= 24
    assert 0.2 < is_old.mean() < 0.8
    true = rng.normal(np.where(is_old, 4.0, 0.5), 0.7)
    rows = steady.with_columns(
        converts_within_horizon=pl.Series(rng.random(len(true)) > sigmoid(true))
    )
    said = np.where(is_old, 4 + 2 * (true - 4), true)
    platts = AgePlatts.fit(rows, said)
    slopes = [each.slope for each in platts.platts]
    young, old = slopes[0], slopes[np.searchsorted(AGE_EDGES_HOURS, 24.0, side="right")]
    assert young == pytest.approx(1, abs=0.06)
    assert old < 0.8
    p = platts(rows, said)
    for of_age in (is_old, ~is_old):
        logits = np.log(p[of_age]) - np.log1p(-p[of_age])
        weights = cart_weights(rows)[of_age]
        assert np.average(logits, weights=weights) == pytest.approx(
            np.average(said[of_age], weights=weights), abs=0.02
        )
    # one for all turns around the mean of all, and moves them
    one = Platt.fit_slope(said, abandoned(rows), cart_weights(rows), recalibration.SLOPE_SD)
    moved = (one.slope - 1) * said + one.intercept
    assert abs(moved[is_old].mean()) > 0.05


def test_many_outcomes_shift_all_the_way_and_few_hardly():
    def shift(count: int) -> np.ndarray:
        outcomes = (np.arange(count) % 4 > 0).astype(float)
        return group_shifts(
            np.zeros(count),
            outcomes,
            np.ones(count),
            np.zeros(count, dtype=int),
            sizes=2,
            prior=recalibration.LEVEL,
            group_sd=recalibration.AGE_SD,
        ).shifts

    # three of four at even odds
    assert shift(100_000)[0] == pytest.approx(np.log(3), abs=0.005)
    assert 0 < shift(8)[0] < 0.4
    # of an age that nobody has seen it is known what is known of all
    assert 0.8 * np.log(3) < shift(100_000)[1] < np.log(3)
    assert shift(0).tolist() == [0, 0]


def test_an_age_may_be_far_from_the_others_where_all_have_moved_far():
    def shifts(moved: float, share: float) -> np.ndarray:
        """Of an age that many are of, which has moved so far, and one of 200 that has not."""
        ages = np.repeat([0, 1], [5000, 200])
        chance = sigmoid(np.where(ages == 0, moved, 0.0))
        # each both ways, by its chance: no luck
        return group_shifts(
            np.zeros(2 * len(ages)),
            np.repeat([1.0, 0.0], len(ages)),
            np.concatenate([chance, 1 - chance]),
            np.tile(ages, 2),
            sizes=2,
            prior=recalibration.LEVEL,
            group_sd=recalibration.AGE_SD,
            group_share=share,
        ).shifts

    _, alone = shifts(-1.2, 0.0)
    many, few = shifts(-1.2, recalibration.AGE_SHARE)
    assert many == pytest.approx(-1.2, abs=0.02)
    assert alone < -0.7
    assert few > -0.15
    # where hardly anything has moved it makes no difference
    assert shifts(-0.06, 0.5) == pytest.approx(shifts(-0.06, 0.0), abs=0.005)


def test_a_level_hardly_moves_for_what_may_be_chance_and_all_the_way_for_a_change():
    level = recalibration.LEVEL
    # as far as chance goes in one of three windows; six times as far
    assert level.shift(0.09, 0.09) == pytest.approx(0.09 * 0.07**2 / (0.07**2 + 0.09**2), abs=0.01)
    assert level.shift(-0.54, 0.09) == pytest.approx(-0.54, abs=0.02)
    # what many people say is believed
    assert level.shift(0.09, 0.01) == pytest.approx(0.09, abs=0.002)
    assert level.shift(0.0, 0.09) == 0
    assert level.shift(-0.3, 0.1) == -level.shift(0.3, 0.1)


def test_the_rows_of_a_person_count_as_one_outcome():
    many = make_snapshots(60)
    one = many.with_columns(visitor_id=pl.lit("v"), owner_id=pl.lit(None, pl.String))
    p = np.full(many.height, 0.1)
    assert max(AgeShifts.fit(one, p).shifts) < 0.2
    assert min(AgeShifts.fit(many, p).shifts) > 1


def test_the_newest_days_are_two_or_as_many_as_hold_enough_people(steady, monkeypatch):
    last = steady["as_of"].max()
    monkeypatch.setattr(recalibration, "MIN_PEOPLE", 50)
    assert start_of_newest(steady) == last - 2 * DAY
    monkeypatch.setattr(recalibration, "MIN_PEOPLE", 1500)
    start = start_of_newest(steady)
    people = pl.coalesce("owner_id", "visitor_id")
    found = steady.filter(pl.col("as_of") >= start).select(people.n_unique()).item()
    fewer = steady.filter(pl.col("as_of") >= start + DAY).select(people.n_unique()).item()
    assert fewer < 1500 <= found
    monkeypatch.setattr(recalibration, "MIN_PEOPLE", 10**9)
    assert start_of_newest(steady) == steady["as_of"].min()
