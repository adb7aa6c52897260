"""Who did what with people's data, and when: counts only, no personal data, never changed.

Belongs here: adding a row to `scores.audit_log`, and what a row of files or settings says. Not
here: its columns (`score_tables`), or what is worth a row; that is for whoever does it to say.
"""

import getpass
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

import duckdb

from orchestration.warehouse.score_tables import AUDIT_LOG

Deed = Literal[
    *("export", "delivery", "erase", "access", "rectify", "accept", "settings", "serve"),
    "retention",
]


def note(
    connection: duckdb.DuckDBPyConnection,
    deed: Deed,
    at: datetime,
    *,
    sha256: str | None = None,
    exports: Collection[str] = (),
    model: Mapping[str, str] | None = None,
    **counts: int,
) -> None:
    """Add a row.

    Args:
        connection: the open warehouse.
        deed: what was done.
        at: now, UTC.
        sha256: hash of what was handed out, if anything was.
        exports: which exports that concerned, by their names in the settings.
        model: which model that concerned: its name and ids, which are hashes.
        counts: numbers by name; nothing else, so that no row can name anybody.
    """
    values = {**counts, **({"exports": sorted(exports)} if exports else {}), **(model or {})}
    connection.execute("create schema if not exists scores")
    connection.execute(AUDIT_LOG.ddl(f"scores.{AUDIT_LOG.name}"))
    connection.execute(
        f"insert into scores.{AUDIT_LOG.name} by name select ? as done_at, ? as done_by,"
        " ? as deed, ? as counts, ? as sha256",
        [at, _user(), deed, json.dumps(values, sort_keys=True), sha256],
    )


def note_export(
    connection: duckdb.DuckDBPyConnection,
    at: datetime,
    files: Collection[Mapping[str, Any]],
    accepted: Collection[str] = (),
) -> None:
    """Add a row for the files of an hour, and one before it for removals that were accepted.

    Args:
        connection: the open warehouse.
        at: now, UTC.
        files: of each its path, rows and sha256, as in the manifest.
        accepted: exports whose removals somebody said are meant.
    """
    if accepted:
        note(connection, "accept", at, exports=accepted)
    digest = sum_of_sums((each["path"], each["sha256"]) for each in files)
    rows = sum(each["rows"] for each in files)
    note(connection, "export", at, sha256=digest, files=len(files), rows=rows)


def sum_of_sums(sums: Iterable[tuple[str, str]]) -> str:
    """The hash of the lines that `sha256sum` prints of files, so that anybody can take it, too.

    Args:
        sums: path and sha256 of each file, in order.
    """
    lines = "".join(f"{digest}  {path}\n" for path, digest in sums)
    return hashlib.sha256(lines.encode()).hexdigest()


def note_settings(connection: duckdb.DuckDBPyConnection, at: datetime, digest: str) -> None:
    """Add a row if the settings are not those that were noted last, or none were."""
    noted = connection.execute(
        f"select sha256 from scores.{AUDIT_LOG.name} where deed = 'settings'"
        " order by done_at desc, rowid desc limit 1"
    ).fetchall()
    if noted != [(digest,)]:
        note(connection, "settings", at, sha256=digest)


def largest(connection: duckdb.DuckDBPyConnection, deed: Deed, count: str) -> int | None:
    """The largest number of a name that rows of a deed have; None without any."""
    query = f"select max((counts ->> ?)::bigint) from scores.{AUDIT_LOG.name} where deed = ?"
    return connection.execute(query, [count, deed]).fetchall()[0][0]


def _user() -> str:
    """The user of the machine; an id without a name stays one."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
