"""What stands in the cells of an hour's exports: hostile values, items, offers, hashes."""

import csv
import io
import json
import re

import duckdb
import polars as pl

from orchestration.ground.settings import parse_settings
from orchestration.outputs.exports import hourly
from orchestration.outputs.exports.identifiers import sha256
from orchestration.outputs.exports.presets import Column, Preset
from tests.outputs.exports.shops import HOUR, TEN, column, content, rows

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
        shop.line(f"cart-{user}", text)
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
        shop.line("other", f"sku{number}", line_price=price, line_currency="EUR")
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


def test_items_are_those_of_the_cart_at_the_hour_whatever_the_log_knows_since(shop):
    shop.person("ann")
    for item, at, quantity in (
        ("hat", TEN - 3 * HOUR, 1),
        ("bag", TEN - 3 * HOUR, 1),
        ("cap", TEN - 3 * HOUR, 1),
        ("cap", TEN - 2 * HOUR, 0),
        ("hat", TEN, 2),
        ("shoe", TEN + HOUR / 60, 1),
        ("bag", TEN + HOUR / 60, 0),
    ):
        shop.line("cart-ann", item, at, line_quantity=quantity, line_price=5, line_currency="EUR")
    shop.insert("main.also_bought", item_id="bag", other_item_id="shoe", other_rank=1)
    shop.insert("main.also_bought", item_id="shoe", other_item_id="sock", other_rank=1)
    (ann,) = rows(shop.export(), "email.full")
    assert [ann[f"item_{i}_id"] for i in (1, 2, 3)] == ["hat", "bag", ""]
    assert (ann["item_1_quantity"], ann["item_count"], ann["also_bought_1"]) == ("2", "2", "shoe")
    assert ann["also_bought_2"] == ""


def test_a_line_of_no_known_item_comes_last_and_has_no_id(shop):
    shop.person("ann")
    for item, price in (("(unknown)", 90), ("hat", 5)):
        shop.line("cart-ann", item, line_price=price, line_currency="EUR")
    shop.insert("main.also_bought", item_id="hat", other_item_id="cap", other_rank=1)
    (ann,) = rows(shop.export(), "email.full")
    assert [ann[f"item_{i}_id"] for i in (1, 2)] == ["hat", ""]
    assert (ann["item_2_price"], ann["item_count"], ann["also_bought_1"]) == ("90", "2", "cap")


def test_no_price_stands_beside_another_currency_than_its_own(shop):
    shop.person("ann")
    shop.profile("bob")
    shop.cart("bob", 2, currency=None, cart_value=None)
    for user in ("ann", "bob"):
        for item, currency, price in (("a", "JPY", 900), ("b", "EUR", 9), ("c", None, 8)):
            shop.line(f"cart-{user}", item, line_price=price, line_currency=currency)
    ann, bob = rows(shop.export(), "email.full")
    # nor does it come before the dearest for it
    assert [ann[f"item_{i}_id"] for i in (1, 2, 3)] == ["b", "c", "a"]
    assert [ann[f"item_{i}_price"] for i in (1, 2, 3)] == ["9", "8", ""]
    assert [bob[f"item_{i}_price"] for i in (1, 2, 3)] == ["8", "", ""]


def test_what_goes_with_a_cart_is_offered_best_first_and_never_what_is_in_it(shop):
    shop.person("ann")
    for item in ("hat", "bag"):
        shop.line("cart-ann", item)
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


def test_a_tool_of_ones_own_gets_the_attributes_that_its_columns_name(shop, monkeypatch):
    columns = (
        Column(header="email", field="email"),
        Column(header="zip", field="attr_zip", form="zip_meta"),
        Column(header="ct", field="attr_city", form="city_meta"),
    )
    preset = Preset(profile="hashed_audience", documented_at="", columns=columns)
    monkeypatch.setattr(hourly, "find_preset", lambda *_: preset)
    given = {"ATTR_zip": "M1 1AE", "attr_tier": "gold"}
    shop.person("ann", 1, attributes=json.dumps(given))
    shop.person("bob", 2)
    entry = {"profile": "hashed_audience", "preset": "microsoft"}
    prepared = shop.export(settings=parse_settings({"exports": {"own": entry}}))
    assert [tuple(row.values()) for row in rows(prepared, "own.full")] == [
        (sha256("ann@example.com"), sha256("m11ae"), ""),
        (sha256("bob@example.com"), "", ""),
    ]
