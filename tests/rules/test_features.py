"""Features of small logs, each figure worked out by hand: the reference knows no features."""

import re
from datetime import datetime
from math import cos, pi, sin

import polars as pl
import pytest

from ml.later import Calendar, at_later_instant

from .apart import apart, by_log
from .cases import Row, add, at, buy, event, log, login, remove, view
from .macros import macros
from .warehouse import Warehouse

# MONDAY of the cases is a Monday; the second visit is on Wednesday.
TWO_VISITS = log(
    event(
        "v",
        "10:00",
        "page_view",
        referrer="https://www.news.example/x",
        utm_medium="email",
        device_type="mobile",
        country="DE",
    ),
    view("v", "10:02", item_id="shoe", price="10", item_category="wear"),
    view("v", "10:05", item_id="hat", price="30", item_category="wear"),
    add("v", "10:06", "shoe", quantity="2", price="10"),
    buy("v", "10:07", "o1", order_value="20"),
    view("v", "+2d 10:00", item_id="sock", price="20"),
    add("v", "+2d 10:04", "sock", price="20"),
    add("v", "+2d 10:05", "hat", price="30"),
    remove("v", "+2d 10:09", "sock"),
    event("w", "+2d 11:30", "page_view"),
)
AN_HOUR_AFTER_THE_REMOVAL = {
    "cart_total": 30,
    "cart_quantity": 1,
    "cart_line_count": 1,
    "cart_dearest_price": 30,
    "cart_cheapest_price": 30,
    "cart_mean_price": 30,
    "cart_price_to_viewed_price": 1.5,  # viewed 10, 30 and 20
    "cart_add_count": 2,
    "cart_remove_count": 1,
    "cart_age_hours": 65 / 60,
    # one add and no purchase of the hat, drawn by 20 adds towards the shop's 1 in 3
    "item_mean_conversion_rate": (0 + 20 / 3) / (1 + 20),
    "item_lowest_conversion_rate": (0 + 20 / 3) / (1 + 20),
    "item_most_added_count": 1,
    "item_price_to_category": 1.5,  # on Monday the shoe was 10 and the hat 30
    "item_lowest_price_change": 1,
    "item_views_before_add": 1,  # the hat's on Monday
    "item_views_in_a_row": 0,
    "item_views_since_add": 0,
    "item_view_minutes": 1,
    "item_view_idle_hours": 49 + 4 / 60,
    "cart_session_event_count": 4,
    "cart_session_view_count": 1,
    "cart_session_minutes": 9,
    "cart_session_checkout_step": 0,
    "session_event_count": 4,
    "session_page_view_count": 0,
    "session_view_count": 1,
    "session_distinct_item_count": 2,
    "session_add_count": 2,
    "session_remove_count": 1,
    "session_search_count": 0,
    "session_wishlist_count": 0,
    "session_cart_view_count": 0,
    "session_checkout_step": 0,
    "session_order_count": 0,
    "session_is_signed_in": 0,
    "session_minutes": 9,
    "session_events_per_minute": 4 / (9 + 1),
    "session_item_minutes": 4,
    "session_longest_gap_minutes": 4,
    "session_last_gap_minutes": 4,
    "session_has_referrer": 0,
    "session_has_campaign": 0,
    "visitor_session_count": 2,
    "visitor_days_since_previous_session": (47 + 53 / 60) / 24,
    "visitor_age_days": 2,
    "visitor_mean_days_between_sessions": 2,
    "visitor_event_count": 9,
    "visitor_view_count": 3,
    "visitor_add_count": 3,
    "visitor_checkout_count": 0,
    "visitor_order_count": 1,
    "visitor_order_value": 20,
    "visitor_days_since_order": (49 + 2 / 60) / 24,
    "visitor_is_known": 0,
    "device_is_mobile": 1,
    "clock_hour_sin": sin(11 * pi / 12),
    "clock_hour_cos": cos(11 * pi / 12),
    "clock_weekday": 3,
    "visitor_previous_cart_count": 1,
    "visitor_lost_cart_share": 0,
    "visitor_mean_previous_cart_value": 20,
    "owner_visitor_count": 0,
    "owner_session_count": 0,
    "owner_order_count": 0,
    "owner_order_value": 0,
    "owner_days_since_order": None,
    "owner_idle_hours": None,
    "idle_hours": 1,
    "cart_idle_hours": 1,
    "calendar_is_holiday": 0,
    "calendar_days_to_holiday": 30,  # from the fourth of March to Good Friday
    "calendar_is_sale": 0,
    "calendar_sale_hours_left": None,
    "last_event_type": "remove_from_cart",
    "device_type": "mobile",
    "country": "DE",
    "session_utm_medium": None,
}
KEYS = {
    "cart_id",
    "visitor_id",
    "owner_id",
    "as_of",
    "last_touched_at",
    "session_ended_at",
    "calendar_country",
    "cart_value",
    "currency",
    "cart_value_base",
    "is_rate_lacking",
    "is_suspected_bot",
    "converts_within_horizon",
}


def snapshot(warehouse: Warehouse, rows: list[Row], as_of: str, hour: str = "+9d 00:00") -> dict:
    """The one snapshot to learn from that was taken at an instant."""
    warehouse.build(rows, at(hour), tables=("training_snapshots",))
    found = warehouse.query("select * from training_snapshots")
    (row,) = [row for row in found if row["as_of"] == at(as_of)]
    return row


# Logs of which nothing is asked that others change: built together, and once for all tests.
TOGETHER = {
    "mail": log(
        view("v", "10:00", item_id="shoe", price="10"),
        event("v", "10:01", "email_open"),
        event("v", "10:05", "page_view"),
        add("v", "10:06", "shoe", price="10"),
        event("w", "+2d 11:30", "page_view"),
    ),
    "instant": log(
        add("v", "10:00"), view("v", "10:30"), view("v", "10:30:00.000001"), view("w", "12:00")
    ),
    "signed in": log(
        add("v", "10:00"),
        login("v", "10:10", "7"),
        add("v", "10:12", "hat"),
        add("v", "+1d 10:00", "sock"),  # known, but not signed in
        event("v", "+1d 10:10", "email_open", user_id="7"),  # is no activity
        add("v", "+1d 10:20", "bag", user_id="7"),
        view("w", "+2d 12:00"),
    ),
    "elsewhere": log(
        login("phone", "09:00", "7"),
        buy("phone", "09:10", "o1", order_value="50"),
        add("laptop", "10:00"),
        login("laptop", "10:10", "7"),
        view("other", "12:00"),
    ),
}


def snapshots_of(warehouse: Warehouse, name: str) -> dict[datetime, dict]:
    """The snapshots to learn from of a log by their instants."""
    rows = [row for number, own in enumerate(TOGETHER.values()) for row in apart(own, number)]
    warehouse.build(rows, at("+9d 00:00"), tables=("training_snapshots",))
    tables = {"snapshots": warehouse.query("select * from training_snapshots")}
    number = [*TOGETHER].index(name)
    return {row["as_of"]: row for row in by_log(tables, range(len(TOGETHER)))[number]["snapshots"]}


def is_suspected(warehouse: Warehouse) -> bool:
    """Whether the one cart to score is of a suspected bot."""
    [row] = warehouse.query("select is_suspected_bot from scoring_snapshots")
    return row["is_suspected_bot"]


def test_every_feature_of_a_snapshot_is_what_was_worked_out_by_hand(warehouse):
    row = snapshot(warehouse, TWO_VISITS, "+2d 11:09")
    assert row.keys() - KEYS == AN_HOUR_AFTER_THE_REMOVAL.keys()
    wrong = {
        name: (row[name], expected)
        for name, expected in AN_HOUR_AFTER_THE_REMOVAL.items()
        if (row[name] if isinstance(expected, str | None) else pytest.approx(row[name])) != expected
    }
    assert wrong == {}


def test_the_first_visit_knows_how_it_came_and_nothing_of_the_second(warehouse):
    row = snapshot(warehouse, TWO_VISITS, "10:06")
    assert row["session_has_referrer"] == row["session_has_campaign"] == 1
    assert row["session_utm_medium"] == "email"
    assert row["item_mean_conversion_rate"] == 0  # nobody has bought anything yet
    assert row["session_item_minutes"] == 4  # three minutes after the shoe, one after the hat
    assert row["visitor_lost_cart_share"] is None
    assert row["visitor_order_count"] == 0


def test_a_snapshot_moved_on_is_that_of_the_later_instant_if_nothing_happens(warehouse):
    rows = log(
        login("phone", "08:00", "7"),
        buy("phone", "08:10", "o1", order_value="50"),
        login("laptop", "09:00", "7"),
        view("laptop", "10:15", item_id="shoe"),
        add("laptop", "10:17", price="10"),
        event("other", "+8d 00:00", "page_view"),
    )
    warehouse.build(rows, at("+9d 00:00"), tables=("training_snapshots",))
    found = warehouse.query("select * from training_snapshots order by as_of")
    assert len(found) == 12
    frame = pl.DataFrame(found, infer_schema_length=None).drop("converts_within_horizon")
    moved = at_later_instant(pl.concat([frame[:1]] * 12), pl.Series(frame["as_of"]))
    for name in frame.columns:
        expected = frame[name].to_list()
        if frame[name].dtype.is_float():
            expected = [value if value is None else pytest.approx(value) for value in expected]
        assert moved[name].to_list() == expected, name
    assert moved["owner_days_since_order"].null_count() == 0
    assert moved["item_view_idle_hours"].null_count() == 0
    assert moved["clock_weekday"].n_unique() == 7


@pytest.mark.parametrize(
    ("zone", "instant", "local"),
    [
        ("UTC", "2026-03-10T23:30", "2026-03-10T23:30"),
        # another day, and so another weekday
        ("Europe/Berlin", "2026-03-10T23:30", "2026-03-11T00:30"),
        ("Europe/Berlin", "2026-07-10T23:30", "2026-07-11T01:30"),
        ("America/New_York", "2026-03-09T02:15", "2026-03-08T22:15"),
    ],
)
def test_hour_and_weekday_are_by_the_shops_clocks(warehouse, zone, instant, local):
    rules = macros(
        {"time_zone": zone},
        "rules/times.sql",
        "dialects/times.sql",
        "dialects/texts.sql",
        "features/visitor_features.sql",
    )
    features = rules.visitor_features("as_of")
    wanted = re.findall(r"cast\([^\n]* as double\) as clock_\w+", features)
    assert len(wanted) == 3
    (row,) = warehouse.query(
        f"select as_of, {', '.join(wanted)} from (select timestamp '{instant}' as as_of)"
    )
    shown = datetime.fromisoformat(local)
    assert row["clock_hour_sin"] == pytest.approx(sin(shown.hour * pi / 12))
    assert row["clock_hour_cos"] == pytest.approx(cos(shown.hour * pi / 12))
    assert row["clock_weekday"] == shown.isoweekday()
    # a snapshot that is moved there has the same
    moved = at_later_instant(pl.DataFrame([row]), pl.col("as_of"), Calendar(zone)).row(
        0, named=True
    )
    assert moved == {name: pytest.approx(row[name]) for name in row if name != "as_of"} | {
        "as_of": row["as_of"]
    }


def test_a_price_of_a_day_is_known_on_the_next_for_thirty_days(warehouse):
    rows = log(
        add("v", "10:00", "hat", price="30", item_category="wear"),
        view("w", "11:00", item_id="hat", price="24", item_category="wear"),
        view("w", "12:00", item_id="shoe", price="56", item_category="wear"),
        view("w", "12:05", item_id="shoe", price="50", item_category="garden"),
        view("w", "12:10", item_id="spade", price="9", item_category="garden"),
        add("x", "+30d 23:00", "hat", price="24"),
        view("w", "+31d 00:30"),
    )
    warehouse.build(rows, at("+40d 00:00"), tables=("training_snapshots",))
    found = {
        (row["visitor_id"], row["as_of"]): (
            row["item_price_to_category"],
            row["item_lowest_price_change"],
        )
        for row in warehouse.query("select * from training_snapshots")
    }
    assert found["v", at("18:00")] == (None, 1)
    # the hat alone was of its category by the end of the day: 24
    assert found["v", at("+1d 10:00")] == (pytest.approx(30 / 24), pytest.approx(24 / 30))
    assert found["v", at("+7d 10:00")] == (pytest.approx(30 / 24), pytest.approx(24 / 30))
    assert found["x", at("+30d 23:00")] == (1, 1)
    assert found["x", at("+31d 00:00")] == (None, 1)


def test_a_mail_opened_while_an_item_is_looked_at_ends_no_minute_of_it(warehouse):
    row = snapshots_of(warehouse, "mail")[at("10:06")]
    assert row["session_item_minutes"] == row["item_view_minutes"] == 5


def test_an_event_at_the_very_instant_is_known_and_a_microsecond_later_is_not(warehouse):
    found = snapshots_of(warehouse, "instant")
    row = found[at("10:30")]
    assert (row["session_event_count"], row["idle_hours"]) == (2, 0)
    assert found[at("11:00")]["session_event_count"] == 3


def test_a_visit_is_signed_in_from_the_activity_that_names_the_account(warehouse):
    found = {
        instant: (row["visitor_is_known"], row["session_is_signed_in"])
        for instant, row in snapshots_of(warehouse, "signed in").items()
    }
    assert found[at("10:00")] == (0, 0)
    assert found[at("10:12")] == (1, 1)
    assert found[at("11:12")] == (1, 1)
    assert found[at("+1d 10:00")] == (1, 0)
    assert found[at("+1d 10:20")] == (1, 1)


def test_what_a_person_does_elsewhere_counts_once_both_devices_are_known(warehouse):
    found = snapshots_of(warehouse, "elsewhere")
    before, after = found[at("10:00")], found[at("10:30")]
    assert (before["owner_id"], before["owner_order_count"]) == (None, 0)
    assert (
        after["owner_id"].partition(".")[2],
        after["owner_order_count"],
        after["owner_order_value"],
    ) == ("7", 1, 50)
    assert (after["owner_visitor_count"], after["owner_session_count"]) == (2, 2)
    assert after["owner_days_since_order"] == pytest.approx((80 / 60) / 24)
    assert after["owner_idle_hours"] == pytest.approx(20 / 60)


def test_a_visitor_is_a_bot_from_the_event_or_the_microsecond_that_makes_it_one(warehouse):
    views = [view("v", f"10:{n // 60:02}:{n % 60:02}", item_id="x") for n in range(1000)]
    busy = log(*views[:999], add("v", "10:16:39"), view("v", "10:46:39"), view("w", "12:00"))
    tables = ("scoring_snapshots", "training_snapshots", "training_returns")
    warehouse.build(busy, at("10:16:39"), tables=tables)
    assert not is_suspected(warehouse)  # the thousandth event
    # who is learned from is judged by what was known at the hour, too
    learned = [warehouse.query(f"select * from {table}") for table in tables[1:]]
    assert [len(each) for each in learned] == [1, 0]
    warehouse.move(at("10:46:39"), tables)
    assert is_suspected(warehouse)
    for table in tables[1:]:
        assert warehouse.query(f"select * from {table}") == []
    tireless = [view("v", f"{h:02}:{m:02}") for h in range(12) for m in (0, 30)]
    ends = log(*tireless, add("v", "12:00"), view("v", "12:30"), view("w", "14:00"))
    warehouse.build(ends, at("12:00"), tables=tables[:1])
    assert not is_suspected(warehouse)  # twelve hours to the instant
    warehouse.move(at("12:30"), tables[:1])
    assert is_suspected(warehouse)


def test_a_return_knows_whether_a_cart_was_left(warehouse):
    rows = log(
        view("v", "10:00"),
        add("v", "12:00"),
        view("v", "14:00"),
        buy("v", "16:00"),
        view("w", "18:00"),
    )
    warehouse.build(rows, at("+1d 00:00"), tables=("training_returns",))
    left = warehouse.query(
        "select ended_at, session_leaves_cart from training_returns where visitor_id = 'v'"
    )
    assert {row["ended_at"]: row["session_leaves_cart"] for row in left} == {
        at("10:00"): 0,
        at("12:00"): 1,
        at("14:00"): 1,
        at("16:00"): 0,
    }


@pytest.mark.parametrize(("time", "is_left"), [("10:00", 1), ("10:00:00.000001", 0)])
def test_a_session_that_ends_at_the_very_end_of_the_30_days_of_a_cart_leaves_it(
    warehouse, time, is_left
):
    rows = log(add("v", "10:00"), view("v", f"+30d {time}"), view("w", "+30d 12:00"))
    warehouse.build(rows, at("+31d 00:00"), tables=("sessions", "training_returns"))
    returns = "select ended_at, session_leaves_cart from training_returns where visitor_id = 'v'"
    assert {row["ended_at"]: row["session_leaves_cart"] for row in warehouse.query(returns)} == {
        at("10:00"): 1,
        at(f"+30d {time}"): is_left,
    }
    sessions = "select ended_at, is_cart_abandoned from sessions where visitor_id = 'v'"
    assert {row["ended_at"]: row["is_cart_abandoned"] for row in warehouse.query(sessions)} == {
        at("10:00"): True,
        at(f"+30d {time}"): bool(is_left),
    }
