"""What is remembered of lists: through another preset, an erasure, and years of hours."""

from datetime import datetime

import pytest

from orchestration.ground.settings import Settings, parse_settings
from orchestration.outputs.exports import forgetting, membership
from tests.outputs.exports.shops import HOUR, TEN, column, rows


def email(preset: str, identifier: str = "email") -> Settings:
    entry = {"profile": "email", "preset": preset, "identifier": identifier}
    return parse_settings({"exports": {"mail": entry}, "contacts": {"cooldown_hours": 0}})


def test_another_preset_keeps_the_list_and_writes_every_row_again(shop):
    for rank, user in enumerate(("ann", "bob", "cem"), start=1):
        shop.person(user, rank)
    shop.export(TEN, email("generic"))
    shop.connection.execute(
        "update vault.current_profiles set email_consent = false where user_id != 'bob'"
    )
    for rank, user in enumerate(("ann", "bob", "cem"), start=1):
        shop.cart(user, rank, TEN + HOUR)
    for _ in range(2):
        later = shop.export(TEN + HOUR, email("klaviyo"))
        assert column(later, "mail.remove", "Email") == ["ann@example.com", "cem@example.com"]
        assert column(later, "mail.add", "Email") == ["bob@example.com"]
        assert column(later, "mail.full", "Email") == ["bob@example.com"]
        assert later.exports["mail"]["warnings"] == [
            "the preset is another one: every row counts as changed"
        ]


def test_another_identifier_loses_the_list(shop):
    shop.person("ann")
    shop.export(TEN, email("generic"))
    later = shop.export(TEN + HOUR, email("generic", "external_id"))
    assert rows(later, "mail.remove") == []
    assert "nobody was removed" in later.exports["mail"]["warnings"][0]


def test_an_hour_done_again_takes_the_erased_off_again_and_no_other_hour_does(shop):
    shop.person("ann", 1)
    shop.person("bob", 2)
    shop.export()
    shop.connection.execute(
        "delete from scores.cart_scores where owner_id = 'ann';"
        "delete from vault.current_profiles where user_id = 'ann'"
    )
    shop.home.erasure_key.parent.mkdir(parents=True, exist_ok=True)
    shop.home.erasure_key.write_bytes(b"a key")
    forgetting.forget(shop.connection, ["ann"], b"a key")

    def removed(at: datetime, **options: bool) -> list[str]:
        return column(shop.export(at, **options), "email.remove", "email")

    assert removed(TEN) == []
    for _ in range(3):
        assert removed(TEN + HOUR) == ["ann@example.com", "bob@example.com"]
    # but not where it is rewritten for an erasure
    assert removed(TEN + HOUR, is_rewriting=True) == ["bob@example.com"]
    assert removed(TEN + 2 * HOUR) == []


def test_whoever_is_erased_leaves_a_list_of_suppressions_and_nothing_names_them(shop):
    settings = parse_settings({"exports": {"stops": {"profile": "suppressions"}}})
    shop.insert("vault.current_suppressions", channel="all", email="ann@example.com")
    shop.insert("vault.current_suppressions", channel="all", email="bob@example.com")
    shop.export(TEN, settings)
    shop.connection.execute("delete from vault.current_suppressions where email[:3] = 'ann'")
    shop.home.erasure_key.parent.mkdir(parents=True, exist_ok=True)
    shop.home.erasure_key.write_bytes(b"a key")
    forgetting.forget(shop.connection, ["ann"], b"a key", ["ANN@Example.com"])

    remembered = "select person_id, identifier, row from vault.export_members order by all"
    assert [person for person, *_ in shop.connection.execute(remembered).fetchall()] == [
        "bob@example.com",
        "erased",
    ]
    assert "ann" not in repr(shop.connection.execute(remembered).fetchall())
    # half of the list, which is more than may leave at once for any other reason
    prepared = shop.export(TEN + HOUR, settings)
    assert prepared.exports["stops"]["warnings"] == []
    assert column(prepared, "stops.remove", "email") == ["ann@example.com"]
    assert column(prepared, "stops.full", "email") == ["bob@example.com"]


def test_the_hour_of_the_last_full_list_is_not_forgotten(shop):
    ads = {"profile": "google_customer_match", "full_every_hours": 720, "most_removed_share": 1.0}
    settings = parse_settings({"exports": {"ads": ads}})
    shop.person("ann")
    shop.export(TEN, settings)
    shop.profile("bob")
    shop.cart("bob", 1, TEN + 27 * 24 * HOUR)
    for days, added in ((9, 0), (18, 0), (27, 0), (30, 1)):
        prepared = shop.export(TEN + days * 24 * HOUR, settings)
        assert len(rows(prepared, "ads.add")) == added


ALL_REMOVED = parse_settings(
    {
        "exports": {
            "email": {"profile": "email", "most_removed_share": 1.0},
            "google": {
                "profile": "google_customer_match",
                "most_removed_share": 1.0,
                "full_every_hours": 1,
            },
        },
        "contacts": {"cooldown_hours": 0},
    }
)


def test_whoever_earlier_files_of_an_hour_added_is_removed_by_its_later_ones_and_the_hour_after(
    shop,
):
    for rank, user in enumerate(("ann", "bob"), start=1):
        shop.person(user, rank)
    shop.export(TEN - HOUR, ALL_REMOVED)
    first = shop.export(TEN, ALL_REMOVED)
    assert column(first, "email.add", "email") == ["ann@example.com", "bob@example.com"]
    shop.connection.execute(
        "update vault.current_profiles set email_consent = false, ad_user_data_consent = false"
        " where user_id = 'ann'"
    )
    again = shop.export(TEN, ALL_REMOVED)
    for name, header in (("email", "email"), ("google", "Email")):
        assert len(rows(again, f"{name}.full")) == 1
        assert len(rows(again, f"{name}.remove")) == 1
        assert column(again, f"{name}.remove", header) == [
            each
            for each in column(first, f"{name}.full", header)
            if each not in column(again, f"{name}.full", header)
        ]
    assert [shop.export(TEN, ALL_REMOVED).files for _ in range(2)] == [again.files] * 2
    # whoever took the first files of the hour and not the second
    shop.cart("bob", 1, TEN + HOUR)
    for _ in range(2):
        later = shop.export(TEN + HOUR, ALL_REMOVED)
        assert column(later, "email.remove", "email") == ["ann@example.com"]
        assert len(rows(later, "google.remove")) == 1
    shop.cart("bob", 1, TEN + 2 * HOUR)
    for name in ("email", "google"):
        assert rows(shop.export(TEN + 2 * HOUR, ALL_REMOVED), f"{name}.remove") == []


def test_whoever_earlier_files_of_an_hour_removed_is_added_by_its_later_ones(shop):
    shop.profile("ann")
    for at in (TEN, TEN + HOUR):
        shop.cart("ann", 1, at)
    listed = shop.export(TEN, ALL_REMOVED)
    consent = "update vault.current_profiles set ad_user_data_consent = {}"
    shop.connection.execute(consent.format("false"))
    without = shop.export(TEN + HOUR, ALL_REMOVED)
    assert (len(rows(without, "google.remove")), len(rows(without, "google.add"))) == (1, 0)
    shop.connection.execute(consent.format("true"))
    for _ in range(2):
        again = shop.export(TEN + HOUR, ALL_REMOVED)
        assert rows(again, "google.add") == rows(again, "google.full") == rows(listed, "google.add")
        assert rows(again, "google.remove") == []
    assert rows(shop.export(TEN + 2 * HOUR, ALL_REMOVED), "google.add") == []


def test_the_erased_whom_only_the_first_files_of_an_hour_had_are_taken_off_by_the_hour_after(shop):
    shop.person("ann", 1)
    shop.person("bob", 2)
    shop.export(TEN, ALL_REMOVED)
    shop.connection.execute(
        "delete from scores.cart_scores where owner_id = 'ann';"
        "update vault.current_profiles set email_consent = false where user_id = 'ann'"
    )
    again = shop.export(TEN, ALL_REMOVED)
    assert column(again, "email.remove", "email") == ["ann@example.com"]
    shop.connection.execute("delete from vault.current_profiles where user_id = 'ann'")
    shop.home.erasure_key.parent.mkdir(parents=True, exist_ok=True)
    shop.home.erasure_key.write_bytes(b"a key")
    forgetting.forget(shop.connection, ["ann"], b"a key")
    found = shop.connection.execute("from vault.export_members").fetchall()
    assert "ann" not in str(found)
    shop.cart("bob", 1, TEN + HOUR)
    for _ in range(2):
        later = shop.export(TEN + HOUR, ALL_REMOVED)
        assert column(later, "email.remove", "email") == ["ann@example.com"]
    shop.cart("bob", 1, TEN + 2 * HOUR)
    assert rows(shop.export(TEN + 2 * HOUR, ALL_REMOVED), "email.remove") == []
    shop.export(TEN + 3 * HOUR, ALL_REMOVED)
    count = "select count(*) from vault.export_members where person_id = 'erased'"
    assert shop.connection.execute(count).fetchall() == [(0,)]


def test_what_was_delivered_while_the_clock_was_ahead_is_what_the_next_hour_goes_on_from(shop):
    ahead = TEN + 900 * 24 * HOUR
    shop.person("ann", 1)
    shop.export(TEN, ALL_REMOVED)
    for user in ("bob", "cem"):
        shop.profile(user)
        shop.cart(user, 2, ahead, contact_valid_until=ahead + HOUR)
    shop.export(ahead, ALL_REMOVED)
    for number in (1, 2):
        now = TEN + number * HOUR
        membership.date_back(shop.connection, now, now)
        shop.cart("bob", 1, now)
        later = shop.export(now, ALL_REMOVED)
        assert column(later, "email.full", "email") == ["bob@example.com"]
        # ann had left before already: said once more
        removed = ["ann@example.com", "cem@example.com"] if number == 1 else []
        assert column(later, "email.remove", "email") == removed
        assert not any("not known any more" in each for each in later.exports["email"]["warnings"])


@pytest.mark.parametrize(("is_stripped", "listed"), [(True, 2), (False, 4)])
def test_contact_data_too_old_to_be_kept_is_a_reason_to_leave_and_a_lost_profile_is_none(
    shop, is_stripped, listed
):
    for rank in range(1, 5):
        shop.person(f"p{rank}", rank)
    assert shop.export().exports["meta"]["persons"] == 4
    shop.connection.execute("delete from vault.current_profiles where user_id in ('p1', 'p2')")
    # of the last an older version was kept, and the newest counts
    shop.connection.execute(
        "insert into vault.profile_versions by name select * from (values"
        f" ('p1', timestamp '2026-09-01', {is_stripped}),"
        f" ('p2', timestamp '2026-09-01', {not is_stripped}),"
        f" ('p2', timestamp '2026-09-02', {is_stripped}))"
        " as versions (user_id, updated_at, is_stripped)"
    )
    summary = shop.export(TEN + HOUR).exports["meta"]
    assert summary["persons"] == listed
    is_held = "2 of 4 would leave at once" in summary["warnings"][0]
    assert is_held is not is_stripped
