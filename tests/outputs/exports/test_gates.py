"""Who may be contacted; of everybody else, the first reason why not."""

from datetime import datetime, time, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.outputs.exports.gates import FACTS, GATES, Policy, best_carts, counts, gates

TEN = datetime(2026, 10, 31, 10)
HOUR = timedelta(hours=1)
POLICY = Policy(capacity=1000)
EVERY_GATE = (
    "erased",
    "suppressed",
    "no_profile",
    "no_consent",
    "invalid_contact",
    "holdout",
    "suspected_bot",
    "bought_since",
    "nothing_to_gain",
    "below_priority",
    "not_due",
    "in_cooldown",
    "over_cap",
    "quiet_hours",
    "eligible",
)
OPEN = {
    "person_id": "user:1",
    "is_erased": False,
    "is_suppressed": False,
    "has_profile": True,
    "is_consented": True,
    "contact": "ann@example.com",
    "mailbox": None,
    "is_holdout": False,
    "is_suspected_bot": False,
    "has_bought_since": False,
    "is_worth_it": True,
    "priority": 1,
    "contact_not_before": TEN,
    "contact_valid_until": TEN + HOUR,
    "last_contacted_at": None,
    "contacts_in_7_days": 0,
    "time_zone": "UTC",
}
# What each gate refuses, in the order of the gates.
REFUSED = {
    "erased": {"is_erased": True},
    "suppressed": {"is_suppressed": True},
    "no_profile": {"has_profile": False},
    "no_consent": {"is_consented": False},
    "invalid_contact": {"contact": None},
    "holdout": {"is_holdout": True},
    "suspected_bot": {"is_suspected_bot": True},
    "bought_since": {"has_bought_since": True},
    "nothing_to_gain": {"is_worth_it": False},
    "below_priority": {"priority": None},
    "not_due": {"contact_not_before": TEN + timedelta(microseconds=1)},
    "in_cooldown": {"last_contacted_at": TEN, "contacts_in_7_days": 1},
    "over_cap": {"contacts_in_7_days": 3, "last_contacted_at": TEN - 48 * HOUR},
    "quiet_hours": {"time_zone": "Pacific/Honolulu"},
}


def facts(*changes: dict) -> pl.DataFrame:
    persons = [
        OPEN | {"person_id": f"user:{i}", "contact": f"{i}@example.com"} | change
        for i, change in enumerate(changes)
    ]
    return pl.DataFrame(persons, schema=FACTS)


def gate_of(change: dict, policy: Policy = POLICY, at: datetime = TEN) -> str:
    return gates(facts(change), policy, at).item()


def test_the_gates_stand_in_the_order_of_the_contract():
    assert GATES == EVERY_GATE
    assert gate_of({}) == "eligible"


@pytest.mark.parametrize(("gate", "change"), REFUSED.items())
def test_each_gate_refuses_what_it_is_for(gate, change):
    assert gate_of(change) == gate


IN_TURN = list(REFUSED)


@pytest.mark.parametrize("place", range(len(IN_TURN)))
def test_of_several_gates_the_first_is_counted(place):
    change = {}
    for name in reversed(IN_TURN[place:]):
        change |= REFUSED[name]
    assert gate_of(change) == IN_TURN[place]


@pytest.mark.parametrize(
    ("fact", "gate"),
    [
        ("is_erased", "erased"),
        ("is_suppressed", "suppressed"),
        ("has_profile", "no_profile"),
        ("is_consented", "no_consent"),
        ("contact", "invalid_contact"),
        ("is_holdout", "holdout"),
        ("is_suspected_bot", "suspected_bot"),
        ("has_bought_since", "bought_since"),
        ("is_worth_it", "nothing_to_gain"),
        ("priority", "below_priority"),
        ("contact_not_before", "not_due"),
        ("contact_valid_until", "not_due"),
        ("contacts_in_7_days", "in_cooldown"),
    ],
)
def test_what_is_not_known_is_refused(fact, gate):
    assert gate_of({fact: None}) == gate


def test_a_contact_of_unknown_time_is_taken_for_a_new_one():
    assert gate_of({"contacts_in_7_days": 1, "last_contacted_at": None}) == "in_cooldown"


def test_a_contact_is_due_from_its_time_until_before_its_end():
    assert gate_of({"contact_not_before": TEN, "contact_valid_until": TEN}) == "not_due"
    ends = {
        "contact_not_before": TEN - HOUR,
        "contact_valid_until": TEN + timedelta(microseconds=1),
    }
    assert gate_of(ends) == "eligible"


@pytest.mark.parametrize(
    ("hours_ago", "gate"), [(23.999, "in_cooldown"), (24, "eligible"), (-1, "in_cooldown")]
)
def test_a_contact_cools_down_for_24_hours(hours_ago, gate):
    last = TEN - timedelta(hours=hours_ago)
    assert gate_of({"last_contacted_at": last, "contacts_in_7_days": 1}) == gate


@pytest.mark.parametrize(("contacts", "gate"), [(2, "eligible"), (3, "over_cap"), (4, "over_cap")])
def test_the_third_contact_in_seven_days_is_the_last(contacts, gate):
    long_ago = {"contacts_in_7_days": contacts, "last_contacted_at": TEN - 30 * HOUR}
    assert gate_of(long_ago) == gate


@pytest.mark.parametrize(
    ("zone", "hour", "gate"),
    [
        ("UTC", 7, "quiet_hours"),
        ("UTC", 8, "eligible"),
        ("UTC", 21, "eligible"),
        ("UTC", 22, "quiet_hours"),
        ("UTC", 0, "quiet_hours"),
        ("Europe/Berlin", 7, "eligible"),  # 08:00 there
        ("Europe/Berlin", 21, "quiet_hours"),
        ("Asia/Kathmandu", 2, "quiet_hours"),  # 07:45 there
        ("Asia/Kathmandu", 3, "eligible"),
        (None, 7, "eligible"),  # the shop's own
        ("", 7, "eligible"),
        ("Mars/Olympus", 7, "eligible"),
        ("../../etc/passwd", 7, "eligible"),
        ("Europe", 7, "eligible"),
        ("a\x00b", 7, "eligible"),
        ("x" * 10_000, 7, "eligible"),
    ],
)
def test_quiet_hours_are_the_persons_own_else_those_of_the_shop(zone, hour, gate):
    at = datetime(2026, 12, 1, hour)
    due = {"time_zone": zone, "contact_not_before": at, "contact_valid_until": at + HOUR}
    assert gate_of(due, Policy(capacity=9, time_zone="Europe/Berlin"), at) == gate


def test_quiet_hours_may_lie_within_a_day_or_be_none():
    noon = Policy(capacity=9, quiet_from=time(9), quiet_until=time(11))
    assert gate_of({}, noon) == "quiet_hours"
    assert gate_of({}, Policy(capacity=9, quiet_from=time(11), quiet_until=time(11))) == "eligible"


def test_the_capacity_goes_to_the_first_by_priority_who_can_be_contacted_now():
    persons = facts(
        {"priority": 4},
        {"priority": 2},
        {"priority": 1, "contact_not_before": TEN + HOUR},
        {"priority": 3},
    )
    assert gates(persons, Policy(capacity=2), TEN).to_list() == [
        "below_priority",
        "eligible",
        "not_due",
        "eligible",
    ]


@pytest.mark.parametrize("gate", ["not_due", "in_cooldown", "over_cap", "quiet_hours"])
def test_whoever_is_beyond_the_capacity_is_counted_there_whatever_holds_after_it(gate):
    late = {"priority": 2} | REFUSED[gate]
    persons = facts({"priority": 1}, late, {"priority": 3}, {"priority": 4} | REFUSED[gate])
    assert gates(persons, Policy(capacity=2), TEN).to_list() == [
        "eligible",
        gate,
        "eligible",
        "below_priority",
    ]
    assert gates(persons, Policy(capacity=1), TEN).to_list() == [
        "eligible",
        *3 * ["below_priority"],
    ]


def test_an_address_of_two_persons_is_contacted_once_for_the_better_of_them():
    family = {"contact": "family@example.com"}
    persons = facts({"priority": 2} | family, {"priority": 1} | family, {"priority": 3})
    assert gates(persons, Policy(capacity=2), TEN).to_list() == [
        "in_cooldown",
        "eligible",
        "eligible",
    ]


@pytest.mark.parametrize("gate", ["not_due", "in_cooldown", "over_cap", "quiet_hours"])
def test_a_list_of_the_ads_is_no_contact_at_a_time(gate):
    assert gate_of(REFUSED[gate], Policy(capacity=9, is_timed=False)) == "eligible"


def test_a_person_with_two_rows_is_an_error():
    with pytest.raises(ValueError, match="two rows"):
        gates(facts({"person_id": "a"}, {"person_id": "a"}), POLICY, TEN)


def test_nobody_at_all_is_counted_at_every_gate():
    none = gates(pl.DataFrame(schema=FACTS), POLICY, TEN)
    assert counts(none) == dict.fromkeys(GATES, 0)


CHANGES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "is_erased": st.sampled_from([True, None]),
            "is_consented": st.sampled_from([False, None]),
            "contact": st.sampled_from([None, "x@example.com", "y@example.com"]),
            "is_holdout": st.booleans(),
            "priority": st.none() | st.integers(1, 5),
            "time_zone": st.sampled_from(["Asia/Tokyo", "Pacific/Honolulu", None]),
        },
    ),
    max_size=8,
)


@settings(deadline=None, max_examples=30)
@given(CHANGES, st.integers(0, 4))
def test_counts_add_up_to_everybody_and_no_address_is_contacted_twice(changes, capacity):
    persons = facts(*changes)
    gate = gates(persons, Policy(capacity=capacity), TEN)
    assert list(counts(gate)) == list(GATES)
    assert sum(counts(gate).values()) == persons.height
    contacted = persons.filter(gate == "eligible")
    assert contacted.height <= capacity
    assert contacted["contact"].is_unique().all()
    assert contacted.filter(
        pl.any_horizontal(
            pl.col("is_erased").fill_null(value=True),
            ~pl.col("is_consented").fill_null(value=False),
            pl.col("contact").is_null(),
            pl.col("is_holdout").fill_null(value=True),
        )
    ).is_empty()


def test_a_person_has_the_cart_with_the_greatest_gain():
    carts = pl.DataFrame(
        {
            "person_id": ["a", "a", "a", "b", "b", "c"],
            "cart_id": ["a1", "a2", "a3", "b2", "b1", "c1"],
            "expected_gain": [1.0, 2.0, None, 0.0, 0.0, None],
            "priority_rank": [2, 1, 6, 3, 3, 5],
        }
    )
    best = best_carts(carts)
    assert dict(zip(best["person_id"], best["cart_id"], strict=True)) == {
        "a": "a2",
        "b": "b1",
        "c": "c1",
    }
