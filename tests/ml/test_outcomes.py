"""Predicted over observed buying, with intervals by people."""

import numpy as np
import polars as pl
import pytest

from ml import outcomes
from ml.intervals import Interval


def carts(count: int, truth: float, hours: float = 0.5, seed: int = 1, p_buy: float = 0.2):
    """Carts of as many people, all with one chance; bought as the truth says."""
    bought = np.random.default_rng(seed).uniform(size=count) < truth
    return pl.DataFrame(
        {
            "person": [f"v{i}" for i in range(count)],
            "hours_idle": [hours] * count,
            "p_buy": [p_buy] * count,
            "is_bought": bought,
            "is_bought_early": bought,
        }
    )


def test_what_was_expected_and_what_came_of_it_by_age():
    rows = pl.concat([carts(5000, 0.2, 1.0), carts(5000, 0.1, 100.0, seed=2)])
    found = outcomes.by_age(rows)
    assert found["idle_up_to_hours"].to_list() == [1.0, 168.0]
    assert found["row_count"].to_list() == [5000, 5000]
    assert found["mean_observed"].to_list() == [
        rows.filter(hours_idle=hours)["is_bought"].mean() for hours in (1.0, 100.0)
    ]
    assert found["ratio"].to_list() == pytest.approx(
        (found["mean_predicted"] / found["mean_observed"]).to_list()
    )
    assert found["is_off"].to_list() == [False, True]
    assert found["ratio_low"][0] < 1 < found["ratio_high"][0]
    assert 1.7 < found["ratio_low"][1] < 2 < found["ratio_high"][1] < 2.3


def test_an_age_with_few_buyers_says_nothing():
    assert outcomes.by_age(carts(100, 0.2)).is_empty()
    assert outcomes.by_age(carts(0, 0.2)).is_empty()


def test_where_nobody_bought_the_ratio_is_one_that_can_be_read():
    nobody = carts(4000, 0.0)
    assert outcomes.by_age(nobody).select("ratio", "is_off").row(0) == (pytest.approx(1600), True)
    assert outcomes.early_ratio(nobody, carts(8000, 0.1)).estimate < 1000
    # nor is one that was expected of nobody
    assert 0.001 < outcomes.by_age(carts(4000, 0.1, p_buy=0.0))["ratio"][0] < 0.002


@pytest.mark.parametrize(
    ("low", "high", "is_off"),
    [(1.2, 2.0, False), (1.3, 2.0, True), (0.5, 0.79, True), (0.5, 0.81, False)],
)
def test_only_what_is_surely_off_is_off(low, high, is_off):
    assert outcomes.is_surely_off(Interval(1.0, low, high), 1.25) is is_off


def test_the_first_day_is_measured_by_the_days_before():
    # half of the buyers come within a day: before 0.1 of chances of 0.2, now half as many
    before, now = carts(8000, 0.1), carts(4000, 0.05, seed=3)
    found = outcomes.early_ratio(now, before)
    by_hand = before["is_bought_early"].mean() / now["is_bought_early"].mean()
    assert found.estimate == pytest.approx(by_hand)
    assert 1.25 < found.low < 2 < found.high
    unchanged = outcomes.early_ratio(carts(4000, 0.1, seed=4), before)
    assert unchanged.low < 1 < unchanged.high
    # that better carts were scored is no change
    better = carts(4000, 0.2, seed=5, p_buy=0.4)
    assert outcomes.early_ratio(better, before).estimate == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(("now", "before"), [(0, 8000), (100, 8000), (4000, 100)])
def test_of_few_buyers_the_first_day_says_nothing(now, before):
    assert outcomes.early_ratio(carts(now, 0.1), carts(before, 0.1)) is None
