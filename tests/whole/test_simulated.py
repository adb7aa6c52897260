"""The models on the simulated shop, beside the truth that only the simulator knows."""

from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from ml import abandonment, evaluation, outcomes, return_time
from ml.abandonment import AbandonmentModel
from ml.features import person_id

END = datetime(2026, 11, 1)
HORIZON = timedelta(hours=72)
DAY = timedelta(days=1)
# The last nine days are held out: what is learned, is learned as of this instant.
SPLIT = END - timedelta(days=9)
HORIZONS = (4, 8, 24, 72, 168)


@pytest.fixture(scope="module")
def warehouse(simulated_home):
    path = str(simulated_home / "warehouse.duckdb")
    with duckdb.connect(path, read_only=True) as connection:
        # as an hour reads it: else what is learned from takes 19 s of the processor, not 3
        connection.execute("set asof_loop_join_threshold = 0")
        yield connection


@pytest.fixture(scope="module")
def snapshots(warehouse) -> pl.DataFrame:
    return warehouse.sql("select * from training_snapshots where not is_suspected_bot").pl()


@pytest.fixture(scope="module")
def returns(warehouse) -> pl.DataFrame:
    return warehouse.sql("select * from training_returns").pl()


@pytest.fixture(scope="module")
def held_out(simulated_home: Path, snapshots: pl.DataFrame) -> pl.DataFrame:
    """Held-out snapshots whose truth is known: at the first add, and a day after the last touch.

    Columns: age, abandons, p_model, p_truth (all of abandoning within the horizon).
    """
    known_then = snapshots.with_columns(
        # a label is known as of the split only if its horizon had passed by then
        converts_within_horizon=pl.when(pl.col("as_of") + HORIZON < SPLIT).then(
            pl.col("converts_within_horizon")
        )
    ).filter(pl.col("as_of") <= SPLIT)
    model = abandonment.train(known_then, as_of=SPLIT, horizon=HORIZON)
    assert model.card.kind == "lightgbm"
    truth = pl.read_parquet(simulated_home / "simulated_truth" / "carts_truth.parquet")
    true_scores = pl.concat(
        [
            truth.select("visitor_id", as_of=as_of, p_buy=p, age=pl.lit(age))
            for as_of, p, age in (
                ("started_at", "p_convert_72h", "0h"),
                ("idle_as_of", "p_convert_72h_idle", "24h"),
            )
        ]
    ).drop_nulls()
    true_scores = true_scores.with_columns(
        pl.col("as_of").dt.replace_time_zone(None).cast(pl.Datetime("us"))
    )
    later = snapshots.filter(
        pl.col("as_of") > SPLIT, pl.col("converts_within_horizon").is_not_null()
    ).filter(pl.col("as_of") + HORIZON < END)
    scored = later.with_columns(p_model=pl.Series(model.predict(later)))
    return scored.join(true_scores, on=["visitor_id", "as_of"]).select(
        "age",
        abandons=(~pl.col("converts_within_horizon")).cast(pl.Float64),
        p_model="p_model",
        p_truth=1 - pl.col("p_buy"),
    )


def figures(rows: pl.DataFrame, column: str) -> dict[str, float]:
    observed, p, ones = rows["abandons"].to_numpy(), rows[column].to_numpy(), np.ones(rows.height)
    return {
        "auc": evaluation.auc(observed, p, ones),
        "brier": evaluation.brier(observed, p, ones),
        "predicted_over_observed": p.mean() / observed.mean(),
    }


@pytest.mark.parametrize("age", ["0h", "24h"])
def test_abandonment_is_reported_nearly_as_well_as_by_the_truth(held_out, age):
    rows = held_out.filter(age=age)
    model, truth = figures(rows, "p_model"), figures(rows, "p_truth")
    print(f"\n{age}, {rows.height} carts: model {model}, truth {truth}")
    assert rows.height > 150
    assert model["auc"] > 0.70
    assert truth["auc"] - model["auc"] < 0.15
    # measured 2026-11-22: .050 at the first add, .013 a day later, from 2,200 carts
    assert model["brier"] - truth["brier"] < 0.06
    assert model["predicted_over_observed"] == pytest.approx(1, abs=0.12)


def test_no_model_beats_the_truth_or_knows_what_it_cannot(held_out):
    """More than the truth knows could only come from the future."""
    model, truth = figures(held_out, "p_model"), figures(held_out, "p_truth")
    assert model["brier"] > truth["brier"]
    assert model["auc"] < truth["auc"]


def said(model: AbandonmentModel, rows: pl.DataFrame) -> pl.DataFrame:
    """What was predicted and what came of it, for `ml.outcomes`."""
    return rows.select(
        person=person_id(),
        hours_idle=pl.Series(abandonment.idle_hours(rows)),
        p_buy=pl.Series(1 - model.predict(rows)),
        is_bought="converts_within_horizon",
    )


def of_days(snapshots: pl.DataFrame, night: datetime, days: int) -> pl.DataFrame:
    """The snapshots of the days after a night whose outcome is known at the end."""
    return snapshots.filter(
        pl.col("as_of").is_between(night, night + days * DAY, closed="right"),
        pl.col("as_of") + HORIZON < END,
        pl.col("converts_within_horizon").is_not_null(),
    )


@pytest.mark.heavy
def test_over_the_nights_as_many_carts_are_bought_as_were_expected(snapshots):
    # measured 2026-11-30, ages up to 1, 8 and 24 h: .98 (.92 to 1.04), 1.11 (.99 to 1.26) and 1.21
    # (1.03 to 1.41); of older carts 39 and 60 were bought, which says too little in so small a shop
    parts = []
    for back in (15, 12, 9, 6):
        night = END - back * DAY
        model = abandonment.train(snapshots, as_of=night, horizon=HORIZON)
        parts.append(said(model, of_days(snapshots, night, 3)))
    found = outcomes.by_age(pl.concat(parts))
    print(found)
    young = found.filter(pl.col("idle_up_to_hours") <= 24)
    assert young.height == 3
    assert (young["ratio_low"] <= 1.05).all()
    assert (young["ratio_high"] >= 0.95).all()
    rows = pl.concat(parts)
    assert rows["p_buy"].sum() / rows["is_bought"].sum() == pytest.approx(1, abs=0.15)


@pytest.mark.heavy
def test_from_the_sixth_day_after_a_shift_chances_are_right_again(snapshots):
    # measured 2026-11-30: 2.23 times as many were expected by the model as it was, .97 by what each
    # night made of it
    shift = END - 14 * DAY
    gives_up = (pl.col("last_touched_at") >= shift) & (pl.col("cart_id").hash(1) % 100 >= 45)
    shifted = snapshots.with_columns(
        converts_within_horizon=pl.col("converts_within_horizon") & ~gives_up
    )
    served = abandonment.train(shifted, as_of=shift, horizon=HORIZON)
    before, after = [], []
    for back in (8, 7, 6, 5, 4):
        night = END - back * DAY
        rows = of_days(shifted, night, 1)
        before.append(said(served, rows))
        after.append(said(served.recalibrated(shifted, as_of=night), rows))
    ratios = [
        rows["p_buy"].sum() / rows["is_bought"].sum() for rows in map(pl.concat, (before, after))
    ]
    print(ratios)
    assert ratios[0] > 1.7
    assert 0.85 < ratios[1] < 1.15


def test_the_return_curve_is_that_of_kaplan_and_meier_at_the_five_horizons(returns):
    away = (pl.col("ended_at") + pl.duration(microseconds=pl.col("duration_hours") * 3.6e9)) > SPLIT
    known_then = returns.filter(pl.col("ended_at") < SPLIT).with_columns(
        is_returned=pl.when(away).then(False).otherwise("is_returned"),
        duration_hours=pl.when(away)
        .then((SPLIT - pl.col("ended_at")).dt.total_microseconds() / 3.6e9)
        .otherwise("duration_hours"),
    )
    model = return_time.train(known_then, as_of=SPLIT)
    assert model.card.kind == "cox"
    later = returns.filter(pl.col("ended_at") >= SPLIT).with_columns(elapsed_hours=pl.lit(0.0))
    chances = model.return_probabilities(later, HORIZONS)
    curve = evaluation.return_curve_against_kaplan_meier(
        later["duration_hours"].to_numpy(), later["is_returned"].to_numpy(), 1 - chances, HORIZONS
    )
    print(curve)
    assert curve["gap"].abs().max() < 0.03
