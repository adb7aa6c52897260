"""A source of the shop's own that makes ids of the delivered ones: whoever is erased stays so."""

import json
from pathlib import Path

import duckdb
import pytest

from .conftest import run_comeback

pytestmark = [pytest.mark.slow, pytest.mark.heavy]

YML = """
version: 2
sources:
  - name: raw
    schema: raw
    tables:
      - name: till
        columns:
          - name: stamp
            config: {meta: {required: true, time: true}}
          - name: shelf
            config: {meta: {required: true, identity: visitor}}
          - name: box
            config: {meta: {required: true, identity: visitor}}
          - name: mail
            config: {meta: {identity: user}}
          - name: act
            config: {meta: {required: true, type: true}}
"""
SQL = """
select
    'till' as source,
    _load_id as load_id,
    _line as line,
    md5({{ row_content() }}) as event_id,
    shelf || '-' || box as visitor_id,
    md5(lower(mail)) as user_id,
    {{ event_time('stamp', 'till') }},
    act as event_type,
    {{ null_fields(
        'currency', 'order_id', 'items', 'item_id', 'item_category', 'item_brand', 'quantity',
        'price', 'order_value', 'page_url', 'referrer', 'utm_source', 'utm_medium', 'utm_campaign',
        'device_type', 'country'
    ) }}
from {{ source('raw', 'till') }}
"""
MAIL = "Anna.Kunde182@shop.example"


def row(minute: int, shelf: str, box: str, mail: str | None = None) -> str:
    stamp = f"2026-03-02T10:{minute:02}:00Z"
    return json.dumps({"stamp": stamp, "shelf": shelf, "box": box, "mail": mail, "act": "login"})


def sessions(home: Path) -> list[str]:
    with duckdb.connect(str(home / "published" / "analytics.duckdb"), read_only=True) as connection:
        rows = connection.execute("select visitor_id from sessions order by 1").fetchall()
    return [visitor for (visitor,) in rows]


def test_whoever_is_erased_under_either_id_does_not_come_back(tmp_path: Path):
    home, dumps = tmp_path / "home", tmp_path / "dumps"
    (home / "sources").mkdir(parents=True)
    dumps.mkdir()
    (home / "sources" / "till.yml").write_text(YML)
    (home / "sources" / "till.sql").write_text(SQL)
    first = [
        row(0, "5550001", "701"),
        row(1, "5550001", "701", MAIL),
        row(2, "5550001", "702"),
        row(3, "5550003", "801"),
    ]
    (dumps / "monday.jsonl").write_text("\n".join(first))
    run = ("run", "--as-of", "latest", "--events", dumps, "--source", "till")
    run_comeback(home, *run)
    assert sessions(home) == ["5550001-701", "5550001-702", "5550003-801"]
    done = run_comeback(home, "erase", "--user", MAIL)
    assert "Erased     1 users, 1 visitors\nRows       2 of raw.till" in done.stdout
    assert sessions(home) == ["5550001-702", "5550003-801"]
    later = [
        row(10, "5550001", "701"),
        row(11, "5550009", "901", MAIL.lower()),
        row(12, "5550004", "1"),
    ]
    (dumps / "tuesday.jsonl").write_text("\n".join(later))
    run_comeback(home, *run)
    assert sessions(home) == ["5550001-702", "5550003-801", "5550004-1"]
    with duckdb.connect(str(home / "published" / "analytics.duckdb"), read_only=True) as connection:
        aside = "select line, reason from set_aside_rows where file like '%tuesday%' order by 1"
        assert connection.execute(aside).fetchall() == [(n, "erased") for n in (1, 2)]
