"""The population stability index, by hand and against chance."""

import numpy as np
import pytest
from scipy.stats import chi2

from ml import drift


def test_the_index_of_two_known_distributions():
    # two bins, none unknown and none above: 50 : 50 became 80 : 20
    before = {"views": np.repeat([1.0, 2.0], 500_000)}
    now = {"views": np.repeat([1.0, 2.0], [800_000, 200_000])}
    noted = drift.reference(before, 1_000_000)
    assert noted["columns"]["views"] == {"edges": [1.0, 2.0], "shares": [0.0, 0.5, 0.5, 0.0]}
    (row,) = drift.stability(noted, now, 1_000_000).to_dicts()
    by_hand = (0.8 - 0.5) * np.log(0.8 / 0.5) + (0.2 - 0.5) * np.log(0.2 / 0.5)
    assert row["index"] == pytest.approx(by_hand, abs=1e-4)
    assert row["is_beyond"]


def test_values_that_are_unknown_now_are_a_bin_of_their_own():
    known = np.arange(1000.0)
    noted = drift.reference({"price": known, "views": known}, 1000)
    half = np.where(known % 2 == 0, np.nan, known)
    found = drift.stability(noted, {"price": half, "views": known}, 1000)
    assert found["column"].to_list() == ["price", "views"]
    assert found["is_beyond"].to_list() == [True, False]
    assert found["index"][1] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("people", [100, 1000])
def test_chance_alone_is_never_drift(people):
    rng = np.random.default_rng(3)

    def draw() -> dict[str, np.ndarray]:
        return {f"f{i}": rng.exponential(size=people).round(1) for i in range(200)}

    found = drift.stability(drift.reference(draw(), people), draw(), people)
    assert found.height == 200
    assert not found["is_beyond"].any()
    # the limit is near what chance gives: of so few people much is chance
    assert found["index"].mean() == pytest.approx(9 * 2 / people, rel=0.25)


def test_of_a_few_people_nothing_is_said():
    column = {"views": np.arange(200.0)}
    assert drift.reference(column, 99) == {}
    assert drift.stability(drift.reference(column, 200), column, 99).is_empty()
    assert drift.stability({}, column, 200).is_empty()


@pytest.mark.parametrize("freedom", [4, 7, 11])
def test_the_quantile_of_chance_is_that_of_scipy(freedom):
    assert drift._chi_square_999(freedom) == pytest.approx(chi2.ppf(0.999, freedom), rel=0.02)
