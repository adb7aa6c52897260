"""The history of segments: hand-made hours, and random ones against plain Python."""

import random
from collections.abc import Sequence

import duckdb
import pytest

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.warehouse import people_build, segment_history

from .segment_hours import (
    ALL,
    GROUPS,
    OTHERS,
    empty,
    hour,
    load,
    make_tables,
    segment,
    sizes,
    stays,
    take,
    to_take,
)

RATE = "insert into main.candidate_rates values (?, 'JPY', ?, ?, null)"


@pytest.fixture(scope="module")
def tables():
    with duckdb.connect(config={"threads": 1}) as connection:
        make_tables(connection)
        yield connection


@pytest.fixture
def warehouse(tables):
    yield tables
    empty(tables)


def test_ids_of_nobody_are_in_no_segment_and_are_said(warehouse):
    take(warehouse, 0, "ann:new nobody:new nobody1:vip nobody2:vip")
    assert stays(warehouse) == [("ann:new", 1, 0, None, None)]
    assert [str(each).split(",")[0] for each in segment_history.strangers(warehouse)] == [
        "1 of 2 ids of the segment new are nobody's",
        "2 of 2 ids of the segment vip are nobody's",
    ]


def test_a_stay_begins_and_ends_at_the_hours_that_see_it(warehouse):
    take(warehouse, 0, "ann:vip bob:new")
    take(warehouse, 1, "ann:vip bob:away")
    take(warehouse, 3, "bob:away cyd:vip")
    take(warehouse, 4, "bob:away cyd:vip ann:vip")
    assert stays(warehouse) == [
        ("ann:vip", 1, 0, 3, "rule"),
        ("bob:new", 1, 0, 1, "other_segment"),
        ("bob:away", 1, 1, None, None),
        ("cyd:vip", 1, 3, None, None),
        ("ann:vip", 1, 4, None, None),
    ]
    assert sizes(warehouse)[-3:] == [("away", 1, 0, 0), ("new", 0, 0, 0), ("vip", 2, 1, 0)]
    assert segment_history.sizes_at(warehouse, hour(3)) == {"away": 1, "new": 0, "vip": 1}


def test_a_new_version_ends_all_stays_and_so_does_its_removal(warehouse):
    take(warehouse, 0, "ann:vip bob:vip ann:new")
    second = {**ALL, "vip": segment("vip", 2)}
    take(warehouse, 1, "ann:vip ann:new", second)
    del second["new"]
    take(warehouse, 2, "ann:vip", second)
    assert stays(warehouse) == [
        ("ann:new", 1, 0, 2, "removed"),
        ("ann:vip", 1, 0, 1, "new_version"),
        ("bob:vip", 1, 0, 1, "new_version"),
        ("ann:vip", 2, 1, None, None),
    ]


def test_an_hour_that_is_taken_again_forgets_what_it_and_later_ones_said(warehouse):
    take(warehouse, 0, "ann:vip")
    take(warehouse, 1, "ann:vip bob:vip")
    take(warehouse, 2, "")
    take(warehouse, 1, "bob:vip cyd:vip")
    assert stays(warehouse) == [
        ("ann:vip", 1, 0, 1, "rule"),
        ("bob:vip", 1, 1, None, None),
        ("cyd:vip", 1, 1, None, None),
    ]
    before = stays(warehouse), sizes(warehouse)
    take(warehouse, 1, "bob:vip cyd:vip")
    assert (stays(warehouse), sizes(warehouse)) == before


def test_late_rows_make_the_hours_from_their_first_event_on_looked_at_again(warehouse):
    assert to_take(warehouse, 0) == [0]
    load(warehouse, 1, -5)
    for at in range(4):
        take(warehouse, at, "")
    assert to_take(warehouse, 4) == [4]
    load(warehouse, 2, 3.5)
    assert to_take(warehouse, 4) == [4]
    # at the hour itself an event is known at it
    load(warehouse, 3, 2)
    assert to_take(warehouse, 4) == [2, 3, 4]
    assert to_take(warehouse, 3) == [2, 3]
    # a past hour again, with nothing new for it
    warehouse.execute("delete from main.candidate_events where load_id > 1")
    assert to_take(warehouse, 2) == []
    # one between others, before which nothing changes
    assert to_take(warehouse, 1.5) == [1.5, 2, 3]


def test_an_hour_that_is_scored_again_is_looked_at_again_with_all_after_it(warehouse):
    score = "insert into scores.cart_scores (scored_at, cart_id, segment) values (?, 'c', ?)"
    for at in range(3):
        warehouse.execute(score, [hour(at), "on_the_fence"])
        take(warehouse, at, "")
    assert to_take(warehouse, 1) == []
    warehouse.execute("update scores.cart_scores set segment = 'x' where scored_at = ?", [hour(1)])
    assert to_take(warehouse, 1) == [1, 2]
    # of hours that are not run, what was scored stays
    assert to_take(warehouse, 3) == [3]
    assert to_take(warehouse, 1, OTHERS) == []


def test_a_later_rate_of_exchange_makes_them_looked_at_as_well(warehouse):
    load(warehouse, 1, -5)
    for at in range(3):
        take(warehouse, at, "")
    warehouse.execute(RATE, [2, hour(1), "1.5"])
    assert to_take(warehouse, 3) == [1, 2, 3]


def test_what_is_delivered_again_makes_no_hour_looked_at(warehouse):
    load(warehouse, 1, -5)
    warehouse.execute(RATE, [1, hour(-5), "1.5"])
    for at in range(3):
        take(warehouse, at, "")
    load(warehouse, 2, -5)
    warehouse.execute("insert into main.duplicate_rows values (2, 2)")
    for rate in ("1.5", "1.6"):
        warehouse.execute(RATE, [2, hour(-5), rate])
    assert to_take(warehouse, 3) == [3]
    # the lower of two rates counts, and a row of an event may take the place of another
    warehouse.execute(RATE, [3, hour(-5), "1.4"])
    assert to_take(warehouse, 3) == [0, 1, 2, 3]
    warehouse.execute("delete from main.candidate_rates where load_id = 3")
    load(warehouse, 3, 1)
    assert to_take(warehouse, 3) == [1, 2, 3]


def test_a_run_that_died_between_hours_leaves_the_rest_to_the_next(warehouse):
    load(warehouse, 1, -5)
    for at in range(4):
        take(warehouse, at, "")
    load(warehouse, 2, 0.5)
    take(warehouse, 1, "ann:vip")
    assert to_take(warehouse, 4) == [2, 3, 4]


def test_hours_before_a_change_of_segments_and_those_of_long_ago_stay_as_they_are(
    warehouse, monkeypatch
):
    load(warehouse, 1, -500)
    for at in (-200, 0, 1, 2):
        take(warehouse, at, "")
    load(warehouse, 2, -400)
    # however long ago, where hours are run seldom
    assert to_take(warehouse, 3) == [-200, 0, 1, 2, 3]
    assert to_take(warehouse, -100) == [-200, -100, 0, 1, 2]
    monkeypatch.setattr(segment_history, "MOST_HOURS", 4)
    assert to_take(warehouse, 3) == [0, 1, 2, 3]
    assert to_take(warehouse, -300) == [-200, 0, 1, 2]
    take(warehouse, 2, "", OTHERS)
    load(warehouse, 3, -400)
    assert to_take(warehouse, 3, OTHERS) == [2, 3]
    assert to_take(warehouse, 1.5, OTHERS) == to_take(warehouse, -300, OTHERS) == [2]


def test_a_swing_is_more_than_half_within_a_day(warehouse):
    def vips(count: int) -> str:
        return " ".join(f"p{number}:vip" for number in range(count))

    for at, count in enumerate((20, 30, 15)):
        take(warehouse, at, vips(count))
        assert segment_history.swings(warehouse, hour(at)) == []
    take(warehouse, 24, vips(14))
    assert [str(each) for each in segment_history.swings(warehouse, hour(24))] == [
        "vip had 30 people within the day before, now 14"
    ]
    # 25 h later only the hour with 14 is looked at
    take(warehouse, 48, vips(22))
    assert [each.before for each in segment_history.swings(warehouse, hour(48))] == [14]
    # of few people as of many
    for at, count in enumerate((2, 3), start=80):
        take(warehouse, at, vips(count))
        assert segment_history.swings(warehouse, hour(at)) == []
    for at, count, before in ((82, 4, 2), (83, 1, 4), (84, 0, 4), (110, 0, None), (111, 1, 0)):
        take(warehouse, at, vips(count))
        found = [each.before for each in segment_history.swings(warehouse, hour(at))]
        assert found == [before] * (before is not None), at
    take(warehouse, 112, vips(3))
    swings = segment_history.swings(warehouse, hour(112))
    assert [*map(str, swings)] == ["vip had 0 people within the day before, now 3"]
    take(warehouse, 135, vips(9))
    assert [str(each) for each in segment_history.swings(warehouse, hour(135))] == [
        "vip had 1 person within the day before, now 9"
    ]


@pytest.mark.parametrize("seed", range(5))
def test_however_often_hours_are_taken_again_the_history_is_that_of_one_pass(warehouse, seed):
    generator = random.Random(seed)
    people = [f"p{number}" for number in range(5)]

    def drawn() -> list[str]:
        found = []
        for person in people:
            found += [f"{person}:vip"] * generator.randrange(2)
            if generator.random() < 0.7:
                found.append(f"{person}:{generator.choice(('new', 'away'))}")
        return found

    final = [drawn() for _ in range(8)]
    for at, members in enumerate(final):
        if at and generator.random() < 0.5:
            first = generator.randrange(at)
            take(warehouse, first, " ".join(drawn()))
            for again in range(first, at):
                take(warehouse, again, " ".join(final[again]))
        take(warehouse, at, " ".join(members))
    in_order = sorted(told(final), key=lambda stay: (stay[0], stay[2]))
    assert sorted(stays(warehouse), key=lambda stay: (stay[0], stay[2])) == in_order


def told(hours: Sequence[Sequence[str]]) -> list[tuple]:
    """The stays of hours in plain Python."""
    done, since = [], {}
    for at, members in enumerate(hours):
        groups = {(each.split(":")[0], GROUPS[each.split(":")[1]]) for each in members}
        for each in [each for each in since if each not in members]:
            person, name = each.split(":")
            is_other = GROUPS[name] and (person, GROUPS[name]) in groups
            done.append((each, 1, since.pop(each), at, "other_segment" if is_other else "rule"))
        for each in members:
            since.setdefault(each, at)
    return done + [(each, 1, at, None, None) for each, at in since.items()]


def test_a_past_hour_is_scored_again_only_where_a_segment_reads_a_score(tmp_path):
    assert not people_build.reads_scores(DBT_PROJECT)
    folder = tmp_path / "models" / "segments"
    folder.mkdir(parents=True)
    query = "select person_id from {{ ref('people') }} where"
    for condition, is_read in (("session_count > 1", False), ("VALUE_TIER = 'high'", True)):
        (folder / "big.sql").write_text(f"{query} {condition}")
        assert people_build.reads_scores(tmp_path) is is_read
