"""The tables that landing fills: DDL, and delivered columns under their declared names.

Belongs here: which tables and columns there are, and the SQL that fills the declared ones. Not
here: writing rows (``file_writer``), or reading records (the readers).
"""

import re
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring

import duckdb

from orchestration.ground.sql import literal, quoted
from orchestration.landing.date_and_time import date_position, joined_sql, time_position
from orchestration.landing.sources import Source

_LANDING_DDL = """
create schema if not exists raw;
create table if not exists raw.files (
    load_id bigint primary key, source varchar not null, file varchar not null, content_hash varchar
    not null, byte_size bigint not null, landed_at timestamp not null, rows_read bigint not null,
    note varchar, skipped_reason varchar, folders varchar, delimiter varchar
);
alter table raw.files add column if not exists skipped_reason varchar;
alter table raw.files add column if not exists folders varchar;
alter table raw.files add column if not exists delimiter varchar;
create table if not exists raw.unreadable_rows (
    load_id bigint not null, line bigint not null, reason varchar not null, detail varchar not null,
    raw_row varchar
);
create table if not exists raw.repaired_rows (
    load_id bigint not null, line bigint not null, reason varchar not null, detail varchar not null,
    raw_row varchar
);
create table if not exists raw.seen_files (
    source varchar, address varchar, byte_size bigint not null, version varchar not null,
    content_hash varchar not null, primary key (source, address)
);
create table if not exists raw.expired_rows (
    load_id bigint primary key, row_count bigint not null
);
create table if not exists raw.passed_files (load_id bigint primary key);
create table if not exists raw.stripped_rows (load_id bigint not null, line bigint not null);
create table if not exists raw.tombstones (
    kind varchar not null, hash varchar not null, length bigint, key_id varchar not null,
    erased_at timestamp not null, primary key (kind, hash)
);
create schema if not exists vault;
create table if not exists raw.people_rows (
    load_id bigint primary key, rows_accepted bigint not null, rows_duplicate bigint not null
);
create table if not exists raw.people_set_aside (
    load_id bigint not null, line bigint not null, action varchar not null, reason varchar not null
);
"""


# All that JSON has of a list in which nothing is: another column of the same meaning may have more.
EMPTY_LIST = "[]"
# A table of events has some dozens.
COLUMN_LIMIT = 2_000
# With more the expression of `declared_columns` takes long to plan, 15 s with 2,000 (measured
# 2026-11-28), in which nothing can stop it: rows of so many columns are made in Python.
WIDE_COLUMNS = 200


def too_wide(what: str, count: int) -> str:
    """Detail for a file or row of more columns than the limit."""
    return f"the {what} has {count} columns, the limit is {COLUMN_LIMIT}"


def ensure_raw_tables(con: duckdb.DuckDBPyConnection, sources: Mapping[str, Source]) -> None:
    """Create the schemas ``raw`` and ``vault`` and their tables where missing; a newly declared
    column is added, none is dropped."""
    con.execute(_LANDING_DDL)
    rows = con.execute(
        "select schema_name, table_name, column_name from duckdb_columns()"
        " where database_name = current_database()"
    ).fetchall()
    there = set(rows)
    packing = _packing(con)
    for source in sources.values():
        columns = [*source.column_names, "_extra"]
        missing = [name for name in columns if (source.schema, source.name, name) not in there]
        if not missing:
            continue
        kept = _storage(source, packing)
        con.execute(
            f"create table if not exists {raw_table(source)} "
            "(_load_id bigint not null, _line bigint not null, "
            + ", ".join(f"{quoted(column)} varchar {kept.get(column, '')}" for column in columns)
            + ")"
        )
        for column in missing:
            con.execute(
                f"alter table {raw_table(source)} add column if not exists {quoted(column)} varchar"
            )


def _storage(source: Source, packing: str) -> dict[str, str]:
    """What columns of a source are declared with, where DuckDB's own choice costs too much.

    Ids of events hardly ever repeat: to look for what they share took a tenth of the CPU time of
    landing a shop's Parquet files, for a third of their room (measured 2026-12-01).
    """
    ids = {each.name for each in source.columns if ("event", None) in each.identities}
    is_json = {"_extra", *(each.name for each in source.columns if each.is_json)}
    return dict.fromkeys(ids, "using compression uncompressed") | dict.fromkeys(is_json, packing)


def _packing(con: duckdb.DuckDBPyConnection) -> str:
    """What a column of JSON is declared with.

    Zstandard takes a third of the time and of the room that DuckDB's own choice for texts takes,
    and is as fast to read (measured 2026-11-29). Files in the format of before 1.2 do not have it.
    """
    ((tags,),) = con.execute(
        "select tags from duckdb_databases() where database_name = current_database()"
    ).fetchall()
    version = re.match(r"v(\d+)[.](\d+)", tags.get("storage_version", ""))
    has_zstd = version and (int(version[1]), int(version[2])) >= (1, 2)
    return "using compression zstd" if has_zstd else ""


def raw_table(source: Source) -> str:
    """The source's table, quoted for SQL; that of people is in the schema ``vault``."""
    return f"{source.schema}.{quoted(source.name)}"


def positional(count: int) -> list[str]:
    """Names for delivered columns, whose own may be anything: ``d0``, ``d1``, ..."""
    return [f"d{position}" for position in range(count)]


def declared_columns(delivered: Sequence[str], source: Source) -> list[str]:
    """SQL expressions for the declared columns and ``_extra``, over columns ``d0``, ``d1``, ... of
    text.

    Of several delivered columns with one meaning the first that is neither null nor an empty list
    wins (the declared name before its aliases, then in delivered order); the others stay in
    ``_extra`` under their own names.

    Args:
        delivered: Names of the columns as delivered, in the order of ``d0``, ``d1``, ...
        source: Whose columns they become.

    Returns:
        One expression a declared column in table order, then ``_extra``. An empty text is null
        everywhere. A time of day alone is joined with the date in another column.
    """
    values = [f"nullif({name}, '')" for name in positional(len(delivered))]
    candidates: dict[str, list[tuple[int, int]]] = {name: [] for name in source.column_names}
    extras: dict[str, str] = {}
    for position, name in enumerate(delivered):
        if target := source.target(name):
            candidates[target[0]].append((target[1], position))
        else:
            extras[_free_name(name, extras)] = values[position]
    date = date_position(delivered, source)
    if date is not None and not candidates[source.time_name]:
        time = time_position(delivered, source)
        candidates[source.time_name] = [] if time is None else [(0, time)]
    expressions = []
    for name, ranked in candidates.items():
        ordered = [position for _, position in sorted(ranked)]
        filled = [f"nullif({values[at]}, '{EMPTY_LIST}')" for at in ordered]
        every = [*(filled if len(ordered) > 1 else ()), *(values[at] for at in ordered)]
        expressions.append(f"coalesce({', '.join(every)})" if every else "null")
        if date is not None and name == source.time_name and ordered:
            expressions[-1] = joined_sql(values[date], expressions[-1])
        for nth, position in enumerate(ordered[1:], start=1):
            earlier = ", ".join(filled[:nth])
            own_name = _free_name(delivered[position], extras)
            extras[own_name] = f"case when coalesce({earlier}) is not null then {filled[nth]} end"
    pairs = [
        f"{literal(encode_basestring(name) + ':')} || to_json({value})::varchar"
        for name, value in sorted(extras.items())
    ]
    extra = f"'{{' || nullif(concat_ws(',', {', '.join(pairs)}), '') || '}}'" if pairs else "null"
    return [*expressions, extra]


def extra_text(extras: Mapping[str, str]) -> str | None:
    """``_extra`` of one row whose undeclared values are known: JSON with sorted keys, null when
    there are none."""
    if not extras:
        return None
    pairs = [
        f"{encode_basestring(name)}:{encode_basestring(extras[name])}" for name in sorted(extras)
    ]
    return "{" + ",".join(pairs) + "}"


def unlike(delivered: Sequence[str]) -> list[str]:
    """The names, with ``_2``, ``_3``, ... behind those that come again."""
    taken: dict[str, str] = {}
    for name in delivered:
        taken[_free_name(name, taken)] = name
    return [*taken]


def _free_name(name: str, taken: Mapping[str, str]) -> str:
    """The name, or the first of ``name_2``, ``name_3``, ... that no other column of the file
    has."""
    free, nth = name, 2
    while free in taken:
        free, nth = f"{name}_{nth}", nth + 1
    return free
