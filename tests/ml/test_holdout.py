"""Who is held out: drawn once, recorded, taken over at a login."""

from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.holdout import ARM_TYPES, HOLDOUT, TREATMENT, Draw, assign_arms

KEY = b"a secret of the shop"
PERSON_1 = 0xA2597FAEC11A72C8 / 2**64
NOON = datetime.fromisoformat("2026-03-10T12:00")
NOBODY = pl.DataFrame(schema=ARM_TYPES)


def hour(number: int) -> datetime:
    return NOON + timedelta(hours=number)


def carts(*rows: tuple[str, str | None]) -> pl.DataFrame:
    schema = {"visitor_id": pl.String, "owner_id": pl.String}
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def links(*rows: tuple[str, str]) -> pl.DataFrame:
    schema = {"owner_id": pl.String, "visitor_id": pl.String}
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def recorded(*rows: tuple[str, str, int]) -> pl.DataFrame:
    """Rows of person, arm and hour."""
    values = [(person, arm, hour(at), "other key", False) for person, arm, at in rows]
    return pl.DataFrame(values, schema=ARM_TYPES, orient="row")


def assigned(people, before=NOBODY, known=None, at: int = 9, share: float = 0.5):
    """The arms by person, and the rows to record as plain tuples."""
    known = links() if known is None else known
    arms, new = assign_arms(people, before, known, hour(at), Draw(KEY, share))
    rows = new.select("person_id", "arm", "is_mixed").rows()
    return {person: (arm, mixed) for person, arm, mixed in arms.rows()}, rows


def test_the_holdout_is_its_share_and_stays_the_same_for_everyone():
    people = [f"person {i}" for i in range(20_000)]
    held_out = Draw(KEY, 0.05).arms(people)
    assert held_out.count(HOLDOUT) / 20_000 == pytest.approx(0.05, abs=0.005)
    assert Draw(KEY, 0.05).arms(people[::-1]) == held_out[::-1]
    wider = Draw(KEY, 0.1).arms(people)
    # a larger share adds people and frees none
    assert all(w == HOLDOUT for w, h in zip(wider, held_out, strict=True) if h == HOLDOUT)
    other = Draw(b"another secret", 0.05).arms(people)
    both = [a == b == HOLDOUT for a, b in zip(held_out, other, strict=True)]
    assert sum(both) / 20_000 < 0.01
    # printf 'person 1' | openssl dgst -sha256 -hmac 'a secret of the shop', first 16 digits / 2^64
    assert Draw(KEY, PERSON_1 + 1e-9).arms(["person 1"]) == [HOLDOUT]
    assert Draw(KEY, PERSON_1 - 1e-9).arms(["person 1"]) == [TREATMENT]


def test_all_or_nobody_may_be_held_out():
    people = carts(("v", None), ("w", "u"))
    assert set(assigned(people, share=0.0)[0].values()) == {(TREATMENT, False)}
    assert set(assigned(people, share=1.0)[0].values()) == {(HOLDOUT, False)}


def test_an_arm_is_drawn_once_and_recorded_with_hour_and_key():
    arms, new = assign_arms(
        carts(("v", None), ("v", None), ("w", "u"), ("x", "u")), NOBODY, links(), NOON, Draw(KEY)
    )
    assert arms["person_id"].to_list() == new["person_id"].to_list() == ["user:u", "v"]
    assert set(new["assigned_at"]) == {NOON}
    assert set(new["key_id"]) == {Draw(KEY).key_id}
    assert len(Draw(KEY).key_id) == 12
    _, again = assign_arms(carts(("v", None)), new, links(), hour(1), Draw(b"new key", 0.9))
    assert again.is_empty()


def test_neither_another_share_nor_another_key_changes_an_arm():
    before = recorded(("v", TREATMENT, 0), ("w", HOLDOUT, 0))
    people = carts(("v", None), ("w", None))
    for share in (0.0, 1.0):
        arms, new = assigned(people, before, share=share)
        assert arms == {"v": (TREATMENT, False), "w": (HOLDOUT, False)}
        assert new == []


def test_at_a_login_the_user_takes_over_the_arm_of_the_visitor():
    before = recorded(("v", HOLDOUT, 0))
    for share in (0.0, 1.0):
        arms, new = assigned(carts(("v", "u")), before, links(("u", "v")), share=share)
        assert arms == {"user:u": (HOLDOUT, False)}
        assert new == [("user:u", HOLDOUT, False)]
    # and says that it is the draw of the other key
    _, rows = assign_arms(carts(("v", "u")), before, links(("u", "v")), NOON, Draw(KEY))
    assert rows["key_id"].to_list() == ["other key"]


def test_where_two_arms_meet_the_earliest_counts_and_all_rows_are_mixed():
    before = recorded(("phone", TREATMENT, 1), ("user:u", HOLDOUT, 2), ("tablet", TREATMENT, 3))
    arms, new = assigned(
        carts(("laptop", "u")), before, links(("u", "phone"), ("u", "tablet"), ("u", "laptop"))
    )
    assert arms == {"user:u": (TREATMENT, True)}
    assert new == [
        ("phone", TREATMENT, True),
        ("tablet", TREATMENT, True),
        ("user:u", TREATMENT, True),
    ]


def test_where_equal_arms_meet_nobody_is_mixed():
    before = recorded(("phone", HOLDOUT, 1), ("user:u", HOLDOUT, 2))
    arms, new = assigned(carts(("phone", "u")), before, links(("u", "phone")))
    assert (arms, new) == ({"user:u": (HOLDOUT, False)}, [])


logins = st.lists(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "c", "d"]), st.sampled_from([None, "u", "w"])),
        max_size=4,
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(logins)
def test_hour_after_hour_an_arm_stays_unless_an_earlier_one_is_met(hours):
    history, known = NOBODY, set()
    first, before = {}, {}
    for number, visits in enumerate(hours):
        known |= {(owner, visitor) for visitor, owner in visits if owner}
        people = carts(*visits)
        arms, new = assign_arms(people, history, links(*known), hour(number), Draw(KEY, 0.5))
        # the same hour again, from the same rows
        again = assign_arms(people, history, links(*known), hour(number), Draw(KEY, 0.5))
        assert arms.equals(again[0])
        assert new.equals(again[1])
        history = pl.concat([history, new])
        for person, arm, mixed in arms.rows():
            if person in before and arm != before[person]:
                # a user met a visitor whose arm is older
                assert mixed
                assert person.startswith("user:")
            before[person] = arm
        for person, arm in new.select("person_id", "arm").rows():
            first.setdefault(person, arm)
        for owner in {owner for owner, _ in known}:
            visitors = {visitor for user, visitor in known if user == owner}
            if f"user:{owner}" in arms["person_id"] and not visitors & first.keys():
                assert before[f"user:{owner}"] == Draw(KEY, 0.5).arms([f"user:{owner}"])[0]
    visitor_rows = history.filter(~pl.col("person_id").str.starts_with("user:"))
    assert (
        visitor_rows.group_by("person_id").agg(pl.col("arm").n_unique())["arm"].to_list()
        == [1] * visitor_rows["person_id"].n_unique()
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Draw(b""), "the holdout key is empty"),
        (lambda: Draw(KEY, 5), "holdout_share is 5, it must be between 0 and 1"),
    ],
)
def test_values_out_of_range_are_refused_in_one_line(make, message):
    with pytest.raises(ValueError, match=message):
        make()
