"""Files that are landed together: whose row is whose, and what one of them costs the others."""

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from orchestration.landing import find_files, land, load
from orchestration.landing.sources import Column
from tests.landing.conftest import CLICKS, LANDED_AT

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
    reported = []
    landing.land(progress=lambda outcome: reported.append((outcome.file, outcome.load_id)))
    assert reported == [(f"{name}.parquet", nth) for nth, name in enumerate("abcde", start=1)]
    assert [row[2] for row in places(landing)] == list("abcde")


class CountingConnection:
    """A connection that counts its statements: what a file costs is mostly theirs."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con, self.statements = con, 0

    def __getattr__(self, name: str) -> Any:
        self.statements += name in ("execute", "begin", "commit", "rollback")
        return getattr(self.con, name)


def deliver_small_files(folder: Path, count: int) -> None:
    """CSV, JSONL and Parquet by turns, of three rows; every thousandth file has a fault."""
    for nth in range(count):
        rows = [(f"v{nth}-{row}", "t", str(row)) for row in range(3)]
        path = folder / f"{nth // 1000} é" / f"{nth:05}.{('csv', 'jsonl', 'parquet')[nth % 3]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".csv":
            text = "".join(",".join(row) + "\n" for row in rows)
            path.write_text(HEADER + text + ("cut\n" if nth % 1000 == 0 else ""))
        elif path.suffix == ".jsonl":
            template = '{{"visitor_id":"{}","ts":"{}","price":{}}}\n'
            path.write_text("".join(template.format(*row) for row in rows))
        else:
            frame = pl.DataFrame(rows, schema=["visitor_id", "ts", "price"], orient="row")
            frame.write_parquet(path)
            if nth % 1000 == 500:
                path.write_bytes(path.read_bytes()[:-9])
        os.utime(path, (0, 0))  # it has rested


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.heavy)])
def test_many_small_files_take_few_statements_and_a_second_time_none_of_their_own(tmp_path, count):
    deliver_small_files(tmp_path / "landing", count)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as opened:
        con = CountingConnection(opened)
        files = find_files(tmp_path / "landing", CLICKS)
        outcomes = land(con, files, CLICKS, landed_at=LANDED_AT)
        # of a thousand files, half of them find the damaged ones by halving
        assert con.statements < max(count / 10, 200)
        cut = [f"{nth // 1000} é/{nth:05}.csv" for nth in range(0, count, 3_000)]
        gone = [f"{nth // 1000} é/{nth:05}.parquet" for nth in range(500, count, 3_000)]
        assert Counter(each.status for each in outcomes) == {"loaded": count}
        assert [each.load_id for each in outcomes] == [*range(1, count + 1)]
        assert [each.file for each in outcomes if each.rows_unreadable] == sorted(cut + gone)
        read = Counter(each.rows_read for each in outcomes)
        assert read == {3: count - len(cut) - len(gone), 4: len(cut), 1: len(gone)}

        loaded = "select count(*), count(distinct visitor_id), sum(price::int) from raw.clicks"
        rows = 3 * (count - len(gone))
        assert opened.execute(loaded).fetchall() == [(rows, rows, rows)]
        misplaced = (
            "select count(*) from raw.clicks join raw.files on load_id = _load_id"
            " where visitor_id <> format('v{}-{}', load_id - 1, price)"
            " or file not like format('% é/{:05d}.%', load_id - 1)"
            " or _line <> price::int + if(file like '%.csv', 2, 1)"
        )
        assert opened.execute(misplaced).fetchall() == [(0,)]

        con.statements = 0
        again = land(con, files, CLICKS, landed_at=LANDED_AT)
        assert con.statements < 20
        assert [(each.status, each.load_id) for each in again] == [
            ("known", load_id) for load_id in range(1, count + 1)
        ]
        assert opened.execute(loaded).fetchall() == [(rows, rows, rows)]


def test_a_parquet_file_after_a_column_was_declared_fills_the_columns_by_name(landing):
    landing.deliver("a.csv", HEADER + "a,t,1\n")
    landing.land()
    landing.source = replace(CLICKS, columns=(Column("page"), *CLICKS.columns))
    clicks("b").with_columns(page=pl.lit("/p"), more=pl.lit("m")).write_parquet(
        landing.folder / "b.parquet"
    )
    landing.land()
    assert landing.query(
        "select page, visitor_id, event_at, price, _extra from raw.clicks order by visitor_id"
    ) == [(None, "a", "t", "1", None), ("/p", "b", "t", "1", '{"more":"m"}')]
