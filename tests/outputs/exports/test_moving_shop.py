"""Hour after hour of a shop whose people come, move, buy, withdraw and are blocked."""

from random import Random

import pytest

from orchestration.ground.home import Home
from orchestration.ground.settings import parse_settings
from tests.outputs.exports.shops import HOUR, TEN, Shop, content, rows

PEOPLE = [f"u{i}" for i in range(8)]
EXPORTS = {
    "email": {"profile": "email"},
    "braze": {"profile": "email", "preset": "braze", "identifier": "external_id"},
    "google": {"profile": "google_customer_match", "full_every_hours": 3},
    "meta": {"profile": "meta_custom_audience", "full_every_hours": 1},
    "suppressions": {"profile": "suppressions"},
}
# What a row is found by.
KEYS = {
    "email": ("email",),
    "braze": ("external_id",),
    "google": ("Email", "Phone"),
    "meta": ("email", "phone"),
    "suppressions": ("email",),
}


def an_hour_later(shop: Shop, random: Random, at) -> set[str]:
    """Let an hour pass; the people who may be in no file of it."""
    out = set()
    for rank, user in enumerate(random.sample(PEOPLE, len(PEOPLE)), start=1):
        where = f"where user_id = '{user}'"
        update = "update vault.current_profiles set"
        match random.choice(["score", "score", "score", "move", "buy", "withdraw", "block", "go"]):
            case "score":
                shop.cart(user, rank, at, cart_id=f"{user}-{at:%H}", contact_not_before=at)
            case "move":
                new = f"{user}.{at:%H}@example.com"
                shop.connection.execute(f"{update} email = '{new}' {where}")
                shop.cart(user, rank, at, cart_id=f"{user}-{at:%H}", contact_not_before=at)
            case "buy":
                shop.insert("main.orders", visitor_id="x", owner_id=user, ordered_at=at)
                out.add(user)
            case "withdraw":
                shop.connection.execute(
                    f"{update} email_consent = false, ad_user_data_consent = null {where}"
                )
                out.add(user)
            case "block":
                shop.insert(
                    "vault.current_suppressions",
                    channel="all",
                    user_id=user,
                    reason="complaint",
                    suppressed_at=at,
                )
                out.add(user)
    return out


@pytest.mark.parametrize(
    ("seed", "hours"), [(7, 5), *(pytest.param(n, 12, marks=pytest.mark.heavy) for n in range(10))]
)
def test_remove_then_add_of_every_hour_gives_its_full_for_every_export(tmp_path, seed, hours):
    random = Random(seed)
    shop = Shop(Home(tmp_path))
    for number, user in enumerate(PEOPLE):
        shop.profile(user, phone=f"+4930{901820 + number}")
    settings = parse_settings(
        {"exports": EXPORTS, "contacts": {"cooldown_hours": 1, "most_in_7_days": 1000}}
    )
    mirrors: dict[str, dict] = {name: {} for name in EXPORTS}
    added = dict.fromkeys(EXPORTS, 0)
    for number in range(hours):
        at = TEN + number * HOUR
        out = an_hour_later(shop, random, at)
        prepared = shop.export(at, settings)
        for name, key in KEYS.items():
            mirror = mirrors[name]
            for row in rows(prepared, f"{name}.remove"):
                del mirror[tuple(row[each] for each in key)]
            for row in rows(prepared, f"{name}.add"):
                mirror[tuple(row[each] for each in key)] = row
                added[name] += 1
            full = rows(prepared, f"{name}.full")
            assert mirror == {tuple(row[each] for each in key): row for row in full}
            assert len(mirror) == len(full)
        for user in out:
            assert f"\n{user},".encode() not in content(prepared, "braze.full")
            assert f",{user},".encode() not in content(prepared, "email.full")
        # done again, the hour is the same
        if number % 3 == 0:
            again = shop.export(at, settings)
            assert [file.content for file in again.files] == [
                file.content for file in prepared.files
            ]
    assert min(added.values()) > 0
