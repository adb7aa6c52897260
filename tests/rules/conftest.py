"""Fixtures of the tests of the rules: what dbt sends, and a warehouse to send it to."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from .recording import OTHERS, SOURCES, VENDORS, Recording, recording
from .warehouse import Warehouse


@pytest.fixture(scope="session")
def dbt_recording(pytestconfig: pytest.Config) -> Recording:
    """Kept between sessions and shared by the processes of one, until the project changes."""
    return _kept(pytestconfig, "dbt", SOURCES)


def _kept(
    pytestconfig: pytest.Config, name: str, sources: Sequence[str], like: Recording | None = None
) -> Recording:
    cache = getattr(pytestconfig, "cache", None)  # switched off by `-p no:cacheprovider`
    if cache is not None:
        return recording(cache.mkdir(name), sources=sources, like=like)
    with tempfile.TemporaryDirectory() as folder:
        return recording(Path(folder), sources=sources, like=like)


@pytest.fixture(scope="session")
def warehouse(dbt_recording: Recording) -> Warehouse:
    return Warehouse(dbt_recording)


@pytest.fixture(scope="module")
def of_source(
    pytestconfig: pytest.Config, request: pytest.FixtureRequest, dbt_recording: Recording
) -> Warehouse:
    """For `test_source_<name>`: a warehouse that rows of that source reach, and only they."""
    name = request.module.__name__.rpartition("test_source_")[2]
    return Warehouse(_kept(pytestconfig, f"dbt_{name}", [name], dbt_recording))


@pytest.fixture(scope="session")
def all_sources(pytestconfig: pytest.Config, dbt_recording: Recording) -> Recording:
    """What dbt sends for the first build of a log of any source."""
    sources = sorted({*SOURCES, *VENDORS, *OTHERS})
    return _kept(pytestconfig, "dbt_all", sources, dbt_recording)
