"""When dbt is asked what it sends, and when what it sent before is taken."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import duckdb
import pytest

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.warehouse import kept_statements
from orchestration.warehouse.kept_statements import send, statements_of

SENT = (("carts", "create table carts as select 1 as n"), ("orders", "create table orders (n int)"))


KEPT_FOLDER = kept_statements.kept_folder  # as it is without the fixtures


def test_homes_of_the_shipped_project_share_what_is_kept(tmp_path, monkeypatch):
    home, other = Home(tmp_path / "home"), Home(tmp_path / "other")
    assert KEPT_FOLDER(home) == KEPT_FOLDER(other) == DBT_PROJECT / "target" / "statements"

    monkeypatch.setattr(kept_statements.os, "access", lambda *_: False)
    assert KEPT_FOLDER(home) == home.dbt / "statements"


def test_a_home_with_a_source_of_its_own_keeps_its_own(tmp_path):
    home = Home(tmp_path)
    home.sources.mkdir()
    for name in ("till.yml", "till.sql"):
        (home.sources / name).touch()
    assert KEPT_FOLDER(home) == home.dbt / "statements"


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


@pytest.fixture
def other_process(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The questions given to other processes, each of which fails at once."""
    begun = []
    start = subprocess.Popen

    def fail(command: list[str], **options: object) -> subprocess.Popen[bytes]:
        begun.append(json.loads(command[-1]))
        return start([sys.executable, "-c", "raise SystemExit(1)"], **options)

    monkeypatch.setattr(kept_statements.subprocess, "Popen", fail)
    return begun


def meanwhile(folder: Path) -> AbstractContextManager[Callable[[], None]]:
    home = Home(folder)
    return kept_statements.asked_meanwhile(home, Settings(), ["ga4"], ["carts"], home)


@pytest.mark.usefixtures("asked")
def test_where_the_other_process_fails_the_question_is_asked_here(ask, other_process, tmp_path):
    with meanwhile(tmp_path) as answered:
        answered()
        assert ask() == [*SENT]
    (question,) = other_process
    (kept,) = (tmp_path / "kept").iterdir()
    assert question == [str(tmp_path), str(kept), ["ga4"], ["carts"]]


@pytest.mark.usefixtures("asked")
def test_what_is_kept_or_cannot_be_is_asked_of_no_other_process(ask, other_process, tmp_path):
    ask()
    with meanwhile(tmp_path) as answered:
        answered()
    shutil.rmtree(tmp_path / "kept")
    (tmp_path / "kept").write_text("a file where the folder should be")
    with meanwhile(tmp_path) as answered:
        answered()
    assert other_process == []


@pytest.mark.usefixtures("asked")
def test_a_process_that_nobody_waits_for_is_ended(tmp_path, monkeypatch):
    begun = []
    start = subprocess.Popen

    def sleep(_: list[str], **options: object) -> subprocess.Popen[bytes]:
        begun.append(start([sys.executable, "-c", "import time; time.sleep(600)"], **options))
        return begun[-1]

    monkeypatch.setattr(kept_statements.subprocess, "Popen", sleep)
    with pytest.raises(ComebackError), meanwhile(tmp_path):
        raise ComebackError("no file", "there", "look")
    assert begun[0].returncode == -signal.SIGTERM


def test_the_other_process_keeps_its_answer_where_it_is_told(asked, tmp_path, monkeypatch):
    kept = tmp_path / "kept.json"
    question = json.dumps([str(tmp_path), str(kept), ["ga4"], ["carts"]])
    monkeypatch.setattr(sys, "argv", ["kept_statements", question])
    monkeypatch.setattr(kept_statements.signal, "signal", lambda *_: None)
    monkeypatch.setattr(kept_statements, "_KEPT_FILES", 1)
    (tmp_path / "older.json").write_text("[]")
    kept_statements._main()
    assert [path.name for path in tmp_path.glob("*.json")] == ["kept.json"]
    assert json.loads(kept.read_text()) == [list(each) for each in SENT]
    assert asked == [(["ga4"], ["carts"])]


def test_what_fails_is_said_with_its_model():
    with duckdb.connect() as connection:
        send(connection, SENT)
        assert connection.execute("select n from carts").fetchall() == [(1,)]
        with pytest.raises(ComebackError, match=r"^stg_till failed \(Conversion Error: .*"):
            send(connection, [("stg_till", "insert into orders select cast('x' as int)")])
