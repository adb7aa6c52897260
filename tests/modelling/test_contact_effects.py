"""What became of contacts, by hand and against a plain reference, and what plans make of it."""

import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from orchestration.ground.settings import Settings, parse_settings
from orchestration.modelling.contact_effects import drop_old_effects, ended_plans, measured
from orchestration.warehouse.contact_tables import CONTACT_EFFECTS
from tests.modelling.contact_logs import DAY, HOUR, LATER, MONDAY, Log

PAGE = Path(__file__).parents[2] / "dbt_project" / "docs" / "tables.md"


@pytest.fixture
def log():
    opened = Log()
    yield opened
    opened.connection.close()


def test_the_seven_days_begin_with_the_plans_time_and_end_with_their_last_instant(log):
    planned = MONDAY + 10 * HOUR
    second = timedelta(microseconds=1)
    for user, at in {
        "at": planned,
        "after": planned + second,
        "last": planned + 7 * DAY,
        "late": planned + 7 * DAY + second,
    }.items():
        log.contact(user, planned + HOUR, send_after=planned)
        log.order(at, user)
    bought = {user: row["is_converted"] for user, row in log.firsts().items()}
    assert bought == {"at": False, "after": True, "last": True, "late": False}


def test_an_order_is_the_owners_or_the_carts_visitors_while_that_has_no_owner(log):
    for user in ("ann", "bob", "cem"):
        log.contact(user, MONDAY)
        log.insert("main.carts", cart_id=f"cart-{user}", visitor_id=f"cookie-{user}")
    log.order(MONDAY + HOUR, "ann", "another device")
    log.order(MONDAY + HOUR, None, "cookie-bob")
    log.order(MONDAY + HOUR, "dan", "cookie-cem")
    bought = {user: row["is_converted"] for user, row in log.firsts().items()}
    assert bought == {"ann": True, "bob": True, "cem": False}


def test_a_person_counts_once_in_the_arm_and_with_the_plan_of_the_first_contact(log):
    """Two carts, contacts by two exports, an arm that a login changed: one person all the same."""
    log.contact("ann", MONDAY, cart_id="one")
    log.contact("ann", MONDAY, cart_id="one", export="braze")
    log.contact("ann", MONDAY + 3 * DAY, cart_id="two", action="incentive")
    # held out first, and mixed later: left in, as drawn
    log.contact("bob", MONDAY, is_withheld=True)
    log.contact("bob", MONDAY + DAY)
    log.order(MONDAY + 4 * DAY, "ann")
    log.order(MONDAY + 5 * DAY, "ann", value=50)
    log.order(MONDAY + 2 * DAY, "bob")
    found = log.firsts()
    assert (found["ann"]["is_contacted"], found["bob"]["is_contacted"]) == (True, False)
    assert (found["ann"]["revenue"], found["ann"]["contacts"]) == (150, 3)
    [row] = log.results()
    assert (row["contacted_persons"], row["held_out_persons"]) == (1, 1)
    assert (row["contacted_conversions"], row["held_out_conversions"]) == (1, 1)
    assert (row["action"], row["contacted_revenue"]) == ("reminder", 150)


def test_results_by_hand(log):
    """Eight contacted of whom four buy for 100 each, four held out of whom one buys for 80."""
    for number in range(8):
        log.contact(f"c{number}", MONDAY + number * HOUR)
        if number < 4:
            log.order(MONDAY + 2 * DAY, f"c{number}")
    for number in range(4):
        log.contact(f"h{number}", MONDAY + 6 * DAY, is_withheld=True)
    log.order(MONDAY + 7 * DAY, "h0", value=80)
    [row] = log.results(margin_rate=0.3, reminder_cost=0.25)
    interval = {name: row.pop(name) for name in ("difference_low", "difference_high")}
    # Wilson: 0.2152 to 0.7848 of 4 of 8, 0.0456 to 0.6994 of 1 of 4
    assert interval["difference_low"] == pytest.approx(-0.2820, abs=1e-4)
    assert interval["difference_high"] == pytest.approx(0.6006, abs=1e-4)
    reach = row["incremental_revenue_high"] - row["incremental_revenue"]
    assert row["incremental_revenue"] - row.pop("incremental_revenue_low") == reach
    # 8 x 1.96 x sqrt(var(100 100 100 100 0 0 0 0) / 8 + var(80 0 0 0) / 4)
    assert float(reach) == pytest.approx(8 * 1.96 * (2857.142857 / 8 + 1600 / 4) ** 0.5, rel=1e-3)
    row.pop("incremental_revenue_high")
    assert row == {
        "week": date(2026, 10, 5),
        "segment": "on_the_fence",
        "action": "reminder",
        "channel": "email",
        "contacted_persons": 8,
        "held_out_persons": 4,
        "contacted_conversions": 4,
        "held_out_conversions": 1,
        "contacted_revenue": 400,
        "held_out_revenue": 80,
        "difference": 0.25,
        "incremental_revenue": 400 - 80 * 2,
        "incremental_margin": Decimal("72.0000"),
        "contact_cost": 2,
        "reporting_currency": "EUR",
        "is_mature": True,
    }


def test_an_incentive_costs_its_discount_and_an_arm_without_anybody_no_difference(log):
    log.contact("ann", MONDAY, action="incentive")
    log.order(MONDAY + HOUR, "ann")
    [row] = log.results()
    assert row["contacted_revenue"] == 100
    assert [row[name] for name in ("difference", "incremental_revenue", "incremental_margin")] == [
        None
    ] * 3
    log.contact("bob", MONDAY, action="incentive", is_withheld=True)
    [row] = log.results(margin_rate=0.3, incentive_rate=0.05)
    assert row["incremental_margin"] == Decimal("25.0000")


def test_later_contacts_cost_what_they_are_and_not_what_the_first_was(log):
    log.contact("ann", MONDAY)
    # on a list the day before
    log.contact("ann", MONDAY + 2 * DAY, send_after=MONDAY + 3 * DAY, action="incentive")
    log.order(MONDAY + 4 * DAY, "ann")
    log.contact("bob", MONDAY, is_withheld=True)
    rates = {
        "reminder_cost": 0.05,
        "incentive_cost": 2.0,
        "incentive_rate": 0.05,
        "margin_rate": 0.3,
    }
    [row] = log.results(**rates)
    assert (row["action"], row["contact_cost"]) == ("reminder", Decimal("2.05"))
    assert row["incremental_margin"] == Decimal("25.0000")
    # an order before the incentive is at the full price
    log.order(MONDAY + 3 * DAY, "ann")
    [row] = log.results(**rates)
    assert row["incremental_margin"] == Decimal("55.0000")


def test_a_reminder_after_an_incentive_costs_less_and_what_was_promised_stays(log):
    log.contact("ann", MONDAY, action="incentive")
    log.contact("ann", MONDAY + 3 * DAY)
    log.order(MONDAY + 4 * DAY, "ann")
    log.contact("bob", MONDAY, action="incentive", is_withheld=True)
    [row] = log.results(
        reminder_cost=0.05, incentive_cost=2.0, incentive_rate=0.05, margin_rate=0.3
    )
    assert (row["action"], row["contact_cost"]) == ("incentive", Decimal("2.05"))
    assert (row["contacted_revenue"], row["incremental_margin"]) == (100, Decimal("25.0000"))


def test_an_arm_that_sends_an_incentive_for_a_reminder_costs_an_incentive(log):
    log.contact("ann", MONDAY, sent_action="incentive")
    log.contact("cat", MONDAY, sent_action="reminder")
    log.order(MONDAY + HOUR, "ann")
    log.contact("bob", MONDAY, is_withheld=True)
    [row] = log.results(
        reminder_cost=0.05, incentive_cost=2.0, incentive_rate=0.05, margin_rate=0.3
    )
    assert (row["action"], row["contacted_persons"]) == ("reminder", 2)
    assert row["contact_cost"] == Decimal("2.05")
    assert row["incremental_margin"] == Decimal("25.0000")


def test_the_effect_of_an_action_is_learned_from_those_who_were_sent_it(log):
    for number in range(30):
        log.contact(f"u{number}", MONDAY, sent_action=("incentive", "reminder")[number % 3 > 0])
        log.contact(f"v{number}", MONDAY, is_withheld=True)
    measured(log.connection, Settings(), LATER)
    incentive, reminder = effects(log)
    assert (reminder["contacted_persons"], reminder["held_out_persons"]) == (20, 30)
    assert incentive["contacted_persons"] == 0


def test_who_was_held_out_first_and_contacted_later_costs_what_that_cost(log):
    log.contact("ann", MONDAY)
    log.contact("bob", MONDAY, is_withheld=True)
    log.contact("bob", MONDAY + DAY, action="incentive")
    log.contact("bob", MONDAY + 8 * DAY)
    [row] = log.results(reminder_cost=0.05, incentive_cost=2.0)
    assert (row["contacted_persons"], row["held_out_persons"]) == (1, 1)
    assert row["contact_cost"] == Decimal("2.05")


def test_effects_rest_on_contacts_that_are_kept_whole(log):
    settings = parse_settings({"scores_keep_days": 28})
    for number in range(40):
        log.contact(f"c{number}", MONDAY, is_withheld=number % 2 == 0)
        log.contact(f"c{number}", MONDAY + 20 * DAY)
    later = MONDAY + 28 * DAY
    log.event(later - DAY)
    for at, persons in ((later - HOUR, 40), (later, 0)):
        measured(log.connection, settings, at)
        rows = log.connection.execute(
            "select contacted_persons + held_out_persons from scores.contact_effects"
            " where estimated_at = ? and action = 'reminder'",
            [at],
        ).fetchall()
        assert rows == [(persons,)]


def test_members_are_compared_in_every_segment_they_were_in_at_the_first_contact(log):
    def stay(user: str, segment: str, since=MONDAY - DAY, until=None) -> None:
        log.insert(
            "scores.segment_history",
            person_id=f"user:{user}",
            segment=segment,
            entered_at=since,
            left_at=until,
        )

    for user in ("ann", "bob", "cem", "dan"):
        log.contact(user, MONDAY + HOUR, is_withheld=user in ("cem", "dan"))
        stay(user, "vip", until=MONDAY + 2 * HOUR)
    stay("ann", "new_visitors", MONDAY + HOUR)
    stay("bob", "new_visitors", until=MONDAY + HOUR)
    stay("cem", "new_visitors", MONDAY + 2 * HOUR)
    for user in ("ann", "bob", "cem"):
        log.order(MONDAY + DAY, user, value={"ann": 10, "bob": 20, "cem": 5}[user])
    log.results()
    log.results()
    names = (
        "segment, contacted_persons, held_out_persons, contacted_conversions, held_out_conversions,"
        " contacted_revenue, held_out_revenue, difference, incremental_revenue, week, is_mature"
    )
    rows = log.connection.sql(f"select {names} from scores.segment_results order by 1").fetchall()
    assert rows == [
        ("new_visitors", 1, 0, 1, 0, 10, 0, None, None, MONDAY.date(), True),
        ("vip", 2, 2, 2, 1, 30, 5, 0.5, 25, MONDAY.date(), True),
    ]


def test_only_whose_seven_days_the_log_has_passed_are_counted(log):
    log.connection.execute("delete from main.ordered_events")
    log.event(MONDAY + 8 * DAY)
    log.contact("ann", MONDAY + DAY)
    log.contact("bob", MONDAY + DAY + HOUR)
    [row] = log.results()
    assert (row["contacted_persons"], row["is_mature"]) == (1, False)
    log.event(MONDAY + 14 * DAY)
    [row] = log.results()
    assert (row["contacted_persons"], row["is_mature"]) == (2, True)
    # at an hour before that it was not known
    assert log.results(MONDAY + 7 * DAY) == []


def test_what_is_known_at_an_hour_is_that_of_the_log_cut_there(log):
    log.contact("ann", MONDAY)
    log.order(MONDAY + 2 * DAY, "ann")
    log.contact("bob", LATER + 90 * DAY)  # as a clock has it that was ahead
    assert not log.firsts(MONDAY + DAY)["ann"]["is_converted"]
    assert log.firsts(MONDAY) == {}
    assert set(log.firsts(LATER)) == {"ann"}


def test_a_log_that_goes_on_after_an_hour_reaches_no_further_at_it(log):
    log.connection.execute("delete from main.ordered_events")
    eleven, minute = MONDAY + 11 * HOUR, timedelta(minutes=1)
    log.contact("ann", eleven - 10 * minute - 7 * DAY)
    log.event(eleven - 20 * minute)
    cut = log.firsts(eleven)
    log.event(eleven + 5 * minute)  # of the same session
    assert log.firsts(eleven) == cut
    assert not cut["ann"]["is_mature"]
    log.event(eleven - 10 * minute)
    assert log.firsts(eleven)["ann"]["is_mature"]


def test_first_contacts_are_those_of_a_plain_reference(log):
    rng = Random(11)
    contacts, orders = [], []
    for _ in range(120):
        user = f"u{rng.randrange(25)}"
        at = MONDAY + rng.randrange(24 * 28) * HOUR
        contacts.append((user, at, rng.random() < 0.3, f"{len(contacts) + 1:08d}"))
        log.contact(user, at, is_withheld=contacts[-1][2])
    for _ in range(60):
        orders.append((f"u{rng.randrange(25)}", MONDAY + rng.randrange(24 * 40) * HOUR))
        log.order(orders[-1][1], orders[-1][0])
    as_of = MONDAY + 21 * DAY
    log.event(as_of)
    expected = {}
    for user, at, is_withheld, _ in sorted(contacts, key=lambda c: (c[1], not c[2], c[3])):
        if at < as_of and user not in expected:
            own = [
                time
                for buyer, time in orders
                if buyer == user and at < time <= min(at + 7 * DAY, as_of)
            ]
            expected[user] = (not is_withheld, bool(own), 100 * len(own), at + 7 * DAY <= as_of)
    columns = ("is_contacted", "is_converted", "revenue", "is_mature")
    found = {user: tuple(row[c] for c in columns) for user, row in log.firsts(as_of).items()}
    assert found == expected
    assert {arm for arm, *_ in found.values()} == {True, False}


def effects(log: Log) -> list[dict]:
    names = ", ".join(CONTACT_EFFECTS.column_names)
    found = log.connection.sql(f"select {names} from scores.contact_effects order by all").pl()
    return found.to_dicts()


def test_without_anybody_held_out_plans_count_with_what_is_assumed(log):
    log.contact("ann", MONDAY)
    settings = Settings()
    assert measured(log.connection, settings, LATER) == settings
    for row, count in zip(effects(log), (0, 1), strict=True):
        assert (row["used"], row["contacted_persons"], row["weight"]) == ("assumed", count, 0.0)
        assert row["used_odds_ratio"] == row["assumed_odds_ratio"]


def test_a_measured_effect_takes_the_place_of_the_assumed_one_and_another_hour_keeps_its_own(log):
    rng = Random(4)
    for number in range(3000):
        is_withheld = number % 3 == 0
        log.contact(f"u{number}", MONDAY, is_withheld=is_withheld)
        if rng.random() < (0.2 if is_withheld else 0.35):
            log.order(MONDAY + DAY, f"u{number}")
    settings = Settings()
    found = measured(log.connection, settings, LATER)
    incentive, reminder = effects(log)
    assert (reminder["contacted_persons"], reminder["held_out_persons"]) == (2000, 1000)
    true = (0.35 / 0.65) / (0.2 / 0.8)
    assert reminder["odds_ratio_low"] < true < reminder["odds_ratio_high"]
    assert reminder["assumed_odds_ratio"] < reminder["used_odds_ratio"]
    assert reminder["used_odds_ratio"] < reminder["estimated_odds_ratio"]
    assert found.economics.reminder_odds_ratio == reminder["used_odds_ratio"]
    assert found.economics.incentive_odds_ratio == settings.economics.incentive_odds_ratio
    assert (reminder["used"], incentive["used"]) == ("measured", "assumed")
    # plans are looked at again, since what they rest on is another
    assert found.assumptions != settings.assumptions
    assert measured(log.connection, settings, LATER) == found
    assert measured(log.connection, settings, MONDAY + DAY) == settings
    assert len(effects(log)) == 4
    log.insert("scores.cart_scores", scored_at=LATER)
    drop_old_effects(log.connection, LATER, LATER, 10)
    assert {row["estimated_at"] for row in effects(log)} == {LATER}


def test_an_effect_that_leaves_nearly_no_buyers_stops_no_hour(log):
    log.contact("ann", MONDAY)
    log.contact("bob", MONDAY, is_withheld=True)
    settings = parse_settings({"economics": {"reminder_odds_ratio": 0.003}})
    assert measured(log.connection, settings, LATER).economics.reminder_odds_ratio == 0.01


def test_a_plan_ends_with_the_contact_of_its_person_or_cart_once_that_was_sent(log):
    for user in ("ann", "bob", "cem", "dan", "eve"):
        log.insert("main.scoring_snapshots", cart_id=f"cart-{user}", visitor_id="v", owner_id=user)
    log.contact("ann", MONDAY)
    log.contact("ann", MONDAY + DAY, cart_id="another")
    log.contact("bob", MONDAY, status="planned", sent_at=None)
    log.contact("cem", MONDAY, is_withheld=True)
    log.contact("eve", MONDAY, person_id="user:as-known-then")
    found = dict(ended_plans(log.connection, LATER).iter_rows())
    assert found == {"cart-ann": MONDAY + DAY, "cart-cem": MONDAY, "cart-eve": MONDAY}
    assert ended_plans(log.connection, MONDAY).is_empty()


def test_the_documented_queries_say_what_plans_count_with_and_what_contacts_brought(log):
    for number in range(8):
        log.contact(f"c{number}", MONDAY, is_withheld=number >= 4)
        if number % 3 == 0:
            log.order(MONDAY + DAY, f"c{number}")
    measured(log.connection, Settings(), LATER)
    log.results(reminder_cost=0.25, margin_rate=0.3)
    section = re.findall(r"^## 10\. .*?(?=^## )", PAGE.read_text(), re.S | re.M)[0]
    effects_query, results_query = re.findall(r"```sql\n(.*?)```", section, re.S)
    for name in ("contact_effects", "campaign_results"):
        log.connection.execute(f"create view {name} as from scores.{name}")
    found = log.connection.execute(effects_query).fetchall()
    assert [row[:3] for row in found] == [("incentive", 0, 0), ("reminder", 4, 4)]
    [row] = log.connection.execute(results_query).fetchall()
    assert row[:7] == (date(2026, 10, 5), "reminder", 4, 4, 0.5, 0.25, 0.25)
    # 100 more, of which 30 is margin, less four contacts
    assert row[9:] == (Decimal("29.0000"), "EUR")
