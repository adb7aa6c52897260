"""A fresh file in the place of the warehouse, with the same rows.

Belongs here: copying everything into a file beside the old one, encrypted where a key is given,
which takes its place in one step; what was put aside. Not here: why that is done (`privacy`), or a
file that cannot be read any more (`recovery`).
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.ground import encryption
from orchestration.ground.files import move_into_place, unfinished_path
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.warehouse import database

_ASIDE = ".damaged-"
# There while bytes of what was deleted are left in the file.
_DUE = "rewriting_due"


def expect(connection: duckdb.DuckDBPyConnection) -> None:
    """Note, in the transaction that deletes, that the file is to be rewritten: by the next run, if
    this one is ended before it does so."""
    connection.execute(f"create table if not exists raw.{_DUE} (is_due boolean)")


def is_due(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the file was to be rewritten, and was not yet."""
    return database.has_table(connection, "raw", _DUE)


def rewrite(home: Home, settings: Settings) -> None:
    """Put a fresh copy in the place of the warehouse: DuckDB leaves deleted bytes in its file.

    Killed at any point it leaves the old file or the new one.

    Raises:
        ComebackError: another process has the file open, or it is damaged, or there is no room.
    """
    fresh = unfinished_path(home.warehouse)
    with database.released(home):
        with database.connect(home, settings, fresh) as connection:
            try:
                encryption.attach(connection, home.warehouse, "former")
            except duckdb.Error as error:
                raise database.not_opened(error, home) from error
            connection.execute("checkpoint former")
            connection.execute(f"copy from database former to {encryption.WAREHOUSE}")
            connection.execute("detach former")
            if is_due(connection):
                connection.execute(f"drop table raw.{_DUE}")
            connection.execute("checkpoint")
        # all of it was folded into the old file; beside the new one it would be another file's
        home.warehouse.with_name(f"{home.warehouse.name}.wal").unlink(missing_ok=True)
        move_into_place(fresh, home.warehouse)


def aside(home: Home, now: datetime) -> Path:
    """Where a damaged file goes in whose place another is put."""
    return home.warehouse.with_name(f"{home.warehouse.name}{_ASIDE}{now:%Y-%m-%dT%H%M%SZ}")


def put_aside(home: Home) -> list[Path]:
    """The damaged files in whose place others were put."""
    return sorted(home.root.glob(f"{home.warehouse.name}{_ASIDE}*"))


def plain_copies(home: Home) -> Iterator[str]:
    """A line for each file that was put aside and is not encrypted although the warehouse is."""
    if encryption.is_encrypted(home.warehouse):
        for path in put_aside(home):
            if not encryption.is_encrypted(path):
                yield f"{path} is not encrypted: delete it when nobody needs it any more"
