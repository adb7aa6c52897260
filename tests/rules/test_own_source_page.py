"""The pieces of SQL that the page on a source of one's own gives, run as they stand there."""

import json
import re

import duckdb
import pytest

from .dbt_runs import PROJECT

PAGE = (PROJECT / "docs" / "own_source.md").read_text(encoding="utf-8")
PIECES = re.findall(r"```sql\n(.*?)\n```", PAGE.partition("### Where columns need work")[2], re.S)


def piece(word: str) -> str:
    (found,) = (each for each in PIECES if word in each)
    return found


def value_of(word: str, **columns: str | None) -> object:
    names = ", ".join(f"${name} as {name}" for name in columns)
    query = f"select {piece(word)} from (select {names})"
    return duckdb.execute(query, columns).fetchall()[0][0]


def test_prices_of_lines_in_cents_become_those_of_a_unit():
    lines = '[{"sku": "milk", "n": 2, "cents": 245, "x": 1}, {"sku": "tea", "n": 3, "cents": 100}]'
    assert json.loads(value_of("cents", lines=lines)) == [
        {"sku": "milk", "n": 2, "each": "1.225"},
        {"sku": "tea", "n": 3, "each": "0.3333"},
    ]


@pytest.mark.parametrize("none", ["", None])
def test_a_text_becomes_a_list(none):
    assert json.loads(value_of("string_split", products="milk;2;1.20,bread;1;3.50")) == [
        {"sku": "milk", "n": "2", "each": "1.20"},
        {"sku": "bread", "n": "1", "each": "3.50"},
    ]
    assert value_of("string_split", products=none) is None


def test_robots_have_no_type_and_addresses_are_hashed():
    assert value_of("is_robot", is_robot="1", act="scan") is None
    assert value_of("is_robot", is_robot=None, act="scan") == "scan"
    hashed = "ea42f58f924e98504c131a3e8e42dc48"
    assert value_of("mail", mail=" Anna@shop.example") == hashed


def test_a_visit_becomes_a_row_for_each_event(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    at = "2026-03-02T10:00:00+01:00"
    actions = [{"at": at, "items": [{"sku": "a"}, {"sku": "b"}]}, {"at": 1772445600}]
    (tmp_path / "visits.jsonl").write_text(json.dumps({"visitor": "01", "actions": actions}))
    duckdb.execute(piece("copy"))
    rows = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert rows == [{"visitor": "01", "action": each} for each in actions]


def test_every_piece_is_run():
    assert len(PIECES) == 5
