"""Which reader reads a file, and which ways it has.

Belongs here: from the kind of a file to the functions that read it, or to why none does. Not here:
reading, or transactions (`load`).
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from orchestration.landing import csv_files, json_files, parquet_files
from orchestration.landing.csv_layout import DELIMITERS, layout_of
from orchestration.landing.file_writer import FileWriter
from orchestration.landing.kinds import (
    NOT_A_TABLE,
    UNKNOWN_CONTENT,
    Format,
    Skip,
    ending_of,
    says_only_compression,
)
from orchestration.landing.parquet_refusals import is_refused
from orchestration.landing.signatures import other_source, other_source_by_place
from orchestration.landing.sources import Source
from orchestration.landing.streams import ByteStream

# Below it Python reads a CSV file faster than DuckDB begins a statement; compressed an eighth.
SMALL_BYTES = 128 << 10

Reader = Callable[[FileWriter], None]


def readers_of(
    path: Path,
    kind: Format | Skip,
    name: str,
    folders: dict[str, str],
    source: Source,
    limit: int,
) -> list[Reader]:
    """The ways to read a file, the fastest first; each but the last may find the file not clean
    enough for it."""
    if isinstance(kind, Skip):
        return [lambda writer: writer.skip(kind)]
    if kind is Format.PARQUET:
        if_read = partial(_unless_refused, path=path)
        return [
            if_read(
                lambda writer: parquet_files.read_whole([writer], [path], [folders], limit=limit)
            ),
            if_read(
                partial(parquet_files.read_by_row_group, path=path, folders=folders, limit=limit)
            ),
        ]
    stream = ByteStream(path)
    if kind is Format.JSON:
        return [partial(json_files.read, stream=stream, limit=limit, folders=folders)]
    layout = layout_of(stream, source, limit)
    is_nameless = says_only_compression(name)
    is_text = is_nameless or (ending_of(name) or "").startswith(".txt")
    is_unknown = is_nameless and layout.unnamed and not layout.is_known
    foreign = other_source_by_place(
        source.name, source.signatures, layout.unnamed_lines(), DELIMITERS
    ) or other_source(
        source.name, source.signatures, [*layout.delivered_names, *folders], layout.rows()
    )
    unread = NOT_A_TABLE if layout.is_text and is_text else UNKNOWN_CONTENT if is_unknown else None
    if skip := foreign or unread:
        return [lambda writer: writer.skip(skip)]
    options = {"stream": stream, "layout": layout, "limit": limit, "folders": folders}
    exactly = partial(csv_files.read_exactly, **options)
    if path.stat().st_size <= (SMALL_BYTES // 8 if stream.compression else SMALL_BYTES):
        return [exactly]
    return [partial(csv_files.read_fast, **options), exactly]


def _unless_refused(read: Reader, path: Path) -> Reader:
    def reader(writer: FileWriter) -> None:
        if not is_refused(writer, path):
            read(writer)

    return reader
