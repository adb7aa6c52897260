"""Ids as the SQL, landing and the reference read them; and those that tie too much together.

Belongs here: that the three give the same answers, and the table `suspicious_ids`. Not here: what
follows from an id for sessions and carts; cases of that are in cases_ids.py.
"""

import hashlib
import json
import re
from collections.abc import Sequence

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.landing.ids import known_id, read_id

from . import reference_fields
from .apart import apart
from .cases import LOADED_AT, Row, add, buy, event, log, view
from .cases_items import items
from .comparison import assert_same_rows
from .macros import macros
from .warehouse import Warehouse

PLACEHOLDER_WORDS = json.loads(
    macros({"ids": {"placeholders": []}}, "rules/ids.sql").placeholder_words()
)
WORDS = (*PLACEHOLDER_WORDS, *map(str.upper, PLACEHOLDER_WORDS))
AROUND = (
    "{}",
    " {}",
    "{}\u00a0",
    "\u2003{}\u200b",
    '"{}"',
    "'{0}'",
    "{0}-{0}",
    '"{0}"-{0}',
    "“{}”",
)
NOBODY = [
    *(form.format(word) for word in WORDS for form in AROUND),
    *("0", "00", "-", "--", "{}", "0000-0000", "{00000000-0000-0000-0000-000000000000}", "''", "`"),
    *("\u2010", "\u2013", "\u2014\u2014", "\u2212", "\u201c\u2015\u201d", "{0\u20140}"),
    *("0.", "0,0", "0E+0", "0.0E+00", "0,00e0", "0E+5"),
    *("0.0", "000.000", " ", "\t", "\ufeff", "null-undefined", "undefined-0", "“ ”", "- -"),
]
SOMEBODY = {
    **{
        id_: id_
        for id_ in ("nullx", "guest1", "na-7", "no", "00a", "0-1", "{1}", "O", "unknown.de")
    },
    **{
        id_: id_
        for id_ in ("e3b0c442", "guest null", "n/a/b", "1e10", "9e99", "12.50", "a.0", "1.2.0")
    },
    **{id_: id_ for id_ in ("0,00", "0e5", ".")},
    "90001.0": "90001",
    "90001.": "90001",
    "-5.00": "-5",
    # no float begins with a zero: the number that it is
    "00123.0": "123",
    "00123": "00123",
    " 7.0\u00a0": "7",
    "999999999999999.0": "999999999999999",
    "9.0001E+4": "90001",
    # as programs write it that have decimal commas; with more digits it may be a thousand
    "90001,0": "90001",
    "-5,0": "-5",
    "9,0001E+4": "90001",
    "1,000": "1,000",
    "12,5": "12,5",
    "1.2345678E7": "12345678",
    "1.234567890E+9": "1234567890",
    "\u00a0x y\u3000": "x y",
}
ROUNDED = [
    *("9.44E+18", "9.44e18", "1E+5", "1.23457E+11", "-1.5E+3", "1234567890123456.0"),
    *("9,44E+18", "1234567890123456,0"),
]


def read(warehouse: Warehouse, ids: list[str], column: str) -> list[tuple[str | None, str | None]]:
    """What the SQL makes of ids in a column: the id and why its row is set aside, if it is."""
    return read_in_columns(warehouse, ids, [column])[column]


def read_in_columns(
    warehouse: Warehouse, ids: list[str], columns: Sequence[str]
) -> dict[str, list[tuple[str | None, str | None]]]:
    """The same for each of several columns: rows of its own have the ids in it."""
    written = [(column, id_) for column in columns for id_ in ids]
    rows = log(*(event("v", "10:00", "view_item") | {column: id_} for column, id_ in written))
    warehouse.build(rows, LOADED_AT, tables=("candidate_events",))
    found = warehouse.query("select * from candidate_events order by line")
    read = [
        (row[column], row["drop_reason"]) for row, (column, _) in zip(found, written, strict=True)
    ]
    return {
        column: read[place * len(ids) : (place + 1) * len(ids)]
        for place, column in enumerate(columns)
    }


def test_ids_that_mean_nobody_are_null_and_others_are_read(warehouse: Warehouse):
    ids = [*NOBODY, *SOMEBODY]
    expected = [*((None, None) for _ in NOBODY), *((id_, None) for id_ in SOMEBODY.values())]
    for found in read_in_columns(warehouse, ids, ["user_id", "order_id"]).values():
        assert dict(zip(ids, found, strict=True)) == dict(zip(ids, expected, strict=True))


def test_an_event_id_that_means_nothing_is_the_hash_of_the_row(warehouse: Warehouse):
    found = [id_ for id_, _ in read(warehouse, NOBODY, "event_id")]
    assert all(re.fullmatch("[0-9a-f]{32}", id_) for id_ in found)
    assert len(set(found)) == len(set(NOBODY))


def test_a_row_with_a_rounded_id_is_set_aside(warehouse: Warehouse):
    columns = ["visitor_id", "user_id", "order_id", "event_id"]
    expected = [*((id_, "rounded_id") for id_ in ROUNDED), ("1e10", None), ("12.5", None)]
    found = read_in_columns(warehouse, [*ROUNDED, "1e10", "12.5"], columns)
    assert found == dict.fromkeys(columns, expected)


def test_the_reference_and_landing_read_an_id_alike():
    ids = [*NOBODY, *SOMEBODY, *ROUNDED]
    assert as_landing_reads(ids) == {id_: reference_fields.known_id(id_) for id_ in ids}
    assert [read_id(id_) for id_ in ("'guest'", " 7.0")] == [None, "7"]


def as_landing_reads(ids: list[str]) -> dict[str, str | None]:
    with duckdb.connect() as connection:
        query = f"select id, {known_id('id')} from (select unnest(?) as id)"
        return dict(connection.execute(query, [ids]).fetchall())


PIECES = st.sampled_from(
    [*PLACEHOLDER_WORDS[:14], *" -'\"{}0.e+\u00a0\u200b", "7", "12", "E+", "guest", "x", "A"]
)


# many ids in few builds
@settings(max_examples=6, deadline=None, derandomize=True)
@given(ids=st.lists(st.lists(PIECES, min_size=1, max_size=6).map("".join), min_size=1, max_size=99))
def test_sql_landing_and_reference_read_any_id_alike(warehouse: Warehouse, ids):
    expected = {id_: reference_fields.known_id(id_) for id_ in ids}
    assert [id_ for id_, _ in read(warehouse, ids, "user_id")] == [expected[id_] for id_ in ids]
    assert as_landing_reads(ids) == expected


def test_the_words_for_nobody_are_those_of_the_contract():
    assert {*PLACEHOLDER_WORDS} >= {
        *("null", "nil", "none", "nan", "n/a", "na", "undefined", "unknown", "(not set)", "(none)"),
        *("\\N", "anonymous", "guest", "[object object]", hashlib.sha256(b"").hexdigest()),
    }


@pytest.mark.parametrize("word", ["till 1", "it's", "a\\b", "x|y", "(shop", "Kässe", "50%"])
def test_a_word_of_the_shop_means_nobody_whatever_is_in_it(word):
    for text in (word, word.upper(), f" {word}", f'"{word}"', f"{word}-{word}", "null"):
        assert read_id(text, (word,)) is None
    assert read_id(f"{word}1", (word,)) == f"{word}1"
    assert read_id(word) == word
    with duckdb.connect() as connection:
        query = f"select {known_id('id', ('other', word))} from (select ? as id)"
        assert connection.execute(query, [word]).fetchall() == [(None,)]


def suspicious(
    warehouse: Warehouse, rows: list[dict], files: list[int] | None = None
) -> list[dict]:
    warehouse.build(rows, LOADED_AT, tables=("suspicious_ids",), files=files)
    return warehouse.query("select * exclude (detail) from suspicious_ids")


def test_a_user_on_more_than_20_visitors_is_suspicious_and_an_order_of_more_than_3(warehouse):
    rows = log(
        *(view(f"v{number}", "10:00", user_id="many") for number in range(21)),
        *(view(f"v{number}", "10:00", user_id="few") for number in range(20)),
        *(view("v1", "10:00", user_id="one") for _ in range(30)),
        *(buy(f"v{number}", "11:00", "o-many") for number in range(4)),
        *(buy(f"v{number}", "12:00", "o-few") for number in range(3)),
        *(view(f"v{number}", "12:30", order_id="o-seen") for number in range(9)),
    )
    found = suspicious(warehouse, rows)
    counts = {(row["kind"], row["id"]): (row["visitor_count"], row["event_count"]) for row in found}
    assert counts == {("user_id", "many"): (21, 21), ("order_id", "o-many"): (4, 4)}


def test_an_event_id_of_several_visitors_is_suspicious_in_its_source(warehouse: Warehouse):
    rows = log(
        view("A", "10:00", event_id="1"),
        view("B", "11:00", event_id="1"),
        view("B", "11:00", event_id="1"),
        view("C", "09:00", event_id="1"),
        view("A", "10:00", event_id="2"),
        view("A", "12:00", event_id="2"),
        view("A", "10:00", event_id="3"),
        view("A", "11:00", event_id="3"),
        view("B", "11:00", event_id="3"),
    )
    found = suspicious(warehouse, rows, files=[1, 1, 2, 2, 3, 3, 4, 5, 6])
    assert {(row["kind"], row["source"]) for row in found} == {("event_id", "canonical")}
    counts = {row["id"]: (row["visitor_count"], row["event_count"]) for row in found}
    assert counts == {"1": (3, 4), "3": (2, 3)}


def test_events_of_one_visitor_type_and_item_within_50_ms_are_a_double_fire(warehouse: Warehouse):
    rows = log(
        add("A", "10:00:00.100000"),
        view("A", "10:00:00.110000", item_id="shoe"),
        add("A", "10:00:00.150000"),
        add("B", "10:00:00.100000"),
        add("B", "10:00:00.150001"),
        add("C", "10:00:00.100000"),
        add("C", "10:00:00.103000", "hat"),
        *(add("G", "10:00:00.100000") for _ in range(3)),
        add("D", "10:00"),
        add("E", "10:00"),
        event("F", "10:00", "page_view"),
        event("F", "10:00", "page_view"),
    )
    found = {row["id"]: row for row in suspicious(warehouse, rows)}
    assert {row["kind"] for row in found.values()} == {"double_fire"}
    assert {id_: row["event_count"] for id_, row in found.items()} == {"A": 1, "G": 2}
    details = warehouse.query("select id, detail from suspicious_ids order by id")
    said = "events of one type and item within 50 ms, such as "
    assert details == [
        {"id": "A", "detail": f"{said}e01 and e03"},
        {"id": "G", "detail": f"{said}e08 and e09"},
    ]


def listed(event_id: str, time: str) -> Row:
    """An add of two items in a list, with an id of its own."""
    return log(add("L", time, None, items=SHOE_HAT))[0] | {"event_id": event_id}


def pair(visitor: str, listed: str | None, again: str | None, *own: str | None) -> list[Row]:
    """Two adds of lists of items, 10 ms apart, with items of their own beside."""
    first, second = own or (None, None)
    return [
        add(visitor, "10:00:00.100000", first, items=listed),
        add(visitor, "10:00:00.110000", second, items=again),
    ]


SHOE_HAT = items(("shoe", 1, 5), ("hat", 2, 7))


PAIRS = [
    (pair("A", SHOE_HAT, SHOE_HAT), True),
    # whatever their prices and quantities, as of an item of its own
    (pair("A", SHOE_HAT, items(("shoe",), ("hat", 3))), True),
    (pair("A", SHOE_HAT, items(("hat", 2, 7), ("shoe", 1, 5))), False),
    (pair("A", SHOE_HAT, items(("shoe", 1, 5))), False),
    (pair("A", SHOE_HAT, items(("shoe", 1, 5), ("hat", 2, 7), ("sock",))), False),
    (pair("A", items(("shoe",), ("shoe",)), items(("hat",), ("hat",))), False),
    (pair("A", items(("shoe",), ("shoe",)), items(("shoe",))), False),
    # the list counts, not the columns beside it
    (pair("A", SHOE_HAT, items(("shoe",), ("sock",)), "shoe", "shoe"), False),
    (pair("A", SHOE_HAT, SHOE_HAT, "shoe", "hat"), True),
    # one item, in a list and in the columns; a list without any
    (pair("A", items(("shoe",)), None, None, "shoe"), True),
    (pair("A", "[]", None, "shoe", "shoe"), True),
    # items without ids say nothing; beside others they count as items
    (pair("A", items((None, 1, 5)), items((None, 1, 5))), False),
    (pair("A", items(("shoe",), (None,)), items(("shoe",), (None,))), True),
    (pair("A", items(("shoe",), (None,)), items((None,), ("shoe",))), False),
    (
        [
            buy("A", "10:00:00.100000", "o1", items=SHOE_HAT),
            buy("A", "10:00:00.150000", "o1", items=SHOE_HAT),
        ],
        True,
    ),
    (
        [
            buy("A", "10:00:00.100000", "o1", items=SHOE_HAT),
            buy("A", "10:00:00.150001", "o1", items=SHOE_HAT),
        ],
        False,
    ),
]


def test_a_double_fire_is_of_all_items_in_their_order(warehouse: Warehouse):
    rows = [row for number, (own, _) in enumerate(PAIRS) for row in apart(log(*own), number)]
    found = suspicious(warehouse, rows)
    assert sorted((row["kind"], row["id"], row["event_count"]) for row in found) == sorted(
        ("double_fire", f"log{number}.A", 1)
        for number, (_, is_listed) in enumerate(PAIRS)
        if is_listed
    )


def test_suspicious_ids_built_load_by_load_are_those_built_at_once(warehouse: Warehouse):
    loads = [
        log(*(view(f"v{number}", "10:00", user_id="7") for number in range(15)), add("A", "10:00")),
        log(
            *(
                view(f"w{number}", "11:00", user_id="7", event_id=f"w{number}")
                for number in range(6)
            )
        ),
        [row | {"event_id": f"x-{row['event_id']}"} for row in log(add("A", "10:00:00.010000"))],
        [row | {"visitor_id": "Z"} for row in log(view("v0", "10:00"))],
        log(*(buy(f"v{number}", "12:00", "o", event_id=f"o{number}") for number in range(4))),
        [listed("l1", "11:00"), listed("l2", "11:30")],
        [listed("l3", "11:30:00.040000")],
    ]
    warehouse.empty()
    for number, rows in enumerate(loads, start=1):
        warehouse.land(rows, [number] * len(rows))
        warehouse.follow(LOADED_AT, tables=("suspicious_ids",))
    followed = warehouse.query("select * from suspicious_ids")
    kinds = {row["kind"] for row in followed}
    assert kinds == {"user_id", "order_id", "event_id", "double_fire"}
    fires = [(row["id"], row["detail"]) for row in followed if row["kind"] == "double_fire"]
    assert ("L", "events of one type and item within 50 ms, such as l2 and l3") in fires
    rows = [row for load in loads for row in load]
    files = [number for number, load in enumerate(loads, start=1) for _ in load]
    warehouse.build(rows, LOADED_AT, tables=("suspicious_ids",), files=files)
    assert_same_rows("suspicious_ids", followed, warehouse.query("select * from suspicious_ids"))
