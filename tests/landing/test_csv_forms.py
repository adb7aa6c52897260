"""Delimited files as spreadsheets and scripts write them: what stands above, between and beside the
rows."""

import time
from dataclasses import replace

import pytest

from tests.landing.conftest import CLICKS

HEADER = "visitor_id,event_at,price\n"
MANY = "".join(f"v{n},t,{n}\n" for n in range(5_000))  # enough to be read the fast way


def first_columns(landing) -> list[tuple]:
    return [row[:3] for row in landing.rows()]


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;", "\ufeffsep=;"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_excels_line_names_the_delimiter_and_is_no_row(landing, line, end):
    outcome = landing.land_one("a.csv", f"{line}{end}visitor_id;event_at{end}a,b;t{end}")
    assert first_columns(landing) == [(3, "a,b", "t")]
    assert outcome.note is None


@pytest.mark.parametrize("rows", ["v1,t,1\nv2,t,2\n", MANY])
@pytest.mark.parametrize(
    ("header", "ends"), [(",", ("",)), (",,", (",,", "", ",")), ("", ("", ",,")), (" ,", (",",))]
)
def test_delimiters_too_many_say_nothing_in_the_header_and_in_rows(landing, rows, header, ends):
    lines = [f"{line}{ends[n % len(ends)]}" for n, line in enumerate(rows.splitlines())]
    outcome = landing.land_one("a.csv", HEADER.strip() + header + "\n" + "\n".join(lines) + "\n")
    assert (outcome.rows_read, outcome.rows_unreadable) == (len(lines), 0)
    assert landing.query("select count(distinct visitor_id), min(event_at) from raw.clicks") == [
        (len(lines), "t")
    ]
    assert landing.query("select count(*) from raw.clicks where _extra is not null") == [(0,)]


@pytest.mark.parametrize("row", ["v2,t,19,90,", "v2,10:05:00,5,1,", "v2,t,hat, red,"])
def test_a_row_that_a_delimiter_within_a_field_made_longer_is_none(landing, row):
    """What is empty at its end would hide that all behind the cut stands in other columns."""
    rows = ["v1,t,1,", row, "v3,t,1,b,", *["v4,t,1,"] * 100]
    landing.land_one("a.csv", "\n".join([HEADER.strip() + ",note", *rows, ""]))
    assert landing.unreadable() == [(3, "wrong_field_count", row)]
    assert {row[3] for row in landing.rows()} == {"1"}
    assert len(landing.rows()) == 102


def test_a_blank_behind_every_delimiter_cuts_no_field(landing):
    rows = ["v1, t, 1,", "v2, t,1,", 'v3,t,"1\n"', *["v4,t,1"] * 10]
    landing.land_one("a.csv", "\n".join([HEADER.strip(), *rows, ""]))
    assert landing.unreadable() == [(3, "wrong_field_count", "v2, t,1,")]
    assert [row[:4] for row in landing.rows()[:2]] == [
        (2, "v1", " t", " 1"),
        (4, "v3", "t", "1\n"),
    ]


def test_a_row_too_short_by_a_column_with_a_name_is_set_aside_all_the_same(landing):
    landing.land_one("a.csv", "visitor_id,event_at,price,,note,\nv1,t,1,,\nv2,t,1\nv3,t,1,,n\n")
    assert [row[:2] for row in landing.unreadable()] == [(3, "wrong_field_count")]
    assert [row[1] for row in landing.rows()] == ["v1", "v3"]


def test_a_line_of_blanks_and_the_end_mark_of_dos_are_no_rows(landing):
    outcome = landing.land_one("a.csv", HEADER + "v1,t,1\n\t\n \t \nv2,t,2\n\x1a")
    assert (outcome.rows_read, outcome.rows_unreadable, outcome.note) == (2, 0, None)
    assert [row[:2] for row in landing.rows()] == [(2, "v1"), (5, "v2")]


@pytest.mark.parametrize("above", ["", "sep=;\n", "\ufeff"])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_a_table_is_read_whatever_its_name_says(landing, name, above):
    content = above + HEADER.replace(",", ";") + 'v1;"[{""a"": 1}]";1\n'
    landing.land_one(name, content)
    assert [row[1:] for row in landing.rows()] == [("v1", '[{"a": 1}]', "1", None)]


def test_excels_line_may_name_a_tab(landing):
    landing.land_one("a.csv", "sep=\t\nvisitor_id\tevent_at\nv\tt\n")
    assert first_columns(landing) == [(3, "v", "t")]


@pytest.mark.parametrize("rows", ["v1,t,1\nv2,t,2\n", MANY])
@pytest.mark.parametrize(
    "above", ["Report\n\nof 2026-11-20\n", "Report,,\nShop,x,\n", '"Report, ""all"""\nfrom,to\n']
)
def test_lines_before_the_header_are_no_rows_and_are_noted(landing, above, rows):
    outcome = landing.land_one("a.csv", above + HEADER + rows)
    assert outcome.rows_read == rows.count("\n")
    assert outcome.note == "2 lines before the header are not read"
    assert first_columns(landing)[0][0] == above.count("\n") + 2


@pytest.mark.parametrize("rows", ["v1,t,1\n", MANY])
@pytest.mark.parametrize("again", [HEADER, "\ufeff" + HEADER, "Visitor ID,EVENT-AT,Price\n"])
def test_a_header_in_the_middle_is_no_row(landing, rows, again):
    content = HEADER + rows + again + "w1,t,1\n" + HEADER + "w2,t,1\n"
    outcome = landing.land_one("a.csv", content)
    assert outcome.rows_read == rows.count("\n") + 2
    assert outcome.note == f"the header is repeated, first on line {rows.count(chr(10)) + 2}"
    assert [row[1] for row in landing.rows()][-2:] == ["w1", "w2"]


@pytest.mark.parametrize("rows", ["v1,t,1\n", MANY])
@pytest.mark.parametrize(
    "other",
    [
        *("price,ts,client_id\n7,u,w\n", "ts,client_id\nu,w\n", '"ts","client_id","x"\nu,w,7\n'),
        *("Price,TS,Client-ID\n7,u,w\n", " Time ,clientId\nu,w\n"),
    ],
)
def test_another_header_in_the_middle_holds_for_what_follows(landing, rows, other):
    outcome = landing.land_one("a.csv", HEADER + rows + other)
    assert outcome.rows_unreadable == 0
    assert "another header is on line" in outcome.note
    assert [row[1:3] for row in landing.rows() if row[1] == "w"] == [("w", "u")]


def test_files_put_together_without_a_line_end_lose_no_row(landing):
    landing.land_one("a.csv", HEADER + "v1,t,1\ufeff" + HEADER + "v2,t,2\n")
    assert [row[1:4] for row in landing.rows()] == [("v1", "t", "1"), ("v2", "t", "2")]


def test_a_mark_within_a_text_is_a_character(landing):
    landing.land_one("a.csv", HEADER + "v1,a\ufeffb,1\n\ufeffv2,t,2\n")
    assert first_columns(landing) == [(2, "v1", "a\ufeffb"), (3, "v2", "t")]


def test_windows_1252_is_read_as_such_with_a_note(landing):
    content = (HEADER + "jürgen,caf\xe9 €,1\nplain,t,2\n").encode("windows-1252")
    outcome = landing.land_one("a.csv", content)
    assert [row[1:3] for row in landing.rows()] == [("jürgen", "café €"), ("plain", "t")]
    assert (outcome.note, outcome.rows_repaired) == (
        "the text is not UTF-8; read as Windows-1252",
        0,
    )


def test_damage_in_a_text_of_utf_8_is_mended_and_no_other_encoding(landing):
    content = (HEADER + "jürgen,t,1\n").encode() * 3 + b"m\xfcller,t,1\n"
    outcome = landing.land_one("a.csv", content)
    assert (outcome.rows_repaired, landing.repaired()[0][1]) == (1, "not_utf8")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_read_with_a_note(landing, encoding):
    outcome = landing.land_one("a.txt", (HEADER + MANY).encode(encoding))
    assert outcome.rows_read == 5_000
    assert outcome.note == "the text is UTF-16; read as such"


BACKSLASHES = HEADER + r'"12\" pan, red",t,1' + "\n" + r'"a\\",t,2' + "\n" + '"b""c",t,3\n'


def test_backslashes_are_escapes_only_if_the_source_says_so(landing):
    landing.land_one("a.csv", BACKSLASHES)
    assert [row[1] for row in landing.rows()] == [r"a\\", 'b"c']
    assert [row[:2] for row in landing.unreadable()] == [(2, "stray_quote")]


@pytest.mark.parametrize("rows", ["", MANY])
def test_backslashes_are_read_as_escapes_by_a_source_that_says_so(landing, rows):
    landing.source = replace(CLICKS, escape="backslash")
    landing.land_one("a.csv", BACKSLASHES + '"x\\"\ny",t,4\n' + rows)
    assert [row[1] for row in landing.rows()][:4] == ['12" pan, red', "a\\", 'b"c', 'x"\ny']
    assert landing.unreadable() == []


@pytest.mark.parametrize("rows", ["", MANY.replace(",", "\t")])
def test_outside_of_quotes_too_a_backslash_stands_before_what_cuts(landing, rows):
    """As MySQL and Adobe write: before the delimiter, a line end, and itself."""
    landing.source = replace(CLICKS, escape="backslash")
    lines = ["a\\\tb\tt\t1", "c\\\\\tt\t2", "d\\\ne\\\\\\\nf\tt\t3", '{"g":"\\\\"h"}\t\\N\tC:\\x']
    content = HEADER.replace(",", "\t") + "\n".join(lines) + "\n"
    landing.land_one("a.tsv", content + rows)
    assert [row[:4] for row in landing.rows()][:4] == [
        (2, "a\tb", "t", "1"),
        (3, "c\\", "t", "2"),
        (4, "d\ne\\\nf", "t", "3"),
        (7, '{"g":"\\"h"}', "\\N", "C:\\x"),
    ]
    assert landing.unreadable() == []


def test_a_line_that_a_backslash_leads_on_from_wrongly_costs_itself_only(landing):
    landing.source = replace(CLICKS, escape="backslash")
    landing.land_one("a.csv", HEADER + "v1,t,C:\\\nv2,t,2\nv3,t,3\\\n")
    assert [row[:2] for row in landing.unreadable()] == [(2, "wrong_field_count")]
    assert [row[1:4] for row in landing.rows()] == [("v2", "t", "2"), ("v3", "t", "3\\")]


@pytest.mark.parametrize("first", ["2026-11-11,v0", "2026-11-11,v0,1,2", "# rows of November"])
def test_a_bad_first_row_of_a_file_without_a_header_line_costs_itself_only(landing, first):
    rows = "".join(f"2026-11-11,v{n},{n}\n" for n in range(1, 51))
    outcome = landing.land_one("a.csv", f"{first}\n{rows}")
    assert (outcome.rows_read, outcome.rows_unreadable) == (51, 1)
    assert [row[:2] for row in landing.unreadable()] == [(1, "wrong_field_count")]
    assert landing.rows()[0][:4] == (2, "v1", "2026-11-11", "1")


def test_a_first_row_with_an_escape_does_not_cost_a_file_without_a_header_line(landing):
    landing.source = replace(CLICKS, escape="backslash")
    landing.land_one("a.tsv", "2026-11-11\tv\\\t1\t1\n2026-11-11\tv2\t2\n")
    assert [row[1] for row in landing.rows()] == ["v\t1", "v2"]


def test_rows_of_another_width_stay_those_of_an_unknown_file(landing):
    outcome = landing.land_one("a.csv", "1,2,3,4\n" * 3 + "2026-11-11,v1,1\n" * 2)
    assert (outcome.rows_unreadable, landing.rows()) == (5, [])


def test_hives_folders_are_columns(landing):
    name = "price=7/country=D%2FE/none=__HIVE_DEFAULT_PARTITION__/a.csv"
    landing.land_one(name, "visitor_id,event_at\nv1,t\n")
    assert landing.rows() == [(2, "v1", "t", "7", '{"country":"D/E"}')]


def test_hives_folders_are_columns_the_fast_way_too_and_the_files_own_win(landing):
    landing.land_one("price=7/country=DE/a.csv", HEADER + MANY)
    assert landing.query(
        "select count(*), sum(price::int), min(_extra), max(_extra) from raw.clicks"
    ) == [(5_000, 12_497_500, '{"country":"DE"}', '{"country":"DE"}')]


@pytest.mark.parametrize("name", ["date", "dt", "ds"])
def test_files_alike_in_two_folders_are_two_deliveries(landing, name):
    for day in (20, 21):
        landing.deliver(f"{name}=2026-11-{day}/a.csv", "time,visitor_id,price\n9:05:00,v1,1\n")
    assert [each.status for each in landing.land()] == ["loaded", "loaded"]
    assert [row[2] for row in landing.rows()] == ["2026-11-20 09:05:00", "2026-11-21 09:05:00"]
    assert [each.status for each in landing.land()] == ["known", "known"]


@pytest.mark.parametrize(
    ("date", "clock", "joined"),
    [
        ("2026-11-20", "10:00:00", "2026-11-20 10:00:00"),
        ("20261120", "9:05", "2026-11-20 09:05"),
        ("2026/11/20", "10:00:00.123456+01:00", "2026-11-20 10:00:00.123456+01:00"),
        ("2026-11-20T00:00:00", " 10:00:00Z", "2026-11-20 10:00:00Z"),
        ("20261120", "100000", "2026-11-20 10:00:00"),
        ("2026-11-20", " 000059 ", "2026-11-20 00:00:59"),
        ("20261120", "0905", "2026-11-20 09:05"),
        ("20261120", "106000", "106000"),
        ("20261120", "250000", "250000"),
        ("", "100000", "100000"),
        ("2026-11-20", "2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z"),
        ("2026-11-20", "1795168800", "1795168800"),
        ("", "10:00:00", "10:00:00"),
    ],
)
@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_date_and_a_time_of_day_are_one_time(landing, form, date, clock, joined):
    if form == "csv":
        content = f"date,time,visitor_id\n{date},{clock},v\n"
    else:
        content = f'{{"date": "{date}", "time": "{clock}", "visitor_id": "v"}}\n'
    landing.land_one(f"a.{form}", content)
    assert [row[2] for row in landing.rows()] == [joined]


@pytest.mark.parametrize("columns", [4_000, 20_000])
def test_a_file_of_thousands_of_columns_is_set_aside_at_once(landing, columns):
    names = ",".join(f"c{n}" for n in range(columns - 3))
    begun = time.process_time()
    outcome = landing.land_one("a.csv", f"{HEADER.strip()},{names}\n" + "1," * columns + "\n")
    assert time.process_time() - begun < 5
    assert [row[:2] for row in landing.unreadable()] == [(2, "unknown_columns")]
    assert outcome.note == f"the file has {columns} columns, the limit is 2000"


def test_two_thousand_columns_are_read_in_little_time(landing):
    names = ",".join(f"c{n}" for n in range(1_997))
    begun = time.process_time()
    landing.land_one("a.csv", f"{HEADER.strip()},{names}\nv,t,1" + ",x" * 1_997 + "\n")
    assert time.process_time() - begun < 5
    ((line, visitor, at, price, extra),) = landing.rows()
    assert (line, visitor, at, price) == (2, "v", "t", "1")
    assert extra.count('":"x"') == 1_997
