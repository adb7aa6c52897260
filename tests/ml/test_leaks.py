"""Planted leaks are caught, honest features pass."""

import numpy as np
import pytest

from ml.intervals import GROUPS
from ml.leaks import Rows, leaks

COUNT = 6_000
NAMES = ("interest", "idle", "planted")


def shop(seed: int = 1) -> tuple[np.random.Generator, np.ndarray, np.ndarray, np.ndarray]:
    """Interest that tells an honest lot, hours idle, and who buys: about one in five."""
    rng = np.random.default_rng(seed)
    interest, idle = rng.normal(size=COUNT), rng.choice([0.0, 1.0, 24.0, 72.0], COUNT)
    logit = -1.6 + 1.2 * interest - 0.3 * np.log1p(idle) / 2
    return rng, interest, idle, (rng.uniform(size=COUNT) < 1 / (1 + np.exp(-logit))).astype(float)


def rows(*columns: np.ndarray, idle: np.ndarray) -> Rows:
    strata = np.searchsorted([0.0, 1.0, 24.0], idle)
    count = len(idle)
    return Rows(np.column_stack(columns), np.ones(count), strata, np.arange(count) % GROUPS)


def found(planted: np.ndarray, scored_planted: np.ndarray | None = None, seed: int = 1) -> list:
    _, interest, idle, bought = shop(seed)
    learned = rows(interest, idle, planted, idle=idle)
    if scored_planted is None:
        return leaks(NAMES, learned, bought)
    # carts of an hour are idle longer than those that are learned from, and mostly not at once
    rng = np.random.default_rng(seed + 100)
    now = rng.choice([1.0, 24.0, 72.0], COUNT, p=[0.1, 0.3, 0.6])
    scored = rows(rng.normal(size=COUNT), now, scored_planted, idle=now)
    return leaks(NAMES, learned, bought, scored, COUNT)


def test_a_copy_of_the_label_is_caught():
    *_, bought = shop()
    assert found(bought) == ["planted alone has an AUC of 1.00, surely above 0.8"]
    # in other words, with gaps
    rng, *_ = shop()
    assert len(found(np.where(rng.uniform(size=COUNT) < 0.1, np.nan, 5 - 3 * bought))) == 1


def test_a_column_like_page_values_is_caught():
    """0.806 of the buyers and 0.114 of the others have any, as in the public data set."""
    rng, *_, bought = shop()
    has_any = rng.uniform(size=COUNT) < np.where(bought > 0, 0.806, 0.114)
    value = np.where(has_any, rng.gamma(1.5, 20 + 20 * bought), 0.0)
    (clause,) = found(value)
    assert clause.startswith("planted alone has an AUC of 0.8")


@pytest.mark.parametrize("often", [3.0, 1.0])
def test_a_count_that_looks_ahead_is_caught(often):
    """Also where it tells little by itself: at the hour that is scored nothing came after."""
    rng, *_, bought = shop()
    ahead = rng.poisson(np.where(bought > 0, often + 0.3, 0.3)).astype(float)
    (clause,) = found(ahead, np.zeros(COUNT))
    assert clause.startswith("planted alone" if often == 3.0 else "the values of planted that tell")


@pytest.mark.parametrize("seed", range(10))
def test_an_honest_shop_passes(seed):
    """With a count that grows with the log, and an hour of the day that is one when scoring."""
    rng, *_, bought = shop(seed)
    visits = rng.poisson(3 + 2 * bought).astype(float)
    assert found(visits, rng.poisson(5, COUNT).astype(float), seed) == []
    clock = rng.integers(0, 24, COUNT) + 0.0
    assert found(clock, np.full(COUNT, 13.0), seed) == []
    assert found(np.full(COUNT, np.nan), np.full(COUNT, np.nan), seed) == []


def test_idle_time_differs_between_learned_and_scored_and_is_no_leak():
    """Most purchases follow at once, and few carts of an hour were touched just now."""
    rng = np.random.default_rng(4)
    idle = rng.choice([0.0, 1.0, 24.0, 72.0], COUNT)
    rate = np.where(idle == 0, 0.6, 0.05)
    bought = (rng.uniform(size=COUNT) < rate).astype(float)
    now = rng.choice([24.0, 72.0], COUNT)
    learned, scored = rows(idle, idle=idle), rows(now, idle=now)
    assert leaks(["idle"], learned, bought, scored, COUNT) == []


def test_of_few_people_nothing_is_said_to_be_missing():
    rng, *_, bought = shop()
    ahead = rng.poisson(np.where(bought > 0, 1.3, 0.3)).astype(float)
    _, interest, idle, _ = shop()
    learned = rows(interest, idle, ahead, idle=idle)
    few = rows(interest[:9], idle[:9], np.zeros(9), idle=idle[:9])
    assert leaks(NAMES, learned, bought, few, 9) == []
