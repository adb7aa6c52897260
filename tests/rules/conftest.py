"""Fixtures of the tests of the rules: what dbt sends, and a warehouse to send it to."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from .recording import ONE_SOURCE, PROJECT, Recording, recording
from .warehouse import Warehouse


def kept_recording(pytestconfig: pytest.Config, name: str, sources: Sequence[str]) -> Recording:
    """Kept between sessions and shared by the processes of one, until the project changes."""
    cache = getattr(pytestconfig, "cache", None)  # switched off by `-p no:cacheprovider`
    if cache is not None:
        return recording(cache.mkdir(name), sources=sources)
    with tempfile.TemporaryDirectory() as folder:
        return recording(Path(folder), sources=sources)


@pytest.fixture(scope="session")
def dbt_recording(pytestconfig: pytest.Config) -> Recording:
    return kept_recording(pytestconfig, "dbt", ONE_SOURCE)


@pytest.fixture(scope="session")
def warehouse(dbt_recording: Recording) -> Warehouse:
    return Warehouse(dbt_recording)


@pytest.fixture(scope="session")
def all_sources_warehouse(pytestconfig: pytest.Config) -> Warehouse:
    """A warehouse that builds the events of every source that the project has."""
    sources = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]["event_sources"]
    return Warehouse(kept_recording(pytestconfig, "dbt_all_sources", sources))
