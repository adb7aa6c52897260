"""Ids that are escaped where they stand: in kept rows, in others' addresses, in files.

Not here: how a text may be escaped (tests/landing/test_escapes.py), or whom an erasure concerns.
"""

import html
import json
import re
from datetime import UTC
from pathlib import Path
from urllib.parse import quote

import duckdb
import pytest

from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.landing import FoundFile, land
from orchestration.privacy import erasure, residue_search
from orchestration.privacy.erasure_records import Plan, Subject

from .conftest import NOW, SOURCES

LATER = NOW.replace(year=2027, tzinfo=UTC)
MUELLER, SLASH = "m\u00fcller-anna-77", "slash/anna-99"


def delivered(connection: duckdb.DuckDBPyConnection, home: Home, path: Path) -> None:
    files = [FoundFile(path.name, str(path))]
    land(connection, files, SOURCES["canonical"], landed_at=LATER, key_file=home.erasure_key)


def test_nothing_is_left_of_ids_that_were_escaped(connection, home: Home, shared_cases: Path):
    delivered(connection, home, shared_cases / "erased_escaped" / "a.jsonl")
    connection.execute(
        "insert into main.events select 'canonical', event_id, visitor_id, null, null,"
        " event_at::timestamp, _line from raw.canonical"
    )
    subjects = [Subject("visitor", each) for each in (MUELLER, SLASH)]
    erasure.mark(connection, home, SOURCES, *subjects[:1], NOW, *subjects[1:])
    plan = erasure.find(connection, SOURCES, Plan.of(*subjects))
    erasure.remove(connection, home, SOURCES, plan, NOW)
    # the row of V3 has the id in its address
    assert connection.execute("select visitor_id from raw.canonical").fetchall() == [("V2",)]
    aside = "select line, reason, raw_row from raw.unreadable_rows order by load_id, line"
    erased = [(line, "erased", None) for line in (1, 2, 4, 5, 6)]
    assert connection.execute(aside).fetchall() == erased

    # delivered again, in other spellings and unreadable, they do not come back
    again = home.root / "again.jsonl"
    again.write_text(
        f'{{"event_id": "n1", "visitor_id": {json.dumps(MUELLER).replace("fc", "FC")},'
        ' "event_at": "2026-11-20T10:00:00Z", "event_type": "view_item"}\n'
        '{"visitor_id": "slash%2Fanna-99" x}\n{"visitor_id": "m&uuml;ller-anna-77" x}\n'
        '{"visitor_id": "m\\\\u00fcller-anna-77" x}\n{"visitor_id": "m\\u00fcller-anna-777" x}\n'
    )
    delivered(connection, home, again)
    found = connection.execute(aside).fetchall()[len(erased) :]
    assert [(line, reason) for line, reason, _ in found] == [
        *((line, "erased") for line in (1, 2, 3, 4)),
        (5, "bad_json"),
    ]
    assert [row for *_, row in found] == [None] * 4 + ['{"visitor_id": "m\\u00fcller-anna-777" x}']


def test_the_proof_finds_an_escaped_id_and_no_longer_one(connection, home: Home):
    connection.close()
    texts = {
        "a.log": json.dumps({"id": SLASH}).replace("/", "\\/"),
        "b.log": "GET /?next=%2F%3Fv%3Dm%c3%bcller-anna-77",
        "c.log": json.dumps(json.dumps(MUELLER)),
        "longer.log": json.dumps(f"{MUELLER}7") + f" x{json.dumps(MUELLER)[1:]}",
        "m%C3%BCller-anna-77.txt": "",
    }
    for name, text in texts.items():
        (home.dagster / name).write_text(text)
    found = residue_search.search(home, Settings(), [MUELLER, SLASH]).found
    assert found == ["dagster/***.txt", *(f"dagster/{name}.log" for name in "abc")]


@pytest.mark.parametrize("id_", ["\u65e5\u672c<b>", "m\u00fcller7"])
def test_what_somebody_else_says_is_no_residue_of_a_short_id_in_any_spelling(
    connection, home: Home, id_
):
    url = f"https://s.example/?q={quote(id_)}"
    connection.execute("create table main.pages as select ? as page_url", [url])
    connection.close()
    result = residue_search.search(home, Settings(), [id_])
    assert (list(result.found), list(result.ambiguous)) == (
        [],
        ['warehouse main."pages".page_url'],
    )
    # in another spelling it is
    (home.dagster / "a.log").write_text(json.dumps(id_))
    assert residue_search.search(home, Settings(), [id_]).found == ["dagster/a.log"]


@pytest.mark.parametrize(
    "id_",
    ["anna@shop.example", "+49 1512 3456789", "Zo\u00eb+x@shop.example", "\u00e9\u00e8", "a@b"],
)
def test_the_part_that_is_never_escaped_finds_what_the_whole_expression_finds(id_):
    json_, percent = json.dumps(id_)[1:-1], quote(id_, safe="")
    forms = {
        *(json_, percent, quote(percent), json.dumps(percent)[1:-1], html.escape(id_)),
        json_.replace("@", "\\u0040").replace("+", "\\u002B"),
        "".join(f"&#{ord(each)};" if not re.match(r"[\w.~-]", each) else each for each in id_),
    } - {id_}
    assert len(forms) > 1
    noise = "shop.example anna 3456789 x a b " * 500
    pattern = residue_search._escaped(id_)
    for form in (id_, *forms, *(f"x{form}x" for form in forms)):
        for text in (form, f"{noise}{form} {noise}", f"{noise}{form}"):
            content = text.encode()
            found = pattern.search(content) is not None
            assert residue_search._matches(content, id_, pattern) == found
            assert found == (form in forms)
