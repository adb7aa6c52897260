"""A learned model that a gate refuses does not serve; what serves instead, and what is said."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import duckdb
import polars as pl
import pytest

from orchestration.ground.hours import iso
from orchestration.ground.settings import Settings
from orchestration.modelling.model_store import ModelStore
from orchestration.modelling.model_versions import newest_decisions
from orchestration.modelling.training import ABANDONMENT, ensure_champion
from tests.ml.conftest import make_snapshots
from tests.ml.training import AS_OF

LEAK = "refused: session_leak alone has an AUC of 1.00, surely above 0.8"


@pytest.fixture(scope="module")
def shop() -> pl.DataFrame:
    return make_snapshots(1500).drop("truth")


@contextmanager
def warehouse_with(frame: pl.DataFrame) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with rows to learn from, the newest of which are scored."""
    with duckdb.connect() as connection:
        for table, rows in (("training_snapshots", frame), ("scoring_snapshots", frame.tail(500))):
            connection.register("rows", rows)
            connection.execute(f"create table main.{table} as from rows")
            connection.unregister("rows")
        yield connection


def learned(frame: pl.DataFrame, model_store: ModelStore, days: int = 0, *, retrain: bool = False):
    """The card and the decision of what is learned so many days after the first time."""
    with warehouse_with(frame) as connection:
        as_of = AS_OF + timedelta(days=days)
        return ensure_champion(
            connection, model_store, ABANDONMENT, Settings(), as_of, retrain=retrain
        )


def leaking(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(session_leak=pl.col("converts_within_horizon").cast(pl.Int64))


def test_in_the_place_of_a_first_model_that_is_refused_the_rates_serve(shop, tmp_path):
    model_store = ModelStore(tmp_path)
    card, decision = learned(leaking(shop), model_store)
    assert (card.kind, decision.is_promoted, decision.reason) == ("lightgbm", False, LEAK)
    champion = model_store.champion("abandonment")
    fallback = model_store.card("abandonment", champion)
    assert fallback.kind == "fallback"
    assert fallback.note == (
        f"Rates by idle time instead of a learned model: {card.model_id} was {LEAK}."
    )
    assert model_store.decisions("abandonment")[champion].reason == (
        "there is no other that is whole and was not refused"
    )
    assert list(newest_decisions(model_store, AS_OF))[:2] == [
        f"abandonment: {champion} is in use (there is no other that is whole and was not refused)",
        f"abandonment: {card.model_id}: {LEAK}",
    ]
    # the next hour scores with the rates and learns nothing
    assert learned(leaking(shop), model_store, 1) == (fallback, None)
    # without the leak a learned one takes their place
    clean, decision = learned(shop, model_store, 2, retrain=True)
    assert decision.reason == "A learned model replaces the fallback."
    assert model_store.champion("abandonment") == clean.model_id


def test_a_challenger_that_is_refused_leaves_the_champion(shop, tmp_path):
    model_store = ModelStore(tmp_path)
    champion, first = learned(shop, model_store)
    assert (first.is_promoted, first.reason) == (True, "the first model")
    refused, decision = learned(leaking(shop), model_store, 1, retrain=True)
    assert (decision.is_promoted, decision.reason) == (False, LEAK)
    assert decision.as_of == iso(AS_OF + timedelta(days=1))
    assert model_store.champion("abandonment") == champion.model_id
    assert set(model_store.versions("abandonment")) == {champion.model_id, refused.model_id}
