"""What is remembered of an hour's plans and arms, and what another hour knows of it."""

from datetime import datetime, timedelta

import duckdb
import polars as pl
import pytest

from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.modelling.contact_plans import plans_before, replace_plans
from orchestration.modelling.holdout_arms import (
    KEY_VARIABLE,
    holdout_key,
    links_of_people,
    people_to_know,
    recorded_arms,
    replace_arms,
)
from orchestration.warehouse.contact_tables import CONTACT_PLANS, HOLDOUT_ARMS
from orchestration.warehouse.database import ensure_score_tables
from orchestration.warehouse.table import Table

TEN = datetime(2026, 10, 31, 10)
NINE, EIGHT = TEN - timedelta(hours=1), TEN - timedelta(hours=2)


@pytest.fixture
def connection():
    """A warehouse that scores the carts of v, whose user is u, and of w, away since eight."""
    with duckdb.connect() as opened:
        ensure_score_tables(opened)
        opened.execute(
            "create table main.scoring_snapshots as"
            " from (values ('c1', 'v', 'u', ?::timestamp, false), ('c2', 'w', null, ?, false),"
            " ('c3', 'bot', 'robot', ?, true)) as carts"
            " (cart_id, visitor_id, owner_id, session_ended_at, is_suspected_bot)",
            [NINE, EIGHT, EIGHT],
        )
        opened.execute(
            "create table main.sessions as"
            " from (values ('phone', 'u', ?::timestamp), ('tablet', 'u', ?), ('other', 'x', ?))"
            " as sessions (visitor_id, owner_id, ended_at)",
            [EIGHT, TEN + timedelta(minutes=1), EIGHT],
        )
        yield opened


def rows(connection: duckdb.DuckDBPyConnection, table: Table, *values: dict) -> pl.DataFrame:
    """Rows of a table, null where nothing is given."""
    empty = connection.sql(f"select * from scores.{table.name} limit 0").pl()
    return pl.DataFrame(list(values), schema=empty.schema)


def plan(visitor: str, ended: datetime, at: datetime, action: str) -> dict:
    return {
        "planned_at": at,
        "visitor_id": visitor,
        "session_ended_at": ended,
        "best_action": action,
    }


def keep(connection, at: datetime, *plans: dict, keep_days: int = 90) -> None:
    frame = rows(connection, CONTACT_PLANS, *plans)
    replace_plans(connection, at, frame, not_after=TEN, keep_days=keep_days)


def actions(connection, at: datetime) -> dict[str, str]:
    return dict(plans_before(connection, at).select("visitor_id", "best_action").rows())


def test_an_hour_knows_the_newest_plan_of_each_absence_from_the_hours_before_it(connection):
    keep(connection, EIGHT, plan("w", EIGHT, EIGHT, "reminder"))
    keep(connection, NINE, plan("w", EIGHT, NINE, "incentive"), plan("x", EIGHT, NINE, "reminder"))
    # x has no cart any more
    assert actions(connection, TEN) == {"w": "incentive"}
    assert actions(connection, NINE) == {"w": "reminder"}
    assert actions(connection, EIGHT) == {}


def test_the_plans_of_an_hour_are_replaced_and_old_ones_dropped(connection):
    keep(connection, EIGHT, plan("w", EIGHT, EIGHT, "reminder"))
    keep(connection, EIGHT, plan("w", EIGHT, EIGHT, "nothing"))
    assert actions(connection, TEN) == {"w": "nothing"}
    later = TEN + timedelta(days=10)
    connection.execute("insert into scores.cart_scores (scored_at) values (?)", [later])
    frame = rows(connection, CONTACT_PLANS, plan("v", NINE, later, "reminder"))
    replace_plans(connection, later, frame, not_after=TEN, keep_days=8)
    # scored while the clock was ahead: nothing is old by it
    assert actions(connection, TEN) == {"w": "nothing"}
    replace_plans(connection, later, frame, not_after=later, keep_days=8)
    assert actions(connection, TEN) == {}


def arm(person: str, at: datetime, name: str) -> dict:
    return {"person_id": person, "arm": name, "assigned_at": at, "is_mixed": False}


def test_an_hour_knows_the_arms_of_its_people_and_of_their_devices_up_to_then(connection):
    people = ("user:u", "v", "w", "phone", "tablet", "other", "bot", "user:robot")
    for at in (EIGHT, TEN):
        frame = rows(connection, HOLDOUT_ARMS, *(arm(person, at, "holdout") for person in people))
        replace_arms(connection, at, frame)
    links = links_of_people(connection, TEN)
    # the session on the tablet went on after the hour
    assert links.rows() == [("robot", "bot"), ("u", "phone"), ("u", "v")]
    carts = connection.sql("from main.scoring_snapshots order by cart_id").pl()
    arms = recorded_arms(connection, TEN, people_to_know(carts, links))
    assert arms["person_id"].to_list() == ["bot", "phone", "user:robot", "user:u", "v", "w"]
    assert set(arms["assigned_at"]) == {EIGHT}
    replace_arms(connection, EIGHT, rows(connection, HOLDOUT_ARMS))
    assert recorded_arms(connection, TEN, people_to_know(carts, links)).is_empty()


def test_people_scored_before_arms_were_recorded_stay_in_the_arm_they_were_in(connection):
    connection.execute("delete from scores.holdout_arms")
    connection.execute(
        "insert into scores.cart_scores (scored_at, cart_id, visitor_id, owner_id, is_holdout)"
        " from (values (?::timestamp, 'c1', 'v', null, true), (?, 'c1', 'v', 'u', false),"
        " (?, 'c2', 'w', null, false))",
        [EIGHT, NINE, NINE],
    )
    for _ in range(2):
        ensure_score_tables(connection)
        query = "select person_id, arm, assigned_at, key_id from scores.holdout_arms order by 1"
        assert connection.execute(query).fetchall() == [
            ("user:u", "treatment", NINE, None),
            ("v", "holdout", EIGHT, None),
            ("w", "treatment", NINE, None),
        ]


def test_a_home_makes_a_key_of_its_own_for_its_owner_only(tmp_path, monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE)
    homes = [Home(tmp_path / name) for name in ("one", "other")]
    for home in homes:
        home.root.mkdir()
    keys = [holdout_key(home, Settings()) for home in homes]
    assert len(set(keys)) == 2
    assert [holdout_key(home, Settings()) for home in homes] == keys
    assert homes[0].holdout_key.stat().st_mode & 0o777 == 0o600
    assert len(keys[0]) == 64
    assert holdout_key(homes[0], Settings(holdout_key="ours")) == b"ours"
    monkeypatch.setenv(KEY_VARIABLE, "of the environment")
    assert holdout_key(homes[0], Settings(holdout_key="ours")) == b"of the environment"
