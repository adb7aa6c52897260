"""Who did what with people's data, and when: counts only, no personal data, never changed.

Belongs here: adding a row to `scores.audit_log`. Not here: its columns (`score_tables`), or what is
worth a row; that is for whoever does it to say.
"""

import getpass
import json
from datetime import datetime
from typing import Literal

import duckdb

from orchestration.warehouse.score_tables import AUDIT_LOG

Deed = Literal["export", "delivery", "erase", "access", "rectify", "accept", "settings"]


def note(
    connection: duckdb.DuckDBPyConnection,
    deed: Deed,
    at: datetime,
    *,
    sha256: str | None = None,
    **counts: int,
) -> None:
    """Add a row.

    Args:
        connection: the open warehouse.
        deed: what was done.
        at: now, UTC.
        sha256: hash of what was handed out, if anything was.
        counts: numbers by name; nothing else, so that no row can name anybody.
    """
    connection.execute("create schema if not exists scores")
    connection.execute(AUDIT_LOG.ddl(f"scores.{AUDIT_LOG.name}"))
    connection.execute(
        f"insert into scores.{AUDIT_LOG.name} by name select ? as done_at, ? as done_by,"
        " ? as deed, ? as counts, ? as sha256",
        [at, _user(), deed, json.dumps(counts, sort_keys=True), sha256],
    )


def _user() -> str:
    """The user of the machine; an id without a name stays one."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
