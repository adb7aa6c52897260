"""Which hour is meant, and how it is written."""

from datetime import datetime, timedelta

import pytest

from orchestration.ground.errors import ComebackError
from orchestration.ground.hours import (
    first_full_hour,
    from_partition_key,
    hour_name,
    hours_between,
    is_hour_name,
    iso,
    last_full_hour,
    parse_hour,
    partition_key,
)

TEN = datetime(2026, 10, 31, 10)
MICROSECOND = timedelta(microseconds=1)


def test_now_is_the_full_hour_at_or_before_the_clock():
    assert last_full_hour(TEN) == TEN
    assert last_full_hour(TEN - MICROSECOND) == datetime(2026, 10, 31, 9)
    assert last_full_hour(TEN + timedelta(minutes=59, seconds=59)) == TEN


def test_latest_is_the_full_hour_at_or_after_the_newest_event():
    assert first_full_hour(TEN) == TEN
    assert first_full_hour(TEN + MICROSECOND) == datetime(2026, 10, 31, 11)
    assert first_full_hour(datetime(2026, 12, 31, 23, 0, 1)) == datetime(2027, 1, 1)


def test_an_hour_is_read_in_any_offset_and_kept_in_utc():
    assert parse_hour("2026-10-31T10:00Z") == TEN
    assert parse_hour("2026-10-31T10") == TEN
    assert parse_hour("2026-10-31T12:00+02:00") == TEN


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("yesterday", "'yesterday' is no time"), ("2026-10-31T10:30Z", "is not a full hour")],
)
def test_what_is_no_full_hour_is_refused_in_one_line(text, complaint):
    with pytest.raises(ComebackError, match=complaint) as failure:
        parse_hour(text)
    assert "\n" not in str(failure.value)


def test_a_replay_takes_both_ends_and_every_hour_between():
    assert hours_between(TEN, TEN) == [TEN]
    assert hours_between(TEN, TEN + timedelta(hours=2))[-1] == datetime(2026, 10, 31, 12)
    assert hours_between(TEN, TEN - timedelta(hours=1)) == []


def test_the_partition_key_is_the_scored_hour_itself():
    assert partition_key(TEN) == "2026-10-31-10:00"
    assert from_partition_key("2026-10-31-10:00") == TEN


def test_folder_names_sort_like_the_hours_they_name():
    names = [hour_name(TEN + timedelta(hours=n)) for n in range(30)]
    assert names[0] == "2026-10-31T10Z"
    assert names == sorted(names)
    assert is_hour_name("2026-10-31T10Z")
    assert not is_hour_name("2026-10-31T1Z")
    assert not is_hour_name("latest.json")


def test_times_are_written_with_z_and_microseconds_only_where_there_are_any():
    assert iso(TEN) == "2026-10-31T10:00:00Z"
    assert iso(TEN + MICROSECOND) == "2026-10-31T10:00:00.000001Z"
