"""An encrypted warehouse: what stands on the disk, and what is said of keys."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from orchestration import ui
from orchestration.cli import main
from orchestration.ground import encryption
from orchestration.ground.errors import ComebackError, WrongKey
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.landing.locations import known_sources
from orchestration.warehouse import database, recovery, rewriting
from tests.encrypted import KEY

EMAIL = b"anna.berg@shop.example"
# more than DuckDB keeps in the memory of SMALL
PERSON_COUNT = 1_500_000
SMALL = Settings(memory_limit="60MB", threads=1)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = Home(tmp_path / "home")
    made.prepare()
    monkeypatch.setenv("COMEBACK_HOME", str(made.root))
    return made


def write_people(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create schema vault")
    connection.execute(f"create table vault.people as select '{EMAIL.decode()}' as email")


def emails(home: Home) -> list[tuple]:
    with database.connect(home, Settings()) as connection:
        return connection.execute("select email from vault.people").fetchall()


def files_with_it(home: Home) -> set[str]:
    """Names of the files in the home that hold the e-mail; of all that were spilled, one."""
    return {
        "spilled" if path.parent == home.temporary else path.name
        for path in home.root.rglob("*")
        if path.is_file() and EMAIL in path.read_bytes()
    }


@contextmanager
def at_work(home: Home) -> Iterator[None]:
    """A connection that has written people, and has more of them than fit into its memory."""
    with database.connect(home, SMALL) as connection:
        write_people(connection)
        connection.execute(
            "create temporary table many as"
            f" select '{EMAIL.decode()}' || hash(range) as email from range({PERSON_COUNT})"
        )
        assert any(path.stat().st_size for path in home.temporary.iterdir())
        yield


def test_without_a_key_people_stand_in_the_file_its_log_of_changes_and_what_is_spilled(home):
    with at_work(home):
        assert files_with_it(home) == {"warehouse.duckdb.wal", "spilled"}
    assert files_with_it(home) == {"warehouse.duckdb"}


@pytest.mark.usefixtures("key")
def test_with_a_key_people_stand_in_no_file_neither_does_the_key(home):
    with at_work(home):
        assert home.warehouse.with_name("warehouse.duckdb.wal").exists()
        assert files_with_it(home) == set()
    assert files_with_it(home) == set()
    assert emails(home) == [(EMAIL.decode(),)]
    assert not [path for path in home.root.rglob("*") if path.is_file() and holds_key(path)]


def holds_key(path: Path) -> bool:
    return KEY.encode() in path.read_bytes()


@pytest.fixture
def begun(home: Home, request: pytest.FixtureRequest) -> bytes:
    """The bytes of an encrypted warehouse with people."""
    request.getfixturevalue("key")
    with database.connect(home, Settings()) as connection:
        write_people(connection)
    return home.warehouse.read_bytes()


@pytest.mark.parametrize("other", ["another word", ""])
@pytest.mark.parametrize("command", ["run", "run --rebuild", "status", "encrypt", "erase --user a"])
def test_with_a_wrong_key_or_none_a_command_ends_with_one_line_and_changes_nothing(
    home, begun, monkeypatch, capsys, other, command
):
    monkeypatch.setenv(encryption.DATABASE_KEY, other)
    code = main([*command.split(), *(["--check"] if command == "status" else [])])
    said = capsys.readouterr()
    assert code == 1
    if command == "encrypt" and not other:
        line = "no key is given to encrypt the warehouse with"
    elif other:
        line = f"the key does not open the warehouse, {home.warehouse}, set COMEBACK_DATABASE_KEY"
    else:
        line = f"the warehouse is encrypted, and no key is given, {home.warehouse}, set COMEBACK_"
    (shown,) = [each for each in (said.out + said.err).splitlines() if line in each]
    assert "damaged" not in said.out + said.err
    assert "--rebuild" not in said.out + said.err
    assert KEY not in said.out + said.err
    assert shown.startswith("Wrong" if command == "status" else "comeback: ")
    assert home.warehouse.read_bytes() == begun
    assert [path.name for path in home.root.glob("*warehouse*")] == ["warehouse.duckdb"]
    monkeypatch.setenv(encryption.DATABASE_KEY, KEY)
    assert emails(home) == [(EMAIL.decode(),)]


@pytest.mark.parametrize("other", ["another word", ""])
def test_the_ui_does_not_start_where_every_run_would_fail(home, begun, monkeypatch, other):
    monkeypatch.setattr(os, "execve", lambda *_: pytest.fail("it started"))
    monkeypatch.setenv(encryption.DATABASE_KEY, other)
    with pytest.raises(ComebackError, match="set COMEBACK_DATABASE_KEY to the key that it was"):
        ui.become(home, "3999")
    assert home.warehouse.read_bytes() == begun


def test_a_warehouse_that_was_begun_without_a_key_is_encrypted_once(home, request, capsys):
    with database.connect(home, Settings()) as connection:
        write_people(connection)
        connection.execute("create view main.names as from vault.people")
    aside = home.root / "warehouse.duckdb.damaged-2026-03-01T120000Z"
    aside.write_bytes(home.warehouse.read_bytes())
    assert main(["encrypt"]) == 1
    assert "no key is given to encrypt the warehouse with" in capsys.readouterr().err
    plain = home.warehouse.read_bytes()
    request.getfixturevalue("key")
    assert main(["run"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "comeback: a key is given (COMEBACK_DATABASE_KEY), and the warehouse is not encrypted,"
        f" {home.warehouse}, encrypt it, once: comeback encrypt"
    )
    assert home.warehouse.read_bytes() == plain
    assert main(["encrypt"]) == 0
    note = f"Note       {aside} is not encrypted: delete it when nobody needs it any more"
    assert capsys.readouterr().out == f"Encrypted  {home.warehouse}\n{note}\n"
    assert files_with_it(home) == {aside.name}
    assert emails(home) == [(EMAIL.decode(),)]
    with database.connect(home, Settings()) as connection:
        assert connection.execute("from main.names").fetchall() == [(EMAIL.decode(),)]
    assert main(["encrypt"]) == 0
    done = "Nothing to do: the warehouse is encrypted, and the key opens it."
    assert capsys.readouterr().out == f"{done}\n{note}\n"
    assert home.warehouse.stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("key")
def test_there_is_nothing_to_encrypt_before_the_first_run(home, capsys):
    assert main(["encrypt"]) == 1
    assert capsys.readouterr().err == (
        f"comeback: there is no warehouse yet, {home.warehouse}, run first: comeback run;"
        " it encrypts\n"
    )


def test_what_others_have_open_is_not_rewritten(home, begun, monkeypatch):
    def refused(*_):
        raise duckdb.IOException("IO Error: Could not set lock on file: Conflicting lock is held")

    monkeypatch.setattr(encryption, "attach", refused)
    with pytest.raises(ComebackError, match="close whatever has it open"):
        rewriting.rewrite(home, Settings())
    assert home.warehouse.read_bytes() == begun


@pytest.mark.usefixtures("begun")
def test_a_fresh_copy_is_encrypted_and_holds_nothing_that_was_deleted(home):
    with database.connect(home, Settings()) as connection:
        connection.execute("delete from vault.people")
    rewriting.rewrite(home, Settings())
    assert encryption.is_encrypted(home.warehouse)
    assert emails(home) == []


def test_a_damaged_file_that_is_not_encrypted_is_rebuilt_encrypted_and_named(home, request, caplog):
    with database.connect(home, Settings()) as connection:
        write_people(connection)
    request.getfixturevalue("key")
    recovery.rebuild(home, Settings(), known_sources(home))
    assert encryption.is_encrypted(home.warehouse)
    (aside,) = home.root.glob("warehouse.duckdb.damaged-*")
    line = f"{aside} is not encrypted: delete it when nobody needs it any more"
    assert f"{line}." in caplog.messages


@pytest.mark.parametrize("other", ["another word", KEY.upper(), f"{KEY} ", f" {KEY}"])
def test_only_the_right_key_has_a_file_put_aside(home, begun, monkeypatch, other):
    monkeypatch.setenv(encryption.DATABASE_KEY, other)
    with pytest.raises(WrongKey):
        recovery.rebuild(home, Settings(), known_sources(home))
    assert home.warehouse.read_bytes() == begun
    assert list(home.root.glob(".*")) == []


@pytest.mark.usefixtures("begun")
def test_a_damaged_block_is_damage_and_no_wrong_key(home):
    with database.connect(home, Settings()) as connection:
        connection.execute("create table rows as select hash(range) as row from range(100_000)")
    with home.warehouse.open("r+b") as file:
        for at in range(12_288 + 5_000, home.warehouse.stat().st_size, 1 << 16):
            file.seek(at)
            file.write(b"\xaa" * 64)
    with (
        pytest.raises(ComebackError, match=r"the warehouse is damaged, .* comeback run --rebuild"),
        database.connect(home, Settings()) as connection,
    ):
        connection.execute("select max(row) from rows")
