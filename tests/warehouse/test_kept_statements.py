"""When dbt is asked what it sends, and when what it sent before is taken."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.warehouse import kept_statements
from orchestration.warehouse.kept_statements import send, statements_of

SENT = (("carts", "create table carts as select 1 as n"), ("orders", "create table orders (n int)"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """What dbt was asked, which it answers without being started."""
    asked = []

    def answer(*question: object) -> kept_statements.Statements:
        asked.append(question[-2:])
        return SENT

    monkeypatch.setattr(kept_statements, "kept_folder", lambda home: home.root / "kept")
    monkeypatch.setattr(kept_statements, "_asked", answer)
    return asked


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., list[tuple[str, str]]]:
    """Asks as each process does: nothing is kept in between but files."""

    def ask(settings: Settings | None = None, source: str = "ga4", select: str = "carts"):
        found = statements_of(
            home := Home(tmp_path), settings or Settings(), {}, [source], [select], home
        )
        return [(name, sql) for name, sql in found]

    return ask


def test_the_same_question_is_asked_once(asked, ask):
    assert ask() == ask() == [*SENT]
    assert asked == [(["ga4"], ["carts"])]


def test_other_settings_sources_and_models_are_asked_for(asked, ask):
    questions = (
        {},
        {"settings": Settings(session_gap_minutes=20)},
        {"source": "segment"},
        {"select": "orders"},
    )
    for _ in range(2):
        for question in questions:
            ask(**question)
    assert asked == [
        *((["ga4"], ["carts"]), (["ga4"], ["carts"])),
        *((["segment"], ["carts"]), (["ga4"], ["orders"])),
    ]


def test_a_damaged_file_and_a_folder_that_cannot_be_written_cost_another_question(
    asked, ask, tmp_path
):
    ask()
    (kept,) = (tmp_path / "kept").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    kept.write_text("[[")
    assert ask() == [*SENT]
    assert ask() == [*SENT]
    assert len(asked) == 2
    kept.unlink()
    kept.parent.rmdir()
    kept.parent.write_text("a file where the folder should be")
    assert ask() == [*SENT]
    assert len(asked) == 3


def test_only_the_newest_are_kept(asked, ask, tmp_path, monkeypatch):
    monkeypatch.setattr(kept_statements, "_KEPT_FILES", 2)
    for name in ("a", "b", "c"):
        ask(select=name)
    assert len([*(tmp_path / "kept").iterdir()]) == 2
    ask(select="c")
    assert [select for _, (select,) in asked] == ["a", "b", "c"]


def test_what_fails_is_said_with_its_model():
    with duckdb.connect() as connection:
        send(connection, SENT)
        assert connection.execute("select n from carts").fetchall() == [(1,)]
        with pytest.raises(ComebackError, match=r"^stg_till failed \(Conversion Error: .*"):
            send(connection, [("stg_till", "insert into orders select cast('x' as int)")])
