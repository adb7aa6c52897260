"""Which suspect files still stop an hour, what is said of them, and accepting one."""

import shlex
from dataclasses import replace
from datetime import datetime

import duckdb
import pytest

from orchestration.ground.errors import ComebackError, WrongUsage
from orchestration.warehouse import database, passed_files, suspect_files

from .quality_tables import QUALITY_TABLES

NOW = datetime(2026, 11, 28, 12)
TIMES = (
    "give each row a time, such as 2026-11-20T10:00:00Z or an epoch; of events a source of your"
    " own reads other forms (comeback source new)"
)
REPAIRED = ("bad_price", "bad_order_value")


@pytest.fixture
def warehouse():
    with duckdb.connect() as connection:
        connection.execute(
            "create schema raw;"
            "create table raw.files (load_id bigint, source varchar, file varchar,"
            " content_hash varchar, landed_at timestamp);"
            "create table raw.canonical (_load_id bigint, _line bigint, visitor_id varchar,"
            " event_type varchar, price varchar)"
        )
        connection.execute(QUALITY_TABLES)
        database.ensure_score_tables(connection)
        yield connection


def land(connection, load_id: int, file: str, reasons: list[str | None], **columns) -> None:
    """A file with a row for each reason it is set aside for, or None for one that is kept."""
    dropped = sum(reason not in (None, *REPAIRED) for reason in reasons)
    values = {
        "source": "canonical",
        "content_hash": f"hash {load_id}",
        "is_suspect": 2 * dropped > len(reasons),
        "event_type": "view_item",
        **columns,
    }
    row = [load_id, values["source"], file, values["content_hash"]]
    connection.execute("insert into raw.files values (?, ?, ?, ?, ?)", [*row, NOW])
    connection.execute(
        "insert into main.landed_files values (?, ?, ?, ?, ?, ?, ?, ?)",
        [*row, len(reasons), dropped, values["is_suspect"], NOW],
    )
    for line, reason in enumerate(reasons, start=2):
        connection.execute(
            "insert into raw.canonical values (?, ?, 'ann', ?, null)",
            [load_id, line, values["event_type"]],
        )
        if reason is not None:
            action = "repaired" if reason in REPAIRED else "dropped"
            connection.execute(
                "insert into main.set_aside_rows values (?, ?, ?, ?, ?)",
                [load_id, line, action, reason, f'{{"visitor_id":"v{line}","user_id":null}}'],
            )
        if reason in (None, *REPAIRED):
            connection.execute(
                "insert into main.candidate_events values (?, ?, null, null, null)",
                [load_id, values["event_type"]],
            )


def faults(connection) -> dict[str, str]:
    return {each.file: each.fault for each in suspect_files.pending(connection)}


def test_a_file_is_named_with_its_share_commonest_reason_and_three_rows(warehouse):
    land(warehouse, 1, "h2.csv", ["no_type", *["bad_time"] * 4, None])
    (file,) = suspect_files.pending(warehouse)
    assert file.fault == "5 of 6 rows (83%) were dropped, most for bad_time"
    assert [(each.line, each.row) for each in file.examples] == [
        (3, '{"visitor_id": "v3"}'),
        (4, '{"visitor_id": "v4"}'),
        (5, '{"visitor_id": "v5"}'),
    ]


def test_what_is_kept_of_it_names_lines_and_no_content(warehouse):
    land(warehouse, 1, "h2.csv", ["bad_time"] * 2)
    files = suspect_files.pending(warehouse)
    kept = suspect_files.reason_to_stop(files, with_rows=False)
    assert kept == (
        "a file says too little: h2.csv (canonical): 2 of 2 rows (100%) were dropped, most for"
        " bad_time, for example line 2, 3, nothing was published, correct the file or the"
        f" definition of its source: {TIMES}; if it is meant so: comeback accept h2.csv"
    )
    shown = suspect_files.reason_to_stop(files, with_rows=True)
    assert 'line 2: {"visitor_id": "v2"}; line 3: {"visitor_id": "v3"}' in shown
    assert suspect_files.reason_to_stop([], with_rows=True) is None


def test_several_files_are_named_each_with_what_to_type(warehouse):
    for load_id in range(1, 8):
        land(warehouse, load_id, f"h {load_id}.csv", ["bad_time"])
    files = suspect_files.pending(warehouse)
    for name in ("plain.csv", "export(1).csv", "ann's.csv", "a&b $c.csv"):
        typed = replace(files[0], file=name).acceptance
        assert shlex.split(typed) == ["comeback", "accept", name]
        assert ("'" in typed) == (name != "plain.csv")
    dropped = "(canonical): 1 of 1 rows (100%) were dropped, most for bad_time, for example line 2"
    assert suspect_files.reason_to_stop(files[:2], with_rows=False) == (
        f"files say too little: h 1.csv {dropped}; h 2.csv {dropped}, nothing was published,"
        f" correct the files or the definition of their source: {TIMES}; if it is meant so:"
        " comeback accept 'h 1.csv'; comeback accept 'h 2.csv'"
    )
    many = suspect_files.reason_to_stop(files, with_rows=True)
    assert "h 5.csv (canonical)" in many
    assert "h 6.csv" not in many
    assert '{"visitor_id": "v2"}; and 2 more, nothing was published' in many
    assert many.endswith("; comeback accept 'h 5.csv'; the others: comeback status")


@pytest.mark.parametrize(
    "name", ["events(1).csv", "it's [h2] \u00fc.csv.gz", "a&b;c$d.csv", "country=DE/h-2.csv"]
)
def test_what_to_type_is_the_name_to_a_shell(warehouse, name):
    land(warehouse, 1, name, ["bad_time"])
    (file,) = suspect_files.pending(warehouse)
    stopped = suspect_files.reason_to_stop([file], with_rows=True)
    assert stopped.endswith(f"; if it is meant so: {file.acceptance}")
    assert shlex.split(file.acceptance) == ["comeback", "accept", name]


def test_of_rows_that_are_kept_nowhere_the_lines_are_named(warehouse):
    land(warehouse, 1, "p.csv", ["bad_time", "bad_time"], source="profiles")
    warehouse.execute("update main.set_aside_rows set raw_row = null")
    (file,) = suspect_files.pending(warehouse)
    assert file.in_full.endswith("most for bad_time, for example line 2; line 3")


def test_unreadable_prices_and_unknown_types_are_faults_of_their_own(warehouse):
    land(warehouse, 1, "prices.csv", ["bad_price", "bad_price", None], is_suspect=True)
    land(warehouse, 2, "types.csv", [None, None], is_suspect=True, event_type="Korb")
    assert faults(warehouse) == {
        "prices.csv": "2 of 2 prices (100%) cannot be read, bad_price",
        "types.csv": "none of 2 rows has a known type, the commonest are Korb (2)",
    }
    land(warehouse, 3, "orders.csv", ["bad_order_value", None], is_suspect=True)
    (_, types, orders) = suspect_files.pending(warehouse)
    assert orders.fault == "1 of 1 order values (100%) cannot be read, bad_order_value"
    assert types.examples[0].row == '{"visitor_id": "ann", "event_type": "Korb"}'


def test_of_each_fault_is_said_what_to_do(warehouse):
    land(warehouse, 1, "prices.csv", ["bad_price"], is_suspect=True)
    land(warehouse, 2, "types.csv", [None], is_suspect=True, event_type="Korb")
    land(warehouse, 3, "rates.csv", ["row_too_long"], is_suspect=True)
    land(warehouse, 4, "more.csv", ["bad_price"], is_suspect=True)
    stop = suspect_files.reason_to_stop(suspect_files.pending(warehouse), with_rows=False)
    assert (
        "correct the files or the definition of their source: write 1299.00, or say `decimal:"
        " comma` in the source's own file for 1.299,00; write GA4's words for what happened, such"
        " as add_to_cart, or have a source of your own translate yours (comeback source new); if it"
    ) in stop
    alone = suspect_files.reason_to_stop(suspect_files.pending(warehouse)[2:3], with_rows=False)
    assert "correct the file or the definition of its source; if it is meant so" in alone


def test_rows_of_the_erased_say_nothing_about_a_file(warehouse):
    land(warehouse, 1, "a.csv", ["erased", "erased", "bad_time"], is_suspect=True)
    assert faults(warehouse) == {"a.csv": "1 of 1 rows (100%) were dropped, most for bad_time"}
    land(warehouse, 2, "b.csv", ["erased"] * 9 + [None], is_suspect=False)
    assert suspect_files.warnings(warehouse) == [
        f"a.csv (canonical): 1 of 3 rows (33%) were dropped, most for bad_time; {TIMES}"
    ]


def test_a_file_that_passed_is_noted_before_rows_of_it_go(warehouse):
    land(warehouse, 1, "good.csv", [None, "bad_time"])
    land(warehouse, 2, "suspect.csv", ["bad_time"])
    land(warehouse, 3, "untouched.csv", [None])
    warehouse.execute("create table raw.passed_files (load_id bigint primary key)")
    warehouse.execute(
        "create temp table going as select * from (values (1), (1), (2)) as t (load_id)"
    )
    for _ in range(2):
        passed_files.keep(warehouse, "going")
        assert warehouse.execute("from raw.passed_files").fetchall() == [(1,)]


def test_a_file_that_came_again_with_other_content_stops_nothing_any_more(warehouse):
    land(warehouse, 1, "h2.csv", ["bad_time"])
    land(warehouse, 2, "h2.csv", [None])
    land(warehouse, 3, "h3.csv", ["bad_time"])
    land(warehouse, 4, "h3.csv", [None], source="rees46")
    assert list(faults(warehouse)) == ["h3.csv"]
    land(warehouse, 5, "h3.csv", ["bad_time"])
    assert [each.content_hash for each in suspect_files.pending(warehouse)] == ["hash 5"]


@pytest.mark.parametrize("name", ["day/h2.csv", "h2.csv"])
def test_an_accepted_file_stops_nothing_any_more_the_next_one_does(warehouse, name):
    land(warehouse, 1, "day/h2.csv", ["bad_time"])
    land(warehouse, 2, "other_h2.csv", ["bad_time"])
    assert [each.file for each in suspect_files.accept(warehouse, [name], NOW)] == ["day/h2.csv"]
    assert list(faults(warehouse)) == ["other_h2.csv"]


def test_a_file_may_be_named_by_a_path_to_its_content(warehouse, tmp_path):
    path = tmp_path / "copy.csv"
    path.write_bytes(b"abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    land(warehouse, 1, "h2.csv", ["bad_time"], content_hash=digest)
    suspect_files.accept(warehouse, [str(path)], NOW)
    assert faults(warehouse) == {}


def test_a_name_that_means_no_suspect_file_or_several_is_refused(warehouse):
    land(warehouse, 1, "a/h2.csv", ["bad_time"])
    land(warehouse, 2, "b/h2.csv", ["bad_time"])
    land(warehouse, 3, "good.csv", [None])
    with pytest.raises(ComebackError, match=r"no suspect file has this name, good.csv, suspect"):
        suspect_files.accept(warehouse, ["good.csv"], NOW)
    with pytest.raises(ComebackError, match=r"several .*, h2.csv, give one of: a/h2.csv, b/h2.csv"):
        suspect_files.accept(warehouse, ["h2.csv"], NOW)


def test_a_name_of_nothing_that_landed_or_is_there_is_wrong_usage(warehouse, tmp_path):
    land(warehouse, 1, "day/good.csv", [None])
    (tmp_path / "new.csv").write_text("never landed")
    for name in ("day/good.csv", "good.csv", str(tmp_path / "new.csv"), str(tmp_path)):
        with pytest.raises(ComebackError) as failure:
            suspect_files.named(warehouse, [name])
        assert type(failure.value) is ComebackError, name
    for name in ("ood.csv", "nowhere/good.csv", str(tmp_path / "gone.csv")):
        with pytest.raises(WrongUsage, match="no suspect file has this name"):
            suspect_files.named(warehouse, [name])


def test_of_several_files_all_are_accepted_or_none(warehouse):
    land(warehouse, 1, "a.csv", ["bad_time"])
    land(warehouse, 2, "b.csv", ["bad_time"])
    with pytest.raises(ComebackError):
        suspect_files.accept(warehouse, ["a.csv", "c.csv"], NOW)
    assert list(faults(warehouse)) == ["a.csv", "b.csv"]
    accepted = suspect_files.accept(warehouse, ["a.csv", "b.csv", "a.csv"], NOW)
    assert [each.file for each in accepted] == ["a.csv", "b.csv"]
    assert faults(warehouse) == {}
    assert warehouse.execute("select count(*) from scores.accepted_files").fetchall() == [(2,)]


def test_from_a_twentieth_of_the_rows_on_it_is_a_warning(warehouse):
    land(warehouse, 1, "warned.csv", ["bad_time"] + [None] * 19)
    land(warehouse, 2, "not.csv", ["bad_time"] + [None] * 20)
    assert suspect_files.warnings(warehouse) == [
        f"warned.csv (canonical): 1 of 20 rows (5%) were dropped, most for bad_time; {TIMES}"
    ]
    assert suspect_files.warnings(warehouse, since=datetime(2026, 11, 28, 13)) == []
    assert suspect_files.pending(warehouse) == []


def test_what_an_older_version_published_stops_nothing_when_the_new_one_comes():
    with duckdb.connect() as connection:
        database.ensure_score_tables(connection)
        connection.execute(
            "drop table scores.accepted_files; alter table scores.cart_scores drop is_stale;"
            "create schema raw; create table raw.files (source varchar, content_hash varchar);"
            "insert into raw.files values ('canonical', 'x')"
        )
        for _ in range(2):
            database.ensure_score_tables(connection)
            assert connection.execute(
                "select source, content_hash from scores.accepted_files"
            ).fetchall() == [("canonical", "x")]
            assert connection.sql("select is_stale from scores.cart_scores").fetchall() == []
