"""What arms of experiments brought, by hand and against intervals worked out elsewhere."""

from datetime import timedelta
from decimal import Decimal

import pytest

from ml.experiments import compare, persons_needed
from orchestration.ground.settings import Settings, parse_settings
from orchestration.modelling import experiment_arms
from orchestration.modelling.experiment_results import write_results

from .contact_logs import DAY, LATER, MONDAY, Log

TICK = timedelta(microseconds=1)
WEEK = 7 * DAY


@pytest.fixture
def log() -> Log:
    return Log()


def settings(**given: object) -> Settings:
    return parse_settings({"experiments": {"subject": {"arms": ["plain", "short"]} | given}})


def assign(log: Log, user: str, arm: str = "plain", at=MONDAY, **values: object) -> None:
    row = {
        "experiment": "subject",
        "person_id": f"user:{user}",
        "arm": arm,
        "assigned_at": at,
        "p_abandon": 0.9,
    }
    log.insert("scores.experiment_arms", **(row | values))


def results(log: Log, at=LATER, **given: object) -> dict[str, dict]:
    return {row["arm"]: row for row in write_results(log.connection, settings(**given), at, "EUR")}


def test_an_order_counts_after_the_assignment_up_to_seven_days_and_of_the_person(log):
    for user in ("at_once", "after", "last", "late", "other"):
        assign(log, user)
    log.order(MONDAY, "at_once")
    log.order(MONDAY + TICK, "after", value=10)
    log.order(MONDAY + WEEK, "last", value=5)
    log.order(MONDAY + WEEK, "last", value=2)
    log.order(MONDAY + WEEK + TICK, "late")
    log.order(MONDAY + DAY, None)
    row = results(log)["plain"]
    assert (row["persons"], row["conversions"], row["revenue"]) == (5, 2, Decimal(17))
    assert row["conversion_rate"] == pytest.approx(0.4)
    assert (row["is_control"], row["reading"], row["difference"]) == (True, "control", None)


def test_who_was_assigned_less_than_seven_days_ago_is_not_counted_yet(log):
    assign(log, "old", at=LATER - WEEK)
    assign(log, "new", at=LATER - WEEK + TICK)
    assign(log, "to_come", at=LATER + TICK)
    row = results(log)["plain"]
    assert (row["assigned_persons"], row["persons"]) == (2, 1)


def test_everybody_counts_in_the_arm_contacted_or_not(log):
    assign(log, "sent", "short")
    assign(log, "never", "short")
    log.contact("sent", MONDAY)
    log.contact("never", MONDAY - DAY)
    log.order(MONDAY + DAY, "never")
    row = results(log)["short"]
    assert (row["persons"], row["contacted_persons"], row["conversions"]) == (2, 1, 1)


def fill(log: Log, arm: str, count: int, bought: int, **values: object) -> None:
    for i in range(count):
        assign(log, f"{arm}{i}", arm, **values)
        if i < bought:
            log.order(MONDAY + DAY, f"{arm}{i}", value=1)


def test_arms_are_compared_with_the_first_and_it_says_what_may_be_read(log):
    fill(log, "plain", 40, 4)
    fill(log, "short", 40, 8)
    # 0.9 of them abandon, so that a tenth buys, and by hand
    # (1.96 * sqrt(2 * 0.25 * 0.75) + 0.8416 * sqrt(0.1 * 0.9 + 0.4 * 0.6))^2 / 0.3^2 = 31.5
    needed = persons_needed(0.1, 0.3)
    assert needed == 32
    short = results(log, least_effect=0.3)["short"]
    expected = compare(8, 40, 4, 40, 2 * needed)
    assert short["difference"] == pytest.approx(0.1)
    for name in ("low", "high"):
        assert short[f"difference_{name}"] == getattr(expected, name)
        assert short[f"always_{name}"] == getattr(expected, f"always_{name}")
    assert (short["planned_persons"], short["reading"]) == (32, "complete")
    # as many as there are do not show so little
    short = results(log, least_effect=0.05)["short"]
    assert (short["planned_persons"], short["reading"]) == (686, "too_early")


def test_a_great_difference_may_be_read_before_as_many_as_planned_are_there(log):
    fill(log, "plain", 60, 3)
    fill(log, "short", 60, 40)
    row = results(log, least_effect=0.05)["short"]
    assert row["reading"] == "decided"
    assert row["persons"] < row["planned_persons"]
    assert row["always_low"] > 0


def test_shares_and_more_arms_ask_for_more_persons(log):
    assign(log, "anna")
    planned = {arm: row["planned_persons"] for arm, row in results(log, least_effect=0.05).items()}
    assert planned == {"plain": 686, "short": 686}
    three = {"arms": ["plain", "short", "long"], "shares": [2, 1, 1], "least_effect": 0.05}
    control = persons_needed(0.1, 0.05, 0.5, comparisons=2)
    planned = {arm: row["planned_persons"] for arm, row in results(log, **three).items()}
    assert planned == {"plain": control, "short": round(control / 2), "long": round(control / 2)}


def test_without_anybody_or_where_no_share_can_differ_so_much_nothing_is_planned(log):
    rows = results(log)
    assert [(row["persons"], row["planned_persons"], row["reading"]) for row in rows.values()] == [
        (0, None, "control"),
        (0, None, "too_early"),
    ]
    assign(log, "anna", p_abandon=0.0)
    assert results(log)["short"]["planned_persons"] is None


def test_an_experiment_that_is_over_keeps_its_results_and_lets_go_of_its_people(log):
    fill(log, "plain", 3, 1)
    results(log)
    assert write_results(log.connection, Settings(), LATER, "EUR") == []
    kept = log.connection.execute("select arm, persons from scores.experiment_results").fetchall()
    assert sorted(kept) == [("plain", 3), ("short", 0)]
    experiment_arms.drop_old(log.connection, ["subject"], LATER)
    count = "select count(*) from scores.experiment_arms"
    assert log.connection.execute(count).fetchall() == [(3,)]
    experiment_arms.drop_old(log.connection, [], MONDAY)
    assert log.connection.execute(count).fetchall() == [(3,)]
    experiment_arms.drop_old(log.connection, [], MONDAY + TICK)
    assert log.connection.execute(count).fetchall() == [(0,)]
