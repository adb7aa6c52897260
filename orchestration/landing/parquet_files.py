"""Parquet dumps: typed columns become the text they would have in a CSV; times in ISO 8601, nested
values as JSON.

Belongs here: reading the rows of a Parquet file. Not here: the SQL that makes text of a typed
column (`parquet_texts`), or which files are refused (`parquet_refusals`).

A row group that cannot be read costs its own rows only, a row that is too long itself only. Line
numbers are row numbers from 1.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from glob import escape
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.ground.sql import literal
from orchestration.landing.csv_files import with_folders
from orchestration.landing.file_writer import (
    CHUNK_CHARACTERS,
    CHUNK_ROWS,
    CLIP_MARK,
    RAW_ROW_CHARACTERS,
    FileWriter,
    NotClean,
    insert_files,
    registered,
)
from orchestration.landing.json_rows import Places, row_of
from orchestration.landing.lines import MENDED_DETAILS, too_long
from orchestration.landing.parquet_texts import Texts, as_texts, renamed_fields, text_sql
from orchestration.landing.raw_tables import (
    WIDE_COLUMNS,
    declared_columns,
    positional,
    unlike,
)
from orchestration.landing.reasons import Reason

_BUFFER_BYTES = 1 << 20
_SHOWN_FIELDS = 5


class _NotParquet(Exception):  # noqa: N818  # noted in raw.unreadable_rows
    pass


def read_whole(
    writers: Sequence[FileWriter],
    paths: Sequence[Path],
    folders: Sequence[Mapping[str, str]],
    *,
    limit: int,
) -> None:
    """Load sound files through DuckDB's own reader, those with the same columns in one statement.

    Args:
        writers: One a file.
        paths: The files.
        folders: Of each file the columns that its folders give all its rows.
        limit: Bytes a row may have; a longer one is set aside.

    Raises:
        NotClean: Some of it cannot be read; what was written so far is to be rolled back.
    """
    alike: dict[tuple[object, ...], list[tuple[FileWriter, Path, int]]] = {}
    try:
        for writer, path, own_folders in zip(writers, paths, folders, strict=True):
            metadata = pq.read_metadata(path)
            schema = metadata.schema.to_arrow_schema()
            if len(schema.names) > WIDE_COLUMNS:
                raise NotClean
            _note_renamed(writer, schema)
            own_limit = limit if _may_exceed(metadata, limit) else None
            key = (
                own_limit,
                tuple(schema.names),
                tuple(own_folders.items()),
                *map(str, schema.types),
            )
            alike.setdefault(key, []).append((writer, path, metadata.num_rows))
        for (own_limit, names, own_folders, *_), files in alike.items():
            _insert_files(files, [*names], dict(own_folders), own_limit)
    except (
        OSError,
        pa.ArrowException,
        ValueError,
        duckdb.Error,
    ) as error:  # damage shows in many ways
        raise NotClean from error


def read_by_row_group(
    writer: FileWriter, path: Path, folders: Mapping[str, str], *, limit: int
) -> None:
    """Load what can be read of a damaged file; the rows of a row group that cannot are set aside
    one by one, texts that are not UTF-8 are mended. Arguments as ``read_whole``."""
    try:
        names = _names(path)
    except _NotParquet as error:
        writer.note(f"not readable as Parquet: {error}")
        writer.set_aside(
            1,
            Reason.UNREADABLE_FILE,
            f"the file as a whole is not readable as Parquet: {error}",
            None,
        )
        return
    # as nanoseconds, which they are kept in, they end with the year 2262
    file = pq.ParquetFile(path, buffer_size=_BUFFER_BYTES, coerce_int96_timestamp_unit="us")
    _note_renamed(writer, file.schema_arrow)
    first = 1
    for group in range(file.num_row_groups):
        count = file.metadata.row_group(group).num_rows
        try:
            for _ in _batches(file, group):  # of a damaged one not even the beginning is trusted
                pass
        except (OSError, pa.ArrowException) as error:
            detail = (
                f"row group {group + 1} of {file.num_row_groups} cannot be read: {_one_line(error)}"
            )
            writer.note(detail)
            for line in range(first, first + count):
                writer.set_aside(line, Reason.DAMAGED_ROWS, detail, None)
        else:
            at = first
            for rows in _batches(file, group):
                texts = as_texts(rows, has_commas=writer.source.has_commas)
                _insert_texts(writer, names, folders, at, texts, limit)
                at += rows.num_rows
        first += count


def _note_renamed(writer: FileWriter, schema: pa.Schema) -> None:
    if renamed := renamed_fields(schema):
        names = ", ".join(renamed[:_SHOWN_FIELDS])
        writer.note(f"nested fields that differ from another only in case got a number: {names}")


def _insert_texts(
    writer: FileWriter,
    names: list[str],
    folders: Mapping[str, str],
    first: int,
    texts: Texts,
    limit: int,
) -> None:
    """Load rows that are texts already, with their lines counted from the first one's."""
    for at, fault in texts.faults.items():
        writer.set_aside(first + at, Reason.DAMAGED_ROWS, fault, None)
    for at, row in texts.mended.items():
        detail = MENDED_DETAILS[Reason.NOT_UTF8]
        writer.repaired(first + at, Reason.NOT_UTF8, detail, row)
    if len(names) > WIDE_COLUMNS and writer.source.accepts(names):
        _add_wide(writer, names, folders, first, texts, limit)
        return
    with registered(writer.con, texts.rows) as relation:
        line = f"line + {first}"
        _insert(writer, names, folders, relation, line, [], texts.rows.num_rows, limit)


def _add_wide(
    writer: FileWriter,
    names: list[str],
    folders: Mapping[str, str],
    first: int,
    texts: Texts,
    limit: int,
) -> None:
    """Load rows of many columns, which are made in Python."""
    places = Places(writer.source, folders)
    writer.deliver(places.width, positional(places.width))
    keys = unlike(names)
    for row in texts.rows.to_pylist():
        line = first + row.pop("line")
        size = sum(len(text.encode()) for text in row.values() if text)
        if size > limit:
            writer.set_aside(line, *too_long(size, limit), None)
            continue
        delivered = dict(zip(keys, row.values(), strict=True))
        writer.add(line, row_of(delivered, places), size)


def _batches(file: pq.ParquetFile, group: int) -> Iterator[pa.Table]:
    """The rows of a row group, a batch at a time."""
    metadata = file.metadata.row_group(group)
    fitting = metadata.num_rows * CHUNK_CHARACTERS // max(_byte_size(metadata), 1)
    for batch in file.iter_batches(min(max(fitting, 1), CHUNK_ROWS), row_groups=[group]):
        yield pa.table(batch.columns, positional(batch.num_columns))


def _byte_size(group: pq.RowGroupMetaData) -> int:
    columns = (group.column(at) for at in range(group.num_columns))
    return sum(column.total_uncompressed_size for column in columns)


def _may_exceed(metadata: pq.FileMetaData, limit: int) -> bool:
    """Whether a row may be longer than that.

    A value takes as many bytes as it is long, once in its row group at least. But a list may hold
    the same value many times.
    """
    has_lists = any(
        metadata.schema.column(at).max_repetition_level for at in range(metadata.num_columns)
    )
    groups = (metadata.row_group(at) for at in range(metadata.num_row_groups))
    return has_lists or any(_byte_size(group) > limit for group in groups)


def _names(path: Path) -> list[str]:
    try:
        return pq.read_schema(path).names
    except (OSError, pa.ArrowException, ValueError) as error:  # a name that is not UTF-8, too
        raise _NotParquet(_one_line(error)) from error


def _positions(names: list[str]) -> str:
    return ", ".join(positional(len(names)))


def _insert_files(
    files: Sequence[tuple[FileWriter, Path, int]],
    own_names: list[str],
    folders: Mapping[str, str],
    limit: int | None,
) -> None:
    """Load files with the same columns, given with their numbers of rows; without a limit none of
    the rows is too long."""
    relation = f"read_parquet(?, hive_partitioning = false) as delivered({_positions(own_names)})"
    names, _ = with_folders(own_names, "", folders)
    writers, paths, counts = zip(*files, strict=True)
    plain = [escape(str(path)) for path in paths]
    source = writers[0].source
    has_own_number = "file_row_number" in (name.lower() for name in names)
    if not source.accepts(names) or has_own_number or writers[0].tombstones is not None:
        for writer, path, count in zip(writers, plain, counts, strict=True):
            line = "row_number() over ()"
            _insert(writer, own_names, folders, relation, line, [path], count, limit)
        return
    texts = _texts(writers[0], own_names, folders, relation, [plain])
    load_id = "(?::bigint[])[file_index::bigint + 1] as load_id"
    line = "file_row_number + 1"
    delivered = f"select {load_id}, {line} as line, {texts} from {relation}"
    parameters = [[each.load_id for each in writers], plain]
    with _in_any_order(writers[0].con):
        loaded = insert_files(
            writers[0],
            declared_columns(names, source),
            _within(delivered, names, limit),
            parameters,
        )
    if limit is not None and loaded < sum(counts):
        for writer, path in zip(writers, plain, strict=True):
            _set_long_aside(
                writer, names, f"{line} as line, {texts} from {relation}", [path], limit
            )
    for writer, count in zip(writers, counts, strict=True):
        writer.rows_loaded += count - writer.rows_unreadable
    if loaded != sum(writer.rows_loaded for writer in writers):
        raise NotClean


def _insert(
    writer: FileWriter,
    own_names: list[str],
    folders: Mapping[str, str],
    relation: str,
    line: str,
    parameters: list[str],
    count: int,
    limit: int | None,
) -> None:
    """Load one file, or a part of it, of so many rows."""
    texts = _texts(writer, own_names, folders, relation, parameters)
    names, _ = with_folders(own_names, "", folders)
    delivered = f"{line} as line, {texts} from {relation}"
    source = writer.source
    if not source.accepts(names):
        detail = source.refusal(names)
        writer.note(detail)
        _set_aside(
            writer,
            names,
            delivered,
            parameters,
            f"{literal(Reason.UNKNOWN_COLUMNS)}, {literal(detail)}",
        )
        return
    within = _within(f"select {delivered}", names, limit)
    loaded = writer.insert("line", declared_columns(names, source), within, parameters)
    if limit is not None and loaded < count:
        loaded += _set_long_aside(writer, names, delivered, parameters, limit)
    if loaded != count:
        raise NotClean


def _within(rows: str, names: list[str], limit: int | None) -> str:
    """SQL for those of the rows of texts that are not too long."""
    return f"({rows})" if limit is None else f"(from ({rows}) where {_length(names)} <= {limit})"


def _length(names: list[str]) -> str:
    """SQL for the bytes of a row of texts."""
    return " + ".join(f"coalesce(strlen({column}), 0)" for column in positional(len(names)))


def _set_long_aside(
    writer: FileWriter, names: list[str], delivered: str, parameters: list[str], limit: int
) -> int:
    """Set aside the rows that are too long; how many."""
    length = _length(names)
    reason, detail = too_long("{}", limit)
    why = f"{literal(reason)}, format({literal(detail)}, {length})"
    return _set_aside(writer, names, delivered, parameters, why, f"where {length} > {limit}")


def _set_aside(
    writer: FileWriter,
    names: list[str],
    delivered: str,
    parameters: list[str],
    why: str,
    where: str = "",
) -> int:
    """Set rows of texts aside; how many.

    Args:
        writer: Their file's.
        names: Their columns.
        delivered: SQL for the rows, with ``line``, after ``select``.
        parameters: Values for the question marks in it.
        why: SQL for reason and detail.
        where: SQL for which of them.
    """
    kept = RAW_ROW_CHARACTERS
    # each text is cut before it becomes a part of the whole, which would be as long as all of them
    texts = ", ".join(f"{each}: left({each}, {kept + 1})" for each in positional(len(names)))
    rows = (
        f"select line, {why}, if(length(raw_row) > {kept}, left(raw_row, {kept}) ||"
        f" {literal(CLIP_MARK)}, raw_row) from (select *, to_json({{{texts}}})::varchar as raw_row"
        f" from (select {delivered}) {where})"
    )
    if writer.tombstones is not None or writer.source.is_private:
        found = writer.con.execute(rows, parameters).fetchall()
        for row in found:
            writer.set_aside(*row)
        return len(found)
    ((count,),) = writer.con.execute(
        f"insert into raw.unreadable_rows select {writer.load_id}, * from ({rows})", parameters
    ).fetchall()
    writer.rows_unreadable += count
    return count


def _texts(
    writer: FileWriter,
    own_names: list[str],
    folders: Mapping[str, str],
    relation: str,
    parameters: Sequence[object],
) -> str:
    """SQL for all columns of a relation, and those that folders give, as text."""
    described = writer.con.execute(
        f"describe select {_positions(own_names)} from {relation}", parameters
    ).fetchall()
    names, _ = with_folders(own_names, "", folders)
    added = [folders[name] for name in names[len(own_names) :]]
    return ", ".join(
        [
            f"{text_sql(column, kind, has_commas=writer.source.has_commas)} as {column}"
            for column, kind, *_ in described
        ]
        + [f"{literal(value)} as d{at}" for at, value in enumerate(added, start=len(own_names))]
    )


@contextmanager
def _in_any_order(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Rows know their lines: DuckDB may write what it has read first, and need not sort threads.

    After a failure nothing can be set before the rollback, which is the caller's to do and to
    follow by a reset.
    """
    con.execute("set preserve_insertion_order = false")
    yield
    con.execute("reset preserve_insertion_order")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
