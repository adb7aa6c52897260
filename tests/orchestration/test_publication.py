"""The published file: complete, described, replaced whole."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration import publication
from orchestration.errors import ComebackError
from orchestration.publication import publish
from orchestration.tables import DBT_TABLES, SCORE_TABLES
from orchestration.warehouse import ensure_score_tables
from tests.full_disk import no_file_beyond

READ_CARTS = "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); "


@pytest.fixture
def connection(tmp_path):
    """A warehouse with every table to publish, described, and one cart."""
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as opened:
        ensure_score_tables(opened)
        for name, order in DBT_TABLES.items():
            columns = ", ".join(f"{column} varchar" for column in order)
            opened.execute(f"create table main.{name} ({columns})")
            opened.execute(f"comment on table main.{name} is 'The {name}. It''s one row per row.'")
            for column in order:
                opened.execute(f"comment on column main.{name}.{column} is 'The {column}.'")
        opened.execute("insert into main.carts values ('2026-10-31', 'b'), ('2026-10-30', 'a')")
        yield opened


def carts(path: Path) -> list:
    """The carts that another process sees; a second connection here would see the old file."""
    code = READ_CARTS + "print([r[0] for r in c.execute('select cart_id from carts').fetchall()])"
    run = [sys.executable, "-c", code, str(path)]
    return eval(subprocess.check_output(run, text=True))


def test_every_table_and_column_is_published_with_its_description(connection, tmp_path):
    publish(connection, tmp_path / "analytics.duckdb")
    with duckdb.connect(str(tmp_path / "analytics.duckdb"), read_only=True) as published:
        tables = dict(
            published.execute("select table_name, comment from duckdb_tables()").fetchall()
        )
        silent = published.execute(
            "select table_name, column_name from duckdb_columns()"
            " where not internal and coalesce(comment, '') = ''"
        ).fetchall()
    expected = {*DBT_TABLES, *(table.name for table in SCORE_TABLES), "retargeting_priorities"}
    assert set(tables) == expected
    assert tables["carts"] == "The carts. It's one row per row."
    assert silent == []


def test_rows_are_counted_and_stand_in_a_fixed_order(connection, tmp_path):
    rows = publish(connection, tmp_path / "analytics.duckdb")
    assert rows["carts"] == 2
    assert rows["sessions"] == 0
    assert carts(tmp_path / "analytics.duckdb") == ["a", "b"]


def test_nothing_but_the_file_is_left_and_what_a_killed_run_left_is_removed(connection, tmp_path):
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / ".analytics.duckdb.99.tmp").write_bytes(b"half")
    (folder / ".analytics.duckdb.99.tmp.wal").write_bytes(b"half")
    publish(connection, folder / "analytics.duckdb")
    assert [path.name for path in folder.iterdir()] == ["analytics.duckdb"]


def test_an_open_reader_keeps_what_it_sees_and_the_next_one_sees_the_new(connection, tmp_path):
    target = tmp_path / "analytics.duckdb"
    publish(connection, target)
    code = READ_CARTS + (
        "count = lambda: c.execute('select count(*) from carts').fetchall()[0][0];"
        "print(count(), flush=True); input(); print(count(), flush=True)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(target)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdout.readline() == "2\n"
        connection.execute("insert into main.carts values ('2026-11-01', 'c')")
        publish(connection, target)
        out, _ = reader.communicate("\n")
    assert out == "2\n"
    assert carts(target) == ["a", "b", "c"]


def test_a_column_without_description_stops_publication_and_leaves_the_old_file(
    connection, tmp_path
):
    target = tmp_path / "published" / "analytics.duckdb"
    target.parent.mkdir()
    publish(connection, target)
    before = target.read_bytes()
    connection.execute("alter table main.carts add column status varchar")
    with pytest.raises(ComebackError, match="columns without a description: status"):
        publish(connection, target)
    assert target.read_bytes() == before


def test_a_failure_between_writing_and_renaming_leaves_the_old_file(
    connection, tmp_path, monkeypatch
):
    target = tmp_path / "analytics.duckdb"
    publish(connection, target)
    connection.execute("insert into main.carts values ('2026-11-01', 'c')")
    monkeypatch.setattr(publication.os, "fsync", lambda _: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        publish(connection, target)
    monkeypatch.undo()
    assert carts(target) == ["a", "b"]
    publish(connection, target)
    assert carts(target) == ["a", "b", "c"]


def test_a_full_disk_leaves_the_old_file_and_with_room_again_the_new_one_comes(
    connection, tmp_path
):
    target = tmp_path / "analytics.duckdb"
    publish(connection, target)
    connection.execute("insert into main.carts values ('2026-11-01', 'c')")
    with pytest.raises(duckdb.Error, match="File too large"), no_file_beyond(100_000):
        publish(connection, target)
    assert carts(target) == ["a", "b"]
    publish(connection, target)
    assert carts(target) == ["a", "b", "c"]


def test_the_priorities_are_the_newest_scored_hour_even_when_it_had_no_carts(connection, tmp_path):
    connection.execute(
        "insert into scores.cart_scores by name"
        " select timestamp '2026-10-31 10:00' as scored_at, 'a' as cart_id, 1 as priority_rank"
    )
    for hour, scored in (("10:00", 1), ("11:00", None)):
        connection.execute(
            "insert into scores.runs by name select ? as run_id, ? as as_of, ? as carts_scored",
            [hour, f"2026-10-31 {hour}", scored],
        )
    assert publish(connection, tmp_path / "a.duckdb")["retargeting_priorities"] == 1
    connection.execute("update scores.runs set carts_scored = 0 where run_id = '11:00'")
    assert publish(connection, tmp_path / "b.duckdb")["retargeting_priorities"] == 0
