"""The return model of whole simulated shops, beside its features taught the true chances: heavy.

Outcomes teach less than chances do, and the model has one hazard for all horizons: what that costs
is measured here, on sessions that ended after all that was learned from.
"""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from ml import return_time
from ml.boosting import lightgbm
from ml.features import feature_columns, numeric_matrix
from ml.horizons import HORIZONS_HOURS
from ml.return_time.choice import GIVEN_ABSENCE
from ml.return_time.curve import survival
from tests.whole.judged_shops import END, NOW, JudgedShop, hours, shop_of

# the first test of a seed makes its shop
pytestmark = [pytest.mark.heavy, pytest.mark.timeout(2400)]

ASKED = 1.01
EDGES_HOURS = (4.0, 8.0, 24.0, 72.0, 168.0)
DRAWS = 24
PARAMS = {
    "objective": "cross_entropy",
    "learning_rate": 0.05,
    "num_leaves": 31,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.7,
    "lambda_l2": 5.0,
    "seed": 7,
    "num_threads": 1,
    "verbosity": -1,
}
ROUNDS = 250


def with_truth(shop: JudgedShop) -> tuple[pl.DataFrame, np.ndarray]:
    """The sessions that are one visit each, and (n x edges) the true chances to be back by them."""
    rows = shop.returns.filter(pl.col("ended_at") < END).sort("ended_at", "session_id")
    # a visit of one event ends as it begins
    just_after = rows.with_columns(as_of=pl.col("ended_at") + timedelta(seconds=1))
    visit, device = shop.visits(just_after)
    visits = shop.futures.visits
    is_visit = (visit >= 0) & (np.abs(visits.end[visit] - hours(rows["ended_at"])) < 0.01)
    is_visit &= visits.device[visit] == device
    asked = visit[is_visit], device[is_visit], EDGES_HOURS
    chances = shop.futures.returns(*asked, seed=5, draws=DRAWS)
    return rows.filter(pl.Series(is_visit)), chances


def taught(
    rows: pl.DataFrame, chances: np.ndarray, weights: np.ndarray, asked: pl.DataFrame
) -> np.ndarray:
    """(n,) chances of the sessions asked about, by trees taught the chances of others."""
    features = feature_columns(rows)
    data = lightgbm().Dataset(numeric_matrix(rows, features), label=chances, weight=weights)
    trees = lightgbm().train(PARAMS, data, ROUNDS)
    return np.asarray(trees.predict(numeric_matrix(asked, features)))


def brier(p: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> float:
    """The expected Brier score; unbiased where the truth is a share of draws."""
    return float(np.average(p**2 - 2 * p * truth + truth, weights=weights))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_returns_are_said_nearly_as_well_as_with_the_true_chances(seed):
    shop = shop_of(seed)
    rows, chances = with_truth(shop)
    is_old = (rows["ended_at"] < NOW).to_numpy()
    old, new = rows.filter(pl.Series(is_old)), rows.filter(pl.Series(~is_old))
    said = 1 - survival(return_time.train(shop.returns, as_of=NOW).curve.of(new), EDGES_HOURS)
    spans = [(None, hours) for hours in HORIZONS_HOURS]
    for gone, ahead in [*spans, *((gone, gone + ahead) for gone, ahead in GIVEN_ABSENCE)]:
        until = EDGES_HOURS.index(ahead)
        before = np.zeros(len(rows)) if gone is None else chances[:, EDGES_HOURS.index(gone)]
        said_before = np.zeros(len(new)) if gone is None else said[:, EDGES_HOURS.index(gone)]
        away = 1 - before
        truth = np.where(away > 0, (chances[:, until] - before) / np.maximum(away, 1e-9), 0.0)
        weights = away + 1e-9
        by_model = (said[:, until] - said_before) / (1 - said_before)
        by_taught = taught(old, np.clip(truth[is_old], 0, 1), weights[is_old], new)
        found, reachable = (
            brier(p, truth[~is_old], weights[~is_old]) for p in (by_model, by_taught)
        )
        name = f"{ahead:g} h" if gone is None else f"{gone:g} h gone, by {ahead:g} h"
        print(f"seed {seed}, {name}: Brier {found:.4f}, taught {reachable:.4f}")
        assert len(new) > 20_000
        assert 0.99 < found / reachable < ASKED
