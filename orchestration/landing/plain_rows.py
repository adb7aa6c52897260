"""The first rows of a file as they are delivered, before anybody knows which columns count.

Belongs here: names and values of a file of no source. Not here: what a row means, or its way into a
table (the readers); rows that cannot be read are left out, for they say nothing.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.landing.csv_fields import fields_of
from orchestration.landing.csv_layout import (
    DELIMITERS,
    LINES_BEFORE_HEADER,
    folder_columns,
    names_in,
    separator_in,
)
from orchestration.landing.files import FoundFile, local_copy
from orchestration.landing.json_files import first_objects
from orchestration.landing.kinds import Format, Skip
from orchestration.landing.lines import MARK, text_lines
from orchestration.landing.parquet_texts import readable_rows
from orchestration.landing.signatures import Row
from orchestration.landing.streams import ByteStream

_ROW_BYTES = 16 << 20
# No number and no time: letters, perhaps after a few digits, as in `2nd item`.
_NAME = re.compile(r"\W*\d{0,3}[^\W\d]")


@dataclass(frozen=True)
class PlainRows:
    """Some of the first rows of a file.

    Attributes:
        rows: Values by delivered name; nested ones are objects or lists, numbers texts.
        has_names: Whether its columns have names; else they are `1`, `2` ... by place.
        has_backslashes: Whether quotes within quotes, or delimiters, have a backslash before them.
        uncut: How many rows are left out because they have another number of fields.
    """

    rows: list[Row]
    has_names: bool = True
    has_backslashes: bool = False
    uncut: int = 0


def plain_rows(file: FoundFile, count: int, scratch: Path | None = None) -> PlainRows | None:
    """Read the first rows of a file; None for one that no reader reads, or without rows.

    Args:
        file: the file.
        count: how many rows at most.
        scratch: where to copy a remote file (default: the system's folder).

    Raises:
        OSError: the file cannot be read.
    """
    with local_copy(file, scratch) as path:
        stream = ByteStream(path)
        kind = stream.kind(file.name)
        if isinstance(kind, Skip):
            return None
        match kind:
            case Format.JSON:
                found = first_objects(stream, _ROW_BYTES, lambda keys: bool(keys))
                plain = PlainRows([*islice(found, count)])
            case Format.PARQUET:
                plain = PlainRows([*islice(_parquet_rows(path), count)])
            case Format.DELIMITED:
                plain = _delimited_rows(stream, count)
    folders = folder_columns(file.name)
    for row in plain.rows if folders else ():
        row |= {**folders, **row}
    return plain if plain.rows else None


def _parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    with suppress(OSError, pa.ArrowException, ValueError), pq.ParquetFile(path) as file:
        for batch in file.iter_batches(1_000):
            for row in readable_rows(batch):
                yield {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    """A typed value as JSON would have it, numbers as texts."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(held) for held in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _delimited_rows(stream: ByteStream, count: int) -> PlainRows:
    found = text_lines(stream, _ROW_BYTES, are_returns_ends=True)
    first_lines = [
        line.text.removeprefix(MARK) for line in islice(found, count + LINES_BEFORE_HEADER)
    ]
    lines = [line for line in first_lines if line.strip()]
    delimiters = DELIMITERS
    if lines and (separator := separator_in(lines[0])):
        delimiters, lines = (separator,), lines[1:]
    if not lines:
        return PlainRows([])
    delimiter, width = _cut(lines, delimiters)
    header = _header(lines, delimiter, width)
    names = [str(place) for place in range(1, width + 1)]
    if header is not None:
        names = [*names_in(fields_of(lines[header], delimiter))]
        lines = lines[header + 1 :]
    text = "\n".join(lines[:2_000])
    has_backslashes = '\\"' in text and '""' not in text.replace(f'{delimiter}""', "")
    has_backslashes = has_backslashes or any(
        len(fields_of(line, delimiter)) != width == len(fields_of(line, delimiter, "backslash"))
        for line in lines[:count]
        if f"\\{delimiter}" in line
    )
    reader = csv.reader(
        (f"{line}\n" for line in lines[:count]),
        delimiter=delimiter,
        escapechar="\\" if has_backslashes else None,
    )
    rows: list[Row] = []
    uncut = 0
    with suppress(csv.Error):
        for fields in reader:
            uncut += len(fields) != len(names)
            if len(fields) == len(names):
                pairs = zip(names, fields, strict=True)
                rows.append({name: value for name, value in pairs if value})
    return PlainRows(rows, header is not None, has_backslashes, uncut)


def _cut(lines: list[str], delimiters: tuple[str, ...]) -> tuple[str, int]:
    """The delimiter that cuts most of the first lines into one number of fields, the more the
    better, and that number."""
    best = (delimiters[0], 1)
    most = 0
    for delimiter in delimiters:
        widths = Counter(len(fields_of(line, delimiter)) for line in lines[:100])
        width, hits = max(widths.items(), key=lambda each: (each[1], each[0]))
        if width > 1 and hits * width > most:
            most, best = hits * width, (delimiter, width)
    return best


def _header(lines: list[str], delimiter: str, width: int) -> int | None:
    """Which of the first lines is the header: the first that is as wide as the rows, if it can be
    one."""
    for at, line in enumerate(lines[:LINES_BEFORE_HEADER]):
        fields = fields_of(line, delimiter)
        if len(fields) != width:
            continue
        named = [field for field in fields if field.strip()]  # a column of numbers may have none
        is_header = len(named) > 1 and len({*named}) == len(named) and all(map(_NAME.match, named))
        return at if is_header else None
    return None
