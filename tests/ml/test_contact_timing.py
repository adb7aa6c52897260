from datetime import timedelta

import pytest

from ml.contact_timing import ContactTiming
from tests.ml.carts import AS_OF, decided


@pytest.mark.parametrize(
    ("ended_hours_ago", "share_hours", "contact_in_hours"),
    [
        (1.0, 10.0, 23.0),  # most are back in 10 hours: the floor of 24 hours rules
        (1.0, 40.0, 40.0),  # most are back in 40 hours
        (1.0, 100.0, 71.0),  # not later than 72 hours after the session
        (30.0, 20.0, 20.0),
        (100.0, 60.0, 0.0),  # all waiting is over
        (30.0, None, 0.0),  # nobody is expected back by themselves
        (30.0, float("nan"), 0.0),
        (1.0, None, 23.0),
    ],
)
def test_contact_waits_for_the_floor_and_for_those_who_return_by_themselves(
    ended_hours_ago, share_hours, contact_in_hours
):
    ended = AS_OF - timedelta(hours=ended_hours_ago)
    row = decided([{"session_ended_at": ended, "return_share_hours": share_hours}])
    assert row["contact_not_before"].item() == AS_OF + timedelta(hours=contact_in_hours)


def test_contact_is_rounded_up_to_the_minute_and_null_for_nothing():
    ended = AS_OF - timedelta(minutes=59, seconds=59, microseconds=999_999)
    row = decided([{"session_ended_at": ended}, {"cart_value_base": None}])
    assert row["contact_not_before"].to_list() == [AS_OF + timedelta(hours=23, minutes=1), None]


def test_settings_of_the_timing_are_followed():
    timing = ContactTiming(floor_hours=2, cap_hours=5)
    row = decided([{"return_share_hours": 10.0}], timing=timing)
    assert row["contact_not_before"].item() == AS_OF + timedelta(hours=4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ContactTiming(floor_hours=90), "0 <= floor_hours <= cap_hours"),
        (lambda: ContactTiming(returned_share=1), r"returned_share is 1, it must lie in \(0, 1\)"),
    ],
)
def test_values_out_of_range_are_refused_in_one_line(make, message):
    with pytest.raises(ValueError, match=message):
        make()
