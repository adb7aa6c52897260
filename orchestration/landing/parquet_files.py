"""Parquet dumps: typed columns become the text they would have in a CSV; times in ISO 8601, nested
values as JSON.

A row group that cannot be read costs its own rows only. Line numbers are row numbers from 1.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from glob import escape
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.landing.tables import (
    FileWriter,
    NotClean,
    declared_columns,
    insert_files,
    literal,
    positional,
    registered,
)

_WHOLE = 1 << 53


class _NotParquet(Exception):  # noqa: N818  # told in raw.unreadable_rows
    pass


def read_whole(writers: Sequence[FileWriter], paths: Sequence[Path]) -> None:
    """Load sound files through DuckDB's own reader, those with the same columns in one statement.

    Args:
        writers: One a file.
        paths: The files.

    Raises:
        NotClean: Some of it cannot be read; what was written so far is to be rolled back.
    """
    alike: dict[tuple[object, ...], list[int]] = {}
    try:
        for at, path in enumerate(paths):
            schema = pq.read_schema(path)
            key = tuple(zip(schema.names, map(str, schema.types), strict=True))
            alike.setdefault(key, []).append(at)
        for columns, places in alike.items():
            names = [name for name, _ in columns]
            _insert_files([writers[at] for at in places], [paths[at] for at in places], names)
    except (OSError, pa.ArrowException, duckdb.Error) as error:  # damage shows in many ways
        raise NotClean from error


def read_by_row_group(writer: FileWriter, path: Path) -> None:
    """Load what can be read of a damaged file; the rows of a row group that cannot are set aside
    one by one."""
    try:
        names = _names(path)
    except _NotParquet as error:
        writer.note(f"not readable as Parquet: {error}")
        writer.set_aside(
            1, "unreadable_file", f"the file as a whole is not readable as Parquet: {error}", None
        )
        return
    file = pq.ParquetFile(path)
    first = 1
    for group in range(file.num_row_groups):
        count = file.metadata.row_group(group).num_rows
        try:
            rows = file.read_row_group(group)
        except (OSError, pa.ArrowException) as error:
            detail = (
                f"row group {group + 1} of {file.num_row_groups} cannot be read: {_one_line(error)}"
            )
            writer.note(detail)
            for line in range(first, first + count):
                writer.set_aside(line, "damaged_rows", detail, None)
        else:
            with registered(writer.con, rows.rename_columns(positional(len(names)))) as relation:
                _insert(writer, names, relation, f"row_number() over () + {first - 1}", [])
        first += count


def _names(path: Path) -> list[str]:
    try:
        return pq.read_schema(path).names
    except (OSError, pa.ArrowException) as error:
        raise _NotParquet(_one_line(error)) from error


def _positions(names: list[str]) -> str:
    return ", ".join(positional(len(names)))


def _insert_files(writers: Sequence[FileWriter], paths: Sequence[Path], names: list[str]) -> None:
    """Load files with the same columns."""
    relation = f"read_parquet(?, hive_partitioning = false) as delivered({_positions(names)})"
    plain = [escape(str(path)) for path in paths]
    source = writers[0].source
    has_own_number = "file_row_number" in (name.lower() for name in names)
    if not source.accepts(names) or has_own_number or writers[0].tombstones is not None:
        for writer, path in zip(writers, plain, strict=True):
            _insert(writer, names, relation, "row_number() over ()", [path])
        return
    texts = _texts(writers[0], names, relation, [plain])
    load_id = "(?::bigint[])[file_index::bigint + 1] as load_id"
    delivered = f"(select {load_id}, file_row_number + 1 as line, {texts} from {relation})"
    parameters = [[each.load_id for each in writers], plain]
    counts = [pq.read_metadata(path).num_rows for path in paths]
    with _in_any_order(writers[0].con):
        insert_files(writers, counts, declared_columns(names, source), delivered, parameters)


def _insert(
    writer: FileWriter, names: list[str], relation: str, line: str, parameters: list[str]
) -> None:
    texts = _texts(writer, names, relation, parameters)
    source = writer.source
    if source.accepts(names):
        delivered = f"(select {line} as line, {texts} from {relation})"
        writer.insert("line", declared_columns(names, source), delivered, parameters)
        return
    detail = source.refusal(names)
    writer.note(detail)
    if writer.tombstones is not None:
        rows = writer.con.execute(
            f"select {line}, to_json(row)::varchar from (select {texts} from {relation}) as row",
            parameters,
        ).fetchall()
        for number, text in rows:
            writer.set_aside(number, "unknown_columns", detail, text)
        return
    ((count,),) = writer.con.execute(
        f"insert into raw.unreadable_rows "
        f"select {writer.load_id}, {line}, 'unknown_columns', {literal(detail)}, "
        f"to_json(row)::varchar from (select {texts} from {relation}) as row",
        parameters,
    ).fetchall()
    writer.rows_unreadable += count


def _texts(
    writer: FileWriter, names: list[str], relation: str, parameters: Sequence[object]
) -> str:
    """SQL for all columns of a relation as text."""
    described = writer.con.execute(
        f"describe select {_positions(names)} from {relation}", parameters
    ).fetchall()
    return ", ".join(f"{_text(column, kind)} as {column}" for column, kind, *_ in described)


@contextmanager
def _in_any_order(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Rows know their lines: DuckDB may write what it has read first, and need not sort threads."""
    con.execute("set preserve_insertion_order = false")
    try:
        yield
    finally:
        con.execute("reset preserve_insertion_order")


def _text(column: str, kind: str) -> str:
    """SQL for the text of a column of DuckDB's type ``kind``."""
    if kind == "VARCHAR":
        return column
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"strftime(make_timestamp(epoch_us({column})), '%Y-%m-%dT%H:%M:%S.%fZ')"
    if kind.startswith("TIMESTAMP"):
        return f"strftime({column}::timestamp, '%Y-%m-%dT%H:%M:%S.%f')"
    if kind in ("FLOAT", "DOUBLE"):  # an id with gaps often comes as a float: 5412.0 is 5412
        is_whole = f"abs({column}) < {_WHOLE} and {column} = trunc({column})"
        return f"case when {is_whole} then {column}::bigint::varchar else {column}::varchar end"
    if kind == "BLOB":
        return f"coalesce(try(decode({column})), {column}::varchar)"
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION")):
        return f"to_json({column})::varchar"
    return f"{column}::varchar"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
