"""Loading: once by content, whole or not at all; what becomes of files that are cut or change."""

import gzip
import hashlib
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.landing import ensure_raw_tables, find_files, land, load
from orchestration.landing.sources import Column, Source
from tests.landing.conftest import CLICKS, LANDED_AT

HEADER = "visitor_id,event_at,price\n"
ROOT = Path(__file__).parents[2]


def test_the_row_of_a_file_says_what_was_landed_and_when(landing):
    content = HEADER + "v1,t,1\n"
    digest = hashlib.sha256(content.encode()).hexdigest()
    outcome = landing.land_one("day 1/é.csv", content)
    noon = LANDED_AT.replace(tzinfo=None)
    assert landing.query("from raw.files") == [
        (1, "clicks", "day 1/é.csv", digest, 33, noon, 1, None, None, "", ",")
    ]
    assert (outcome.content_hash, outcome.byte_size) == (digest, 33)


def test_the_same_content_is_loaded_once_whatever_its_name(landing):
    landing.deliver("a.csv", HEADER + "v1,t,1\n")
    landing.deliver("b/again.csv", HEADER + "v1,t,1\n")
    assert [(o.status, o.load_id) for o in landing.land()] == [("loaded", 1), ("known", 1)]
    landing.deliver("c.csv", HEADER + "v1,t,1\n")
    assert [o.status for o in landing.land()] == ["known"] * 3
    assert len(landing.rows()) == 1


def test_a_file_that_grew_is_loaded_again(landing):
    path = landing.deliver("a.csv", HEADER + "v1,t,1\n")
    landing.land()
    path.write_text(HEADER + "v1,t,1\nv2,t,2\n")
    (outcome,) = landing.land()
    assert (outcome.status, outcome.load_id, outcome.rows_read) == ("loaded", 2, 2)
    assert len(landing.rows()) == 3


def test_an_unchanged_file_is_not_read_again(landing, monkeypatch):
    path = landing.deliver("a.csv", HEADER + "v1,t,1\n")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    landing.land()
    monkeypatch.setattr(load, "content_hash", lambda path: pytest.fail(f"{path} was read"))
    assert [o.status for o in landing.land()] == ["known"]


def test_a_file_written_a_moment_ago_is_hashed_again(landing):
    path = landing.deliver("a.csv", HEADER + "v1,t,1\n")
    stat = path.stat()
    landing.land()
    path.write_text(HEADER + "v2,t,1\n")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert [o.status for o in landing.land()] == ["loaded"]


def test_a_file_that_changes_while_it_is_read_is_refused_and_the_others_go_on(landing, monkeypatch):
    changing = landing.deliver("a.csv", HEADER + "v1,t,1\n")
    landing.deliver("b.csv", HEADER + "v2,t,2\n")
    readers = load.readers_of

    def meddled(path, *args):
        if path == changing:
            changing.write_text(HEADER + "v1,t,1\nv1,t,2\n")
        return readers(path, *args)

    monkeypatch.setattr(load, "readers_of", meddled)
    first, second = landing.land()
    assert (first.status, first.note) == (
        "refused",
        "the file changed while it was read; it will be tried again when it rests",
    )
    assert second.status == "loaded"
    assert [row[1] for row in landing.rows()] == ["v2"]
    assert landing.query("select file from raw.files") == [("b.csv",)]


def test_a_file_that_is_gone_is_refused_in_one_line(landing):
    path = landing.deliver("a.csv", HEADER)
    files = find_files(landing.folder, CLICKS)
    path.unlink()
    (outcome,) = land(landing.con, files, CLICKS, landed_at=LANDED_AT)
    assert outcome.note == "the file cannot be read: No such file or directory"


@pytest.mark.parametrize("ending", [".csv.gz", ".jsonl.gz"])
def test_compressed_files_are_read(landing, ending):
    text = HEADER + "v1,t,1\n" if "csv" in ending else '{"visitor_id":"v1","ts":"t","price":1}\n'
    landing.land_one("a" + ending, gzip.compress(text.encode()))
    assert [row[1:] for row in landing.rows()] == [("v1", "t", "1", None)]


def test_a_gzip_of_several_members_is_read_to_its_end(landing):
    content = gzip.compress(HEADER.encode() + b"v1,t,1\n") + gzip.compress(b"v2,t,2\n") + b"\0" * 9
    outcome = landing.land_one("a.csv.gz", content)
    assert (outcome.rows_read, outcome.note) == (2, None)


def test_a_gzip_by_another_name_is_read_all_the_same(landing):
    landing.land_one("a.csv", gzip.compress(HEADER.encode() + b"v1,t,1\n"))
    assert len(landing.rows()) == 1


def test_a_cut_gzip_gives_up_the_rows_it_holds(landing):
    rows = [f"v{n * 7919 % 10_007},t{n},{n}\n" for n in range(5_000)]
    whole = gzip.compress((HEADER + "".join(rows)).encode())
    outcome = landing.land_one("a.csv.gz", whole[: len(whole) // 2])
    loaded = landing.query(
        "select visitor_id, event_at, price, _line from raw.clicks order by _line"
    )
    assert 1_000 < len(loaded) < 4_000
    assert loaded == [(*row.strip().split(","), n + 2) for n, row in enumerate(rows[: len(loaded)])]
    ((line, reason, raw_row),) = landing.unreadable()
    assert (line, reason) == (len(loaded) + 2, "cut_row")
    assert rows[len(loaded)].startswith(raw_row)
    assert outcome.note.endswith("the gzip data is cut; what is missing was never here")


def test_a_damaged_gzip_gives_up_the_rows_before_the_damage(landing):
    content = bytearray(
        gzip.compress((HEADER + "".join(f"v{n},t{n * n},1\n" for n in range(5_000))).encode())
    )
    content[len(content) // 2 : len(content) // 2 + 50] = b"\xff" * 50
    outcome = landing.land_one("a.csv.gz", bytes(content))
    assert outcome.rows_read > 1_000
    assert "the gzip data is damaged" in outcome.note


def test_every_load_needs_a_time_with_its_zone(landing):
    with pytest.raises(ValueError, match="time zone"):
        land(landing.con, [], CLICKS, landed_at=datetime(2026, 1, 1))


def test_progress_hears_of_every_file(landing):
    landing.deliver("a.csv", HEADER)
    heard = []
    assert landing.land(progress=heard.append) == heard


def test_the_raw_tables_exist_before_anything_lands_and_gain_new_columns():
    con = duckdb.connect()
    ensure_raw_tables(con, {"clicks": CLICKS})
    wider = Source("clicks", (*CLICKS.columns, Column("country")))
    ensure_raw_tables(con, {"clicks": wider})
    ensure_raw_tables(con, {"clicks": CLICKS})
    columns = [row[0] for row in con.execute("describe raw.clicks").fetchall()]
    assert columns == [
        "_load_id",
        "_line",
        "visitor_id",
        "event_at",
        "price",
        "_extra",
        "country",
    ]


def test_a_column_declared_later_is_filled_from_then_on(landing):
    landing.land_one("a.csv", "visitor_id,event_at,country\nv1,t,DE\n")
    landing.source = Source("clicks", (*CLICKS.columns, Column("country")))
    landing.deliver("b.csv", "visitor_id,event_at,country\nv2,t,FR\n")
    landing.land()
    assert landing.query("select visitor_id, country, _extra from raw.clicks order by 1") == [
        ("v1", None, '{"country":"DE"}'),
        ("v2", "FR", None),
    ]


def test_a_load_killed_in_the_middle_leaves_whole_files_only(tmp_path):
    folder = tmp_path / "landing"
    folder.mkdir()
    rows = "".join(f"v{n},t,{n}\n" for n in range(40_000)) + "cut"
    for name in "abcdef":
        (folder / f"{name}.csv").write_text(HEADER + f"{name},t,0\n" + rows)
    script = (
        "import sys, duckdb\n"
        "from tests.landing.conftest import CLICKS, LANDED_AT\n"
        "from orchestration.landing import find_files, land\n"
        "con = duckdb.connect(sys.argv[1])\n"
        "report = lambda outcome: print(outcome.file, flush=True)\n"
        "land(con, find_files(sys.argv[2], CLICKS), CLICKS, landed_at=LANDED_AT, progress=report)\n"
    )
    warehouse = str(tmp_path / "warehouse.duckdb")
    with subprocess.Popen(
        [sys.executable, "-c", script, warehouse, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert [process.stdout.readline().strip() for _ in range(2)] == ["a.csv", "b.csv"]
        time.sleep(0.15)
        process.send_signal(signal.SIGKILL)
    con = duckdb.connect(warehouse)
    counts = (
        "select file, rows_read,"
        " (select count(*) from raw.clicks as c where c._load_id = f.load_id)"
        " + (select count(*) from raw.unreadable_rows as u where u.load_id = f.load_id)"
        " from raw.files as f order by file"
    )
    whole = con.execute(counts).fetchall()
    assert 2 <= len(whole) < 6
    assert {row[1:] for row in whole} == {(40_002, 40_002)}
    total = "select count(*), count(distinct _load_id) from raw.clicks"
    assert con.execute(total).fetchall() == [(40_001 * len(whole), len(whole))]
    land(con, find_files(folder, CLICKS), CLICKS, landed_at=datetime(2026, 3, 1, tzinfo=UTC))
    assert [row[1:] for row in con.execute(counts).fetchall()] == [(40_002, 40_002)] * 6


@pytest.mark.parametrize(("version", "is_zstd"), [("v1.0.0", False), ("v1.2.0", True)])
def test_json_is_packed_as_tight_as_the_format_of_the_file_allows(tmp_path, version, is_zstd):
    con = duckdb.connect()
    con.execute(f"attach '{tmp_path / 'raw.duckdb'}' as files (storage_version '{version}')")
    con.execute("use files")
    ensure_raw_tables(con, {"clicks": CLICKS})
    con.execute(
        "insert into raw.clicks (_load_id, _line, _extra)"
        """ select 1, n, '{"id":"' || md5(n::varchar) || '"}' from range(5000) as rows(n)"""
    )
    con.execute("checkpoint files")
    found = con.execute(
        "select distinct compression from pragma_storage_info('raw.clicks')"
        " where column_name = '_extra' and segment_type = 'VARCHAR'"
    ).fetchall()
    # an older format leaves it to DuckDB, which goes by a sample
    assert (found == [("ZSTD",)]) is is_zstd
