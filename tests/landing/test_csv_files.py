"""CSV: each fault of a dump by a file made by hand; the two ways of reading held to one result."""

import csv
import io
import tempfile
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.landing import csv_files, csv_layout, csv_plain, ensure_raw_tables, streams
from orchestration.landing.file_writer import FileWriter, NotClean
from orchestration.landing.streams import ByteStream
from tests.landing.conftest import CLICKS

HEADER = "visitor_id,event_at,price\n"
LIMIT = 1 << 20


def test_clean_rows_arrive_as_text_with_the_line_they_stand_on(landing):
    outcome = landing.land_one("a.csv", HEADER + "v1,2026-01-01,007.50\nv2,,\n")
    assert (outcome.status, outcome.rows_read, outcome.note) == ("loaded", 2, None)
    assert landing.rows() == [
        (2, "v1", "2026-01-01", "007.50", None),
        (3, "v2", None, None, None),
    ]


def test_a_byte_order_mark_and_crlf_leave_no_trace(landing):
    landing.land_one("a.csv", b"\xef\xbb\xbf" + b"visitor_id,event_at,price\r\nv1,t,1\r\n")
    assert landing.rows() == [(2, "v1", "t", "1", None)]


def test_utf_16_as_spreadsheets_write_it_is_read(landing):
    landing.land_one("a.csv", "visitor_id\tevent_at\tprice\r\nvé\tt\t1\r\n".encode("utf-16"))
    assert landing.rows() == [(2, "vé", "t", "1", None)]


def test_a_quoted_line_break_is_data_and_later_lines_keep_their_number(landing):
    landing.land_one("a.csv", HEADER + '"v\r\n1",t,"a, ""b"""\nv2,t,2\n')
    assert landing.rows() == [(2, "v\r\n1", "t", 'a, "b"', None), (4, "v2", "t", "2", None)]


def test_blank_lines_are_no_rows(landing):
    outcome = landing.land_one("a.csv", "\n" + HEADER + "\nv1,t,1\n   \n\nv2,t,2\n\n")
    assert outcome.rows_read == 2
    assert [row[0] for row in landing.rows()] == [4, 7]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_that_gives_known_columns(landing, delimiter):
    content = "visitor_id,event_at,price\nv1,t,1\n".replace(",", delimiter)
    landing.land_one("a.csv", content)
    assert landing.rows() == [(2, "v1", "t", "1", None)]


def test_columns_are_found_by_name_alias_case_and_spelling(landing):
    landing.land_one("a.csv", 'PRICE, TS ,"clientId"\n1,t,v1\n')
    assert landing.rows() == [(2, "v1", "t", "1", None)]


def test_undeclared_columns_stay_in_extra_with_sorted_keys_and_without_nulls(landing):
    landing.land_one("a.csv", 'visitor_id,event_at,zone,"a ""b"""\nv1,t,z,x\nv2,t,,\nv3,t,"q""",\n')
    assert landing.rows() == [
        (2, "v1", "t", None, '{"a \\"b\\"":"x","zone":"z"}'),
        (3, "v2", "t", None, None),
        (4, "v3", "t", None, '{"zone":"q\\""}'),
    ]


def test_of_two_columns_with_one_meaning_the_first_value_wins_and_the_other_is_kept(landing):
    landing.land_one("a.csv", "visitor_id,time,ts\nv1,a,b\nv2,a,\nv3,,b\n")
    assert landing.rows() == [  # ts is the earlier alias
        (2, "v1", "b", None, '{"time":"a"}'),
        (3, "v2", "a", None, None),
        (4, "v3", "b", None, None),
    ]


def test_two_columns_of_the_same_name_both_survive(landing):
    landing.land_one("a.csv", "visitor_id,event_at,price,price,x,x\nv1,t,1,2,3,4\n")
    assert landing.rows() == [(2, "v1", "t", "1", '{"price":"2","x":"3","x_2":"4"}')]


def test_without_a_header_line_the_declared_order_is_taken(landing):
    outcome = landing.land_one("a.csv", "t1,v1,1\nt2,v2,2\n")
    assert outcome.note == "no header line; columns taken in the declared order"
    assert landing.rows() == [(1, "v1", "t1", "1", None), (2, "v2", "t2", "2", None)]


def test_a_file_of_foreign_columns_is_set_aside_row_by_row(landing):
    outcome = landing.land_one("a.csv", "name,street\nx,y\n\nz,w\n")
    assert outcome.note == (
        "the columns (name, street) are not those that the source clicks needs: "
        "event_at, visitor_id"
    )
    assert landing.unreadable() == [
        (1, "unknown_columns", "name,street"),
        (2, "unknown_columns", "x,y"),
        (4, "unknown_columns", "z,w"),
    ]


def test_a_wrong_number_of_fields_costs_that_row_only(landing):
    landing.land_one("a.csv", HEADER + "v1,t\nv2,t,2,x\nv3,t,3,\nv4,t,4\n")
    assert landing.unreadable() == [
        (2, "wrong_field_count", "v1,t"),
        (3, "wrong_field_count", "v2,t,2,x"),
    ]
    assert landing.query("select detail from raw.unreadable_rows order by line") == [
        ("2 fields where the header has 3",),
        ("4 fields where the header has 3",),
    ]
    assert [row[1] for row in landing.rows()] == ["v3", "v4"]


def test_a_stray_opening_quote_does_not_swallow_what_follows(landing):
    landing.land_one("a.csv", HEADER + 'v1,"t,1\nv2,t,2\nv3,"t",3\nv4,t,4\n')
    assert landing.unreadable() == [(2, "stray_quote", 'v1,"t,1')]
    assert [row[:2] for row in landing.rows()] == [(3, "v2"), (4, "v3"), (5, "v4")]


def test_a_quote_that_never_closes_costs_its_line_only(landing):
    landing.land_one("a.csv", HEADER + 'v1,"t,1\n' + "v,t,2\n" * 3_000)
    assert landing.unreadable() == [(2, "unclosed_quote", 'v1,"t,1')]
    assert len(landing.rows()) == 3_000


def test_a_quoted_break_in_a_record_of_wrong_width_costs_one_line_at_a_time(landing):
    landing.land_one("a.csv", HEADER + 'v1,"t\nv2,t,2\n"\nv3,t,3\n')
    assert landing.unreadable() == [
        (2, "wrong_field_count", 'v1,"t'),
        (4, "unclosed_quote", '"'),
    ]
    assert [row[1] for row in landing.rows()] == ["v2", "v3"]


def test_a_quote_inside_a_field_is_a_character(landing):
    landing.land_one("a.csv", HEADER + 'v1,5" screen,1\nv2,t\n')
    assert landing.rows() == [(2, "v1", '5" screen', "1", None)]


def test_a_file_that_ends_inside_a_record_says_so(landing):
    outcome = landing.land_one("a.csv", HEADER + "v1,t,1\nv2,t")
    assert outcome.note == "the file ends inside its last record"
    assert landing.query("select * exclude (load_id) from raw.unreadable_rows") == [
        (3, "cut_row", "2 fields where the header has 3; the file ends inside this record", "v2,t")
    ]


def test_a_last_line_without_an_end_is_a_row_if_it_is_whole(landing):
    outcome = landing.land_one("a.csv", HEADER + "v1,t,1\nv2,t,2")
    assert (outcome.rows_read, outcome.note) == (2, None)


def test_bytes_that_are_no_text_are_mended_and_the_row_kept(landing):
    outcome = landing.land_one("a.csv", HEADER.encode() + b"v\xff,t,1\nv\x002,t,2\nv3,t,3\n")
    assert outcome.rows_repaired == 2
    assert [row[1] for row in landing.rows()] == ["v\N{REPLACEMENT CHARACTER}", "v2", "v3"]
    assert landing.repaired() == [
        (2, "not_utf8", "v\N{REPLACEMENT CHARACTER},t,1"),
        (3, "nul_bytes", "v2,t,2"),
    ]


def test_a_row_above_the_limit_is_set_aside_clipped_and_the_rest_read(landing):
    long_row = "v1,t," + "9" * 3_000_000
    landing.land_one("a.csv", HEADER + long_row + "\nv2,t,2\n", row_limit=1_000_000)
    ((line, reason, raw_row),) = landing.unreadable()
    assert (line, reason) == (2, "row_too_long")
    assert raw_row == long_row[:65_536] + "... [clipped]"
    assert [row[:2] for row in landing.rows()] == [(3, "v2")]


def test_the_limit_holds_for_files_without_a_fault_too(landing):
    landing.land_one("a.csv", HEADER + "v1,t,1\nv2,t,123456\n", row_limit=10)
    assert landing.unreadable() == [
        (3, "row_too_long", "v2,t,123456"),
    ]


def test_a_file_without_rows_is_loaded_as_such(landing):
    outcome = landing.land_one("a.csv", HEADER)
    assert (outcome.status, outcome.rows_read) == ("loaded", 0)
    assert outcome.note == "the file holds no rows"


def test_old_macintosh_line_ends_are_read(landing):
    landing.land_one("a.csv", HEADER.replace("\n", "\r") + "v1,t,1\rv2,t,2\r")
    assert [row[:2] for row in landing.rows()] == [(2, "v1"), (3, "v2")]


def test_ten_thousand_stray_quotes_are_read_in_linear_time(landing):
    outcome = landing.land_one("a.csv", HEADER + 'v,"t,1\n' * 10_000)
    assert outcome.rows_unreadable == 10_000


def _tables(characters: str) -> st.SearchStrategy[list[tuple[str, ...]]]:
    field = st.text(alphabet=characters, max_size=6)
    return st.lists(st.tuples(field, field, field, field), max_size=5)


ODD = "ab ,;\"\t|'#\\é\u2028\ufeff0"


@pytest.fixture(scope="module")
def kept_con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        ensure_raw_tables(con, {CLICKS.name: CLICKS})
        yield con


def _read(con: duckdb.DuckDBPyConnection, way: str, path: Path) -> tuple[list[tuple], int] | None:
    stream = ByteStream(path)
    layout = csv_layout.layout_of(stream, CLICKS, LIMIT)
    writer = FileWriter(con, CLICKS, 1)
    con.begin()
    try:
        if way == "fast":
            csv_files.read_fast(writer, stream, layout, LIMIT)
        else:
            csv_files.read_exactly(writer, stream, layout, LIMIT)
            writer.finish()
        return con.execute("from raw.clicks order by _line").fetchall(), writer.rows_read
    except NotClean:
        return None
    finally:
        con.rollback()


@settings(max_examples=80, deadline=None)
@given(
    rows=st.one_of(_tables(ODD), _tables(ODD), _tables(ODD + "\r\n")),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONE]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_the_fast_way_gives_what_the_exact_way_gives_or_steps_aside(kept_con, rows, quoting, end):
    text = io.StringIO()
    text.write("visitor_id,event_at,price,note" + end)
    if quoting == csv.QUOTE_NONE:
        text.writelines(",".join(row) + end for row in rows)
    else:
        csv.writer(text, quoting=quoting, lineterminator=end).writerows(rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "odd.csv"
        path.write_bytes(text.getvalue().encode())
        fast = _read(kept_con, "fast", path)
        if fast is not None:
            assert fast == _read(kept_con, "exact", path)


def _everything_said(con: duckdb.DuckDBPyConnection, path: Path, limit: int) -> tuple:
    con.begin()
    stream = ByteStream(path)
    writer = FileWriter(con, CLICKS, 1)
    layout = csv_layout.layout_of(stream, CLICKS, limit)
    csv_files.read_exactly(writer, stream, layout, limit, {"country": "SE"})
    writer.finish()
    tables = ("clicks", "unreadable_rows", "repaired_rows")
    rows = [con.execute(f"from raw.{each} order by all").fetchall() for each in tables]
    con.rollback()
    return rows, writer.rows_loaded, writer.rows_unreadable, writer.rows_repaired, writer.notes


PLAIN = b"v,2026-01-01T00:00:00Z,1,x"
LINES = (
    b"w,,,",
    b",,,",
    b"a,b,c,d,",
    b'v,t,1,"a, b"',
    b'v,t,1,"two',
    b'lines"',
    b'v,"t,1',
    b"",
    b"  ",
    b"v,t,1",
    b"v,t,1,\0",
    b"v,t,1,\xff",
    b"v,t,\xef\xbb\xbf,x",
    b"v,t,1,\xe2\x80\xa8",
    b"v,t\r,1,x",
    b"v" * 90,
    b"v," + b"t" * 90 + b",1,x",
    b"NULL,nan,1e5,null",
    b"v,t,1,\\n",
    b"visitor_id,event_at,price,note",
    b"\xef\xbb\xbfvisitor_id,event_at,price,note",
    b"event_at,visitor_id",
    b"Visitor-ID,EVENT AT,price,note",
    b" \tvisitorid ,EventAt,price,note",
    b"\xc3\x96,t,1,x",
    b"t,u",
)


@settings(max_examples=100, deadline=None)
@given(
    runs=st.lists(st.tuples(st.sampled_from(LINES), st.integers(0, 12)), max_size=12),
    # of the lines in turn
    ends=st.lists(st.sampled_from([b"\n", b"\r\n", b"\r", b"\r\r\n"]), min_size=1, max_size=4),
    chunk=st.sampled_from([7, 64, 300, 1 << 20]),
    limit=st.sampled_from([80, 1 << 20]),
    is_ended=st.booleans(),
)
def test_plain_rows_are_the_same_many_at_once_as_line_by_line(
    kept_con, runs, ends, chunk, limit, is_ended
):
    lines = [line for odd, count in runs for line in (odd, *[PLAIN] * count)]
    lines = [b"visitor_id,event_at,price,note", *lines]
    text = b"".join(line + end for line, end in zip(lines, cycle(ends), strict=False))
    text = text if is_ended else text.rstrip(b"\r\n")
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder) / "odd.csv"
        path.write_bytes(text)
        patch.setattr(streams, "_CHUNK_BYTES", chunk)
        patch.setattr(csv_plain, "_ROWS_AT_ONCE", 5)
        at_once = _everything_said(kept_con, path, limit)
        patch.setattr(csv_plain.Lines, "take_plain", lambda *_: None)
        assert at_once == _everything_said(kept_con, path, limit)


def test_between_odd_rows_plain_ones_are_taken_in_runs(tmp_path):
    path = tmp_path / "odd.csv"
    rows = [b"v,t,1,x"] * 4
    path.write_bytes(b"\r\n".join([b"h", *rows, b'v,t,1,"a, b"', *rows[:2], b"\xff,t,1,x", b""]))
    shape = csv_plain.Shape(b",", 4, frozenset({b"h"}), has_backslashes=False)
    lines = csv_plain.Lines(ByteStream(path), 1 << 20, 1)
    # bytes that are no UTF-8 cost the block its runs
    assert lines.take_plain(shape) is None
    path.write_bytes(path.read_bytes().replace(b"\xff", b"\0"))
    lines = csv_plain.Lines(ByteStream(path), 1 << 20, 1)
    assert lines.take_plain(shape) == (2, rows)
    assert lines.take_plain(shape) is None
    assert next(lines).number == 6
    assert lines.take_plain(shape) == (7, rows[:2])
    assert next(lines).number == 9
    assert lines.take_plain(shape) is None


def test_where_headers_take_turns_the_lines_are_looked_through_once_for_each(landing, monkeypatch):
    looked = []
    look = csv_plain.Lines._not_plain
    monkeypatch.setattr(
        csv_plain.Lines, "_not_plain", lambda self, shape: looked.append(shape) or look(self, shape)
    )
    two = HEADER + "v,t,1\n" * 5 + "event_at,visitor_id,price,note\n" + "t,v,1,x\n" * 5
    outcome = landing.land_one("a.csv", two * 50)
    assert (outcome.rows_read, outcome.rows_unreadable) == (500, 0)
    assert [shape.width for shape in looked] == [3, 4]
    query = "select distinct visitor_id, event_at, price from raw.clicks"
    assert landing.con.execute(query).fetchall() == [("v", "t", "1")]


def test_of_a_file_with_one_bad_row_all_others_are_taken_many_at_once(
    kept_con, tmp_path, monkeypatch
):
    path = tmp_path / "one_bad.csv"
    rows = [f"v{n},t,{n}" for n in range(50_000)]
    rows[30_000] = "v,t"
    path.write_text(HEADER + "\n".join(rows) + "\n")
    one_by_one = []
    add = FileWriter.add
    monkeypatch.setattr(
        FileWriter,
        "add",
        lambda self, line, *rest: one_by_one.append(line) or add(self, line, *rest),
    )
    read, count = _read(kept_con, "exact", path)
    assert one_by_one == []
    assert count == 50_000
    assert [row[1] for row in read] == [n + 2 for n in range(50_000) if n != 30_000]
    assert all(row[4] == str(row[1] - 2) for row in read)


def test_a_clean_file_of_many_rows_is_read_the_fast_way_in_order(kept_con, tmp_path):
    path = tmp_path / "clean.csv"
    path.write_text(HEADER + "".join(f'v{n},"a, ""{n}""",{n}\n' for n in range(300_000)))
    rows, count = _read(kept_con, "fast", path)
    assert count == 300_000
    assert all(row[1] == n + 2 and row[4] == str(n) for n, row in enumerate(rows))
