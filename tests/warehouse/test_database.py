"""Connecting to the warehouse, and keeping its file open between connections."""

import duckdb
import pytest

from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.landing.addresses import define_address_keys
from orchestration.warehouse import database

pytestmark = pytest.mark.usefixtures("with_and_without_key")


@pytest.fixture
def home(tmp_path) -> Home:
    home = Home(tmp_path)
    home.prepare()
    return home


def write(home: Home) -> None:
    with database.connect(home, Settings()) as connection:
        connection.execute("create or replace table numbers as select 1 as number")


def is_open(home: Home) -> bool:
    """Whether something is beside the file that closing it would fold into it."""
    return home.warehouse.with_name(f"{home.warehouse.name}.wal").exists()


def test_the_file_is_kept_open_between_connections_until_the_end(home):
    write(home)
    assert not is_open(home)
    with database.kept_open(home):
        assert not is_open(home)
        write(home)
        assert is_open(home)
        write(home)
        assert is_open(home)
    assert not is_open(home)
    write(home)
    assert not is_open(home)


def test_what_is_released_is_closed_for_so_long(home):
    with database.kept_open(home):
        write(home)
        with database.released(home):
            assert not is_open(home)
            write(home)
            assert not is_open(home)
        write(home)
        assert is_open(home)
    with database.released(home):
        write(home)
        assert not is_open(home)


def test_after_a_failure_the_next_connection_opens_the_file_again(home):
    with database.kept_open(home):
        write(home)
        with (
            pytest.raises(duckdb.Error),
            database.connect(home, Settings()) as connection,
        ):
            connection.execute("select no_such_column")
        assert not is_open(home)
        write(home)
        assert is_open(home)


def test_connections_to_one_file_see_what_each_other_wrote_and_no_temporary_tables(home):
    with database.kept_open(home):
        write(home)
        with database.connect(home, Settings()) as one:
            one.execute("create temporary table own as select 2 as number")
            with database.connect(home, Settings()) as other:
                assert other.execute("select number from numbers").fetchall() == [(1,)]
                assert not database.has_table(other, "main", "own")


def test_functions_in_python_go_with_their_connection(home):
    # a file that is kept open has one catalog for all connections: what stayed would be in the way
    with database.kept_open(home):
        for _ in range(2):
            with database.connect(home, Settings()) as connection:
                define_address_keys(connection)
                define_address_keys(connection)
                query = "select email_key(' A@b.example'), phone_key('0151 23456781', 'DE')"
                found = connection.execute(query).fetchall()
                assert found == [("a@b.example", "+4915123456781")]
        with (
            database.connect(home, Settings()) as connection,
            pytest.raises(duckdb.CatalogException, match="email_key"),
        ):
            connection.execute("select email_key('')")


@pytest.mark.parametrize(
    ("limit", "folding"), [("4GB", "1.0 GiB"), ("none", "1.0 GiB"), ("200MB", "190.7 MiB")]
)
def test_changes_are_folded_in_with_a_gigabyte_at_most(home, limit, folding):
    settings = Settings(memory_limit=limit)
    used = []

    class Watched:
        """A connection that says which limit is set when the checkpoint comes."""

        def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
            self.connection = connection

        def execute(self, sql: str) -> duckdb.DuckDBPyConnection:
            if sql == "checkpoint":
                used.append(self.limit())
            return self.connection.execute(sql)

        def limit(self) -> str:
            query = "select current_setting('memory_limit')"
            return self.connection.execute(query).fetchall()[0][0]

    with database.kept_open(home), database.connect(home, settings) as connection:
        connection.execute("create table numbers as select 1 as number")
        watched = Watched(connection)
        before = watched.limit()
        log = home.warehouse.with_name(f"{home.warehouse.name}.wal")
        assert log.stat().st_size > 0
        database.checkpoint(watched, settings)
        assert not log.exists() or log.stat().st_size == 0
        assert (used, watched.limit()) == ([folding], before)
