"""Kept files without some people: whose lines go, and that no other byte changes."""

import hashlib
import json
from datetime import datetime

import pytest

from orchestration.outputs.kept_files import newest_hour, without

ANNA = hashlib.sha256(b"anna@shop.example").hexdigest()
BERT = hashlib.sha256(b"bert@shop.example").hexdigest()
EMAIL = "email,external_id,item_1_id\n"
OTHERS = 'bert@shop.example,88,4711\n"joanna@shop.example",89,"a,b"\n'
FILES = {
    "retargeting_priorities.csv": "cart_id,owner_id\nc1,4711\n",
    "email.full.csv": f"{EMAIL}Anna@shop.example,4711,1\n{OTHERS}",
    "email.add.csv": f"{EMAIL}carl@shop.example,4711,1\n",
    "email.remove.csv": EMAIL,
    "google.full.csv": f"Email,Phone\n{ANNA},\n{BERT},\n",
}


@pytest.fixture
def folder(tmp_path):
    """An hour with its manifest."""
    made = tmp_path / "2026-10-31T10Z"
    made.mkdir()
    entries = []
    for name, content in FILES.items():
        (made / name).write_text(content)
        rows, columns = content.count("\n") - 1, content.split("\n")[0].split(",")
        entries.append({"path": f"{made.name}/{name}", "rows": rows, "columns": columns})
    exports = {
        "email": {"persons": 3, "counts": {"eligible": 3}, "warnings": []},
        "google": {"persons": 2, "counts": {"eligible": 2}, "warnings": []},
        # an hour between two full ones: the list stands, and the file is not there
        "meta": {"persons": 5, "counts": {"eligible": 5}, "warnings": []},
    }
    manifest = {"hour": "2026-10-31T10:00:00Z", "files": entries, "exports": exports}
    (made / "manifest.json").write_text(json.dumps(manifest))
    return made


def test_lines_of_the_erased_go_and_the_others_keep_their_bytes(folder):
    found = without(folder, ["4711"], ["anna@shop.example", ANNA])
    assert {each.name: each.content.decode() for each in found.files} == {
        "email.full.csv": f"{EMAIL}{OTHERS}",
        "email.add.csv": EMAIL,
        "email.remove.csv": EMAIL,
        "google.full.csv": f"Email,Phone\n{BERT},\n",
    }
    assert [each.rows for each in found.files] == [2, 0, 0, 1]
    assert found.files[0].columns == ["email", "external_id", "item_1_id"]
    persons = {name: each["persons"] for name, each in found.exports.items()}
    assert persons == {"email": 2, "google": 1, "meta": 5}
    assert found.exports["email"]["counts"] == {"eligible": 3}


def test_without_anybody_to_take_out_nothing_changes(folder):
    found = without(folder, [], [])
    assert {each.name: each.content.decode() for each in found.files} == {
        name: content for name, content in FILES.items() if name != "retargeting_priorities.csv"
    }
    assert found.exports == json.loads((folder / "manifest.json").read_text())["exports"]


def test_the_newest_hour_is_the_last_that_the_clock_allows(folder):
    (folder.parent / "2026-10-31T11Z").mkdir()
    (folder.parent / "latest.json").touch()
    at = [datetime(2026, 10, 31, hour) for hour in (9, 10, 23)]
    assert [newest_hour(folder.parent, each) for each in at] == [
        None,
        "2026-10-31T10Z",
        "2026-10-31T11Z",
    ]


def test_a_short_id_is_looked_for_as_the_external_id_only(folder):
    found = without(folder, ["89", "1"], [])
    assert found.files[0].content.decode() == (
        f"{EMAIL}Anna@shop.example,4711,1\nbert@shop.example,88,4711\n"
    )
