"""Rows that name somebody erased do not land, whatever kind of file they come in."""

import hmac
import json
from dataclasses import replace
from datetime import datetime

import polars as pl
import pytest

from orchestration.ground.errors import ComebackError
from orchestration.landing import Source, ensure_raw_tables
from orchestration.landing.sources import Column
from orchestration.landing.tombstones import (
    DETAIL,
    add_tombstones,
    define_keyed_hash,
    event_of,
    keyed_hash,
    visitor_of,
)

KEY = bytes(range(32))
SHOP = Source(
    name="shop",
    columns=(
        Column("event_id", identities=(("event", None),)),
        Column("visitor_id", is_required=True, identities=(("visitor", None),)),
        Column("user_id", identities=(("user", None),)),
        Column("event_at", is_required=True),
        Column("item_id"),
    ),
)
HEADER = "event_id,visitor_id,user_id,event_at,item_id\n"
ERASED = ("erased", None)
ROWS = [
    ("1", "erased-phone", "", "t1", "lamp"),
    ("2", "other", "erased-user", "t2", "lamp"),
    ("3", "other", "", "t3", "erased-phone"),
    ("4", " erased-phone ", "", "t4", "lamp"),
    ("5", "erased-phone-2", "", "t5", "lamp"),
]
KEPT = [
    (3, "3", "other", None, "t3", "erased-phone", None),
    (5, "5", "erased-phone-2", None, "t5", "lamp", None),
]


@pytest.fixture
def shop(landing, tmp_path):
    """A landing that knows of an erased visitor and an erased user; options hold the key."""
    landing.source = SHOP
    ensure_raw_tables(landing.con, {"shop": SHOP})
    add_tombstones(landing.con, KEY, "visitor", ["erased-phone"], datetime(2026, 3, 1))
    add_tombstones(landing.con, KEY, "user", ["erased-user"], datetime(2026, 3, 1))
    (tmp_path / "key").write_bytes(KEY)
    return landing


@pytest.fixture
def key(tmp_path):
    return {"key_file": tmp_path / "key"}


def csv_of(rows, header=HEADER) -> str:
    return header + "".join(",".join(row) + "\n" for row in rows)


def aside(shop) -> list[tuple]:
    return shop.query("select line, reason, raw_row from raw.unreadable_rows order by line")


def test_ids_inside_a_column_of_json_are_found_at_their_paths(landing, tmp_path, key):
    ids = (("visitor", "$.device.id"), ("user", "$.card"), ("event", "$.nr"))
    landing.source = Source("till", (Column("who", identities=ids, is_required=True),))
    ensure_raw_tables(landing.con, {"till": landing.source})
    add_tombstones(landing.con, KEY, "visitor", ["erased-phone"], datetime(2026, 3, 1))
    add_tombstones(landing.con, KEY, "user", ["erased-user"], datetime(2026, 3, 1))
    (tmp_path / "key").write_bytes(KEY)
    rows = [
        {"device": {"id": " erased-phone"}, "card": "other", "nr": 1},
        {"device": {"id": "other"}, "card": "erased-user", "nr": 2},
        {"device": {"id": "other"}, "card": "other", "nr": 3},
        {"device": "erased-phone", "nr": 4},
        "erased-phone",
    ]
    landing.land_one("a.jsonl", "\n".join(json.dumps({"who": row}) for row in rows), **key)
    assert aside(landing) == [(1, *ERASED), (2, *ERASED)]
    assert landing.query("select _line from raw.till order by 1") == [(3,), (4,), (5,)]
    assert landing.query(f"select {event_of(landing.source)} from raw.till where _line = 3") == [
        ("till\x1f3",)
    ]


@pytest.mark.parametrize("more", ["", '6,other,,t6,"a ""quoted""\nitem"\n'])
def test_a_csv_leaves_them_out_on_the_fast_and_on_the_exact_way(shop, key, more):
    outcome = shop.land_one("a.csv", csv_of(ROWS) + more, **key)
    lines = [line - 1 for line, *_ in aside(shop)]
    assert lines == [1, 2, 4]
    assert {row[1:] for row in aside(shop)} == {ERASED}
    assert [(line - 1, *rest) for line, *rest in shop.rows()[:2]] == KEPT
    assert (outcome.rows_read, outcome.rows_unreadable) == (5 + bool(more), 3)


def test_a_jsonl_leaves_them_out(shop, key):
    names = HEADER.strip().split(",")
    lines = [json.dumps(dict(zip(names, row, strict=True))) for row in ROWS]
    outcome = shop.land_one("a.jsonl", "\n".join(lines), **key)
    assert aside(shop) == [(1, *ERASED), (2, *ERASED), (4, *ERASED)]
    assert shop.rows() == KEPT
    assert outcome.rows_read == 5


def test_a_parquet_leaves_them_out(shop, key):
    frame = pl.DataFrame(ROWS, schema=HEADER.strip().split(","), orient="row")
    frame.write_parquet(shop.folder / "a.parquet")
    (outcome,) = shop.land(**key)
    assert aside(shop) == [(1, *ERASED), (2, *ERASED), (4, *ERASED)]
    assert shop.rows() == KEPT
    assert outcome.rows_read == 5


def test_a_row_that_cannot_be_read_is_kept_without_its_text(shop, key):
    bad = "7,erased-phone,,t7\n8,erased-phone-2,,t8\n"
    shop.land_one("a.csv", HEADER + bad, **key)
    assert aside(shop) == [(2, *ERASED), (3, "wrong_field_count", "8,erased-phone-2,,t8")]
    assert shop.query("select detail from raw.unreadable_rows where line = 2") == [(DETAIL,)]


def test_a_row_that_had_to_be_mended_leaves_no_text_behind(shop, key):
    content = HEADER.encode() + b"1,erased-phone,,t\xff,lamp\n2,other,,t\xff,erased-user\n"
    outcome = shop.land_one("a.csv", content, **key)
    assert aside(shop) == [(2, *ERASED)]
    assert shop.repaired() == [(3, "not_utf8", None)]
    assert outcome.rows_repaired == 1


def test_a_foreign_file_without_a_header_names_nobody_in_its_note(shop, key):
    outcome = shop.land_one("a.csv", "erased-phone,1\nother,2\n", **key)
    assert outcome.note == DETAIL
    assert aside(shop) == [(1, *ERASED), (2, *ERASED)]


def test_a_foreign_parquet_keeps_no_text_that_names_them(shop, key):
    pl.DataFrame({"who": ["erased-phone", "other"]}).write_parquet(shop.folder / "a.parquet")
    shop.land(**key)
    assert aside(shop) == [(1, *ERASED), (2, "unknown_columns", '{"d0":"other"}')]


def test_an_event_with_a_tombstone_of_its_own_is_known_by_its_id_else_by_what_it_says(shop, key):
    con = shop.con
    rows = [("9", "other", "", "t9", "lamp"), ("", "other", "", "t10", "desk")]
    shop.land_one("first.csv", csv_of(rows), **key)
    define_keyed_hash(con, KEY)
    con.execute(
        f"insert into raw.tombstones select 'row', keyed_hash('row', {event_of(SHOP)}), null,"
        " (select any_value(key_id) from raw.tombstones), now() from raw.shop"
    )
    changed = [("9", "other", "", "t9", "changed"), ("", "other", "", "t10", "desk lamp")]
    shop.deliver("second.csv", csv_of([*rows, *changed]))
    shop.land(**key)
    landed = shop.query("select _line, item_id from raw.shop where _load_id = 2")
    assert landed == [(5, "desk lamp")]


def test_without_the_key_nothing_lands(shop, tmp_path):
    shop.deliver("a.csv", csv_of(ROWS))
    with pytest.raises(ComebackError, match="the key that recognises them is not the one it was"):
        shop.land()
    (tmp_path / "other").write_bytes(bytes(32))
    with pytest.raises(ComebackError, match="restore the file from a backup"):
        shop.land(key_file=tmp_path / "other")
    assert shop.rows() == []


def test_sql_and_python_make_the_same_hash(landing):
    define_keyed_hash(landing.con, KEY)
    expected = hmac.new(KEY, "user:Zoë, 7".encode(), "sha256").hexdigest()
    assert keyed_hash(KEY, "user", "Zoë, 7") == expected
    assert landing.query("select keyed_hash('user', 'Zoë, 7')") == [(expected,)]


@pytest.mark.parametrize(
    ("visitor", "user", "expected"),
    [
        ("'v'", "'u'", "v"),
        ("'NULL'", "' u '", "user:u"),
        ("null", "'0'", None),
        ("'\"guest\"'", "'90001.0'", "user:90001"),
        ("'till 1'", "'7'", "user:7"),
    ],
)
def test_a_row_is_of_the_visitor_that_the_log_makes_of_it(landing, visitor, user, expected):
    shop = replace(SHOP, placeholders=("till 1",))
    query = f"select {visitor_of(shop)} from (select {visitor} as visitor_id, {user} as user_id)"
    assert landing.query(query) == [(expected,)]


def test_a_long_row_of_a_parquet_keeps_no_text_that_names_them(shop, key):
    columns = {"visitor_id": ["erased-phone", "other", "v3"], "event_at": ["t" * 90, "t" * 90, "t"]}
    pl.DataFrame(columns).write_parquet(shop.folder / "a.parquet")
    shop.land(row_limit=80, **key)
    other = f'{{"d0":"other","d1":"{"t" * 90}"}}'
    assert aside(shop) == [(1, *ERASED), (2, "row_too_long", other)]
    assert shop.query(f"select _line from raw.{shop.source.name}") == [(3,)]
