"""The published file as the report reads it.

Belongs here: the newest hour, and queries with rows by name. Not here: what is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from orchestration.ground.hours import END_OF_TIME
from orchestration.ground.sql import quoted
from orchestration.warehouse.score_tables import HAS_SCORED

Row = dict[str, Any]


@dataclass(frozen=True)
class Hour:
    """The newest scored hour.

    Attributes:
        at: the hour, UTC.
        currency: the reporting currency; None while no amount has one.
        settings: digest of the settings it ran with.
        newest_event: newest event at or before it, UTC; None without any.
        is_stale: whether that was too old; None if no cart says.
    """

    at: datetime
    currency: str | None
    settings: str
    newest_event: datetime | None
    is_stale: bool | None


@dataclass(frozen=True)
class Published:
    """The published file.

    Attributes:
        connection: the file, opened to read.
        hour: its newest hour; None while no hour was scored.
        exports: folder of the exported hours; None if they are not to be looked at.
    """

    connection: duckdb.DuckDBPyConnection
    hour: Hour | None = None
    exports: Path | None = None

    @classmethod
    def at_newest_hour(
        cls,
        connection: duckdb.DuckDBPyConnection,
        *,
        not_after: datetime = END_OF_TIME,
        exports: Path | None = None,
    ) -> "Published":
        """The file with its newest hour; one after `not_after` was scored while the clock was
        ahead."""
        return cls(connection, cls(connection)._newest_hour(not_after), exports)

    def rows(self, query: str, parameters: Sequence[object] = ()) -> list[Row]:
        """The rows of a query, by column."""
        found = self.connection.execute(query, list(parameters))
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def row(self, query: str, parameters: Sequence[object] = ()) -> Row:
        """The only row of a query."""
        (only,) = self.rows(query, parameters)
        return only

    def has_rows(self, *tables: str) -> bool:
        """Whether each of the tables is there and has rows."""
        return all(
            table in self._tables and self.rows(f"select 1 from {quoted(table)} limit 1")
            for table in tables
        )

    @cached_property
    def _tables(self) -> set[str]:
        query = "select table_name from information_schema.tables where table_schema = 'main'"
        return {row["table_name"] for row in self.rows(query)}

    def has_column(self, table: str, column: str) -> bool:
        """Whether a table has a column."""
        query = "select 1 from duckdb_columns() where table_name = ? and column_name = ?"
        return self.rows(query, [table, column]) != []

    def _newest_hour(self, not_after: datetime) -> Hour | None:
        runs = self.rows(
            f"select as_of, reporting_currency, settings from runs where {HAS_SCORED}"
            " and as_of <= ? order by as_of desc, started_at desc limit 1",
            [not_after],
        )
        for run in runs:
            at = run["as_of"]
            # a session that goes on past the hour has events near it
            newest = self.row(
                "select max(least(ended_at, $1)) as event_at from sessions where started_at <= $1",
                [at],
            )
            stale = self.row(
                "select bool_or(is_stale) as is_stale from cart_scores where scored_at = ?", [at]
            )
            return Hour(
                at=at,
                currency=run["reporting_currency"],
                settings=run["settings"],
                newest_event=newest["event_at"],
                is_stale=stale["is_stale"],
            )
        return None
