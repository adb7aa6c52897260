"""One trained model for all tests of the package."""

import pytest

from tests.ml.training import train_abandonment


@pytest.fixture(scope="session")
def model(snapshots):
    return train_abandonment(snapshots)
