"""Fixtures of the tests of the report: a small published file and the page that is made of it."""

from pathlib import Path

import pytest

from orchestration.outputs.report.page import page
from tests.outputs.small_published_file import make_shop


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published file of a small shop."""
    path = tmp_path_factory.mktemp("published") / "analytics.duckdb"
    make_shop(path)
    return path


@pytest.fixture(scope="module")
def content(file: Path) -> bytes:
    """Its report."""
    return page(file)
