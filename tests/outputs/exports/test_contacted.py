"""Contacts by lists of ours and by dumps: each once, by person and by address."""

from datetime import timedelta

import pytest

from orchestration.ground.settings import parse_settings
from orchestration.outputs.exports.contacted import read_contacts
from tests.outputs.exports.shops import HOUR, TEN, Shop

DAY = 24 * HOUR


def heard(shop: Shop, at, status: str = "sent", **values: object) -> None:
    """A row of a dump of contacts."""
    shop.connection.execute(
        "create table if not exists vault.contact_rows (contacted_at timestamp, user_id varchar,"
        " email varchar, visitor_id varchar, channel varchar, campaign varchar, status varchar,"
        " email_key varchar)"
    )
    row = {"contacted_at": at, "status": status, "channel": "email"} | values
    shop.insert("vault.contact_rows", **row)


def listed(shop: Shop, export: str, form: str, person: str, identifier: str, at) -> None:
    """A person put on a list of an export that is configured no more."""
    shop.connection.execute(
        "create table if not exists vault.export_lists"
        " (export varchar, form varchar, hour timestamp, persons bigint, is_full boolean);"
        "create table if not exists vault.export_members (export varchar, person_id varchar,"
        " identifier varchar, row varchar, listed_at timestamp, left_at timestamp)"
    )
    shop.insert("vault.export_lists", export=export, form=form, hour=at, persons=1, is_full=True)
    shop.insert(
        "vault.export_members",
        export=export,
        person_id=person,
        identifier=identifier,
        row="",
        listed_at=at,
    )


def gates_of(shop: Shop, at=TEN) -> dict[str, int]:
    counts = shop.export(at).exports["email"]["counts"]
    return {name: count for name, count in counts.items() if count}


@pytest.mark.parametrize("status", ["sent", "delivered", "opened", "clicked"])
@pytest.mark.parametrize(
    "whom", [{"user_id": "ann"}, {"email_key": "ann@example.com"}, {"visitor_id": "cookie-ann"}]
)
def test_what_a_tool_sent_cools_down_whomever_it_names(shop, status, whom):
    shop.person("ann", email_key="ann@example.com")
    heard(shop, TEN - 23 * HOUR, status, **whom)
    assert gates_of(shop) == {"in_cooldown": 1}


@pytest.mark.parametrize(
    ("contact", "gate"),
    [
        ({"at": TEN}, "in_cooldown"),
        ({"at": TEN + timedelta(microseconds=1)}, "eligible"),
        ({"at": TEN - DAY}, "eligible"),
        ({"at": TEN - HOUR, "channel": None}, "in_cooldown"),
        ({"at": TEN - HOUR, "channel": "sms"}, "in_cooldown"),
        ({"at": TEN - DAY, "channel": "sms"}, "eligible"),
        ({"at": TEN - HOUR, "channel": "ads"}, "eligible"),
        ({"at": TEN - HOUR, "channel": "onsite"}, "eligible"),
        ({"at": TEN - HOUR, "status": "bounced"}, "eligible"),
    ],
)
def test_e_mails_and_texts_up_to_the_hour_are_counted_and_nothing_else(shop, contact, gate):
    shop.person("ann")
    heard(shop, **contact, user_id="ann")
    assert gates_of(shop) == {gate: 1}


def counted(shop: Shop) -> dict[str, tuple]:
    profiles = shop.connection.sql("select user_id, email from vault.current_profiles").pl()
    contacts = read_contacts(shop.connection, TEN, profiles, DAY, TEN)
    return {key: (at, count) for key, at, count in contacts.by_person.iter_rows()}


def test_a_message_is_counted_once_however_often_it_is_reported(shop):
    for days, status in ((5, "sent"), (5, "delivered"), (4, "opened"), (3, "clicked")):
        heard(shop, TEN - days * DAY, status, user_id="ann", campaign="summer")
    heard(shop, TEN - 2 * DAY, "delivered", user_id="ann", campaign="autumn")
    heard(shop, TEN - 8 * DAY, user_id="ann")
    assert counted(shop) == {"user:ann": (TEN - 2 * DAY, 2)}


def test_a_list_of_ours_and_the_dump_that_confirms_it_are_one_contact(shop):
    listed(shop, "old", "email generic email", "user:ann", "ann@example.com", TEN - 3 * DAY)
    heard(shop, TEN - 3 * DAY + 2 * HOUR, user_id="ann")
    heard(shop, TEN - 2 * DAY, "opened", user_id="ann", campaign="cart")
    assert counted(shop) == {"user:ann": (TEN - 3 * DAY + 2 * HOUR, 1)}
    # a text is no word on the e-mail
    heard(shop, TEN - 2 * DAY, "clicked", user_id="ann", campaign="cart", channel="sms")
    assert counted(shop) == {"user:ann": (TEN - 2 * DAY, 2)}
    # the next day it is another one
    heard(shop, TEN - 2 * DAY + HOUR, user_id="ann")
    assert counted(shop) == {"user:ann": (TEN - 2 * DAY + HOUR, 3)}


@pytest.mark.parametrize(("seconds", "gate"), [(1, "over_cap"), (0, "eligible")])
def test_three_messages_in_seven_days_are_enough(shop, seconds, gate):
    shop.person("ann")
    for at in (TEN - 7 * DAY + timedelta(seconds=seconds), TEN - 4 * DAY, TEN - 2 * DAY):
        heard(shop, at, user_id="ann")
    assert gates_of(shop) == {gate: 1}


@pytest.mark.parametrize(("bobs", "gate"), [(1, "eligible"), (2, "over_cap")])
def test_texts_to_the_person_and_mails_to_the_mailbox_of_whoever_has_it_add_up(shop, bobs, gate):
    shop.person("ann", email="home@example.com", email_key="home@example.com")
    shop.profile("bob", email="home@example.com", email_key="home@example.com")
    heard(shop, TEN - 2 * DAY, user_id="ann", channel="sms")
    for number in range(bobs):
        heard(shop, TEN - (3 + number) * DAY, user_id="bob", campaign="news")
    # one that both are known to have had is one
    heard(shop, TEN - 3 * DAY, user_id="ann", campaign="news")
    assert gates_of(shop) == {gate: 1}


@pytest.mark.parametrize(
    ("reported", "messages"),
    [
        # of a tool that reports each message when it is delivered, and no more
        ([(3, "delivered"), (1, "delivered")], 2),
        ([(3, "sent"), (2.9, "delivered"), (1, "delivered")], 2),
        ([(3, "sent"), (3, "delivered"), (1, "sent"), (1, "delivered")], 2),
        ([(3, "sent"), (1, "delivered"), (0.5, "opened")], 1),
        ([(3, "opened"), (1, "opened")], 1),
        ([(3, "delivered"), (3, "opened")], 1),
        # opened ahead by a filter, or by another clock; an older message, and one of now
        ([(3.0001, "opened"), (3, "delivered")], 1),
        ([(3, "opened"), (2, "delivered")], 2),
    ],
)
def test_a_message_is_delivered_once(shop, reported, messages):
    for days, status in reported:
        heard(shop, TEN - days * DAY, status, user_id="ann", campaign="cart")
    assert counted(shop)["user:ann"][1] == messages


def test_what_is_delivered_now_cools_down_though_the_campaign_was_heard_of_before(shop):
    shop.person("ann")
    for hours in (72, 2):
        heard(shop, TEN - hours * HOUR, "delivered", user_id="ann", campaign="cart")
    assert gates_of(shop) == {"in_cooldown": 1}


def test_another_message_that_is_delivered_days_after_a_list_is_a_contact(shop):
    listed(shop, "old", "email generic email", "user:ann", "ann@example.com", TEN - 5 * DAY)
    heard(shop, TEN - 5 * DAY + HOUR, "delivered", user_id="ann", campaign="cart")
    assert counted(shop) == {"user:ann": (TEN - 5 * DAY + HOUR, 1)}
    heard(shop, TEN - 2 * HOUR, "delivered", user_id="ann", campaign="news")
    assert counted(shop) == {"user:ann": (TEN - 2 * HOUR, 2)}


def test_a_cooldown_of_weeks_is_held_though_lists_are_all_that_is_known(shop):
    contacts = {"cooldown_hours": 14 * 24}
    settings = parse_settings({"contacts": contacts, "exports": {"mail": {"profile": "email"}}})
    found = {}
    for hours in (0, 1, 9 * 24, 14 * 24 - 1, 14 * 24):
        at = TEN + hours * HOUR
        due = {"contact_not_before": at, "contact_valid_until": at + HOUR}
        shop.cart("ann", at=at, cart_id=f"cart-{hours}", **due)
        shop.connection.execute("delete from vault.current_profiles")
        shop.profile("ann")
        counts = shop.export(at, settings).exports["mail"]["counts"]
        found[hours] = [name for name, count in counts.items() if count]
        # for so long the address is not kept
        counts = "select count(*) filter (where identifier != '') from vault.export_members"
        assert shop.connection.execute(counts).fetchall() == [(int(hours in (0, 1, 14 * 24)),)]
    assert found.pop(0) == found.pop(14 * 24) == ["eligible"]
    assert all(each == ["in_cooldown"] for each in found.values())


def test_two_campaigns_of_one_instant_are_two_messages(shop):
    for campaign in ("summer", "autumn"):
        for status in ("sent", "delivered"):
            heard(shop, TEN - 3 * DAY, status, user_id="ann", campaign=campaign)
    # found by the address, too, it is the same one
    shop.profile("ann", email_key="ann@example.com")
    heard(shop, TEN - 3 * DAY, email_key="ann@example.com", campaign="autumn")
    assert counted(shop) == {"user:ann": (TEN - 3 * DAY, 2)}


def test_lists_of_two_exports_of_one_hour_are_two_contacts_until_one_message_is_told(shop):
    for export in ("old", "older"):
        listed(shop, export, "email generic email", "user:ann", "ann@example.com", TEN - 3 * DAY)
    assert counted(shop) == {"user:ann": (TEN - 3 * DAY, 2)}
    heard(shop, TEN - 3 * DAY + HOUR, user_id="ann")
    assert counted(shop) == {"user:ann": (TEN - 3 * DAY + HOUR, 1)}


@pytest.mark.parametrize(
    ("minutes", "gate"), [(-121, "eligible"), (-120, "in_cooldown"), (-61, "in_cooldown")]
)
def test_what_was_sent_to_the_address_of_then_was_sent_to_the_person(shop, minutes, gate):
    shop.person("ann", email="new@example.com", email_key="new@example.com")
    for hours, key in ((9, "ann@example.com"), (2, "old@example.com"), (1, "new@example.com")):
        at = {"updated_at": TEN - hours * HOUR, "is_stripped": False}
        shop.insert("vault.profile_versions", user_id="ann", email_key=key, **at)
    heard(shop, TEN + minutes * HOUR / 60, email_key="old@example.com")
    assert gates_of(shop) == {gate: 1}


def test_a_mailbox_of_two_users_is_mailed_once_whoever_of_them_it_was_for(shop):
    shop.person("ann", email="home@example.com")
    assert gates_of(shop) == {"eligible": 1}
    shop.cart("bob", 1, TEN + HOUR)
    shop.profile("bob", email="Home@example.com ")
    assert gates_of(shop, TEN + HOUR) == {"in_cooldown": 1}


@pytest.mark.parametrize("identifier", ["email", "external_id"])
def test_two_spellings_of_a_mailbox_are_mailed_once(shop, identifier):
    entry = {"profile": "email", "identifier": identifier}
    settings = parse_settings({"exports": {"mail": entry}})
    shop.person("ann", 1, email="an.n@gmail.com", email_key="ann@gmail.com")
    shop.person("bob", 2, email="ann+shop@gmail.com", email_key="ann@gmail.com")
    counts = shop.export(TEN, settings).exports["mail"]["counts"]
    assert (counts["eligible"], counts["in_cooldown"]) == (1, 1)
    # nor the next hour, when the other is alone
    shop.cart("bob", 1, TEN + HOUR)
    assert shop.export(TEN + HOUR, settings).exports["mail"]["counts"]["in_cooldown"] == 1


def test_a_mailbox_of_two_users_is_one_for_lists_by_user_id_and_for_dumps(shop):
    by_id = {"by_id": {"profile": "email", "preset": "braze", "identifier": "external_id"}}
    settings = parse_settings({"exports": by_id})
    shop.profile("ann", email="HOME@example.com", email_key="home@example.com")
    shop.person("bob", email="home@example.com", email_key="home@example.com")
    heard(shop, TEN - HOUR, user_id="ann")
    counts = shop.export(TEN, settings).exports["by_id"]["counts"]
    assert counts["in_cooldown"] == 1


@pytest.mark.parametrize(
    ("form", "gate"),
    [
        ("email generic email", "in_cooldown"),
        ("email braze external_id", "in_cooldown"),
        ("google_customer_match generic email", "eligible"),
    ],
)
def test_an_export_that_is_configured_no_more_is_not_forgotten(shop, form, gate):
    shop.person("ann")
    listed(shop, "old", form, "user:ann", "ann@example.com", TEN - 2 * HOUR)
    assert gates_of(shop) == {gate: 1}


@pytest.mark.parametrize("more", ["", " with segments", " with segments with variant"])
def test_the_address_that_a_list_had_is_contacted_whoever_has_it_now(shop, more):
    form = f"email generic email{more}"
    listed(shop, "email", form, "user:moved", "ann@example.com", TEN - 2 * HOUR)
    shop.person("ann")
    assert gates_of(shop) == {"in_cooldown": 1}


@pytest.mark.parametrize(("newest", "gate"), [(59, "in_cooldown"), (60, "eligible")])
def test_at_the_hour_with_which_the_log_ends_messages_since_count_too(shop, newest, gate):
    shop.person("ann")
    heard(shop, TEN + 3 * HOUR, user_id="ann")
    shop.connection.execute("create table main.ordered_events (event_at timestamp)")
    shop.insert("main.ordered_events", event_at=TEN + newest * HOUR / 60)
    assert gates_of(shop) == {gate: 1}
