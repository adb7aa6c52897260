"""Inputs from the field that misled ids, times, quantities and amounts, with the right outcome.

Belongs here: what the rules make of the shared cases that concern them, landed as files, and of
inputs of our own of the same kind. Not here: the outcomes of the hour around them (tests/whole).
"""

import dataclasses
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from .cases import at, log, view
from .recording import Recording
from .reference_rows import CANONICAL_COLUMNS
from .warehouse import Warehouse

HOUR = datetime(2026, 11, 26, 12, tzinfo=UTC)
TEN = datetime(2026, 11, 20, 10, tzinfo=UTC)


def carts(warehouse: Warehouse, folder: Path) -> dict[str, dict]:
    """The carts by visitor, the prefix of the case left out."""
    warehouse.build_files(folder, HOUR, tables=("carts", "landed_files", "set_aside_rows"))
    return {row["visitor_id"].split("-")[-1]: row for row in warehouse.query("from carts")}


def statuses(found: dict[str, dict]) -> dict[str, tuple]:
    return {visitor: (cart["status"], cart["owner_id"]) for visitor, cart in found.items()}


def notes(warehouse: Warehouse) -> list[str | None]:
    return [row["note"] for row in warehouse.query("select note from landed_files order by file")]


def test_a_null_marker_is_nobody(warehouse: Warehouse, shared_cases: Path):
    assert statuses(carts(warehouse, shared_cases / "c01_null_marker")) == {
        "ann": ("open", None),
        "bob": ("open", None),
        "cyd": ("converted", None),
        "dan": ("converted", None),
    }
    # a null marker in an optional field is no fault either
    assert warehouse.query("from set_aside_rows") == []


def test_a_null_marker_says_nothing_in_any_column(warehouse: Warehouse, tmp_path: Path):
    required = {"visitor_id": "v1", "event_at": "2026-11-20 10:00:00", "event_type": "view_item"}
    names = [name for name in CANONICAL_COLUMNS if name not in (*required, "event_id")]
    row = ",".join([*required.values(), *["\\N"] * len(names)])
    header = ",".join([*required, *names])
    untyped = row.replace("view_item", "\\N")
    (tmp_path / "a.csv").write_text(f"{header}\n{row}\n{untyped}\n")
    warehouse.build_files(tmp_path, HOUR, tables=("candidate_events", "set_aside_rows"))
    found = warehouse.query("from candidate_events order by line")
    assert [each["drop_reason"] for each in found] == [None, "no_type"]
    names.remove("items")
    assert {name: found[0][name] for name in names} == dict.fromkeys(names)
    assert len(warehouse.query("from set_aside_rows")) == 1


SAID = [
    ({"price": "-9.99"}, [("bad_price", "price -9.99")]),
    (
        {"price": "for free", "order_value": "1,299.00", "quantity": "1.5", "currency": "us"},
        [
            ("bad_currency", "currency US"),
            ("bad_order_value", "order value 1,299.00"),
            ("bad_price", "price for free"),
            ("bad_quantity", "quantity 1.5"),
        ],
    ),
    # of several items one
    (
        {"items": '[{"item_id": "a", "price": "y"}, {"item_id": "b", "price": "x"}]'},
        [("bad_price", "price x")],
    ),
    ({"items": '{"item_id": "a"}'}, [("bad_items", 'items {"item_id": "a"}')]),
    ({"order_value": "see ann@shop.example"}, [("bad_order_value", "order value see (e-mail)")]),
    # what looks like another reason is none
    (
        {"quantity": "1\x1fbad_price 2", "order_value": "bad_currency 3"},
        [
            ("bad_order_value", "order value bad_currency 3"),
            ("bad_quantity", "quantity 1 bad_price 2"),
        ],
    ),
    ({"price": "9" * 300}, [("bad_price", f"price {'9' * 200}")]),
    ({"price": f"{'9' * 190} john.doe@example.com"}, [("bad_price", f"price {'9' * 190} ")]),
    ({"price": f"{'x ' * 95}john.doe@example.com"}, [("bad_price", f"price {'x ' * 95}")]),
    # a row that is dropped has no repairs
    ({"price": "-1", "event_at": "yesterday"}, [("bad_time", None)]),
]


def test_what_a_repaired_field_said_stands_beside_the_reason(warehouse: Warehouse):
    rows = log(*({**view("v", f"10:{nth:02}"), **more} for nth, (more, _) in enumerate(SAID)))
    warehouse.build(rows, at("12:00"), tables=("set_aside_rows",))
    found = warehouse.query("select line, reason, detail from set_aside_rows order by all")
    assert [tuple(row.values()) for row in found] == [
        (line, *each) for line, (_, noted) in enumerate(SAID, start=1) for each in noted
    ]


BLANKS_AROUND = [
    ({"quantity": "\u20092", "price": "\u00a010.50\u00a0"}, (2, Decimal("10.5"), None)),
    ({"quantity": "\ufeff-3\u200b", "price": "\u202f1e2"}, (-3, Decimal(100), None)),
    ({"order_value": "\u20037\u3000", "price": "\t8 "}, (None, Decimal(8), Decimal(7))),
    ({"quantity": "1\u00a02", "price": "1\u202f234.56"}, (None, None, None)),
    ({"quantity": "\u00a01_0", "price": "\u00a0\u00e9"}, (None, None, None)),
]


def test_blanks_of_any_kind_around_a_number_are_none_of_it(warehouse: Warehouse):
    rows = log(
        *({**view("v", f"10:{nth:02}"), **more} for nth, (more, _) in enumerate(BLANKS_AROUND)),
        {
            **view("v", "11:00"),
            "items": '[{"item_id": "a", "price": "\u00a05", "quantity": "4\u2009"}]',
        },
    )
    warehouse.build(
        rows, at("12:00"), tables=("candidate_events", "candidate_items", "set_aside_rows")
    )
    found = warehouse.query(
        "select quantity, price, order_value from candidate_events order by line"
    )
    expected = [read for _, read in BLANKS_AROUND]
    assert [tuple(row.values()) for row in found] == [*expected, (None, None, None)]
    listed = warehouse.query("select quantity, price from candidate_items")
    assert listed == [{"quantity": 4, "price": Decimal(5)}]
    noted = warehouse.query("select line, reason from set_aside_rows order by all")
    assert [tuple(row.values()) for row in noted] == [
        (line, reason) for line in (4, 5) for reason in ("bad_price", "bad_quantity")
    ]


def test_a_placeholder_ties_no_orders(warehouse: Warehouse, shared_cases: Path):
    found = carts(warehouse, shared_cases / "c02_not_set")
    assert statuses(found) == dict.fromkeys("abcd", ("converted", None))
    assert warehouse.query("select count(*) as orders from order_events") == [{"orders": 4}]


def test_guests_are_not_one_person(warehouse: Warehouse, shared_cases: Path):
    assert statuses(carts(warehouse, shared_cases / "c03_guest")) == {
        "ann": ("open", None),
        "bob": ("open", None),
        "cyd": ("converted", None),
    }


def test_a_float_id_is_the_whole_number_in_every_format(warehouse: Warehouse, shared_cases: Path):
    found = carts(warehouse, shared_cases / "c04_float_ids")
    assert (found["phone"]["status"], found["phone"]["converted_elsewhere"]) == ("converted", True)
    users = warehouse.query("select distinct user_id from events where user_id is not null")
    assert users == [{"user_id": "90001"}]


def test_decimal_commas_are_read_where_the_file_says_so(warehouse: Warehouse, shared_cases: Path):
    found = carts(warehouse, shared_cases / "c06_decimal_comma")
    values = {visitor: cart["cart_value"] for visitor, cart in found.items()}
    assert values == {"bob": Decimal(2598), "cyd": Decimal(2598), "dan": Decimal("39.8")}
    (note,) = notes(warehouse)
    assert note.startswith("amounts are read with decimal commas")


HEADER = "event_id;visitor_id;event_at;event_type;item_id;price;currency;order_value\n"
ROW = "{};v{};2026-11-20 10:00:00;add_to_cart;s1;{};EUR;{}\n"


AMOUNTS = [
    (";", ["1.299", "19,9"], ["1299", "19.9"], True),
    (";", ["1.234.567,89", "5"], ["1234567.89", "5"], True),
    # as French and Russian spreadsheets have it
    (";", ["1\u202f234,56", "12\u00a0345\u00a0678"], ["1234.56", "12345678"], True),
    (";", ["1 234,5", "5"], ["1234.5", "5"], True),
    (";", ["\u00a019.90", "1\u00a0234,56"], ["19.9", None], False),
    # one decimal point, and the commas are not decimal
    (";", ["19.90", "19,90"], ["19.9", None], False),
    (";", ["1.299", "19"], ["1.299", "19"], False),
    (";", ["1,299.00", "5"], [None, "5"], False),
    ("\t", ["19,90", "5"], [None, "5"], False),
]


def test_a_file_is_taken_to_have_decimal_commas_only_if_nothing_speaks_against_it(
    warehouse: Warehouse, tmp_path: Path
):
    for file, (delimiter, prices, *_) in enumerate(AMOUNTS):
        rows = [
            ROW.format(f"{file}.{number}", f"{file}.{number}", price, "")
            for number, price in enumerate(prices)
        ]
        (tmp_path / f"{file}.csv").write_text((HEADER + "".join(rows)).replace(";", delimiter))
    found = carts(warehouse, tmp_path)
    for file, (_, _, values, _) in enumerate(AMOUNTS):
        own = [found[f"v{file}.{number}"]["cart_value"] for number in range(len(values))]
        assert own == [value and Decimal(value).normalize() for value in values]
    is_noted = [note is not None for note in notes(warehouse)]
    assert is_noted == [is_comma for *_, is_comma in AMOUNTS]


def test_an_order_value_says_so_too(warehouse: Warehouse, tmp_path: Path):
    rows = ROW.format(1, 1, "5", "") + ROW.format(2, 2, "1.250", "").replace("add_to_cart", "x")
    bought = ROW.format(3, 1, "", "1.005,50").replace("add_to_cart", "purchase")
    (tmp_path / "a.csv").write_text(HEADER + rows + bought)
    warehouse.build_files(tmp_path, HOUR, tables=("orders",))
    assert warehouse.query("select order_value from order_events") == [
        {"order_value": Decimal("1005.5")}
    ]


def test_quantities_of_nothing_and_less(warehouse: Warehouse, shared_cases: Path):
    found = carts(warehouse, shared_cases / "c07_quantity")
    assert {name: (cart["item_quantity"], cart["cart_value"]) for name, cart in found.items()} == {
        "ann": (1, Decimal(10)),
        "cyd": (3, Decimal(30)),
    }


def test_one_click_reported_twice_is_two_events_and_a_note(
    warehouse: Warehouse, shared_cases: Path
):
    warehouse.build_files(
        shared_cases / "c09_double_fire", HOUR, tables=("carts", "suspicious_ids")
    )
    assert [row["item_quantity"] for row in warehouse.query("from carts")] == [2]
    (found,) = warehouse.query("from suspicious_ids")
    assert (found["kind"], found["id"]) == ("double_fire", "c09-ann")
    assert found["detail"].endswith("such as c09-1 and c09-2")


def test_a_blank_may_stand_before_an_offset(warehouse: Warehouse, shared_cases: Path):
    found = carts(warehouse, shared_cases / "c10a_blank_before_offset")
    assert found["ann"]["started_at"] == TEN
    assert found["ann"]["status"] == "converted"


def test_ids_that_start_again_with_each_visitor_are_listed(
    warehouse: Warehouse, shared_cases: Path
):
    warehouse.build_files(shared_cases / "c14_ids_restart", HOUR, tables=("suspicious_ids",))
    found = warehouse.query("select kind, id, visitor_count, event_count from suspicious_ids")
    assert sorted(tuple(row.values()) for row in found) == [
        ("event_id", id_, 3, 3) for id_ in ("1", "2", "3")
    ]


def test_a_time_is_one_microsecond_in_every_form(warehouse: Warehouse, shared_cases, tmp_path):
    texts = ["2026-11-20T10:00:00.123456789Z", "1795168800123456", "1795168800123456999"]
    lines = [
        {"event_id": f"t{at}", "visitor_id": f"t{at}", "event_at": text, "event_type": "view_item"}
        for at, text in enumerate(texts)
    ]
    (tmp_path / "texts.jsonl").write_text("\n".join(map(json.dumps, lines)))
    for path in (shared_cases / "c15_parquet_times").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    warehouse.build_files(tmp_path, HOUR, tables=("events",))
    found = {row["visitor_id"]: row["event_at"] for row in warehouse.query("from events")}
    milliseconds = found.pop("c15-double")
    assert milliseconds == TEN.replace(microsecond=123000)
    assert len(found) == 7
    assert set(found.values()) == {TEN.replace(microsecond=123456)}


@pytest.fixture(scope="module")
def short_lived(dbt_recording: Recording) -> Warehouse:
    """A warehouse in which carts expire after three days."""

    def shortened(statements):
        return {
            found: [text.replace("interval '30' day", "interval '3' day") for text in sent]
            for found, sent in statements.items()
        }

    models = [
        dataclasses.replace(model, statements=shortened(model.statements))
        for model in dbt_recording.models
    ]
    return Warehouse(dataclasses.replace(dbt_recording, models=models))


# What is scored at an hour.
SCORED = {
    datetime(2026, 11, 24, 0, tzinfo=UTC): [],
    # at exactly three days it still lives, a microsecond later it does not
    datetime(2026, 11, 23, 10, 5, tzinfo=UTC): ["V1"],
    datetime(2026, 11, 23, 10, 5, 0, 1, tzinfo=UTC): [],
    datetime(2026, 11, 22, 0, tzinfo=UTC): ["V1"],
}


@pytest.mark.parametrize("name", ["whole.csv", "cut.csv"])
def test_a_cart_is_expired_at_the_scored_hour_and_not_at_the_end_of_the_log(
    short_lived: Warehouse, shared_cases: Path, tmp_path: Path, name
):
    (tmp_path / name).write_bytes((shared_cases / "short_expiry_look_ahead" / name).read_bytes())
    tables = ("scoring_snapshots", "scoring_returns", "carts")
    short_lived.build_files(tmp_path, HOUR, tables=tables)
    expected = "expired" if name == "whole.csv" else "open"
    assert [row["status"] for row in short_lived.query("from carts")] == [expected]
    for hour, scored in SCORED.items():
        short_lived.move(hour, ("scoring_snapshots", "scoring_returns"))
        for table in ("scoring_snapshots", "scoring_returns"):
            assert [row["visitor_id"] for row in short_lived.query(f"from {table}")] == scored
