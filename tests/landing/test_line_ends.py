"""Ends of lines that may be none: carriage returns alone, and files put together whose last line
has no end."""

import gzip
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.landing import streams
from tests.landing.conftest import Landing

HEADER = "visitor_id,event_at,price\n"
Pack = Callable[[bytes], bytes]
PUT_TOGETHER = (
    "packed files are put together; what follows one whose last line has no end"
    " counts as the next line"
)


def _zstd(content: bytes) -> bytes:
    return pa.compress(content, codec="zstd", asbytes=True)


PACKS = pytest.mark.parametrize(("ending", "pack"), [(".gz", gzip.compress), (".zst", _zstd)])


@pytest.mark.parametrize(
    "content",
    [
        HEADER + "v1,t,1\rv2,t,2\nv3,t,3\n",
        HEADER + "v1,t,1\nv2,t,2\rv3,t,3\r",
        HEADER + "v1,t,1\rv2,t,2\r\nv3,t,3",
        HEADER.replace("\n", "\r") + "v1,t,1\nv2,t,2\nv3,t,3\n",
        HEADER.replace("\n", "\r") + "v1,t,1\rv2,t,2\nv3,t,3\r\n",
        HEADER + '"v1","t","1"\r"v2","t","2"\n"v3",t,3\r',
    ],
)
def test_each_row_is_its_own_whichever_end_its_line_has(landing, content):
    outcome = landing.land_one("a.csv", content)
    assert (outcome.rows_read, outcome.note) == (3, None)
    assert landing.rows() == [
        (2, "v1", "t", "1", None),
        (3, "v2", "t", "2", None),
        (4, "v3", "t", "3", None),
    ]


def test_carriage_returns_before_a_line_feed_are_its_end(landing):
    landing.land_one("a.csv", HEADER + 'v1,t,1\r\r\nv2,t,"a\r\r\nb"\r\r\r\n')
    assert landing.rows() == [(2, "v1", "t", "1", None), (3, "v2", "t", "a\r\r\nb", None)]


def test_within_quotes_carriage_returns_are_data(landing):
    landing.land_one("a.csv", HEADER + '"v\r1",t,"a\rb"\rv2,t,"\r"\n"v\n3\r",t,3\rv4,t,4\n')
    assert [row[1:4] for row in landing.rows()] == [
        ("v\r1", "t", "a\rb"),
        ("v2", "t", "\r"),
        ("v\n3\r", "t", "3"),
        ("v4", "t", "4"),
    ]


def test_lines_that_are_a_row_together_only_have_a_carriage_return_in_a_field(landing):
    outcome = landing.land_one(
        "a.csv", HEADER + "v\r1,t,a\nv2,t\r2,2\nv3,t\r\r3,b\r\nv4,\rt,\rx\ry\n\rv5,t\r5,5\nv6,t,6\n"
    )
    assert outcome.rows_unreadable == 1
    assert [row[:4] for row in landing.rows()] == [
        (3, "1", "t", "a"),
        (4, "v2", "t\r2", "2"),
        (6, "v3", "t\r\r3", "b"),
        (9, "v4", "\rt", "\rx\ry"),
        (13, "\rv5", "t\r5", "5"),
        (16, "v6", "t", "6"),
    ]
    assert landing.unreadable() == [(2, "wrong_field_count", "v")]


def test_behind_a_whole_row_a_carriage_return_is_an_end(landing):
    landing.land_one("a.csv", HEADER + "v1,t,1\rTOTAL\n\rv2,t,2\rb\n")
    assert [row[:4] for row in landing.rows()] == [(2, "v1", "t", "1"), (5, "v2", "t", "2")]
    assert landing.unreadable() == [
        (3, "wrong_field_count", "TOTAL"),
        (6, "wrong_field_count", "b"),
    ]


def test_what_is_no_row_either_way_is_set_aside_and_nothing_is_lost(landing):
    outcome = landing.land_one("a.csv", HEADER + "v1,t,a\rb\rv2,t,2\nv3\rv4,t,4,5\nv\r5,t,5\n")
    assert [row[:4] for row in landing.rows()] == [
        (2, "v1", "t", "a"),
        (4, "v2", "t", "2"),
        (8, "5", "t", "5"),
    ]
    assert landing.unreadable() == [
        (3, "wrong_field_count", "b"),
        (5, "wrong_field_count", "v3"),
        (6, "wrong_field_count", "v4,t,4,5"),
        (7, "wrong_field_count", "v"),
    ]
    assert outcome.rows_read == 7


def test_a_file_of_one_column_is_cut_at_each(landing):
    landing.land_one("a.csv", "visitor_id\rv1\rv2\nv3\n")
    assert [row[:2] for row in landing.rows()] == [(2, "v1"), (3, "v2"), (4, "v3")]


def test_a_delimiter_at_the_end_of_the_header_joins_no_rows(landing):
    landing.land_one("a.csv", "visitor_id,event_at,\nv1,t\rv2,t\n")
    assert [row[:2] for row in landing.rows()] == [(2, "v1"), (3, "v2")]


def test_short_rows_cost_time_by_their_number_only(landing):
    outcome = landing.land_one("a.csv", HEADER + "v\r" * 20_000 + "v1,t,1\n")
    assert (outcome.rows_unreadable, landing.rows()[0][:2]) == (20_000, (20_002, "v1"))


FIELDS = st.text(alphabet="abé1 ", min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(FIELDS, FIELDS, FIELDS), min_size=1, max_size=12),
    ends=st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=13, max_size=13),
    quoted=st.sets(st.integers(0, 11)),
    chunk=st.sampled_from([5, 40, 1 << 20]),
)
def test_rows_are_the_same_whatever_ends_each(rows, ends, quoted, chunk):
    rows = [("v" + row[0], *row[1:]) for row in rows]
    lines = [HEADER.rstrip()]
    for at, row in enumerate(rows):
        if at in quoted:
            row = rows[at] = (row[0], row[1] + "\r\rx", row[2])
            lines.append(",".join(f'"{field}"' for field in row))
        else:
            lines.append(",".join(row))
    text = "".join(line + end for line, end in zip(lines, ends, strict=False))
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "_CHUNK_BYTES", chunk)
        landing = Landing(duckdb.connect(), Path(folder))
        landing.land_one("a.csv", text)
    assert [row[1:4] for row in landing.rows()] == rows


@PACKS
def test_packed_files_are_put_together_without_an_end_between_them(landing, ending, pack):
    parts = [HEADER + "v1,t,1", "v2,t,2", 'v3,t,"3\n3"\nv4,t,4', HEADER + "v5,t,5\nv6,t,6"]
    content = b"".join(pack(each.encode()) for each in parts)
    outcome = landing.land_one(f"a.csv{ending}", content)
    assert [row[:4] for row in landing.rows()] == [
        (2, "v1", "t", "1"),
        (3, "v2", "t", "2"),
        (4, "v3", "t", "3\n3"),
        (6, "v4", "t", "4"),
        (7, "v5", "t", "5"),
        (8, "v6", "t", "6"),
    ]
    assert outcome.note == f"{PUT_TOGETHER}; the header is repeated, first on line 6"


@PACKS
def test_a_row_that_two_packed_parts_share_stays_one(landing, ending, pack):
    text = (HEADER + 'vé1,t,1.50\n"v""2",t,"a\nb"\nv3,t,3\n').encode()
    for at in range(1, len(text)):
        landing.deliver(f"{at:03}.csv{ending}", pack(text[:at]) + pack(text[at:]))
    outcomes = landing.land()
    assert {(each.rows_read, each.rows_unreadable, each.note) for each in outcomes} == {
        (3, 0, None)
    }
    assert landing.query("select distinct * exclude (_load_id) from raw.clicks order by all") == [
        (2, "vé1", "t", "1.50", None),
        (3, 'v"2', "t", "a\nb", None),
        (5, "v3", "t", "3", None),
    ]


@PACKS
def test_a_bad_row_is_one_row_wherever_the_parts_meet(landing, ending, pack):
    """`v1,t,1` and `0,x` would be a row with a price that is none, and a rest."""
    text = (HEADER + "v1,t,10,x\nv2,t,2\n").encode()
    for at in range(len(HEADER) + 1, len(text)):
        landing.deliver(f"{at:03}.csv{ending}", pack(text[:at]) + pack(text[at:]))
    assert {(each.rows_read, each.rows_unreadable) for each in landing.land()} == {(2, 1)}
    assert {row[1:4] for row in landing.unreadable()} == {("wrong_field_count", "v1,t,10,x")}
    assert {row[1:4] for row in landing.rows()} == {("v2", "t", "2")}


@PACKS
def test_many_rows_in_packed_parts_of_any_size_arrive_as_they_are(landing, ending, pack):
    rows = [f"v{at},2026-01-01T00:00:00Z,{at}.25\n" for at in range(30_000)]
    text = (HEADER + "".join(rows)).encode()
    parts = [pack(text[at : at + 65_280]) for at in range(0, len(text), 65_280)]
    assert len(parts) > 15
    outcome = landing.land_one(f"a.csv{ending}", b"".join(parts))
    assert (outcome.rows_read, outcome.rows_unreadable, outcome.note) == (30_000, 0, None)
    assert landing.query(
        "select count(distinct _line), sum(price::decimal(18, 2)) from raw.clicks"
    ) == [(30_000, 30_000 * 29_999 // 2 + 7_500)]


@PACKS
def test_json_lines_of_packed_files_put_together_are_each_a_row(landing, ending, pack):
    lines = [f'{{"visitor_id": "v{at}", "ts": "t"}}'.encode() for at in range(3)]
    landing.land_one(f"a.jsonl{ending}", b"".join(map(pack, lines)))
    assert [row[:3] for row in landing.rows()] == [(1, "v0", "t"), (2, "v1", "t"), (3, "v2", "t")]


def test_json_lines_with_any_ends_are_each_a_row(landing):
    line = '{"visitor_id": "v%s", "ts": "t"}'
    landing.land_one("a.jsonl", line % 0 + "\r" + line % 1 + "\n" + line % 2 + "\r\n" + line % 3)
    assert [row[:2] for row in landing.rows()] == [(1, "v0"), (2, "v1"), (3, "v2"), (4, "v3")]


def test_members_in_utf_16_are_put_together(landing):
    parts = [HEADER + "vé1,t,1", "v2,t,2\n", HEADER + "v3,t,3"]
    content = b"".join(gzip.compress(each.encode("utf-16")) for each in parts)
    landing.land_one("a.csv.gz", content)
    assert [row[:4] for row in landing.rows()] == [
        (2, "vé1", "t", "1"),
        (3, "v2", "t", "2"),
        (5, "v3", "t", "3"),
    ]


def test_a_header_glued_to_the_last_row_of_the_file_before_it_is_found(landing):
    parts = [HEADER + "v1,t,1", HEADER + "v2,t,", HEADER + '"v3",t,"3"', HEADER + "v4,t,4"]
    outcome = landing.land_one("a.csv", "".join(parts))
    assert [row[:4] for row in landing.rows()] == [
        (2, "v1", "t", "1"),
        (3, "v2", "t", None),
        (4, "v3", "t", "3"),
        (5, "v4", "t", "4"),
    ]
    assert outcome.note == "the header is repeated, first on line 2"


@PACKS
def test_parts_of_one_row_before_a_header_are_each_a_row(landing, ending, pack):
    parts = [HEADER + "v1,t,1", "v2,t,2", HEADER + "v3,t,3", '"v\n4",t,4', '"v5",t,"5"\nv6,t,6']
    landing.land_one(f"a.csv{ending}", b"".join(pack(each.encode()) for each in parts))
    assert landing.unreadable() == []
    assert [row[:4] for row in landing.rows()] == [
        (2, "v1", "t", "1"),
        (3, "v2", "t", "2"),
        (4, "v3", "t", "3"),
        (5, "v\n4", "t", "4"),
        (7, "v5", "t", "5"),
        (8, "v6", "t", "6"),
    ]


@pytest.mark.parametrize("last", ["1", '"1"', '"1\n1"'])
@pytest.mark.parametrize("header", [HEADER, "event_at,visitor_id\n"])
def test_a_header_behind_a_mark_is_found_behind_a_record_of_several_lines(landing, last, header):
    rows = "v2,t,2\n" if header == HEADER else "t,v2\n"
    landing.land_one("a.csv", HEADER + f'v1,"t\nt",{last}\ufeff{header}{rows}')
    lines = 3 + last.count("\n")
    assert landing.unreadable() == []
    assert [row[:4] for row in landing.rows()] == [
        (2, "v1", "t\nt", last.strip('"')),
        (lines + 1, "v2", "t", "2" if header == HEADER else None),
    ]


@PACKS
def test_a_quote_in_a_field_that_two_parts_share_is_text(landing, ending, pack):
    text = (HEADER + 'v1,t,5"\nv2,t,"6"\nv3,t,7""\nv4,t,8\n').encode()
    for at in range(1, len(text)):
        landing.deliver(f"{at:03}.csv{ending}", pack(text[:at]) + pack(text[at:]))
    assert {(each.rows_read, each.rows_unreadable) for each in landing.land()} == {(4, 0)}
    assert landing.query("select distinct visitor_id, price from raw.clicks order by all") == [
        ("v1", '5"'),
        ("v2", "6"),
        ("v3", '7""'),
        ("v4", "8"),
    ]


def test_a_line_of_many_parts_costs_time_by_their_number_only(landing):
    rows = b"".join(gzip.compress(b"v%d,t,%d" % (at, at)) for at in range(20_000))
    outcome = landing.land_one("a.csv.gz", gzip.compress(HEADER.encode()) + rows)
    assert (outcome.rows_read, outcome.rows_unreadable) == (20_000, 0)
    assert landing.query("select count(distinct _line), max(_line) from raw.clicks") == [
        (20_000, 20_001)
    ]


def test_another_header_is_known_by_its_first_name(landing):
    """Both where it stands on a line of its own and where nothing ends the line before it."""
    other = "row_no,visitor_id,event_at\n1,v2,t\n"
    landing.deliver("a.csv", HEADER + "v1,t,1\n" + other)
    landing.deliver("b.csv", HEADER + "v1,t,1\ufeff" + other)
    landing.deliver("c.csv", HEADER + "v1,t,1\ufeff" + other.replace("row_no", "price"))
    landing.land()
    assert landing.query("select _load_id, _line, visitor_id from raw.clicks order by all") == [
        (1, 2, "v1"),
        (1, 3, "row_no"),
        (1, 4, "1"),
        (2, 3, "1"),
        (3, 2, "v1"),
        (3, 3, "v2"),
    ]
    assert [row[:3] for row in landing.unreadable()] == [
        (2, "wrong_field_count", "v1,t,1\ufeffrow_no,visitor_id,event_at")
    ]


@pytest.mark.parametrize("delimiter", ["§", "é", "\u2028", "^", "\\"])
def test_any_delimiter_that_a_line_above_the_header_names_cuts(landing, delimiter):
    rows = ["v1,t,1", 'v2,t,"2\n2"', "v3,t,3", "v4,t,4,5"]
    text = "\n".join([HEADER.strip(), *rows, ""]).replace(",", delimiter)
    landing.land_one("a.csv", f"sep={delimiter}\n" + text)
    assert [row[:4] for row in landing.rows()] == [
        (3, "v1", "t", "1"),
        (4, "v2", "t", "2\n2"),
        (6, "v3", "t", "3"),
    ]
    assert [row[:2] for row in landing.unreadable()] == [(7, "wrong_field_count")]


@pytest.mark.parametrize("join", ["".join, "\ufeff".join])
def test_a_header_without_rows_or_an_end_before_another_is_one_of_two(landing, join):
    header = HEADER.strip()
    landing.land_one("a.csv", HEADER + "v1,t,1\n" + join([header, header]) + "\nv2,t,2\n")
    assert landing.unreadable() == []
    assert [row[:4] for row in landing.rows()] == [(2, "v1", "t", "1"), (4, "v2", "t", "2")]


def test_of_one_column_only_a_mark_says_that_a_header_follows(landing):
    landing.land_one("a.csv", "visitor_id\nv1visitor_id\nv2\ufeffvisitor_id\nv3\n")
    assert [row[:2] for row in landing.rows()] == [(2, "v1visitor_id"), (3, "v2"), (4, "v3")]


def _field(random: Random, *, is_quoted: bool) -> str:
    letters = "abé1x. €" + ('\r\n",' if is_quoted else "")
    return "".join(random.choices(letters, k=random.choice([1, 1, 2, 3, 5, 9])))


def _part(random: Random, *, is_first: bool) -> tuple[list[tuple[str, ...]], str]:
    """The rows of a file that is put behind another, and its text."""
    ends = random.choice([["\n"], ["\r\n"], ["\r"], ["\n", "\r\n"]])
    rows, lines = [], []
    for at in range(random.choice([1, 1, 2, 5])):
        quoted = [random.random() < 0.3 for _ in range(3)]
        row = tuple(
            f"{name}{at}" + _field(random, is_quoted=each)
            for name, each in zip("vtp", quoted, strict=True)
        )
        rows.append(row)
        lines.append(
            ",".join(
                '"' + field.replace('"', '""') + '"' if each else field
                for field, each in zip(row, quoted, strict=True)
            )
        )
    mark = ""
    if is_first or random.random() < 0.5:
        lines.insert(0, HEADER.strip())
        mark = random.choice(["", "", "\ufeff"])
    text = mark + "".join(line + random.choice(ends) for line in lines)
    return rows, text.rstrip("\r\n") if random.random() < 0.6 else text


@pytest.mark.parametrize("seed", range(4))
def test_packed_parts_hold_the_same_rows_as_each_by_itself(landing, monkeypatch, seed):
    random = Random(seed)
    monkeypatch.setattr(streams, "_PACKED_CHUNK_BYTES", random.choice([1, 7, 30, 1 << 16]))
    expected = {}
    for at in range(60):
        parts = [_part(random, is_first=not number) for number in range(random.randint(2, 5))]
        ending, pack = random.choice([(".gz", gzip.compress), (".zst", _zstd)])
        name = f"{at:02}.csv{ending}"
        landing.deliver(name, b"".join(pack(text.encode()) for _, text in parts))
        expected[name] = [row for rows, _ in parts for row in rows]
    found: dict[str, list[tuple[str, ...]]] = {}
    for outcome in landing.land():
        found[Path(outcome.file).name] = landing.query(
            "select visitor_id, event_at, price from raw.clicks"
            f" where _load_id = {outcome.load_id} order by _line"
        )
    assert found == expected
    assert landing.query("select count(*), count(distinct (_load_id, _line)) from raw.clicks") == [
        (sum(map(len, expected.values())),) * 2
    ]
