"""Opening the private warehouse, and the schema of it that orchestration writes.

Belongs here: the one way to connect, and small questions that several modules ask of the log. Not
here: SQL that belongs to one module, and everything dbt builds.

Results are fetched whole: DuckDB 2.0 refuses other work on a connection with one left unfinished.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from ml.holdout import HOLDOUT, TREATMENT
from orchestration.ground import encryption
from orchestration.ground.errors import ComebackError, WrongKey
from orchestration.ground.failures import explained, known
from orchestration.ground.files import keep_private
from orchestration.ground.home import Home
from orchestration.ground.hours import END_OF_TIME
from orchestration.ground.rule_macros import person_of
from orchestration.ground.settings import Settings
from orchestration.ground.sql import drop_functions, literal
from orchestration.warehouse.contact_tables import HOLDOUT_ARMS
from orchestration.warehouse.score_tables import (
    ACCEPTED_FILES,
    CART_SCORES,
    HAS_SCORED,
    PRIVATE_TABLES,
    RUNS,
    SCORE_TABLES,
)

_CHECKPOINT_BYTES = 1 << 30

# The files that are kept open, each with a connection that nobody uses, once there was one.
_kept: dict[Path, duckdb.DuckDBPyConnection | None] = {}


@contextmanager
def kept_open(home: Home) -> Iterator[None]:
    """Keep the warehouse open from the first connection on, for all that follow in this process.

    To open a file takes a hundred times as long as to connect to an open one, and an hour connects
    sixty times. What it holds on disk is whole only afterwards, the file beside it apart.
    """
    _kept[home.warehouse] = None
    try:
        yield
    finally:
        _close_kept(home.warehouse)
        del _kept[home.warehouse]


@contextmanager
def released(home: Home) -> Iterator[None]:
    """Do not keep the warehouse open: to replace the file, to read its bytes, or to give back the
    memory of what was read of it."""
    is_kept = home.warehouse in _kept
    if is_kept:
        _close_kept(home.warehouse)
        del _kept[home.warehouse]
    try:
        yield
    finally:
        if is_kept:
            _kept[home.warehouse] = None


def _close_kept(path: Path) -> None:
    """Close a file that is kept open, until somebody connects to it again."""
    if (connection := _kept.get(path)) is not None:
        connection.close()
        _kept[path] = None


@contextmanager
def connect(
    home: Home, settings: Settings, file: Path | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the warehouse, or to `file`, in UTC, that spills under the home folder.

    Raises:
        ComebackError: another process has the file open, or it is damaged, or there is no room, or
            the key and the file do not fit each other.
    """
    config = {
        "memory_limit": settings.memory_limit,
        "threads": settings.threads,
        "temp_directory": str(home.temporary),
    }
    path = file or home.warehouse
    encryption.require_fit(path)
    try:
        connection = encryption.connect(path, config)
        if path in _kept and _kept[path] is None:
            _kept[path] = encryption.connect(path, config)
    except duckdb.Error as error:
        raise not_opened(error, home) from error
    for each in (path, home.temporary):
        keep_private(each)
    try:
        connection.execute("set TimeZone = 'UTC'")
        # an as-of join whose size is guessed too small would compare every row with every other
        connection.execute("set asof_loop_join_threshold = 0")
        connection.execute("set enable_progress_bar = false")  # it would go to stdout
        yield connection
    except duckdb.Error as error:
        # after some failures nobody can work with a file until it is opened again
        _close_kept(path)
        if (reason := explained(error, home)) is not error:
            raise reason from error
        raise
    finally:
        drop_functions(connection)
        connection.close()


def checkpoint(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Write what was changed to its place in the file, with a gigabyte of memory at most.

    Closing the file does the same with all that DuckDB may use: 2.4 GB after six million wide rows,
    1.4 so (2026-11-30).
    """
    limit = "parse_formatted_bytes(current_setting('memory_limit'))"
    ((is_more,),) = connection.execute(f"select {limit} > {_CHECKPOINT_BYTES}").fetchall()
    if is_more:
        connection.execute(f"set memory_limit = '{_CHECKPOINT_BYTES}B'")
    try:
        connection.execute("checkpoint")
    finally:
        if settings.memory_limit.lower() == "none":  # by `set` it would be no limit at all
            connection.execute("reset memory_limit")
        else:
            connection.execute(f"set memory_limit = {literal(settings.memory_limit)}")


def require_its_key(home: Home) -> None:
    """Fail if the key is none, or not that of an encrypted warehouse, whatever else is wrong.

    Raises:
        ComebackError: that is so.
    """
    encryption.require_key(home.warehouse)
    try:
        if encryption.is_encrypted(home.warehouse):
            encryption.connect_read_only(home.warehouse).close()
    except duckdb.Error as error:
        if isinstance(reason := known(str(error), home), WrongKey):
            raise reason from error


def not_opened(error: duckdb.Error, home: Home) -> ComebackError:
    """Why DuckDB did not open the file of the warehouse."""
    return known(str(error), home) or ComebackError(
        f"the warehouse cannot be opened ({str(error).splitlines()[0]})",
        str(home.warehouse),
        "close whatever has it open; analysts open published/analytics.duckdb",
    )


@contextmanager
def attached(
    connection: duckdb.DuckDBPyConnection, path: Path, options: str = ""
) -> Iterator[None]:
    """A published file, or one on its way to be, as the database `published`."""
    connection.execute(f"attach {literal(str(path))} as published {options}")
    try:
        yield
    finally:
        connection.execute("detach published")


def ensure_score_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of the schema `scores` where they are missing, and columns that came later.

    A column that came later stands last in an older warehouse: whoever selects names the columns.
    """
    connection.execute("create schema if not exists scores")
    is_older = has_table(connection, "scores", RUNS.name) and not has_table(
        connection, "scores", ACCEPTED_FILES.name
    )
    tables = (*SCORE_TABLES, *PRIVATE_TABLES)
    for table in tables:
        connection.execute(table.ddl(f"scores.{table.name}"))
    there = connection.execute(
        "select table_name, column_name from duckdb_columns()"
        " where database_name = current_database() and schema_name = 'scores'"
    ).fetchall()
    for table in tables:
        for column in table.columns:
            if (table.name, column.name) not in there:
                connection.execute(
                    f"alter table scores.{table.name} add column {column.name} {column.type}"
                )
    take_over_holdout(connection)
    if is_older and has_table(connection, "raw", "files"):
        # what was published before files were suspected stops no hour afterwards
        connection.execute(
            f"insert into scores.{ACCEPTED_FILES.name}"
            " select distinct source, content_hash, localtimestamp from raw.files"
        )


def take_over_holdout(connection: duckdb.DuckDBPyConnection) -> None:
    """Record the arms of people who were scored before arms were recorded, as they were scored."""
    # asked first: rendering the rule of who is a person takes longer than this query
    query = f"""
        select 1 from scores.{CART_SCORES.name}
        where is_holdout is not null and not exists (from scores.{HOLDOUT_ARMS.name})
        limit 1
    """
    if not connection.execute(query).fetchall():
        return
    connection.execute(
        f"""
        insert into scores.{HOLDOUT_ARMS.name} (person_id, arm, assigned_at, is_mixed)
        select
            {person_of("owner_id", "visitor_id")} as person_id,
            case when arg_min(is_holdout, scored_at) then '{HOLDOUT}' else '{TREATMENT}' end,
            min(scored_at),
            false
        from scores.{CART_SCORES.name}
        where is_holdout is not null
        group by 1
        """
    )


def has_table(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> bool:
    """Whether a table or view of that name exists."""
    query = (
        "select count(*) from information_schema.tables where table_schema = ? and table_name = ?"
    )
    return connection.execute(query, [schema, name]).fetchall()[0][0] > 0


def landed_files(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """source, file, rows_read, note and skipped_reason of every file that was ever loaded or
    skipped, in that order."""
    if not has_table(connection, "raw", "files"):
        return pl.DataFrame()
    # a home of an older version has no such column before its first landing
    has_reasons = connection.execute(
        "select count(*) from duckdb_columns() where schema_name = 'raw' and table_name = 'files'"
        " and column_name = 'skipped_reason'"
    ).fetchall()[0][0]
    reason = "skipped_reason" if has_reasons else "null::varchar as skipped_reason"
    query = f"select source, file, rows_read, note, {reason} from raw.files order by load_id"
    return connection.sql(query).pl()


def delivered_sources(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Names of the sources of which a file was ever loaded, in no order."""
    if not has_table(connection, "raw", "files"):
        return []
    return [name for (name,) in connection.sql("select distinct source from raw.files").fetchall()]


def newest_event(connection: duckdb.DuckDBPyConnection, *, not_after: datetime) -> datetime | None:
    """The time of the newest event, UTC, once dbt has found the duplicates; None without events.

    A row that is no event's only one may be later than its event. Events after `not_after` are left
    out: those that landed while the clock was ahead.
    """
    if not has_table(connection, "main", "duplicate_rows"):
        return None
    query = (
        "select max(event_at) from main.candidate_events"
        " anti join main.duplicate_rows using (row_key)"
        " where drop_reason is null and event_at <= ?"
    )
    return connection.execute(query, [not_after]).fetchall()[0][0]


def log_end(
    connection: duckdb.DuckDBPyConnection, not_after: datetime = END_OF_TIME
) -> datetime | None:
    """The newest event that counts, of those up to an instant; None without any, or a build."""
    if not has_table(connection, "main", "ordered_events"):
        return None
    query = "select max(event_at) from main.ordered_events where event_at <= ?"
    return connection.execute(query, [not_after]).fetchall()[0][0]


def newest_scored_hour(
    connection: duckdb.DuckDBPyConnection, *, not_after: datetime
) -> datetime | None:
    """The newest hour that was scored and is not after `not_after`, UTC; None before the first."""
    query = f"select max(as_of) from scores.runs where {HAS_SCORED} and as_of <= ?"
    return connection.execute(query, [not_after]).fetchall()[0][0]


def row_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows of every table that dbt built, by name; views have none of their own."""
    query = "select table_name, estimated_size from duckdb_tables() where schema_name = 'main'"
    return dict(connection.execute(query).fetchall())


def unsettled_files(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Files of which rows read are not events, duplicates and dropped rows together."""
    rows = connection.execute(
        "select file from main.landed_files"
        " where rows_read <> rows_accepted + rows_duplicate + rows_dropped order by load_id"
    ).fetchall()
    return [name for (name,) in rows]
