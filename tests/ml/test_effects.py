"""The effect of contacts out of two arms, against published figures and planted effects."""

import numpy as np
import pytest

from ml.economics import Economics, shift_odds, unseen_share
from ml.effects import Estimate, difference_interval, estimate_effect

PLANTED = 1.5


def arms(seed: int, planted: float = PLANTED, persons: int = 6000) -> tuple[np.ndarray, ...]:
    """A tenth of the persons is held out; half of the contacts come late, and do less.

    What is predicted is the mean of own chances, which the effect is planted in.
    """
    rng = np.random.default_rng(seed)
    predicted = rng.beta(1, 6, persons)
    p_buy = rng.beta(1, 1 / predicted - 1)
    is_treated = rng.random(persons) > 0.1
    delay = np.where(rng.random(persons) < 0.5, 1.0, 0.8)
    odds_ratio = np.where(is_treated, planted * delay, 1.0)
    chance = odds_ratio * p_buy / (1 - p_buy + odds_ratio * p_buy)
    return predicted, is_treated, rng.random(persons) < chance, delay


def covered(seeds: range) -> int:
    intervals = [estimate_effect(*arms(seed)).interval for seed in seeds]
    return sum(low <= PLANTED <= high for low, high in intervals)


def test_a_planted_effect_lies_within_its_interval():
    assert covered(range(20)) >= 17


@pytest.mark.heavy
def test_a_planted_effect_lies_within_its_interval_in_nine_of_ten_shops():
    assert covered(range(100)) >= 90


def test_effects_are_right_on_average():
    logs = [estimate_effect(*arms(seed)).log_odds_ratio for seed in range(20)]
    assert np.mean(logs) == pytest.approx(np.log(PLANTED), abs=0.08)


@pytest.mark.parametrize(
    ("arm", "other", "low", "high"),
    [
        # Newcombe (1998), table II, method 10
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_the_interval_of_a_difference_is_that_of_the_literature(arm, other, low, high):
    assert difference_interval(*arm, *other) == pytest.approx((low, high), abs=1e-4)


def test_with_one_chance_for_all_the_estimate_is_the_odds_ratio_of_the_four_counts():
    """Of own chances that are spread about the one: its logarithm is greater by what they hide."""
    seen = 1 - unseen_share(0.2)
    counts = {(True, True): 300, (True, False): 700, (False, True): 200, (False, False): 800}
    is_treated = np.repeat([key[0] for key in counts], list(counts.values()))
    is_converted = np.repeat([key[1] for key in counts], list(counts.values()))
    ones = np.ones(2000)
    found = estimate_effect(np.full(2000, 0.2), is_treated, is_converted, ones)
    together = 300 * 800 / (700 * 200)
    assert found.odds_ratio == pytest.approx(together ** (1 / seen), rel=1e-3)
    error = np.sqrt(1 / 300 + 1 / 700 + 1 / 200 + 1 / 800)
    assert found.standard_error == pytest.approx(error / seen, rel=1e-3)
    # and so a plan for shoppers of that chance counts with what was counted
    nudged = Economics().nudged(np.array([0.2]), found.odds_ratio)
    assert nudged == pytest.approx(shift_odds(0.2, together), rel=1e-3)
    # what a delay leaves of an effect is no part of it
    late = estimate_effect(np.full(2000, 0.2), is_treated, is_converted, 0.8 * ones)
    assert late.odds_ratio == pytest.approx(found.odds_ratio / 0.8, rel=1e-3)


def test_an_arm_without_anybody_says_nothing_and_one_without_buyers_next_to_nothing():
    nobody = np.zeros(4, dtype=bool)
    half = np.array([True, True, False, False])
    p_buy, ones = np.full(4, 0.2), np.ones(4)
    assert estimate_effect(p_buy, nobody, half, ones) is None
    assert estimate_effect(p_buy, ~nobody, half, ones) is None
    assert estimate_effect(np.array([]), np.array([]), np.array([]), np.array([])) is None
    found = estimate_effect(p_buy, half, half, ones)
    assert np.isfinite(found.odds_ratio)
    assert found.weight() < 0.02


def test_an_estimate_moves_what_was_assumed_by_how_sure_it_is():
    sure, half, unsure = (Estimate(np.log(2.0), error) for error in (0.001, 0.3, 30.0))
    assert sure.shrunk(1.2) == pytest.approx(2.0, abs=1e-3)
    assert half.weight() == pytest.approx(0.5)
    assert half.shrunk(1.2) == pytest.approx(np.sqrt(2.0 * 1.2))
    assert unsure.shrunk(1.2) == pytest.approx(1.2, abs=1e-3)
    assert half.interval == pytest.approx((2 * np.exp(-0.588), 2 * np.exp(0.588)), abs=1e-3)
