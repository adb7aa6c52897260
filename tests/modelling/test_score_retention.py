"""How long scores are kept: by the newest hour that the clock allows, never by one beyond."""

from datetime import datetime, timedelta
from unittest.mock import Mock

import duckdb
import polars as pl

from orchestration.ground.settings import Settings
from orchestration.modelling.scoring import CONSTANT_NOTE, Scored, faults_of_scores
from orchestration.modelling.written_scores import scored_once, write_scores
from orchestration.warehouse import made_steps
from orchestration.warehouse.contact_tables import CONTACT_PLANS, HOLDOUT_ARMS
from orchestration.warehouse.database import ensure_score_tables
from orchestration.warehouse.score_tables import CART_SCORES

NOON = datetime(2026, 11, 26, 12)
SETTINGS = Settings(scores_keep_days=10)


def scored_at(hour: datetime) -> Scored:
    """One cart, without plan or arm."""
    tables = (CART_SCORES, CONTACT_PLANS, HOLDOUT_ARMS)
    with duckdb.connect() as empty:
        ensure_score_tables(empty)
        none, plans, arms = (empty.sql(f"from scores.{each.name}").pl() for each in tables)
    scores = none.clear(1).with_columns(scored_at=pl.lit(hour).cast(pl.Datetime("us")))
    return Scored(scores.select(CART_SCORES.column_names), plans, arms)


def write(connection: duckdb.DuckDBPyConnection, hour: datetime, not_after: datetime) -> None:
    scores = scored_at(hour).scores
    write_scores(connection, scores, hour, "run", SETTINGS, not_after=not_after)


def hours(connection: duckdb.DuckDBPyConnection) -> list[datetime]:
    query = "select scored_at from scores.cart_scores order by 1"
    return [hour for (hour,) in connection.execute(query).fetchall()]


def test_an_hour_scored_while_the_clock_was_ahead_drops_no_others():
    with duckdb.connect() as connection:
        ensure_score_tables(connection)
        ahead = NOON + timedelta(days=100)
        write(connection, ahead, not_after=ahead)
        write(connection, NOON, not_after=NOON)
        write(connection, NOON + timedelta(days=9), not_after=NOON + timedelta(days=9))
        assert hours(connection) == [NOON, NOON + timedelta(days=9), ahead]
        write(connection, NOON + timedelta(days=10), not_after=NOON + timedelta(days=10))
        assert NOON not in hours(connection)


def test_the_hour_just_written_stays_however_old_it_is():
    with duckdb.connect() as connection:
        ensure_score_tables(connection)
        for days in (0, -50):
            write(connection, NOON + timedelta(days=days), not_after=NOON)
        assert hours(connection) == [NOON - timedelta(days=50), NOON]
        write(connection, NOON, not_after=NOON)
        assert hours(connection) == [NOON]


def test_what_would_be_scored_the_same_is_not_and_what_is_too_old_goes_all_the_same():
    score = Mock(return_value=scored_at(NOON))
    with duckdb.connect() as connection:
        ensure_score_tables(connection)
        write(connection, NOON - timedelta(days=9), not_after=NOON)
        connection.execute(
            "create table main.last_build as"
            " select 'files' as inputs, ? as as_of, localtimestamp as finished_at",
            [NOON],
        )
        made_steps.note_log(connection, NOON, ["scored_carts"])
        for model, keep_days, kept in (
            ("a", 10, [NOON - timedelta(days=9), NOON]),
            ("a", 10, [NOON - timedelta(days=9), NOON]),
            ("a", 1, [NOON]),
            ("b", 1, [NOON]),
        ):
            settings = Settings(scores_keep_days=keep_days)
            scored = scored_once(
                connection, NOON, "run", settings, score, made_of=[model], not_after=NOON
            )
            assert scored.scores.equals(score.return_value.scores)
            assert hours(connection) == kept
    assert score.call_count == 2


def test_one_chance_for_all_is_a_fault_of_a_learned_model_only():
    columns = {f"p_return_{hours}h": [0.5] * 100 for hours in (4, 8, 24, 72, 168)}
    scores = pl.DataFrame({"p_abandon": [0.8] * 100, **columns, "priority_rank": range(1, 101)})
    assert faults_of_scores(scores) == ["p_abandon is the same for every cart"]
    assert faults_of_scores(scores, is_learned=False) == []
    assert faults_of_scores(scores.head(99)) == []
    assert "one rate" in CONSTANT_NOTE
