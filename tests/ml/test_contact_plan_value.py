"""What plans earn in the simulated shop, by its truth: heavy, as it simulates a shop.

Belongs here: the rule of the plan, given the true chances, beside rules without a plan. Not here:
how near a model's chances come to the true ones.
"""

from functools import cache

import numpy as np
import polars as pl
import pytest

from tests.ml.simulated_carts import ECONOMICS, Carts

SEEDS = (1, 2, 3, 4, 5)


@cache
def earned(seed: int) -> tuple[float, dict[str, float]]:
    """What the plan earns in a shop by the truth, and what each rule without a plan does."""
    carts = Carts(seed)
    action, _, gain, plans = carts.planned()
    others = {"nothing": 0.0}
    p_abandon = 1 - carts.p_buy(24)
    for hours in (1, 24, 72):
        reminded = carts.true_gain(1, hours)
        others[f"everyone at {hours}"] = reminded.sum()
        for cut in (0.5, 0.7, 0.9):
            others[f"{cut} at {hours}"] = reminded[p_abandon >= cut].sum()
        dearest = np.argsort(-carts.value)[: np.count_nonzero(action)]
        others[f"dearest at {hours}"] = reminded[dearest].sum()
    # the same economics on the right chances, all at one time
    for hours in (24.0, 72.0):
        chosen = ECONOMICS.gains(carts.p_buy(hours), carts.value).argmax(axis=1)
        others[f"economics at {hours:.0f}"] = sum(
            carts.true_gain(number, hours)[chosen == number].sum() for number in (1, 2)
        )
    print(f"seed {seed}: {len(action)} carts, plan {gain.sum():.1f}", others)
    # what was said of the planned times, by the truth
    said = plans["expected_gain"].cast(pl.Float64).sum()
    print("said over true", round(said / gain.sum(), 3))
    return gain.sum(), others


@pytest.mark.heavy
@pytest.mark.parametrize("seed", SEEDS)
def test_a_plan_by_the_true_chances_earns_more_than_any_rule_that_knows_none(seed):
    plan, others = earned(seed)
    assert plan > max(gain for rule, gain in others.items() if not rule.startswith("economics"))


@pytest.mark.heavy
@pytest.mark.parametrize("rule", ["economics at 24", "economics at 72"])
def test_it_earns_more_than_its_own_economics_at_one_time(rule):
    """Over all shops: each person's own effect is as unknown to the plan as to the rule, so that
    in one shop of 1,900 carts chance decides between nearly the same contacts."""
    results = [earned(seed) for seed in SEEDS]
    assert sum(plan for plan, _ in results) > sum(others[rule] for _, others in results)
