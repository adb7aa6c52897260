"""The history of segments whose files are changed: whom late rows change, and whom they do not.

Belongs here: hand-made hours, and random ones. Not here: all else of a history
(test_segment_history.py).
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import replace

import duckdb
import pytest

from orchestration.ground.segments import Segment, deciding
from orchestration.warehouse.segment_tables import SEGMENT_HISTORY, SEGMENT_HOURS, SEGMENT_SIZES

from .segment_hours import ALL, empty, load, make_tables, segment, sizes, stays, take, to_take


@pytest.fixture(scope="module")
def tables():
    with duckdb.connect(config={"threads": 1}) as connection:
        make_tables(connection)
        yield connection


@pytest.fixture
def warehouse(tables):
    yield tables
    empty(tables)


def test_hours_before_a_change_are_taken_of_the_segments_that_were_not_changed(warehouse):
    load(warehouse, 1, -5)
    for at in range(2):
        take(warehouse, at, "ann:vip bob:new")
    second = {**ALL, "vip": segment("vip", 2)}
    load(warehouse, 2, 0.5)
    # in the very hour that has the change, too
    assert to_take(warehouse, 2, second) == [1, 2]
    take(warehouse, 1, "cyd:vip bob:away", second, is_past=True)
    take(warehouse, 2, "ann:vip bob:away", second)
    assert stays(warehouse) == [
        ("ann:vip", 1, 0, 2, "new_version"),
        ("bob:new", 1, 0, 1, "other_segment"),
        ("bob:away", 1, 1, None, None),
        ("ann:vip", 2, 2, None, None),
    ]
    assert sizes(warehouse)[3:6] == [("away", 1, 1, 0), ("new", 0, 0, 1), ("vip", 1, 0, 0)]
    assert to_take(warehouse, 2, second) == [2]
    # who is in a segment of a group depends on the others of the group
    third = {**second, "new": segment("new", content="another SQL")}
    take(warehouse, 3, "ann:vip bob:away", third)
    load(warehouse, 3, 0.5)
    assert to_take(warehouse, 3, third) == [2, 3]
    before = stays(warehouse)
    take(warehouse, 2, "ann:vip", third, is_past=True)
    take(warehouse, 3, "ann:vip bob:away", third)
    assert stays(warehouse) == before


@pytest.mark.parametrize("seed", range(3))
def test_after_changes_of_segments_the_history_is_that_of_one_pass(warehouse, seed):
    generator = random.Random(seed)
    rules = [ALL, {**ALL, "vip": segment("vip", 2)}, {**ALL, "vip": segment("vip", 3)}]
    rules.append({name: each for name, each in rules[2].items() if name != "new"})

    def drawn(known: Mapping[str, Segment]) -> str:
        found = [f"{one}:vip" for one in "abc" if generator.random() < 0.5]
        for one in "abc":
            group = [*({"new", "away"} & known.keys())]
            found += [f"{one}:{generator.choice(sorted(group))}"] * generator.randrange(2)
        return " ".join(found)

    final = [(drawn(known), known) for known in rules for _ in range(3)]
    passes = []
    for is_late in (False, True):
        for at, (members, known) in enumerate(final):
            first = generator.randrange(at) if is_late and at else at
            for again in [*range(first, at)] * 2:
                taken_then, then = final[again]
                # by now nobody knows whom rules of before would have
                taken_then = mixed(
                    taken_then, drawn(known), deciding(known).items() & deciding(then).items()
                )
                take(warehouse, again, taken_then, known, is_past=True)
            take(warehouse, at, members, known)
        passes.append((stays(warehouse), sizes(warehouse)))
        for table in (SEGMENT_HISTORY, SEGMENT_SIZES, SEGMENT_HOURS):
            warehouse.execute(f"delete from scores.{table.name}")
    assert passes[0] == passes[1]


def mixed(members: str, others: str, alike: Iterable[tuple[str, str]]) -> str:
    """The members of segments that are alike, and other ones of all others."""
    names = {name for name, _ in alike}
    kept = [each for each in members.split() if each.split(":")[1] in names]
    return " ".join([*kept, *(each for each in others.split() if each.split(":")[1] not in names)])


def test_what_decides_who_is_in_a_segment_are_its_files_its_group_and_what_it_reads():
    big = replace(segment("vip", content="big"), name="big", words=frozenset({"select", "new"}))
    before = deciding({**ALL, "big": big})
    changed = {"vip": {"vip"}, "new": {"new", "away", "big"}, "away": {"new", "away", "big"}}
    for name, found in changed.items():
        after = deciding({**ALL, "big": big, name: segment(name, content="another SQL")})
        assert {each for each in before if before[each] != after[each]} == found
    assert deciding(ALL) == {name: before[name] for name in ALL}
