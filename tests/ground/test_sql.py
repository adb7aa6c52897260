"""SQL that every package writes."""

import duckdb
import pytest

from orchestration.ground.sql import in_memory


def test_what_does_not_fit_into_memory_is_not_spilled_into_the_folder_one_works_in(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with in_memory() as connection:
        connection.execute("set memory_limit = '60MB'")
        with pytest.raises(duckdb.OutOfMemoryException):
            connection.execute(
                "create table people as"
                " select hash(range) || '@shop.example' as email from range(3_000_000)"
            )
        assert list(tmp_path.iterdir()) == []
