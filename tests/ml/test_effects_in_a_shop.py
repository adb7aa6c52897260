"""The measured effect of reminders in the simulated shop, beside the effect that was planted there.

Belongs here: plans, arms and outcomes of the shop, and what is estimated from them. Not here: the
estimate against published figures and made-up arms (test_effects.py).
"""

import numpy as np
import polars as pl
import pytest

from data.shop_law import delay_log_odds
from ml.economics import ACTIONS, shift_odds
from ml.effects import Estimate, estimate_effect
from ml.holdout import HOLDOUT, Draw
from tests.ml.simulated_carts import LAW, TIMING, Carts

VISITORS = 12_000
SHARE = 0.1
# How far a model's log odds are from the true ones.
MODEL_ERROR = 0.7


def measured(seed: int) -> tuple[Estimate, float]:
    """What is estimated after a shop's reminders, and the planted odds ratio of those people.

    Each person's own effect is drawn by the shop's law; theirs together is the geometric mean.
    """
    carts = Carts(seed, visitors=VISITORS)
    action, hours, _, _ = carts.planned()
    rows = (
        carts.frame.with_row_index("row")
        .with_columns(action=pl.Series(action))
        .filter(action=ACTIONS.index("reminder"))
        .unique("person_id", keep="first", maintain_order=True)
    )
    first = rows["row"].to_numpy()
    draw = Draw(f"key {seed}".encode(), SHARE)
    is_treated = np.array(draw.arms(rows["person_id"].cast(pl.String))) != HOLDOUT
    p_buy = carts.p_buy(hours)[first]
    own = np.log(carts.odds_ratios[0][first])
    nudge = own + delay_log_odds(LAW, hours[first])
    rng = np.random.default_rng(seed)
    chance = shift_odds(p_buy, np.exp(np.where(is_treated, nudge, 0.0)))
    is_converted = rng.random(first.size) < chance
    predicted = shift_odds(p_buy, np.exp(rng.normal(0.0, MODEL_ERROR, first.size)))
    delay = TIMING.delay_odds_ratio(hours[first])
    found = estimate_effect(predicted, is_treated, is_converted, delay)
    assert found is not None
    return found, float(np.exp(own.mean()))


def covered(seeds: range) -> int:
    return sum(
        found.interval[0] <= planted <= found.interval[1] for found, planted in map(measured, seeds)
    )


def test_the_effect_in_a_shop_is_estimated_with_an_interval_that_has_the_planted_one():
    found, planted = measured(1)
    low, high = found.interval
    assert low < planted < high
    # a tenth is held out of some four hundred people: nobody may call that sure
    assert found.weight() < 0.5
    assert 1.05 < planted < 1.3


@pytest.mark.heavy
@pytest.mark.timeout(1800)
def test_the_planted_effect_of_a_shop_is_covered_in_nine_of_ten():
    count = covered(range(100))
    print(f"covered in {count} of 100 shops")
    # of intervals that are far too wide all cover
    assert 90 <= count <= 99
