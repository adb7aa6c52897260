import numpy as np
import pytest

from ml.calibration import Bend, LevelPrior, Platt, group_shifts, sigmoid


def test_slope_and_intercept_are_recovered():
    rng = np.random.default_rng(1)
    logits = rng.normal(size=200_000)
    outcomes = (rng.uniform(size=len(logits)) < sigmoid(0.6 * logits - 0.8)).astype(float)
    platt = Platt.fit(logits, outcomes, np.ones_like(logits))
    assert platt.slope == pytest.approx(0.6, abs=0.02)
    assert platt.intercept == pytest.approx(-0.8, abs=0.02)
    assert platt(logits).mean() == pytest.approx(outcomes.mean(), abs=1e-4)


def test_a_row_of_weight_two_counts_like_two_rows():
    logits = np.array([-1.0, -0.2, 0.3, 0.9, 1.4])
    outcomes = np.array([0.0, 1.0, 0.0, 1.0, 1.0])
    weights = np.array([2.0, 1.0, 1.0, 1.0, 1.0])
    weighted = Platt.fit(logits, outcomes, weights)
    repeated = Platt.fit(np.append(logits, -1.0), np.append(outcomes, 0.0), np.ones(6))
    assert weighted.slope == pytest.approx(repeated.slope, rel=1e-8)
    assert weighted.intercept == pytest.approx(repeated.intercept, rel=1e-8)


def test_separable_rows_have_a_finite_answer():
    platt = Platt.fit(np.array([-1.0, -1.0, 1.0, 1.0]), np.array([0.0, 0, 1, 1]), np.ones(4))
    # Two of each side: targets 1/4 and 3/4, met exactly at logits of -log 3 and log 3.
    assert platt(np.array([-1.0, 1.0])) == pytest.approx([0.25, 0.75])


def test_a_window_that_says_the_opposite_does_not_turn_the_ranking_around():
    logits = np.array([-1.0, -1.0, 1.0, 1.0])
    platt = Platt.fit(logits, np.array([1.0, 1, 0, 0]), np.ones(4))
    assert platt.slope == 1.0
    assert platt.intercept == pytest.approx(0.0, abs=1e-9)


def test_the_slope_alone_is_drawn_to_one_and_leaves_the_level():
    rng = np.random.default_rng(2)
    logits = rng.normal(-1.5, size=100_000)
    outcomes = (rng.uniform(size=len(logits)) < sigmoid(0.6 * logits - 0.8)).astype(float)
    many = Platt.fit_slope(logits, outcomes, np.ones_like(logits), slope_sd=0.1)
    assert many.slope == pytest.approx(0.6, abs=0.03)
    assert many.slope * logits.mean() + many.intercept == pytest.approx(logits.mean())
    few = Platt.fit_slope(logits[:200], outcomes[:200], np.ones(200), slope_sd=0.1)
    assert 0.8 < few.slope < 1


def test_the_slope_alone_never_turns_the_ranking_around():
    logits = np.linspace(-1, 1, 10_000)
    platt = Platt.fit_slope(logits, (logits < 0).astype(float), np.ones(10_000), slope_sd=10.0)
    assert platt.slope == 1.0
    assert platt.intercept == 0.0


def test_a_bend_brings_both_ends_to_their_level_and_goes_straight_on_beyond_them():
    logits = np.linspace(-4, 4, 4001)
    true = 0.8 * logits - 0.1 * logits**2 - 0.5
    # each both ways, by its chance: no luck
    chance = sigmoid(true)
    both, outcomes = np.tile(logits, 2), np.repeat([1.0, 0.0], len(logits))
    weights = np.concatenate([chance, 1 - chance])
    bend = Bend.fit(both, outcomes, weights)
    # its top would be at 4
    assert bend(logits) == pytest.approx(true, abs=0.03)
    rise = 0.8 + 0.2 * 4
    assert bend(np.array([-6.0]))[0] == pytest.approx(true[0] - rise * 2, abs=0.1)
    # where the top is among the rows, none is better
    assert Bend.fit(np.append(both, 4.5), np.append(outcomes, 0.0), np.append(weights, 1)) == Bend()
    assert (np.diff(bend(np.linspace(-50, 50, 999))) > 0).all()


def test_without_being_learned_a_bend_changes_nothing():
    logits = np.array([-30.0, 0.0, 2.5])
    assert Bend()(logits).tolist() == logits.tolist()


def parameters(counts: list[int], group_sd: float, prior: LevelPrior) -> float:
    """What the shifts of groups are worth, of which so many have even chances that came true."""
    groups = np.repeat(np.arange(len(counts)), counts)
    found = group_shifts(
        np.zeros(len(groups)),
        np.full(len(groups), 0.5),
        np.ones(len(groups)),
        groups,
        sizes=len(counts),
        prior=prior,
        group_sd=group_sd,
    )
    assert found.shifts == pytest.approx(np.zeros(len(counts)), abs=1e-6)
    return found.parameters


def test_shifts_that_are_drawn_to_none_count_as_the_parameters_that_their_priors_leave():
    steady = LevelPrior(steady_sd=0.1, changed_sd=0.1, changed_share=0.5)
    # 400 even chances say 100 of log-odds: as much as a variance of .01, half as much as of .02
    assert parameters([400], 1e-6, steady) == pytest.approx(1 / 2, abs=1e-6)
    assert parameters([400], 0.1, steady) == pytest.approx(2 / 3, abs=1e-6)
    # what two groups share counts once, what each has of its own twice: 300 and 100 of 1 / .01
    assert parameters([400, 400], 0.1, steady) == pytest.approx(3 / 4 + 1 / 2, abs=1e-6)
    assert parameters([400, 0], 0.1, steady) == pytest.approx(2 / 3, abs=1e-6)
    assert parameters([0, 0], 0.1, steady) == 0
    # free ones are as many as there are
    wide = LevelPrior(steady_sd=30.0, changed_sd=30.0, changed_share=0.5)
    assert parameters([400, 400, 400], 30.0, wide) == pytest.approx(3, abs=1e-3)


def test_a_day_that_looks_like_a_change_leaves_the_level_free():
    level = LevelPrior(steady_sd=0.07, changed_sd=0.7, changed_share=0.1)
    (steady, steady_sd), (changed, changed_sd) = level.kinds(0.05, 0.1)
    assert (steady_sd, changed_sd) == (0.07, 0.7)
    assert steady + changed == pytest.approx(1)
    assert changed < 0.05
    assert level.kinds(-1.0, 0.1)[1][0] > 0.999
