"""Full, add and remove against what was delivered before."""

from random import Random

import polars as pl
import pytest

from orchestration.outputs.exports.gates import GATES
from orchestration.outputs.exports.rolling import Rolled, baseline, roll
from orchestration.outputs.exports.rows import ROWS


def people(*rows: tuple[str, str, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=ROWS, orient="row")


def gate(**gates: str) -> pl.DataFrame:
    contacted = ("in_cooldown", "over_cap")
    return pl.DataFrame(
        [(person, each, each in contacted) for person, each in gates.items()],
        schema={"person_id": pl.String, "gate": pl.String, "has_own_reason": pl.Boolean},
        orient="row",
    )


def many(count: int) -> pl.DataFrame:
    return people(*((f"p{i}", f"i{i}", f"r{i}") for i in range(count)))


def identifiers(frame: pl.DataFrame) -> list[str]:
    return frame["identifier"].to_list()


def next_list(listed: pl.DataFrame, wanted: pl.DataFrame, **gates: str) -> Rolled:
    return roll(listed, wanted, gate(**gates), name="email", most_removed_share=0.3)


def test_the_first_list_is_all_new_and_a_lost_one_removes_nobody_with_a_warning():
    first = baseline(many(2), is_lost=False)
    assert first.full.equals(many(2))
    assert first.add.equals(many(2))
    assert first.remove.is_empty()
    assert first.warnings == ()
    lost = baseline(many(2), is_lost=True)
    assert lost.remove.is_empty()
    assert "not known any more: nobody was removed" in lost.warnings[0]


def test_new_and_changed_rows_are_added_and_who_is_gone_is_removed_as_sent():
    listed = people(("a", "ia", "1"), ("b", "ib", "1"), ("c", "ic", "1"), ("d", "id", "1"))
    wanted = people(("e", "ie", "1"), ("a", "ia", "1"), ("b", "ib", "2"), ("d", "id", "1"))
    rolled = next_list(listed, wanted)
    assert rolled.full.equals(wanted)
    assert rolled.add.rows() == [("e", "ie", "1"), ("b", "ib", "2")]
    assert rolled.remove.rows() == [("c", "ic", "1")]
    assert (rolled.is_held, rolled.warnings) == (False, ())


def test_who_has_another_address_leaves_under_the_old_one_and_is_not_counted():
    rolled = next_list(people(("a", "old", "1")), people(("a", "new", "1")))
    assert identifiers(rolled.remove) == ["old"]
    assert identifiers(rolled.add) == ["new"]
    assert not rolled.is_held


def test_an_address_that_is_another_persons_now_is_not_removed():
    rolled = next_list(people(("a", "shared", "1")), people(("b", "shared", "2")))
    assert rolled.remove.is_empty()
    assert rolled.add.rows() == [("b", "shared", "2")]


def test_more_than_three_in_ten_at_once_hold_the_list_and_three_do_not():
    assert identifiers(next_list(many(10), many(7)).remove) == ["i7", "i8", "i9"]
    held = next_list(many(10), many(6))
    assert held.is_held
    assert held.remove.is_empty()
    assert held.add.is_empty()
    assert identifiers(held.full) == [f"i{i}" for i in range(10)]
    assert held.warnings[0].startswith("4 of 10 would leave at once, more than 30%")
    assert held.warnings[0].endswith("comeback run --accept-removals email")


def test_removals_that_somebody_accepted_are_done():
    rolled = roll(
        many(10),
        many(0),
        gate(),
        name="email",
        most_removed_share=0.3,
        are_removals_accepted=True,
    )
    assert rolled.remove.height == 10
    assert rolled.full.is_empty()


def test_withdrawals_erasures_and_contacts_are_not_counted():
    reasons = ["erased", "suppressed", "no_consent", "in_cooldown", "over_cap"]
    gates = {f"p{i}": reason for i, reason in enumerate(reasons)}
    rolled = next_list(many(5), many(0), **gates)
    assert not rolled.is_held
    assert rolled.remove.height == 5


def test_a_held_list_still_loses_withdrawals_erasures_and_buyers_and_gains_nobody():
    wanted = pl.concat([many(4), people(("new", "new", "1"))])
    rolled = next_list(
        many(10), wanted, p5="erased", p6="no_consent", p7="bought_since", p8="not_due"
    )
    assert rolled.is_held  # 4, 7, 8 and 9 of ten are counted
    assert identifiers(rolled.remove) == ["i5", "i6", "i7"]
    assert identifiers(rolled.full) == ["i0", "i1", "i2", "i3", "i4", "i8", "i9"]
    assert rolled.add.is_empty()


def test_a_held_list_of_refusals_loses_nobody_and_gains_whoever_refused_since():
    wanted = people(("new", "new", "1"), ("p0", "i0", "another reason"), ("p1", "i1", "r1"))
    rolled = roll(
        many(4), wanted, gate(), name="stops", most_removed_share=0.3, is_of_refusals=True
    )
    assert rolled.is_held
    assert identifiers(rolled.full) == ["new", "i0", "i1", "i2", "i3"]
    assert rolled.add.rows() == [("new", "new", "1"), ("p0", "i0", "another reason")]
    assert rolled.remove.is_empty()
    assert "they stay, until they are fewer or comeback run" in rolled.warnings[0]


@pytest.mark.parametrize("reason", ["holdout", "suspected_bot", "bought_since"])
def test_who_is_held_out_or_no_person_leaves_a_held_list_and_is_counted(reason):
    rolled = next_list(many(10), many(6), p6=reason, p7="not_due")
    assert rolled.is_held
    assert identifiers(rolled.remove) == ["i6"]
    assert identifiers(rolled.full) == [f"i{i}" for i in (0, 1, 2, 3, 4, 5, 7, 8, 9)]


def test_who_moved_stays_on_a_held_list_under_the_old_address():
    wanted = people(("p0", "moved", "r0"))
    rolled = next_list(many(3), wanted)
    assert rolled.is_held
    assert identifiers(rolled.full) == ["i0", "i1", "i2"]


def test_between_full_lists_people_only_leave():
    wanted = people(("p3", "i3", "r3"), ("p1", "i1", "changed"), ("p0", "i0", "r0"))
    listed = people(("p0", "i0", "r0"), ("p1", "i1", "r1"), ("p2", "i2", "r2"))
    rolled = roll(
        listed,
        wanted,
        gate(p2="bought_since"),
        name="google",
        most_removed_share=0.5,
        is_full_due=False,
    )
    assert rolled.add.is_empty()
    assert identifiers(rolled.remove) == ["i2"]
    # as they were sent, in the order of now
    assert rolled.full.rows() == [("p1", "i1", "r1"), ("p0", "i0", "r0")]


@pytest.mark.parametrize("seed", range(8))
def test_remove_and_add_of_all_hours_in_order_give_each_hours_full(seed):
    random = Random(seed)
    listed = None
    mirror: dict[str, str] = {}
    for _ in range(12):
        numbers = random.sample(range(8), random.randint(2, 8))
        wanted = people(
            *(
                (f"p{i}", f"i{i}{random.choice(['', '', '-moved'])}", random.choice("xy"))
                for i in numbers
            )
        )
        gone = {f"p{i}": random.choice(GATES[:-1]) for i in range(8) if i not in numbers}
        if listed is None:
            rolled = baseline(wanted, is_lost=False)
        else:
            rolled = roll(
                listed,
                wanted,
                gate(**gone),
                name="x",
                most_removed_share=0.3,
                are_removals_accepted=random.random() < 0.3,
                is_full_due=random.random() < 0.7,
            )
        for _, identifier, _ in rolled.remove.rows():
            del mirror[identifier]
        mirror |= {identifier: row for _, identifier, row in rolled.add.rows()}
        assert mirror == dict(rolled.full.select("identifier", "row").rows())
        assert rolled.full["identifier"].is_unique().all()
        # whoever said no, was erased or bought is on no list
        gone_for_good = {
            person
            for person, each in gone.items()
            if each
            in (
                "erased",
                "suppressed",
                "no_consent",
                "bought_since",
                "holdout",
                "suspected_bot",
            )
        }
        assert gone_for_good.isdisjoint(rolled.full["person_id"])
        listed = rolled.full
