"""What `comeback source new` says beside its two files."""

import json

import pytest

from orchestration.drafts import new_source
from orchestration.ground.home import Home


@pytest.fixture
def notes_on(tmp_path):
    """The notes on a file, and the first file that was drafted."""

    def draft(name: str, content: str) -> tuple[list[str], str]:
        path = tmp_path / name
        path.write_text(content)
        home = Home(tmp_path / "home")
        made = new_source(home, "mine", [str(path)])
        return list(made.notes), made.files[0].read_text()

    return draft


def visit(number: int, **more: object) -> str:
    row = {"time": f"2026-03-02T10:{number:02}:00Z", "cookie": f"c{number % 5}", "type": "scan"}
    return json.dumps(row | more) + "\n"


def test_rows_of_plain_events_need_no_note(notes_on):
    assert notes_on("a.jsonl", "".join(map(visit, range(20))))[0] == []


@pytest.mark.parametrize(
    "action",
    [
        {"timestamp": "2026-03-02T10:00:00Z", "url": "/"},
        # a batch of them, which has items in it
        {"data": {"timestamp": "2026-03-02T10:00:00Z", "product_id": "hat", "price": 10.5}},
    ],
)
def test_a_list_of_what_happened_is_said(notes_on, action):
    rows = "".join(visit(n, actions=[action]) for n in range(20))
    assert notes_on("a.jsonl", rows)[0] == [
        "each row has a list with a time in its elements, actions: where they are events, deliver"
        " a row for each (dbt_project/docs/own_source.md)"
    ]


def test_users_that_are_addresses_are_said(notes_on):
    rows = "".join(visit(n, user_id=f"kunde{n}@Shop.example") for n in range(20))
    assert notes_on("a.jsonl", rows + visit(20, user_id="7"))[0] == [
        "user_id is an e-mail address, and would stand in every table: hash it in the second file,"
        " md5(lower(trim(...))) (dbt_project/docs/own_source.md)"
    ]


def test_backslashes_before_tabs_are_seen(notes_on):
    rows = [f"2026-03-02T10:{n:02}:00Z\tcookie-{n}\tscan\ta\\\tb{n}\n" for n in range(20)]
    rows += [f"2026-03-02T11:{n:02}:00Z\tcookie-{n}\tscan\tab{n}\n" for n in range(30)]
    notes, yml = notes_on("a.tsv", "".join(rows))
    assert notes == []
    assert "escape: backslash  # guess" in yml


def test_rows_that_were_not_looked_at_are_counted(notes_on):
    rows = [f"2026-03-02T10:{n:02}:00Z,cookie-{n},scan\n" for n in range(20)]
    assert notes_on("a.csv", "time,cookie,type\n" + "".join(rows) + "a,b\n")[0] == [
        "1 more rows have another number of fields than most, and were not looked at: inspect"
        " shows one"
    ]
