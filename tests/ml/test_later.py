"""Snapshots moved on: what day it will be. What else grows with time is held against SQL, in
tests/rules/test_features.py."""

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from ml.later import Calendar, at_later_instant

EASTER = pl.DataFrame(
    {
        "country": ["DE", "DE", "GB"],
        "day": [date(2026, 4, 3), date(2026, 4, 6), date(2026, 12, 25)],
    }
)
BEGUN = datetime(2026, 4, 1, 12)


def moved(hours: float, zone: str = "UTC") -> pl.DataFrame:
    snapshots = pl.DataFrame(
        {
            "as_of": BEGUN,
            "calendar_country": ["DE", "GB", None],
            "calendar_is_holiday": [0.0, 0.0, None],
            "calendar_days_to_holiday": [2.0, 60.0, None],
            "calendar_is_sale": [1.0, 0.0, 1.0],
            "calendar_sale_hours_left": [30.0, None, 30.25],
        },
        schema_overrides={"as_of": pl.Datetime("us")},
    )
    instant = pl.lit(BEGUN + timedelta(hours=hours)).cast(pl.Datetime("us"))
    return at_later_instant(snapshots, instant, Calendar(zone, EASTER))


@pytest.mark.parametrize(
    ("hours", "days"),
    [(0, 2), (11.99, 2), (12, 1), (36, 0), (60, 2), (84, 1), (108, 0), (132, 60)],
)
def test_days_count_to_the_next_holiday_whichever_that_is_by_then(hours, days):
    found = moved(hours)
    assert found["calendar_days_to_holiday"].to_list() == [days, 60, None]
    assert found["calendar_is_holiday"].to_list() == [days == 0, 0, None]


def test_days_are_by_the_clocks_of_the_shop():
    # half past ten in the evening is the next day in Berlin
    assert moved(10.5, "Europe/Berlin")["calendar_days_to_holiday"][0] == 1
    assert moved(10.5)["calendar_days_to_holiday"][0] == 2


def test_the_sale_that_is_on_ends_when_it_was_said_to_and_no_other_is_known():
    assert moved(29)["calendar_sale_hours_left"].to_list() == [1, None, 1.25]
    assert moved(29)["calendar_is_sale"].to_list() == [1, 0, 1]
    assert moved(30)["calendar_sale_hours_left"].to_list() == [None, None, 0.25]
    assert moved(30)["calendar_is_sale"].to_list() == [0, 0, 1]


def test_features_that_are_not_there_are_none():
    bare = pl.DataFrame({"as_of": [BEGUN]}).cast(pl.Datetime("us"))
    assert at_later_instant(bare, pl.col("as_of")).columns == ["as_of"]
