"""Making Dagster's own record-keeping cheap.

Belongs here: how this process writes Dagster's SQLite files. Not here: what is in them.

An hour makes some 300 events, each of which Dagster writes through a new connection. With SQLite's
defaults each waits for the disk twice, when it commits and when the last connection to a file
closes, which folds the write-ahead log back into it: 21 ms a write, measured 2026-11-22, together
longer than the hour's work. With the two changes made here it is 0.14 ms. A killed process loses
nothing by it; a power cut may lose the last events, and never leaves a damaged file.

Dagster makes an engine for each event too, and SQLAlchemy compiles every statement again for it: a
tenth of the CPU time of an hour with nothing new, measured 2026-11-28. Here an engine is kept for
each file.

The logs are folded back once a run, when it ends: each would else stay beside its file for good,
4.1 MB a run. Those of a killed run are folded back by a later one (`run_records`).
"""

import atexit
import sqlite3
from collections.abc import Callable
from typing import Any

from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from sqlalchemy import event
from sqlalchemy.engine import Engine

# An hour writes to an index, the list of runs and a file of its own.
_MAX_KEPT = 8

_kept: dict[str, sqlite3.Connection] = {}


def tune_sqlite() -> None:
    """Let SQLite wait for the disk less often, in this process, from now on."""
    if not event.contains(Engine, "connect", _on_connect):
        event.listen(Engine, "connect", _on_connect)
        for module in (sqlite_event_log, sqlite_run_storage):
            module.create_engine = _kept_engines(module.create_engine)
        atexit.register(fold_write_ahead_logs)


def fold_write_ahead_logs() -> None:
    """Fold the write-ahead logs that this process has kept back into their files."""
    while _kept:
        _kept.popitem()[1].close()


def _kept_engines(create_engine: Callable[..., Engine]) -> Callable[..., Engine]:
    """The same function, but of one engine a file; the options must be the same each time."""
    engines: dict[str, Engine] = {}

    def kept_engine(url: str, **options: Any) -> Engine:
        if url not in engines:
            engines[url] = create_engine(url, **options)
            if len(engines) > _MAX_KEPT:
                engines.pop(next(iter(engines)))
        return engines[url]

    return kept_engine


def _on_connect(connection: Any, _: object) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.execute("pragma synchronous = normal")
    path = connection.execute("pragma database_list").fetchall()[0][2]
    # A run's new file has no write-ahead log at first, and a connection from then holds none open.
    if path and path not in _kept and _has_write_ahead_log(connection):
        _keep_open(path)


def _has_write_ahead_log(connection: sqlite3.Connection) -> bool:
    return connection.execute("pragma journal_mode").fetchall()[0][0] == "wal"


def _keep_open(path: str) -> None:
    """Have one more connection to the file, so that none of those that write is its last."""
    kept = sqlite3.connect(path, check_same_thread=False)
    kept.execute("select count(*) from sqlite_master").fetchall()
    _kept[path] = kept
    if len(_kept) > _MAX_KEPT:
        _kept.pop(next(iter(_kept))).close()
