"""Whole runs through the command line, each made once a session and read by many tests."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.warehouse import dbt_build
from tests.whole.twins import Shop, open_shop, run_command

Command = Callable[..., subprocess.CompletedProcess[str]]


def run_comeback(
    home: Path, *arguments: str | Path, expect: int = 0
) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, which is spared the start of Dagster and dbt.

    A run in a new home is spared the parsing of the project, where that is the one of others.
    """
    if arguments[0] == "run":
        dbt_build.prepare_manifest(Home(home), Settings(), DBT_PROJECT)
    done = run_command(home, *map(str, arguments))
    assert done.returncode == expect, done.stderr
    return done


def run_program(home: Path, *arguments: str | Path) -> None:
    """The command as a person runs it, on a state of its own."""
    done = subprocess.run(
        [Path(sys.executable).with_name("comeback"), *map(str, arguments)],
        env={**os.environ, "COMEBACK_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def shopify_home(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Path:
    """A home after one hour over the seven days of the mattress shop."""
    home = tmp_path_factory.mktemp("shopify")
    folder = shared_data / "shopify_pixel"
    run_comeback(home, "run", "--as-of", "latest", "--events", folder, "--source", "shopify_pixel")
    return home


@pytest.fixture(scope="session")
def simulated_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after one hour over the simulated shop: more than 200,000 events."""
    home = tmp_path_factory.mktemp("simulated")
    run_comeback(home, "run", "--as-of", "latest", "--simulated")
    return home


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A small shop with one scored hour, dumps of another, and its twin after that one."""
    return open_shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="session")
def duckdb_1_5() -> Path:
    """An older DuckDB, installed beside the environment by `make test`."""
    folder = Path(sys.prefix) / "duckdb-1.5"
    if not folder.is_dir():
        pytest.fail(f"no DuckDB 1.5 in {folder}: run the tests by make test")
    return folder
