"""The daily funnel: which of a day's recoveries are known, by hand and against the reference.

Belongs here: `daily_funnel` as far as it is about carts; all logs of a build would share its days,
so it is not among the tables that test_sql_against_reference.py separates by their logs.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from operator import itemgetter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .apart import apart
from .cases import LOADED_AT, MONDAY, Row, add, buy, event, log, view
from .comparison import assert_same_rows
from .heavy import heavy
from .reference_log import Log
from .reference_rows import clean
from .reference_tables import funnel_rows
from .strategies import Choice, choices, random_log, rows_from
from .warehouse import Warehouse

FUNNEL = """
    select day, cart_count, abandoned_cart_count, recovered_cart_count, recovered_24h_cart_count,
        recovered_72h_cart_count, recovered_168h_cart_count, recovery_rate, is_mature
    from daily_funnel"""


def funnel(warehouse: Warehouse, rows: Sequence[Row]) -> list[dict]:
    warehouse.build(rows, LOADED_AT, tables=("daily_funnel",))
    return warehouse.query(FUNNEL)


def recovered(warehouse: Warehouse, *rows: Row) -> tuple:
    """What is known of Monday's recoveries, within 24, 72 and 168 hours, and whether it is all."""
    return recovered_by_day(warehouse, log(*rows))[MONDAY.date()]


def recovered_by_day(warehouse: Warehouse, rows: Sequence[Row]) -> dict[date, tuple]:
    """The same of every day of a log; each is that of the reference."""
    found = sorted(funnel(warehouse, rows), key=itemgetter("day"))
    known = funnel_rows(Log(clean(rows, LOADED_AT).events))
    assert found == sorted(known, key=itemgetter("day"))
    names = ("recovered_24h_cart_count", "recovered_72h_cart_count", "recovered_168h_cart_count")
    return {row["day"]: (*(row[name] for name in names), row["is_mature"]) for row in found}


def on_days(cases: Mapping[int, Sequence[Row]]) -> list[Row]:
    """The rows of each case so many days later, of visitors of its own."""
    return [
        row | {"event_at": str(datetime.fromisoformat(row["event_at"]) + timedelta(days=later))}
        for later, rows in cases.items()
        for row in apart(log(*rows), later)
    ]


def day(number: int) -> date:
    """Monday, or so many days later."""
    return (MONDAY + timedelta(days=number)).date()


# A cart of Monday that is abandoned at 10:30, and one that is not bought.
LEFT = (add("A", "10:00"), add("B", "11:00"))


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        # 30 minutes after midnight any cart of the day can have been abandoned
        (
            "+10d 00:30",
            {8: (None, None, None, False), 6: (0, None, None, False), 2: (0, 0, None, False)},
        ),
        (
            "+10d 00:30:00.000001",
            {8: (0, None, None, False), 6: (0, 0, None, False), 2: (0, 0, 0, True)},
        ),
    ],
)
def test_recoveries_are_known_once_the_log_has_passed_their_time(warehouse, end, expected):
    """Of days that begin 2, 4 and 8 days before the one on which the log ends."""
    rows = [*on_days(dict.fromkeys(expected, LEFT)), *log(view("C", end))]
    found = recovered_by_day(warehouse, rows)
    assert {number: found[day(number)] for number in expected} == expected


BOUGHT = [
    ("10:30", (0, 0, 0, True)),  # not abandoned at all
    ("10:30:00.000001", (1, 1, 1, True)),
    ("+1d 10:30", (1, 1, 1, True)),
    ("+1d 10:30:00.000001", (0, 1, 1, True)),
    ("+3d 10:30", (0, 1, 1, True)),
    ("+3d 10:30:00.000001", (0, 0, 1, True)),
    ("+7d 10:30", (0, 0, 1, True)),
    ("+7d 10:30:00.000001", (0, 0, 0, True)),
]


def test_a_recovery_counts_up_to_the_very_end_of_its_time(warehouse):
    """Of carts of a day of their own each."""
    rows = on_days({number: (*LEFT, buy("A", bought)) for number, (bought, _) in enumerate(BOUGHT)})
    found = recovered_by_day(warehouse, [*rows, *log(view("C", "+20d 00:00"))])
    assert [found[day(number)] for number in range(len(BOUGHT))] == [known for _, known in BOUGHT]


def test_a_session_past_midnight_keeps_its_day_open_as_long(warehouse):
    # the cart of 23:50 is abandoned on Tuesday at 00:45, so 24 hours are over then on Wednesday
    begun = (add("A", "23:50"), view("A", "+1d 00:15"))
    assert recovered(warehouse, *begun, view("C", "+2d 00:45"))[0] is None
    assert recovered(warehouse, *begun, view("C", "+2d 00:45:00.000001"))[0] == 0


def test_a_cart_whose_session_goes_on_keeps_its_day_open(warehouse):
    views = [
        view("A", f"+{day}d {hour:02}:{minute:02}")
        for day in range(1, 3)
        for hour in range(24)
        for minute in (0, 30)
    ]
    begun = (add("A", "23:45"), *views)
    assert recovered(warehouse, *begun)[0] is None
    assert recovered(warehouse, *begun, view("C", "+4d 00:00:00.000001"))[:2] == (0, None)


def test_a_day_without_carts_is_known_in_the_same_time(warehouse):
    assert recovered(warehouse, view("A", "10:00"), view("C", "+8d 00:30"))[2:] == (None, False)
    assert recovered(warehouse, view("A", "10:00"), view("C", "+8d 00:30:00.000001")) == (
        0,
        0,
        0,
        True,
    )


def test_a_rate_is_of_the_abandoned_and_waits_for_all_of_the_week(warehouse):
    rows = (*LEFT, buy("A", "+2d 10:00"))
    early = funnel(warehouse, log(*rows, view("C", "+8d 00:30")))[0]
    assert (early["recovered_cart_count"], early["recovery_rate"]) == (1, None)
    late = funnel(warehouse, log(*rows, view("C", "+8d 00:31")))[0]
    assert (late["recovered_cart_count"], late["recovery_rate"], late["is_mature"]) == (
        1,
        0.5,
        True,
    )


def test_a_passive_event_moves_the_end_of_the_log_too(warehouse):
    end = event("C", "+8d 00:30:00.000001", "email_open")
    assert recovered(warehouse, *LEFT, end)[3] is True


def assert_is_that_of_the_reference(warehouse: Warehouse, rows: Sequence[Row]) -> None:
    events = clean(rows, LOADED_AT).events
    expected = funnel_rows(Log(events)) if events else []
    assert_same_rows("daily_funnel", funnel(warehouse, rows), expected)


@pytest.mark.slow
@pytest.mark.parametrize("examples", [3, *heavy([50])])
def test_the_funnel_is_that_of_the_reference(warehouse: Warehouse, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(drawn=choices(), end=st.none() | st.sampled_from(("+1d", "+2d", "+4d", "+8d")))
    def assert_it_is(drawn: list[Choice], end: str | None) -> None:
        more = [] if end is None else log(view("Z", f"{end} 00:30:00.000001", event_id="end"))
        assert_is_that_of_the_reference(warehouse, [*rows_from(drawn), *more])

    assert_it_is()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [600, *heavy(range(601, 612))])
def test_the_funnel_of_a_larger_log_is_that_of_the_reference(
    warehouse: Warehouse, seed: int
) -> None:
    rows = random_log(seed, size=80)
    assert_is_that_of_the_reference(warehouse, rows)
