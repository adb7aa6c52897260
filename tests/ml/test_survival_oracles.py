"""Metrics of return curves that are our own, against scikit-survival and a plain computation.

Belongs here: the same number by another's code. Not here: what a metric is for and its boundaries
(test_evaluation.py). SurvivalEVAL, the other oracle, needs PyTorch: of it one figure is noted.
"""

import numpy as np
import pytest
from lifelines.utils import concordance_index
from sksurv.metrics import brier_score, concordance_index_censored
from sksurv.util import Surv

from ml import evaluation

HOURS = (4.0, 8.0, 24.0, 72.0, 168.0)


def sessions(seed: int, count: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Durations on a grid of quarter hours, so that many are alike, who came back, and rates."""
    rng = np.random.default_rng(seed)
    rates = 0.01 * rng.lognormal(0, 1, count)
    returns = rng.exponential(1 / rates)
    ends = rng.uniform(0, 400, count)
    durations = np.maximum(np.ceil(np.minimum(returns, ends) * 4) / 4, 0.25)
    # somebody is followed to the end, as scikit-survival asks for
    durations[0], returns[0], ends[0] = 400.0, 500.0, 400.0
    return durations, returns <= ends, rates


@pytest.mark.parametrize("seed", range(5))
def test_the_brier_score_weighted_for_censoring_is_that_of_scikit_survival(seed):
    durations, is_returned, rates = sessions(seed)
    # beside a return at a time at which another is censored, scikit-survival counts that, too
    durations = np.where(is_returned, durations, durations + 0.125)
    p_away = np.exp(-np.outer(rates * np.linspace(0.5, 2, len(rates)), HOURS))
    outcomes = Surv.from_arrays(is_returned, durations)
    _, expected = brier_score(outcomes, outcomes, p_away, HOURS)
    losses = evaluation.return_brier_losses(durations, is_returned, p_away, HOURS)
    assert losses.mean(axis=0) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_the_weights_for_censoring_give_the_observed_curve_back(seed):
    """Satten and Datta (2001): whatever times are alike."""
    durations, is_returned, _ = sessions(seed)
    durations = np.ceil(durations / 4) * 4
    assert np.isin(durations[is_returned], durations[~is_returned]).mean() > 0.5
    nobody = np.zeros((len(durations), len(HOURS)))
    losses = evaluation.return_brier_losses(durations, is_returned, 1 - nobody, HOURS)
    times, survival = evaluation.kaplan_meier(durations, is_returned)
    still_away = evaluation.survival_at(times, survival, np.array(HOURS))
    assert losses.mean(axis=0) == pytest.approx(1 - still_away, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_the_concordance_of_cards_is_that_of_scikit_survival(seed):
    durations, is_returned, rates = sessions(seed)
    p_away = np.exp(-168 * np.round(rates, 3))  # some are alike
    # a cart that is censored when another comes back was away for longer: lifelines says so, too
    expected = concordance_index_censored(is_returned, durations, -p_away, tied_tol=0)[0]
    assert concordance_index(durations, p_away, is_returned) == pytest.approx(expected, abs=1e-9)


def gap_in_plain_python(p_away: np.ndarray, is_returned: np.ndarray, bins: int = 10) -> float:
    """Haider et al. (2020), section 3.3, one row at a time."""
    shares = [0.0] * bins
    for p, came in zip(p_away.tolist(), is_returned.tolist(), strict=True):
        own = min(int(p * bins), bins - 1)
        if came:
            shares[own] += 1
            continue
        # censored: it will end somewhere below, in its own bin with what of it is left
        shares[own] += (p - own / bins) / p
        for lower in range(own):
            shares[lower] += 1 / (bins * p)
    return max(abs(share / len(p_away) - 1 / bins) for share in shares)


@pytest.mark.parametrize("seed", range(5))
def test_d_calibration_is_that_of_the_paper(seed):
    durations, is_returned, rates = sessions(seed)
    p_away = np.exp(-rates * durations * 0.8)
    found = evaluation.d_calibration_gap(p_away, is_returned)
    assert found == pytest.approx(gap_in_plain_python(p_away, is_returned), abs=1e-9)


def test_d_calibration_is_that_of_survivaleval():
    """`d_calibration(p_away, is_returned, 10)` of SurvivalEVAL 0.9.0: the histogram's share that is
    farthest from a tenth."""
    row = np.arange(60)
    p_away, is_returned = ((row * 37) % 61 + 0.5) / 61.5, (row * 7) % 3 > 0
    found = evaluation.d_calibration_gap(p_away, is_returned)
    assert found == pytest.approx(0.08352430035144084, abs=1e-9)
