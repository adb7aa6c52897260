"""Building by arrival against building everything: the tables must not know how the rows came.

Belongs here: logs in loads, built load by load, with builds that die in between. Does not belong
here: drawing the random ones (schedules.py), and whether a full build is right
(test_sql_against_reference.py).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest

import pytest

from .apart import apart, by_log
from .cases import LOADED_AT, Row, add, at, buy, event, log, login, view
from .heavy import heavy
from .schedules import Load, assert_same_as_at_once, common_schedule, schedule
from .strategies import random_log
from .warehouse import Warehouse

SEEDS = range(1000, 1300)
# The newest event of many logs together is hardly ever that of one of them: some stay alone.
ALONE = SEEDS[::10]
TOGETHER = [seed for seed in SEEDS if seed not in ALONE]
# The batch with this seed shows a mutant that no other test of the rules sees.
SEED_OF_A_MUTANT = 1151


def in_batches(seeds: Sequence[int], size: int = 15) -> list[Sequence[int]]:
    return [seeds[first : first + size] for first in range(0, len(seeds), size)]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [ALONE[6], *heavy(sorted({*SEEDS} - {ALONE[6]}))])
def test_load_by_load_equals_everything_at_once(warehouse: Warehouse, seed: int) -> None:
    assert_same_as_at_once(warehouse, schedule(seed, len(warehouse.lasting_names)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "seeds",
    [
        *(batch for batch in in_batches(TOGETHER) if SEED_OF_A_MUTANT in batch),
        *heavy(batch for batch in in_batches(TOGETHER) if SEED_OF_A_MUTANT not in batch),
        *heavy(in_batches(range(2000, 2900))),
    ],
    ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}",
)
def test_load_by_load_equals_everything_at_once_for_many_logs(
    warehouse: Warehouse, seeds: Sequence[int]
) -> None:
    assert_same_as_at_once(warehouse, common_schedule(seeds, len(warehouse.lasting_names)))


def late(row: Row) -> Row:
    """A row of a later load, with an id of its own."""
    [stamped] = log(row)
    return stamped | {"event_id": row.get("event_id", f"late {row['event_type']}")}


@dataclass(frozen=True)
class Arrival:
    """A log by the loads in which it came, and what it has to end in.

    Attributes:
        name: what it shows.
        loads: its rows, load by load.
        sessions: start, end and events of all of them, in order.
        carts: visitor, status and closing of all of them, in order.
    """

    name: str
    loads: Sequence[Sequence[Row]]
    sessions: Sequence[tuple] | None = None
    carts: Sequence[tuple] | None = None


THREE_VIEWS = log(view("A", "09:00"), view("A", "09:25"), view("A", "09:50"))
TWO_VISITORS = log(view("A", "09:00"), view("B", "09:10"))
WITHIN_A_DAY = [
    # the newest event of all comes first: nothing that changes here is due to time that passes
    Arrival("the log went on elsewhere", [log(view("A", "12:00"))], carts=[]),
    Arrival(
        "a late event that bridges two sessions merges them",
        [log(view("A", "09:00"), view("A", "09:50")), [late(view("A", "09:25"))]],
        sessions=[("09:00", "09:50", 3)],
    ),
    Arrival(
        "a bridge reported again at an earlier time splits the session",
        [THREE_VIEWS, [THREE_VIEWS[1] | {"event_at": view("A", "07:00")["event_at"]}]],
        sessions=[("07:00", "07:00", 1), ("09:00", "09:00", 1), ("09:50", "09:50", 1)],
    ),
    Arrival(
        "an event reported again at an earlier time is of another visit than the cart, whose newest"
        " event stays",
        [
            log(view("A", "09:00"), view("A", "09:25"), add("A", "09:50")),
            [log(add("B", "06:00"), view("A", "07:00"))[1]],
        ],
        carts=[("A", "open", None)],
    ),
    Arrival(
        "an event that turns out to be another's leaves its first visitor",
        [TWO_VISITORS, [TWO_VISITORS[0] | view("B", "08:50")]],
        sessions=[("08:50", "09:10", 2)],
    ),
    Arrival(
        "a late login makes an order elsewhere take the cart",
        [
            log(add("A", "10:00"), login("B", "10:10", "7"), buy("B", "10:30", "o1")),
            [late(login("A", "10:20", "7"))],
        ],
        carts=[("A", "converted", "10:30")],
    ),
    Arrival(
        "a login of the one who ordered takes the carts of the others",
        [
            log(add("A", "10:00"), login("A", "10:10", "7"), buy("B", "10:30", "o1")),
            [late(login("B", "10:20", "7"))],
        ],
        carts=[("A", "converted", "10:30")],
    ),
    Arrival(
        "an order that another visitor reported earlier is no longer the later one's",
        [log(add("A", "10:00"), buy("A", "10:30", "o1")), [late(buy("B", "09:00", "o1"))]],
        carts=[("A", "open", None)],
    ),
    Arrival(
        "an order stays the first one's though only another who gave it is rebuilt",
        [
            log(buy("A", "09:00", "o1"), add("B", "09:30"), buy("B", "10:00", "o1")),
            [late(view("B", "10:05"))],
        ],
        carts=[("B", "open", None)],
    ),
]
OVER_MONTHS = [
    Arrival(
        "a row dated in the future freezes nothing",
        [
            log(add("A", "10:00")),
            [late(event("C", "10:00", "page_view", event_at="2026-08-01T00:05:00Z"))],
            [late(add("B", "11:00", event_id="b"))],
            [late(buy("A", "10:20", "o1"))],
        ],
        carts=[("A", "converted", "10:20"), ("B", "expired", "+30d 11:00")],
    ),
    Arrival(
        "a row three months late changes what it would have changed in time",
        [
            log(add("A", "10:00"), view("A", "+90d 10:00"), view("B", "+90d 11:00")),
            [late(buy("A", "10:05", "o1"))],
        ],
        carts=[("A", "converted", "10:05")],
    ),
]


@pytest.mark.parametrize("arrivals", [WITHIN_A_DAY, OVER_MONTHS], ids=["a day", "months"])
def test_late_rows_change_what_they_would_have_changed_in_time(
    warehouse: Warehouse, arrivals: Sequence[Arrival]
) -> None:
    """Of logs that share no id the first loads come together, then the second, and so on."""
    loads = zip_longest(*(each.loads for each in arrivals), fillvalue=())
    together = [
        Load([row for number, rows in enumerate(load) for row in apart(rows, number)])
        for load in loads
    ]
    assert_same_as_at_once(warehouse, together)
    tables = {
        "sessions": warehouse.query("from sessions order by started_at, visitor_id"),
        "carts": warehouse.query("from carts order by visitor_id, started_at"),
    }
    found = by_log(tables, range(len(arrivals)))
    for number, arrival in enumerate(arrivals):
        if arrival.sessions is not None:
            assert sessions(found[number]) == in_time(arrival.sessions), arrival.name
        if arrival.carts is not None:
            assert carts(found[number]) == in_time(arrival.carts), arrival.name


def sessions(tables: Mapping[str, Sequence[dict]]) -> list[tuple]:
    return [(row["started_at"], row["ended_at"], row["event_count"]) for row in tables["sessions"]]


def carts(tables: Mapping[str, Sequence[dict]]) -> list[tuple]:
    return [
        (re.sub(r"^log\d+\.", "", row["visitor_id"]), row["status"], row["closed_at"])
        for row in tables["carts"]
    ]


def in_time(rows: Sequence[tuple]) -> list[tuple]:
    """The rows with the texts of instants as instants."""
    return [
        tuple(at(each) if re.search(r"\d:\d", str(each)) else each for each in row) for row in rows
    ]


def test_a_log_that_turns_out_to_end_earlier_opens_its_carts_again(warehouse: Warehouse) -> None:
    end = late(view("C", "+40d 10:00"))
    again = end | {"event_at": view("C", "11:00")["event_at"]}
    loads = [log(add("A", "10:00")), [end], [again]]
    assert_same_as_at_once(warehouse, [Load(load) for load in loads])
    assert carts({"carts": warehouse.query("from carts")}) == [("A", "open", None)]


def test_time_alone_abandons_and_expires_carts_of_visitors_without_new_rows(
    warehouse: Warehouse,
) -> None:
    loads = [
        log(add("A", "10:00")),
        [late(view("B", "10:30"))],
        [late(view("B", "+30d 10:00", event_id="exactly"))],
        [late(view("B", "+30d 10:00:00.000001", event_id="after"))],
    ]
    standing = []
    warehouse.empty()
    for number, rows in enumerate(loads, start=1):
        warehouse.land(rows, [number] * len(rows))
        warehouse.follow(LOADED_AT, tables=["carts"])
        [cart] = warehouse.query("select status, abandoned_at from carts")
        standing.append((cart["status"], cart["abandoned_at"]))
    assert standing == [
        ("open", None),
        ("open", at("10:30")),
        ("open", at("10:30")),
        ("expired", at("10:30")),
    ]


@pytest.mark.parametrize(
    "deaths",
    # what the hour scores is yet to be made
    [("sessions", "scored_carts"), *heavy([(each, each) for each in range(0, 60, 3)])],
    ids=str,
)
def test_a_build_that_died_is_completed_by_the_next(
    warehouse: Warehouse, deaths: tuple[int | str, int | str]
) -> None:
    first = log(add("A", "10:00"), login("A", "10:05", "7"), add("B", "10:00"), view("C", "10:10"))
    second = [late(buy("D", "10:20", "o1", user_id="7")), late(view("C", "+31d 09:00"))]
    third = [second[1] | {"event_at": view("C", "10:15")["event_at"]}]
    assert_same_as_at_once(
        warehouse,
        [Load(first), Load(second, dies_after=deaths[0]), Load(third, dies_after=deaths[1])],
    )


def test_a_rate_and_the_currency_of_the_hour_change_what_is_known_of_who_did_nothing(
    warehouse: Warehouse,
) -> None:
    rows = log(
        view("A", "08:00", price="1000", currency="JPY"),
        view("A", "08:01", price="10", currency="EUR"),
        add("A", "08:02", price="5", currency="EUR"),
        buy("Z", "09:00", "o1", order_value="1", currency="EUR"),
        *(buy(who, "11:00", f"o{who}", order_value="1", currency="USD") for who in "XY"),
    )
    warehouse.empty()
    warehouse.land(rows, [1] * len(rows))
    found = []
    for number, (hour, rates) in enumerate(
        [("10:00", []), ("10:00", [("2026-03-01", "JPY", "0.006")]), ("12:00", [])], start=2
    ):
        warehouse.land_rates(rates, number)
        warehouse.follow(at(hour), tables=["scored_visitors"])
        [known] = warehouse.query("select visitor_viewed_value as seen from scored_visitors")
        found.append(known["seen"])
    # without a rate the yen are worth nothing, and neither are euro where dollars are reported
    assert found == [10, 16, 6]


def test_an_hour_without_new_rows_touches_nobody(warehouse: Warehouse) -> None:
    warehouse.empty()
    warehouse.land(random_log(1, size=40), [1] * 40)
    for _ in range(2):
        warehouse.follow(LOADED_AT, tables=["visitors_this_run"])
    assert warehouse.query("select * from loads_this_run") == []
    assert warehouse.query("select * from visitors_this_run") == []


def test_a_build_rebuilds_those_whom_new_rows_touch_and_no_others(warehouse: Warehouse) -> None:
    first = log(
        login("A", "10:00", "7"),
        login("B", "10:00", "7"),
        buy("C", "10:00", "o1"),
        view("D", "10:00"),
        login("E", "10:00", "8"),
    )
    warehouse.empty()
    warehouse.land(first, [1] * len(first))
    warehouse.follow(LOADED_AT, tables=["visitors_this_run"])
    second = [late(buy("A", "10:30", "o1"))]
    warehouse.land(second, [2])
    warehouse.follow(LOADED_AT, tables=["visitors_this_run"])
    touched = warehouse.query("select visitor_id from visitors_this_run order by visitor_id")
    assert [row["visitor_id"] for row in touched] == ["A", "B", "C"]


@pytest.mark.parametrize(
    "dies_after",
    ["carts", "sessions", *heavy([None, *range(3, 60, 3)])],
)
def test_the_late_data_report_says_what_late_rows_changed_though_a_build_died(
    warehouse: Warehouse, dies_after: int | str | None
) -> None:
    first = log(
        view("A", "09:00"),
        view("A", "09:50"),
        *(view("B", time) for time in ("09:00", "09:25", "09:50")),
        view("C", "09:00"),
        add("D", "09:00"),
        add("E", "10:00"),
        view("F", "12:00"),
    )
    second = [
        late(view("A", "09:25", event_id="bridge")),
        first[3] | {"event_at": view("B", "07:00")["event_at"]},
        late(view("C", "09:10", event_id="one more")),
        late(buy("D", "09:05", "o1")),
        first[7] | {"visitor_id": "E", "event_at": add("E", "09:59")["event_at"]},
        late(view("F", "13:00", event_id="in time")),
        late(view("F", "13:00", event_id="in time")),
    ]
    warehouse.empty()
    follow = partial(warehouse.follow, LOADED_AT, tables=["late_data_report"])
    for number, load in enumerate((first, second), start=1):
        warehouse.land(load, [number] * len(load))
        if number == 2 and dies_after:
            follow(dies_after=dies_after)
        follow()
    [report] = warehouse.query("select * exclude (built_at) from late_data_report")
    assert report == {
        "load_id": 2,
        "load_count": 1,
        "row_count": 6,
        "late_row_count": 5,
        "oldest_late_event_at": at("07:00"),
        # A's two became one
        "merged_session_count": 1,
        # B's one became three, of which the first is before it
        "split_session_count": 1,
        # that of A, into which the other went, and those of C and D
        "reopened_session_count": 3,
        "changed_cart_count": 1,
        # E's began a minute earlier
        "vanished_cart_count": 1,
    }
