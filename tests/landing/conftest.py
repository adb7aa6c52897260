"""A small source, an empty warehouse, and a way to land bytes and look at what became of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.ground.checkout import SIGNATURES_TO_COME, SOURCE_DEFINITIONS
from orchestration.landing import LandedFile, Source, find_files, land, load_sources
from orchestration.landing.sources import Column

LANDED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)

CLICKS = Source(
    name="clicks",
    columns=(
        Column("visitor_id", ("client_id",), is_required=True),
        Column("event_at", ("ts", "time"), is_required=True),
        Column("price"),
    ),
    header=("event_at", "visitor_id", "price"),
)


@dataclass
class Landing:
    """A warehouse and the folder its files are delivered to."""

    con: duckdb.DuckDBPyConnection
    folder: Path
    source: Source = CLICKS

    def deliver(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def land(self, **options: Any) -> list[LandedFile]:
        files = find_files(self.folder, self.source)
        return land(self.con, files, self.source, landed_at=LANDED_AT, **options)

    def land_one(self, name: str, content: bytes | str, **options: Any) -> LandedFile:
        """Deliver a file and land it; holds for each that no row is lost."""
        self.deliver(name, content)
        (outcome,) = self.land(**options)
        (loaded,) = self.con.execute(
            f"select count(*) from raw.{self.source.name} where _load_id = ?", [outcome.load_id]
        ).fetchall()[0]
        assert outcome.rows_read == loaded + outcome.rows_unreadable
        return outcome

    def query(self, sql: str) -> list[tuple]:
        return self.con.execute(sql).fetchall()

    def rows(self) -> list[tuple]:
        return self.query(f"select * exclude (_load_id) from raw.{self.source.name} order by all")

    def unreadable(self) -> list[tuple]:
        return self.query("select line, reason, raw_row from raw.unreadable_rows order by all")

    def repaired(self) -> list[tuple]:
        return self.query("select line, reason, raw_row from raw.repaired_rows order by all")


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    folder = tmp_path / "landing"
    folder.mkdir()
    return Landing(duckdb.connect(), folder)


@pytest.fixture(scope="session")
def sources() -> dict[str, Source]:
    return load_sources(SOURCE_DEFINITIONS, SIGNATURES_TO_COME)


@pytest.fixture
def landing_of(tmp_path: Path, sources: dict[str, Source]) -> Callable[[str, Path], Landing]:
    """A landing of one of the project's own sources, over a folder."""

    def make(name: str, folder: Path = tmp_path) -> Landing:
        return Landing(duckdb.connect(), folder, sources[name])

    return make
