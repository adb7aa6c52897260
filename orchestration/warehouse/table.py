"""How a table that dbt does not build is declared.

Belongs here: the declaration and the statements that follow from it. Not here: the tables
(`score_tables`, `contact_tables`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb


@dataclass(frozen=True)
class Column:
    """A column: its SQL type as both warehouse and published file have it, and what it says."""

    name: str
    type: str
    description: str


@dataclass(frozen=True)
class Table:
    """A table of the schema `scores`.

    It has no primary key: DuckDB would refuse to replace an hour's rows within one transaction.

    Attributes:
        name: its name, in the published file too.
        description: what it says.
        order: columns its rows are published in the order of.
        columns: its columns in order.
        key: columns by which its rows are replaced in the published file; None: it is small, and
            written whole.
        uncompressed: columns of texts that never repeat, of a table that each hour writes whole:
            to compress them is a third of the work of writing it.
    """

    name: str
    description: str
    order: tuple[str, ...]
    columns: tuple[Column, ...]
    key: str | None = None
    uncompressed: tuple[str, ...] = ()

    @property
    def column_names(self) -> list[str]:
        """The names in order."""
        return [column.name for column in self.columns]

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)

    def ddl(self, relation: str) -> str:
        """The statement that makes the table as `relation` unless it is there."""
        columns = ", ".join(
            f"{column.name} {column.type}"
            + (" using compression uncompressed" if column.name in self.uncompressed else "")
            for column in self.columns
        )
        return f"create table if not exists {relation} ({columns})"

    def insert(
        self,
        connection: duckdb.DuckDBPyConnection,
        rows: Iterable[Mapping[str, object]],
        relation: str = "",
    ) -> None:
        """Add rows that have every column, to `relation` where that is not the table itself."""
        names = self.column_names
        marks = ", ".join("?" * len(names))
        statement = f"insert into {relation or 'scores.' + self.name} ({', '.join(names)})"
        for row in rows:
            connection.execute(f"{statement} values ({marks})", [row[name] for name in names])
