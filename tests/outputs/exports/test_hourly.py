"""The exports of an hour out of a small warehouse, read back by independent readers."""

import csv
import io
import re
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from orchestration.ground.home import Home
from orchestration.ground.settings import Settings, parse_settings
from orchestration.outputs.exports.gates import GATES
from orchestration.outputs.exports.hourly import Prepared, prepare_exports
from orchestration.outputs.exports.identifiers import sha256
from orchestration.warehouse.score_tables import CART_SCORES

TEN = datetime(2026, 10, 31, 10)
HOUR = timedelta(hours=1)


class Shop:
    """A warehouse with the tables that exports read."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.connection = duckdb.connect()
        self.connection.execute("create schema scores")
        self.connection.execute("create schema vault")
        self.connection.execute(CART_SCORES.ddl("scores.cart_scores"))
        self.connection.execute(
            "create table main.carts (cart_id varchar, last_touched_at timestamp);"
            "create table main.orders (visitor_id varchar, owner_id varchar, ordered_at timestamp);"
            "create table main.cart_lines (cart_id varchar, item_id varchar, quantity bigint,"
            " unit_price decimal(18, 4), currency varchar);"
            "create table main.also_bought (item_id varchar, other_item_id varchar,"
            " other_rank bigint, confidence double);"
            "create table main.items (item_id varchar, item_name varchar, item_url varchar,"
            " image_url varchar);"
            "create table vault.current_profiles (user_id varchar, email varchar, phone varchar,"
            " first_name varchar, last_name varchar, country varchar, language varchar,"
            " time_zone varchar, email_consent boolean, sms_consent boolean,"
            " ad_user_data_consent boolean, ad_personalization_consent boolean,"
            " updated_at timestamp);"
            "create table vault.current_suppressions (channel varchar, user_id varchar,"
            " email varchar, phone varchar, reason varchar, suppressed_at timestamp)"
        )

    def insert(self, table: str, **values: object) -> None:
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        self.connection.execute(
            f"insert into {table} ({names}) values ({marks})", list(values.values())
        )

    def cart(self, user: str, rank: int = 1, at: datetime = TEN, **values: object) -> None:
        row = {
            "scored_at": at,
            "cart_id": f"cart-{user}",
            "visitor_id": f"cookie-{user}",
            "owner_id": user,
            "cart_value": 100 - rank,
            "currency": "EUR",
            "segment": "on_the_fence",
            "best_action": "reminder",
            "expected_gain": 10 - rank / 1000,
            "priority_rank": rank,
            "contact_not_before": TEN - HOUR,
            "contact_valid_until": TEN + 7 * 24 * HOUR,
            "is_holdout": False,
        } | values
        self.insert("scores.cart_scores", **row)

    def profile(self, user: str, **values: object) -> None:
        row = {
            "user_id": user,
            "email": f"{user}@example.com",
            "phone": None,
            "country": "DE",
            "time_zone": "UTC",
            "email_consent": True,
            "ad_user_data_consent": True,
            "ad_personalization_consent": True,
        } | values
        self.insert("vault.current_profiles", **row)

    def person(self, user: str, rank: int = 1, **values: object) -> None:
        self.cart(user, rank)
        self.profile(user, **values)

    def export(
        self, at: datetime = TEN, settings: Settings | None = None, **options: object
    ) -> Prepared:
        prepared = prepare_exports(
            self.connection, self.home, at, settings or Settings(), **options
        )
        prepared.remember()
        return prepared


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(Home(tmp_path))


def content(prepared: Prepared, name: str) -> bytes:
    return next(file.content for file in prepared.files if file.name == f"{name}.csv")


def rows(prepared: Prepared, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content(prepared, name).decode(), newline="")))


def column(prepared: Prepared, name: str, header: str) -> list[str]:
    return [row[header] for row in rows(prepared, name)]


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
        "1 values of profiles could not be used: email unreadable",
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
    # who was contacted is not contacted again, and the tool is told
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


def test_a_lost_list_removes_nobody_and_says_so(shop):
    shop.person("ann")
    shop.export()
    shop.connection.execute("drop table vault.export_lists; drop table vault.export_members")
    shop.connection.execute("delete from scores.cart_scores")
    later = shop.export(TEN + HOUR, delivered_before=["email", "google"])
    assert rows(later, "email.remove") == []
    assert "nobody was removed" in later.exports["email"]["warnings"][0]
    assert later.exports["suppressions"]["warnings"] == []


HOSTILE = [
    "=1+1",
    "\uff1d1+1",
    "a;=1+1",
    "a\t=1",
    'say "hi", all',
    "line\nbreak\r\n",
    "שלום עולם",
    "👩\u200d🚀",
    "x" * 10_000,
    "a\x01b",
    "'; drop table carts; --",
]


TOOLS = {
    name: {"profile": "email", "preset": name}
    for name in ("generic", "klaviyo", "mailchimp", "braze", "hubspot", "customerio", "sfmc")
} | {"by_id": {"profile": "email", "preset": "braze", "identifier": "external_id"}}


def test_hostile_values_break_no_file_of_any_tool(shop, tmp_path):
    for rank, text in enumerate(HOSTILE, start=1):
        user = f"u{rank:02}"
        shop.person(user, rank, first_name=text, language=text)
        shop.insert("main.cart_lines", cart_id=f"cart-{user}", item_id=text, quantity=1)
        shop.insert(
            "main.items", item_id=text, item_name=text, item_url=text, image_url="javascript:x()"
        )
    shop.person("formula", 90, email="=1+1@example.com")
    shop.person("=cmd", 91, email="cmd@example.com")
    url = "https://shop.example/cart?u={external_id}&c={cart_id}"
    prepared = shop.export(
        settings=parse_settings({"exports": TOOLS, "contacts": {"cart_url": url}})
    )
    for name in TOOLS:
        text = content(prepared, f"{name}.full").decode()
        path = tmp_path / f"{name}.csv"
        path.write_bytes(content(prepared, f"{name}.full"))
        # whoever has an identifier that could run is counted, and in no file
        expected = len(HOSTILE) + 1
        assert prepared.exports[name]["counts"]["invalid_contact"] == 1
        assert prepared.exports[name]["warnings"] != []
        read = list(csv.reader(io.StringIO(text, newline="")))
        assert len(read) == expected + 1
        assert {len(row) for row in read} == {len(read[0])}
        frame = pl.read_csv(path, infer_schema_length=0)
        relation = duckdb.connect().execute(
            f"select * from read_csv('{path}', header = true, all_varchar = true)"
        )
        assert frame.shape == (expected, len(read[0]))
        assert [each[0] for each in relation.description] == read[0] == frame.columns
        assert [[cell or None for cell in row] for row in read[1:]] == [
            list(row) for row in relation.fetchall()
        ]
        for separator in (",", ";", "\t"):
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
                assert not [cell for cell in row if re.match(r'[\s"]*[=+@\uff1d-]', cell)]
        assert "\r" not in text
        assert "javascript:" not in text
        cells = {cell for row in read for cell in row}
        assert "https://shop.example/cart?u=u01&c=cart-u01" in cells
        assert {"שלום עולם", "👩\u200d🚀", 'say "hi", all', "line break"} <= cells
        assert ("x" * (255 if name == "mailchimp" else 10_000)) in cells


def test_a_person_has_one_row_with_the_items_of_the_dearest_cart(shop):
    shop.person("ann", 2)
    shop.cart("ann", 1, cart_id="other", visitor_id="phone", expected_gain=20)
    for number, price in enumerate((5, 50, 20, 30), start=1):
        shop.insert(
            "main.cart_lines",
            cart_id="other",
            item_id=f"sku{number}",
            quantity=1,
            unit_price=price,
        )
    shop.insert(
        "main.items",
        item_id="sku2",
        item_name="Blue shirt",
        item_url="https://shop.example/2",
        image_url="https://shop.example/2.png",
    )
    (ann,) = rows(shop.export(), "email.full")
    assert [ann[f"item_{i}_id"] for i in (1, 2, 3)] == ["sku2", "sku4", "sku3"]
    assert (
        ann
        | {
            "item_1_name": "Blue shirt",
            "item_1_price": "50",
            "item_1_quantity": "1",
            "item_1_url": "https://shop.example/2",
            "item_1_image": "https://shop.example/2.png",
            "item_count": "4",
            "cart_priority": "1",
        }
        == ann
    )


def test_what_goes_with_a_cart_is_offered_best_first_and_never_what_is_in_it(shop):
    shop.person("ann")
    for item in ("hat", "bag"):
        shop.insert("main.cart_lines", cart_id="cart-ann", item_id=item, quantity=1)
    # 1 for the hat goes before 2 for the bag, of alike ones the one bought more surely
    offers = [("hat", "bag", 1, 0.9), ("hat", "belt", 2, 0.5), ("hat", "cap", 3, 0.2)]
    offers += [("bag", "purse", 1, 0.3), ("bag", "belt", 2, 0.4), ("bag", "cap", 3, 0.1)]
    offers += [("bag", "key", 3, 0.15), ("shoe", "sock", 1, 1.0)]
    for item, other, rank, confidence in offers:
        shop.insert(
            "main.also_bought",
            item_id=item,
            other_item_id=other,
            other_rank=rank,
            confidence=confidence,
        )
    (ann,) = rows(shop.export(), "email.full")
    assert [ann[f"also_bought_{i}"] for i in (1, 2, 3)] == ["purse", "belt", "cap"]
    assert ann["item_count"] == "2"


def test_no_row_for_the_ads_has_a_plain_value_or_the_hash_of_nothing(shop):
    shop.person("ann", 1, phone="+4930901820")
    shop.person("bob", 2, email=None, phone="030 901821")
    shop.person("cem", 3, email=sha256("cem@example.com"))
    shop.person("dan", 4, country=None)
    exports = {
        name: {"profile": "hashed_audience", "preset": name}
        for name in ("tiktok", "microsoft", "linkedin", "pinterest", "snap", "reddit")
    }
    exports |= {"google": {"profile": "google_customer_match"}}
    exports |= {"meta": {"profile": "meta_custom_audience"}}
    prepared = shop.export(settings=parse_settings({"exports": exports}))
    for name in exports:
        header, *lines = list(
            csv.reader(io.StringIO(content(prepared, f"{name}.full").decode(), newline=""))
        )
        cells = {
            cell
            for line in lines
            for cell, title in zip(line, header, strict=True)
            if cell and title != "value"
        }
        assert cells
        assert all(re.fullmatch("[0-9a-f]{64}", cell) for cell in cells)
        assert not any(cell.startswith("e3b0c442") for cell in cells)
        assert sha256("cem@example.com") not in cells
    assert content(prepared, "tiktok.full").decode().splitlines()[:2] == [
        "Email_SHA256,Phone_SHA256,Phone_SHA256",
        f"{sha256('ann@example.com')},{sha256('4930901820')},{sha256('+4930901820')}",
    ]
    assert prepared.exports["microsoft"]["counts"]["invalid_contact"] == 2
    assert prepared.exports["google"]["counts"]["invalid_contact"] == 1
    assert column(prepared, "meta.full", "country") == [sha256("de"), sha256("de"), ""]
    assert "email looks hashed" in prepared.exports["meta"]["warnings"][-1]
