"""Experiments in files for e-mail tools: who enters when, and what an arm changes."""

from datetime import timedelta

import polars as pl
import pytest

from orchestration.ground.errors import ComebackError
from orchestration.ground.settings import Settings, parse_settings

from .shops import HOUR, TEN, Shop, column, content, rows

TWO = {"arms": ["plain", "short"]}


def settings(**experiments: dict) -> Settings:
    return parse_settings({"experiments": experiments})


def arms(shop: Shop) -> dict[str, tuple[str, str, object]]:
    found = shop.connection.execute(
        "select person_id, experiment, arm, assigned_at from scores.experiment_arms order by all"
    ).fetchall()
    return {person.removeprefix("user:"): (name, arm, at) for person, name, arm, at in found}


def variants(prepared) -> dict[str, str]:
    return dict(
        zip(
            column(prepared, "email.full", "email"),
            column(prepared, "email.full", "variant"),
            strict=True,
        )
    )


def test_without_experiments_files_have_no_such_column_and_nothing_is_kept(shop: Shop):
    shop.person("anna")
    assert "variant" not in rows(shop.export(), "email.full")[0]
    assert "experiment_arms" not in str(shop.connection.sql("show all tables"))


def test_whoever_is_contacted_enters_and_the_row_says_which_arm(shop: Shop):
    for rank in range(1, 41):
        shop.person(f"p{rank:02d}", rank)
    shop.person("refused", 41, email_consent=False)
    shop.cart("waits", 42, contact_not_before=TEN + HOUR)
    shop.profile("waits")
    prepared = shop.export(settings=settings(subject=TWO))
    entered = arms(shop)
    assert set(entered) == {f"p{rank:02d}" for rank in range(1, 41)}
    assert {at for _, _, at in entered.values()} == {TEN}
    assert variants(prepared) == {
        f"{user}@example.com": f"subject:{arm}" for user, (_, arm, _) in entered.items()
    }
    assert 8 < sum(arm == "short" for _, arm, _ in entered.values()) < 32
    # the tools of the ads know nothing of it
    assert content(prepared, "meta.full") == content(shop.export(), "meta.full")


def test_the_hour_done_again_is_the_same_and_a_later_one_keeps_the_arms(shop: Shop):
    for rank in range(1, 21):
        shop.person(f"p{rank:02d}", rank)
    first = shop.export(settings=settings(subject=TWO))
    entered = arms(shop)
    again = shop.export(settings=settings(subject=TWO))
    assert content(again, "email.full") == content(first, "email.full")
    assert arms(shop) == entered
    later = TEN + 48 * HOUR
    for rank in range(1, 21):
        shop.cart(f"p{rank:02d}", rank, later, cart_id=f"second-{rank}")
    # all would be in the other arm now, or in another experiment
    for other in (
        {"subject": TWO | {"shares": [1, 100_000]}},
        {"subject": TWO, "colour": {"arms": ["red", "blue"], "shares": [1, 1]}},
    ):
        assert variants(shop.export(later, settings(**other))) == variants(first)
        assert arms(shop) == entered
    # the first is over
    changed = shop.export(later, settings(colour={"arms": ["red", "blue"]}))
    assert {value.split(":")[0] for value in variants(changed).values()} == {"colour"}


def test_an_arm_may_be_sent_something_else_and_both_are_logged(shop: Shop):
    for rank in range(1, 21):
        shop.person(f"p{rank:02d}", rank)
    more = {"arms": ["plan", "more"], "actions": ["", "incentive"]}
    prepared = shop.export(settings=settings(offer=more))
    sent = {
        (row["variant"], row["cart_action"], row["cart_segment"])
        for row in rows(prepared, "email.full")
    }
    assert sent == {
        ("offer:plan", "reminder", "on_the_fence"),
        ("offer:more", "incentive", "on_the_fence"),
    }
    logged = shop.connection.execute(
        "select distinct action, sent_action from scores.contact_log order by all"
    ).fetchall()
    assert logged == [("reminder", "incentive"), ("reminder", "reminder")]


def test_an_arm_may_be_contacted_later_and_its_people_are_assigned_with_the_others(shop: Shop):
    for rank in range(1, 21):
        shop.person(f"p{rank:02d}", rank)
    # planned for 9 o'clock: at 10 one arm is due, at 12 the other
    late = settings(delay={"arms": ["now", "later"], "delay_hours": [0, 2.5]})
    prepared = shop.export(settings=late)
    entered = arms(shop)
    assert set(entered) == {f"p{rank:02d}" for rank in range(1, 21)}
    waiting = {user for user, (_, arm, _) in entered.items() if arm == "later"}
    assert 3 < len(waiting) < 17
    assert set(variants(prepared).values()) == {"delay:now"}
    assert prepared.exports["email"]["counts"]["not_due"] == len(waiting)
    for rank in range(1, 21):
        for hours in (1, 2):
            shop.cart(f"p{rank:02d}", rank, TEN + hours * HOUR)
    assert prepared.exports["email"]["counts"]["eligible"] == 20 - len(waiting)
    at_eleven = shop.export(TEN + HOUR, late)
    assert at_eleven.exports["email"]["counts"]["not_due"] == len(waiting)
    at_twelve = shop.export(TEN + 2 * HOUR, late)
    assert at_twelve.exports["email"]["counts"]["eligible"] == len(waiting)
    assert {row["send_after"] for row in rows(at_twelve, "email.add")} == {"2026-10-31T11:30:00Z"}
    assert arms(shop) == entered


def test_an_experiment_takes_whom_it_says(shop: Shop):
    for rank, country in enumerate(["DE", "AT", None, "DE"], start=1):
        shop.person(f"p{rank}", rank, country=country)
    prepared = shop.export(settings=settings(subject=TWO | {"countries": ["DE"]}))
    assert set(arms(shop)) == {"p1", "p4"}
    assert [value != "" for value in variants(prepared).values()] == [True, False, False, True]
    with pytest.raises(ComebackError, match="there is no segment 'nobody'"):
        shop.export(settings=settings(subject=TWO | {"segments": ["nobody"]}))


def test_of_two_experiments_a_person_is_in_one(shop: Shop):
    for rank in range(1, 41):
        shop.person(f"p{rank:02d}", rank)
    shop.export(settings=settings(subject=TWO, colour={"arms": ["red", "blue"]}))
    names = pl.Series([name for name, _, _ in arms(shop).values()])
    assert names.len() == 40
    assert names.eq("colour").sum() in range(8, 33)


def test_an_hour_that_is_written_again_after_an_erasure_draws_nobody(shop: Shop):
    for rank in range(1, 11):
        shop.person(f"p{rank:02d}", rank)
    first = shop.export(settings=settings(subject=TWO))
    entered = arms(shop)
    shop.person("new", 11)
    prepared = shop.export(settings=settings(subject=TWO), is_rewriting=True)
    assert arms(shop) == entered
    assert variants(prepared) == variants(first)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"arms": ["one"]}, "arms needs two names or more"),
        ({"arms": ["a", "a"]}, "arms needs two names or more"),
        ({**TWO, "shares": [1]}, "shares needs one value for each of the 2 arms"),
        ({**TWO, "actions": ["nothing", ""]}, "'actions' cannot be"),
        ({"arms": ["=a", "b"]}, "'arms' cannot be"),
        ({**TWO, "shares": [0, 1]}, "'shares' cannot be"),
        ({"shares": [1, 1]}, "'arms' is not set"),
    ],
)
def test_an_experiment_that_cannot_be_is_refused_in_one_line(given, message):
    with pytest.raises(ComebackError, match=message):
        settings(subject=given)


def test_names_of_experiments_are_words():
    with pytest.raises(ComebackError, match="is no name of an experiment"):
        parse_settings({"experiments": {"Sub ject": TWO}})
    assert timedelta(hours=settings(delay=TWO).experiments["delay"].delay(1)) == timedelta(0)
