"""The shop of a test of exports."""

from pathlib import Path

import pytest

from orchestration.ground.home import Home
from tests.outputs.exports.shops import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(Home(tmp_path))
