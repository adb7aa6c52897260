"""Draws of experiments, and statistics against known values and what simulations show."""

from itertools import pairwise
from math import sqrt

import numpy as np
import pytest
from scipy.stats import binom

from ml.experiments import Draw, always_valid_factor, compare, persons_needed

PEOPLE = [f"user:{i}" for i in range(20_000)]


def test_arms_have_their_shares_and_one_person_always_the_same():
    draw = Draw(b"key")
    drawn = np.array([draw.one_of("subject", person, (1, 2, 1)) for person in PEOPLE])
    assert np.abs(np.bincount(drawn) / len(PEOPLE) - (0.25, 0.5, 0.25)).max() < 0.01
    assert [draw.one_of("subject", each, (1, 2, 1)) for each in PEOPLE[:50]] == drawn[:50].tolist()


def test_two_experiments_and_two_keys_draw_independently():
    def halves(key: bytes, name: str) -> np.ndarray:
        return np.array([Draw(key).one_of(name, person, (1, 1)) for person in PEOPLE])

    first = halves(b"key", "a")
    for other in (halves(b"key", "b"), halves(b"other", "a")):
        assert abs(np.corrcoef(first, other)[0, 1]) < 0.03
    with pytest.raises(ValueError, match="key is empty"):
        Draw(b"")


# Sizes a group, without correction for continuity, as books and programs of sample sizes have them.
SIZES = [(0.5, 0.1, 388), (0.1, 0.05, 686), (0.6, 0.1, 356), (0.25, -0.1, 250), (0.05, 0.01, 8158)]


@pytest.mark.parametrize(("share", "effect", "size"), SIZES)
def test_sizes_are_those_of_the_books(share, effect, size):
    assert persons_needed(share, effect) == size


@pytest.mark.parametrize("ratio", [0.5, 1.0, 3.0])
def test_a_planned_experiment_finds_its_effect_four_times_of_five(ratio):
    control = persons_needed(0.1, 0.05, ratio)
    arm = round(control * ratio)
    # exactly, over all outcomes, by the test that the size is for
    lost, won = np.meshgrid(np.arange(control + 1), np.arange(arm + 1), indexing="ij")
    pooled = (lost + won) / (control + arm)
    error = np.sqrt(pooled * (1 - pooled) * (1 / control + 1 / arm))
    shown = np.abs(won / arm - lost / control) > 1.959964 * error
    chance = np.outer(binom.pmf(lost[:, 0], control, 0.1), binom.pmf(won[0], arm, 0.15))
    assert chance[shown].sum() == pytest.approx(0.8, abs=0.02)


def test_more_arms_and_smaller_effects_need_more():
    assert persons_needed(0.1, 0.05, comparisons=2) > persons_needed(0.1, 0.05)
    assert persons_needed(0.1, 0.02) > persons_needed(0.1, 0.05)
    for share, effect in ((0.99, 0.02), (0.01, -0.02), (0.1, 0.0)):
        with pytest.raises(ValueError, match="no share of people"):
            persons_needed(share, effect)


def test_the_bound_for_all_times_is_the_mixture_of_normals():
    # at the planned count t = 5.9915 + ln 5.9915 + 1 = 8.7818, and of that
    # sqrt(2 * 9.7818 / 8.7818 * ln(3.12759 / 0.05)) = sqrt(2.227744 * 4.13599)
    assert always_valid_factor(1000, 1000) == pytest.approx(3.03545, abs=1e-5)
    widths = [always_valid_factor(n, 1000) / sqrt(n) for n in (10, 100, 1000, 10_000, 10**6)]
    assert all(wide > narrow for wide, narrow in pairwise(widths))
    # beside the bound of one look
    assert always_valid_factor(1000, 1000) / 1.96 == pytest.approx(1.55, abs=0.01)


def test_who_peeks_is_wrong_far_more_often_but_not_by_the_bound_for_all_times():
    rng = np.random.default_rng(5)
    looks, a_look, share, runs = 20, 100, 0.1, 400
    counts = a_look * np.arange(1, looks + 1)
    both = rng.binomial(a_look, share, (2, runs, looks)).cumsum(axis=2)
    by_look, by_bound = 0, 0
    for bought, control_bought in both.transpose(1, 0, 2):
        found = [
            compare(int(b), int(n), int(c), int(n), 2 * a_look * looks)
            for b, c, n in zip(bought, control_bought, counts, strict=True)
        ]
        by_look += any(each.low > 0 or each.high < 0 for each in found)
        by_bound += any(each.is_decided for each in found)
    assert by_look / runs > 0.15
    assert by_bound / runs < 0.05


def test_a_real_difference_is_decided_and_both_intervals_hold_it():
    found = compare(300, 2000, 200, 2000, 4000)
    assert found.difference == pytest.approx(0.05)
    # by hand: Wilson's intervals are 0.135023 to 0.166320 and 0.087609 to 0.113925
    assert (found.low, found.high) == pytest.approx((0.02955, 0.07049), abs=1e-5)
    # 3.0354 standard errors of sqrt(301 * 1701 / 2002^2 / 2000 + 201 * 1801 / 2002^2 / 2000)
    assert found.always_low == pytest.approx(0.05 - 3.03545 * 0.01044184, abs=1e-5)
    assert found.is_decided
    assert not compare(220, 2000, 200, 2000, 4000).is_decided


def test_where_nobody_bought_nothing_is_decided_and_an_empty_arm_says_nothing():
    assert not compare(0, 3, 0, 3, 1000).is_decided
    assert not compare(3, 3, 0, 3, 1000).is_decided
    assert compare(0, 0, 5, 10, 1000) is None
    assert compare(5, 10, 0, 0, 1000) is None
