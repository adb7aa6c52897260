"""Hours that are written again, of a shop whose people share addresses and some are erased.

Belongs here: that a tool which took every version of an hour and one that took the last have the
same list. Not here: hours that are written once (`test_moving_shop`).
"""

import csv
import io
from random import Random

import pytest

from orchestration.ground.home import Home
from orchestration.ground.settings import Settings, parse_settings
from orchestration.landing.addresses import email_key
from orchestration.outputs.exports import forgetting
from orchestration.outputs.exports.hourly import Prepared
from tests.outputs.exports.shops import HOUR, TEN, Shop, content

ADDRESSES = ("an.n@gmail.com", "ann+x@gmail.com", "home@x.example", "cy@x.example", "d@x.example")
PHONES = (None, "+4930901820", "+4930901821")
DEEDS = (*("score",) * 5, "move", "buy", "withdraw", "allow", "block", "lift", "go", "erase")
# By export, what a row is found by; each preset has names of its own.
KEYS = {
    "email": ("email", "Email", "EmailAddress"),
    "ids": ("external_id",),
    "google": ("Email", "Phone"),
    "stops": ("email",),
}
List = dict[tuple[str, ...], list[str]]


class Moving:
    """The people of a shop, hour after hour."""

    def __init__(self, shop: Shop, random: Random) -> None:
        self.shop, self.random = shop, random
        self.addresses: dict[str, str] = {}
        self.count = 0
        for _ in range(8):
            self.come()

    def come(self) -> None:
        user, self.count = f"u{self.count}", self.count + 1
        address = self.random.choice(ADDRESSES)
        self.addresses[user] = address
        phone = self.random.choice(PHONES)
        self.shop.profile(user, email=address, email_key=email_key(address), phone=phone)

    def go_on(self, at) -> bool:
        """Let something happen to everybody; whether somebody was erased."""
        before = self.count
        for user in [*self.addresses]:
            self.do(self.random.choice(DEEDS), user, at)
        return self.count > before

    def do(self, deed: str, user: str, at) -> None:
        change = self.shop.connection.execute
        where = f"where user_id = '{user}'"
        match deed:
            case "move":
                new = self.addresses[user] = self.random.choice(ADDRESSES)
                profile = "update vault.current_profiles set email = ?, email_key = ?"
                change(f"{profile} {where}", [new, email_key(new)])
            case "allow" | "withdraw":
                said = "email_consent = $said, ad_user_data_consent = $said"
                allows = {"said": deed == "allow"}
                change(f"update vault.current_profiles set {said} {where}", allows)
            case "lift":
                change(f"delete from vault.current_suppressions {where}")
            case "block":
                row = {"channel": "all", "user_id": user, "suppressed_at": at}
                self.shop.insert("vault.current_suppressions", reason="complaint", **row)
            case "buy":
                self.shop.insert("main.orders", visitor_id="x", owner_id=user, ordered_at=at)
            case "erase":
                self.erase(user)
        if deed in ("score", "move", "allow", "lift"):
            change(
                "delete from scores.cart_scores where owner_id = ? and scored_at = ?", [user, at]
            )
            rank = self.random.randint(1, 50)
            self.shop.cart(user, rank, at, cart_id=f"{user}-{at:%H}", contact_not_before=at)

    def erase(self, user: str) -> None:
        address = self.addresses.pop(user)
        others = {email_key(each) for each in self.addresses.values()}
        alone = [] if email_key(address) in others else [address]
        forgetting.forget(self.shop.connection, [user], b"a key", alone)
        for table, column in (
            ("vault.current_profiles", "user_id"),
            ("vault.current_suppressions", "user_id"),
            ("scores.cart_scores", "owner_id"),
            ("main.orders", "owner_id"),
        ):
            self.shop.connection.execute(f"delete from {table} where {column} = ?", [user])
        self.come()


def settings_of(preset: str) -> Settings:
    by_id = {"profile": "email", "identifier": "external_id", "full_every_hours": 2}
    exports = {
        "email": {"profile": "email", "preset": preset},
        "ids": by_id,
        "google": {"profile": "google_customer_match", "full_every_hours": 3},
        "stops": {"profile": "suppressions"},
    }
    contacts = {"cooldown_hours": 1, "most_in_7_days": 1000}
    return parse_settings({"exports": exports, "contacts": contacts})


def listed(prepared: Prepared, export: str, part: str) -> List:
    """The rows of a file by what they are found by; none is empty or there twice."""
    text = io.StringIO(content(prepared, f"{export}.{part}").decode())
    header, *rows = csv.reader(text)
    places = [at for at, name in enumerate(header) if name in KEYS[export]]
    found = {tuple(row[at] for at in places): row for row in rows}
    assert len(found) == len(rows)
    assert all(any(key) for key in found)
    return found


def taken(known: List, prepared: Prepared, export: str) -> List:
    """A list of a tool after it took the files of an hour."""
    gone = listed(prepared, export, "remove")
    return {k: row for k, row in known.items() if k not in gone} | listed(prepared, export, "add")


@pytest.mark.parametrize(
    "seed", [28, *(pytest.param(n, marks=pytest.mark.heavy) for n in range(8))]
)
def test_whoever_took_every_version_of_an_hour_and_who_took_the_last_have_its_full(tmp_path, seed):
    random, shop = Random(seed), Shop(Home(tmp_path))
    shop.home.erasure_key.parent.mkdir(parents=True)
    shop.home.erasure_key.write_bytes(b"a key")
    moving, preset = Moving(shop, random), "generic"
    every: dict[str, List] = {name: {} for name in KEYS}
    last: dict[str, List] = {name: {} for name in KEYS}
    for number in range(6):
        at, before, is_said_later = TEN + number * HOUR, last, False
        for version in range(random.choice([1, 2, 3])):
            # an hour's files show nobody erased since: the next hour takes them off
            is_said_later |= moving.go_on(at) and version > 0
            preset = random.choice([*(preset,) * 6, "klaviyo", "sfmc"])
            accepted = [*KEYS] if random.random() < 0.3 else []
            prepared = shop.export(at, settings_of(preset), accepted=accepted)
            again = shop.export(at, settings_of(preset), accepted=accepted)
            assert [file.content for file in again.files] == [f.content for f in prepared.files]
            every = {name: taken(known, prepared, name) for name, known in every.items()}
            last = {name: taken(known, prepared, name) for name, known in before.items()}
            for name in KEYS:
                full = listed(prepared, name, "full")
                for known in (every[name], last[name]):
                    assert full.items() <= known.items()
                    assert is_said_later or known == full
