"""Giving a person's data by the command: what Dagster's record has of it.

Not here: what is given (test_people).
"""

import json

import dagster as dg
import duckdb
import pytest

from orchestration.cli import main
from orchestration.ground.home import Home
from orchestration.landing.raw_tables import ensure_raw_tables
from orchestration.privacy import access

from .conftest import ANNA, SOURCES

EMAIL = "anna.secret@shop.example"


@pytest.fixture
def anna(home: Home, connection: duckdb.DuckDBPyConnection, monkeypatch) -> Home:
    """A home in which a profile of Anna has landed."""
    monkeypatch.setenv("COMEBACK_HOME", str(home.root))
    connection.execute("delete from raw.tombstones")
    ensure_raw_tables(connection, SOURCES)
    connection.execute(
        "insert into raw.files (load_id, source, file, content_hash, byte_size, landed_at,"
        " rows_read) values (1, 'profiles', 'a.csv', 'hash', 1, timestamp '2026-03-01', 1)"
    )
    connection.execute(
        "insert into vault.profiles (_load_id, _line, user_id, email) values (1, 2, ?, ?)",
        [ANNA, EMAIL],
    )
    connection.close()
    return home


def runs(home: Home) -> list[tuple[str, str]]:
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        return [(run.job_name, run.status.value) for run in instance.get_runs()]


def files_of_dagster_with(home: Home, *words: str) -> list[str]:
    files = [path for path in sorted(home.dagster.rglob("*")) if path.is_file()]
    assert len(files) > 3
    return [
        f"{word} in {path.name}"
        for path in files
        for word in words
        if word.encode() in path.read_bytes()
    ]


def test_an_access_leaves_a_run_and_no_word_of_the_person(anna, capsys):
    assert main(["access", "--user", ANNA]) == 0
    given = json.loads(capsys.readouterr().out)
    assert [each["email"] for each in given["delivered"]["profiles"]] == [EMAIL]
    assert runs(anna) == [("access", "SUCCESS")]
    assert files_of_dagster_with(anna, ANNA, EMAIL) == []


def test_an_access_of_nobody_is_no_run(anna, capsys):
    assert main(["access", "--user", "mistyped-7431-account"]) == 1
    assert "no row names this user" in capsys.readouterr().err
    assert runs(anna) == []
    assert files_of_dagster_with(anna, "mistyped-7431-account") == []


def test_an_access_that_fails_in_the_database_leaves_only_our_line(anna, monkeypatch, capsys):
    def fail(connection, *_):
        connection.execute(f"select cast('{ANNA} {EMAIL}' as integer)")

    monkeypatch.setattr(access, "person", fail)
    assert main(["access", "--user", ANNA]) == 1
    said = capsys.readouterr().err
    assert "the person's data could not be gathered (ConversionException)" in said
    assert not [word for word in (ANNA, EMAIL) if word in said]
    assert runs(anna) == [("access", "FAILURE")]
    assert files_of_dagster_with(anna, ANNA, EMAIL) == []
    assert files_of_dagster_with(anna, "could not be gathered (ConversionException)") != []
    # with --debug it is said here, and there still not
    with pytest.raises(Exception, match="could not be gathered") as error:
        main(["--debug", "access", "--user", ANNA])
    assert isinstance(error.value.__cause__, duckdb.ConversionException)
    assert EMAIL in str(error.value.__cause__)
    assert files_of_dagster_with(anna, ANNA, EMAIL) == []
