"""What a step of an hour was made of, and when it is made again."""

from datetime import datetime, timedelta

import duckdb
import pytest

from orchestration.warehouse import made_steps
from orchestration.warehouse.made_steps import CARTS, PEOPLE
from orchestration.warehouse.reference_tables import ensure_reference_tables

HOUR = datetime(2026, 3, 2, 10)
WROTE = ("from main.scores", "from main.plans where price > 1")


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    """A warehouse in memory whose log of the hour is built, with what a step wrote and noted."""
    with duckdb.connect() as connection:
        build(connection, HOUR)
        connection.execute(
            "create table scores as select 1 as cart, 0.5 as p union all select 2, 1"
        )
        connection.execute("create table plans as select 1 as cart, 2.5 as price")
        made_steps.note(connection, CARTS, HOUR, ["model 1", "settings"], *WROTE)
        yield connection


def build(connection: duckdb.DuckDBPyConnection, hour: datetime, inputs: str = "files") -> None:
    """What a whole build leaves."""
    connection.execute(
        "create or replace table main.last_build as"
        " select ? as inputs, ? as as_of, current_timestamp as finished_at",
        [inputs, hour],
    )
    made_steps.note_log(connection, hour, ["carts", "scored_carts"])


def is_made(connection: duckdb.DuckDBPyConnection, hour=HOUR, made_of=("model 1", "settings")):
    return made_steps.is_made(connection, CARTS, hour, made_of, *WROTE)


def test_a_step_of_the_same_hour_log_and_models_is_made(connection):
    assert is_made(connection)
    assert made_steps.models_of_the_log(connection) == ["carts", "scored_carts"]
    assert not made_steps.is_made(connection, PEOPLE, HOUR, ["model 1", "settings"], *WROTE)


def test_another_hour_model_or_setting_makes_it_again(connection):
    assert not is_made(connection, HOUR + timedelta(hours=1))
    assert not is_made(connection, made_of=("model 2", "settings"))
    assert not is_made(connection, made_of=("model 1",))


def test_other_holidays_make_the_log_and_what_rests_on_it_again(connection):
    ensure_reference_tables(connection, HOUR)
    build(connection, HOUR)
    made_steps.note(connection, CARTS, HOUR, ["model 1", "settings"], *WROTE)
    assert is_made(connection)
    connection.execute("update reference.made_from set version = '0.1'")
    assert made_steps.log_of_the_hour(connection, HOUR) == ""
    assert not is_made(connection)


@pytest.mark.parametrize(
    "change",
    [
        "update scores set p = 0.25 where cart = 2",
        "delete from scores where cart = 1",  # as an erasure does
        "insert into scores values (1, 0.5)",
        "update plans set price = 3",
    ],
)
def test_what_was_changed_since_is_made_again(connection, change: str):
    connection.execute(change)
    assert not is_made(connection)


def test_other_rows_of_its_tables_are_not_its_own(connection):
    connection.execute("insert into plans values (2, 0.5)")
    assert is_made(connection)


def test_after_any_other_build_it_is_made_again(connection):
    build(connection, HOUR)  # of the same files, at another time
    assert made_steps.log_of_the_hour(connection, HOUR)
    assert not is_made(connection)


def test_a_log_that_is_being_built_is_none(connection):
    made_steps.forget(connection)
    assert not made_steps.log_of_the_hour(connection, HOUR)
    made_steps.note(connection, CARTS, HOUR, ["model 1", "settings"], *WROTE)
    assert not is_made(connection)


def test_a_full_build_that_was_begun_leaves_no_log(connection):
    connection.execute("drop table main.last_build")
    assert not made_steps.log_of_the_hour(connection, HOUR)
    assert not is_made(connection)


def test_in_a_warehouse_of_before_nothing_is_made():
    with duckdb.connect() as connection:
        made_steps.forget(connection)
        assert not made_steps.log_of_the_hour(connection, HOUR)
        made_steps.note(connection, CARTS, HOUR, [], *WROTE)
        assert not is_made(connection)


def test_other_code_makes_it_and_the_log_again(connection, monkeypatch):
    monkeypatch.setattr(made_steps, "_code", lambda: "another")
    assert not made_steps.log_of_the_hour(connection, HOUR)
    assert not is_made(connection)
