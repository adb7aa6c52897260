"""What is known of a person: suppressed visitors, buyers at an instant, bots, and the live cart."""

import pytest

from orchestration.outputs.export_files import read_rows
from orchestration.outputs.exports import facts, people
from tests.outputs.exports.shops import HOUR, TEN, Shop, column, content, rows


def suppress(shop: Shop, **values: object) -> None:
    row = {"channel": "email", "reason": "complaint", "suppressed_at": TEN - 5 * HOUR} | values
    shop.insert("vault.current_suppressions", **row)


@pytest.mark.parametrize("known_by", ["session", "order", "cart"])
def test_a_suppressed_visitor_suppresses_every_user_behind_it(shop, known_by):
    shop.person("ann", 1)
    shop.person("bob", 2)
    visitor = "cookie-ann" if known_by == "cart" else "tablet"
    if known_by == "session":
        shop.session(visitor, owner_id="ann")
    if known_by == "order":
        shop.insert(
            "main.orders", visitor_id=visitor, owner_id="ann", ordered_at=TEN - 90 * 24 * HOUR
        )
    suppress(shop, visitor_id=visitor)
    prepared = shop.export()
    assert column(prepared, "email.full", "email") == ["bob@example.com"]
    assert prepared.exports["email"]["counts"]["suppressed"] == 1
    # of another channel it is none
    assert prepared.exports["google"]["counts"]["suppressed"] == 0
    # the tool knows the address, not the visitor
    assert column(prepared, "suppressions.full", "email") == ["ann@example.com"]


def test_a_suppressed_visitor_whom_nobody_knows_is_suppressed_and_not_merely_without_profile(shop):
    shop.cart("x", visitor_id="stranger", owner_id=None)
    suppress(shop, visitor_id="stranger", channel="all")
    counts = shop.export().exports["email"]["counts"]
    assert (counts["suppressed"], counts["no_profile"]) == (1, 0)


@pytest.mark.parametrize(("column_of", "whom"), [("user_id", "ann"), ("visitor_id", "tablet")])
def test_whoever_has_the_mailbox_of_somebody_who_said_no_is_suppressed_however_it_is_written(
    shop, column_of, whom
):
    shop.profile("ann", email="an.n@gmail.com", email_key="ann@gmail.com", phone="+4930901820")
    shop.session("tablet", owner_id="ann")
    shop.person("bob", 1, email="ann+shop@gmail.com", email_key="ann@gmail.com")
    shop.person("cem", 2, phone="+4930901820")
    for channel in ("email", "ads"):
        suppress(shop, channel=channel, **{column_of: whom})
    exports = shop.export().exports
    assert exports["email"]["counts"]["suppressed"] == 1
    # a number that two people have would be the hash of both
    assert exports["google"]["counts"]["suppressed"] == 2


@pytest.mark.parametrize(
    ("granted", "reason", "is_lifted"),
    [(1, "unsubscribed", True), (0, "unsubscribed", False), (1, "complaint", False)],
)
def test_a_later_consent_of_the_user_lifts_what_a_visitor_unsubscribed(
    shop, granted, reason, is_lifted
):
    shop.person("ann")
    since = TEN - 5 * HOUR
    for at, consent in ((since - HOUR, False), (since + granted * HOUR, True)):
        row = {"user_id": "ann", "email_consent": consent, "is_stripped": False}
        shop.insert("vault.profile_versions", updated_at=at, **row)
    suppress(shop, visitor_id="cookie-ann", reason=reason, suppressed_at=since)
    assert shop.export().exports["email"]["counts"]["eligible"] == is_lifted


def test_a_guest_who_signs_in_after_the_order_bought_as_the_user(shop):
    for rank, user in enumerate(("ann", "bob"), start=1):
        shop.person(user, rank)
        shop.insert("main.carts", cart_id=f"cart-{user}", last_touched_at=TEN - 3 * HOUR)
    shop.session("tablet", owner_id="ann", at=TEN - 2 * HOUR)
    # somebody else later
    shop.session("tablet", owner_id="bob", at=TEN - HOUR)
    shop.insert("main.orders", visitor_id="tablet", ordered_at=TEN - 2 * HOUR)
    prepared = shop.export()
    for name in ("email", "google"):
        assert prepared.exports[name]["counts"]["bought_since"] == 1
    assert column(prepared, "email.full", "email") == ["bob@example.com"]


@pytest.mark.parametrize(("seconds", "listed"), [(-1, 1), (0, 0), (1, 0)])
def test_an_order_at_the_instant_of_the_last_touch_is_an_order_since(shop, seconds, listed):
    shop.person("ann")
    touched = TEN - 3 * HOUR
    shop.insert("main.carts", cart_id="cart-ann", last_touched_at=touched)
    shop.insert("main.orders", owner_id="ann", ordered_at=touched + seconds * HOUR / 3600)
    prepared = shop.export()
    for name in ("email", "google", "meta"):
        assert prepared.exports[name]["counts"]["bought_since"] == 1 - listed
        assert prepared.exports[name]["persons"] == listed


@pytest.mark.parametrize(("minutes", "listed"), [(-30, 0), (30, 1)])
def test_a_touch_after_the_hour_makes_no_order_before_it_an_older_one(shop, minutes, listed):
    shop.person("ann")
    shop.insert("main.carts", cart_id="cart-ann", last_touched_at=TEN + HOUR)
    for hours in (-3, -2, 1):
        shop.line("cart-ann", "hat", TEN + hours * HOUR)
    shop.insert("main.orders", owner_id="ann", ordered_at=TEN + minutes * HOUR / 60)
    prepared = shop.export()
    for name in ("email", "google"):
        assert prepared.exports[name]["persons"] == listed


def test_a_bought_cart_does_not_hide_a_live_one(shop):
    shop.profile("ann")
    shop.cart("ann", 1, cart_id="bought", expected_gain=50)
    shop.cart("ann", 2, cart_id="live", expected_gain=5)
    shop.cart("ann", 3, cart_id="small", expected_gain=1)
    for cart, hours in (("bought", 9), ("live", 2), ("small", 1)):
        shop.insert("main.carts", cart_id=cart, last_touched_at=TEN - hours * HOUR)
    shop.insert("main.orders", owner_id="ann", ordered_at=TEN - 5 * HOUR)
    prepared = shop.export()
    assert column(prepared, "email.full", "cart_priority") == ["2"]
    assert prepared.exports["google"]["counts"]["eligible"] == 1
    # without a live one she is a buyer
    shop.insert("main.orders", owner_id="ann", ordered_at=TEN - HOUR / 2)
    assert shop.export().exports["email"]["counts"]["bought_since"] == 1


def test_whoever_has_a_cart_of_a_visitor_who_was_ever_suspected_is_a_bot(shop):
    for rank, user in enumerate(("ann", "bob"), start=1):
        shop.person(user, rank)
    # of her phone, and worth less; the session was long ago
    shop.cart("ann", 3, cart_id="other", visitor_id="phone", is_suspected_bot=True)
    shop.session("phone", owner_id="ann", at=TEN - 60 * 24 * HOUR, is_suspected_bot=True)
    prepared = shop.export()
    for name in ("email", "google"):
        assert prepared.exports[name]["counts"]["suspected_bot"] == 1
        assert prepared.exports[name]["counts"]["eligible"] == 1
        assert sum(prepared.exports[name]["counts"].values()) == 2
    assert column(prepared, "email.full", "email") == ["bob@example.com"]
    assert read_rows(shop.connection, TEN)["cart_id"].to_list() == ["cart-ann", "cart-bob"]


def test_whoever_has_a_suspected_session_on_any_device_within_the_window_is_a_bot(shop):
    for rank, user in enumerate(("ann", "bob", "cem", "dan", "eve"), start=1):
        shop.person(user, rank)
    bot = {"is_suspected_bot": True}
    shop.session("tablet", owner_id="ann", **bot)
    shop.session("cookie-bob", owner_id=None, **bot)  # his cart's visitor
    shop.session("cookie-cem", owner_id="cem", at=TEN - 8 * 24 * HOUR, **bot)  # long ago
    shop.session("cookie-dan", owner_id="dan", at=TEN + HOUR, **bot)  # not yet
    shop.session("cookie-eve", owner_id="eve")
    prepared = shop.export()
    for name in ("email", "google"):
        assert prepared.exports[name]["counts"]["suspected_bot"] == 2
    assert column(prepared, "email.full", "email") == [
        f"{user}@example.com" for user in ("cem", "dan", "eve")
    ]


def test_of_two_suppressions_of_an_address_the_one_since_ever_is_written(shop):
    suppress(shop, email="ann@example.com", reason="bounced", suppressed_at=TEN - 9 * HOUR)
    suppress(shop, email="ann@example.com", reason="manual", suppressed_at=None)
    assert content(shop.export(), "suppressions.full") == (
        b"email,reason,since\nann@example.com,manual,\n"
    )


def test_the_address_that_was_suppressed_and_the_one_that_the_tool_has_are_both_written(shop):
    shop.profile("ann", email="ann.lee@gmail.com")
    shop.profile("bob")
    suppress(shop, user_id="ann", email="annlee@gmail.com")
    suppress(shop, user_id="bob", email=None, suppressed_at=TEN - 4 * HOUR)
    assert rows(shop.export(), "suppressions.full") == [
        {"email": email, "reason": "complaint", "since": since}
        for email, since in (
            ("ann.lee@gmail.com", "2026-10-31T05:00:00Z"),
            ("annlee@gmail.com", "2026-10-31T05:00:00Z"),
            ("bob@example.com", "2026-10-31T06:00:00Z"),
        )
    ]


def test_an_address_that_a_name_stands_around_is_written_without_it(shop):
    emails = ("Ann <ANN@shop.example>", "'bob@shop.example", "cem@shop.example;")
    for email in (*emails, "mailto:dan@shop.example", "no address at all"):
        suppress(shop, email=email)
    assert column(shop.export(), "suppressions.full", "email") == [
        f"{name}@shop.example" for name in ("ann", "bob", "cem", "dan")
    ]


def test_whoever_withdrew_the_consent_is_among_the_suppressed_under_both_addresses(shop):

    def version(user: str, hours: int, consent: bool, email: str = "") -> None:
        email = email or f"{user}@example.com"
        row = {"user_id": user, "email": email, "email_key": email, "email_consent": consent}
        at = TEN - hours * HOUR
        shop.insert("vault.profile_versions", updated_at=at, is_stripped=False, **row)

    version("ann", 9, consent=True, email="old@example.com")
    version("ann", 8, consent=False)
    version("ann", 7, consent=False)
    version("bob", 9, consent=False)
    version("cem", 9, consent=False)
    version("cem", 8, consent=True)
    version("dan", 9, consent=True)
    version("dan", -1, consent=False)
    version("eve", 9, consent=True, email="home@example.com")
    version("eve", 8, consent=False, email="home@example.com")
    shop.profile("fay", email="home@example.com", email_key="home@example.com")
    assert content(shop.export(), "suppressions.full") == (
        b"email,reason,since\n"
        b"ann@example.com,unsubscribed,2026-10-31T02:00:00Z\n"
        b"old@example.com,unsubscribed,2026-10-31T02:00:00Z\n"
    )


def test_where_the_log_ends_a_later_withdrawal_counts_and_a_later_consent_does_not(shop):
    versions = {
        "ann": ((-9, True), (1, False)),
        "bob": ((-9, True), (-8, False), (2, True)),
        "cem": ((-9, True), (2, True)),
        "dan": ((-9, True), (1, False), (2, True)),
    }
    for user, rows_of_user in versions.items():
        for hours, consent in rows_of_user:
            row = {"user_id": user, "email": f"{user}@example.com", "is_stripped": False}
            at = TEN + hours * HOUR
            shop.insert("vault.profile_versions", updated_at=at, email_consent=consent, **row)
    shop.connection.execute("create table main.ordered_events as select ? as event_at", [TEN])
    assert content(shop.export(), "suppressions.full") == (
        b"email,reason,since\n"
        b"ann@example.com,unsubscribed,2026-10-31T11:00:00Z\n"
        b"bob@example.com,unsubscribed,2026-10-31T02:00:00Z\n"
    )


def test_a_phone_of_somebody_who_said_no_keeps_its_other_owner_off_lists_of_hashes_only(shop):
    shop.person("ann", phone="+4930901820")
    suppress(shop, channel="email", user_id="bob", phone="+4930901820")
    suppress(shop, channel="ads", user_id="bob", phone="+4930901820")
    exports = shop.export().exports
    assert exports["email"]["counts"]["eligible"] == 1
    assert exports["google"]["counts"]["suppressed"] == 1


def test_no_address_of_a_list_of_suppressions_is_looked_for_as_if_it_were_a_user(shop, monkeypatch):
    asked = []
    for module, name in ((people, "erased_users"), (facts, "forgotten")):
        monkeypatch.setattr(module, name, lambda *args: asked.append(args[-1]) or [])
    shop.person("ann")
    suppress(shop, email="bob@example.com")
    shop.export()
    shop.connection.execute("delete from vault.current_profiles")
    prepared = shop.export(TEN + HOUR)
    assert column(prepared, "suppressions.full", "email") == ["bob@example.com"]
    assert asked == [[], [], ["ann"], ["ann"]]
