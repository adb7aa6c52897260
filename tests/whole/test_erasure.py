"""A person erased from a whole home: nothing of them left, nothing of others changed."""

import csv
import gzip
import io
import json
from pathlib import Path

import duckdb
import polars as pl
import pytest

from .conftest import run_comeback

ANNA, BERT = "anna-7431-account", "bert-5521-account"
PHONE, TABLET, LAPTOP = "phone-of-anna-01", "tablet-kitchen-77", "laptop-of-bert-33"
NAMESAKE, STRANGER = "phone-of-anna-012", "stranger-9001"
COLUMNS = (
    *("event_id", "visitor_id", "user_id", "event_at", "event_type", "item_id", "page_url"),
    "items",
)


def event(
    id_: str,
    visitor: str,
    user: str,
    at: str,
    kind: str,
    item: str = "",
    url: str = "",
    items: str = "",
):
    return (id_, visitor, user, f"2026-03-{at}Z", kind, item, url, items)


# Nobody else has it: its name is free text, in which a person may be named.
OWN_ITEM = "engraved-for-anna"
GIFT = json.dumps(
    [
        {"item_id": OWN_ITEM, "item_name": f"gift of {PHONE}", "price": 5},
        {"item_id": "lamp", "image_url": f"https://shop/{PHONE}.png"},
    ]
)


# On the tablet: no_subject, then Anna, then, on another day, Bert.
TABLET_OF_ANNA = [
    event("t1", TABLET, "", "01T10:00:00", "view_item", "lamp"),
    event("t2", TABLET, "", "01T10:01:00", "add_to_cart", "lamp"),
    event("t3", TABLET, ANNA, "01T10:02:00", "login"),
    event("t4", TABLET, "", "01T10:03:00", "view_item", "desk"),
    ("", TABLET, "", "2026-03-02T09:00:00Z", "add_to_cart", "desk", "", ""),
    event("t5", TABLET, "", "02T09:05:00", "purchase", items=GIFT),
]
TABLET_OF_BERT = [
    event("t6", TABLET, BERT, "05T18:00:00", "login"),
    event("t7", TABLET, "", "05T18:01:00", "add_to_cart", "sofa"),
    event("t8", TABLET, "", "05T18:05:00", "begin_checkout"),
]
PHONE_OF_ANNA = [
    event("p1", PHONE, "", "03T08:00:00", "view_item", "lamp"),
    event("p2", PHONE, "", "03T08:01:00", "add_to_cart", "lamp"),
    event("p3", PHONE, ANNA, "03T08:02:00", "login"),
    event("p3", PHONE, ANNA, "03T08:02:00", "login"),
    event("p4", PHONE, "", "06T08:00:00", "add_to_cart", items=GIFT),
    event("p5", PHONE, ANNA, "no time at all", "view_item", "desk"),
]
OTHERS = [
    event("l1", LAPTOP, BERT, "04T12:00:00", "view_item", "sofa"),
    event("l2", LAPTOP, "", "04T12:01:00", "add_to_cart", "sofa"),
    event("n1", NAMESAKE, "", "04T13:00:00", "view_item", "lamp"),
    event("n2", NAMESAKE, "", "06T13:01:00", "add_to_cart", "lamp"),
    event("s1", STRANGER, "", "06T14:00:00", "view_item", "lamp"),
    event("s2", STRANGER, "", "06T14:01:00", "add_to_cart", "lamp"),
    event("s3", STRANGER, "", "06T14:02:00", "refund", "", f"https://shop/?by={PHONE}"),
]
BAD_LINE = f"p9,{PHONE},{ANNA},2026-03-06T08:00:00Z,view_item,desk,,one,too many\n"
NOT_UTF8 = f"p10,{PHONE},{ANNA},2026-03-06T08:00:01Z,view_item,d\xe9sk,,\n".encode("latin-1")
IDS = (ANNA, PHONE)


def text(rows) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue()


def deliver(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def dump() -> bytes:
    """What the shop delivered at first, the faults at the end."""
    rows = [COLUMNS, *TABLET_OF_ANNA, *TABLET_OF_BERT, *PHONE_OF_ANNA, *OTHERS]
    return (text(rows) + BAD_LINE).encode() + NOT_UTF8


def published(home: Path, query: str) -> list[tuple]:
    path = home / "published" / "analytics.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def of_others(home: Path) -> dict[str, list[tuple]]:
    """The rows of everybody else, of every table that says whose a row is."""
    theirs = (
        f"visitor_id = '{PHONE}' or visitor_id = '{TABLET}' and owner_id is distinct from '{BERT}'"
    )
    tables = {
        name: published(home, f"select * from {name} where not ({theirs}) order by all")
        for name in ("sessions", "carts", "cart_scores")
    }
    lines = f"select * from cart_lines semi join (from carts where not ({theirs})) using (cart_id)"
    return {**tables, "cart_lines": published(home, f"{lines} order by all")}


def files_with(home: Path, id_: str) -> list[Path]:
    """Files, dumps aside, whose bytes hold the id other than in the longer one of the namesake."""
    return [
        path
        for path in home.rglob("*")
        if path.is_file()
        and not path.is_relative_to(home / "landing")
        and id_.encode() in path.read_bytes().replace(NAMESAKE.encode(), b"")
    ]


def rows_of_files(home: Path) -> dict[str, tuple[int, ...]]:
    rows = published(
        home,
        "select file, rows_read, rows_accepted, rows_duplicate, rows_dropped from landed_files",
    )
    assert all(read == accepted + double + dropped for _, read, accepted, double, dropped in rows)
    return {file: tuple(counts) for file, *counts in rows}


@pytest.fixture(scope="module")
def erased(tmp_path_factory):
    """A home before and after Anna was erased: its folder, others' rows before, what was said."""
    home = tmp_path_factory.mktemp("erased")
    deliver(home / "landing" / "canonical" / "march.csv", dump())
    run_comeback(home, "run", "--as-of", "latest")
    assert files_with(home, ANNA)
    assert files_with(home, PHONE)
    assert published(home, f"select count(*) from items where item_id = '{OWN_ITEM}'") == [(1,)]
    assert published(home, "select item_id from order_lines order by all") == [
        (OWN_ITEM,),
        ("lamp",),
    ]
    before = of_others(home)
    carts = published(home, "select cart_id from carts")
    done = run_comeback(home, "erase", "--user", ANNA)
    return home, before, done.stdout, {cart for (cart,) in carts}


def test_nothing_of_others_changed(erased):
    home, before, *_ = erased
    assert [len(rows) for rows in before.values()] == [5, 4, 4, 4]
    assert of_others(home) == before


def test_nothing_of_the_erased_is_left(erased):
    home, *_ = erased
    assert {id_: files_with(home, id_) for id_ in IDS} == {ANNA: [], PHONE: []}
    assert (
        published(home, f"from sessions where visitor_id = '{TABLET}' and owner_id is null") == []
    )
    assert published(home, "select count(*) from sessions") == [(5,)]


def test_no_cart_of_the_erased_is_left_in_any_byte(erased):
    """Those of others are not in Dagster's record either, which keeps what it is given."""
    home, _, _, carts = erased
    kept = {cart for (cart,) in published(home, "select cart_id from carts")}
    assert (len(carts), len(kept)) == (6, 4)
    assert [path for cart in carts - kept for path in files_with(home, cart)] == []
    assert [path for cart in kept for path in files_with(home / "dagster", cart)] == []


def test_items_and_orders_are_those_of_the_others(erased):
    home, *_ = erased
    assert files_with(home, OWN_ITEM) == []
    assert published(home, "from orders") == published(home, "from order_lines") == []
    assert published(home, "select item_id, item_name, image_url, order_count from items") == [
        ("lamp", None, None, 0),
        ("sofa", None, None, 0),
    ]


def test_the_rows_of_the_file_still_add_up(erased):
    home, *_ = erased
    assert rows_of_files(home) == {"march.csv": (24, 9, 0, 15)}
    assert published(home, "select distinct action, reason, raw_row from set_aside_rows") == [
        ("dropped", "erased", None)
    ]


def test_the_exports_are_written_again(erased):
    home, *_ = erased
    pointer = json.loads((home / "exports" / "latest.json").read_text())
    content = (home / "exports" / pointer["path"]).read_bytes()
    manifest = json.loads(
        (home / "exports" / pointer["path"]).with_name("manifest.json").read_text()
    )
    visitors = {row["visitor_id"] for row in csv.DictReader(content.decode().splitlines())}
    assert visitors == {TABLET, LAPTOP, NAMESAKE, STRANGER}
    assert (manifest["rows"], manifest["sha256"]) == (4, pointer["sha256"])


def test_the_report_says_what_went_and_names_nobody(erased):
    home, _, said, _ = erased
    (path,) = (home / "erasures").glob("*.json")
    report = json.loads(path.read_text())
    assert (report["kind"], report["users"], report["visitors"]) == ("user", 1, 1)
    assert report["files_that_named_them"] == ["canonical: march.csv"]
    assert report["rows"]["raw.canonical"] == 14
    assert (report["verdict"], report["proof"]["found"]) == ("nothing found", [])
    assert not any(id_ in said for id_ in IDS)
    assert "nothing found" in said


@pytest.mark.heavy
def test_neither_an_old_dump_nor_a_late_one_brings_them_back(erased):
    home, before, *_ = erased
    folder = home / "landing" / "canonical"
    late = event("x1", PHONE, "", "06T09:00:00", "purchase", "desk")
    again = [*TABLET_OF_ANNA, *PHONE_OF_ANNA, late, *OTHERS]
    records = [dict(zip(COLUMNS, row, strict=True)) for row in again]
    deliver(folder / "again.csv.gz", gzip.compress(dump()))
    deliver(folder / "late.csv", text([COLUMNS, *again]).encode())
    deliver(folder / "late.jsonl", "".join(json.dumps(each) + "\n" for each in records).encode())
    pl.DataFrame(records).write_parquet(folder / "late.parquet")
    run_comeback(home, "run", "--as-of", "latest")
    after = of_others(home)
    assert {name: after[name] for name in ("sessions", "carts", "cart_lines")} == {
        name: before[name] for name in ("sessions", "carts", "cart_lines")
    }
    assert {id_: files_with(home, id_) for id_ in IDS} == {ANNA: [], PHONE: []}
    assert rows_of_files(home) == {
        "march.csv": (24, 9, 0, 15),
        "again.csv.gz": (24, 0, 9, 15),
        "late.csv": (20, 0, 6, 14),
        "late.jsonl": (20, 0, 6, 14),
        "late.parquet": (20, 0, 6, 14),
    }
