"""Finding files: what counts as delivered, under which name, and remote folders."""

import fsspec
import pytest

from orchestration.ground.errors import ComebackError
from orchestration.landing import find_files, land
from tests.landing.conftest import CLICKS, LANDED_AT


def test_dumps_are_found_below_the_folder_in_order_of_name(landing):
    delivered = ["b.CSV", "a/über uns.jsonl.gz", "a/x[1].csv", "c.parquet", "date=1/d.csv.gz"]
    delivered += ["i.txt", "j.zip", "no ending", "k.ndjson.zst"]
    left_out = ["_tmp/e.csv", ".f.csv", "g.csv.part", "h.tmp.csv", "a/.j/k.csv", "_l.csv"]
    for name in delivered + left_out:
        landing.deliver(name, "")
    assert [file.name for file in find_files(landing.folder, CLICKS)] == sorted(delivered)


def test_names_that_look_like_patterns_are_read_as_they_are(landing):
    outcome = landing.land_one("date=1/x [1]*?.csv", "visitor_id,event_at\nv1,t\n")
    assert (outcome.file, outcome.rows_read) == ("date=1/x [1]*?.csv", 1)
    assert landing.rows() == [(2, "v1", "t", None, '{"date":"1"}')]


def test_a_folder_where_nothing_was_delivered_yet_is_empty(tmp_path):
    assert find_files(tmp_path / "clicks", CLICKS) == []


def test_a_file_given_by_itself_keeps_the_name_it_was_given(landing):
    path = landing.deliver("a.csv", "visitor_id\nv1\n")
    assert [file.name for file in find_files(path, CLICKS)] == [str(path)]


def test_a_file_that_is_not_there_is_an_error_with_the_way_out(landing):
    with pytest.raises(ComebackError, match=r"no file to land for clicks, .*missing.csv, give a f"):
        find_files(landing.folder / "missing.csv", CLICKS)


def test_a_remote_folder_is_landed_like_a_local_one(landing):
    store = fsspec.filesystem("memory")
    store.pipe("/shop/day 1/a.csv", b"visitor_id,event_at\nv1,t\n")
    store.pipe("/shop/_b.csv", b"visitor_id,event_at\nv2,t\n")
    for expected in ("loaded", "known"):
        files = find_files("memory://shop", CLICKS)
        (outcome,) = land(landing.con, files, CLICKS, landed_at=LANDED_AT)
        assert (outcome.file, outcome.status) == ("day 1/a.csv", expected)
    assert landing.rows() == [(2, "v1", "t", None, None)]
    store.pipe("/shop/day 1/a.csv", b"visitor_id,event_at\nv1,t\nv3,t\n")
    (outcome,) = land(landing.con, find_files("memory://shop", CLICKS), CLICKS, landed_at=LANDED_AT)
    assert (outcome.status, outcome.rows_read) == ("loaded", 2)


def test_copies_of_remote_files_leave_nothing_behind(landing, tmp_path):
    scratch = tmp_path / "scratch"
    (scratch / "comeback-landing-killed").mkdir(parents=True)
    fsspec.filesystem("memory").pipe("/store/a.jsonl", b'{"visitor_id": "v1"}\n')
    files = find_files("memory://store/a.jsonl", CLICKS)
    land(landing.con, files, CLICKS, landed_at=LANDED_AT, scratch=scratch)
    assert len(landing.rows()) == 1
    assert list(scratch.iterdir()) == []


def test_a_file_url_is_a_local_file(landing):
    path = landing.deliver("a.csv", "visitor_id,event_at\nv1,t\n")
    (file,) = find_files(f"file://{landing.folder}", CLICKS)
    assert (file.name, file.address) == ("a.csv", str(path))
