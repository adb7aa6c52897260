"""Fixtures of the tests of the rules: what dbt sends, and a warehouse to send it to."""

import tempfile
from pathlib import Path

import pytest

from .recording import Recording, recording
from .warehouse import Warehouse


@pytest.fixture(scope="session")
def dbt_recording(pytestconfig: pytest.Config) -> Recording:
    """Kept between sessions and shared by the processes of one, until the project changes."""
    cache = getattr(pytestconfig, "cache", None)  # switched off by `-p no:cacheprovider`
    if cache is not None:
        return recording(cache.mkdir("dbt"))
    with tempfile.TemporaryDirectory() as folder:
        return recording(Path(folder))


@pytest.fixture(scope="session")
def warehouse(dbt_recording: Recording) -> Warehouse:
    return Warehouse(dbt_recording)
