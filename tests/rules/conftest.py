"""Fixtures of the tests of the rules: the compiled SQL, once a session."""

import pytest

from .warehouse import Warehouse, compile_models


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return compile_models(tmp_path_factory.mktemp("dbt"))
