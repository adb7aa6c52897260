"""Ids of carts of the erased, out of the record that Dagster keeps of runs.

Belongs here: finding them in the files of that record and putting stars in their place. Not here:
whose carts they are (`erasure`), or records that are too old (`dagster.run_records`).

No step writes an id of a person there, and none that of a cart since 2026-11-29: before, the
preview of an hour's scores had the carts at the top, for as long as the record is kept.
"""

import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from orchestration.ground.home import Home
from orchestration.ground.sql import quoted
from orchestration.privacy.residue_search import files_with_carts

_WAIT_SECONDS = 60.0


def forget_carts(home: Home, carts: Collection[str]) -> int:
    """Put stars in the place of the ids, in the bytes of the files too.

    Args:
        home: whose record.
        carts: the ids.

    Returns:
        In how many files there were any.
    """
    if not carts:
        return 0
    files = [path for path in sorted(home.dagster.rglob("*")) if path.is_file()]
    found = {_database_of(path) for path in files_with_carts(files, carts)}
    for path in sorted(found):
        if path.suffix == ".db":
            _overwrite(path, carts)
        else:
            content = path.read_bytes()
            for cart in carts:
                content = content.replace(cart.encode(), _stars(cart).encode())
            path.write_bytes(content)
    return len(found)


def _database_of(path: Path) -> Path:
    """The file itself, or the one whose write-ahead log it is."""
    for ending in ("-wal", "-shm"):
        if path.name.endswith(f".db{ending}"):
            return path.with_name(path.name.removesuffix(ending))
    return path


def _overwrite(path: Path, carts: Collection[str]) -> None:
    with closing(sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)) as file:
        # what is replaced is else left where it was, as free space
        file.execute("pragma secure_delete = on")
        tables = file.execute("select name from sqlite_master where type = 'table'").fetchall()
        for (table,) in tables:
            columns = [row[1] for row in file.execute(f"pragma table_info({quoted(table)})")]
            for column in map(quoted, columns):
                for cart in carts:
                    file.execute(
                        f"update {quoted(table)} set {column} = replace({column}, ?, ?)"
                        f" where typeof({column}) = 'text' and instr({column}, ?) > 0",
                        [cart, _stars(cart), cart],
                    )
        file.execute("pragma wal_checkpoint(truncate)").fetchall()


def _stars(cart: str) -> str:
    return "*" * len(cart)
