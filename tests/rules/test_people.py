"""People and segments: hand-made boundaries, random logs against plain Python, and late rows.

Belongs here: what an hour says of people, and that the history of segments does not know how rows
came. Not here: what an hour changes of a history (tests/warehouse/test_segment_history.py).
"""

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from orchestration.ground.segments import segments_in
from orchestration.warehouse import database, people_build, segment_history
from orchestration.warehouse.person_tables import PERSON_SCORES
from orchestration.warehouse.score_tables import DBT_TABLES

from . import reference_people, reference_person_features
from .apart import apart
from .cases import Row, add, buy, event, log, login, view
from .comparison import assert_same_rows
from .heavy import heavy
from .reference_log import Log
from .reference_money import clean_rates
from .reference_rows import clean
from .strategies import GAPS, random_log, random_rates
from .warehouse import Warehouse

HOUR = datetime(2026, 5, 4, 12, tzinfo=UTC)
AFTER_ALL = datetime(2030, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
TABLES = ("people", "segment_members")
SCORED = [name for name in PERSON_SCORES.column_names if name not in ("scored_at", "person_id")]
REFERENCE_COLUMNS = (
    f"* exclude (device_type, country, engagement_score, {', '.join(SCORED)}),"
    " round(engagement_score, 6)"
)
FEATURES = ("scoring_people", "training_people")
CATEGORIES = ("shoes", "hats", "bags", "coats", None)


def ago(row: Row, **age: float) -> Row:
    """The row, so long before the hour."""
    return row | {"event_at": (HOUR - timedelta(**age)).isoformat(timespec="microseconds")}


def built(warehouse: Warehouse, rows: Iterable[Row], as_of: datetime = HOUR) -> dict[str, dict]:
    """People by id."""
    warehouse.build(log(*rows), as_of, tables=TABLES, landed_at=AFTER_ALL)
    return {row["person_id"]: row for row in warehouse.query("from people")}


def members(warehouse: Warehouse) -> list[str]:
    """As `person:segment`."""
    found = warehouse.query("select person_id || ':' || segment as member from segment_members")
    return sorted(row["member"] for row in found)


def test_an_event_is_of_whoever_it_was_of_when_it_happened(warehouse: Warehouse):
    people = built(
        warehouse,
        [
            ago(view("A", "00:00", item_category="shoes", device_type="mobile"), hours=2),
            ago(login("A", "00:00", "7"), hours=2, minutes=-6),
            ago(view("A", "00:00", item_category="hats", country="DE"), hours=2, minutes=-7),
            ago(buy("A", "00:00", "o1", order_value="20", currency="EUR"), hours=1, minutes=50),
            # on another device, and passive: nobody was there
            ago(view("B", "00:00", user_id="7", device_type="desktop"), hours=1),
            ago(event("C", "00:00", "email_open", user_id="8"), hours=1),
        ],
    )
    assert people.keys() == {"A", "user:7"}
    anonymous, known = people["A"], people["user:7"]
    assert (anonymous["session_count"], anonymous["order_count"]) == (1, 0)
    assert (anonymous["is_known"], anonymous["favourite_category"]) == (False, "shoes")
    assert (anonymous["device_type"], anonymous["country"]) == ("mobile", None)
    assert (known["session_count"], known["order_count"], known["order_value_base"]) == (2, 1, 20)
    assert (known["is_known"], known["favourite_category"]) == (True, "hats")
    assert (known["device_type"], known["country"]) == ("desktop", "DE")
    assert known["first_seen_at"] == HOUR - timedelta(hours=1, minutes=54)
    assert known["last_seen_at"] == HOUR - timedelta(hours=1)
    assert known["last_order_at"] == HOUR - timedelta(hours=1, minutes=50)


def test_people_are_those_of_thirteen_months_up_to_the_hour(warehouse: Warehouse):
    last = datetime(2025, 4, 4, 12, tzinfo=UTC)
    at = {"gone": last, "here": last + MICROSECOND, "now": HOUR, "later": HOUR + MICROSECOND}
    rows = [
        view(who, "00:00") | {"event_at": each.isoformat(timespec="microseconds")}
        for who, each in at.items()
    ]
    assert built(warehouse, rows).keys() == {"here", "now"}


def test_engagement_is_what_the_rule_adds_up_to(warehouse: Warehouse):
    def visits(who: str, minutes: float, views: int, days: float, *more: Row) -> list[Row]:
        end = {"days": days}
        first = ago(event(who, "00:00", "page_view"), minutes=minutes, **end)
        return [first, *(ago(view(who, "00:00"), **end) for _ in range(views - 1)), *more]

    people = built(
        warehouse,
        [
            # everything: longer than 5 minutes, more than 7 pages and items, an add
            *visits("all", 6, 8, 0, ago(add("all", "00:00"), days=0)),
            *visits("edge", 5, 7, 0),
            *visits("week", 5, 7, 7),
            *visits("over", 5 + 1 / 60e6, 7, 0),
            *visits("eight", 5, 8, 0),
            *visits("month", 5, 7, 30),
            *visits("almost", 5, 7, 30 - 1e-6),
            # pages of lists, by their addresses, are pages as others are; those of items count once
            *(
                ago(
                    event(who, "00:00", "page_view", page_url=f"https://shop.example/{path}"),
                    days=0,
                )
                for who, path, count in (
                    ("lists", "collections/new", 8),
                    ("few lists", "collections/new", 7),
                    ("items", "products/hat", 8),
                    ("few items", "products/hat", 7),
                )
                for _ in range(count)
            ),
        ],
    )
    score = {who: people[who]["engagement_score"] for who in people}
    # of ten with points the best is the 99th percentile, but for the line to the next one
    best = 4 - 0.09 * (4 - 2)
    assert score["all"] == 100
    assert score["edge"] == pytest.approx(100 / best)
    assert score["over"] == score["eight"] == pytest.approx(200 / best)
    assert score["lists"] == score["items"] == score["eight"]
    assert score["few lists"] == score["few items"] == score["edge"]
    assert score["week"] == pytest.approx(50 / best)
    assert score["month"] == 0
    assert score["almost"] == pytest.approx(100 * 0.5 ** (30 / 7) / best, rel=1e-5)


def test_nobody_is_engaged_in_a_shop_that_nobody_came_to(warehouse: Warehouse):
    people = built(warehouse, [ago(view("A", "00:00"), days=31)])
    assert people["A"]["engagement_score"] == 0


def test_a_past_hour_builds_all_that_depends_on_the_hour(warehouse: Warehouse):
    of_an_hour = warehouse.of_an_hour(people_build.OF_A_PAST_HOUR)
    views = {model.name for model in warehouse.models if model.is_view}
    assert of_an_hour - views == {*people_build.OF_A_PAST_HOUR}
    published = warehouse.of_an_hour(DBT_TABLES)
    assert published - views == {*people_build.PUBLISHED_OF_AN_HOUR}


@pytest.mark.parametrize(
    ("values", "vips"),
    [
        ((50, 40, 40, 20, 10), ["A:vip"]),
        ((20,) * 5, []),
        ((50, 50, *(10,) * 8), ["A:vip", "B:vip"]),
    ],
)
def test_of_equal_buyers_all_or_none_are_vip(
    warehouse: Warehouse, values: tuple[int, ...], vips: list[str]
):
    built(
        warehouse,
        [
            ago(buy(who, "00:00", who, order_value=str(value), currency="EUR"), days=50)
            for who, value in zip("ABCDEFGHIJ", values, strict=False)
        ],
    )
    assert [each for each in members(warehouse) if each.endswith(":vip")] == vips


def test_segments_begin_and_end_at_their_boundaries(warehouse: Warehouse):
    def bought(who: str, value: str, **age: float) -> Row:
        order = f"{who}{age}"
        return ago(buy(who, "00:00", order, order_value=value, currency="EUR"), **age)

    built(
        warehouse,
        [
            # with those that follow nine buyers, of whom one is a fifth
            *(bought(f"buyer{value}", str(value), days=50) for value in (50, 40, 30, 20, 10)),
            # 4 orders in 30 days, and 3 with one at exactly 30 days
            *(bought("often", "1", days=each) for each in (1, 2, 3, 29.9)),
            *(bought("less", "1", days=each) for each in (1, 2, 3, 30)),
            bought("dormant", "1", days=60),
            bought("nearly", "1", days=60 - 1e-6),
            # 10 days between three sessions: at 30 days they are late
            *(ago(view("late", "00:00"), days=each) for each in (50, 40, 30)),
            *(ago(view("on time", "00:00"), days=each) for each in (49.99, 39.99, 29.99)),
            ago(view("new", "00:00"), days=7 - 1e-6),
            ago(view("known", "00:00"), days=7),
            *(
                ago(view("wide", "00:00", item_category=each), hours=23.9)
                for each in ("a", "b", "c")
            ),
            ago(view("narrow", "00:00", item_category="a"), hours=24),
            *(ago(view("narrow", "00:00", item_category=each), hours=1) for each in ("b", "c")),
        ],
    )
    found = [each for each in members(warehouse) if not each.endswith("new_visitors")]
    assert found == [
        "buyer50:vip",
        "dormant:dormant_buyers",
        "late:at_risk",
        "often:frequent_buyers",
        "wide:browsing_enthusiasts",
    ]
    new = [each for each in members(warehouse) if each.endswith("new_visitors")]
    assert new == ["narrow:new_visitors", "new:new_visitors", "wide:new_visitors"]


def test_a_cart_left_is_its_owners_and_serial_abandoners_leave_most(warehouse: Warehouse):
    def carts(who: str, kept: int, left: int) -> list[Row]:
        rows = []
        for number in range(kept + left):
            rows.append(ago(add(who, "00:00"), days=20 - number))
            if number >= left:
                rows.append(ago(buy(who, "00:00", f"{who}{number}"), days=20 - number, minutes=-5))
            else:
                rows.append(
                    ago(event(who, "00:00", "remove_from_cart"), days=20 - number, hours=-3)
                )
        return rows

    people = built(
        warehouse,
        [*carts("seven", 3, 7), *carts("eight", 3, 8), *carts("two", 0, 2), *carts("three", 0, 3)],
    )
    assert people["seven"]["abandonment_rate"] == 0.7
    assert people["eight"]["abandoned_cart_count"] == 8
    found = [each for each in members(warehouse) if "serial" in each]
    assert found == ["eight:serial_abandoners", "three:serial_abandoners"]


def test_a_person_with_several_carts_is_in_the_segment_that_a_nudge_gains_most_for(
    warehouse: Warehouse,
):
    built(warehouse, [ago(view("A", "00:00"), days=8)])
    warehouse.connection.execute(
        "insert into scores.cart_scores by name"
        " select * from (values"
        " ($1, 'c1', 'A', null, 'unlikely_to_purchase'), ($1, 'c2', 'A', null, 'on_the_fence'),"
        " ($1, 'c3', 'B', '7', 'likely_to_purchase'), ($2, 'c4', 'C', null, 'on_the_fence'))"
        " as scored (scored_at, cart_id, visitor_id, owner_id, segment)",
        [HOUR.replace(tzinfo=None), (HOUR - timedelta(hours=1)).replace(tzinfo=None)],
    )
    warehouse.move(HOUR, TABLES)
    assert members(warehouse) == ["A:on_the_fence", "user:7:likely_to_purchase"]


def logs_around(first: int, count: int) -> list[Row]:
    """Random logs of which the hour cuts some, with categories."""
    rows: list[Row] = []
    for number in range(first, first + count):
        generator = random.Random(number)
        start = HOUR - timedelta(days=generator.choice((0, 1, 8, 31, 70, 150, 390)))
        drawn = random_log(number, 60, start, event_type=EVENT_TYPES)
        for row in drawn:
            if row["event_type"] == "view_item":
                row["item_category"] = generator.choice(CATEGORIES)
        rows += apart(drawn, number)
    return rows


def to_six_digits(row: dict) -> dict:
    return {
        key: round(value, 6) if isinstance(value, float) else value for key, value in row.items()
    }


EVENT_TYPES = (
    *("add_to_cart",) * 4,
    *("view_item",) * 8,
    *("page_view",) * 3,
    *("purchase",) * 3,
    *("login", "login", "remove_from_cart", "email_open", "refund"),
)


@pytest.mark.slow
@pytest.mark.parametrize("first", [0, *heavy(range(25, 100, 25))])
def test_people_and_segments_are_those_of_plain_python(warehouse: Warehouse, first: int):
    rows, rates = logs_around(first, 25), random_rates(first, HOUR)
    tables = (*TABLES, *FEATURES)
    warehouse.build(rows, HOUR, tables=tables, landed_at=AFTER_ALL, rates=rates)
    events = clean(rows, AFTER_ALL).events
    known = Log(events, clean_rates(rates)).cut(HOUR)
    found = warehouse.query(f"select {REFERENCE_COLUMNS} as engagement_score from people")
    wanted = reference_people.people(known, HOUR)
    assert len(wanted) > 30
    assert_same_rows(
        "people",
        found,
        [row | {"engagement_score": round(row["engagement_score"], 6)} for row in wanted],
    )
    found = {
        name: [to_six_digits(row) for row in warehouse.query(f"from {name}")] for name in FEATURES
    }
    assert_same_rows(
        FEATURES[0], found[FEATURES[0]], [*reference_person_features.features(known, HOUR)]
    )
    instants = reference_person_features.instants(HOUR)
    assert {row["as_of"] for row in found[FEATURES[1]]} <= {*instants}
    # of 59 the newest, and of each rule some
    some = [instants[place] for place in (0, 1, 4, 9, 25, 26, 33)]
    assert_same_rows(
        FEATURES[1],
        [row for row in found[FEATURES[1]] if row["as_of"] in some],
        [*reference_person_features.learned(known, some)],
    )
    in_segments = reference_people.segments(known, HOUR)
    assert set(members(warehouse)) == {f"{person}:{name}" for person, name in in_segments}


@pytest.mark.parametrize(("later", "category", "views"), [(0, "summer", 1), (2, "hats", 2)])
def test_a_page_view_is_one_of_its_page_until_the_dump_delivers_that(
    warehouse: Warehouse, later: int, category: str, views: int
):
    address = "https://shop.example/collections/summer"
    rows = [
        ago(view("A", "10:00", page_url=f"{address}/products/hat"), seconds=1)
        | {"event_type": "page_view"},
        ago(view("A", "10:00", item_id="hat", item_category="hats"), seconds=-1),
        ago(view("B", "10:00", page_url=address), seconds=1) | {"event_type": "page_view"},
        ago(view("B", "10:00", page_url=address), seconds=-1) | {"event_type": "view_item_list"},
    ]
    hour = HOUR + timedelta(seconds=later)
    warehouse.build(log(*rows), hour, tables=(*TABLES, *FEATURES), landed_at=AFTER_ALL)
    [person] = warehouse.query("select favourite_category from people where person_id = 'A'")
    assert person["favourite_category"] == category
    # of a list it is the view of a page all along, of an item a second one comes
    counts = warehouse.query("select person_id, view_count_30d from scoring_people")
    assert {each["person_id"]: each["view_count_30d"] for each in counts} == {"A": views, "B": 1}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "ages"),
    [
        (0, (2, 9, 31, 80)),
        *(
            pytest.param(seed, (2, 3, 5, 9, 30, 31, 32, 80), marks=pytest.mark.heavy)
            for seed in (0, 1)
        ),
    ],
)
def test_late_rows_change_the_history_as_if_everything_had_arrived_at_once(
    warehouse: Warehouse, seed: int, ages: Sequence[int]
):
    generator = random.Random(seed)
    pools = {"event_type": EVENT_TYPES, "gap": [gap for gap in GAPS if gap <= timedelta(hours=8)]}
    rows = [
        row
        for number in range(6)
        for row in apart(random_log(100 * seed + number, 40, HOUR, **pools), number)
    ]
    times = [each.event_at for each in clean(rows, AFTER_ALL).events]
    hours = [HOUR + timedelta(hours=each) for each in ages]
    # each row comes at an hour after it happened, or with the last
    came = {
        row["event_id"]: generator.choice([each for each in hours if each > HOUR] + hours[-1:])
        for row in rows
    }
    assert min(times) < hours[0]
    at_once = history(warehouse, [(hour, rows if hour == hours[0] else []) for hour in hours])
    in_loads = history(
        warehouse,
        [(hour, [row for row in rows if came[row["event_id"]] == hour]) for hour in hours],
    )
    assert len(at_once) > 10
    assert_same_rows("segment_history", in_loads, at_once)


def history(warehouse: Warehouse, arrivals: Sequence[tuple[datetime, list[Row]]]) -> list[dict]:
    """The stays after some hours, each with the rows that had come by then."""
    segments = segments_in()
    warehouse.empty()
    connection = warehouse.connection
    database.ensure_score_tables(connection)
    for load_id, (hour, rows) in enumerate(arrivals, start=1):
        if rows:
            warehouse.land(rows, [load_id] * len(rows), AFTER_ALL)
        warehouse.follow(hour, tables=TABLES)
        plain = hour.replace(tzinfo=None)
        for each in segment_history.hours_to_take(connection, plain, segments):
            warehouse.move(each.replace(tzinfo=UTC), TABLES)
            segment_history.take(connection, each, segments)
    return warehouse.query("from scores.segment_history")
