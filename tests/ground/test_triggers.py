"""Files of triggers: what is one, and what is said of one that is none.

Not here: when triggers fire (tests/rules/test_triggers.py).
"""

from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.errors import WrongUsage
from orchestration.ground.home import Home
from orchestration.ground.project import project_of
from orchestration.ground.settings import Settings
from orchestration.ground.triggers import Condition, parse_trigger, triggers_in
from orchestration.warehouse.dbt_build import dbt_vars
from orchestration.warehouse.project_hashes import project_fingerprint

# As in the contract.
TEXT = """\
name: viewed_often_not_bought
version: 1
description: Viewed one item 3 times or more within a day and did not buy.
per: item                                   # person, item or cart
when:
  - {at_least: 3, of: view_item, within: 24h}
  - {none: purchase, within: 24h}
cooldown: 48h
channel: email
"""
SHIPPED = {
    *("viewed_often_not_bought", "added_not_bought_24h", "idle_after_two_pages"),
    *("three_categories_a_day", "search_without_view", "back_after_a_month", "checkout_left"),
}


def test_a_trigger_is_read_as_it_is_written():
    trigger = parse_trigger(TEXT, "a.yml")
    assert (trigger.name, trigger.version, trigger.per) == ("viewed_often_not_bought", 1, "item")
    assert trigger.cooldown_minutes == 2 * 24 * 60
    assert trigger.when == (
        Condition("at_least", event_type="view_item", at_least=3, minutes=1440),
        Condition("none", event_type="purchase", minutes=1440),
    )


def test_a_version_may_be_a_date():
    assert parse_trigger(TEXT.replace("version: 1", "version: 20261201"), "a.yml").version > 10**7


def test_every_kind_of_condition_is_read():
    text = TEXT.replace(
        "  - {none: purchase, within: 24h}\n",
        "  - {none: purchase, since: add_to_cart}\n"
        "  - {at_least: 2, of: view_item, distinct: item_category, since: search}\n"
        "  - {idle_at_least: 30m}\n"
        "  - {idle_at_most: 7d}\n"
        "  - {back_after: 30d, within: 1h}\n"
        "  - {cart: abandoned, value_at_least: 49.9}\n",
    )
    assert parse_trigger(text, "a.yml").when[1:] == (
        Condition("none", event_type="purchase", since="add_to_cart"),
        Condition(
            "at_least",
            event_type="view_item",
            at_least=2,
            distinct="item_category",
            since="search",
        ),
        Condition("idle_at_least", minutes=30),
        Condition("idle_at_most", minutes=7 * 1440),
        Condition("back_after", away_minutes=30 * 1440, minutes=60),
        Condition("cart", cart="abandoned", value_at_least=Decimal("49.9")),
    )


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ("version: 1", "version: one", r"\[version\], allowed is a whole number of 1 to"),
        ("version: 1", "version: 0", r"has 0, a\.yml \[version\]"),
        ("version: 1", "version: 2147483648", r"\[version\], allowed is a whole number of 1 to"),
        (
            "at_least: 3",
            "at_least: 1000001",
            r"at_least\], allowed is a whole number of 1 to 1,000,",
        ),
        ("version: 1", "version: true", r"has True, a\.yml \[version\]"),
        ("version: 1\n", "", r"the trigger has no version, a\.yml, give all of name, version,"),
        ("version: 1", "version: 1\nversion: 2", r"'version' stands twice\), a\.yml, line 3"),
        ("channel: email", "chanel: email", r"unknown key 'chanel', a\.yml, allowed are name,"),
        ("channel: email", "channel: post", r"\[channel\], allowed is one of email, sms, ads"),
        ("per: item", "per: visitor", r"\[per\], allowed is one of person, item, cart"),
        ("name: v", "name: V", r"\[name\], allowed is a word of a-z"),
        ("cooldown: 48h", "cooldown: 48", r"\[cooldown\], allowed is a span such as 30m, 24h"),
        ("cooldown: 48h", "cooldown: 0h", r"has '0h', a\.yml \[cooldown\]"),
        ("cooldown: 48h", "cooldown: 36501d", r"\[cooldown\]"),
        ("description: V", "description: [V", r"no yml"),
        ("description: Viewed", "description: ''\nx: Viewed", r"unknown key 'x'"),
        ("at_least: 3", "at_least: -3", r"\[when, condition 1, at_least\]"),
        ("of: view_item", "of: viewitem", r"condition 1, of\], allowed is one of page_view"),
        ("of: view_item", "of: [view_item]", r"condition 1, of\]"),
        (", of: view_item", "", r"has no of, a\.yml \[when, condition 1\]"),
        ("within: 24h}\n  - {none", "in: 24h}\n  - {none", r"unknown key 'in'.*allowed are at_le"),
        ("purchase, within: 24h", "purchase", r"condition 2\], allowed is either within"),
        ("within: 24h}\ncool", "within: 24h, since: login}\ncool", r"either within .* or since"),
        ("{none: purchase, within: 24h}", "{never: purchase}", r"one of the conditions at_least,"),
        ("{none: purchase, within: 24h}", "purchase", r"has 'purchase', a\.yml \[when, condi"),
        ("none: purchase,", "none: purchase, cart: open,", r"one of the conditions"),
        ("{none: purchase, within: 24h}", "{cart: full}", r"cart\], allowed is one of open, aban"),
        (
            "{none: purchase, within: 24h}",
            "{cart: open, value_at_least: much}",
            r"value_at_least\], allowed is an amount",
        ),
        ("{none: purchase, within: 24h}", "{back_after: 30d}", r"has no within"),
        ("{none: purchase, within: 24h}", "{idle_at_least: 30s}", r"idle_at_least\], allowed is a"),
        (
            ", within: 24h}\n  - {none: p",
            ", distinct: price, within: 24h}\n  - {none: p",
            "distinct",
        ),
    ],
)
def test_a_wrong_rule_is_one_line_of_file_key_and_what_is_allowed(
    written: str, instead: str, said: str
):
    assert written in TEXT
    with pytest.raises(WrongUsage, match=said) as failure:
        parse_trigger(TEXT.replace(written, instead, 1), "a.yml")
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize("text", ["", "- a", "5", "&a [*a]", "name: \x00", "when: {[]: 1}"])
def test_what_is_no_table_is_one_line_too(text: str):
    with pytest.raises(WrongUsage, match=r"a\.yml"):
        parse_trigger(text, "a.yml")


def test_the_shipped_triggers_are_those_of_the_contract():
    shipped = triggers_in(DBT_PROJECT)
    assert {trigger.name for trigger in shipped} == SHIPPED
    names = [rule["name"] for rule in dbt_vars(Settings())["triggers"]]
    assert names == sorted(SHIPPED)


def test_a_home_has_its_own_beside_them_and_one_of_the_same_name_in_its_place(tmp_path: Path):
    home = Home(tmp_path)
    assert project_of(home) == DBT_PROJECT
    own = tmp_path / "triggers"
    own.mkdir()
    (own / "mine.yml").write_text(TEXT.replace("viewed_often_not_bought", "mine"))
    (own / "checkout_left.yml").write_text(
        TEXT.replace("viewed_often_not_bought", "checkout_left").replace("48h", "1h")
    )
    project = project_of(home)
    before = project_fingerprint(project, {})
    found = {trigger.name: trigger for trigger in triggers_in(project)}
    assert found.keys() == SHIPPED | {"mine"}
    assert found["checkout_left"].cooldown_minutes == 60
    (own / "mine.yml").unlink()
    assert project_of(home) == project
    assert {trigger.name for trigger in triggers_in(project)} == SHIPPED
    assert project_fingerprint(project, {}) != before


def test_a_file_is_called_as_its_trigger_and_can_be_read(tmp_path: Path):
    own = tmp_path / "triggers"
    own.mkdir()
    (own / "mine.yml").write_text(TEXT)
    with pytest.raises(WrongUsage, match=r"mine\.yml \[name\], it is that of the file: mine"):
        triggers_in(tmp_path)
    (own / "mine.yml").write_bytes(b"name: \xff")
    with pytest.raises(WrongUsage, match=r"cannot be read .*mine\.yml, save it as yml in UTF-8"):
        triggers_in(tmp_path)
