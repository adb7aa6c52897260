"""The text of Parquet's typed values: in SQL by type, and of a batch in which some have none.

Belongs here: one text a type, which names of nested values change in it, mending texts that are not
UTF-8, finding the row of a value that has no text, and Python's values of a few rows. Not here:
files, row groups and lines (`parquet_files`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.ground.sql import in_memory
from orchestration.landing.decimals import number_sql
from orchestration.landing.raw_tables import extra_text

# Up to these a float is the whole number that it shows; ids beyond may have lost digits.
_WHOLE = {"FLOAT": 1 << 24, "DOUBLE": 10**15}


@dataclass
class Texts:
    """The rows of a batch as texts.

    Attributes:
        rows: ``line``, their place in the batch from 0, and their texts ``d0``, ``d1``, ...
        mended: By place, what became of a row with a text that is not UTF-8.
        faults: By place, why a row is not in ``rows``.
    """

    rows: pa.Table
    mended: dict[int, str] = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)


def text_sql(column: str, kind: str, *, has_commas: bool = False) -> str:
    """SQL for the text of a column of DuckDB's type ``kind``; of a source of decimal commas or
    not."""
    if has_commas and (kind in _WHOLE or kind.startswith("DECIMAL")):
        return number_sql(text_sql(column, kind))
    if kind == "VARCHAR":
        return column
    if kind in ("TIMESTAMP_NS", "TIMESTAMPTZ_NS"):  # a cast would round, and the rule is to cut
        zone = "Z" if kind == "TIMESTAMPTZ_NS" else ""
        at = f"make_timestamp(epoch_ns({column}) // 1000)"
        return f"strftime({at}, '%Y-%m-%dT%H:%M:%S.%f{zone}')"
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"strftime(make_timestamp(epoch_us({column})), '%Y-%m-%dT%H:%M:%S.%fZ')"
    if kind.startswith("TIMESTAMP"):
        return f"strftime({column}::timestamp, '%Y-%m-%dT%H:%M:%S.%f')"
    if kind in _WHOLE:  # an id with gaps often comes as a float: 5412.0 is 5412
        is_whole = f"abs({column}) < {_WHOLE[kind]} and {column} = trunc({column})"
        # as many digits as it has for certain, for 123456792 would be said of 123456789, too
        text = f"format('{{:.6e}}', {column})" if kind == "FLOAT" else f"{column}::varchar"
        other = f"when abs({column}) >= {_WHOLE[kind]} then {text} else {column}::varchar end"
        return f"case when {is_whole} then {column}::bigint::varchar {other}"
    if kind == "BLOB":
        return f"coalesce(try(decode({column})), {column}::varchar)"
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION")):
        return f"to_json({column})::varchar"
    return f"{column}::varchar"


def renamed_fields(schema: pa.Schema) -> list[str]:
    """Nested fields, as ``column.field``, named like one before them but for case, which DuckDB
    gives a number: the second of ``price`` and ``Price`` is ``Price_1`` in the text."""
    return [f"{column.name}.{name}" for column in schema for name in _renamed_in(column.type)]


def _renamed_in(kind: pa.DataType) -> Iterator[str]:
    if pa.types.is_map(kind):
        yield from _renamed_in(kind.item_type)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from _renamed_in(kind.value_type)
    elif pa.types.is_struct(kind):
        seen: set[str] = set()
        for each in kind:
            if each.name.lower() in seen:
                yield each.name
            seen.add(each.name.lower())
            yield from (f"{each.name}.{name}" for name in _renamed_in(each.type))


def as_texts(batch: pa.Table, *, has_commas: bool = False) -> Texts:
    """The rows of a batch, whose columns are ``d0``, ``d1``, ..., as texts; what cannot be had as
    text costs its own row. Of a source of decimal commas or not."""
    mended: set[int] = set()
    columns = []
    try:
        for column in batch.columns:
            whole = column.combine_chunks()
            columns.append(_mended(whole, mended) if _has_bad_text(whole) else whole)
    except (pa.ArrowException, ValueError, TypeError) as error:
        detail = f"a text cannot be mended: {' '.join(str(error).split())}"
        return Texts(_no_rows(batch), faults=dict.fromkeys(range(batch.num_rows), detail))
    places = pa.array(range(batch.num_rows), pa.int64())
    table = pa.table([places, *columns], ["line", *batch.column_names])
    faults: dict[int, str] = {}
    with in_memory() as con:  # a failure in the warehouse would end its transaction
        parts = [*_selected(con, table, faults, has_commas=has_commas)]
    rows = pa.concat_tables(parts) if parts else _no_rows(batch)
    texts = Texts(rows, faults=faults)
    for row in rows.filter(
        pc.is_in(rows["line"], pa.array(sorted(mended), pa.int64()))
    ).to_pylist():
        at = row.pop("line")
        texts.mended[at] = extra_text({name: text for name, text in row.items() if text}) or ""
    return texts


def _no_rows(batch: pa.Table) -> pa.Table:
    columns = [("line", pa.int64()), *((name, pa.string()) for name in batch.column_names)]
    return pa.schema(columns).empty_table()


def _selected(
    con: duckdb.DuckDBPyConnection, table: pa.Table, faults: dict[int, str], *, has_commas: bool
) -> Iterator[pa.Table]:
    """The rows as texts, in parts; those that cannot be had are found by halving."""
    con.register("delivered", table)
    try:
        described = con.execute("describe delivered").fetchall()
        texts = [
            f"{text_sql(name, kind, has_commas=has_commas)} as {name}"
            for name, kind, *_ in described[1:]
        ]
        yield con.sql(f"select {', '.join(['line', *texts])} from delivered").to_arrow_table()
    except duckdb.Error as error:
        if table.num_rows == 1:
            detail = f"a value cannot be read: {' '.join(str(error).split())}"
            faults[table["line"][0].as_py()] = detail
            return
        half = table.num_rows // 2
        yield from _selected(con, table.slice(0, half), faults, has_commas=has_commas)
        yield from _selected(con, table.slice(half), faults, has_commas=has_commas)


def _has_bad_text(column: pa.Array) -> bool:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return True
    return False


def _mended(column: pa.Array, places: set[int]) -> pa.Array:
    """The column with U+FFFD for bytes that are no text; adds the places of its rows to ``places``.

    What cannot be mended is null.
    """
    if isinstance(column, pa.DictionaryArray):
        words = _mended(column.dictionary, set())
        bad = [
            at
            for at, word in enumerate(column.dictionary.cast(pa.binary()))
            if not _is_text(word.as_py())
        ]
        found = set(bad)
        places.update(at for at, index in enumerate(column.indices.to_pylist()) if index in found)
        return words.take(column.indices)
    values = column.cast(_as_bytes(column.type)).to_pylist()
    for at, value in enumerate(values):
        if not _is_text(value):
            places.add(at)
            values[at] = _decoded(value)
        else:
            values[at] = _decoded(value)
    return pa.array(values, column.type)


def _as_bytes(kind: pa.DataType) -> pa.DataType:
    """A type with binary in place of text."""
    if pa.types.is_string(kind):
        return pa.binary()
    if pa.types.is_large_string(kind):
        return pa.large_binary()
    if pa.types.is_map(kind):
        return pa.map_(_as_bytes(kind.key_type), _as_bytes(kind.item_type))
    if pa.types.is_large_list(kind):
        return pa.large_list(kind.value_field.with_type(_as_bytes(kind.value_type)))
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_as_bytes(kind.value_type)))
    if pa.types.is_struct(kind):
        return pa.struct([each.with_type(_as_bytes(each.type)) for each in kind])
    return kind


def _is_text(value: Any) -> bool:
    """Whether all bytes in a value are UTF-8."""
    if isinstance(value, bytes):
        return value.decode(errors="replace").encode() == value
    if isinstance(value, dict):
        return all(map(_is_text, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_text, value))
    return True


def _decoded(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="replace").replace("\0", "")
    if isinstance(value, dict):
        return {key: _decoded(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_decoded, value))
    return value


def readable_rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """The rows of a batch in Python's values; None for what Python has none for, such as a time
    beyond its years or a text that is not UTF-8."""
    columns = map(_python_values, batch.columns)
    return [dict(zip(batch.schema.names, row, strict=True)) for row in zip(*columns, strict=True)]


def _python_values(column: pa.Array) -> list[Any]:
    try:
        return column.to_pylist()
    except (ArithmeticError, ValueError):
        return [_python_value(scalar) for scalar in column]


def _python_value(scalar: pa.Scalar) -> Any:
    try:
        return scalar.as_py()
    except (ArithmeticError, ValueError):
        return None
