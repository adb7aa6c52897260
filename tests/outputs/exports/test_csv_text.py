"""What of a text is safe in a cell, and the bytes of a file."""

import csv
import io
import unicodedata
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.outputs.exports.csv_text import (
    can_run,
    cells,
    is_safe_identifier,
    lines,
    number,
    safe_text,
    shortened,
    time,
    to_bytes,
)

FORMULAS = [
    "=1+1",
    "+1",
    "-A1",
    "@SUM(A1)",
    " =1",
    "\t=1",
    "\r\n=1",
    "\x00=1",
    "\N{NO-BREAK SPACE}=1",
    "\N{ZERO WIDTH SPACE}=1",
    "\N{RIGHT-TO-LEFT OVERRIDE}=1",
    "\ufeff=1",
    '"=1"',
    "\uff1d1+1",
    "\uff0b1",
    "\uff0dA1",
    "\uff20SUM(A1)",
    "\ufe661",
    "\u22121",
    "red;=1+1",
    "red,=1+1",
    "red\t=1+1",
    "red; =1+1",
    'red;"=1+1"',
    "red;\uff1d1+1",
    "red\n=1+1",
    "=cmd|'/c calc'!A0",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_could_run_is_left_out_and_is_no_identifier(text):
    assert can_run(text)
    assert safe_text(text) == ""
    assert not is_safe_identifier(text)


@pytest.mark.parametrize(
    "text",
    [
        "ann@example.com",
        "ann+shop@example.com",
        "user-1_2=",
        "Jean-Luc",
        "O'Brien",
        "T-shirt, red; size M",
        "a=b",
        "5 % off",
        "שלום",
        "👩\u200d🚀",
        "東京",
        "",
        "'=1",
        "https://shop.example/i?id=1&x=-1",
        "a" * 10_000,
    ],
)
def test_what_no_spreadsheet_runs_stays_as_it_is(text):
    assert not can_run(text)
    assert safe_text(text) == text
    assert is_safe_identifier(text)


@pytest.mark.parametrize("text", ["a\x00b", "a\nb", "a\x85b", "a\u2028b", "a\u202eb", "a\x7f"])
def test_an_identifier_with_control_characters_is_refused_and_never_altered(text):
    assert not is_safe_identifier(text)


def test_free_text_loses_control_characters_and_keeps_its_words_apart():
    assert safe_text(" a\r\nb\tc\x00d\u2028e\u202ef ") == "a b cd ef"
    assert safe_text("\x00") == ""


@given(st.text(st.sampled_from("a1 =+-@,;\t\n\r\"'\x00\uff1d\uff0b\u200b\u202e€"), max_size=12))
def test_however_a_line_is_split_no_cell_of_it_is_a_formula(text):
    line = to_bytes(["x", "name"], lines([["1", safe_text(text)]])).decode()
    assert line.count("\n") == 2
    for separator in (",", ";", "\t"):
        for row in csv.reader(io.StringIO(line, newline=""), delimiter=separator):
            for cell in row:
                bare = unicodedata.normalize("NFKC", cell).lstrip(' "\u200b')
                assert not bare.startswith(("=", "+", "-", "@"))
        for cell in line.split(separator):
            bare = unicodedata.normalize("NFKC", cell).lstrip(' "\u200b')
            assert not bare.startswith(("=", "+", "-", "@"))


# no cell has control characters
CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"]))


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2)))
def test_a_file_is_read_back_as_its_cells(rows):
    content = to_bytes(["a", "b,c"], lines(rows))
    read = list(csv.reader(io.StringIO(content.decode(), newline="")))
    assert read == [["a", "b,c"], *rows]
    assert [cells(line) for line in lines(rows)] == rows
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([["a", "b,c"], *rows])
    assert content == text.getvalue().encode()


def test_a_cell_with_the_end_of_a_line_is_an_error_and_no_file():
    with pytest.raises(ValueError, match="end of a line"):
        lines([["a\nb"]])
    with pytest.raises(ValueError, match="end of a line"):
        lines([["a", "b\r"]])


def test_the_bytes_of_a_file_are_exact():
    assert to_bytes(["a", "b"], []) == b"a,b\n"
    assert to_bytes(["a", "b"], lines([["x y;z", 'q"'], ["é,", ""]])) == (
        b'a,b\nx y;z,"q"""\n"\xc3\xa9,",\n'
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("12.3400"), "12.34"),
        (Decimal("100"), "100"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0E-4"), "0"),
        (1e-7, "0"),
        (0.1 + 0.2, "0.3"),
        (1e16, "10000000000000000"),
        (float("nan"), ""),
        (float("inf"), ""),
        (Decimal("NaN"), ""),
        (7, "7"),
    ],
)
def test_a_number_has_a_point_and_no_exponent(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("iso", "2026-10-31T23:05:06Z"),
        ("epoch_seconds", "1793487906"),
        ("epoch_milliseconds", "1793487906000"),
        ("%Y-%m-%d %H:%M:%S+00:00", "2026-10-31 23:05:06+00:00"),
        ("%Y-%m-%d", "2026-10-31"),
    ],
)
def test_a_time_is_written_in_the_form_of_the_preset(form, text):
    assert time(datetime(2026, 10, 31, 23, 5, 6, 789), form) == text


def test_a_text_is_shortened_by_bytes_and_never_within_a_character():
    assert shortened("é" * 200, 255) == "é" * 127
    assert shortened("abc", 255) == "abc"
