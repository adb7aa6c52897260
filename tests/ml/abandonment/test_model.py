from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from ml import abandonment, evaluation
from ml.abandonment import AbandonmentModel
from ml.card import model_id
from ml.split import cart_weights
from tests.ml.training import AS_OF, HORIZON
from tests.ml.training import train_abandonment as train


def test_it_ranks_nearly_as_well_as_the_truth(model, snapshots):
    start = datetime.fromisoformat(model.card.params["test_start"])
    known = abandonment.matured(snapshots, as_of=AS_OF, horizon=HORIZON)
    test = known.filter(pl.col("as_of") >= start)
    abandoned = (~test["converts_within_horizon"]).cast(pl.Float64).to_numpy()
    best = evaluation.auc(abandoned, test["truth"].to_numpy(), cart_weights(test))
    assert model.card.kind == "lightgbm"
    assert model.card.metrics["test_rows"] == test.height
    assert best - 0.02 < model.card.metrics["auc"] < best + 0.02
    assert model.card.metrics["auc"] > model.card.metrics["auc_idle_hours"] + 0.1
    assert model.card.metrics["log_loss"] < model.card.metrics["log_loss_constant"] - 0.05


def test_its_probabilities_hold_at_large(model, snapshots):
    assert model.card.metrics["predicted_over_observed"] == pytest.approx(1.0, abs=0.06)
    p, truth = model.predict(snapshots), snapshots["truth"].to_numpy()
    assert np.abs(p - truth).mean() < 0.06
    newest = snapshots.filter(
        pl.col("as_of") >= datetime.fromisoformat(model.card.params["test_start"]),
        pl.col("as_of") <= model.card.data_to,
    )
    weights = cart_weights(newest)
    truth = np.average(newest["truth"].to_numpy(), weights=weights)
    assert np.average(model.predict(newest), weights=weights) == pytest.approx(truth, abs=0.01)
    # these 314 people happened to buy less than that, which says little about the next ones
    happened = np.average(abandonment.abandoned(newest), weights=weights)
    assert happened > truth + 0.02


def test_windows_are_a_horizon_apart_and_end_with_what_is_known(model, snapshots):
    at = {
        k: datetime.fromisoformat(v)
        for k, v in model.card.params.items()
        if "_" in k and "T" in str(v)
    }
    assert at["validation_start"] - at["train_end"] == HORIZON
    assert at["test_start"] - at["validation_end"] == HORIZON
    assert at["test_end"] - timedelta(microseconds=1) == model.card.data_to
    assert model.card.data_to <= AS_OF - HORIZON
    assert (
        model.card.row_count == abandonment.matured(snapshots, as_of=AS_OF, horizon=HORIZON).height
    )


def test_a_saved_and_loaded_model_predicts_the_same_bits(model, snapshots):
    loaded = AbandonmentModel.from_files(model.to_files())
    assert loaded.card == model.card
    assert loaded.predict(snapshots).tobytes() == model.predict(snapshots).tobytes()
    assert model.card.model_id == model_id(model.to_files())


def test_the_same_rows_in_another_order_make_the_same_bytes(model, snapshots):
    shuffled = snapshots.sample(fraction=1.0, shuffle=True, seed=1)
    assert train(shuffled).to_files() == model.to_files()


def test_nothing_after_the_hour_of_training_is_used(snapshots):
    early = datetime.fromisoformat("2026-02-20")
    cut = snapshots.filter(pl.col("as_of") <= early - HORIZON)
    assert train(snapshots, as_of=early).to_files() == train(cut, as_of=early).to_files()


def test_one_row_scores_as_it_does_among_many(model, snapshots):
    rows = snapshots.head(20)
    alone = [model.predict(rows[i])[0] for i in range(20)]
    assert alone == model.predict(rows).tolist()


def test_unknown_categories_and_empty_columns_still_score(model, snapshots):
    odd = snapshots.head(3).with_columns(
        device_type=pl.Series(["watch", None, "mobile"]),
        session_interest=pl.lit(None),
        visitor_order_count=pl.lit(None, dtype=pl.Int64),
    )
    p = model.predict(odd)
    assert ((p > 0) & (p < 1)).all()
    assert p[0] == p[1] != p[2]


def test_no_rows_score_to_nothing(model, snapshots):
    assert model.predict(snapshots.clear()).shape == (0,)
    assert model.contributions(snapshots.clear()).shape == (0, len(model.encoding.features))


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (
            lambda rows: rows.filter(pl.col("cart_id") < "c00199"),
            "Rates by idle time instead of a learned model: "
            "199 carts have a known outcome, 200 are needed.",
        ),
        (
            lambda rows: rows.with_columns(converts_within_horizon=pl.lit(False)),
            "Rates by idle time instead of a learned model: "
            "all known outcomes are alike, so there is nothing to tell apart.",
        ),
        (
            lambda rows: rows.filter(pl.col("as_of") < datetime.fromisoformat("2026-01-07")),
            "Rates by idle time instead of a learned model: known outcomes span 144 hours, "
            "too few for three windows and two gaps of 72 hours.",
        ),
    ],
)
def test_too_little_to_learn_from_is_said_in_one_sentence(snapshots, change, note):
    model = train(change(snapshots))
    assert model.card.is_fallback
    assert model.card.note == note
