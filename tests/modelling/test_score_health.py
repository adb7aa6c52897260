"""Drift of what is scored, and what became of earlier scores, out of a warehouse."""

from dataclasses import replace
from datetime import datetime, timedelta

import duckdb
import numpy as np
import polars as pl
import pytest

from ml import calibration
from ml.features import Encoding
from orchestration.ground.settings import Settings
from orchestration.modelling import score_health
from orchestration.warehouse.database import ensure_score_tables
from tests.ml.conftest import make_snapshots
from tests.ml.training import train_abandonment

HOUR = timedelta(hours=1)
NOW = datetime(2026, 3, 20, 12)
CARTS, CHANCE = 800, 0.2


def scored_for_days(connection, days: int, halved_since: datetime) -> None:
    """Every sixth hour 800 new carts, of which a fifth is bought after ten or fifty hours; since
    some time only half as many are."""
    rng = np.random.default_rng(5)
    hours = [NOW - 6 * HOUR * number for number in range(4 * days)][::-1]
    rows = pl.concat(
        [
            pl.DataFrame({"cart": np.arange(CARTS), "luck": rng.uniform(size=CARTS)}).with_columns(
                scored_at=pl.lit(hour).cast(pl.Datetime("us"))
            )
            for hour in hours
        ]
    )
    is_later = pl.col("scored_at") >= halved_since
    bought = pl.col("luck") < pl.when(is_later).then(CHANCE / 2).otherwise(CHANCE)
    after = pl.when(pl.col("cart") % 2 == 0).then(10 * HOUR).otherwise(50 * HOUR)
    cart_id = pl.col("scored_at").dt.to_string() + pl.col("cart").cast(pl.String)
    rows = rows.with_columns(
        cart_id=cart_id,
        visitor_id=cart_id,
        owner_id=pl.lit(None, pl.String),
        p_abandon=1 - CHANCE,
        hours_idle=0.5,
        converted_at=pl.when(bought).then(pl.col("scored_at") + after),
        is_mature=pl.col("scored_at") + 72 * HOUR <= NOW,
    )
    seen = rows.with_columns(
        converted_at=pl.when(pl.col("converted_at") <= NOW).then("converted_at")
    ).with_columns(is_converted=pl.col("converted_at").is_not_null())
    outcomes = seen.filter(pl.col("is_mature") | pl.col("is_converted"))
    connection.register("rows", rows.select("scored_at", "cart_id", "visitor_id", "p_abandon"))
    connection.execute("insert into scores.cart_scores by name from rows")
    names = ("scored_at", "cart_id", "p_abandon", "is_converted", "converted_at", "hours_idle")
    connection.register("outcomes", outcomes.select(*names, "is_mature"))
    connection.execute("insert into scores.score_outcomes by name from outcomes")
    connection.execute("create table main.ordered_events as select ?::timestamp as event_at", [NOW])


@pytest.mark.parametrize("days_ago", [0, 2, 6])
def test_a_change_shows_in_the_first_day_before_outcomes_are_known(days_ago):
    with duckdb.connect() as connection:
        ensure_score_tables(connection)
        scored_for_days(connection, 12, NOW - timedelta(days=days_ago))
        (known,) = score_health.known_outcomes(connection, NOW, Settings()).to_dicts()
        early = score_health.early_outcomes(connection, NOW, Settings())
        earlier = score_health.known_outcomes(connection, NOW - 6 * 24 * HOUR, Settings())
    assert known["idle_up_to_hours"] == 1
    # 7 days of 4 hours
    assert known["row_count"] == 28 * CARTS
    # from the change to the last hour that is known, both included
    halved_hours = 13 if days_ago == 6 else 0
    part = 1 - halved_hours / 28 / 2
    assert known["mean_observed"] == pytest.approx(CHANCE * part, rel=0.03)
    if not halved_hours:
        assert not known["is_off"]
    ratio = 2 * part if days_ago else 1
    assert early.estimate == pytest.approx(ratio, rel=0.15)
    assert (early.low > 1.25) == (days_ago > 0)
    # at an hour of before nothing is known of later
    assert earlier["ratio"].to_list() == pytest.approx([1], abs=0.03)


def test_before_anything_was_scored_nothing_is_said():
    with duckdb.connect() as connection:
        ensure_score_tables(connection)
        connection.execute("create table main.ordered_events (event_at timestamp)")
        assert score_health.known_outcomes(connection, NOW, Settings()).is_empty()
        assert score_health.early_outcomes(connection, NOW, Settings()) is None


class Keen:
    """Who is interested buys."""

    def predict(self, frame, _):
        return calibration.sigmoid(-frame["session_interest"].to_numpy())


def test_visitors_who_changed_since_the_model_was_learned_are_noticed():
    shop = make_snapshots(500).drop("truth")
    fallback = train_abandonment(make_snapshots(50))
    card = replace(fallback.card, kind="lightgbm")
    plain = replace(fallback, card=card, encoding=Encoding.fit(shop), scorer=Keen())
    model = score_health.with_reference(plain, shop.tail(700))
    assert model.card.params[score_health.REFERENCE]["people"] == 224

    def drifted(carts: pl.DataFrame) -> pl.DataFrame:
        scores = pl.DataFrame({"p_abandon": Keen().predict(carts, None)})
        return score_health.drift_of(model, carts, scores)

    same = drifted(shop.tail(700))
    assert {"session_interest", "device_type", "p_abandon"} < set(same["column"])
    assert same["index"].to_list() == pytest.approx([0] * same.height, abs=1e-6)
    assert not drifted(shop.head(700))["is_beyond"].any()
    found = drifted(shop.tail(700).with_columns(pl.col("session_interest") + 1))
    assert set(found.filter("is_beyond")["column"]) == {"session_interest", "p_abandon"}
    # nobody is scored, or the model is of before: nothing is said
    assert drifted(shop.clear()).is_empty()
    assert score_health.drift_of(plain, shop, shop).is_empty()
    # a fallback knows no features
    assert score_health.with_reference(fallback, shop) is fallback
