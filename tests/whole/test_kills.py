"""A few kills, cheap enough for every change; a hundred are in `make prove`."""

import pytest

from tests.whole.kills import kill_and_go_on, moments_over
from tests.whole.twins import Shop

pytestmark = pytest.mark.slow


def test_after_kills_at_random_moments_nothing_differs_between_the_home_and_its_twin(
    shop: Shop, tmp_path
):
    moments = [*moments_over(shop.seconds, times=4, seed=11)]
    trials = [
        kill_and_go_on(shop, tmp_path / f"trial_{number}", moments[number::2])
        for number in range(2)
    ]
    assert [trial.faults for trial in trials] == [[], []]
    # under load the twin may have taken longer than the hour that was to be killed
    assert sum(trial.kills for trial in trials) >= 2
    assert all(trial.polls > 10 for trial in trials)
