"""Files that are landed together: whose row is whose, and what one of them costs the others."""

import polars as pl
import pytest

from orchestration.landing import load

HEADER = "visitor_id,ts,price\n"


def clicks(*visitors: str) -> pl.DataFrame:
    return pl.DataFrame({"visitor_id": visitors, "ts": "t", "price": 1})


def places(landing) -> list[tuple]:
    return landing.query("select _load_id, _line, visitor_id from raw.clicks order by all")


def test_parquet_files_read_in_one_statement_keep_their_loads_and_lines(landing):
    clicks("a1", "a2", "a3", "a4").write_parquet(landing.folder / "a.parquet", row_group_size=2)
    clicks("b1").write_parquet(landing.folder / "b.parquet")
    clicks("c1", "c2").write_parquet(landing.folder / "c.parquet", row_group_size=1)
    outcomes = landing.land()
    assert [(each.file, each.load_id, each.rows_read) for each in outcomes] == [
        ("a.parquet", 1, 4),
        ("b.parquet", 2, 1),
        ("c.parquet", 3, 2),
    ]
    assert places(landing) == [
        (1, 1, "a1"),
        (1, 2, "a2"),
        (1, 3, "a3"),
        (1, 4, "a4"),
        (2, 1, "b1"),
        (3, 1, "c1"),
        (3, 2, "c2"),
    ]


def test_files_of_other_kinds_and_columns_between_them_keep_the_order(landing):
    clicks("a").write_parquet(landing.folder / "a.parquet")
    landing.deliver("b.csv", HEADER + "b,t,1\n")
    clicks("c").rename({"price": "cost"}).write_parquet(landing.folder / "c.parquet")
    clicks("d").write_parquet(landing.folder / "d.parquet")
    landing.deliver("e.jsonl", '{"visitor_id":"e","ts":"t"}\n')
    landing.land()
    assert places(landing) == [(1, 1, "a"), (2, 2, "b"), (3, 1, "c"), (4, 1, "d"), (5, 1, "e")]
    assert landing.query("select _load_id, _extra from raw.clicks where _extra is not null") == [
        (3, '{"cost":"1"}')
    ]


@pytest.mark.parametrize("name", ["file_row_number", "File_Row_Number", "file_index", "filename"])
def test_a_column_named_as_duckdb_names_its_own_does_not_number_the_rows(landing, name):
    clicks("a", "b").with_columns(pl.lit(7).alias(name)).write_parquet(landing.folder / "a.parquet")
    landing.land()
    assert places(landing) == [(1, 1, "a"), (1, 2, "b")]


def test_a_damaged_file_costs_the_others_nothing(landing):
    clicks("a").write_parquet(landing.folder / "a.parquet")
    landing.deliver("b.parquet", b"PAR1 and no more")
    clicks("c").write_parquet(landing.folder / "c.parquet")
    landing.deliver("d.csv", HEADER + "d,t,1\nd,t\n")
    assert [each.rows_unreadable for each in landing.land()] == [0, 1, 0, 1]
    assert places(landing) == [(1, 1, "a"), (3, 1, "c"), (4, 2, "d")]
    assert [row[1] for row in landing.unreadable()] == ["unreadable_file", "wrong_field_count"]


def test_of_two_files_with_one_content_the_first_is_loaded(landing):
    landing.deliver("a.csv", HEADER + "a,t,1\n")
    landing.deliver("b.csv", HEADER + "a,t,1\n")
    landing.deliver("c.csv", HEADER + "c,t,1\n")
    assert [(each.file, each.status, each.load_id) for each in landing.land()] == [
        ("a.csv", "loaded", 1),
        ("b.csv", "known", 1),
        ("c.csv", "loaded", 2),
    ]


def test_a_batch_that_is_full_makes_room_for_the_next(landing, monkeypatch):
    monkeypatch.setattr(load, "BATCH_FILES", 2)
    for name in "abcde":
        clicks(name).write_parquet(landing.folder / f"{name}.parquet")
    told = []
    landing.land(progress=lambda outcome: told.append((outcome.file, outcome.load_id)))
    assert told == [(f"{name}.parquet", nth) for nth, name in enumerate("abcde", start=1)]
    assert [row[2] for row in places(landing)] == list("abcde")
