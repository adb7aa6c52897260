"""The SQL against the hand-made cases, the reference, and itself delivered in another way."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from . import reference_tables
from .all_cases import CASES
from .apart import apart, by_log
from .cases import LOADED_AT, MONDAY, Case, Row, buy
from .cases import log as delivered
from .cases_together import batches, may_be_together, may_stand_together, tables_together
from .comparison import assert_expected, assert_same_rows, assert_same_tables
from .heavy import heavy
from .page_loads import page_loads
from .reference_calendar import Sale, clean_sales
from .reference_events import Event
from .reference_fields import parse_time
from .reference_log import INACTIVITY, Log
from .reference_money import Rate, clean_rates
from .reference_rows import clean, is_suspect
from .reference_snapshots import LEARNED_FOR
from .strategies import (
    GAPS,
    MICROSECOND,
    SHARED,
    Choice,
    choices,
    random_log,
    random_rates,
    random_sales,
    rows_from,
)
from .warehouse import SELECTS, Warehouse

TRAINING = ("training_snapshots", "training_returns")
SCORING = ("scoring_snapshots", "scoring_returns")
# Where the hours of many logs are brought together, and when such logs are loaded.
INSTANT = datetime(2026, 5, 4, tzinfo=UTC)
AFTER_ALL = datetime(2030, 1, 1, tzinfo=UTC)
PLACES = st.none() | st.integers(0, 24)

Draft = Callable[[datetime], list[Row]]
"""A log by the time at which it begins."""


TOGETHER = [case for case in CASES if may_be_together(case)]
STANDING = [case for case in CASES if may_stand_together(case)]
ALONE = [case for case in CASES if case not in (*TOGETHER, *STANDING)]


@pytest.mark.parametrize(
    "case", [*ALONE, *heavy([*TOGETHER, *STANDING])], ids=lambda case: case.name
)
def test_the_sql_makes_of_each_case_what_was_written_by_hand(
    warehouse: Warehouse, case: Case
) -> None:
    assert_expected(warehouse.tables(case.rows, case.as_of, tuple(case.expected)), case.expected)


@pytest.mark.parametrize(
    "cases", [*batches(TOGETHER, 40), STANDING], ids=lambda cases: cases[0].name
)
def test_the_sql_makes_of_many_cases_at_once_what_was_written_by_hand(
    warehouse: Warehouse, cases: Sequence[Case]
) -> None:
    for case, tables in tables_together(warehouse, cases):
        assert_expected(tables, case.expected, of=case.name)


def test_most_cases_may_be_together() -> None:
    assert len(TOGETHER) > 0.6 * len(CASES)


@pytest.mark.slow
@pytest.mark.parametrize("examples", [2, *heavy([40])])
def test_the_sql_and_the_reference_agree(warehouse: Warehouse, examples: int) -> None:
    drawn_logs = st.lists(st.tuples(choices(), PLACES), min_size=3, max_size=3)

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(drawn=drawn_logs, rates=st.integers(0, 30))
    def assert_they_agree(drawn: list[tuple[list[Choice], int | None]], rates: int) -> None:
        drafts = [(partial(rows_from, each), place) for each, place in drawn]
        assert_agreement(warehouse, drafts, seed=rates)

    assert_they_agree()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, *heavy(range(1, 100))])
def test_the_sql_and_the_reference_agree_on_larger_logs(warehouse: Warehouse, seed: int) -> None:
    assert_agreement(warehouse, [larger_log(seed)], seed=seed)


@pytest.mark.slow
@pytest.mark.parametrize("first", [0, *heavy([*range(20, 100, 20), *range(1000, 1400, 20)])])
def test_the_sql_and_the_reference_agree_on_many_larger_logs(
    warehouse: Warehouse, first: int
) -> None:
    seeds = [seed for seed in range(first, first + 20) if seed % 10]
    logs = [larger_log(seed) for seed in seeds]
    assert_agreement(warehouse, logs, seed=first)


def larger_log(seed: int) -> tuple[Draft, int | None]:
    return partial(random_log, seed, 60), random.Random(seed).choice((None, 10, 30, 40))


def assert_agreement(
    warehouse: Warehouse,
    drafts: Sequence[tuple[Draft, int | None]],
    instant: datetime = INSTANT,
    seed: int | None = None,
) -> None:
    """As of the first hour that knows all of a log, or as of its event at a place.

    Of many logs each is moved in time until its own hour is the one instant of the build. With a
    `seed` there are rates of exchange and sales around it.
    """
    rates = () if seed is None else random_rates(seed, INSTANT)
    sales = () if seed is None else random_sales(seed, INSTANT)
    logs = {
        log: apart(draft(MONDAY + (instant - _hour(draft, place))), log)
        for log, (draft, place) in enumerate(drafts)
    }
    events = {log: clean(rows, AFTER_ALL).events for log, rows in logs.items()}
    all_rows = [row for rows in logs.values() for row in rows]
    warehouse.build(all_rows, instant, landed_at=AFTER_ALL, rates=rates, sales=sales)
    known = clean_rates(rates)
    calendar = clean_sales(sales)
    together = Log([one for all_ in events.values() for one in all_], known)
    currencies = (together.reporting_currency, together.cut(instant).reporting_currency)
    tables = {name: warehouse.query(select) for name, select in SELECTS.items()}
    # an item is of all logs, and of no visitor
    assert_same_rows("items", tables.pop("items"), reference_tables.item_rows(together))
    found = by_log(tables, logs)
    for log in logs:
        others = [one.event_at for other, all_ in events.items() if other != log for one in all_]
        wanted = _reference_among(events[log], others, instant, known, currencies, calendar)
        assert_same_tables(found[log], wanted)


def _hour(draft: Draft, place: int | None) -> datetime:
    events = clean(draft(MONDAY), AFTER_ALL).events
    is_past = place is not None and events
    return events[place % len(events)].event_at if is_past else _newest_hour(events)


def _reference_among(
    events: list[Event],
    others: Sequence[datetime],
    as_of: datetime,
    rates: tuple[Rate, ...],
    currencies: tuple[str | None, str | None],
    sales: tuple[Sale, ...],
) -> dict[str, list[dict]]:
    """What the reference says of a log that is read together with others.

    All it has to know of them is how far they reach: in the whole, and as of the hour; and in which
    currency they are summed together.
    """
    ends = {max(others, default=None), max((at for at in others if at <= as_of), default=None)}
    elsewhere = [
        Event("canonical", f"elsewhere {at}", "elsewhere", None, at, "page_view")
        for at in ends - {None}
    ]
    return {
        name: [row for row in rows if row["visitor_id"] != "elsewhere"]
        for name, rows in reference_tables.tables(
            [*events, *elsewhere], as_of, rates, currencies, sales
        ).items()
        if name != "items"
    }


def _newest_hour(events: list[Event]) -> datetime:
    newest_at = max((event.event_at for event in events), default=LOADED_AT)
    hour = newest_at.replace(minute=0, second=0, microsecond=0)
    return hour if hour == newest_at else hour + timedelta(hours=1)


@pytest.mark.parametrize("seed", [200, *heavy([204])])
def test_neither_the_order_of_rows_nor_their_files_change_anything(
    warehouse: Warehouse, seed: int
) -> None:
    rows = [row for log in range(seed, seed + 4) for row in apart(random_log(log, size=80), log)]
    as_of = _newest_hour(clean(rows, LOADED_AT).events)
    warehouse.build(rows, as_of)
    once = _everything(warehouse)

    generator = random.Random(seed)
    generator.shuffle(rows)
    again = [*rows, *generator.sample(rows, k=80)]
    warehouse.build(again, as_of, files=[generator.randint(1, 5) for _ in again])
    assert_same_tables(_everything(warehouse), once)


def _everything(warehouse: Warehouse, names: Iterable[str] = SELECTS) -> dict[str, list[dict]]:
    # Where an event was read is of its arrival, and the only thing that may differ.
    arrival = {"events": "exclude (row_key, load_id, line)"}
    return {
        name: warehouse.query(f"select * {arrival.get(name, '')} from {name}") for name in names
    }


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, *heavy(range(1, 20))])
def test_what_is_known_at_an_instant_is_that_of_the_log_cut_there(
    warehouse: Warehouse, number: int
) -> None:
    logs = logs_at_instant(range(300, 310), number)
    assert_cut_is_known(warehouse, logs, is_learned=number % 4 == 0)


@pytest.mark.slow
@pytest.mark.heavy
@pytest.mark.parametrize("number", range(20))
def test_what_is_known_at_an_instant_is_that_of_one_log_cut_there(
    warehouse: Warehouse, number: int
) -> None:
    assert_cut_is_known(warehouse, logs_at_instant([300], number), is_learned=True)


def logs_at_instant(seeds: Iterable[int], number: int) -> dict[int, list[Row]]:
    """Logs, each moved in time until INSTANT is the random instant of that number of its own."""
    logs = {}
    for seed in seeds:
        draft = partial(random_log, seed, size=120, **SHARED)
        events = clean(draft(start=MONDAY), AFTER_ALL).events
        own_instant = _instants(events, seed, count=20)[number]
        rows = apart(draft(start=MONDAY + (INSTANT - own_instant)), seed)
        known = clean(rows, AFTER_ALL).events
        logs[seed] = rows + apart(page_loads(known, INSTANT, seed=1000 * seed + number), seed)
    return logs


def assert_cut_is_known(
    warehouse: Warehouse, logs: Mapping[int, list[Row]], *, is_learned: bool
) -> None:
    """As of INSTANT the logs give what they give if they end there."""
    rows = [row for log in logs.values() for row in log]
    if is_learned:
        rows += _orders_of_one_currency(len(rows))
    events = clean(rows, AFTER_ALL).events
    tables = (*SCORING, *(TRAINING if is_learned else ()))
    warehouse.build(rows, INSTANT, tables=(*tables, "carts"), landed_at=AFTER_ALL)
    known = _everything(warehouse, SCORING)
    _assert_is_eventful(warehouse, logs)
    # what is compared is not nothing: carts of several visitors, some of them one person's
    if len(logs) > 1:
        scored = known["scoring_snapshots"]
        assert len(scored) >= 2 * len(logs)
        assert len({row["visitor_id"] for row in scored}) >= len(logs)
        assert any(row["owner_visitor_count"] > 1 for row in scored)
    later = {}
    if is_learned:
        warehouse.move(_newest_hour(events), TRAINING)
        later = _everything(warehouse, TRAINING)

    known_rows = [row for row in rows if _is_known_by(row, INSTANT)]
    warehouse.build(known_rows, INSTANT, tables=tables, landed_at=AFTER_ALL)
    assert_same_tables(_everything(warehouse, SCORING), known)
    if is_learned:
        until = max((one.event_at for one in events if one.event_at <= INSTANT), default=INSTANT)
        since = max(one.event_at for one in events) - LEARNED_FOR
        _assert_same_features(_everything(warehouse, TRAINING), later, since, until)


def _orders_of_one_currency(count: int) -> list[Row]:
    """Orders that make one currency the reporting one of every hour.

    What is learned from is in the currency of the hour in which it is read.
    """
    order = partial(buy, "Z", "09:00", currency="EUR", order_value="1")
    return delivered(*(order(f"z{number}") for number in range(count)))


def _assert_same_features(
    cut: Mapping[str, list[dict]],
    later: Mapping[str, list[dict]],
    since: datetime,
    until: datetime,
) -> None:
    """What a log that ends at an instant gives to learn from; labels may be known later, and what
    is too old then is not learned from any more."""
    # A session is over, and will stay as it is, once a further event could not be in it.
    is_known = {
        "training_snapshots": lambda row: since <= row["last_touched_at"] and row["as_of"] <= until,
        "training_returns": lambda row: (
            since <= row["ended_at"] and row["ended_at"] + INACTIVITY < until
        ),
    }
    for name, is_in in is_known.items():
        found, wanted = (
            [_features(row) for row in tables[name] if is_in(row)] for tables in (later, cut)
        )
        assert_same_rows(name, found, wanted)


def _instants(events: list[Event], seed: int, count: int) -> list[datetime]:
    """Random instants at or just beside an event or a time that its age decides."""
    generator = random.Random(seed)
    return [
        generator.choice(events).event_at
        + generator.choice(GAPS)
        + generator.choice((-MICROSECOND, timedelta(0), timedelta(0), MICROSECOND))
        for _ in range(count)
    ]


def _assert_is_eventful(warehouse: Warehouse, logs: Iterable[int]) -> None:
    """Each log has all that may make a past instant look otherwise from later on."""
    found = warehouse.query("""
        select 'expired' as what, visitor_id as id from carts where status = 'expired'
        union all
        select 'bought elsewhere', visitor_id from carts where converted_elsewhere
        union all
        select 'recovered', visitor_id from carts where is_recovered
        union all
        select 'duplicate', event_id from duplicate_rows
    """)
    whats = ("expired", "bought elsewhere", "recovered", "duplicate")
    seen = {(row["what"], row["id"].removeprefix("user:").split(".")[0]) for row in found}
    assert seen >= {(what, f"log{log}") for what in whats for log in logs}


@pytest.mark.parametrize("seed", [320, *heavy(range(321, 324))])
def test_a_past_instant_learns_labels_from_the_log_cut_there(
    warehouse: Warehouse, seed: int
) -> None:
    rows = random_log(seed, size=80)
    [instant] = _instants(clean(rows, LOADED_AT).events, seed, count=1)
    known = [row for row in rows if _is_known_by(row, instant)]
    warehouse.build(known, instant, tables=TRAINING)
    cut = _everything(warehouse, TRAINING)
    assert all(cut.values())
    warehouse.build(rows, instant, tables=TRAINING)
    assert_same_tables(_everything(warehouse, TRAINING), cut)


def _is_known_by(row: Row, instant: datetime) -> bool:
    event_at = parse_time(row["event_at"], "UTC")
    return event_at is None or event_at <= instant


def _features(row: dict) -> dict:
    labels = ("converts_within_horizon", "duration_hours", "is_returned")
    return {key: value for key, value in row.items() if key not in labels}


@pytest.mark.parametrize("seed", [400, *heavy(range(401, 405))])
def test_every_row_of_every_file_is_an_event_a_duplicate_or_dropped(
    warehouse: Warehouse, seed: int
) -> None:
    rows = random_log(seed, size=80)
    generator = random.Random(seed)
    files = sorted(generator.randint(1, 4) for _ in rows)
    warehouse.build(rows, LOADED_AT, tables=("landed_files", "set_aside_rows"), files=files)
    landed = warehouse.query("select * from landed_files")
    cleaned = clean(rows, LOADED_AT)

    assert {row["file"]: row["rows_read"] for row in landed} == {
        f"{file}.csv": count for file, count in Counter(files).items()
    }
    for row in landed:
        kept_or_not = row["rows_accepted"] + row["rows_duplicate"] + row["rows_dropped"]
        assert row["rows_read"] == kept_or_not, row["file"]
        own = [one for one, file in zip(rows, files, strict=True) if f"{file}.csv" == row["file"]]
        assert row["is_suspect"] == is_suspect(own, LOADED_AT), row["file"]
    assert sum(row["rows_accepted"] for row in landed) == len(cleaned.events)
    assert sum(row["rows_duplicate"] for row in landed) == cleaned.duplicate_count
    set_aside = warehouse.query("select action, reason from set_aside_rows")
    assert Counter(row["reason"] for row in set_aside if row["action"] == "dropped") == Counter(
        remark.reason for remark in cleaned.set_aside if remark.action == "dropped"
    )
