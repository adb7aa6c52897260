"""Whether a day was as full as is usual on its weekday."""

from datetime import date, datetime, timedelta

import duckdb
import pytest

from orchestration.warehouse.volume import Volume, volume

DAY = date(2026, 10, 28)
HOUR = datetime(2026, 10, 29, 5)


def found(counts: dict[int, int], hour: datetime = HOUR) -> Volume:
    """The volume where so many days before `DAY` so many sessions began."""
    with duckdb.connect() as connection:
        connection.execute("create table daily_funnel (day date, session_count bigint)")
        for ago, count in counts.items():
            row = [DAY - timedelta(days=ago), count]
            connection.execute("insert into daily_funnel values (?, ?)", row)
        return volume(connection, hour)


@pytest.mark.parametrize(
    ("sessions", "words"),
    [
        (39, "39 sessions began on 2026-10-28, 100 are usual on that weekday: see whether some"),
        (40, None),
        (300, None),
        (301, "see whether something came twice"),
    ],
)
def test_a_day_far_from_the_median_of_its_weekday_is_a_warning(sessions, words):
    others = {1: 5, 6: 5, 8: 5}  # other weekdays do not count, nor does one that is longer ago
    day = found({0: sessions, 7: 90, 14: 100, 21: 110, 28: 100, 35: 9_000, **others})
    assert (day.day, day.sessions, day.usual) == (DAY, sessions, 100.0)
    assert (day.warning is None) == (words is None)
    assert words is None or words in day.warning


def test_the_day_of_the_hour_is_not_over_and_does_not_count():
    assert found({-1: 3, 0: 80, 7: 90, 14: 100}).day == DAY


def test_a_day_without_a_session_counts_as_none_and_a_log_that_ended_by_its_last_day():
    day = found({-1: 3, 7: 90, 14: 100})
    assert (day.day, day.sessions, day.usual) == (DAY, 0, 95.0)
    assert day.warning.startswith("0 sessions began on 2026-10-28, 95 are usual")
    assert found({2: 80, 9: 90, 16: 100}).day == DAY - timedelta(days=2)


@pytest.mark.parametrize("counts", [{}, {0: 3}, {0: 3, 7: 100}, {0: 0, 7: 0, 14: 0}])
def test_a_log_that_knows_nothing_usual_yet_is_no_warning(counts):
    assert found(counts).warning is None
