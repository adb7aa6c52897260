"""Models of people in the store, and the scores of an hour that come from them."""

from datetime import datetime, timedelta

import duckdb
import polars as pl
import pytest

from ml.people import clusters, intent, next_purchase, send_time, value
from orchestration.ground.errors import ComebackError
from orchestration.ground.hours import iso
from orchestration.ground.settings import Settings
from orchestration.modelling.model_store import Decision, ModelStore
from orchestration.modelling.person_activity import activity_at
from orchestration.modelling.person_models import PERSON_LEARNERS, ensure_person_models
from orchestration.modelling.person_scores import score_people
from orchestration.modelling.training import MODEL_NAMES, write_models
from orchestration.warehouse.database import ensure_score_tables
from tests.ml.people.shops import AS_OF, WEEK, people

HOUR = timedelta(hours=1)
NAMES = [intent.NAME, value.NAME, next_purchase.NAME, send_time.NAME, clusters.NAME]


@pytest.fixture
def connection():
    with duckdb.connect() as opened:
        ensure_score_tables(opened)
        offer(opened, people(20, 3))
        opened.execute(
            "create table person_sessions (person_id varchar, visitor_id varchar,"
            " started_at timestamp, ended_at timestamp, device_type varchar);"
            "create table ordered_events (visitor_id varchar, owner_id varchar,"
            " event_at timestamp, event_type varchar, is_activity boolean);"
            "create view person_totals as"
            " select person_id, max(ended_at) as last_seen_at, max_by(device_type,"
            " (ended_at, visitor_id)) filter (where device_type is not null) as device_type"
            " from person_sessions group by 1"
        )
        yield opened


def offer(opened: duckdb.DuckDBPyConnection, learned: pl.DataFrame) -> None:
    """People to learn from, and the newest of them to score."""
    opened.register("learned", learned.with_columns(order_value_365d=pl.lit(10.0)))
    opened.execute("create or replace table training_people as from learned")
    opened.execute(
        "create or replace table scoring_people as from learned where as_of = ?", [AS_OF - WEEK]
    )
    opened.unregister("learned")


def learn(opened, model_store: ModelStore, as_of: datetime = AS_OF, *, retrain: bool = False):
    return ensure_person_models(opened, model_store, Settings(), as_of, retrain=retrain)


def test_the_first_models_are_taken_and_kept_until_they_are_learned_again(connection, tmp_path):
    model_store = ModelStore(tmp_path)
    first = learn(connection, model_store)
    assert [card.name for card, _ in first] == NAMES == [each.name for each in PERSON_LEARNERS]
    assert {decision.reason for _, decision in first} == {"the first model: the plain answer"}
    cards = [card for card, _ in first]
    offer(connection, people(30, 4))
    later = AS_OF + HOUR
    assert learn(connection, model_store, later) == [(card, None) for card in cards]
    again = learn(connection, model_store, later, retrain=True)
    reasons = {card.name: decision and decision.reason for card, decision in again}
    reason = "learned again: the plain answer"
    # nobody came or went: the send times are the same, and no other model
    assert reasons == dict.fromkeys(NAMES, reason) | {send_time.NAME: None}
    # an hour is scored by the model of that hour
    for card, (newer, _) in zip(cards, again, strict=True):
        assert model_store.champion(card.name, AS_OF) == card.model_id
        assert model_store.champion(card.name, later) == newer.model_id
    assert learn(connection, model_store, later, retrain=True) == [
        (card, None) for card, _ in again
    ]
    assert write_models(connection, model_store) == 2 * len(NAMES) - 1
    assert {*NAMES} < {*MODEL_NAMES}


def test_a_model_that_somebody_replaced_by_another_stays_so(connection, tmp_path):
    model_store = ModelStore(tmp_path)
    (old, _), *_ = learn(connection, model_store)
    offer(connection, people(30, 4))
    (new, _), *_ = learn(connection, model_store, AS_OF + HOUR, retrain=True)
    chosen = Decision(old.model_id, iso(AS_OF + HOUR), True, "chosen", is_by_hand=True)
    model_store.decide(old.name, chosen)
    (_, decision), *_ = learn(connection, model_store, AS_OF + 2 * HOUR, retrain=True)
    assert not decision.is_promoted
    assert f"comeback models --serve {new.model_id}" in decision.reason
    assert model_store.champion(old.name) == old.model_id


def test_a_damaged_model_is_made_good_by_learning(connection, tmp_path, caplog):
    model_store = ModelStore(tmp_path)
    (card, _), *_ = learn(connection, model_store)
    (tmp_path / card.name / card.model_id / intent.MODEL_FILE).write_bytes(b"{}")
    learn(connection, model_store)
    assert f"the intent model {card.model_id} is damaged" in caplog.text
    assert model_store.champion(card.name) == card.model_id


def test_an_hour_has_the_scores_of_its_own_models_and_of_one_hour_beside(connection, tmp_path):
    model_store = ModelStore(tmp_path)
    learn(connection, model_store)
    later, much_later = AS_OF + HOUR, AS_OF + 2 * HOUR

    def kept() -> list:
        query = "select scored_at, count(*) from scores.person_scores group by 1 order by 1"
        return connection.execute(query).fetchall()

    def score(hour: datetime, beside: datetime | None = None) -> pl.DataFrame | None:
        return score_people(connection, model_store, Settings(), hour, beside=beside)

    assert score(AS_OF - HOUR) is None
    assert score(much_later).height == 20
    first = score(AS_OF, much_later)
    assert kept() == [(AS_OF, 20), (much_later, 20)]
    score(later, much_later)
    assert kept() == [(later, 20), (much_later, 20)]
    assert score(AS_OF).equals(first)
    assert kept() == [(AS_OF, 20)]


def test_without_a_table_to_learn_from_the_reader_is_told_what_to_run(connection, tmp_path):
    connection.execute("drop table training_people")
    with pytest.raises(ComebackError, match="run: comeback run"):
        learn(connection, ModelStore(tmp_path))


def test_groups_are_made_again_after_a_week(connection, tmp_path):
    model_store = ModelStore(tmp_path)
    offer(connection, people(250, 3))
    (first, _) = learn(connection, model_store)[-1]
    assert first.kind == "kmeans"
    for age, is_new in ((WEEK - HOUR, False), (WEEK, True)):
        (card, decision) = learn(connection, model_store, AS_OF + age, retrain=True)[-1]
        assert (card.model_id != first.model_id, decision is not None) == (is_new, is_new)
    score_people(connection, model_store, Settings(), AS_OF + WEEK)
    groups = connection.execute(
        "select count(*), sum(person_count), min(stability), sum(share) from scores.clusters"
        " where model_id = ?",
        [card.model_id],
    ).fetchall()
    assert groups == [(card.metrics["groups"], 250, 1, pytest.approx(1))]
    ((profile, mean),) = connection.execute("""
        select any_value(profile['order_count']), avg(order_count)
        from scores.clusters
        inner join scores.person_scores using (cluster_id)
        inner join scoring_people using (person_id)
        where cluster_id = (select min(cluster_id) from scores.clusters)
    """).fetchall()
    assert profile == pytest.approx(mean, abs=1e-4)


def test_activity_is_what_had_begun_by_the_hour_by_the_clock_of_the_shop(connection):
    def at(days: float, seconds: float = 0) -> datetime:
        return AS_OF - timedelta(days=days, seconds=seconds)

    sessions = [
        ("a", "v1", at(0), at(-1), "desktop"),
        ("a", "v1", at(1), at(1), "mobile"),
        ("a", "v2", at(-1), at(-2), "tablet"),
        ("a", "v1", at(60), at(60), "desktop"),
        ("b", "v3", at(179), at(179), None),
        ("b", "v3", at(180), at(180), None),
        ("c", "v4", at(27, -1), at(27), None),
        ("c", "v4", at(27), at(27), None),
        ("c", "v4", at(28, -1), at(28), None),
        ("c", "v4", at(28), at(28), None),
        ("c", "v4", at(56), at(56), None),
        ("d", "v5", at(1), at(0), "tablet"),
    ]
    connection.executemany("insert into person_sessions values (?, ?, ?, ?, ?)", sessions)
    mails = [
        ("v9", "7", at(2), "email_open", False),
        ("v9", "7", at(-2), "email_open", False),
        ("v9", "7", at(2), "refund", False),
    ]
    connection.executemany("insert into ordered_events values (?, ?, ?, ?, ?)", mails)
    # midnight UTC of a Monday in June, and of days before the clocks were set for summer
    assert sorted(activity_at(connection, AS_OF, "Europe/Berlin").rows(), key=str) == [
        ("a", "mobile", 2, 1, 2, 1),
        ("a", "mobile", 2, 4, 0, 1),
        ("a", "mobile", 2, 7, 2, 1),
        ("b", None, 1, 4, 0, 1),
        ("c", None, 2, 1, 0, 1),
        ("c", None, 2, 1, 1, 1),
        # the first day after what is learned from is not to judge by
        ("c", None, 2, 1, None, 1),
        ("c", None, 2, 2, 2, 1),
        ("c", None, 2, 2, None, 1),
        ("d", "tablet", 2, 7, 2, 1),
        ("user:7", None, 2, 6, 2, 1),
    ]
