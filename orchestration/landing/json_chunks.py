"""Many JSON lines at once, taken apart by DuckDB: a fourth of the time that Python takes.

Belongs here: which lines DuckDB reads to the same texts as `json_rows`, and their way into the
table. Not here: what becomes of the others (`json_files`).

DuckDB makes numbers of numbers: 12.50 would come out as 12.5, and an id of 20 digits with a point
rounded. It lets pass what is no JSON, such as a comma too many. Lines in which there may be any of
that are left to Python. One thing is not looked for, as no standard says what it means: an object
within a row that has a key twice keeps both, where Python keeps the last.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from orchestration.ground.sql import literal
from orchestration.landing.date_and_time import date_position
from orchestration.landing.file_writer import FileWriter, registered
from orchestration.landing.json_objects import objects_in
from orchestration.landing.json_rows import DEPTH_LIMIT
from orchestration.landing.lines import Line
from orchestration.landing.raw_tables import WIDE_COLUMNS, declared_columns, positional

# Fewer are read sooner than the statements for them are planned.
QUICK_LINES = 1_000
CHUNK_LINES = 20_000
CHUNK_BYTES = 32 << 20
_BATCH_LINES = 2_048  # DuckDB's threads share batches
_PLAIN_KEY = re.compile(r"[\w$.:/@ -]+")
# A value that may not come out as it was written, or is no JSON. What stands in a text differs from
# a value by what is before it; where that fails, Python reads a line more.
_CHANGED = "|".join(
    (
        r"[:,\[\s]-?[0-9]*[.][0-9]+0[^0-9]",  # zeros at the end
        r"[:,\[\s]-?[0-9]*[.][0-9]{6}",  # more digits than a float is sure to have
        r"[:,\[\s]-?[0-9]{9,}[.]",
        r"[:,\[\s]-?[0-9.]+[eE]",
        r"[:,\[\s]-0[^.]",
        r"[:,\[\s](?i:-?(?:nan|inf))",
        r",\s*[}\]]",
        r"\\u(?:0000|[dD][89a-fA-F])",  # characters that are none
    )
)
# And one that becomes another text where a source has decimal commas.
_LIKE_THOUSANDS = r"|[:\s]-?[0-9]{1,3}[.][0-9]{3}[^0-9]"


def read_chunk(writer: FileWriter, lines: Sequence[Line]) -> list[Line]:
    """Load the lines of which DuckDB is sure to make the same as Python.

    Args:
        writer: The file's.
        lines: Some lines of it, none above the limit.

    Returns:
        The others.
    """
    sound = [line for line in lines if line.mended is None]
    chunk = pa.table(
        [
            pa.array([line.number for line in sound], pa.int64()),
            pa.array([line.text for line in sound], pa.large_string()),
        ],
        names=["line", "text"],
    )
    batches = pa.Table.from_batches(chunk.to_batches(_BATCH_LINES), chunk.schema)
    with registered(writer.con, batches) as relation:
        # rows are of few shapes: what is asked of keys is asked of each shape
        ((found, is_repeated, keys),) = writer.con.execute(
            f"with looked_at as materialized ({_looked_at(writer)} {relation}),"
            " shapes as (select distinct keys from looked_at where is_clean)"
            " select (select list((line, is_valid)) from looked_at where not is_clean),"
            " bool_or(list_unique(keys) < len(keys)),"
            " list_sort(list_distinct(flatten(list(keys)))) from shapes"
        ).fetchall()
        found = found or []
        if is_repeated or not keys or not _are_plain(keys):
            return list(lines)
        valid = {line for line, is_valid in found if is_valid}
        left = [line for line, _ in found]
        held = {line.number for line in sound}.difference(left)
        others = [line for line in lines if line.number not in held]
        if any(len(objects_in(each.text)) > 1 for each in others if each.number not in valid):
            return list(lines)  # each object counts as a line, and moves those that follow
        clean = f"(from {relation} where line not in (select unnest({left}::bigint[])))"
        if _has_times_of_day(keys, writer, clean):
            return list(lines)
        paths = ", ".join(map(_path, keys))
        values = [f"texts[{at}] as {name}" for at, name in enumerate(positional(len(keys)), 1)]
        writer.insert(
            "line",
            declared_columns(keys, writer.source),
            f"(select line, {', '.join(values)} from"
            f" (select line, json_extract_string(text, [{paths}]) as texts from {clean}))",
        )
    return others


def _looked_at(writer: FileWriter) -> str:
    """SQL for the keys of each line, null where it is no object of any; and whether DuckDB's texts
    are ours."""
    changed = _CHANGED + (_LIKE_THOUSANDS if writer.source.has_commas else "")
    return f"""
        select
            line,
            json_valid(text) as is_valid,
            case when is_valid then json_keys(text) end as keys,
            coalesce(
                len(keys) > 0
                and not regexp_matches(text, {literal(changed)})
                and strlen(text) - strlen(replace(replace(text, '{{', ''), '[', ''))
                < {DEPTH_LIMIT},
                false
            ) as is_clean
        from
    """


def chunks_of(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """The lines in their order, as many at a time as are read together; the next ones are looked
    for while these are read."""
    chunks = _cut(lines)
    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(next, chunks, None)
        while (chunk := coming.result()) is not None:
            coming = ahead.submit(next, chunks, None)
            yield chunk


def _cut(lines: Iterable[Line]) -> Iterator[list[Line]]:
    chunk: list[Line] = []
    byte_size = 0
    for line in lines:
        chunk.append(line)
        byte_size += line.byte_size
        if len(chunk) >= CHUNK_LINES or byte_size >= CHUNK_BYTES:
            yield chunk
            chunk, byte_size = [], 0
    if chunk:
        yield chunk


def _are_plain(keys: Sequence[str]) -> bool:
    """Whether columns of these names can be asked for."""
    return len(keys) <= WIDE_COLUMNS and all(map(_PLAIN_KEY.fullmatch, keys))


def _has_times_of_day(keys: Sequence[str], writer: FileWriter, relation: str) -> bool:
    """Whether a date is to be joined with a time of day in any of the rows."""
    source = writer.source
    if date_position(keys, source) is None:
        return False
    found = {key: target for key in keys if (target := source.target(key))}
    times = [f"text ->> {_path(key)}" for key in found if found[key][0] == source.time_name]
    # what is as long as 1000 or 100000 may be a time of day
    whole = [f"{time} similar to '[^ :][^:]{{3}}(.|.{{3,}})'" for time in times]
    query = f"select count(*) from {relation} where not coalesce({' or '.join(whole)}, false)"
    return not times or writer.con.execute(query).fetchall() != [(0,)]


def _path(key: str) -> str:
    return literal(f'$."{key}"')
