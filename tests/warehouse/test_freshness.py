"""When a log is stale at an hour, and when it is too old."""

from datetime import datetime, timedelta

import duckdb
import pytest

from orchestration.ground.settings import Settings
from orchestration.warehouse.freshness import freshness

NOON = datetime(2026, 11, 26, 12)
MICROSECOND = timedelta(microseconds=1)


def at(*events: datetime, hour: datetime = NOON, settings: Settings | None = None):
    with duckdb.connect() as connection:
        connection.execute("create table ordered_events (event_at timestamp)")
        for event in events:
            connection.execute("insert into ordered_events values (?)", [event])
        return freshness(connection, hour, settings or Settings())


@pytest.mark.parametrize(
    ("age", "is_stale", "is_stopped"),
    [
        (timedelta(0), False, False),
        (timedelta(hours=6), False, False),
        (timedelta(hours=6) + MICROSECOND, True, False),
        (timedelta(hours=48), True, False),
        (timedelta(hours=48) + MICROSECOND, True, True),
    ],
)
def test_after_six_hours_a_log_is_stale_and_after_two_days_too_old(age, is_stale, is_stopped):
    found = at(NOON - timedelta(days=30), NOON - age)
    assert (found.is_stale, found.warning is not None) == (is_stale, is_stale)
    assert (found.reason_to_stop is not None) == is_stopped


def test_events_after_the_hour_do_not_make_it_fresh():
    found = at(NOON - timedelta(hours=7), NOON + MICROSECOND)
    assert found.newest_event == NOON - timedelta(hours=7)
    assert found.is_stale


def test_a_log_without_events_is_not_old():
    found = at(NOON + timedelta(days=1))
    assert (found.newest_event, found.is_stale, found.reason_to_stop) == (None, False, None)


def test_both_limits_are_settings():
    settings = Settings(stale_after_hours=30, stop_after_hours=72)
    day_old = at(NOON - timedelta(hours=30), settings=settings)
    assert (day_old.is_stale, day_old.reason_to_stop) == (False, None)
    three = at(NOON - timedelta(hours=72), settings=settings)
    assert (three.is_stale, three.reason_to_stop) == (True, None)


def test_the_reason_names_the_newest_event_the_limit_and_what_to_do():
    assert at(NOON - timedelta(hours=100, minutes=30)).reason_to_stop == (
        "the newest event is of 2026-11-22T07:30:00Z, 100.5 h before the hour 2026-11-26T12:00:00Z,"
        " and nothing was published, at most 48 h are allowed (stop_after_hours), see why no newer"
        " files land; to score the log where it ends: comeback run --as-of latest"
    )
