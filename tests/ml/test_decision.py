from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.decision import ContactTiming, Economics, decide, is_held_out, shift_odds

AS_OF = datetime.fromisoformat("2026-03-10T12:00")
KEY = b"a secret of the shop"
PERSON_1 = 0xA2597FAEC11A72C8 / 2**64
LIKELY, FENCE, UNLIKELY = "likely_to_purchase", "on_the_fence", "unlikely_to_purchase"


def carts(rows: list[dict]) -> pl.DataFrame:
    """Carts with what a row says, and else an hour idle, nobody known, back within the day."""
    usual = {
        "owner_id": None,
        "as_of": AS_OF,
        "last_touched_at": AS_OF - timedelta(hours=1),
        "session_ended_at": AS_OF - timedelta(hours=1),
        "cart_value": Decimal(100),
        "p_abandon": 0.5,
        "p_return_4h": 0.1,
        "p_return_8h": 0.2,
        "p_return_24h": 0.6,
        "p_return_72h": 0.7,
        "p_return_168h": 0.8,
        "return_share_hours": 10.0,
    }
    return pl.DataFrame(
        [{"cart_id": f"c{i}", "visitor_id": f"v{i}"} | usual | row for i, row in enumerate(rows)],
        schema_overrides={
            "owner_id": pl.String,
            "cart_value": pl.Decimal(38, 4),
            "last_touched_at": pl.Datetime("us"),
            "session_ended_at": pl.Datetime("us"),
            "return_share_hours": pl.Float64,
        },
        infer_schema_length=None,
    )


# Five cents a contact, so that the sums below can be followed.
CHEAP = Economics(reminder_cost=0.05, incentive_cost=0.05)


def decided(rows: list[dict], economics: Economics = CHEAP, **settings_) -> pl.DataFrame:
    return decide(carts(rows), economics, holdout_key=KEY, **settings_)


@pytest.mark.parametrize(
    ("p_buy", "value", "action", "gain", "segment"),
    [
        # Margin 30, discount 5. Odds 1 -> 1.15: p' = 1.15/2.15; (p' - 0.5) x 30 - 0.05.
        (0.5, 100, "reminder", "0.9965", FENCE),
        # Odds 1/9 -> 1/6: p' = 1/7; 25/7 - 0.1 x 30 - 0.05; a reminder would gain 0.3490.
        (0.1, 100, "incentive", "0.5214", FENCE),
        # p' = 1.0925/1.1425: 0.006236 x 6 is less than the reminder costs.
        (0.95, 20, "nothing", "0.0000", LIKELY),
        (0.95, 100, "reminder", "0.1371", FENCE),  # the same chance, a cart worth it
        (0.02, 5, "nothing", "0.0000", UNLIKELY),
        (0.49, None, "nothing", "0.0000", LIKELY),  # no value, no gain; above 1/(1 + sqrt 1.15)
        (0.48, None, "nothing", "0.0000", UNLIKELY),
        (0.0, 100, "nothing", "0.0000", UNLIKELY),
        (1.0, 100, "nothing", "0.0000", LIKELY),
    ],
)
def test_the_action_with_the_highest_expected_gain_is_chosen(p_buy, value, action, gain, segment):
    value = None if value is None else Decimal(value)
    row = decided([{"p_abandon": 1 - p_buy, "cart_value": value}]).row(0, named=True)
    assert row["best_action"] == action
    assert row["expected_gain"] == Decimal(gain)
    assert row["segment"] == segment


def test_a_cart_of_unknown_value_is_taken_to_be_worth_the_typical_order():
    rows = [{"cart_value": None}, {"cart_value": Decimal(100)}, {"cart_value": Decimal(0)}]
    result = decided(rows, typical_value=Decimal(100))
    assert result["expected_gain"].to_list() == [Decimal("0.9965"), Decimal("0.9965"), Decimal(0)]


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
            {"cart_id": "b", "p_abandon": 0.05, "cart_value": Decimal(10)},
            {"cart_id": "a", "p_abandon": 0.05, "cart_value": Decimal(10)},
            {"cart_id": "c", "p_abandon": 0.05, "cart_value": Decimal(11)},
            {"cart_id": "d", "p_abandon": 0.05, "cart_value": None},
            {"cart_id": "e", "p_abandon": 0.5, "cart_value": Decimal(50)},
            {"cart_id": "f", "p_abandon": 0.5, "cart_value": Decimal(60)},
        ]
    )
    assert rows["cart_id"].to_list() == list("bacdef")  # the order is left alone
    assert rows.sort("priority_rank")["cart_id"].to_list() == list("fecabd")


def test_the_odds_are_shifted_not_the_probability():
    assert shift_odds(np.array([0.0, 0.2, 0.5, 1.0]), 1.5) == pytest.approx([0, 3 / 11, 0.6, 1])
    at = Economics(reminder_odds_ratio=4).most_movable
    p = np.linspace(0.01, 0.99, 99)
    assert p[np.argmax(shift_odds(p, 4) - p)] == pytest.approx(at, abs=0.005)
    assert at == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("ended_hours_ago", "share_hours", "contact_in_hours"),
    [
        (1.0, 10.0, 23.0),  # most are back in 10 hours: the floor of 24 hours rules
        (1.0, 40.0, 40.0),  # most are back in 40 hours
        (1.0, 100.0, 71.0),  # not later than 72 hours after the session
        (30.0, 20.0, 20.0),
        (100.0, 60.0, 0.0),  # all waiting is over
        (30.0, None, 0.0),  # nobody left who would come back unasked
        (30.0, float("nan"), 0.0),
        (1.0, None, 23.0),
    ],
)
def test_contact_waits_for_the_floor_and_for_those_who_come_back_unasked(
    ended_hours_ago, share_hours, contact_in_hours
):
    ended = AS_OF - timedelta(hours=ended_hours_ago)
    row = decided([{"session_ended_at": ended, "return_share_hours": share_hours}])
    assert row["contact_not_before"].item() == AS_OF + timedelta(hours=contact_in_hours)


def test_contact_is_rounded_up_to_the_minute_and_null_for_nothing():
    ended = AS_OF - timedelta(minutes=59, seconds=59, microseconds=999_999)
    row = decided([{"session_ended_at": ended}, {"cart_value": None}])
    assert row["contact_not_before"].to_list() == [AS_OF + timedelta(hours=23, minutes=1), None]


def test_settings_of_the_timing_are_followed():
    timing = ContactTiming(floor_hours=2, cap_hours=5)
    row = decided([{"return_share_hours": 10.0}], timing=timing)
    assert row["contact_not_before"].item() == AS_OF + timedelta(hours=4)


def test_the_return_window_is_the_first_by_which_a_return_is_more_likely_than_not():
    names = [f"p_return_{h}h" for h in (4, 8, 24, 72, 168)]
    steps = [(0.6, 0.7, 0.8, 0.9, 0.9), (0.1, 0.51, 0.6, 0.7, 0.8), (0.1, 0.2, 0.5, 0.6, 0.7)]
    steps += [(0.1, 0.2, 0.3, 0.4, 0.6), (0.1, 0.2, 0.3, 0.4, 0.5)]
    rows = decided([dict(zip(names, step, strict=True)) for step in steps])
    assert rows["return_window"].to_list() == ["4h", "8h", "72h", "168h", "later"]


def test_the_holdout_is_its_share_and_stays_the_same_for_everyone():
    people = pl.Series([f"person {i}" for i in range(20_000)])
    held_out = is_held_out(people, key=KEY, share=0.05)
    assert held_out.mean() == pytest.approx(0.05, abs=0.005)
    assert is_held_out(people.reverse(), key=KEY, share=0.05).equals(held_out.reverse())
    wider = is_held_out(people, key=KEY, share=0.1)
    assert (wider | ~held_out).all()  # a larger share adds people and frees none
    other = is_held_out(people, key=b"another secret", share=0.05)
    assert (held_out & other).mean() < 0.01
    # printf 'person 1' | openssl dgst -sha256 -hmac 'a secret of the shop', first 16 digits / 2^64
    assert is_held_out(pl.Series(["person 1"]), key=KEY, share=PERSON_1 + 1e-9).item()
    assert not is_held_out(pl.Series(["person 1"]), key=KEY, share=PERSON_1 - 1e-9).item()


def test_the_carts_of_one_owner_are_held_out_together():
    rows = [{"owner_id": "u1"}, {"owner_id": "u1"}, {"visitor_id": "u1"}]
    for share in np.linspace(0, 1, 21):
        held_out = decided(rows, holdout_share=float(share))["is_holdout"]
        assert held_out.n_unique() == 1


def test_all_or_nobody_may_be_held_out():
    assert decided([{}, {}], holdout_share=0.0)["is_holdout"].to_list() == [False, False]
    assert decided([{}, {}], holdout_share=1.0)["is_holdout"].to_list() == [True, True]


def test_no_carts_make_no_decisions():
    empty = decide(carts([{}]).clear(), Economics(), holdout_key=KEY)
    assert empty.is_empty()
    assert empty.schema["expected_gain"] == pl.Decimal(18, 4)
    assert empty.schema["best_action"] == pl.String


def test_a_mistyped_price_does_not_stop_the_hour():
    rows = decided([{"cart_value": Decimal(10) ** 30}, {}])
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
        (lambda: ContactTiming(floor_hours=90), "0 <= floor_hours <= cap_hours"),
        (lambda: ContactTiming(returned_share=1), r"returned_share is 1, it must lie in \(0, 1\)"),
        (lambda: decided([{"p_abandon": None}]), r"p_abandon must be in \[0, 1\] in every row"),
        (lambda: decided([{"p_abandon": float("nan")}]), "p_abandon must be"),
        (lambda: decided([{"p_return_8h": 1.1}]), "p_return_8h must be"),
        (lambda: is_held_out(pl.Series(["a"]), key=b"", share=0.1), "the holdout key is empty"),
        (lambda: decided([{}], holdout_share=5), "holdout_share is 5, it must be between 0 and 1"),
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
            "cart_value": st.none() | st.decimals(0, 100_000, places=2),
            "return_share_hours": st.none() | st.floats(0, 168),
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
