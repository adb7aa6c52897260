"""The one way by which the rows of a file get into the schema ``raw``.

Belongs here: a writer for one file, and writing several of them in one statement. Not here: DDL
(``raw_tables``), how records are read (the readers), or when a transaction begins and ends
(``load``).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain

import duckdb
import pyarrow as pa

from orchestration.ground.sql import quoted
from orchestration.landing.kinds import Skip
from orchestration.landing.raw_tables import positional, raw_table
from orchestration.landing.reasons import Reason
from orchestration.landing.sources import Source
from orchestration.landing.tombstones import DETAIL, Tombstones

CHUNK_ROWS = 50_000
CHUNK_CHARACTERS = 64 << 20
RAW_ROW_CHARACTERS = 64 << 10
CLIP_MARK = "... [clipped]"
PRIVATE_DETAIL = "what such a row says is shown nowhere"

_ASIDE_SCHEMA = pa.schema(
    [
        ("load_id", pa.int64()),
        ("line", pa.int64()),
        ("reason", pa.large_string()),
        ("detail", pa.large_string()),
        ("raw_row", pa.large_string()),
    ]
)

SetAside = tuple[int, str, str, str | None]
"""Line, reason, detail and text of a row that was set aside or mended."""


class NotClean(Exception):  # noqa: N818  # no error: another way of reading is to be taken
    """This way of reading cannot vouch for the file; what it wrote is to be rolled back."""


class FileWriter:
    """Rows of one file on their way into the warehouse, in chunks; ``finish`` writes what is left.

    Args:
        con: The connection, in the transaction that holds the file.
        source: Whose table the rows go to.
        load_id: The file's load number.
        tombstones: Whom to leave out, if anybody.
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        source: Source,
        load_id: int,
        tombstones: Tombstones | None = None,
    ) -> None:
        """Begin with nothing written."""
        self.con = con
        self.source = source
        self.load_id = load_id
        self.tombstones = tombstones
        self.rows_loaded = 0
        self.rows_unreadable = 0
        self.rows_repaired = 0
        self.notes: list[str] = []
        self.skipped_reason: str | None = None
        self.delimiter: str | None = None
        self._select: list[str] = []
        self._width = 0
        self._lines: list[int] = []
        # Row after row in one list: a container a row would be work for the garbage collector.
        self._texts: list[str | None] = []
        self._tables: list[pa.Table] = []
        self._rows_of_tables = 0
        self._characters = 0
        self._unreadable: list[SetAside] = []
        self._repaired: list[SetAside] = []

    @property
    def rows_read(self) -> int:
        """Every row of the file seen so far: loaded or unreadable."""
        return self.rows_loaded + self.rows_unreadable

    @property
    def rows_held(self) -> int:
        """Rows, loaded or unreadable, that are still to be written."""
        return self._loadable_held + len(self._unreadable)

    @property
    def _loadable_held(self) -> int:
        return len(self._lines) + self._rows_of_tables

    @property
    def characters_held(self) -> int:
        """About the length of what is still to be written."""
        return self._characters

    def deliver(self, width: int, select: Sequence[str]) -> None:
        """Say what ``add`` will bring: rows of so many texts, and the SQL that makes a row of the
        table of them."""
        self._width, self._select = width, list(select)

    def add(self, line: int, values: Sequence[str | None], characters: int) -> None:
        """Take one row; ``characters`` is about its length."""
        self._lines.append(line)
        self._texts.extend(values)
        self._characters += characters
        # a call a row would cost what the rest of this costs
        if len(self._lines) >= CHUNK_ROWS or self._characters >= CHUNK_CHARACTERS:
            self.finish()

    def add_columns(
        self, lines: Sequence[int], columns: Sequence[pa.Array], characters: int
    ) -> None:
        """Take many rows, as columns of ``large_string``, with the line of each.

        They are written behind those of ``add``, wherever these stand in the file.
        """
        names = ["load_id", "line", *positional(len(columns))]
        load_ids = pa.repeat(pa.scalar(self.load_id, pa.int64()), len(lines))
        numbers = pa.array(lines, pa.int64())
        self._tables.append(pa.Table.from_arrays([load_ids, numbers, *columns], names=names))
        self._rows_of_tables += len(lines)
        self._characters += characters
        if self._rows_of_tables >= CHUNK_ROWS or self._characters >= CHUNK_CHARACTERS:
            self.finish()

    def set_aside(self, line: int, reason: str, detail: str, raw_row: str | None) -> None:
        """Keep a row that cannot be read as a record; `reason` is one of `Reason`."""
        reason = Reason(reason)
        self.rows_unreadable += 1
        raw_row = _clipped(raw_row)
        if self.source.is_private:
            detail, raw_row = PRIVATE_DETAIL, None
        if self._names_erased(raw_row) or self._names_erased(detail):
            reason, detail, raw_row = Reason.ERASED, DETAIL, None
        self._unreadable.append((line, reason, detail, raw_row))
        self._characters += len(raw_row or "")
        if len(self._unreadable) >= CHUNK_ROWS or self._characters >= CHUNK_CHARACTERS:
            self.finish()

    def repaired(self, line: int, reason: str, detail: str, raw_row: str) -> None:
        """Keep what a row looked like that had to be mended; the row itself goes to ``add`` next.

        Held until its row is written: if that names somebody erased, this goes too.
        """
        reason = Reason(reason)
        self.rows_repaired += 1
        is_private = self.source.is_private
        detail = PRIVATE_DETAIL if is_private else detail
        kept = None if is_private or self._names_erased(raw_row) else _clipped(raw_row)
        self._repaired.append((line, reason, detail, kept))
        self._characters += len(kept or "")

    def skip(self, skip: Skip) -> None:
        """Say that no row of the file is read, and why."""
        self.skipped_reason = skip.reason
        self.note(skip.note)

    def note(self, text: str) -> None:
        """Say once what is odd about the file; of private ones not what a reader met in it."""
        if self.source.is_private:
            text = text.split(": ")[0]
        if self._names_erased(text):
            text = DETAIL
        if text not in self.notes:
            self.notes.append(text)

    def insert(
        self, line: str, select: Sequence[str], relation: str, parameters: Sequence[object] = ()
    ) -> int:
        """Insert a whole relation by SQL, but for the rows that name somebody erased.

        Args:
            line: SQL for the row's line.
            select: SQL for the declared columns and ``_extra``.
            relation: What to select from.
            parameters: Values for the question marks in ``relation``.

        Returns:
            Number of rows of the relation.
        """
        names = [quoted(name) for name in ("_line", *self.source.column_names, "_extra")]
        values = [f"{value} as {name}" for value, name in zip((line, *select), names, strict=True)]
        rows = f"select {', '.join(values)} from {relation}"
        erased = self._leave_out_erased(rows, parameters)
        if erased:
            # the inner query numbers the lines, so it must see all of them
            rows = f"select * from ({rows}) where _line not in (select unnest(?))"
            parameters = [*parameters, erased]
        ((count,),) = self.con.execute(
            f"insert into {raw_table(self.source)} (_load_id, {', '.join(names)}) "
            f"select {self.load_id}, * from ({rows})",
            list(parameters),
        ).fetchall()
        self.rows_loaded += count
        return count + len(erased)

    def finish(self) -> None:
        """Write all that is still held."""
        finish_together([self])

    def _leave_out_erased(self, rows: str, parameters: Sequence[object]) -> list[int]:
        """Set aside the rows of a query that name somebody erased, without what they say; their
        lines."""
        if self.tombstones is None:
            return []
        lines: list[int] = []
        # mostly there is none, and no profile to look up
        for is_back in (False, True):
            condition = self.tombstones.condition(self.source, is_back=is_back)
            query = f"select _line from ({rows}) where {condition}"
            lines = [line for (line,) in self.con.execute(query, list(parameters)).fetchall()]
            if not lines:
                break
        self.con.execute(
            "insert into raw.unreadable_rows select ?, unnest(?::bigint[]), ?, ?, null",
            [self.load_id, lines, Reason.ERASED, DETAIL],
        )
        self.rows_unreadable += len(lines)
        gone = set(lines)
        kept = [row for row in self._repaired if row[0] not in gone]
        self.rows_repaired -= len(self._repaired) - len(kept)
        self._repaired = kept
        return lines

    def _names_erased(self, text: str | None) -> bool:
        return bool(self.tombstones and text and self.tombstones.names(text))


def finish_together(writers: Sequence[FileWriter]) -> None:
    """Write all that the writers of several files still hold, what is alike in one statement."""
    alike: dict[tuple[object, ...], list[FileWriter]] = {}
    for writer in writers:
        if writer._loadable_held:
            # whom to leave out is looked up file by file
            alone = writer.load_id if writer.tombstones is not None else None
            key = (alone, writer._width, *writer._select)
            alike.setdefault(key, []).append(writer)
    for group in alike.values():
        _insert_held(group)
    for table, rows in (
        ("unreadable_rows", [(each.load_id, *row) for each in writers for row in each._unreadable]),
        ("repaired_rows", [(each.load_id, *row) for each in writers for row in each._repaired]),
    ):
        if rows:
            insert_rows(writers[0].con, f"insert into raw.{table}", rows, _ASIDE_SCHEMA)
    for writer in writers:
        for held in (
            *(writer._lines, writer._texts, writer._tables),
            *(writer._unreadable, writer._repaired),
        ):
            held.clear()
        writer._rows_of_tables = writer._characters = 0


def insert_files(
    writer: FileWriter, select: Sequence[str], relation: str, parameters: Sequence[object] = ()
) -> int:
    """Insert the rows of several files at once.

    Args:
        writer: That of one of them; nobody was erased.
        select: SQL for the declared columns and ``_extra``.
        relation: What to select from, with ``load_id`` and ``line``.
        parameters: Values for the question marks in ``relation``.

    Returns:
        Number of rows; to be added to ``rows_loaded`` of their writers.
    """
    names = ", ".join(quoted(name) for name in (*writer.source.column_names, "_extra"))
    ((count,),) = writer.con.execute(
        f"insert into {raw_table(writer.source)} (_load_id, _line, {names}) "
        f"select load_id, line, {', '.join(select)} from {relation}",
        list(parameters),
    ).fetchall()
    return count


def insert_rows(
    con: duckdb.DuckDBPyConnection,
    insert: str,
    rows: Sequence[Sequence[object]],
    schema: pa.Schema | None = None,
) -> None:
    """Insert rows of Python values in one statement; ``insert`` is that up to what is inserted."""
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        chunk = pa.table(columns, schema or positional(len(columns)))
        with registered(con, chunk) as relation:
            con.execute(f"{insert} select * from {relation}")


def _insert_held(writers: Sequence[FileWriter]) -> None:
    """Insert the rows that writers hold, of the same columns."""
    first = writers[0]
    counts = [each._loadable_held for each in writers]
    tables = [table for each in writers for table in each._tables]
    chunk = pa.concat_tables([*_held_texts(writers), *tables])
    with registered(first.con, chunk) as relation:
        if first.tombstones is None:
            insert_files(first, first._select, relation)
            for writer, count in zip(writers, counts, strict=True):
                writer.rows_loaded += count
        else:
            first.insert("line", first._select, relation)


def _held_texts(writers: Sequence[FileWriter]) -> Iterator[pa.Table]:
    """The rows that came one by one, of all writers in one table; none where there are none."""
    first, width = writers[0], writers[0]._width
    lines = [line for each in writers for line in each._lines]
    if not lines:
        return
    load_ids = [each.load_id for each in writers for _ in each._lines]
    texts = first._texts if len(writers) == 1 else [*chain.from_iterable(e._texts for e in writers)]
    yield pa.Table.from_arrays(
        [
            pa.array(load_ids, pa.int64()),
            pa.array(lines, pa.int64()),
            *(_text_array(texts[at::width]) for at in range(width)),
        ],
        names=["load_id", "line", *positional(width)],
    )


def _text_array(column: list[str | None]) -> pa.Array:
    if column.count(None) == len(column):
        return pa.nulls(len(column), pa.large_string())
    return pa.array(column, pa.large_string())


@contextmanager
def registered(con: duckdb.DuckDBPyConnection, chunk: pa.Table) -> Iterator[str]:
    """A name under which SQL sees the chunk, as long as the context lasts."""
    seen = _Seen(chunk)
    con.register("landing_chunk", seen)
    try:
        yield "landing_chunk"
    finally:
        seen.chunk = None
        with suppress(duckdb.TransactionException):  # a statement failed: the rollback forgets it
            con.unregister("landing_chunk")


@dataclass
class _Seen:
    """What SQL sees a chunk through: until the transaction ends DuckDB holds on to this, and must
    not to the rows of all chunks."""

    chunk: pa.Table | None

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.chunk.__arrow_c_stream__(requested_schema)


def _clipped(raw_row: str | None) -> str | None:
    if raw_row is None or len(raw_row) <= RAW_ROW_CHARACTERS:
        return raw_row
    return raw_row[:RAW_ROW_CHARACTERS] + CLIP_MARK
