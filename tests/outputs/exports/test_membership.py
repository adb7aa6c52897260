"""What is remembered of lists: through another preset, an erasure, and years of hours."""

from datetime import datetime

from orchestration.ground.settings import Settings, parse_settings
from orchestration.outputs.exports import membership
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
    membership.forget(shop.connection, ["ann"], b"a key")

    def removed(at: datetime, **options: bool) -> list[str]:
        return column(shop.export(at, **options), "email.remove", "email")

    assert removed(TEN) == []
    for _ in range(3):
        assert removed(TEN + HOUR) == ["ann@example.com", "bob@example.com"]
    # but not where it is rewritten for an erasure
    assert removed(TEN + HOUR, is_rewriting=True) == ["bob@example.com"]
    assert removed(TEN + 2 * HOUR) == []


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
