"""From challenger to champion, and an hour's rows replaced whole."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

import duckdb
import polars as pl
import pytest

from ml.promotion import Verdict
from orchestration.ground.errors import ComebackError
from orchestration.ground.hours import iso
from orchestration.ground.settings import Settings
from orchestration.modelling import scoring
from orchestration.modelling.model_store import POINTER, POINTER_COPY, Decision, ModelStore
from orchestration.modelling.training import RETURN, champion, ensure_champion, write_models
from orchestration.modelling.written_scores import write_scores
from orchestration.warehouse.database import ensure_score_tables
from orchestration.warehouse.reference_tables import ensure_reference_tables
from orchestration.warehouse.run_log import begin_run
from orchestration.warehouse.score_tables import CART_SCORES

TEN = datetime(2026, 10, 31, 10)


@pytest.fixture
def connection():
    """A warehouse with twelve sessions to learn returns from."""
    with duckdb.connect() as opened:
        ensure_score_tables(opened)
        opened.execute(
            "create table main.training_returns as"
            " select 's' || i as session_id, 'v' || i as visitor_id, null::varchar as owner_id,"
            " timestamp '2026-10-20' + to_hours(i) as ended_at, i::double as visit_count,"
            " (i + 1)::double as duration_hours, i % 2 = 0 as is_returned"
            " from range(12) as t(i) order by i"
        )
        begin_run(opened, "run", job="hourly", as_of=TEN, started_at=TEN, settings=Settings())
        yield opened


def scores(hour: datetime, *carts: str) -> pl.DataFrame:
    rows = [
        {
            "scored_at": hour,
            "cart_id": cart,
            "cart_value": Decimal("1.5000"),
            "priority_rank": rank,
        }
        for rank, cart in enumerate(carts, start=1)
    ]
    types = dict.fromkeys(CART_SCORES.column_names, pl.String) | {
        "scored_at": pl.Datetime("us"),
        "cart_value": pl.Decimal(38, 4),
        "priority_rank": pl.Int64,
    }
    return pl.DataFrame(rows, schema=types)


def kept(connection) -> list:
    return connection.execute(
        "select scored_at, cart_id, cart_value from scores.cart_scores order by all"
    ).fetchall()


def test_the_first_model_is_promoted_and_kept_until_it_is_learned_again(connection, tmp_path):
    model_store = ModelStore(tmp_path)
    learn = (connection, model_store, RETURN, Settings(), TEN)
    card, decision = ensure_champion(*learn, retrain=False)
    assert decision.is_promoted
    assert (decision.reason, decision.as_of) == ("the first model", iso(TEN))
    assert champion(model_store, RETURN, TEN).card == card
    assert ensure_champion(*learn, retrain=False) == (card, None)


def test_an_hour_before_the_first_model_learns_its_own(connection, tmp_path):
    model_store = ModelStore(tmp_path)
    ensure_champion(connection, model_store, RETURN, Settings(), TEN, retrain=False)
    earlier = TEN - timedelta(hours=1)
    with pytest.raises(ComebackError, match="there is no return model"):
        champion(model_store, RETURN, earlier)
    _, decision = ensure_champion(
        connection, model_store, RETURN, Settings(), earlier, retrain=False
    )
    assert (decision.as_of, decision.reason) == (iso(earlier), "the first model")
    assert champion(model_store, RETURN, earlier).card.name == "return"


def test_the_champion_learned_over_again_is_no_challenger(connection, tmp_path):
    model_store = ModelStore(tmp_path)
    learn = (connection, model_store, RETURN, Settings(), TEN)
    card, _ = ensure_champion(*learn, retrain=False)
    assert ensure_champion(*learn, retrain=True) == (card, None)
    assert len(model_store.decisions("return")) == 1


def test_the_table_of_models_follows_the_registry(connection, tmp_path):
    model_store = ModelStore(tmp_path)
    card, _ = ensure_champion(connection, model_store, RETURN, Settings(), TEN, retrain=False)
    for _ in range(2):
        assert write_models(connection, model_store) == 1
    assert connection.execute(
        "select name, model_id, row_count, is_champion, verdict from scores.models"
    ).fetchall() == [("return", card.model_id, 12, True, "the first model")]


def test_without_a_table_to_learn_from_the_reader_is_reported_what_to_run(connection, tmp_path):
    connection.execute("drop table main.training_returns")
    with pytest.raises(ComebackError, match="run: comeback run"):
        ensure_champion(connection, ModelStore(tmp_path), RETURN, Settings(), TEN, retrain=False)


def test_an_hour_scored_again_replaces_its_rows_and_no_others(connection):
    later = TEN + timedelta(hours=1)
    write_scores(connection, scores(TEN, "a", "b"), TEN, "run", Settings())
    write_scores(connection, scores(later, "a"), later, "run", Settings())
    write_scores(connection, scores(TEN, "b", "c"), TEN, "run", Settings())
    value = Decimal("1.5000")
    assert kept(connection) == [(TEN, "b", value), (TEN, "c", value), (later, "a", value)]


def test_an_hour_without_carts_is_noted_as_scored(connection):
    write_scores(connection, scores(TEN), TEN, "run", Settings())
    assert connection.execute("select carts_scored from scores.runs").fetchall() == [(0,)]


def test_scores_are_kept_by_their_distance_from_the_newest_hour(connection):
    settings = Settings(scores_keep_days=1)
    for hours in (0, 1, 24, 25):
        hour = TEN + timedelta(hours=hours)
        write_scores(connection, scores(hour, "a"), hour, "run", settings)
    assert [row[0] for row in kept(connection)] == [
        TEN + timedelta(hours=24),
        TEN + timedelta(hours=25),
    ]


def test_a_cart_without_its_visitors_absence_stops_scoring(connection):
    connection.execute(
        "create table main.scoring_snapshots (cart_id text, visitor_id text, owner_id text,"
        " session_ended_at timestamp, is_suspected_bot bool)"
    )
    connection.execute(
        "create table main.sessions (visitor_id text, owner_id text, ended_at timestamp)"
    )
    connection.execute("create table main.scoring_returns (cart_id text)")
    ensure_reference_tables(connection)
    connection.execute(
        "insert into main.scoring_snapshots values ('a', 'v', null, '2026-10-31', false),"
        " ('bot', 'w', null, '2026-10-31', true)"
    )
    connection.execute("insert into main.scoring_returns values ('a'), ('bot')")
    connection.execute("create table main.hour_currency as select 'EUR' as currency")
    connection.execute(
        "create table main.hour_order_values (event_at timestamp, order_value_base decimal(38, 4))"
    )
    connection.execute(
        "insert into main.hour_order_values select ?, unnest([10, 30, 20, null])",
        [TEN - timedelta(hours=1)],
    )
    connection.execute(
        "insert into main.hour_order_values values (?, 900)", [TEN + timedelta(hours=1)]
    )
    frames = scoring.read_frames(connection, TEN)
    assert frames.typical_value == 20
    assert frames.reporting_currency == "EUR"
    # of a suspected bot, too: it is scored, and its gate keeps it out of exports
    carts = ["a", "bot"]
    assert frames.snapshots["cart_id"].to_list() == frames.returns["cart_id"].to_list() == carts
    connection.execute("delete from main.scoring_returns where cart_id = 'a'")
    with pytest.raises(ComebackError, match="2 carts to score but 1 absences"):
        scoring.read_frames(connection, TEN)


def test_an_hour_goes_on_with_the_last_whole_model_and_training_mends_it(
    connection, tmp_path, monkeypatch
):
    model_store = ModelStore(tmp_path)
    learn = partial(ensure_champion, connection, model_store, RETURN, Settings())
    first, _ = learn(TEN, retrain=False)
    day, week = TEN + timedelta(days=1), TEN + timedelta(days=7)
    connection.execute("update main.training_returns set duration_hours = duration_hours + 1")
    second, decision = learn(day, retrain=True)
    model_store.decide("return", replace(decision, is_promoted=True, reason="better"))
    path = tmp_path / "return" / second.model_id / "curve.json"
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
    assert learn(week, retrain=False) == (first, None)
    assert champion(model_store, RETURN, week).card == first
    assert write_models(connection, model_store) == 2
    (served,) = connection.execute(
        "select model_id from scores.models where is_champion"
    ).fetchall()
    assert served == (first.model_id,)
    # what is learned again is not better: the last whole one serves, and for good
    assert len(model_store.faults("return", week)) == 1
    connection.execute("update main.training_returns set duration_hours = duration_hours + 1")
    never = Verdict(False, "no better", {})
    monkeypatch.setattr("ml.promotion.better", lambda *_: never)
    _, decision = learn(week, retrain=True)
    assert not decision.is_promoted
    assert model_store.faults("return", week) == []
    assert model_store.decisions("return")[first.model_id].reason == (
        f"the last that is whole: {second.model_id} is damaged"
    )
    assert model_store.champion("return") == first.model_id


def test_the_only_model_is_learned_again_where_it_is_damaged(connection, tmp_path):
    model_store = ModelStore(tmp_path)
    learn = partial(ensure_champion, connection, model_store, RETURN, Settings())
    card, _ = learn(TEN, retrain=False)
    pointer = (tmp_path / "return" / "champion.json").read_bytes()
    path = tmp_path / "return" / card.model_id / "curve.json"
    for retrain in (False, True):
        path.write_bytes(b"{}")
        assert learn(TEN, retrain=retrain) == (card, None)
        assert champion(model_store, RETURN, TEN).card == card
    assert (tmp_path / "return" / "champion.json").read_bytes() == pointer
    # at another hour, out of other data, it is another one
    path.unlink()
    connection.execute("update main.training_returns set duration_hours = duration_hours + 1")
    later = TEN + timedelta(days=1)
    other, decision = learn(later, retrain=False)
    assert (decision.is_promoted, decision.reason) == (
        True,
        "there is no other that is whole and was not refused",
    )
    assert model_store.champion("return") == other.model_id
    assert model_store.faults("return") == []


def test_what_somebody_rolled_back_from_is_not_taken_again_by_itself(connection, tmp_path):
    model_store = ModelStore(tmp_path)
    learn = partial(ensure_champion, connection, model_store, RETURN, Settings())
    first, _ = learn(TEN, retrain=False)
    connection.execute("update main.training_returns set duration_hours = duration_hours + 1")
    second, decision = learn(TEN, retrain=True)
    model_store.decide("return", replace(decision, is_promoted=True, reason="better"))
    by_hand = Decision(first.model_id, iso(TEN), True, "chosen", is_by_hand=True)
    model_store.decide("return", by_hand)
    card, decision = learn(TEN, retrain=True)
    assert card == second
    assert not decision.is_promoted
    assert decision.reason.startswith("somebody chose another instead; to take it: comeback models")
    assert model_store.champion("return") == first.model_id


def test_where_it_cannot_be_read_which_model_served_one_is_learned(connection, tmp_path):
    model_store = ModelStore(tmp_path)
    learn = partial(ensure_champion, connection, model_store, RETURN, Settings())
    card, first = learn(TEN, retrain=False)
    for file in (POINTER, POINTER_COPY):
        (tmp_path / "return" / file).write_bytes(b"{")
    assert len(model_store.faults("return", TEN)) == 2
    assert learn(TEN, retrain=False) == (card, first)
    assert model_store.champion("return") == card.model_id
    assert model_store.faults("return", TEN) == []
