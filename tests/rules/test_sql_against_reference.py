"""The SQL against the hand-made cases, the reference, and itself told in another way."""

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from . import reference
from .cases import CASES, LOADED_AT, Case, Row
from .comparison import assert_expected, assert_same_rows, assert_same_tables
from .strategies import GAPS, MICROSECOND, SHARED, logs, random_log
from .warehouse import SELECTS, Warehouse

TRAINING = ("training_snapshots", "training_returns")
SCORING = ("scoring_snapshots", "scoring_returns")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_sql_makes_of_each_case_what_was_written_by_hand(
    warehouse: Warehouse, case: Case
) -> None:
    assert_expected(warehouse.tables(case.rows, case.as_of, tuple(case.expected)), case.expected)


@pytest.mark.slow
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(rows=logs(), place=st.none() | st.integers(0, 24))
def test_the_sql_and_the_reference_agree(
    warehouse: Warehouse, rows: list[Row], place: int | None
) -> None:
    _assert_agreement(warehouse, rows, place)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100))
def test_the_sql_and_the_reference_agree_on_larger_logs(warehouse: Warehouse, seed: int) -> None:
    place = random.Random(seed).choice((None, 10, 30, 40))
    _assert_agreement(warehouse, random_log(seed, size=60), place)


def _assert_agreement(warehouse: Warehouse, rows: list[Row], place: int | None) -> None:
    """As of the first hour that knows all, or as of the event at a place."""
    events = reference.clean(rows, LOADED_AT).events
    is_past = place is not None and events
    as_of = events[place % len(events)].event_at if is_past else _newest_hour(events)
    assert_same_tables(warehouse.tables(rows, as_of), reference.tables(events, as_of))


def _newest_hour(events: list[reference.Event]) -> datetime:
    newest_at = max((event.event_at for event in events), default=LOADED_AT)
    hour = newest_at.replace(minute=0, second=0, microsecond=0)
    return hour if hour == newest_at else hour + timedelta(hours=1)


@pytest.mark.parametrize("seed", range(200, 208))
def test_neither_the_order_of_rows_nor_their_files_change_anything(
    warehouse: Warehouse, seed: int
) -> None:
    rows = random_log(seed, size=80)
    as_of = _newest_hour(reference.clean(rows, LOADED_AT).events)
    warehouse.build(rows, as_of)
    once = _everything(warehouse)

    generator = random.Random(seed)
    generator.shuffle(rows)
    again = [*rows, *generator.sample(rows, k=20)]
    warehouse.build(again, as_of, files=[generator.randint(1, 5) for _ in again])
    assert_same_tables(_everything(warehouse), once)


def _everything(warehouse: Warehouse, names: Iterable[str] = SELECTS) -> dict[str, list[dict]]:
    # Where an event was read is of its arrival, and the only thing that may differ.
    arrival = {"events": "exclude (row_key, load_id, line)"}
    return {
        name: warehouse.query(f"select * {arrival.get(name, '')} from {name}") for name in names
    }


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(300, 310))
def test_what_is_known_at_an_instant_is_that_of_the_log_cut_there(
    warehouse: Warehouse, seed: int
) -> None:
    rows = random_log(seed, size=120, **SHARED)
    events = reference.clean(rows, LOADED_AT).events
    instants = _instants(events, seed, count=20)

    warehouse.build(rows, _newest_hour(events))
    later = _everything(warehouse, TRAINING)
    _assert_is_eventful(warehouse)
    known: dict[datetime, dict[str, list[dict]]] = {}
    for instant in instants:
        warehouse.move(instant, SCORING)
        known[instant] = _everything(warehouse, SCORING)
    # what is compared is not nothing: carts of several visitors, some of them one person's
    scored = [row for tables in known.values() for row in tables["scoring_snapshots"]]
    assert len(scored) >= 20
    assert len({row["visitor_id"] for row in scored}) >= 4
    assert any(row["owner_visitor_count"] > 1 for row in scored)

    for number, instant in enumerate(instants):
        known_rows = [row for row in rows if _is_told_by(row, instant)]
        is_learned = number % 4 == 0
        warehouse.build(known_rows, instant, tables=(*SCORING, *(TRAINING if is_learned else ())))
        assert_same_tables(_everything(warehouse, SCORING), known[instant])
        if is_learned:
            _assert_same_features(
                _everything(warehouse, TRAINING),
                later,
                until=max(
                    (event.event_at for event in events if event.event_at <= instant),
                    default=instant,
                ),
            )


def _assert_same_features(
    cut: Mapping[str, list[dict]], later: Mapping[str, list[dict]], until: datetime
) -> None:
    """What a log that ends at an instant gives to learn from; labels may be known later."""
    # A session is over, and will stay as it is, once a further event could not be in it.
    is_known = {
        "training_snapshots": lambda row: row["as_of"] <= until,
        "training_returns": lambda row: row["ended_at"] + reference.INACTIVITY < until,
    }
    for name, is_in in is_known.items():
        found, wanted = (
            [_features(row) for row in tables[name] if is_in(row)] for tables in (later, cut)
        )
        assert_same_rows(name, found, wanted)


def _instants(events: list[reference.Event], seed: int, count: int) -> list[datetime]:
    """Random instants at or just beside an event or a time that its age decides."""
    generator = random.Random(seed)
    return [
        generator.choice(events).event_at
        + generator.choice(GAPS)
        + generator.choice((-MICROSECOND, timedelta(0), timedelta(0), MICROSECOND))
        for _ in range(count)
    ]


def _assert_is_eventful(warehouse: Warehouse) -> None:
    """The log has all that may make a past instant look otherwise from later on."""
    (found,) = warehouse.query("""
        select
            (select count(*) from carts where status = 'expired') as expired,
            (select count(*) from carts where converted_elsewhere) as bought_elsewhere,
            (select count(*) from carts where is_recovered) as recovered,
            (select count(*) from duplicate_rows) as duplicates
    """)
    assert all(found.values()), found


@pytest.mark.parametrize("seed", range(320, 324))
def test_a_past_instant_learns_labels_from_the_log_cut_there(
    warehouse: Warehouse, seed: int
) -> None:
    rows = random_log(seed, size=80)
    [instant] = _instants(reference.clean(rows, LOADED_AT).events, seed, count=1)
    known = [row for row in rows if _is_told_by(row, instant)]
    warehouse.build(known, instant, tables=TRAINING)
    cut = _everything(warehouse, TRAINING)
    assert all(cut.values())
    warehouse.build(rows, instant, tables=TRAINING)
    assert_same_tables(_everything(warehouse, TRAINING), cut)


def _is_told_by(row: Row, instant: datetime) -> bool:
    event_at = reference.parse_time(row["event_at"], "UTC")
    return event_at is None or event_at <= instant


def _features(row: dict) -> dict:
    labels = ("converts_within_horizon", "duration_hours", "is_returned")
    return {key: value for key, value in row.items() if key not in labels}


@pytest.mark.parametrize("seed", range(400, 405))
def test_every_row_of_every_file_is_an_event_a_duplicate_or_dropped(
    warehouse: Warehouse, seed: int
) -> None:
    rows = random_log(seed, size=80)
    generator = random.Random(seed)
    files = sorted(generator.randint(1, 4) for _ in rows)
    warehouse.build(rows, LOADED_AT, tables=("landed_files", "set_aside_rows"), files=files)
    landed = warehouse.query("select * from landed_files")
    cleaned = reference.clean(rows, LOADED_AT)

    assert {row["file"]: row["rows_read"] for row in landed} == {
        f"{file}.csv": count for file, count in Counter(files).items()
    }
    for row in landed:
        kept_or_not = row["rows_accepted"] + row["rows_duplicate"] + row["rows_dropped"]
        assert row["rows_read"] == kept_or_not, row["file"]
    assert sum(row["rows_accepted"] for row in landed) == len(cleaned.events)
    assert sum(row["rows_duplicate"] for row in landed) == cleaned.duplicate_count
    set_aside = warehouse.query("select action, reason from set_aside_rows")
    assert Counter(row["reason"] for row in set_aside if row["action"] == "dropped") == Counter(
        remark.reason for remark in cleaned.set_aside if remark.action == "dropped"
    )
