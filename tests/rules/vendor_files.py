"""Files of other systems' dumps, and whose they are taken to be.

Belongs here: writing rows in each format, and what holds of every source that has a signature. Not
here: the rows, which are in each source's own test.
"""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl

from orchestration.landing import find_files, land, load_sources
from orchestration.landing.recognition import recognized

from .dbt_runs import PROJECT
from .warehouse import Warehouse

TABLES = ("events", "carts", "cart_lines", "orders", "order_lines", "set_aside_rows")
SOURCES = load_sources(PROJECT / "models" / "staging")
HOUR = datetime(2026, 11, 26, 12, tzinfo=UTC)


def write_rows(folder: Path, form: str, rows: list[dict]) -> Path:
    """Write rows as the only file of a folder: json, jsonl, jsonl.gz, parquet or csv."""
    folder.mkdir(exist_ok=True)
    path = folder / f"a.{form}"
    match form:
        case "json":
            path.write_text(json.dumps(rows, indent=1))
        case "jsonl":
            path.write_text("\n".join(map(json.dumps, rows)))
        case "jsonl.gz":
            path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
        case "parquet":
            pl.DataFrame(rows, infer_schema_length=None).write_parquet(path)
        case "csv":
            pl.DataFrame([_flat(row) for row in rows], infer_schema_length=None).write_csv(path)
    return folder


def _flat(row: dict) -> dict:
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in row.items()
        if value is not None
    }


def assert_known_by_its_look(folder: Path, source: str) -> None:
    """The files are recognized as the source's, and refused in its favour."""
    assert recognized(find_files(folder), SOURCES).source == source
    outcomes = land(duckdb.connect(), find_files(folder), SOURCES["canonical"], landed_at=HOUR)
    assert {outcome.skipped_reason for outcome in outcomes} == {f"looks_like_{source}"}
    (note,) = {outcome.note for outcome in outcomes}
    assert note.endswith(f"not like canonical; give it as {source}")


class Built:
    """The tables that were made of a folder of dumps, kept whatever is built next."""

    def __init__(self, warehouse: Warehouse, folder: Path, source: str) -> None:
        """Land the files of the folder as dumps of the source, and build."""
        warehouse.build_files(folder, HOUR, tables=TABLES, source_name=source)
        self.connection = duckdb.connect()
        for name in TABLES:
            kept = warehouse.connection.sql(f"from {name}").to_arrow_table()
            self.connection.register("kept", kept)
            self.connection.execute(f"create table {name} as from kept")

    def query(self, select: str) -> list[dict]:
        """The rows of a select."""
        return self.connection.sql(select).to_arrow_table().to_pylist()


def values(rows: list[dict]) -> list[tuple]:
    """The rows without the names of their columns."""
    return [tuple(row.values()) for row in rows]
