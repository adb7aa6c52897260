"""One trained model for all tests of the package."""

import pytest

from ml import return_time
from tests.ml.training import RETURN_AS_OF


@pytest.fixture(scope="session")
def model(sessions):
    return return_time.train(sessions, as_of=RETURN_AS_OF)
