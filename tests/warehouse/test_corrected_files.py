"""The rows of a suspect file once the corrected one has come."""

from datetime import datetime

import duckdb
import pytest

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.landing import ensure_raw_tables
from orchestration.landing.locations import sources_in
from orchestration.warehouse import database
from orchestration.warehouse.corrected_files import set_aside_former
from orchestration.warehouse.suspect_files import accept

from .quality_tables import QUALITY_TABLES

NOW = datetime(2026, 11, 28, 12)
SOURCES = sources_in(DBT_PROJECT)


@pytest.fixture
def warehouse():
    with duckdb.connect() as connection:
        ensure_raw_tables(connection, SOURCES)
        database.ensure_score_tables(connection)
        connection.execute(QUALITY_TABLES)
        connection.execute("create table main.last_build as select 1 as load_id")
        yield connection


def land(
    connection, load_id: int, *, is_suspect: bool, is_built: bool = True, skipped: str | None = None
) -> None:
    """Two rows of a file `h2.csv`, which the log has if it was built since."""
    row = [load_id, "canonical", "h2.csv", f"hash {load_id}"]
    connection.execute(
        "insert into raw.files (load_id, source, file, content_hash, byte_size, landed_at,"
        " rows_read, skipped_reason) values (?, ?, ?, ?, 1, ?, 2, ?)",
        [*row, NOW, skipped],
    )
    if is_built:
        connection.execute(
            "insert into main.landed_files values (?, ?, ?, ?, 2, 0, ?, ?)",
            [*row, is_suspect, NOW],
        )
    if skipped is None:
        for line in (2, 3):
            connection.execute(
                "insert into raw.canonical (_load_id, _line, visitor_id, price)"
                " values (?, ?, 'v', '10,50')",
                [load_id, line],
            )


def lines(connection) -> tuple[list, list, bool]:
    """Rows as they stand: delivered, set aside, and whether the next build follows the last."""
    kept, aside = (
        connection.execute(f"select {columns} from raw.{table} order by all").fetchall()
        for table, columns in (
            ("canonical", "_load_id, _line"),
            ("unreadable_rows", "load_id, line, reason, raw_row"),
        )
    )
    return kept, aside, database.has_table(connection, "main", "last_build")


def test_the_rows_of_a_suspect_file_give_way_to_the_corrected_ones(warehouse):
    land(warehouse, 1, is_suspect=True)
    before = lines(warehouse)
    assert set_aside_former(warehouse, SOURCES) == []
    assert lines(warehouse) == before

    warehouse.execute("insert into raw.repaired_rows values (1, 2, 'not_utf8', 'x', null)")
    land(warehouse, 2, is_suspect=False, is_built=False)
    assert set_aside_former(warehouse, SOURCES) == ["h2.csv"]
    text = '{"visitor_id":"v","price":"10,50"}'
    assert lines(warehouse) == (
        [(2, 2), (2, 3)],
        [(1, 2, "superseded", text), (1, 3, "superseded", text)],
        False,
    )
    assert warehouse.execute("from raw.repaired_rows").fetchall() == []
    assert set_aside_former(warehouse, SOURCES) == []


@pytest.mark.parametrize("why", ["it was accepted", "it is not suspect", "no reader reads the new"])
def test_rows_stay_where(warehouse, why):
    land(warehouse, 1, is_suspect=why != "it is not suspect")
    if why == "it was accepted":
        accept(warehouse, ["h2.csv"], NOW)
    land(
        warehouse,
        2,
        is_suspect=False,
        is_built=False,
        skipped="binary_data" if why == "no reader reads the new" else None,
    )
    before = lines(warehouse)
    assert set_aside_former(warehouse, SOURCES) == []
    assert lines(warehouse) == before
