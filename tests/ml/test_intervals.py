import numpy as np
import polars as pl
import pytest

from ml.calibration import Platt
from ml.evaluation import log_loss
from ml.intervals import GROUPS, effective_people, groups_of, interval


def test_a_persons_rows_are_in_one_group_whatever_the_order_of_the_rows():
    people = pl.Series([f"v{i % 50}" for i in range(200)])
    groups = groups_of(people)
    assert set(groups.tolist()) == set(range(GROUPS))
    by_person = dict(zip(people, groups, strict=True))
    assert len(set(zip(people, groups, strict=True))) == 50
    shuffled = people.sample(fraction=1.0, shuffle=True, seed=1)
    assert [by_person[each] for each in shuffled] == groups_of(shuffled).tolist()


def test_the_interval_of_a_mean_is_as_wide_as_its_standard_error_says():
    values = np.random.default_rng(1).normal(size=20_000)
    found = interval(np.arange(20_000) % GROUPS, lambda kept: values[kept].mean())
    assert found.estimate == values.mean()
    # t with 19 degrees of freedom times 1 / sqrt(20,000), estimated from 20 groups
    assert (found.high - found.low) / 2 == pytest.approx(2.093 / np.sqrt(20_000), rel=0.35)


def test_saying_everything_ten_times_narrows_no_interval():
    values = np.random.default_rng(2).normal(size=2_000)
    people = pl.Series([f"v{i:04d}" for i in range(2_000)])
    once = interval(groups_of(people), lambda kept: values[kept].mean())
    often = np.repeat(values, 10)
    groups = groups_of(pl.Series(np.repeat(people.to_numpy(), 10)))
    again = interval(groups, lambda kept: often[kept].mean())
    assert again.high - again.low == pytest.approx(once.high - once.low)


def test_an_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(3)
    groups = np.arange(400) % GROUPS
    covered = 0
    for _ in range(400):
        values = rng.exponential(size=400)
        found = interval(groups, lambda kept, values=values: values[kept].mean())
        covered += found.low <= 1.0 <= found.high
    assert 0.91 <= covered / 400 <= 0.98


def test_people_of_unequal_weight_are_worth_fewer():
    people = pl.Series(["a", "b", "b", "c"])
    assert effective_people(people, np.array([2.0, 1.0, 1.0, 2.0])) == pytest.approx(3)
    assert effective_people(people, np.array([4.0, 0.5, 0.5, 1.0])) == pytest.approx(36 / 18)
    assert effective_people(people.clear(), np.zeros(0)) == 0


def test_a_fit_flatters_itself_by_its_parameters_over_the_people_it_counts():
    """The penalty of a promotion: how much lower a loss is on the rows that were fitted on."""
    rng = np.random.default_rng(4)
    size = rng.choice([1, 2, 12], 150, p=[0.5, 0.3, 0.2])
    people = pl.Series(np.repeat(np.arange(150), size))
    weights = np.ones(people.len())
    flattered = []
    for _ in range(400):
        logits = rng.normal(size=150)
        bought = rng.uniform(size=(2, 150)) < 1 / (1 + np.exp(-logits))
        here, fitted, others = (np.repeat(each, size) for each in (logits, *bought * 1.0))
        p = Platt.fit(here, fitted, weights)(here)
        flattered.append(log_loss(others, p, weights) - log_loss(fitted, p, weights))
    error = np.std(flattered) / 20
    penalty = 2 / effective_people(people, weights)
    assert np.mean(flattered) == pytest.approx(penalty, abs=3 * error)
    # counted by the head the penalty would be too small, by rows far too small
    assert np.mean(flattered) > 2 / 150 + 3 * error
    assert penalty > 3 * 2 / people.len()
