"""What a row of the audit log says, and when there is none."""

import hashlib
import json
from datetime import datetime

import duckdb

from orchestration.warehouse import audit_log
from orchestration.warehouse.database import ensure_score_tables

NOON, ONE = datetime(2026, 3, 1, 12), datetime(2026, 3, 1, 13)
FILES = [
    {"path": "2026-03-01T12Z/a.csv", "rows": 3, "sha256": "0a"},
    {"path": "2026-03-01T12Z/b.csv", "rows": 4, "sha256": "0b"},
]


def rows(connection) -> list[tuple]:
    query = "select done_at, deed, counts, sha256 from scores.audit_log order by rowid"
    found = connection.execute(query).fetchall()
    return [(at, deed, json.loads(counts), sha256) for at, deed, counts, sha256 in found]


def test_an_export_counts_files_and_rows_and_names_what_was_accepted():
    with duckdb.connect() as connection:
        ensure_score_tables(connection)
        audit_log.note_export(connection, NOON, FILES)
        audit_log.note_export(connection, ONE, FILES[:1], ["meta", "email"])
        lines = b"0a  2026-03-01T12Z/a.csv\n", b"0b  2026-03-01T12Z/b.csv\n"
        assert rows(connection) == [
            (NOON, "export", {"files": 2, "rows": 7}, hashlib.sha256(b"".join(lines)).hexdigest()),
            (ONE, "accept", {"exports": ["email", "meta"]}, None),
            (ONE, "export", {"files": 1, "rows": 3}, hashlib.sha256(lines[0]).hexdigest()),
        ]


def test_settings_are_noted_when_they_are_not_those_noted_last():
    with duckdb.connect() as connection:
        ensure_score_tables(connection)
        for at, digest in ((NOON, "aa"), (NOON, "aa"), (ONE, "bb"), (ONE, "aa"), (ONE, "aa")):
            audit_log.note_settings(connection, at, digest)
        assert rows(connection) == [
            (NOON, "settings", {}, "aa"),
            (ONE, "settings", {}, "bb"),
            (ONE, "settings", {}, "aa"),
        ]
