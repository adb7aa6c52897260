"""Trees of the chance to come back in each span: read right, and unbiased by what is not known."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from ml import return_time
from ml.return_time import ReturnModel, fit, hazard
from ml.return_time.hazard import EDGES_HOURS, Hazard, Spans, fit_hazard
from ml.return_time.model import COX, HAZARD
from ml.return_time.sessions import known_at
from tests.ml.training import START, away_for

DAYS = 30
NOW = START + timedelta(days=DAYS)


def crossing(count: int = 6000, seed: int = 8) -> pl.DataFrame:
    """Half of the people come back at once or never, the others after days: no multiple of one
    hazard fits both. The chance to be back within 8 and within 72 hours is in ``p_8`` and ``p_72``.
    """
    rng = np.random.default_rng(seed)
    ended = np.sort(rng.uniform(0, DAYS * 24, count))
    is_quick = rng.uniform(size=count) < 0.5
    quick = np.where(rng.uniform(size=count) < 0.5, rng.exponential(3.0, count), np.inf)
    back = np.where(is_quick, quick, 24 + rng.exponential(60.0, count))
    followed = DAYS * 24 - ended
    return pl.DataFrame(
        {
            "session_id": [f"s{i:05d}" for i in range(count)],
            "visitor_id": [f"v{i:05d}" for i in range(count)],
            "owner_id": pl.Series([None] * count, dtype=pl.String),
            "ended_at": [START + timedelta(hours=float(h)) for h in ended],
            "duration_hours": np.minimum(back, followed),
            "is_returned": back <= followed,
            "session_is_quick": is_quick.astype(float),
            "session_noise": rng.normal(size=count),
            "p_8": np.where(is_quick, 0.5 * (1 - np.exp(-8 / 3)), 0.0),
            "p_72": np.where(is_quick, 0.5, 1 - np.exp(-48 / 60)),
        }
    )


@pytest.fixture(scope="module")
def shop() -> pl.DataFrame:
    return crossing()


@pytest.fixture(scope="module")
def model(shop) -> ReturnModel:
    return return_time.train(shop.drop("p_8", "p_72"), as_of=NOW)


def test_trees_are_taken_where_effects_change_with_time(model, shop):
    assert model.card.kind == HAZARD
    assert model.card.params["choice"].startswith("trees against ")
    assert model.card.metrics["brier_8h_trees"] < 0.95 * min(
        value
        for name, value in model.card.metrics.items()
        if name in {"brier_8h_cox", "brier_8h_kaplan_meier"}
    )
    # what stands on the card is of the kind that is taken
    assert model.card.metrics["brier_8h"] == model.card.metrics["brier_8h_trees"]
    back = model.return_probabilities(away_for(shop, 0.0), [8.0, 72.0])
    assert np.abs(back[:, 0] - shop["p_8"]).mean() < 0.04
    assert np.abs(back[:, 1] - shop["p_72"]).mean() < 0.04


def test_given_absence_it_is_those_who_are_still_away_that_count(model, shop):
    # of the quick none comes back after two days
    later = model.return_probabilities(away_for(shop, 48.0), [24.0])[:, 0]
    is_quick = shop["session_is_quick"].to_numpy() > 0
    assert later[is_quick].mean() < 0.03
    assert later[~is_quick].mean() == pytest.approx(1 - np.exp(-24 / 60), abs=0.03)


def test_where_hazards_are_proportional_the_reference_stays(sessions):
    model = return_time.train(sessions, as_of=START + timedelta(days=40))
    assert model.card.kind == COX
    assert model.card.params["choice"].startswith("trees against cox: mean Brier score ")
    assert model.card.metrics["brier_24h"] == model.card.metrics["brier_24h_cox"]


def test_a_span_that_is_not_over_says_nothing_of_those_who_came_back_in_it(shop):
    rows = known_at(shop.drop("p_8", "p_72"), NOW)
    every, spans, outcomes = hazard._at_risk(rows)
    ended = rows["ended_at"].to_numpy()[every]
    over = ended + (np.array(EDGES_HOURS)[spans + 1] * 3.6e9).astype("timedelta64[us]")
    assert over.max() <= np.datetime64(rows["ended_at"].max() + timedelta(hours=1))
    # in the span from one to two days: those who came back, of those who were away for a day
    seen = spans == 6
    away = rows.filter(
        pl.col("duration_hours") > 24, pl.col("ended_at") <= NOW - timedelta(hours=48)
    )
    assert seen.sum() == pytest.approx(away.height, abs=3)
    assert outcomes[seen].sum() == pytest.approx(
        away.filter(pl.col("is_returned") & (pl.col("duration_hours") <= 48)).height, abs=3
    )


def test_times_and_hazards_are_each_others_inverse(shop):
    baseline = fit.kaplan_meier_curve(known_at(shop, NOW))
    rng = np.random.default_rng(1)
    rises = np.hstack([np.zeros((50, 1)), rng.exponential(0.2, (50, len(EDGES_HOURS) - 1))])
    rows = Spans(np.cumsum(rises, axis=1), baseline)
    assert rows.cumulative_hazard(np.zeros(50)).tolist() == [0.0] * 50
    at_edges = rows.cumulative_hazard(np.broadcast_to(np.array(EDGES_HOURS), (50, 12)))
    assert at_edges == pytest.approx(np.cumsum(rises, axis=1))
    # at times at which somebody came back
    times = np.full(50, 30.0)
    assert rows.hours_at(rows.cumulative_hazard(times)) == pytest.approx(times, abs=0.3)
    many = np.sort(rng.uniform(0, 800, (50, 40)), axis=1)
    found = rows.cumulative_hazard(many)
    assert (np.diff(found, axis=1) >= 0).all()
    assert found[:, 3] == pytest.approx(rows.cumulative_hazard(many[:, 3]))


def test_what_is_saved_scores_the_same_bits_in_any_order_of_rows(model, shop):
    loaded = ReturnModel.from_files(model.to_files())
    assert isinstance(loaded.curve, Hazard)
    frame = away_for(shop.head(200), 5.0)
    ours = model.return_probabilities(frame)
    assert ours.tobytes() == loaded.return_probabilities(frame).tobytes()
    alone = np.vstack([model.return_probabilities(frame[row]) for row in range(5)])
    assert alone.tobytes() == ours[:5].tobytes()
    shuffled = shop.drop("p_8", "p_72").sample(fraction=1.0, shuffle=True, seed=1)
    assert return_time.train(shuffled, as_of=NOW).to_files() == model.to_files()


@pytest.mark.heavy
def test_the_trees_are_the_same_with_two_threads(shop, monkeypatch):
    rows = known_at(shop.drop("p_8", "p_72"), NOW)
    one = fit_hazard(rows)
    monkeypatch.setitem(hazard._PARAMS, "num_threads", 2)
    two = fit_hazard(rows)
    some = shop.head(500)
    assert one.survival(some, [8.0, 72.0]).tobytes() == two.survival(some, [8.0, 72.0]).tobytes()


def test_counts_enter_logged():
    counts = pl.DataFrame({"visit_count": [0.0, 1.0, 3.0, 7.0] * 50, "other": [1.0, 2.0] * 100})
    scaling = fit.standardisation(counts)
    assert scaling.logged == ("visit_count",)
    column = scaling.standardised(counts)[:4, 0]
    # 0, 1, 2 and 3 times log 2: even steps
    assert np.diff(column) == pytest.approx([np.diff(column)[0]] * 3)
