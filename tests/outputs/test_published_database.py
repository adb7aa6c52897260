"""The published file: complete, described, replaced whole."""

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import duckdb
import pytest

from orchestration.ground.errors import ComebackError
from orchestration.outputs import published_database
from orchestration.outputs.published_database import FROM_SCRATCH, forget_last, publish
from orchestration.warehouse.database import ensure_score_tables
from orchestration.warehouse.score_tables import DBT_TABLES, SCORE_TABLES
from tests.full_disk import no_file_beyond

READ_CARTS = "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); "


@pytest.fixture
def connection(tmp_path):
    """A warehouse with every table to publish, described, and two carts; nobody to publish."""
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as opened:
        ensure_score_tables(opened)
        for name, built in DBT_TABLES.items():
            names = dict.fromkeys((*built.order, *filter(None, [built.key])))
            columns = ", ".join(f"{column} varchar" for column in names)
            opened.execute(f"create table main.{name} ({columns})")
            opened.execute(f"comment on table main.{name} is 'The {name}. It''s one row per row.'")
            for column in names:
                opened.execute(f"comment on column main.{name}.{column} is 'The {column}.'")
        for name in ("unpublished_visitors", "affected_visitors"):
            opened.execute(f"create table main.{name} (visitor_id varchar)")
        add_cart(opened, "2026-10-31", "b")
        add_cart(opened, "2026-10-30", "a")
        yield opened


def add_cart(connection: duckdb.DuckDBPyConnection, day: str, name: str) -> None:
    """A cart of a visitor of the same name, as a build adds it."""
    connection.execute("insert into main.carts values (?, ?, ?)", [day, name, name])
    connection.execute("insert into main.unpublished_visitors values (?)", [name])


def carts(path: Path) -> list:
    """The carts in a copy of the file; a second connection to it here would see the old one."""
    with TemporaryDirectory() as folder:
        copy = shutil.copy(path, folder)
        with duckdb.connect(copy, read_only=True) as connection:
            return [name for (name,) in connection.execute("select cart_id from carts").fetchall()]


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
    of_others = {"retargeting_priorities", "segment_memberships"}
    expected = {*DBT_TABLES, *(table.name for table in SCORE_TABLES), *of_others}
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
        add_cart(connection, "2026-11-01", "c")
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
    add_cart(connection, "2026-11-01", "c")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("full")))
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
    add_cart(connection, "2026-11-01", "c")
    with pytest.raises(OSError, match="File too large"), no_file_beyond(100_000):
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


def test_an_hour_scored_while_the_clock_was_ahead_has_no_priorities(connection, tmp_path):
    for day in ("2026-10-31", "2027-02-08"):
        connection.execute(
            "insert into scores.cart_scores by name"
            " select ?::timestamp as scored_at, 'a' as cart_id, 1 as priority_rank",
            [day],
        )
        connection.execute(
            "insert into scores.runs by name select ? as run_id, ? as as_of, 1 as carts_scored",
            [day, day],
        )
    for not_after, newest in (
        (datetime(2026, 11, 1), datetime(2026, 10, 31)),
        (datetime(2027, 2, 8), datetime(2027, 2, 8)),
    ):
        publish(connection, tmp_path / "a.duckdb", not_after=not_after)
        with duckdb.connect(str(tmp_path / "a.duckdb"), read_only=True) as published:
            query = "select scored_at from retargeting_priorities"
            assert published.execute(query).fetchall() == [(newest,)]


def test_rows_of_visitors_that_a_build_named_are_replaced_and_no_others(connection, tmp_path):
    target = tmp_path / "analytics.duckdb"
    publish(connection, target)
    connection.execute("update main.carts set cart_id = cart_id || '2'")
    connection.execute("insert into main.unpublished_visitors values ('a')")
    publish(connection, target)
    assert carts(target) == ["b", "a2"]
    connection.execute("insert into main.affected_visitors values ('b')")
    publish(connection, target)
    assert sorted(carts(target)) == ["a2", "b2"]


def forget(_: Path, connection: duckdb.DuckDBPyConnection) -> None:
    forget_last(connection)


def rebuild_all(_: Path, connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("insert into main.unpublished_visitors values (null)")


def remove(target: Path, _: duckdb.DuckDBPyConnection) -> None:
    target.unlink()


def write_to(target: Path, _: duckdb.DuckDBPyConnection) -> None:
    code = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('delete from carts')"
    subprocess.run([sys.executable, "-c", code, str(target)], check=True)


def damage(target: Path, _: duckdb.DuckDBPyConnection) -> None:
    status = target.stat()
    target.write_bytes(bytes(status.st_size))
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def rot(target: Path, _: duckdb.DuckDBPyConnection) -> None:
    """Bytes that change by themselves leave size and time as they were."""
    status = target.stat()
    with target.open("r+b") as file:
        for place in range(4096, status.st_size, 4096):
            file.seek(place)
            file.write(b"\xaa" * 64)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def lose_a_block(target: Path, connection: duckdb.DuckDBPyConnection) -> None:
    """Damage where a publication reads nothing: in old rows of a column that is no key."""
    connection.execute(
        "insert into scores.cart_scores by name select timestamp '2026-10-30' as scored_at,"
        " hash(i)::varchar as cart_id, hash(i + 1)::varchar as reasons from range(30000) as r(i)"
    )
    connection.execute(
        "insert into scores.runs by name"
        " select '1' as run_id, timestamp '2026-10-30' as as_of, 30000 as carts_scored"
    )
    publish(connection, target)
    status = target.stat()
    with target.open("r+b") as file:
        file.seek(status.st_size // 2)
        file.write(b"\xaa" * 64)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def describe(_: Path, connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("comment on column main.carts.cart_id is 'Another word for it.'")


def write_older(target: Path, connection: duckdb.DuckDBPyConnection) -> None:
    with patch.object(published_database, "STORAGE_VERSION", "v1.2.0"):
        publish(connection, target)


def hollow_out(target: Path, connection: duckdb.DuckDBPyConnection) -> None:
    bulk = "select hash(i)::varchar as visitor_id from range(200000) as r(i)"
    for change in (
        f"insert into main.carts select '2026-11-01', visitor_id, visitor_id from ({bulk})",
        f"delete from main.carts where visitor_id in ({bulk})",
    ):
        connection.execute(change)
        connection.execute(f"insert into main.unpublished_visitors {bulk}")
        publish(connection, target)


REASONS: list[tuple[str, Callable[[Path, duckdb.DuckDBPyConnection], None]]] = [
    ("there is no last file to follow", forget),
    ("all rows were rebuilt", rebuild_all),
    ("the file is not the one that was published last", remove),
    ("the file is not the one that was published last", write_to),
    ("the last file cannot be read", damage),
    ("the last file cannot be read", rot),
    ("the last file cannot be read as it was written", lose_a_block),
    ("other tables, columns or descriptions are published now", describe),
    ("the last file has storage version v1.2.0", write_older),
    ("most of the last file is free space", hollow_out),
]


def test_rows_set_aside_that_are_gone_since_go_and_those_that_came_come(connection, tmp_path):
    rows = "insert into main.set_aside_rows (load_id, line) values "
    connection.execute(f"{rows} (1, 1), (1, 2), (2, 1), (3, 1)")
    publish(connection, tmp_path / "analytics.duckdb")
    connection.execute("delete from main.set_aside_rows where load_id = 2 or line = 2")
    connection.execute(f"{rows} (4, 1)")
    publish(connection, tmp_path / "analytics.duckdb")
    with duckdb.connect(str(tmp_path / "analytics.duckdb"), read_only=True) as published:
        found = published.execute("select load_id, line from set_aside_rows order by all")
        assert found.fetchall() == [("1", "1"), ("3", "1"), ("4", "1")]


@pytest.mark.parametrize(("reason", "disturb"), REASONS, ids=[each.__name__ for _, each in REASONS])
def test_what_cannot_be_followed_is_published_from_scratch_once(
    connection, tmp_path, caplog, reason, disturb
):
    target = tmp_path / "analytics.duckdb"
    with caplog.at_level(logging.INFO, "orchestration.outputs.published_database"):
        publish(connection, target)
        assert caplog.messages == []  # the first file ever has none to follow
        disturb(target, connection)
        caplog.clear()
        publish(connection, target)
        publish(connection, target)
    [message] = caplog.messages
    assert message.startswith((FROM_SCRATCH % reason).removesuffix("."))
    assert carts(target) == ["a", "b"]


STEPS = (
    "orchestration.outputs.published_database.shutil.copyfile",
    "orchestration.outputs.published_database._replace_changed",
    "orchestration.ground.files.os.fsync",
    "orchestration.outputs.published_database.Path.replace",
    "orchestration.ground.files.sync_folder",
    "orchestration.outputs.published_database._remember",
)


@pytest.mark.parametrize("step", STEPS)
def test_a_publication_that_died_is_made_good_by_the_next(connection, tmp_path, step):
    target = tmp_path / "analytics.duckdb"
    publish(connection, target)
    add_cart(connection, "2026-11-01", "c")
    with patch(step, side_effect=OSError("killed")), pytest.raises(OSError, match="killed"):
        publish(connection, target)
    add_cart(connection, "2026-11-02", "d")
    publish(connection, target)
    assert carts(target) == ["a", "b", "c", "d"]
    assert connection.execute("select * from main.unpublished_visitors").fetchall() == []


def test_a_lost_block_of_the_last_file_is_not_in_the_next_one(connection, tmp_path):
    target = tmp_path / "analytics.duckdb"
    publish(connection, target)
    lose_a_block(target, connection)
    code = (
        READ_CARTS + "c.execute('select bit_xor(hash(s)), count(*) from cart_scores s').fetchall()"
    )
    read = [sys.executable, "-c", code, str(target)]
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run(read, check=True, stderr=subprocess.DEVNULL)
    add_cart(connection, "2026-11-01", "c")
    publish(connection, target)
    subprocess.run(read, check=True)
    assert carts(target) == ["a", "b", "c"]


def test_a_warehouse_whose_last_file_has_no_checksum_yet_publishes_from_scratch_once(
    connection, tmp_path, caplog
):
    target = tmp_path / "analytics.duckdb"
    publish(connection, target)
    caplog.clear()
    connection.execute("alter table scores.published_file drop column checksum")
    ensure_score_tables(connection)
    with caplog.at_level(logging.INFO, "orchestration.outputs.published_database"):
        publish(connection, target)
        publish(connection, target)
    assert len([each for each in caplog.records if each.msg == FROM_SCRATCH]) == 1
    assert carts(target) == ["a", "b"]
