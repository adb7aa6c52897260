"""JSON lines: numbers and nested values as delivered, and lines that are no objects."""

import io
import json
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.landing.conftest import CLICKS


def test_numbers_keep_their_text_and_nested_values_stay_json(landing):
    landing.land_one(
        "a.jsonl",
        '{"visitor_id": 12345678901234567890123, "ts": 1.10, "price": 1e5}\n'
        '{"visitor_id": "v", "ts": true, "price": {"b": [1, 2.50, null, "x\\"y"], "a": 0.1000}}\n',
    )
    assert landing.rows() == [
        (1, "12345678901234567890123", "1.10", "1e5", None),
        (2, "v", "true", '{"b":[1,2.50,null,"x\\"y"],"a":0.1000}', None),
    ]


@pytest.mark.parametrize("count", [1, 2_000])  # read by Python, and by DuckDB
def test_a_number_is_no_text_of_thousands_where_texts_have_decimal_commas(landing, count):
    landing.source = replace(CLICKS, decimal="comma")
    row = '{"ts": "%s", "visitor_id": "a 1.299 b", "price": %s}\n'
    prices = ["1.299", '"1.299"', "-19.125", "1299.125", '"1.299,00"', "12.5"]
    lines = [row % (at, price) for at, price in enumerate(prices)]
    landing.land_one("a.jsonl", "".join(lines) + (row % ("x", "1.5")) * count)
    assert landing.query(
        "select price from raw.clicks where event_at != 'x' order by event_at"
    ) == [*(("1.2990",), ("1.299",), ("-19.1250",), ("1299.125",), ("1.299,00",), ("12.5",))]


def test_null_empty_and_missing_are_null(landing):
    landing.land_one("a.jsonl", '{"visitor_id": null, "ts": "", "x": NaN}\n{"ts": "t"}\n')
    assert landing.rows() == [(1, None, None, None, None), (2, None, "t", None, None)]


def test_undeclared_keys_stay_in_extra_as_text(landing):
    landing.land_one("a.jsonl", '{"ts": "t", "z": 1.50, "a": {"k": "é"}, "m": null}\n')
    assert landing.rows() == [(1, None, "t", None, '{"a":"{\\"k\\":\\"é\\"}","z":"1.50"}')]


def test_of_two_keys_with_one_meaning_the_better_name_wins(landing):
    landing.land_one(
        "a.jsonl",
        '{"time": "a", "event_at": "b", "ts": "c", "visitor_id": "v"}\n'
        '{"time": "a", "event_at": null, "visitor_id": "v"}\n',
    )
    assert landing.rows() == [
        (1, "v", "b", None, '{"time":"a","ts":"c"}'),
        (2, "v", "a", None, None),
    ]


@pytest.mark.parametrize("form", ["a.jsonl", "a.csv", "a.parquet"])
def test_of_two_lists_an_empty_one_says_nothing(landing, form):
    # visitor_id, and its alias client_id: whatever the column is for
    pairs = [("[]", "[1]"), ("[2]", "[]"), ("[]", "[]"), ("[3]", "[4]"), ("", "[]")]
    expected = [("[1]", None), ("[2]", None), ("[]", None), ("[3]", '{"client_id":"[4]"}')]
    for names in (("visitor_id", "client_id"), ("client_id", "visitor_id")):
        rows = [
            dict(zip(names, each if names[0] == "visitor_id" else each[::-1], strict=True))
            for each in pairs
        ]
        if form == "a.csv":
            lines = ["ts," + ",".join(names), *(",".join(["t", *row.values()]) for row in rows)]
            content = "\n".join(lines).encode() + b"\n"
        elif form == "a.jsonl":
            content = "".join(json.dumps({"ts": "t"} | row) + "\n" for row in rows).encode()
        else:
            sink = io.BytesIO()
            pq.write_table(pa.Table.from_pylist([{"ts": "t"} | row for row in rows]), sink)
            content = sink.getvalue()
        outcome = landing.land_one(form, content)
        found = landing.query(
            f"select visitor_id, _extra from raw.clicks where _load_id = {outcome.load_id}"
            " order by _line"
        )
        assert found == [*expected, ("[]", None)]


def test_broken_lines_are_set_aside_and_the_others_read(landing):
    outcome = landing.land_one(
        "a.jsonl",
        '{"ts": 1}\n{"ts": 2,\n[1]\n\n"x"\n7\nnull\ntrue\n{"ts": 3}\n{"ts": 4, "pr',
    )
    assert landing.unreadable() == [
        (2, "bad_json", '{"ts": 2,'),
        (3, "not_an_object", "[1]"),
        (5, "not_an_object", '"x"'),
        (6, "not_an_object", "7"),
        (7, "not_an_object", "null"),
        (8, "not_an_object", "true"),
        (10, "cut_row", '{"ts": 4, "pr'),
    ]
    assert landing.query("select detail from raw.unreadable_rows where line in (6, 7)") == [
        ("the line holds a number, not an object",),
        ("the line holds null, not an object",),
    ]
    assert outcome.note == "the file ends inside its last record"
    assert [row[0] for row in landing.rows()] == [1, 9]


def test_a_line_nested_without_end_is_set_aside(landing):
    landing.land_one("a.jsonl", '{"ts": 1}\n{"ts": ' + "[" * 100_000 + "\n")
    assert [row[:2] for row in landing.unreadable()] == [(2, "bad_json")]


def test_half_a_surrogate_and_bytes_that_are_no_text_are_mended(landing):
    landing.land_one(
        "a.jsonl", b'{"ts": "a\\ud83d", "price": "\\ud83d\\ude00"}\n{"ts": "b\xff\\u0000"}\n'
    )
    assert [row[2:4] for row in landing.rows()] == [
        ("a\N{REPLACEMENT CHARACTER}", "\N{GRINNING FACE}"),
        ("b\N{REPLACEMENT CHARACTER}", None),
    ]
    assert [row[:2] for row in landing.repaired()] == [(1, "bad_escape"), (2, "not_utf8")]


def test_a_file_without_a_required_key_is_set_aside_row_by_row(landing):
    outcome = landing.land_one("a.jsonl", '{"session": 1}\n{"session": 2, "events": []}\n[]\n')
    assert (outcome.rows_read, outcome.rows_unreadable) == (3, 3)
    assert {row[1] for row in landing.unreadable()} == {"unknown_columns"}


def test_a_line_above_the_limit_is_set_aside(landing):
    landing.land_one("a.jsonl", '{"ts": "' + "x" * 200 + '"}\n{"ts": 1}\n', row_limit=100)
    assert [row[:2] for row in landing.unreadable()] == [(1, "row_too_long")]
    assert [row[2] for row in landing.rows()] == ["1"]


def test_rows_beyond_one_chunk_keep_their_lines(landing):
    landing.land_one("a.jsonl", "".join(f'{{"ts": {n}}}\n' for n in range(120_000)))
    assert landing.query(
        "select count(*), bool_and(event_at::int + 1 = _line) from raw.clicks"
    ) == [(120_000, True)]
