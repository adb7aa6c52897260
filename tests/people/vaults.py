"""A vault over a few delivered rows, for tests.

Belongs here: landing rows of people and asking what is known. Not here: what is expected.
"""

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.settings import Settings
from orchestration.landing import LandedFile, ensure_raw_tables, find_files, land
from orchestration.landing.locations import sources_in
from orchestration.people.known_at import know_people_at
from orchestration.people.vault import settle

SOURCES = {name: source for name, source in sources_in(DBT_PROJECT).items() if source.is_private}
LANDED_AT = datetime(2026, 3, 31, 12, tzinfo=UTC)
NOW = datetime(2026, 3, 31, 12)


@dataclass
class Vault:
    """A warehouse in memory, and a folder of dumps."""

    folder: Path
    con: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        self.con.execute("set TimeZone = 'UTC'")
        ensure_raw_tables(self.con, SOURCES)

    def deliver(self, source: str, content: str | bytes, name: str = "a.csv") -> LandedFile:
        """Land a file and settle the vault."""
        path = self.folder / source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        files = [each for each in find_files(path.parent) if each.name == name]
        (landed,) = land(self.con, files, SOURCES[source], landed_at=LANDED_AT)
        settle(self.con, SOURCES, self.settings)
        return landed

    def rows(self, source: str, *rows: dict[str, str], name: str = "a.csv") -> LandedFile:
        """Land rows with the columns that they have."""
        names = [*dict.fromkeys(key for row in rows for key in row)]
        frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
        buffer = io.BytesIO()
        frame.write_csv(buffer)
        return self.deliver(source, buffer.getvalue(), name)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self.con.execute(sql).fetchall()

    def profiles(self, at: datetime = NOW) -> dict[str, dict[str, Any]]:
        """What is known of each user at an instant."""
        know_people_at(self.con, at)
        frame = self.con.sql("select * from vault.current_profiles").pl()
        return {row["user_id"]: row for row in frame.iter_rows(named=True)}

    def suppressed(self, at: datetime = NOW) -> set[tuple[str, str, str]]:
        """Channel, user and reason of what is suppressed at an instant."""
        know_people_at(self.con, at)
        rows = self.query("select channel, user_id, reason from vault.current_suppressions")
        return {row for row in rows if row[1] is not None}
