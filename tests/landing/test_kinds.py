"""Files that no reader reads: one row in `raw.files` each, no rows, and not looked into again."""

import bz2
import gzip
import hashlib
import io
import lzma
import os
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from orchestration.landing import ensure_raw_tables, find_files, land, ways
from tests.landing.conftest import CLICKS, LANDED_AT

ROWS = "visitor_id,event_at,price\nv1,t,1\n"


def zipped(*names: str) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name in names:
            archive.writestr(name, ROWS)
    return sink.getvalue()


def tarred(name: str) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        held = tarfile.TarInfo(name)
        held.size = len(ROWS)
        archive.addfile(held, io.BytesIO(ROWS.encode()))
    return sink.getvalue()


def zstd(content: bytes) -> bytes:
    return pa.compress(content, "zstd", asbytes=True)


UNREAD = {
    "a.csv": (zipped("a.csv"), "zip_archive"),
    "b.jsonl": (zipped("b.jsonl"), "zip_archive"),
    "c.csv.gz": (gzip.compress(zipped("c.csv")), "zip_archive"),
    "d.zip": (zipped("d.csv"), "zip_archive"),
    "e.csv": (zipped(), "zip_archive"),
    "f.xlsx": (zipped("[Content_Types].xml", "xl/workbook.xml"), "excel_workbook"),
    "g.csv": (zipped("xl/workbook.xml"), "excel_workbook"),
    "h.docx": (zipped("[Content_Types].xml", "word/document.xml"), "office_document"),
    "i.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 99, "excel_workbook"),
    "j.avro": (b"Obj\x01" + b"x" * 99, "avro"),
    "k.parquet": (b"ORC" + b"x" * 99, "orc"),
    "l.txt": (b"%PDF-1.7\n", "pdf"),
    "m.csv": (b"\x89PNG\r\n\x1a\n", "image"),
    "n.csv": ("<!DOCTYPE html>\n<html><body>502</body></html>", "markup"),
    "o.json": ('\n <?xml version="1.0"?><error/>', "markup"),
    "p.csv": (bz2.compress(ROWS.encode()), "unknown_compression"),
    "q.csv.gz": (lzma.compress(ROWS.encode()), "unknown_compression"),
    "r.csv": (b"", "empty"),
    "s.jsonl": (b"\n\n \n", "empty"),
    "t.csv": (b"\xef\xbb\xbf", "empty"),
    "u.csv.gz": (gzip.compress(b""), "empty"),
    "v.csv": (bytes(range(256)) * 20, "binary_data"),
    "w.csv": (b"\0" * 20_000, "binary_data"),
    "x.parquet": (ROWS, "not_parquet"),
    "part-0000": (ROWS + "1", "unknown_ending"),
    "events.log": (ROWS + "2", "unknown_ending"),
    "README.txt": ("What is here comes\nfrom the shop, daily,\nat six.\n", "not_a_table"),
    # compressed without another ending: what is in them is no table of the source
    "bare/a.gz": (gzip.compress(tarred("a.csv")), "archive"),
    "bare/b.gz": (gzip.compress(bytes(range(256)) * 20), "binary_data"),
    "bare/c.gz": (
        gzip.compress(b"What is here comes\nfrom the shop, daily,\nat six.\n"),
        "not_a_table",
    ),
    "bare/d.gz": (gzip.compress(b"name;colour\nshoe;red\nhat;blue\n"), "unknown_content"),
    "bare/e.zst": (zstd(b"<html>502</html>"), "markup"),
    "bare/f.GZ": (gzip.compress(b" \n"), "empty"),
    "bare/access.log.gz": (gzip.compress(ROWS.encode() + b"3"), "unknown_ending"),
    "bare/g.tar.gz": (gzip.compress(tarred("b.csv")), "archive"),
    "bare/h.zip": (zipped("h.csv"), "zip_archive"),
    "y.csv.gz": (gzip.compress(gzip.compress(ROWS.encode())), "packed_twice"),
}


def test_each_kind_is_one_row_with_its_reason_and_no_rows(landing):
    for name, (content, _) in UNREAD.items():
        landing.deliver(name, content)
    outcomes = {each.file: each for each in landing.land()}
    assert {name: each.skipped_reason for name, each in outcomes.items()} == {
        name: reason for name, (_, reason) in UNREAD.items()
    }
    assert {(each.status, each.rows_read) for each in outcomes.values()} == {("skipped", 0)}
    assert landing.query("select file, skipped_reason from raw.files order by file") == sorted(
        (name, reason) for name, (_, reason) in UNREAD.items()
    )
    assert landing.query("select count(*) from raw.files where note is null or rows_read > 0") == [
        (0,)
    ]
    assert landing.rows() == landing.unreadable() == []


def test_what_is_compressed_without_another_ending_is_read_by_its_content(landing):
    lines = b'{"visitor_id": "v1", "ts": "t"}\n{"visitor_id": "v2", "ts": "t"}\n'
    delivered = {
        "logs/day=1/filename.gz": gzip.compress(lines),
        "2026-11-28-100000-4d1c9c70-5a6e-4d0e-9f9f-000000000001.gz": gzip.compress(b"t\tv3\t1\n"),
        "array.ZST": zstd(b'[{"visitor_id": "v4", "ts": "t"}]'),
        "shop.example.1764324000000.gz": gzip.compress(b"visitor_id,ts\nv5,t\n"),
        "0001.gz": lines.replace(b': "v', b': "plain'),
    }
    for name, content in delivered.items():
        landing.deliver(name, content)
    outcomes = {each.file: (each.status, each.rows_read) for each in landing.land()}
    assert outcomes == dict(
        zip(
            sorted(delivered),
            [("loaded", 2), ("loaded", 1), ("loaded", 1), ("loaded", 2), ("loaded", 1)],
            strict=True,
        )
    )
    assert sorted(row[1] for row in landing.rows()) == [
        *("plain1", "plain2", "v1", "v2", "v3", "v4", "v5")
    ]


def test_what_an_older_version_skipped_for_its_ending_is_read_now(landing):
    content = gzip.compress(ROWS.encode())
    landing.deliver("a.gz", content)
    landing.deliver("b.log", ROWS)
    landing.land()
    landing.con.execute(
        "delete from raw.clicks; update raw.files set skipped_reason = 'unknown_ending'"
    )
    outcomes = landing.land()
    assert [(each.file, each.status) for each in outcomes] == [
        ("a.gz", "loaded"),
        ("b.log", "known"),
    ]
    assert landing.query("select file, skipped_reason, rows_read from raw.files order by 1") == [
        ("a.gz", None, 1),
        ("b.log", "unknown_ending", 0),
    ]
    assert [each.status for each in landing.land()] == ["known", "known"]


def test_what_was_skipped_is_known_the_next_hour_and_not_opened_again(landing, monkeypatch):
    landing.deliver("a.csv", zipped("a.csv"))
    landing.land()
    monkeypatch.setattr(ways, "ByteStream", lambda path: pytest.fail(f"{path} was opened"))
    monkeypatch.setattr("orchestration.landing.new_files.ByteStream", ways.ByteStream)
    assert [each.status for each in landing.land()] == ["known"]
    assert landing.query("select count(*) from raw.files") == [(1,)]


def test_a_file_that_is_whole_at_last_takes_the_place_of_what_was_skipped(landing):
    landing.deliver("a.csv", "")
    landing.deliver("b.csv", "<html>")
    landing.land()
    landing.deliver("a.csv", ROWS)
    assert [each.status for each in landing.land()] == ["loaded", "known"]
    assert landing.query("select file, skipped_reason, load_id from raw.files order by file") == [
        ("a.csv", None, 3),
        ("b.csv", "markup", 2),
    ]


def test_content_that_was_skipped_for_its_name_is_read_under_another(landing):
    landing.deliver("a.log", ROWS)
    landing.deliver("b.csv", ROWS)
    landing.deliver("c.log", ROWS)
    assert [each.status for each in landing.land()] == ["skipped", "loaded", "known"]
    assert [each.status for each in landing.land()] == ["known"] * 3


def test_a_skipped_file_costs_those_beside_it_nothing(landing):
    landing.deliver("a.csv", ROWS)
    landing.deliver("b.csv", zipped("x"))
    landing.deliver("c.jsonl", '{"visitor_id": "v2", "ts": "t"}\n')
    landing.deliver("d.parquet", ROWS + "1")
    assert [each.status for each in landing.land()] == ["loaded", "skipped", "loaded", "skipped"]
    assert [row[1] for row in landing.rows()] == ["v2", "v1"]


def test_a_warehouse_of_an_older_version_gains_the_columns(landing):
    landing.con.execute(
        "create schema raw; create table raw.files (load_id bigint primary key, source varchar not"
        " null, file varchar not null, content_hash varchar not null, byte_size bigint not null,"
        " landed_at timestamp not null, rows_read bigint not null, note varchar)"
    )
    old = landing.deliver("country=DE/a.csv", ROWS)
    digest = hashlib.sha256(old.read_bytes()).hexdigest()
    landing.con.execute(
        "insert into raw.files"
        " values (7, 'clicks', 'country=DE/a.csv', ?, 33, '2026-02-01', 1, null)",
        [digest],
    )
    ensure_raw_tables(landing.con, {"clicks": CLICKS})
    landing.deliver("b.csv", "")
    outcomes = land(landing.con, find_files(landing.folder, CLICKS), CLICKS, landed_at=LANDED_AT)
    assert [(each.status, each.load_id) for each in outcomes] == [("skipped", 8), ("known", 7)]
    assert landing.query("select load_id, skipped_reason from raw.files order by 1") == [
        (7, None),
        (8, "empty"),
    ]


def test_a_link_out_of_the_folder_is_followed_only_if_a_setting_says_so(landing, tmp_path):
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    (outside / "secret.csv").write_text(ROWS)
    (outside / "more.csv").write_text("visitor_id,event_at\nv2,t\n")
    landing.deliver("real.csv", "visitor_id,event_at\nv3,t\n")
    (landing.folder / "a.csv").symlink_to(outside / "secret.csv")
    (landing.folder / "folder").symlink_to(outside)
    (landing.folder / "loop").symlink_to(landing.folder)
    (landing.folder / "inside.csv").symlink_to(landing.folder / "real.csv")
    outcomes = {each.file: (each.status, each.skipped_reason) for each in landing.land()}
    assert outcomes == {
        "a.csv": ("skipped", "symlink"),
        "folder": ("skipped", "symlink"),
        "inside.csv": ("loaded", None),
        "real.csv": ("known", None),
    }
    assert [row[1] for row in landing.rows()] == ["v3"]
    assert [each.status for each in landing.land()] == ["known"] * 4

    files = find_files(landing.folder, CLICKS, follow_symlinks=True)
    land(landing.con, files, CLICKS, landed_at=LANDED_AT)
    assert sorted(row[1] for row in landing.rows()) == ["v1", "v2", "v3"]
    assert landing.query("select file from raw.files where skipped_reason is not null") == [
        ("folder",)
    ]


def test_a_name_that_is_not_utf8_is_skipped_and_shown(landing):
    landing.deliver("real.csv", "visitor_id,event_at\nv3,t\n")
    folder = os.fsencode(landing.folder)
    for name in (b"verk\xe4ufe.csv", b"m\xe4rz"):
        path = Path(os.fsdecode(folder + b"/" + name))
        if path.suffix != ".csv":
            path.mkdir()
            path /= "a.csv"
        path.write_text(ROWS)
    outcomes = {each.file: (each.status, each.skipped_reason) for each in landing.land()}
    assert outcomes == {
        "m\\xe4rz/a.csv": ("skipped", "bad_name"),
        "real.csv": ("loaded", None),
        "verk\\xe4ufe.csv": ("skipped", "bad_name"),
    }
    assert landing.query("select file from raw.files where skipped_reason = 'bad_name'") == [
        ("m\\xe4rz/a.csv",),
        ("verk\\xe4ufe.csv",),
    ]
    assert {each.status for each in landing.land()} == {"known"}


def test_the_folder_itself_may_be_a_link(landing, tmp_path):
    landing.deliver("a.csv", ROWS)
    link = tmp_path / "link"
    link.symlink_to(landing.folder)
    (found,) = find_files(link, CLICKS)
    assert (found.name, found.skip) == ("a.csv", None)
