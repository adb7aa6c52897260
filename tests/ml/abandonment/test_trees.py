import numpy as np
import polars as pl
import pytest

from ml import abandonment
from ml.abandonment import AbandonmentModel
from ml.abandonment.recalibration import AGE_EDGES_HOURS
from ml.abandonment.trees import AGE_FEATURE, LATE_FILE, Params, Trees, boost
from ml.calibration import sigmoid
from ml.features import Encoding
from tests.ml.training import START, train_abandonment


@pytest.fixture(scope="module")
def aged(snapshots):
    """A model that knows how long a cart was left alone."""
    return train_abandonment(snapshots.with_columns(pl.col("idle_hours").alias(AGE_FEATURE)))


def bias_of(model: AbandonmentModel, rows: pl.DataFrame) -> np.ndarray:
    """What of the log-odds before calibration no feature contributes."""
    p, platts = model.predict(rows), model.scorer.platts.platts
    age = np.searchsorted(AGE_EDGES_HOURS, rows["idle_hours"].to_numpy(), side="right")
    shifts = np.array(model.scorer.shifts.shifts)[age]
    slope, intercept = np.array([(each.slope, each.intercept) for each in platts])[age].T
    logits = (np.log(p / (1 - p)) - shifts - intercept) / slope
    return logits - model.contributions(rows).sum(axis=1)


def test_contributions_and_the_calibrator_add_up_to_the_prediction(aged, snapshots):
    rows = snapshots.head(50).with_columns(pl.col("idle_hours").alias(AGE_FEATURE))
    assert aged.contributions(rows).shape == (50, len(aged.encoding.features))
    bias = bias_of(aged, rows)
    assert bias == pytest.approx(np.full(50, bias[0]), abs=1e-9)


def test_what_moved_a_cart_does_not_depend_on_the_others_that_are_asked_about(aged, snapshots):
    rows = snapshots.head(50).with_columns(pl.col("idle_hours").alias(AGE_FEATURE))
    together = aged.contributions(rows)
    alone = np.vstack([aged.contributions(rows[at]) for at in range(rows.height)])
    assert alone == pytest.approx(together, abs=1e-9)
    # and the age is a reason of one alone
    assert np.abs(alone[:, aged.encoding.features.index(AGE_FEATURE)]).max() > 0.1


def test_without_the_feature_that_says_the_age_no_other_is_said_to_be_the_reason(model, snapshots):
    rows = snapshots.head(50)
    assert AGE_FEATURE not in model.encoding.features
    bias = bias_of(model, rows) - model.scorer.start.log_odds(rows)
    assert bias == pytest.approx(np.full(50, bias[0]), abs=1e-9)


def test_trees_begin_at_the_rates_by_age_and_between_ages_on_a_line(model, snapshots):
    start, rows = model.scorer.start, snapshots.head(4)
    hours = (0.0, 24.0, 36.0, 1000.0)
    aged = rows.with_columns(
        as_of=pl.col("last_touched_at") + pl.duration(minutes=pl.Series(hours) * 60)
    )
    log_odds = np.log(np.array(start.rates) / (1 - np.array(start.rates)))
    day, two_days = (start.edges_hours.index(each) + 1 for each in (24.0, 48.0))
    part = (np.log1p(36) - np.log1p(24)) / (np.log1p(48) - np.log1p(24))
    between = log_odds[day] + part * (log_odds[two_days] - log_odds[day])
    expected = [log_odds[0], log_odds[day], between, log_odds[-1]]
    assert start.log_odds(aged) == pytest.approx(expected)


def test_a_model_of_before_begins_at_nothing_and_is_read(model, snapshots):
    files = model.to_files()
    del files["rates.json"]
    old, rows = AbandonmentModel.from_files(files), snapshots.head(50)
    gone = model.scorer.logits(rows, model.encoding) - old.scorer.logits(rows, old.encoding)
    assert gone == pytest.approx(model.scorer.start.log_odds(rows))


def test_rare_buying_at_an_age_is_expected_as_often_as_it_was(snapshots):
    """At once every third cart is bought, a day later one in fifty."""
    rng = np.random.default_rng(5)
    age = abandonment.idle_hours(snapshots).round()
    chance = np.choose(np.searchsorted([0, 1, 24], age), [1 / 3, 0.1, 0.02])
    rows = snapshots.with_columns(
        converts_within_horizon=pl.Series(rng.random(len(chance)) < chance)
    )
    model = train_abandonment(rows)
    assert model.card.kind == "lightgbm"
    p_buy, bought = 1 - model.predict(rows), rows["converts_within_horizon"].to_numpy()
    for hours in (0, 1, 24):
        assert p_buy[age == hours].mean() == pytest.approx(bought[age == hours].mean(), rel=0.15)


def test_the_model_is_the_same_with_two_threads(snapshots):
    one, two = (
        train_abandonment(snapshots, params=abandonment.Params(num_threads=threads, max_rounds=40))
        for threads in (1, 2)
    )
    assert one.card.kind == "lightgbm"
    assert two.to_files() == one.to_files()


def test_old_carts_are_bought_for_reasons_of_their_own():
    """Boosting that stops when the many new carts are learned has not learned the few old ones."""
    rng = np.random.default_rng(3)
    count = 40_000
    hours = rng.choice([0.0, 4.0, 24.0, 72.0, 120.0], count)
    is_old = hours > 60
    of_new, of_old = rng.standard_normal((2, count))
    p_buy = sigmoid(np.where(is_old, of_old - 3.5, 2 * of_new - 1))
    touched = pl.Series([START]).new_from_index(0, count)
    frame = pl.DataFrame(
        {
            "cart_id": [str(number) for number in range(count)],
            "last_touched_at": touched,
            "as_of": touched + pl.Series(hours * 3.6e9).cast(pl.Duration("us")),
            AGE_FEATURE: hours,
            "of_new": of_new,
            "of_old": of_old,
            "converts_within_horizon": rng.random(count) < p_buy,
        }
    )
    encoding = Encoding.fit(frame)
    trees = boost(frame, encoding, Params(), 20, lambda: None)
    files = trees.to_files()
    of_all = Trees(files["trees.txt"].decode(), trees.platts, start=trees.start)
    logits, before = (each.logits(frame, encoding) for each in (trees, of_all))
    assert (logits[~is_old] == before[~is_old]).all()
    ranks = [np.corrcoef(each[is_old], of_old[is_old])[0, 1] for each in (-logits, -before)]
    assert ranks[0] > ranks[1] + 0.05
    assert ranks[0] > 0.9
    again = Trees.from_files(files)
    assert (again.logits(frame, encoding) == logits).all()
    some = frame.sort(AGE_FEATURE).gather_every(1000)
    rest = trees.logits(some, encoding) - trees.contributions(some, encoding).sum(axis=1)
    old = some[AGE_FEATURE].to_numpy() > 60
    for each in (old, ~old):
        assert rest[each] == pytest.approx(np.full(each.sum(), rest[each][0]), abs=1e-9)
    # a model of before has none, and of few old carts nothing is learned
    assert LATE_FILE in files
    few = boost(frame.filter(pl.Series(~is_old)), encoding, Params(), 5, lambda: None)
    assert LATE_FILE not in few.to_files()
