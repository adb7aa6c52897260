"""Encryption of the warehouse, by DuckDB's own, where the shop gives a key.

Belongs here: the key, whether a file is encrypted, and opening and attaching one with it. Not here:
settings of a connection (`warehouse.database`), or files for others (`outputs.exports.age`).

DuckDB takes a key for a file that it attaches, never for the one that it connects to. So with a key
who connects does it to an empty database in memory, to which the file is attached, and which
carries the file's path as its name: as with a file, all that connect to it in one process share it.
The key is a parameter of the statement, and thus in no text that could be logged.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.ground.errors import ComebackError

if TYPE_CHECKING:
    import duckdb

DATABASE_KEY = "COMEBACK_DATABASE_KEY"
# what DuckDB calls a file of this name by itself, and dbt in all that it sends
WAREHOUSE = "warehouse"
USE_WAREHOUSE = f"use {WAREHOUSE}"
# of a connection that has the key: what it spills is encrypted, too
SPILLS_ENCRYPTED = {"temp_file_encryption": "true"}
# in the format of a file that DuckDB connects to: with a key it would take, and ask for, an older
KEY_OPTIONS = "encryption_key ?, storage_version 'latest'"

_IN_MEMORY = ":memory:"
# of DuckDB's extensions the one that has OpenSSL: what DuckDB brings along can only read
_EXTENSION = "httpfs"

# The header of a file: a checksum of 8 bytes, a mark, the version of the format in 8, then flags.
_MARK = slice(8, 12)
_FLAGS = 20
_IS_ENCRYPTED = 1


def database_key() -> str | None:
    """The key that the warehouse is encrypted with; None where the shop gives none.

    Raises:
        ComebackError: the key is no text.
    """
    key = os.environ.get(DATABASE_KEY) or None
    if key and not key.isprintable():
        raise ComebackError(
            "the key of the warehouse has characters that are none of a text",
            f"the variable {DATABASE_KEY}",
            "give it without line breaks, as UTF-8",
        )
    return key


def is_encrypted(path: Path) -> bool | None:
    """Whether a file of DuckDB's is encrypted; None if there is none, or none of DuckDB's."""
    try:
        with path.open("rb") as file:
            header = file.read(_FLAGS + 1)
    except OSError:
        return None
    if len(header) <= _FLAGS or header[_MARK] != b"DUCK":
        return None
    return bool(header[_FLAGS] & _IS_ENCRYPTED)


def require_key(path: Path) -> None:
    """Fail if a file is encrypted and no key is given.

    Raises:
        ComebackError: that is so.
    """
    if is_encrypted(path) and not database_key():
        raise ComebackError(
            "the warehouse is encrypted, and no key is given",
            str(path),
            f"set {DATABASE_KEY} to the key that it was encrypted with",
        )


def require_fit(path: Path) -> None:
    """Fail if a file is encrypted and no key is given, or the reverse.

    Raises:
        ComebackError: that is so.
    """
    require_key(path)
    if is_encrypted(path) is False and database_key():
        raise ComebackError(
            f"a key is given ({DATABASE_KEY}), and the warehouse is not encrypted",
            str(path),
            "encrypt it, once: comeback encrypt",
        )


def require_extension() -> None:
    """Fail if a key is given and DuckDB cannot encrypt.

    Raises:
        ComebackError: its extension is not installed.
    """
    if database_key():
        import duckdb

        with duckdb.connect() as connection:
            _load_extension(connection)


def address(path: Path) -> str:
    """What DuckDB connects to for a file: its path, or with a key a database in memory."""
    return f"{_IN_MEMORY}{path}" if database_key() else str(path)


def file_at(address: str) -> str | None:
    """The path that such a database has as its name; None of any other address."""
    path = address.removeprefix(_IN_MEMORY)
    return path if path and path != address else None


def connect(path: Path, config: Mapping[str, object]) -> "duckdb.DuckDBPyConnection":
    """A connection to a file, which is made, encrypted where a key is given, if there is none.

    Raises:
        ComebackError: DuckDB cannot encrypt.
    """
    import duckdb

    if not database_key():
        return duckdb.connect(str(path), config=dict(config))
    connection = duckdb.connect(address(path), config={**config, **SPILLS_ENCRYPTED})
    with _closed_on_failure(connection):
        attach_warehouse(connection, str(path))
        connection.execute(USE_WAREHOUSE)
    return connection


def connect_read_only(path: Path) -> "duckdb.DuckDBPyConnection":
    """A connection to a file that is there, encrypted or not; nothing is written."""
    import duckdb

    if not is_encrypted(path):
        return duckdb.connect(str(path), read_only=True)
    connection = duckdb.connect(config=SPILLS_ENCRYPTED)
    with _closed_on_failure(connection):
        connection.execute(
            f"attach ? as {WAREHOUSE} ({KEY_OPTIONS}, read_only)", [str(path), database_key()]
        )
        connection.execute(USE_WAREHOUSE)
    return connection


def attach_warehouse(connection: "duckdb.DuckDBPyConnection", path: str) -> None:
    """Attach a file with the key to a connection, which was made with `SPILLS_ENCRYPTED`.

    Raises:
        ComebackError: DuckDB cannot encrypt.
    """
    _load_extension(connection)
    connection.execute(
        f"attach if not exists ? as {WAREHOUSE} ({KEY_OPTIONS})", [path, database_key()]
    )


def attach(connection: "duckdb.DuckDBPyConnection", path: Path, name: str) -> None:
    """Attach one more file, encrypted or not, to a connection that came from `connect`."""
    if is_encrypted(path):
        connection.execute(f"attach ? as {name} ({KEY_OPTIONS})", [str(path), database_key()])
    else:
        connection.execute(f"attach ? as {name}", [str(path)])


@contextmanager
def _closed_on_failure(connection: "duckdb.DuckDBPyConnection") -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _load_extension(connection: "duckdb.DuckDBPyConnection") -> None:
    import duckdb

    try:
        _load_cryptography(connection)
    except duckdb.Error as error:
        program = "import duckdb; duckdb.connect().install_extension"
        raise ComebackError(
            f"DuckDB cannot encrypt the warehouse without its extension {_EXTENSION}",
            str(error).splitlines()[0],
            "install it, once and with network, as the user of these runs:"
            f""" {sys.executable} -c "{program}('{_EXTENSION}')\"""",
        ) from error


def _load_cryptography(connection: "duckdb.DuckDBPyConnection") -> None:
    connection.execute(f"load {_EXTENSION}")
