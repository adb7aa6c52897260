"""The exports of an hour out of a small warehouse, read back by independent readers."""

import pytest

from orchestration.ground.home import Home
from orchestration.ground.settings import parse_settings
from orchestration.outputs.exports import forgetting
from orchestration.outputs.exports.gates import GATES
from orchestration.outputs.exports.identifiers import sha256
from tests.outputs.exports.shops import HOUR, TEN, Shop, column, content, rows


def test_the_four_default_exports_have_three_files_each_and_each_gate_its_count(shop):
    shop.person("ann", 1, first_name="Ann", phone="030 901820", email=" ANN@Example.com ")
    shop.person("bob", 2, email_consent=None)
    shop.person("cem", 3, email="no address", ad_user_data_consent=False)
    shop.cart("dan", 4)
    shop.person("eve", 5)
    shop.insert(
        "vault.current_suppressions",
        channel="email",
        email="EVE@example.com",
        reason="complaint",
        suppressed_at=TEN - 5 * HOUR,
    )
    shop.cart("fay", 6, is_holdout=True)
    shop.profile("fay")
    shop.cart("gus", 7, best_action="nothing", segment="likely_to_purchase")
    shop.profile("gus")
    prepared = shop.export()
    assert [file.name for file in prepared.files] == [
        f"{name}.{part}.csv"
        for name in ("email", "google", "meta", "suppressions")
        for part in ("full", "add", "remove")
    ]
    expected = dict.fromkeys(GATES, 0)
    assert prepared.exports["email"]["counts"] == expected | {
        "suppressed": 1,
        "no_profile": 1,
        "no_consent": 1,
        "invalid_contact": 1,
        "holdout": 1,
        "nothing_to_gain": 1,
        "eligible": 1,
    }
    assert prepared.exports["google"]["counts"] == expected | {
        "no_profile": 1,
        "no_consent": 1,
        "holdout": 1,
        "nothing_to_gain": 1,
        "eligible": 3,
    }
    (ann,) = rows(prepared, "email.full")
    assert (
        ann
        | {
            "email": "ann@example.com",
            "external_id": "ann",
            "first_name": "Ann",
            "cart_segment": "on_the_fence",
            "cart_action": "reminder",
            "cart_priority": "1",
            "cart_value": "99",
            "cart_currency": "EUR",
            "send_after": "2026-10-31T09:00:00Z",
            "score_as_of": "2026-10-31T10:00:00Z",
            "item_count": "",
        }
        == ann
    )
    assert column(prepared, "google.full", "Email") == [
        sha256(f"{user}@example.com") for user in ("ann", "bob", "eve")
    ]
    meta = rows(prepared, "meta.full")[0]
    assert meta == {
        "email": sha256("ann@example.com"),
        "phone": sha256("4930901820"),
        "country": sha256("de"),
        "value": "10",
    }
    assert content(prepared, "suppressions.full") == (
        b"email,reason,since\neve@example.com,complaint,2026-10-31T05:00:00Z\n"
    )
    assert prepared.exports["google"]["warnings"] == [
        "3 persons are listed: the tool uses no list of below 100",
        "1 value of profiles could not be used: email unreadable",
    ]


def test_without_a_vault_nobody_has_a_profile_and_files_have_a_header_alone(tmp_path):
    shop = Shop(Home(tmp_path))
    shop.connection.execute("drop schema vault cascade")
    shop.cart("ann")
    prepared = shop.export()
    assert {each["counts"]["no_profile"] for each in prepared.exports.values()} == {1}
    assert {file.rows for file in prepared.files} == {0}
    assert {file.content.count(b"\n") for file in prepared.files} == {1}
    assert content(prepared, "google.remove") == b"Email,Phone\n"
    assert content(prepared, "email.remove") == b"email,cart_segment,cart_priority,score_as_of\n"


def test_buyers_on_any_device_withdrawals_and_lists_of_the_ads_follow_within_the_hour(shop):
    for rank, user in enumerate(("ann", "bob", "cem", "dan"), start=1):
        shop.person(user, rank)
    first = shop.export()
    assert content(first, "email.full") == content(first, "email.add")
    assert len(rows(first, "google.add")) == 4
    at = TEN + HOUR
    # ann buys on another device after she logged in there: her cart is closed, and not scored
    shop.insert("main.orders", visitor_id="phone", owner_id="ann", ordered_at=TEN + HOUR / 2)
    shop.connection.execute(
        "update vault.current_profiles set email_consent = false,"
        " ad_user_data_consent = false where user_id = 'bob'"
    )
    for rank, user in enumerate(("bob", "cem", "dan", "new"), start=1):
        shop.cart(user, rank, at)
    shop.profile("new")
    second = shop.export(at)
    # who was contacted is not contacted again, and the tool gets their removal
    assert column(second, "email.full", "email") == ["new@example.com"]
    assert second.exports["email"]["counts"]["in_cooldown"] == 2
    assert rows(second, "email.remove")[0] == {
        "email": "ann@example.com",
        "cart_segment": "none",
        "cart_priority": "0",
        "score_as_of": "2026-10-31T11:00:00Z",
    }
    assert len(rows(second, "email.remove")) == 4
    # between full lists nobody is added, but buyers and withdrawals leave
    assert rows(second, "google.add") == []
    assert column(second, "google.remove", "Email") == sorted(
        sha256(f"{user}@example.com") for user in ("ann", "bob")
    )
    assert column(second, "google.full", "Email") == [
        sha256(f"{user}@example.com") for user in ("cem", "dan")
    ]
    # the hour done again is the same bytes
    again = shop.export(at)
    assert [file.content for file in again.files] == [file.content for file in second.files]
    # a day after the first, people are added again
    third = shop.export(TEN + 24 * HOUR)
    assert column(third, "google.add", "Email") == [sha256("new@example.com")]


def test_whoever_shares_the_address_of_somebody_erased_has_a_row_of_their_own(shop):
    shop.home.erasure_key.parent.mkdir(parents=True)
    shop.home.erasure_key.write_bytes(b"a key")
    home = sha256("home@example.com")
    for rank, user in enumerate(("ann", "bob", "cem"), start=1):
        shop.person(user, rank, **({} if user == "cem" else {"email": "home@example.com"}))
    assert column(shop.export(), "google.full", "Email")[0] == home
    forgetting.forget(shop.connection, ["ann"], b"a key")
    for table, name in (("vault.current_profiles", "user_id"), ("scores.cart_scores", "owner_id")):
        shop.connection.execute(f"delete from {table} where {name} = 'ann'")
    for hours in (1, 24):
        for rank, user in enumerate(("bob", "cem"), start=1):
            shop.cart(user, rank, TEN + hours * HOUR)
    # between full lists nobody is added, and no row is empty
    for _ in range(2):
        later = shop.export(TEN + HOUR)
        assert column(later, "google.remove", "Email") == [home]
        assert content(later, "google.full").decode().splitlines() == [
            "Email,Phone",
            f"{sha256('cem@example.com')},",
        ]
    assert column(shop.export(TEN + 24 * HOUR), "google.add", "Email") == [home]


def test_whoever_was_listed_in_the_place_of_somebody_erased_in_the_same_hour_stays(shop):
    shop.home.erasure_key.parent.mkdir(parents=True)
    shop.home.erasure_key.write_bytes(b"a key")
    for rank, user in enumerate(("ann", "bob"), start=1):
        shop.person(user, rank, email="home@example.com")
    shop.export()
    forgetting.forget(shop.connection, ["ann"], b"a key")
    for table, name in (("vault.current_profiles", "user_id"), ("scores.cart_scores", "owner_id")):
        shop.connection.execute(f"delete from {table} where {name} = 'ann'")
    listed = content(shop.export(), "google.full")
    later = shop.export(TEN + HOUR)
    assert content(later, "google.full") == listed
    assert rows(later, "google.remove") == []


def test_who_left_and_was_erased_then_leaves_in_the_next_hour_again(shop):
    shop.home.erasure_key.parent.mkdir(parents=True)
    shop.home.erasure_key.write_bytes(b"a key")
    ann = sha256("ann@example.com")
    for rank, user in enumerate(("ann", "bob", "cem", "dan"), start=1):
        shop.person(user, rank)
    shop.export()
    shop.insert("main.orders", owner_id="ann", ordered_at=TEN)
    assert column(shop.export(TEN + HOUR), "google.remove", "Email") == [ann]
    forgetting.forget(shop.connection, ["ann"], b"a key")
    for table, name in (("vault.current_profiles", "user_id"), ("scores.cart_scores", "owner_id")):
        shop.connection.execute(f"delete from {table} where {name} = 'ann'")
    # the files of the hour are written again, without a word of her
    again = shop.export(TEN + HOUR, is_rewriting=True)
    assert column(again, "google.remove", "Email") == []
    for _ in range(2):
        assert column(shop.export(TEN + 2 * HOUR), "google.remove", "Email") == [ann]
    assert column(shop.export(TEN + 3 * HOUR), "google.remove", "Email") == []


def test_a_lost_list_removes_nobody_and_says_so(shop):
    shop.person("ann")
    shop.export()
    shop.connection.execute("drop table vault.export_lists; drop table vault.export_members")
    shop.connection.execute("delete from scores.cart_scores")
    later = shop.export(TEN + HOUR, delivered_before=["email", "google"])
    assert rows(later, "email.remove") == []
    assert "nobody was removed" in later.exports["email"]["warnings"][0]
    assert later.exports["suppressions"]["warnings"] == []


def test_whoever_refuses_is_put_on_the_list_of_suppressions_while_it_is_held(shop):
    settings = parse_settings({"exports": {"stops": {"profile": "suppressions"}}})
    for user in ("ann", "bob", "cem"):
        shop.insert("vault.current_suppressions", channel="email", email=f"{user}@example.com")
    shop.export(TEN, settings)
    shop.connection.execute("delete from vault.current_suppressions where email[:3] != 'cem'")
    shop.insert("vault.current_suppressions", channel="email", email="dan@example.com")
    prepared = shop.export(TEN + HOUR, settings)
    assert "2 of 3 would leave at once" in prepared.exports["stops"]["warnings"][0]
    assert column(prepared, "stops.add", "email") == ["dan@example.com"]
    assert sorted(column(prepared, "stops.full", "email")) == [
        f"{user}@example.com" for user in ("ann", "bob", "cem", "dan")
    ]
    assert column(prepared, "stops.remove", "email") == []


def test_whose_address_is_too_old_to_be_kept_is_not_taken_off_the_list_of_suppressions(shop):
    settings = parse_settings({"exports": {"stops": {"profile": "suppressions"}}})
    for user in ("ann", "bob"):
        shop.profile(user)
        shop.insert("vault.current_suppressions", channel="email", user_id=user)
        row = {"user_id": user, "email_key": f"{user}@example.com", "is_stripped": False}
        shop.insert("vault.profile_versions", updated_at=TEN - 9 * HOUR, **row)
    assert len(rows(shop.export(TEN, settings), "stops.add")) == 2
    # of ann nothing was heard for too long; bob allows it again
    shop.connection.execute(
        "update vault.profile_versions set email_key = null where user_id = 'ann';"
        "delete from vault.current_profiles where user_id = 'ann';"
        "delete from vault.current_suppressions where user_id = 'bob'"
    )
    forgetting.forget_unknown(shop.connection)
    later = shop.export(TEN + HOUR, settings, accepted=["stops"])
    assert column(later, "stops.remove", "email") == ["bob@example.com"]
    assert rows(later, "stops.full") == rows(later, "stops.add") == []


def test_whoever_refuses_is_on_the_list_of_suppressions_in_the_next_hour_whatever_the_cadence(shop):
    entry = {"profile": "suppressions", "full_every_hours": 24}
    settings = parse_settings({"exports": {"stops": entry}})
    shop.insert("vault.current_suppressions", channel="email", email="ann@example.com")
    shop.export(TEN, settings)
    shop.insert("vault.current_suppressions", channel="email", email="bob@example.com")
    assert column(shop.export(TEN + HOUR, settings), "stops.add", "email") == ["bob@example.com"]


@pytest.mark.parametrize(("window_days", "warnings"), [(90, 0), (91, 1)])
def test_a_window_that_is_longer_than_scores_are_kept_is_warned_of(shop, window_days, warnings):
    ads = {"profile": "hashed_audience", "preset": "microsoft", "window_days": window_days}
    mail = {"profile": "email", "window_days": window_days}
    settings = parse_settings({"exports": {"ads": ads, "mail": mail}})
    exports = shop.export(settings=settings).exports
    said = "people leave after 90 days and not 91: scores_keep_days is 90"
    assert exports["ads"]["warnings"].count(said) == warnings
    assert exports["mail"]["warnings"] == []
