"""Triggers: random logs against a reference in plain Python, and hand-made boundaries.

Belongs here: when a trigger fires. Not here: how its file is read (tests/ground/test_triggers.py).
"""

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import pytest
import yaml

from . import trigger_rules
from .apart import apart
from .cases import LOADED_AT, Row, add, at, buy, event, log, login, remove, view
from .comparison import assert_same_rows
from .dbt_runs import PROJECT
from .heavy import heavy
from .reference_log import Log
from .reference_money import clean_rates
from .reference_rows import clean
from .reference_triggers import Triggers
from .strategies import HALF_HOUR, MICROSECOND, random_log, random_rates
from .trigger_hours import TABLES, fired, follow, hours, hours_of_each
from .warehouse import Warehouse

SHIPPED = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((PROJECT / "triggers").glob("*.yml"))
}
RULES = trigger_rules.rules() | SHIPPED
# Times of the clock often, and what decides the tested rules, with and without a microsecond.
HOURLY = tuple(
    timedelta(hours=hours) + step
    for hours in (1, 2, 3, 4, 8, 24)
    for step in (timedelta(0), timedelta(0), MICROSECOND, -MICROSECOND)
)
POOLS = {
    "gap": (timedelta(0), timedelta(minutes=5), HALF_HOUR, HALF_HOUR + MICROSECOND) * 6 + HOURLY,
    "kind": (*("new",) * 20, "again", "later"),
    "event_type": (
        *("view_item",) * 8,
        *("add_to_cart",) * 4,
        *("search", "search", "page_view", "page_view", "page_view", "login", "login"),
        *("purchase", "remove_from_cart", "begin_checkout", "email_open", "spin_the_wheel"),
    ),
    "user": (None, None, None, None, None, "7", "8"),
    "item": ("shoe", "shoe", "hat", "bag", None),
    "quantity": (None, "1", "2", "0", "-1"),
    "price": ("5.00", "5.00", "2.75", None),
}
CATEGORIES = {"shoe": "feet", "hat": "head", "bag": None}
TAIL = timedelta(days=3)
HOUR = timedelta(hours=1)


def drawn(seed: int, size: int = 22) -> list[Row]:
    rows = random_log(seed, size, visitor=("A", "A", "B", "C"), **POOLS)
    return [row | {"item_category": CATEGORIES.get(row["item_id"])} for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize("first", [0, *heavy(range(10, 200, 10))])
def test_triggers_fire_as_plain_python_has_it(warehouse: Warehouse, first: int) -> None:
    # long enough for most rules to fire in ten of them
    logs = [apart(drawn(seed, size=28), seed) for seed in range(first, first + 10)]
    rates = random_rates(first, at("12:00"))
    events = [clean(each, LOADED_AT).events for each in logs]
    as_of = last_hour(logs) + TAIL
    rows = [row for each in logs for row in each]
    warehouse.build(rows, as_of, tables=TABLES, rates=rates)
    together = Log([one for each in events for one in each], clean_rates(rates))
    wanted = [
        row
        for each in events
        for row in Triggers(Log(each, together.rates, together.reporting_currency)).firings(
            [*RULES.values()], as_of
        )
    ]
    assert len({row["trigger"] for row in wanted}) > len(RULES) - 4
    assert_same_rows("trigger_events", fired(warehouse), wanted)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, *heavy(range(1, 60))])
def test_hour_after_hour_they_fire_as_if_all_had_arrived_at_once(
    warehouse: Warehouse, seed: int
) -> None:
    generator = random.Random(seed)
    rows = [row for number in range(5) for row in apart(drawn(10 * seed + number), number)]
    loads = [[] for _ in range(5)]
    for place, row in enumerate(rows):
        in_time = place % 22 * 5 // 22
        is_late = generator.random() < 0.2
        loads[generator.randrange(in_time, 5) if is_late else in_time].append(row)
    # rates of the days before, of which some come when carts that they are for are closed
    rates = {
        number: random_rates(10 * seed + number, last_hour(loads)) for number in (2, 4, 6, 8, 10)
    }
    warehouse.empty()
    for number, load in enumerate(loads, start=1):
        warehouse.land(load, [2 * number - 1] * len(load))
        if rates[2 * number]:
            warehouse.land_rates(rates[2 * number], 2 * number)
        hour = last_hour(loads[:number]) + generator.choice((-3, 0, 0, 1, 24)) * HOUR
        if generator.random() < 0.3:
            done = generator.randrange(len(warehouse.lasting_names))
            warehouse.follow(hour, tables=TABLES, dies_after=done)
        warehouse.follow(hour, tables=TABLES)
        # nothing new, but time passes
        warehouse.follow(hour + generator.choice((0, 1, 2, 30)) * HOUR, tables=TABLES)
    as_of = last_hour(loads) + TAIL
    warehouse.follow(as_of, tables=TABLES)
    found = fired(warehouse)
    warehouse.build(rows, as_of, tables=TABLES, rates=rates)
    assert len(found) > 100
    assert_same_rows("trigger_events", found, fired(warehouse))


def last_hour(logs: Iterable[Sequence[Row]]) -> datetime:
    newest = max(one.event_at for each in logs for one in clean(each, LOADED_AT).events)
    return newest.replace(minute=0, second=0, microsecond=0)


def test_events_count_that_are_younger_than_the_span_to_the_microsecond(warehouse: Warehouse):
    # of two hours: what is exactly two hours old is too old
    two_hours_old = [view("A", "10:00", item_id="hat"), view("A", "11:59", item_id="hat")]
    younger = [view("A", "10:00:00.000001", item_id="hat"), view("A", "12:00", item_id="hat")]
    later = [
        view("A", "10:00:00.000001", item_id="hat"),
        view("A", "12:00:00.000001", item_id="hat"),
    ]
    logs = [("t_views", rows) for rows in (two_hours_old, younger, later)]
    assert hours_of_each(warehouse, "23:00", *logs) == [[], [("02 12", "A", "hat")], []]


def test_it_fires_again_at_exactly_the_cooldown_and_not_an_hour_before(warehouse: Warehouse):
    every_20_minutes = [
        view("A", f"{hour}:{minute}", item_id="hat")
        for hour in range(10, 17)
        for minute in (15, 35)
    ]
    assert hours(warehouse, "t_views", every_20_minutes, "23:00") == [
        ("02 11", "A", "hat"),
        ("02 14", "A", "hat"),
        ("02 17", "A", "hat"),
    ]
    # 90 minutes: the first full hour that is not within them
    assert [
        when for when, *_ in hours(warehouse, "t_views_not_bought", every_20_minutes, "16:00")
    ] == [
        "02 11",
        "02 13",
        "02 15",
    ]


def test_events_are_of_who_the_visitor_was_when_they_happened(warehouse: Warehouse):
    rows = [
        view("A", "10:05", item_id="hat"),
        login("A", "10:10", "7"),
        view("A", "10:20", item_id="hat"),
        view("B", "10:30", item_id="hat", user_id="7"),
    ]
    logs = [("t_views", rows[:3]), ("t_views", rows)]
    assert hours_of_each(warehouse, "23:00", *logs) == [[], [("02 11", "user:7", "hat")]]


def test_what_is_of_one_instant_is_not_since(warehouse: Warehouse):
    tied = [add("A", "10:10"), buy("A", "10:10", "o1")]
    after = [add("A", "10:10"), buy("A", "10:10:00.000001", "o1")]
    again = [*after, add("A", "10:50")]
    logs = [("t_added", rows) for rows in (tied, after, again)]
    fires = [("02 11", "A", None)]
    assert hours_of_each(warehouse, "13:00", *logs) == [fires, [], fires]


def test_an_order_reported_again_counts_once(warehouse: Warehouse):
    once = [buy("A", "10:10", "o1", item_id="hat"), buy("A", "10:20", "o1", item_id="hat")]
    twice = [*once, buy("A", "10:30", "o2", item_id="hat")]
    logs = [("t_bought_twice", rows) for rows in (once, twice)]
    assert hours_of_each(warehouse, "13:00", *logs) == [[], [("02 11", "A", None)]]


def test_categories_differ_and_what_has_none_counts_for_nothing(warehouse: Warehouse):
    rows = [
        view("A", "10:10", item_id="hat", item_category="head"),
        view("A", "10:11", item_id="cap", item_category="head"),
        view("A", "10:12", item_id="bag"),
    ]
    assert hours(warehouse, "t_categories", rows, "12:00") == []
    # the older of the one category is forgotten first; the other one stays
    later = [*rows, view("A", "12:00", item_id="shoe", item_category="feet")]
    found = [when for when, *_ in hours(warehouse, "t_categories", later, "23:00")]
    assert found == [f"02 {hour}" for hour in range(12, 19)]


def test_a_person_is_idle_from_exactly_the_span_on(warehouse: Warehouse):
    later = [view("A", "10:00:00.000001")]
    # a passive event is no activity
    passive = [view("A", "10:00"), event("A", "10:50", "email_open")]
    logs = [("t_idle", rows) for rows in ([view("A", "10:00")], later, passive)]
    at_eleven = [("02 11", "A", None)]
    found = hours_of_each(warehouse, "12:00", *logs)
    assert found == [at_eleven, [("02 12", "A", None)], at_eleven]


def test_somebody_is_back_after_exactly_the_span(warehouse: Warehouse):
    rows = [
        view("A", "10:00"),
        view("A", "14:00"),
        view("B", "10:00:00.000001"),
        view("B", "14:00"),
    ]
    assert hours(warehouse, "t_back", rows, "23:00") == [("02 14", "A", None)]
    month = [view("A", "10:00"), view("A", "+30d 10:00")]
    assert hours(warehouse, "back_after_a_month", month, "+31d 10:00") == [("01 10", "A", None)]


def test_a_cart_left_behind_is_of_whoever_its_visitor_is_by_then(warehouse: Warehouse):
    left = [add("A", "10:00")]
    known = [*left, login("A", "10:10", "7")]
    found = hours_of_each(
        warehouse,
        "18:00",
        ("t_cart_left", left),
        # exactly 30 minutes after the session's end it is abandoned; until then, it is not
        ("t_cart_left", [add("A", "10:30")]),
        ("t_cart_left", [add("A", "10:30:00.000001")]),
        # what the user did not add is not theirs: since the login there is no add
        ("t_cart_left", known),
        ("t_cart_left", [*left, remove("A", "10:05")]),
    )
    at_eleven = [("02 11", "A", None)]
    assert found == [at_eleven, at_eleven, [("02 12", "A", None)], [], []]
    viewed = [*known, view("A", "10:20", user_id="7")]
    assert hours(warehouse, "t_cart_open", viewed, "12:00") == [("02 11", "user:7", None)]


def test_a_cart_without_rates_or_prices_is_not_worth_anything(warehouse: Warehouse):
    # as of the later hour the one that was expensive once is worth nothing any more
    dear_once = [
        add("A", "10:10", price="10.00", currency="EUR"),
        remove("A", "11:10"),
        add("A", "11:10", price="5.00", currency="EUR"),
    ]
    logs = [
        [add("A", "10:10", price="10.00", currency="EUR")],
        [add("A", "10:10", price="9.99", currency="EUR")],
        [add("A", "10:10")],
        dear_once,
    ]
    found = hours_of_each(warehouse, "12:00", *(("t_cart_worth", rows) for rows in logs))
    assert found == [[("02 11", "A", None)], [], [], [("02 11", "A", None)]]
    assert hours(warehouse, "t_cart_worth", dear_once, "23:00") == [("02 11", "A", None)]


def test_the_shipped_triggers_fire_where_they_say(warehouse: Warehouse):
    rows = [
        *(view("A", f"10:{minute}", item_id="hat") for minute in (10, 11, 12)),
        add("B", "10:10"),
        *(event("B", f"10:1{number}", "page_view") for number in (1, 2, 3)),
        *(
            view("C", f"10:1{number}", item_id=name, item_category=name)
            for number, name in enumerate(("hat", "shoe", "bag"))
        ),
        event("D", "10:10", "search"),
        add("G", "10:10"),
        *(
            event("G", f"10:1{number}", "page_view", page_url=f"https://shop.example/{path}")
            for number, path in enumerate(("products/hat", "collections/new", "about"), start=1)
        ),
        event("E", "10:10", "begin_checkout"),
        event("F", "10:10", "begin_checkout"),
        buy("F", "11:10", "o1"),
    ]
    warehouse.build(log(*rows), at("+1d 12:00"), tables=TABLES)
    found = [
        (row["trigger"], row["person_id"], f"{row['fired_at']:%d %H}")
        for row in fired(warehouse)
        if row["trigger"] in SHIPPED
    ]
    assert sorted(found) == [
        ("added_not_bought_24h", "B", "03 11"),
        ("added_not_bought_24h", "G", "03 11"),
        ("checkout_left", "E", "02 12"),
        ("idle_after_two_pages", "B", "02 11"),
        ("idle_after_two_pages", "G", "02 11"),
        ("search_without_view", "D", "02 11"),
        ("three_categories_a_day", "C", "02 11"),
        ("viewed_often_not_bought", "A", "02 11"),
    ]


def test_time_alone_makes_it_fire_and_a_later_hour_keeps_what_an_earlier_said(warehouse: Warehouse):
    assert follow(
        warehouse, ("10:00", [add("A", "09:10")]), ("13:00", []), ("15:00", []), ("12:00", [])
    ) == [["A 10"], ["A 10"], ["A 10", "A 14"], ["A 10"]]


def test_a_rate_that_comes_late_counts_for_what_lay_in_the_cart_before(warehouse: Warehouse):
    rows = [
        buy("B", "09:00", "o1", order_value="1", currency="EUR"),
        add("A", "10:10", price="10.00", currency="USD"),
        add("A", "11:05", "bag", price="5.00", currency="EUR"),
        remove("A", "11:10"),
    ]
    warehouse.empty()
    warehouse.land(log(*rows), [1] * len(rows))

    def worth() -> list[str]:
        warehouse.follow(at("15:00"), tables=TABLES)
        found = [row for row in fired(warehouse) if row["trigger"] == "t_cart_worth"]
        return [f"{row['person_id']} {row['fired_at']:%H}" for row in found]

    assert worth() == []
    warehouse.land_rates([("2026-01-01", "USD", "1.2")], 2)
    assert worth() == ["A 11"]
    # one of the same day, lower
    warehouse.land_rates([("2026-03-02", "USD", "0.9")], 3)
    assert worth() == []


def test_a_late_order_takes_back_what_had_fired_and_a_late_login_gives_it_to_another(
    warehouse: Warehouse,
):
    assert follow(
        warehouse,
        ("12:00", [add("A", "09:10"), add("B", "09:10")]),
        ("13:00", [buy("A", "10:30", "o1")]),
        ("14:00", [login("B", "09:05", "7")]),
        ("15:00", [buy("C", "13:30", "o2", user_id="7")]),
    ) == [
        ["A 10", "B 10"],
        ["A 10", "B 10"],
        ["A 10", "user:7 10", "user:7 14"],
        ["A 10", "user:7 10"],
    ]
