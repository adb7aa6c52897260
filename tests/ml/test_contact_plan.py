"""The plan of contact: which time and action, and that it is kept."""

from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.contact_plan import advice, lapsed, last_seen, was_contacted
from ml.contact_timing import ContactTiming
from ml.decision import decide, segment_after_contacts
from ml.economics import shift_odds, unseen_share
from tests.ml.carts import AS_OF, CHEAP, advised, planned, to_keep

ENDED = AS_OF - timedelta(hours=1)
# A harmful first hours, then best from a day on.
TIMING = ContactTiming(delay_odds_ratios=((1.0, 0.8), (24.0, 1.0)))


def hour(number: float) -> datetime:
    """So many hours after the session's end."""
    return ENDED + timedelta(hours=number)


def row_at(hours: float, **values) -> dict:
    """A cart of the session that ended at ENDED, so many hours later."""
    return {
        "as_of": hour(hours),
        "session_ended_at": ENDED,
        "last_touched_at": ENDED,
        **values,
    }


def test_the_time_of_the_greatest_gain_weighed_by_the_chance_of_being_away_is_planned():
    # chance of buying a half at all times, value 100, margin 30, reminder: odds 1 -> 1.15 f(t), and
    # as own chances about a half are .2931 of the variance, to the power .7069
    def gain(effect: float) -> float:
        odds = (1.15 * effect) ** 0.7069
        return (odds / (1 + odds) - 0.5) * 30 - 0.05

    def away(hours: np.ndarray) -> np.ndarray:
        return np.exp(-np.maximum(hours - 1, 0) / 500)

    (row,) = planned([row_at(1)], timing=TIMING, p_buy=lambda _: 0.5, p_away=away).to_dicts()
    assert row["best_action"] == "reminder"
    assert row["contact_not_before"] == hour(24)
    assert row["gain_if_away"] == Decimal(f"{gain(1):.4f}") == Decimal("0.6904")
    assert row["expected_gain"] == Decimal(f"{0.6904 * np.exp(-23 / 500):.4f}") == Decimal("0.6594")
    assert (row["p_away"], row["p_buy"]) == (round(np.exp(-23 / 500), 6), 0.5)
    # at 12 h, a line through the logarithms: f = .8^(12/23); less, though more are still away
    assert gain(0.8 ** (12 / 23)) * np.exp(-11 / 500) < 0.6594
    assert row["contact_valid_until"] == hour(168 + 24)


def test_a_chance_that_falls_is_contacted_earlier_and_the_plan_ends_where_it_gains_nothing():
    # hopeless from 36 h on: a reminder costs more than it gains
    def p_buy(hours: np.ndarray) -> np.ndarray:
        return np.where(hours < 36, 0.4, 0.0)

    (row,) = planned([row_at(1)], timing=TIMING, p_buy=p_buy).to_dicts()
    assert row["contact_not_before"] == hour(24)
    assert row["contact_valid_until"] == hour(36)


def test_who_mostly_comes_back_soon_is_contacted_soon_and_never_before_the_floor():
    def gone(hours: np.ndarray) -> np.ndarray:
        return np.where(hours <= 4, 1.0, 0.05)

    late = ContactTiming(floor_hours=12, delay_odds_ratios=((0.0, 1.0),))
    any_time = ContactTiming(floor_hours=0, delay_odds_ratios=((0.0, 1.0),))
    (early,) = planned([row_at(0.5)], timing=any_time, p_away=gone)["contact_not_before"]
    assert early == hour(0.5)
    (row,) = planned([row_at(0.5)], timing=late, p_away=gone).to_dicts()
    assert row["contact_not_before"] == hour(12)
    assert row["p_away"] == 0.05


def test_within_the_hour_a_reminder_harms_and_is_not_planned():
    only_then = {"floor_hours": 1, "cap_hours": 1}
    (row,) = planned([row_at(1)], timing=ContactTiming(**only_then)).to_dicts()
    assert (row["best_action"], row["expected_gain"]) == ("nothing", 0)
    assert shift_odds(np.array([0.5]), 1.15 * 0.8)[0] < 0.5
    harmless = ContactTiming(**only_then, delay_odds_ratios=((0.0, 1.0),))
    assert planned([row_at(1)], timing=harmless)["best_action"].item() == "reminder"


def test_a_cart_first_met_late_is_planned_from_its_hour_on():
    falling = {"p_buy": lambda hours: np.where(hours < 80, 0.4, 0.1)}
    (row,) = planned([row_at(61.25)], timing=TIMING, **falling).to_dicts()
    assert row["contact_not_before"] == hour(61.25)
    assert row["p_away"] == 1.0


def test_no_time_is_planned_at_which_the_cart_is_not_scored_any_more():
    # worth it at the end of the week only
    late = {"p_buy": lambda hours: np.where(hours < 150, 0.0, 0.5)}
    assert planned([row_at(1)], **late)["contact_not_before"].item() == hour(168)
    touched_before = row_at(1, last_touched_at=ENDED - timedelta(minutes=1))
    (row,) = planned([touched_before], **late).to_dicts()
    assert row["best_action"] == "nothing"
    assert row["expected_gain"] == 0
    assert row["contact_not_before"] is row["contact_valid_until"] is row["p_away"] is None


def test_times_are_rounded_up_to_the_minute():
    ended = ENDED + timedelta(microseconds=1)
    (row,) = planned([row_at(1, session_ended_at=ended)], timing=TIMING).to_dicts()
    assert row["contact_not_before"] == hour(24) + timedelta(minutes=1)


def test_a_plan_is_kept_hour_after_hour_whatever_the_chances_say_later():
    kept = to_keep(planned([row_at(1)], timing=TIMING, p_buy=lambda _: 0.5))
    assert kept.height == 1
    for hours in (2, 23, 24, 25, 100):
        for p_buy in (0.01, 0.9):
            later = planned([row_at(hours)], kept, TIMING, p_buy=lambda _, p=p_buy: p)
            assert to_keep(later).is_empty()
            for name in ("best_action", "contact_not_before", "expected_gain", "p_buy"):
                assert later[name].to_list() == kept[name].to_list()


def test_a_plan_is_made_when_the_session_has_been_over_for_its_gap_and_not_before():
    at_gap = row_at(0.5)
    just_before = row_at(0.5, as_of=hour(0.5) - timedelta(microseconds=1))
    assert planned([just_before])["is_to_keep"].to_list() == [False]
    assert planned([just_before])["best_action"].item() != "nothing"
    assert planned([at_gap])["is_to_keep"].to_list() == [True]


def test_another_absence_has_another_plan():
    kept = to_keep(planned([row_at(1)], timing=TIMING))
    back = row_at(30, session_ended_at=hour(29))
    (row,) = planned([back], kept, TIMING).to_dicts()
    assert (row["contact_not_before"], row["is_to_keep"]) == (hour(29 + 24), True)


def test_another_model_changes_a_plan_that_is_not_due_only_where_the_gain_differs_enough():
    kept = to_keep(planned([row_at(1)], timing=TIMING, p_buy=lambda _: 0.5))
    other = {"abandonment_model": "a2"}
    # the gain of a reminder at .4 is less by 1 %, that of an incentive at .05 by 73 %
    (same,) = planned([row_at(2)], kept, TIMING, p_buy=lambda _: 0.4, **other).to_dicts()
    assert (same["expected_gain"], same["p_buy"]) == (Decimal("0.6904"), 0.5)
    # kept with the name of the model that it was compared with
    assert (same["is_to_keep"], same["abandonment_model"]) == (True, "a2")
    (changed,) = planned([row_at(2)], kept, TIMING, p_buy=lambda _: 0.05, **other).to_dicts()
    assert (changed["best_action"], changed["p_buy"]) == ("incentive", 0.05)
    assert changed["expected_gain"] < Decimal("0.51")
    # due: it stays
    (due,) = planned([row_at(24)], kept, TIMING, p_buy=lambda _: 0.05, **other).to_dicts()
    assert (due["expected_gain"], due["is_to_keep"]) == (Decimal("0.6904"), False)


def test_a_plan_never_recedes_under_another_model():
    kept = to_keep(planned([row_at(1)], timing=TIMING, p_buy=lambda _: 0.5))
    rising = {"p_buy": lambda hours: np.where(hours >= 72, 0.5, 0.05)}
    (row,) = planned([row_at(2)], kept, TIMING, **rising, return_model="r2").to_dicts()
    assert row["contact_not_before"] == hour(24)
    assert row["p_buy"] == 0.05
    earlier = {"p_away": lambda hours: np.where(hours > 12, 0.01, 1.0), "p_buy": lambda _: 0.05}
    (row,) = planned([row_at(2)], kept, TIMING, **earlier, return_model="r2").to_dicts()
    assert row["contact_not_before"] == hour(12)


def test_late_rows_that_change_the_cart_change_its_plan():
    kept = to_keep(planned([row_at(1)], timing=TIMING))
    little = row_at(2, cart_value_base=Decimal(119))
    assert planned([little], kept, TIMING)["is_to_keep"].to_list() == [False]
    (row,) = planned([row_at(2, cart_value_base=Decimal(200))], kept, TIMING).to_dicts()
    assert row["is_to_keep"]
    assert row["expected_gain"] == Decimal("1.4308")  # twice .6904 + .05, less .05


def test_gains_in_another_currency_are_made_again():
    kept = to_keep(planned([row_at(1)], timing=TIMING, p_buy=lambda _: 0.5))
    (row,) = planned(
        [row_at(30)], kept, TIMING, p_buy=lambda _: 0.4, reporting_currency="USD"
    ).to_dicts()
    assert (row["p_buy"], row["is_to_keep"]) == (0.4, True)
    # it was due before, and stays so
    assert row["contact_not_before"] == hour(24)


def test_without_a_rate_nothing_is_planned_until_there_is_one():
    kept = to_keep(planned([row_at(1)], timing=TIMING))
    lacking = row_at(2, is_rate_lacking=True, cart_value_base=None)
    (row,) = planned([lacking], kept, TIMING).to_dicts()
    assert (row["best_action"], row["expected_gain"], row["is_to_keep"]) == ("nothing", None, False)
    assert planned([row_at(3)], kept, TIMING)["contact_not_before"].item() == hour(24)


def test_a_plan_whose_time_has_passed_advises_nothing():
    falling = {"p_buy": lambda hours: np.where(hours < 36, 0.4, 0.0)}
    kept = to_keep(planned([row_at(1)], timing=TIMING, **falling))
    (row,) = advised(planned([row_at(35.99)], kept, TIMING)).to_dicts()
    assert (row["best_action"], row["contact_valid_until"]) == ("reminder", hour(36))
    (row,) = advised(planned([row_at(36)], kept, TIMING)).to_dicts()
    assert (row["best_action"], row["expected_gain"]) == ("nothing", 0)
    assert row["contact_not_before"] is row["contact_valid_until"] is None


def test_a_contact_that_happened_ends_its_plan_and_leaves_the_segment():
    kept = to_keep(planned([row_at(1)], timing=TIMING))
    due = kept["contact_not_before"].item()
    is_over = lapsed() | was_contacted()

    def at_hour(contacted_at: datetime | None) -> dict:
        plans = planned([row_at(30)], kept, TIMING).with_columns(
            contacted_at=pl.lit(contacted_at).cast(pl.Datetime("us"))
        )
        done = plans.with_columns(*advice(is_over), was_contacted=was_contacted())
        (row,) = decide(done, CHEAP).with_columns(segment_after_contacts()).to_dicts()
        return row

    for contacted_at in (None, due - timedelta(microseconds=1)):
        row = at_hour(contacted_at)
        assert (row["best_action"], row["segment"]) == ("reminder", "on_the_fence")
    row = at_hour(due)
    assert (row["best_action"], row["expected_gain"]) == ("nothing", 0)
    assert (row["segment"], row["contact_not_before"]) == ("on_the_fence", None)


def test_a_shopper_is_away_since_they_were_last_active_on_any_device():
    rows = [row_at(5), row_at(5), row_at(5)]
    seen = pl.DataFrame(rows).with_columns(
        owner_idle_hours=pl.Series([None, 1.0 + 1e-7, 9.0]), as_of=pl.lit(hour(5))
    )
    assert seen.select(last_seen()).to_series().to_list() == [
        hour(0),
        hour(4) - timedelta(microseconds=360),
        hour(0),
    ]


def plain_plan(
    elapsed: float, value: float, p_buy: list[float], p_away: list[float], timing: ContactTiming
) -> tuple[str, float, float]:
    """The rule, cart by cart and time by time: action, hours, gain."""
    best = ("nothing", 0.0, 0.0)
    times = [elapsed, *timing.grid_hours]
    for hours, buys, away in zip(times, p_buy, p_away, strict=True):
        if hours < elapsed or not timing.floor_hours <= hours <= timing.cap_hours:
            continue
        effect = float(timing.delay_odds_ratio(np.array([hours]))[0])
        odds = buys / (1 - buys)
        for action, ratio, discount in (("reminder", 1.15, 0.0), ("incentive", 1.5, 0.05)):
            own = (ratio * effect) ** float(1 - unseen_share(np.array(buys)))
            nudged = odds * own / (1 + odds * own)
            gain = nudged * value * (0.3 - discount) - buys * value * 0.3 - 0.05
            if round(away * round(gain, 4), 4) > best[2]:
                best = (action, hours, round(away * round(gain, 4), 4))
    return best


COUNT = 1 + len(TIMING.grid_hours)
some_chances = st.lists(st.floats(0.01, 0.99), min_size=COUNT, max_size=COUNT)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0.5, 167), st.floats(1, 500), some_chances, some_chances),
        min_size=1,
        max_size=5,
    )
)
def test_plans_are_those_of_a_plain_reference(rows):
    elapsed = [round(hours * 3600) / 3600 for hours, *_ in rows]
    ended = [AS_OF - timedelta(seconds=round(hours * 3600)) for hours, *_ in rows]
    frame = [
        {
            "session_ended_at": end,
            "last_touched_at": end,
            "cart_value_base": Decimal(f"{value:.2f}"),
        }
        for end, (_, value, _, _) in zip(ended, rows, strict=True)
    ]
    times = iter(range(2 * COUNT))

    def buys(_: np.ndarray) -> np.ndarray:
        number = next(times)
        return np.array([row[2][number] for row in rows])

    numbers = iter(range(COUNT))

    def away(_: np.ndarray) -> np.ndarray:
        number = next(numbers)
        return np.array([row[3][number] for row in rows])

    result = planned(frame, timing=TIMING, p_buy=buys, p_away=away)
    for row, end, gone, (_, value, p_buy, p_away) in zip(
        result.to_dicts(), ended, elapsed, rows, strict=True
    ):
        action, hours, gain = plain_plan(gone, round(value, 2), p_buy, p_away, TIMING)
        assert float(row["expected_gain"]) == pytest.approx(gain, abs=1.1e-4)
        if row["best_action"] == action != "nothing":
            at = (row["contact_not_before"] - end) / timedelta(hours=1)
            assert at == pytest.approx(hours, abs=1 / 60 + 1e-9) or gain < 0.01
            assert row["contact_valid_until"] > row["contact_not_before"]


hours_gone = st.lists(st.integers(1, 167), min_size=2, max_size=8, unique=True).map(sorted)


@settings(max_examples=15, deadline=None)
@given(hours_gone, st.data())
def test_whatever_models_and_chances_follow_one_another_no_plan_recedes(hours, data):
    kept = to_keep(planned([]))
    times, gains = [], []
    for number in hours:
        chance = data.draw(st.floats(0.01, 0.9))
        model = data.draw(st.sampled_from(["a1", "a2"]))
        plans = planned(
            [row_at(number)], kept, TIMING, p_buy=lambda _, p=chance: p, abandonment_model=model
        )
        kept = pl.concat([kept, to_keep(plans)]).unique(
            ["visitor_id", "session_ended_at"], keep="last", maintain_order=True
        )
        times += [time for time in plans["contact_not_before"] if time is not None]
        gains.append(plans["expected_gain"].item())
    assert times == sorted(times, reverse=True)
    assert all(gain >= 0 for gain in gains)


def test_an_hour_planned_again_from_the_same_plans_gives_the_same():
    rows = [row_at(hours) for hours in (1, 5, 30, 90)]
    kept = to_keep(planned(rows[:2], timing=TIMING))
    assert planned(rows, kept, TIMING).equals(planned(rows, kept.reverse(), TIMING))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ContactTiming(floor_hours=190), "0 <= floor_hours <= cap_hours"),
        (lambda: ContactTiming(replan_share=-1), "replan_share is -1, it must be 0 or more"),
        (lambda: ContactTiming(delay_odds_ratios=()), "each given once"),
        (lambda: ContactTiming(delay_odds_ratios=((4.0, 1.0), (1.0, 1.0))), "each given once"),
        (lambda: ContactTiming(delay_odds_ratios=((1.0, 0.0),)), "must all be more than 0"),
    ],
)
def test_values_out_of_range_are_refused_in_one_line(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_grid_goes_from_floor_to_cap():
    assert ContactTiming(floor_hours=3, cap_hours=40).grid_hours == (3, 4, 8, 12, 24, 36, 40)
    assert ContactTiming().grid_hours[0] == 1
    assert ContactTiming().grid_hours[-1] == 168
    assert ContactTiming().delay_odds_ratio(np.array([0.0, 1, 48, 1000])) == pytest.approx(
        [0.8, 0.8, 1, 0.95]
    )
