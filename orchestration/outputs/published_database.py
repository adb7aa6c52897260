"""The database that analysts open, replaced whole.

Belongs here: making the next file beside the one that is seen, and the rename that makes it the one
that is seen. An open reader keeps the file it has; the next one to open sees the new. Not here:
what is in the tables.

The next file follows the last one: a copy in which the rows of what changed are replaced, and of
small tables all; without one that can be trusted every table is copied. dbt notes the visitors that
it rebuilt (macros/incremental/build.sql); what other tables lack, the file itself shows.
"""

import logging
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.ground.errors import ComebackError
from orchestration.ground.files import (
    crc32_of,
    move_into_place,
    remove_unfinished,
    replace_file,
    unfinished_path,
)
from orchestration.ground.hours import END_OF_TIME
from orchestration.ground.sql import literal, transaction
from orchestration.outputs import kept_page
from orchestration.outputs.changed_rows import CHANGED_ROWS
from orchestration.outputs.report.page import page
from orchestration.warehouse import late_data
from orchestration.warehouse.database import attached
from orchestration.warehouse.made_steps import content
from orchestration.warehouse.score_tables import (
    CART_SCORES,
    DBT_TABLES,
    HAS_SCORED,
    LATE_DATA_REPORT,
    PUBLISHED_FILE,
    RUNS,
    SCORE_TABLES,
    UNPUBLISHED_OUTCOMES,
    WITHDRAWN_PRIORITIES,
)
from orchestration.warehouse.segment_tables import (
    IS_OPEN,
    MEMBERSHIPS,
    MEMBERSHIPS_DESCRIPTION,
    SEGMENT_HISTORY,
)

logger = logging.getLogger(__name__)

# The oldest storage version whose clients (DuckDB 1.5 and later) read what is in the tables.
STORAGE_VERSION = "v1.5.0"

NO_REPORT = "The report could not be made, the tables are published without it: %s."
_SHOWN_CHARACTERS = 300
_UNREADABLE = "the last file cannot be read"
FROM_SCRATCH = "Every table is published from scratch: %s."

PRIORITIES_DESCRIPTION = (
    "The newest scored hour of cart_scores, best first. One row per cart scored at that hour; those"
    " of people held out (is_holdout) and of bots (is_suspected_bot) are never contacted."
)


@dataclass(frozen=True)
class _LastFile:
    """The file that was published last: size and time of its bytes, and their checksum if taken."""

    stamp: tuple[int, int]
    checksum: int | None


@dataclass(frozen=True)
class _Table:
    """A table to publish.

    Attributes:
        name: its name in the file.
        query: all its rows, out of the warehouse.
        order: columns its rows are written in the order of.
        key: the columns by which rows are replaced, a key of `CHANGED_ROWS`; None: a small table,
            which is replaced whole where any of its rows is another one.
        description: what it says.
        columns: what each column says, in order.
        uncompressed: as that of `Table`.
    """

    name: str
    query: str
    order: Sequence[str]
    key: str | None
    description: str
    columns: dict[str, str]
    uncompressed: Sequence[str] = ()

    @property
    def target(self) -> str:
        """The table in the file."""
        return f"published.main.{self.name}"

    @property
    def ordering(self) -> str:
        """The order as SQL."""
        return f"order by {', '.join(self.order)}"


def publish(
    connection: duckdb.DuckDBPyConnection,
    target: Path,
    *,
    not_after: datetime = END_OF_TIME,
    report: Path | None = None,
    exports: Path | None = None,
) -> dict[str, int]:
    """Write the published tables of the warehouse to `target`, atomically.

    The report is replaced just before: killed in between, all is done again, as the run is lacking.

    Args:
        connection: the open warehouse, with the dbt tables in `main` and the others in `scores`.
        target: the file to replace; it is left as it is when anything fails.
        not_after: a later hour was scored while the clock was ahead, and is not the newest.
        report, exports: the page to replace with it, and the exports it is about too; None: none.

    Returns:
        Rows of each published table.

    Raises:
        ComebackError: a table or column to publish has no description.
    """
    temporary = unfinished_path(target)
    tables = _tables(connection, not_after)
    reason, changed = _follow(connection, tables, target, temporary)
    if reason is not None:
        is_first = not target.exists() and _remembered(connection) is None
        logger.log(logging.DEBUG if is_first else logging.INFO, FROM_SCRATCH, reason)
        remove_unfinished(target)
        with attached(connection, temporary, f"(storage_version '{STORAGE_VERSION}')"):
            for table in tables:
                _write(connection, table)
            connection.execute("checkpoint published")
    with attached(connection, temporary, "(read_only)"):
        rows = {
            table.name: connection.execute(f"select count(*) from {table.target}").fetchall()[0][0]
            for table in tables
        }
    of_page = (connection, report, exports, not_after)
    # to take the checksum keeps one core busy, to make the report the other
    with ThreadPoolExecutor(1) as beside:
        checksum = beside.submit(crc32_of, temporary)
        is_other = reason is not None or changed != {RUNS.name}
        if report is not None and (is_other or not kept_page.is_as_before(*of_page)):
            _replace_report(temporary, report, not_after, exports)
    move_into_place(temporary, target)
    _remember(connection, target, checksum.result())
    if report is not None:
        kept_page.remember(*of_page)
    return rows


def _replace_report(file: Path, report: Path, not_after: datetime, exports: Path | None) -> None:
    """Make the page about a file; if that fails no page is better than an old one, or no data."""
    try:
        content = page(file, not_after=not_after, exports=exports, last=report)
    except Exception as error:
        report.unlink(missing_ok=True)
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:_SHOWN_CHARACTERS]
        logger.warning(NO_REPORT, reason, exc_info=logger.isEnabledFor(logging.DEBUG))
    else:
        replace_file(report, content)


def forget_last(connection: duckdb.DuckDBPyConnection) -> None:
    """Let the next publication take over nothing of the last file, not a byte."""
    connection.execute(f"delete from scores.{PUBLISHED_FILE.name}")
    connection.execute(f"delete from scores.{UNPUBLISHED_OUTCOMES.name}")


def headline_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """What the shop as a whole did: sessions, carts and the share of them that was abandoned."""
    sessions, carts, abandoned = connection.execute(
        "select sum(session_count), sum(cart_count), sum(abandoned_cart_count)"
        " from main.daily_funnel"
    ).fetchall()[0]
    return {
        "sessions": int(sessions or 0),
        "carts": int(carts or 0),
        "abandonment_rate": round(abandoned / carts, 4) if carts else 0.0,
    }


def _tables(connection: duckdb.DuckDBPyConnection, not_after: datetime) -> list[_Table]:
    """Every table to publish, in the order in which they are written."""
    tables, said = [], _dbt_descriptions(connection)
    for name, built in DBT_TABLES.items():
        query = f"select * from main.{name}"
        description, columns = said[name]
        if name == LATE_DATA_REPORT:
            query = late_data.REPORT
            withdrawn = WITHDRAWN_PRIORITIES.column(late_data.WITHDRAWN_COUNT)
            columns[withdrawn.name] = withdrawn.description
        made = _Table(name, query, built.order, built.key, description, columns, built.uncompressed)
        tables.append(made)
    for table in SCORE_TABLES:
        query = f"select {', '.join(table.column_names)} from scores.{table.name}"
        columns = {column.name: column.description for column in table.columns}
        tables.append(_Table(table.name, query, table.order, table.key, table.description, columns))
        if table is CART_SCORES:
            priorities = _Table(
                name="retargeting_priorities",
                query=f"{query} where scored_at = (select max(as_of) from scores.runs"
                f" where {HAS_SCORED} and as_of <= timestamp '{not_after}')",
                order=("priority_rank",),
                key=None,
                description=PRIORITIES_DESCRIPTION,
                columns=columns,
            )
            tables.append(priorities)
        if table is SEGMENT_HISTORY:
            tables.append(_memberships(columns))
    return tables


def _memberships(columns: dict[str, str]) -> _Table:
    """Who is in which segment now: the stays of the history that go on."""
    names = [name for name in columns if not name.startswith("left_")]
    return _Table(
        name=MEMBERSHIPS,
        query=f"select {', '.join(names)} from scores.{SEGMENT_HISTORY.name} where {IS_OPEN}",
        order=("segment", "person_id"),
        key=None,
        description=MEMBERSHIPS_DESCRIPTION,
        columns={name: columns[name] for name in names},
    )


def _follow(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[_Table], target: Path, temporary: Path
) -> tuple[str | None, set[str]]:
    """Make the next file out of the last one, and name the tables that changed; or say why that
    cannot be."""
    reason = _doubt_about_last(connection, target)
    if reason is not None:
        return reason, set()
    shutil.copyfile(target, temporary)
    # most blocks are taken over unread, so DuckDB would not find damage in them
    if crc32_of(temporary) != _remembered(connection).checksum:
        return f"{_UNREADABLE} as it was written: its bytes changed by themselves", set()
    try:
        with attached(connection, temporary):
            reason = _misfit(connection, tables)
            return reason, set() if reason else _replace_changed(connection, tables)
    except duckdb.Error as error:  # damage shows as errors of any class
        return f"{_UNREADABLE} ({str(error).splitlines()[0]})", set()


def _doubt_about_last(connection: duckdb.DuckDBPyConnection, target: Path) -> str | None:
    """Why the file that is there may hold anything else than what was published last."""
    last = _remembered(connection)
    if last is None:
        return "there is no last file to follow"
    if not target.exists() or last.stamp != _stamp(target):
        return "the file is not the one that was published last"
    ((is_rebuilt,),) = connection.execute(
        "select count(*) from main.unpublished_visitors where visitor_id is null"
    ).fetchall()
    return "all rows were rebuilt" if is_rebuilt else None


def _misfit(connection: duckdb.DuckDBPyConnection, tables: Sequence[_Table]) -> str | None:
    """Why the attached copy of the last file is not fit to be the next one."""
    ((storage,),) = connection.execute(
        "select tags['storage_version'] from duckdb_databases() where database_name = 'published'"
    ).fetchall()
    if storage.rstrip("+") != STORAGE_VERSION:
        return f"the last file has storage version {storage}"
    if _published_forms(connection) != {table.name: _form(connection, table) for table in tables}:
        return "other tables, columns or descriptions are published now"
    ((is_hollow,),) = connection.execute(
        "select free_blocks > used_blocks from pragma_database_size()"
        " where database_name = 'published'"
    ).fetchall()
    return "most of the last file is free space" if is_hollow else None


def _replace_changed(connection: duckdb.DuckDBPyConnection, tables: Sequence[_Table]) -> set[str]:
    """Replace rows by the warehouse's; the names of the tables that have others now."""
    names = set()
    for number, query in enumerate(CHANGED_ROWS.values()):
        connection.execute(f"create or replace temp table changed_{number} as {query}")
    with transaction(connection):
        for table in tables:
            if table.key is None:
                if content(connection, table.query) != content(connection, f"from {table.target}"):
                    _write(connection, table)
                    names.add(table.name)
                continue
            changed = f"changed_{list(CHANGED_ROWS).index(table.key)}"
            is_changed = f"({table.key}) in (select {table.key} from {changed})"
            statements = (
                f"delete from {table.target} where {is_changed}",
                f"insert into {table.target} select * from ({table.query})"
                f" where {is_changed} {table.ordering}",
            )
            if sum(connection.execute(each).fetchall()[0][0] for each in statements):
                names.add(table.name)
    connection.execute("checkpoint published")
    return names


def _write(connection: duckdb.DuckDBPyConnection, table: _Table) -> None:
    """The whole table with its descriptions, in the place of the one that may be there."""
    relation = connection.sql(table.query)
    typed = (
        f'"{name}" {kind}' + " using compression uncompressed" * (name in table.uncompressed)
        for name, kind in zip(relation.columns, relation.types, strict=True)
    )
    connection.execute(f"create or replace table {table.target} ({', '.join(typed)})")
    connection.execute(f"insert into {table.target} select * from ({table.query}) {table.ordering}")
    connection.execute(f"comment on table {table.target} is {literal(table.description)}")
    for column, text in table.columns.items():
        connection.execute(f"comment on column {table.target}.{column} is {literal(text)}")


_Form = tuple[str, list[tuple[str, str, str]]]


def _form(connection: duckdb.DuckDBPyConnection, table: _Table) -> _Form:
    """What a table looks like without its rows: its description; its columns with theirs."""
    relation = connection.sql(table.query)
    columns = zip(relation.columns, map(str, relation.types), table.columns.values(), strict=True)
    return table.description, list(columns)


def _published_forms(connection: duckdb.DuckDBPyConnection) -> dict[str, _Form]:
    """The same of each table that is in the attached file, by name."""
    rows = connection.execute(
        "select duckdb_tables.table_name, duckdb_tables.comment,"
        " list((column_name, data_type, duckdb_columns.comment) order by column_index)"
        " from duckdb_tables() inner join duckdb_columns() using (database_name, table_oid)"
        " where database_name = 'published' group by all"
    ).fetchall()
    return {name: (description, columns) for name, description, columns in rows}


def _remember(connection: duckdb.DuckDBPyConnection, target: Path, checksum: int) -> None:
    """Note that the file is complete; killed before that, the next one is made from scratch."""
    with transaction(connection):
        connection.execute(f"delete from scores.{PUBLISHED_FILE.name}")
        connection.execute(
            f"insert into scores.{PUBLISHED_FILE.name} by name"
            " select ? as bytes, ? as modified_ns, ? as checksum",
            [*_stamp(target), checksum],
        )
        connection.execute("delete from main.unpublished_visitors")
        connection.execute(f"delete from scores.{UNPUBLISHED_OUTCOMES.name}")


def _remembered(connection: duckdb.DuckDBPyConnection) -> _LastFile | None:
    """What is known of the file that was published last; None where there is none to follow."""
    query = f"select bytes, modified_ns, checksum from scores.{PUBLISHED_FILE.name}"
    for byte_size, modified_ns, checksum in connection.execute(query).fetchall():
        return _LastFile((byte_size, modified_ns), checksum)
    return None


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _dbt_descriptions(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, dict]]:
    """Of each table to publish what dbt left as comments on it and on its columns, in order."""
    scope = "database_name = current_database() and schema_name = 'main'"
    query = f"select table_name, comment from duckdb_tables() where {scope}"
    said = {name: (comment, {}) for name, comment in connection.execute(query).fetchall()}
    query = f"select table_name, column_name, comment from duckdb_columns() where {scope}"
    for name, *column in connection.execute(f"{query} order by column_index").fetchall():
        said.setdefault(name, ("", {}))[1].update([column])
    for name in DBT_TABLES:
        description, columns = said.get(name, ("", {}))
        silent = [column for column, comment in columns.items() if not comment]
        if not description or silent:
            raise ComebackError(
                f"the table {name} is not fully described",
                f"columns without a description: {', '.join(silent) or 'none'}",
                "describe table and columns in its yml under dbt_project/models",
            )
    return said
