"""The plain reference against the hand-made cases, and what it says of rows it sets aside."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from . import spellings
from .all_cases import CASES
from .cases import LOADED_AT, Case, event, log, view
from .comparison import assert_expected
from .reference_log import Log
from .reference_rows import clean
from .reference_tables import tables
from .strategies import random_log


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_reference_makes_of_each_case_what_was_written_by_hand(case: Case) -> None:
    events = clean(case.rows, LOADED_AT).events
    assert_expected(tables(events, case.as_of), case.expected)


def test_every_row_is_an_event_a_duplicate_or_dropped_with_its_reason() -> None:
    delivered = log(
        view("A", "10:00"),
        view("A", "10:00", event_id="e01"),
        view("A", "10:05", event_id="e01"),
        event(None, "10:00", "view_item", user_id="null"),
        view("A", "10:00", event_at="2026-13-01T00:00:00Z"),
        view("A", "10:00", event_at="2026-08-01T00:05:00.000001Z"),
        view("A", "10:00", event_at="2026-08-01T00:05:00Z"),
        event("A", "10:00", None),
    )
    cleaned = clean(delivered, LOADED_AT)
    assert [each.event_id for each in cleaned.events] == ["e01", "e07"]
    assert cleaned.duplicate_count == 2
    assert [(one.row, one.action, one.reason) for one in cleaned.set_aside] == [
        (3, "dropped", "no_identity"),
        (4, "dropped", "bad_time"),
        (5, "dropped", "implausible_time"),
        (7, "dropped", "no_event_type"),
    ]


def test_a_bad_optional_field_is_noted_and_its_event_kept() -> None:
    delivered = log(
        view("A", "10:00", quantity="two"),
        view("A", "10:00", quantity="1.5"),
        view("A", "10:00", price="-0.01"),
        view("A", "10:00", price="NaN", currency="???"),
        view("A", "10:00", quantity="3", price="0", currency="EUR"),
        view("A", "10:00", quantity="", price=None),
    )
    cleaned = clean(delivered, LOADED_AT)
    assert [(one.row, one.reason) for one in cleaned.set_aside] == [
        (0, "bad_quantity"),
        (1, "bad_quantity"),
        (2, "bad_price"),
        (3, "bad_price"),
        (3, "bad_currency"),
    ]
    assert {one.action for one in cleaned.set_aside} == {"repaired"}
    assert [(each.quantity, each.price, each.currency) for each in cleaned.events] == [
        *[(None, None, None)] * 4,
        (3, Decimal(0), "EUR"),
        (None, None, None),
    ]


def test_a_row_means_the_same_however_it_is_spelled() -> None:
    # of several copies of an event the smallest text counts, whatever it means
    pools = {"kind": ("new", "again", "nobody", "bad_time")}
    drawn: set[str | None] = set()
    for seed in range(30):
        plain = random_log(seed, 60, spelled=(0,), **pools)
        written = random_log(seed, 60, spelled=range(1, spellings.COUNT + 1), **pools)
        assert clean(written, LOADED_AT) == clean(plain, LOADED_AT)
        drawn.update(text for row in written for text in row.values())
    assert drawn >= {word for words in spellings.TYPES.values() for word in words}
    assert drawn >= {"7.0", "8,0", "0,0", "\ufeffA\t", "'null'", "hat\u00a0", "2e0", "-"}


def test_an_id_is_unique_in_its_source_only() -> None:
    delivered = log(view("A", "10:00", event_id="x")) + log(
        view("A", "10:00", event_id="x"), source="other"
    )
    assert len(clean(delivered, LOADED_AT).events) == 2


def test_a_time_without_zone_is_in_the_zone_its_source_declares() -> None:
    delivered = log(view("A", "10:00", event_at="2026-03-02 10:00:00"), source="paris")
    events = clean(delivered, LOADED_AT, zones={"paris": "Europe/Paris"}).events
    assert events[0].event_at == datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_a_cut_log_knows_nothing_of_what_comes_after() -> None:
    delivered = log(view("A", "10:00"), view("A", "10:10"), view("A", "12:00"))
    whole = Log(clean(delivered, LOADED_AT).events)
    cut = whole.cut(whole.ranked[1].event_at)
    assert [len(session.events) for session in cut.sessions] == [2]
    assert whole.newest_at - cut.newest_at == timedelta(minutes=110)
