from datetime import date

import lifelines
import numpy as np
import polars as pl
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from ml import evaluation


@pytest.fixture(scope="module")
def scored():
    rng = np.random.default_rng(2)
    p = rng.beta(4, 2, 3000).round(2)
    outcomes = (rng.uniform(size=3000) < p).astype(float)
    return outcomes, p, rng.uniform(0.1, 1, 3000)


def test_metrics_are_those_of_scikit_learn(scored):
    y, p, w = scored
    assert evaluation.auc(y, p, w) == roc_auc_score(y, p, sample_weight=w)
    assert evaluation.average_precision(y, p, w) == average_precision_score(y, p, sample_weight=w)
    assert evaluation.brier(y, p, w) == brier_score_loss(y, p, sample_weight=w)
    inside = np.clip(p, 1e-9, 1 - 1e-9)
    assert evaluation.log_loss(y, p, w) == log_loss(y, inside, sample_weight=w)
    # and the losses of the rows have them for their means
    assert np.average(evaluation.log_losses(y, p), weights=w) == pytest.approx(
        log_loss(y, inside, sample_weight=w)
    )
    assert evaluation.brier(y, p, w) == pytest.approx(np.average((y - p) ** 2, weights=w))


def test_losses_of_one_outcome_alone_are_those_of_the_rows():
    p, ones = np.array([0.9, 0.5]), np.ones(2)
    assert evaluation.log_loss(ones, p, ones) == pytest.approx(-np.log(0.45) / 2)
    assert evaluation.brier(ones, p, ones) == pytest.approx((0.01 + 0.25) / 2)


def test_one_outcome_alone_has_no_auc():
    assert np.isnan(evaluation.auc(np.ones(3), np.arange(3.0), np.ones(3)))


def test_calibration_of_four_rows_by_hand():
    table = evaluation.calibration_table(
        np.array([1.0, 0.0, 1.0, 0.0]),
        np.array([0.8, 0.1, 0.6, 0.3]),
        np.array([1.0, 1.0, 3.0, 3.0]),
        bins=2,
    )
    assert table.rows() == [
        (1, 2, 4.0, pytest.approx(0.25), 0.0),  # (0.1 + 3 x 0.3) / 4
        (2, 2, 4.0, pytest.approx(0.65), 1.0),  # (0.8 + 3 x 0.6) / 4
    ]
    assert evaluation.expected_calibration_error(table) == pytest.approx((0.25 + 0.35) / 2)


def test_rows_of_one_probability_share_a_bin_whatever_their_order():
    p = np.array([0.5] * 6 + [0.9] * 2)
    y = np.array([1.0, 1, 1, 0, 0, 0, 1, 1])
    table = evaluation.calibration_table(y, p, np.ones(8), bins=4)
    assert table["row_count"].to_list() == [6, 2]
    assert table["mean_observed"].to_list() == [0.5, 1.0]


def test_lift_by_hand():
    outcomes = np.array([1.0, 1, 0, 0, 1, 0, 0, 0, 0, 0])
    scores = np.arange(10, 0, -1) / 10
    table = evaluation.lift_table(outcomes, scores, np.ones(10), [0.1, 0.5, 1.0])
    assert table["captured"].to_list() == pytest.approx([1 / 3, 1.0, 1.0])
    assert table["lift"].to_list() == pytest.approx([10 / 3, 2.0, 1.0])


def test_a_constant_score_lifts_nothing():
    outcomes = np.array([1.0, 0, 0, 0])
    table = evaluation.lift_table(outcomes, np.full(4, 0.7), np.ones(4), [0.1, 0.25])
    assert table["lift"].to_list() == pytest.approx([1.0, 1.0])


def test_kaplan_meier_is_that_of_lifelines():
    rng = np.random.default_rng(3)
    durations = rng.exponential(20, 500).round() + 1
    is_event = rng.uniform(size=500) < 0.6
    times, survival = evaluation.kaplan_meier(durations, is_event)
    fitter = lifelines.KaplanMeierFitter().fit(durations, is_event)
    at = np.array([0.5, 4, 8, 24, 70])
    expected = fitter.survival_function_at_times(at).to_numpy()
    assert evaluation.survival_at(times, survival, at) == pytest.approx(expected, abs=1e-12)


def test_the_interval_of_kaplan_meier_is_that_of_lifelines():
    rng = np.random.default_rng(4)
    durations = rng.exponential(20, 300).round() + 1
    is_event = rng.uniform(size=300) < 0.6
    at = np.array([0.5, 4, 8, 24, 60])
    low, high = evaluation.kaplan_meier_interval(durations, is_event, at)
    fitter = lifelines.KaplanMeierFitter().fit(durations, is_event)
    expected = fitter.confidence_interval_survival_function_.reindex(at, method="ffill").to_numpy()
    assert low[1:] == pytest.approx(expected[1:, 0], abs=1e-12)
    assert high[1:] == pytest.approx(expected[1:, 1], abs=1e-12)
    assert (low[0], high[0]) == (1.0, 1.0)


def test_the_interval_of_kaplan_meier_ends_where_nobody_is_left():
    low, high = evaluation.kaplan_meier_interval(
        np.array([1.0, 2.0]), np.array([True, True]), np.array([2.0, 5.0])
    )
    assert low.tolist() == high.tolist() == [0.0, 0.0]


def test_the_mean_curve_is_compared_at_the_horizons_that_were_followed():
    durations = np.array([2.0, 6.0, 10.0, 10.0])
    is_returned = np.array([True, False, True, False])
    away = np.array([[0.7, 0.4, 0.1]] * 2 + [[0.9, 0.5, 0.1]] * 2)
    table = evaluation.return_curve_against_kaplan_meier(durations, is_returned, away, [4, 10, 11])
    # One of four returns at 2; of the two still followed at 10 one returns.
    assert table["hours"].to_list() == [4, 10]
    assert table["kaplan_meier"].to_list() == pytest.approx([0.75, 0.375])
    assert table["gap"].to_list() == pytest.approx([0.05, 0.075])


def test_without_censoring_the_return_brier_score_is_the_plain_one():
    durations = np.array([2.0, 6.0, 10.0])
    away = np.array([[0.5], [0.8], [0.9]])
    losses = evaluation.return_brier_losses(durations, np.ones(3, dtype=bool), away, [4])
    assert losses[:, 0] == pytest.approx([0.25, 0.04, 0.01])


def test_the_return_brier_score_is_that_of_scikit_survival():
    """`sksurv.metrics.brier_score(outcomes, outcomes, p_away, hours)` of scikit-survival 0.28.0."""
    row = np.arange(60)
    durations, is_returned = ((row * 37) % 61 + 1) * 1.5, (row * 7) % 3 > 0
    hours = [8.0, 24.0, 72.0]
    p_away = np.exp(-np.outer(0.01 + 0.02 * ((row * 13) % 5) / 5, hours))
    losses = evaluation.return_brier_losses(durations, is_returned, p_away, hours)
    assert losses.mean(axis=0) == pytest.approx(
        [0.05918814024579446, 0.19945427696256257, 0.31828428196698816], abs=1e-12
    )


def test_rows_censored_early_hand_their_weight_to_the_others():
    durations = np.array([1.0, 2.0, 6.0, 9.0])
    is_returned = np.array([False, True, True, True])
    away = np.full((4, 1), 0.5)
    losses = evaluation.return_brier_losses(durations, is_returned, away, [4])
    # The row censored at 1 leaves the other three with 1 / (3/4) each.
    assert losses[:, 0] == pytest.approx([0.0, 1 / 3, 1 / 3, 1 / 3])


def test_uniform_absence_is_d_calibrated_and_a_lump_is_not():
    uniform = np.linspace(0.005, 0.995, 100)
    assert evaluation.d_calibration_gap(uniform, np.ones(100, dtype=bool)) == pytest.approx(0.0)
    lump = np.full(100, 0.55)
    assert evaluation.d_calibration_gap(lump, np.ones(100, dtype=bool)) == pytest.approx(0.9)
    # A row censored at 1.0 holds no information: it spreads evenly.
    assert evaluation.d_calibration_gap(np.ones(5), np.zeros(5, dtype=bool)) == pytest.approx(0.0)


def test_an_interval_of_a_share_is_that_of_the_literature():
    # Newcombe (1998), table I, method 3
    counted, of = np.array([81, 15, 0, 1]), np.array([263, 148, 20, 29])
    low, high = evaluation.wilson_interval(counted, of)
    assert low.round(4).tolist() == [0.2553, 0.0624, 0.0, 0.0061]
    assert high.round(4).tolist() == [0.3662, 0.1605, 0.1611, 0.1718]


def test_a_share_of_none_or_of_all_is_within_its_interval_to_the_last_bit():
    of = np.arange(1, 3000)
    for counted in (0 * of, of):
        low, high = evaluation.wilson_interval(counted, of)
        assert (low <= counted / of).all()
        assert (counted / of <= high).all()


def test_outcomes_by_week_have_the_share_and_its_interval():
    weekly = pl.DataFrame(
        {
            "week": [date(2026, 3, 2)],
            "cart_count": [263],
            "abandoned_count": [81],
            "mean_predicted": [0.3],
        }
    )
    [row] = evaluation.outcomes_table(weekly).to_dicts()
    assert row == {
        "week": date(2026, 3, 2),
        "cart_count": 263,
        "mean_predicted": 0.3,
        "mean_observed": 81 / 263,
        "observed_low": pytest.approx(0.2553, abs=5e-5),
        "observed_high": pytest.approx(0.3662, abs=5e-5),
    }
