"""How long scores are kept: by the newest hour that the clock allows, never by one beyond."""

from datetime import datetime, timedelta

import duckdb
import polars as pl

from orchestration.ground.settings import Settings
from orchestration.modelling.scoring import CONSTANT_NOTE, faults_of_scores
from orchestration.modelling.written_scores import write_scores
from orchestration.warehouse.database import ensure_score_tables
from orchestration.warehouse.score_tables import CART_SCORES

NOON = datetime(2026, 11, 26, 12)
SETTINGS = Settings(scores_keep_days=10)


def write(connection: duckdb.DuckDBPyConnection, hour: datetime, not_after: datetime) -> None:
    with duckdb.connect() as empty:
        ensure_score_tables(empty)
        row = empty.sql("from scores.cart_scores").pl().clear(1)
    scores = row.with_columns(scored_at=pl.lit(hour).cast(pl.Datetime("us"))).select(
        CART_SCORES.column_names
    )
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


def test_one_chance_for_all_is_a_fault_of_a_learned_model_only():
    columns = {f"p_return_{hours}h": [0.5] * 100 for hours in (4, 8, 24, 72, 168)}
    scores = pl.DataFrame({"p_abandon": [0.8] * 100, **columns, "priority_rank": range(1, 101)})
    assert faults_of_scores(scores) == ["p_abandon is the same for every cart"]
    assert faults_of_scores(scores, is_learned=False) == []
    assert faults_of_scores(scores.head(99)) == []
    assert "one rate" in CONSTANT_NOTE
