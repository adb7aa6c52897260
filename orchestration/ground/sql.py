"""SQL that every package writes: quoted names and texts, and transactions.

Belongs here: what makes a statement safe to run, whatever a name or a text contains. Not here:
statements about any table.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string."""
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All of the block, or nothing of it."""
    connection.begin()
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
