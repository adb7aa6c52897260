from dataclasses import replace

import polars as pl
import pytest

from ml import evaluation, promotion, return_time
from ml.abandonment import Params, abandoned
from ml.features import person_id
from ml.promotion import better
from ml.split import cart_weights
from tests.ml.training import RETURN_AS_OF
from tests.ml.training import train_abandonment as train


@pytest.fixture(scope="module")
def good(snapshots):
    return train(snapshots)


@pytest.fixture(scope="module")
def poor(snapshots):
    """The same, fitted without the interest of people."""
    return train(snapshots.with_columns(session_interest=pl.lit(0.0)))


@pytest.fixture(scope="module")
def fallback(snapshots):
    return train(snapshots.head(100))


def test_a_log_loss_lower_beyond_chance_is_promoted(good, poor, snapshots):
    verdict = better(good, poor, snapshots)
    assert verdict.promote
    assert verdict.metrics["difference_upper"] < 0
    assert verdict.metrics["rows"] == good.card.metrics["test_rows"]
    assert verdict.reason.startswith("The challenger's log loss is lower: 0.")


def test_a_worse_challenger_is_not_promoted(good, poor, snapshots):
    verdict = better(poor, good, snapshots)
    assert not verdict.promote
    assert verdict.reason.startswith("The challenger's log loss is not lower: ")


def test_an_equal_model_is_not_promoted_by_what_it_was_calibrated_on(good, snapshots):
    equal = train(snapshots, params=Params(seed=8))
    assert not better(equal, good, snapshots).promote
    assert not better(good, equal, snapshots).promote


def test_a_learned_model_replaces_a_fallback_and_not_the_other_way_round(good, fallback, snapshots):
    assert better(good, fallback, snapshots).promote
    assert better(good, fallback, snapshots).reason == "A learned model replaces the fallback."
    assert not better(fallback, good, snapshots).promote


def test_a_champion_that_lacks_a_column_is_replaced(good, snapshots):
    lacking = train(snapshots.rename({"session_interest": "session_fervour"}))
    verdict = better(good, lacking, snapshots)
    assert verdict.promote
    assert "'session_fervour'" in verdict.reason


def test_without_rows_to_compare_on_the_champion_stays(good, poor, snapshots):
    verdict = better(good, poor, snapshots.clear())
    assert not verdict.promote
    assert verdict.reason == "There are no rows with a known outcome to compare on."


def test_a_verdict_does_not_depend_on_the_order_of_the_rows(good, poor, snapshots):
    shuffled = snapshots.sample(fraction=1.0, shuffle=True, seed=2)
    assert better(good, poor, shuffled) == better(good, poor, snapshots)


def test_return_models_are_compared_by_their_brier_score(sessions):
    good = return_time.train(sessions, as_of=RETURN_AS_OF)
    poor = return_time.train(sessions.drop("session_liking"), as_of=RETURN_AS_OF)
    verdict = better(good, poor, sessions)
    assert verdict.promote
    assert verdict.reason.startswith("The challenger's Brier score is lower: 0.")
    assert not better(poor, good, sessions).promote


def test_models_of_different_things_are_not_compared(good, snapshots):
    other = replace(good, card=replace(good.card, name="return"))
    with pytest.raises(ValueError, match="a model of abandonment cannot replace one of return"):
        better(good, other, snapshots)


def test_a_model_that_is_better_by_too_little_is_not_worth_a_change(
    good, poor, snapshots, monkeypatch
):
    monkeypatch.setitem(promotion.MINIMUM_EFFECTS, "abandonment", 0.5)
    verdict = better(good, poor, snapshots)
    assert verdict.metrics["difference_upper"] < 0
    assert not verdict.promote
    assert verdict.reason.endswith(" That is less than 0.5.")


def test_the_penalty_counts_people_and_not_their_rows(good, poor, snapshots):
    rows = good.test_rows(snapshots)
    weights = cart_weights(rows)
    of_person = (
        rows.select(person_id().alias("person"), weight=pl.Series(weights))
        .group_by("person")
        .agg(pl.col("weight").sum())["weight"]
    )
    people = of_person.sum() ** 2 / (of_person**2).sum()
    assert people < of_person.len() < rows["cart_id"].n_unique() < rows.height
    loss = evaluation.log_loss(abandoned(rows), good.predict(rows), weights)
    verdict = better(good, poor, snapshots)
    assert verdict.metrics["challenger_loss"] == pytest.approx(loss + 2 / people, abs=1e-6)
