"""Fixtures of the tests of the rules: what dbt sends, and a warehouse to send it to."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from .dbt_runs import PROJECT, Parsed, parsed_once
from .recording import OTHERS, SOURCES, VENDORS, Recording, recording
from .warehouse import Warehouse


@pytest.fixture(scope="session")
def dbt_parsed(pytestconfig: pytest.Config) -> Parsed:
    """The project as dbt parses it by itself."""
    with _cache(pytestconfig, "dbt") as folder:
        return parsed_once(PROJECT, folder.parent)


@pytest.fixture(scope="session")
def dbt_recording(pytestconfig: pytest.Config) -> Recording:
    """Kept between sessions and shared by the processes of one, until the project changes."""
    return _kept(pytestconfig, "dbt", SOURCES)


def _kept(
    pytestconfig: pytest.Config, name: str, sources: Sequence[str], like: Recording | None = None
) -> Recording:
    with _cache(pytestconfig, name) as folder:
        return recording(folder, sources=sources, like=like)


@contextmanager
def _cache(pytestconfig: pytest.Config, name: str) -> Iterator[Path]:
    """A folder that is kept for the next session, unless that is switched off."""
    cache = getattr(pytestconfig, "cache", None)  # switched off by `-p no:cacheprovider`
    if cache is not None:
        yield cache.mkdir(name)
        return
    with tempfile.TemporaryDirectory() as folder:
        inside = Path(folder, name)
        inside.mkdir()
        yield inside


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
