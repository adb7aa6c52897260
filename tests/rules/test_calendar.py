"""The shop's calendar of sales and public holidays: each figure worked out by hand.

Belongs here: which row is which sale, and the four features. Not here: that the SQL agrees with the
reference on random logs (test_sql_against_reference.py).
"""

from datetime import timedelta

import pytest

from .cases import add, at, event, log, view
from .macros import macros
from .warehouse import Warehouse

FEATURES = tuple(
    f"calendar_{name}" for name in ("is_holiday", "days_to_holiday", "is_sale", "sale_hours_left")
)
TABLES = ("training_snapshots",)
SPRING = ("2026-03-02T12:00:00Z", "2026-03-03", "Spring days", "")


def of_snapshots(warehouse: Warehouse, visitor: str = "v") -> dict:
    names = ", ".join(FEATURES)
    rows = warehouse.query(
        f"select as_of, {names} from training_snapshots where visitor_id = '{visitor}'"
    )
    return {row["as_of"]: tuple(row[name] for name in FEATURES) for row in rows}


def test_a_sale_is_known_from_its_first_instant_until_it_is_over(warehouse: Warehouse):
    # the ages of a cart: 0, .5, 1, 4, 8, 24, 48 h ...
    rows = log(add("v", "11:59:59.999999"), view("w", "+4d 00:00"))
    warehouse.build(rows, at("+4d 00:00"), tables=TABLES, sales=[SPRING])
    found = of_snapshots(warehouse)
    begun = at("11:59:59.999999")
    assert found[begun] == (None, None, 0, None)  # a microsecond before
    half_an_hour_later = begun + timedelta(minutes=30)
    # it lasts through the third of March: until midnight
    assert found[half_an_hour_later][2:] == (1, pytest.approx(35.5))
    assert found[begun + timedelta(hours=24)][2:] == (1, pytest.approx(12))
    assert found[begun + timedelta(hours=48)][2:] == (0, None)


def test_at_the_very_start_it_is_on_and_at_the_very_end_it_is_over(warehouse: Warehouse):
    rows = log(add("v", "12:00"), add("w", "+1d 23:59:59.999999"), add("x", "+2d 00:00"))
    warehouse.build(rows, at("+2d 12:00"), tables=TABLES, sales=[SPRING])
    found = {row: of_snapshots(warehouse, row) for row in "vwx"}
    assert found["v"][at("12:00")][2:] == (1, 36)
    assert found["w"][at("+1d 23:59:59.999999")][2] == 1
    assert found["x"][at("+2d 00:00")][2:] == (0, None)


def test_a_sale_of_a_country_is_for_its_shoppers_and_of_two_the_last_to_end_counts(warehouse):
    rows = log(
        event("v", "11:00", "page_view", country="Germany"),
        add("v", "13:00"),
        event("w", "11:00", "page_view", country=" uk "),
        add("w", "13:00"),
        add("x", "13:00"),
        view("x", "+1d 13:00"),
    )
    german = ("2026-03-01", "2026-03-10", "For Germany", "DEU")
    german_by_name = ("2026-03-01", "2026-03-10", "For Germany", "Germany")
    tables = (*TABLES, "scoring_returns")
    warehouse.build(rows, at("+2d 00:00"), tables=tables, sales=[SPRING, german, german_by_name])
    hours = {row: of_snapshots(warehouse, row)[at("13:00")][3] for row in "vwx"}
    assert hours == {"v": 8 * 24 + 11, "w": 35, "x": 35}
    # the return model asks at the end of the session
    left = warehouse.query("select visitor_id, calendar_sale_hours_left from scoring_returns")
    assert {row["visitor_id"]: row["calendar_sale_hours_left"] for row in left} == {
        "v": 8 * 24 + 11,
        "w": 35,
        "x": 11,
    }


def test_days_count_to_the_next_holiday_of_the_shoppers_country(warehouse: Warehouse):
    rows = log(
        event("v", "09:00", "page_view", country="DE"),
        event("v", "+31d 09:00", "page_view"),
        add("v", "+31d 10:00"),  # the day before Good Friday
        event("w", "+31d 09:00", "page_view", country="FR"),
        add("w", "+31d 10:00"),
        event("x", "+31d 09:00", "page_view", country="gb"),
        add("x", "+31d 10:00"),
        add("y", "+31d 10:00"),
        view("z", "+36d 12:00"),
    )
    warehouse.build(rows, at("+36d 12:00"), tables=TABLES)
    found = {row: of_snapshots(warehouse, row) for row in "vwxy"}
    days = {row: {each: found[row][each][:2] for each in found[row]} for row in found}
    assert days["v"][at("+31d 10:00")] == (0, 1)
    assert days["v"][at("+32d 10:00")] == (1, 0)
    assert days["v"][at("+33d 10:00")] == (0, 2)  # Easter Monday
    assert days["w"][at("+31d 10:00")] == (0, 4)
    assert days["x"][at("+31d 10:00")] == (0, 60)  # Christmas is far
    assert days["y"][at("+31d 10:00")] == (None, None)


def test_every_row_of_the_calendar_is_accounted_for(warehouse: Warehouse):
    sales = [
        SPRING,
        SPRING,
        ("soon", "2026-03-03", "no time", ""),
        ("2026-03-03", "2026-03-02", "ends before", ""),
        ("2026-03-03", "2026-03-03T00:00:00", "ends as it begins", ""),
        ("2026-03-03", "2026-03-03", "one day", " de "),
        ("2026-03-03", "2026-03-04", "nowhere", "Atlantis"),
    ]
    tables = ("landed_files", "set_aside_rows", "sales")
    warehouse.build(log(view("A", "10:00")), at("12:00"), tables=tables, sales=sales)
    [found] = warehouse.query("from landed_files where source = 'calendar'")
    counts = [found[f"rows_{name}"] for name in ("read", "accepted", "duplicate", "dropped")]
    assert counts == [7, 2, 1, 4]
    aside = warehouse.query("select line, action, reason from set_aside_rows order by line")
    assert [tuple(row.values()) for row in aside] == [
        (3, "dropped", "bad_time"),
        (4, "dropped", "bad_span"),
        (5, "dropped", "bad_span"),
        (7, "dropped", "bad_country"),
    ]
    day = timedelta(days=1)
    assert warehouse.query("from sales order by starts_at") == [
        {"starts_at": at("12:00"), "ends_at": at("+2d 00:00"), "name": "Spring days",
         "country": None},
        {"starts_at": at("+1d 00:00"), "ends_at": at("+1d 00:00") + day, "name": "one day",
         "country": "DE"},
    ]  # fmt: skip


def test_a_day_may_be_without_dashes_and_an_end_that_never_comes(warehouse: Warehouse):
    sales = [
        ("20260303", " 20260304 ", "two days", ""),
        ("2026-03-03", "9999-12-31", "for good", ""),
        ("20260303", "20261304", "no day", ""),
    ]
    tables = ("landed_files", "set_aside_rows", "sales")
    warehouse.build(log(view("A", "10:00")), at("12:00"), tables=tables, sales=sales)
    aside = warehouse.query("select line, reason from set_aside_rows")
    assert aside == [{"line": 3, "reason": "bad_time"}]
    found = warehouse.query("select name, starts_at, cast(ends_at as varchar) as end from sales")
    assert sorted(tuple(row.values()) for row in found) == [
        ("for good", at("+1d 00:00"), "9999-12-31 00:00:00"),
        ("two days", at("+1d 00:00"), "2026-03-05 00:00:00"),
    ]


@pytest.mark.parametrize(
    ("zone", "written", "instant"),
    [
        ("Europe/Berlin", "2026-03-02", "2026-03-01 23:00:00"),
        ("Europe/Berlin", "2026-07-02", "2026-07-01 22:00:00"),
        ("Europe/Berlin", "2026-03-02T12:00:00", "2026-03-02 11:00:00"),
        ("Europe/Berlin", "2026-03-02T12:00:00Z", "2026-03-02 12:00:00"),
        ("America/New_York", "2026-11-27", "2026-11-27 05:00:00"),
    ],
)
def test_days_of_the_calendar_are_by_the_shops_clocks(warehouse, zone, written, instant):
    files = ("rules/times.sql", "dialects/times.sql", "dialects/texts.sql", "rules/calendar.sql")
    files = (*files, "dialects/columns.sql")
    rules = macros({"time_zone": zone, "country": ""}, *files)
    begun = rules.event_time_in("written", zone)
    [row] = warehouse.query(
        f"select cast(event_at as varchar) as event_at"
        f" from (select {begun} from (select '{written}' as written))"
    )
    assert row["event_at"] == instant


def test_a_day_ends_with_the_next_and_a_time_where_it_is(warehouse: Warehouse):
    files = ("rules/calendar.sql", "dialects/times.sql", "dialects/texts.sql")
    files = (*files, "dialects/columns.sql")
    rules = macros({"time_zone": "UTC", "country": ""}, *files)
    end = rules.end_of_last_day("written")
    rows = warehouse.query(
        f"select {end} as ends_at from (values ('2026-03-28'), (' 2026-12-31 '),"
        " ('2026-03-28T12:00:00+01:00'), ('1774699200')) as each (written)"
    )
    assert [row["ends_at"] for row in rows] == [
        "2026-03-29 00:00:00",
        "2027-01-01 00:00:00",
        "2026-03-28T12:00:00+01:00",
        "1774699200",
    ]
