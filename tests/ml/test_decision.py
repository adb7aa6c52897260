from datetime import timedelta
from decimal import Decimal
from statistics import NormalDist

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.calibration import sigmoid
from ml.economics import UNSEEN_SD, Economics, shift_odds, unseen_share
from tests.ml.carts import AS_OF, decided

LIKELY, FENCE, UNLIKELY = "likely_to_purchase", "on_the_fence", "unlikely_to_purchase"


@pytest.mark.parametrize(
    ("p_buy", "value", "action", "gain", "segment"),
    [
        # Margin 30, discount 5. Own chances about a half are 0.2931 of the variance of buying:
        # odds 1 -> 1.15^0.7069, p' = 0.52468; (p' - 0.5) x 30 - 0.05.
        (0.5, 100, "reminder", "0.6904", FENCE),
        # About 0.1 a share of 0.1886: odds 1/9 -> 1.5^0.8114 / 9, p' = 0.13375; p' x 25 - 0.1 x 30
        # - 0.05; a reminder would gain 0.2704.
        (0.1, 100, "incentive", "0.2937", FENCE),
        # p' = 0.95544: 0.00544 x 6 is less than the reminder costs.
        (0.95, 20, "nothing", "0.0000", LIKELY),
        (0.95, 100, "reminder", "0.1131", FENCE),  # the same chance, a cart worth it
        (0.02, 5, "nothing", "0.0000", UNLIKELY),
        (0.49, None, "nothing", "0.0000", LIKELY),  # no value, no gain; above 1/(1 + sqrt 1.15)
        (0.48, None, "nothing", "0.0000", UNLIKELY),
        (0.0, 100, "nothing", "0.0000", UNLIKELY),
        (1.0, 100, "nothing", "0.0000", LIKELY),
    ],
)
def test_the_action_with_the_highest_expected_gain_is_chosen(p_buy, value, action, gain, segment):
    value = None if value is None else Decimal(value)
    row = decided([{"p_abandon": 1 - p_buy, "cart_value_base": value}]).row(0, named=True)
    assert row["best_action"] == action
    assert row["expected_gain"] == Decimal(gain)
    assert row["segment"] == segment


def test_a_cart_of_unknown_value_is_taken_to_be_worth_the_typical_order():
    rows = [
        {"cart_value_base": None},
        {"cart_value_base": Decimal(100)},
        {"cart_value_base": Decimal(0)},
    ]
    result = decided(rows, typical_value=Decimal(100))
    assert result["expected_gain"].to_list() == [Decimal("0.6904"), Decimal("0.6904"), Decimal(0)]


def test_a_cart_whose_value_lacks_a_rate_is_left_alone_and_comes_last():
    rows = [
        {"cart_value_base": None, "is_rate_lacking": True, "p_abandon": 0.9},
        {"cart_value_base": Decimal(1), "p_abandon": 0.999},
        {"cart_value_base": None, "is_rate_lacking": True, "p_abandon": 0.1},
        {"cart_value_base": Decimal(900)},
    ]
    # what is known of it is not replaced by the typical order
    result = decided(rows, typical_value=Decimal(500))
    assert result["expected_gain"].to_list()[::2] == [None, None]
    assert result["best_action"].to_list() == ["nothing", "nothing", "nothing", "reminder"]
    assert result["segment"].to_list() == [UNLIKELY, UNLIKELY, LIKELY, FENCE]
    assert result["contact_not_before"].to_list()[::2] == [None, None]
    assert result.sort("priority_rank")["cart_id"].to_list() == ["c3", "c1", "c0", "c2"]


def test_of_equal_carts_the_one_touched_last_comes_first():
    rows = [{"last_touched_at": AS_OF - timedelta(hours=h)} for h in (5, 2, 9)]
    assert decided(rows)["priority_rank"].to_list() == [2, 1, 3]


def test_equal_gains_go_to_the_cheaper_action():
    free = Economics(reminder_cost=0, incentive_cost=0, incentive_rate=0, reminder_odds_ratio=1.5)
    assert decided([{}], free)["best_action"].item() == "reminder"
    worthless = Economics(margin_rate=0, reminder_cost=0, incentive_cost=0, incentive_rate=0)
    assert decided([{}], worthless)["best_action"].item() == "nothing"


def test_rank_is_by_gain_then_value_then_cart():
    rows = decided(
        [
            {"cart_id": "b", "p_abandon": 0.05, "cart_value_base": Decimal(10)},
            {"cart_id": "a", "p_abandon": 0.05, "cart_value_base": Decimal(10)},
            {"cart_id": "c", "p_abandon": 0.05, "cart_value_base": Decimal(11)},
            {"cart_id": "d", "p_abandon": 0.05, "cart_value_base": None},
            {"cart_id": "e", "p_abandon": 0.5, "cart_value_base": Decimal(50)},
            {"cart_id": "f", "p_abandon": 0.5, "cart_value_base": Decimal(60)},
        ]
    )
    assert rows["cart_id"].to_list() == list("bacdef")  # the order is left alone
    assert rows.sort("priority_rank")["cart_id"].to_list() == list("fecabd")


def test_the_odds_are_shifted_not_the_probability():
    assert shift_odds(np.array([0.0, 0.2, 0.5, 1.0]), 1.5) == pytest.approx([0, 3 / 11, 0.6, 1])


def test_the_chance_that_a_reminder_moves_most_is_of_the_mean_of_shoppers_alike():
    # of one shopper's own it is 1 / (1 + sqrt(odds ratio)): .483, .449 and a third
    found = [Economics(reminder_odds_ratio=ratio).most_persuadable for ratio in (1.15, 1.5, 4)]
    assert found == pytest.approx([0.486, 0.458, 0.357])
    assert Economics(reminder_odds_ratio=1).most_persuadable == 0.5


def test_of_shoppers_alike_an_odds_ratio_moves_the_mean_by_less():
    """Beside the mean of many own chances, at every level to which the odds of all fall or rise."""
    quantiles = NormalDist().inv_cdf
    own_log_odds = UNSEEN_SD * np.array([quantiles((i + 0.5) / 20_000) for i in range(20_000)])
    for level in (-6.0, -4.0, -2.0, 0.0, 1.0):
        own = sigmoid(level + own_log_odds)
        mean = own.mean()
        assert unseen_share(mean) == pytest.approx(own.var() / (mean * (1 - mean)), abs=1e-3)
        for odds_ratio in (0.8, 1.15, 1.5):
            together = shift_odds(own, odds_ratio).mean()
            said = Economics().nudged(np.array([mean]), odds_ratio).item()
            # not of the chance, of what the nudge does to it
            assert said - mean == pytest.approx(together - mean, rel=0.03)
            assert abs(together - mean) < abs(shift_odds(mean, odds_ratio) - mean)
    assert unseen_share(np.array([0.0, 1.0])).tolist() == [0, 0]
    assert Economics().nudged(np.array([0.0, 1.0]), 1.5).tolist() == [0, 1]


def test_at_the_chance_of_a_filled_cart_own_chances_are_spread_as_by_greatest_entropy():
    quantiles = (np.arange(100_000) + 0.5) / 100_000
    # a truncated exponential distribution of mean a quarter
    own = -np.log1p(-quantiles * -np.expm1(-3.59)) / 3.59
    assert own.mean() == pytest.approx(0.25, abs=1e-3)
    assert unseen_share(0.25) == pytest.approx(own.var() / (0.25 * 0.75), abs=0.01)


def test_the_return_window_is_the_first_by_which_a_return_is_more_likely_than_not():
    names = [f"p_return_{h}h" for h in (4, 8, 24, 72, 168)]
    steps = [(0.6, 0.7, 0.8, 0.9, 0.9), (0.1, 0.51, 0.6, 0.7, 0.8), (0.1, 0.2, 0.5, 0.6, 0.7)]
    steps += [(0.1, 0.2, 0.3, 0.4, 0.6), (0.1, 0.2, 0.3, 0.4, 0.5)]
    rows = decided([dict(zip(names, step, strict=True)) for step in steps])
    assert rows["return_window"].to_list() == ["4h", "8h", "72h", "168h", "later"]


def test_no_carts_make_no_decisions():
    empty = decided([])
    assert empty.is_empty()
    assert empty.schema["expected_gain"] == pl.Decimal(18, 4)
    assert empty.schema["best_action"] == pl.String


def test_a_mistyped_price_does_not_stop_the_hour():
    rows = decided([{"cart_value_base": Decimal(10) ** 30}, {}])
    assert rows["priority_rank"].to_list() == [1, 2]
    assert rows["expected_gain"][0] == Decimal("100000000000.0000")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Economics(margin_rate=1.1), "margin_rate is 1.1, it must be between 0 and 1"),
        (lambda: Economics(reminder_cost=-1), "reminder_cost is -1, it must be 0 or more"),
        (
            lambda: Economics(incentive_odds_ratio=float("nan")),
            "incentive_odds_ratio is nan, it must be more than 0",
        ),
        (lambda: decided([{"p_abandon": None}]), r"p_abandon must be in \[0, 1\] in every row"),
        (lambda: decided([{"p_abandon": float("nan")}]), "p_abandon must be"),
        (lambda: decided([{"p_return_8h": 1.1}]), "p_return_8h must be"),
    ],
)
def test_values_out_of_range_are_refused_in_one_line(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_no_fixed_cut_off_gains_what_the_rule_gains_before_or_after_chances_fall():
    rng = np.random.default_rng(9)
    costly = Economics(reminder_cost=0.5, incentive_cost=0.5)
    value = rng.uniform(5, 150, 5000)
    for p_buy in (rng.beta(2, 4, 5000), rng.beta(2, 12, 5000)):
        gains = costly.gains(p_buy, value)
        rule = gains.max(axis=1).sum()
        for cut in (0.0, 0.5, 0.7, 0.9):
            reminded = np.where(1 - p_buy >= cut, gains[:, 1], 0.0).sum()
            assert reminded < 0.95 * rule


cart_rows = st.lists(
    st.fixed_dictionaries(
        {
            "p_abandon": st.floats(0, 1),
            "cart_value_base": st.none() | st.decimals(0, 100_000, places=2),
        }
    ),
    min_size=1,
    max_size=20,
)
economics = st.builds(
    Economics,
    margin_rate=st.floats(0, 1),
    reminder_cost=st.floats(0, 5),
    incentive_cost=st.floats(0, 5),
    incentive_rate=st.floats(0, 1),
    reminder_odds_ratio=st.floats(0.2, 5),
    incentive_odds_ratio=st.floats(0.2, 5),
)


@settings(max_examples=60, deadline=None)
@given(cart_rows, economics)
def test_decisions_hang_together_whatever_the_carts_and_the_economics(rows, economics):
    result = decided(rows, economics)
    acts = result["best_action"] != "nothing"
    assert (acts == (result["segment"] == FENCE)).all()
    assert (acts == result["contact_not_before"].is_not_null()).all()
    assert (acts == (result["expected_gain"] > 0)).all()
    assert (result["expected_gain"] >= 0).all()
    assert sorted(result["priority_rank"]) == list(range(1, len(rows) + 1))
    by_rank = result.sort("priority_rank")["expected_gain"].to_list()
    assert by_rank == sorted(by_rank, reverse=True)
    assert (result["contact_not_before"].drop_nulls() >= AS_OF).all()
