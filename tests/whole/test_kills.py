"""Two kills of a whole hour, before the hundred of `make prove`.

That each part dies without harm, `make test` sees beside the part's tests.
"""

import pytest

from tests.whole.kills import kill_and_go_on, moments_over
from tests.whole.twins import Shop

pytestmark = [pytest.mark.slow, pytest.mark.heavy]


def test_after_kills_at_random_moments_nothing_differs_between_the_home_and_its_twin(
    shop: Shop, tmp_path
):
    moments = [*moments_over(shop.seconds, times=2, seed=11)]
    trial = kill_and_go_on(shop, tmp_path / "trial", moments)
    assert trial.faults == []
    # under load the twin may have taken longer than the hour that was to be killed
    assert trial.kills >= 1
    assert trial.polls > 10
