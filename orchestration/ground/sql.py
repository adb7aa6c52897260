"""SQL that every package writes: quoted names and texts, transactions, and functions in Python.

Belongs here: what makes a statement safe to run, whatever a name or a text contains. Not here:
statements about any table.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import duckdb

# Names of functions that a connection of this process was given.
_functions: set[str] = set()


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string."""
    return "'" + text.replace("'", "''") + "'"


def in_memory() -> duckdb.DuckDBPyConnection:
    """A connection to no file that leaves none: what does not fit into memory is not spilled, which
    would be into the folder that somebody works in, and plain."""
    return duckdb.connect(config={"temp_directory": ""})


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


def define_function(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    function: Callable[..., str | None],
    arguments: int,
) -> None:
    """Give SQL on this connection a function of texts, in the place of its own of that name."""
    drop_function(connection, name)
    connection.create_function(
        name, function, ["VARCHAR"] * arguments, "VARCHAR", null_handling="special"
    )
    _functions.add(name)


def drop_functions(connection: duckdb.DuckDBPyConnection) -> None:
    """Take back what `define_function` gave; to be done before a connection is closed.

    All connections to a file that is kept open share one catalog: a function that was left there
    could neither be defined again nor be called, as what it calls went with its connection.
    """
    for name in _functions:
        drop_function(connection, name)


def drop_function(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Take a function back from the connection, if it was given one of that name."""
    with suppress(duckdb.InvalidInputException, duckdb.CatalogException):
        connection.remove_function(name)
