"""CSV dumps. Two ways to the same rows: DuckDB's parallel reader for files without a fault, else
record by record.

Belongs here: the fast way, and what both begin and end with. Not here: the exact way's records
(`csv_records`), the delimiter and header (`csv_layout`), lines (`lines`), or writing the rows
(`file_writer`).

A file may go the fast way only if DuckDB reads it in strict mode without an error and finds one
record on every line; then record n is line n, and both ways agree to the letter (a test holds them
to it). Everything else, a quoted line break or one bad row is enough, is read here record by
record, which knows lines, faults and how to go on after them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from glob import escape

import duckdb

from orchestration.ground.sql import literal, quoted
from orchestration.landing.csv_layout import Layout, header_keys
from orchestration.landing.csv_plain import Lines
from orchestration.landing.csv_records import Records
from orchestration.landing.file_writer import FileWriter, NotClean
from orchestration.landing.lines import (
    is_blank,
)
from orchestration.landing.raw_tables import (
    COLUMN_LIMIT,
    WIDE_COLUMNS,
    declared_columns,
    positional,
    raw_table,
    too_wide,
)
from orchestration.landing.reasons import Reason
from orchestration.landing.streams import ByteStream
from orchestration.landing.text_encodings import UTF8_MARK

FAST_LINE_BYTES = 2_000_000  # what DuckDB allows by default


@dataclass(frozen=True, slots=True)
class Survey:
    """How many lines a file has, and whether nothing in its bytes asks for the exact way."""

    line_count: int
    is_plain: bool


def survey(stream: ByteStream, *, has_backslashes: bool = False) -> Survey:
    """Count lines; look for what DuckDB reads in its own way: NUL bytes, odd line ends, damage, a
    byte order mark within the file, and backslashes where they are escapes."""
    lines = returns = pairs = 0
    last = b""
    tail = b"\n"  # so that the mark at the very beginning is none within the file
    is_plain = True
    for chunk in stream:
        if not chunk:
            continue
        lines += chunk.count(b"\n")
        returns += chunk.count(b"\r")
        pairs += chunk.count(b"\r\n") + (last == b"\r" and chunk[:1] == b"\n")
        is_plain = is_plain and b"\0" not in chunk and returns in (0, pairs, pairs + 1)
        is_plain = is_plain and not (has_backslashes and b"\\" in chunk)
        begin = tail + chunk[:2] if tail != b"\n" else b""
        is_plain = is_plain and UTF8_MARK not in begin and chunk.find(UTF8_MARK, tail == b"\n") < 0
        last, tail = chunk[-1:], chunk[-2:]
        if not is_plain:
            break
    is_plain = is_plain and stream.damage is None and (returns == 0 or returns == pairs == lines)
    return Survey(lines + (last not in (b"", b"\n")), is_plain)


def read_fast(
    writer: FileWriter,
    stream: ByteStream,
    layout: Layout,
    limit: int,
    folders: dict[str, str] | None = None,
) -> None:
    """Load a clean file through DuckDB's own reader.

    Args:
        writer: The file's.
        stream: Its bytes.
        layout: Its columns.
        limit: Bytes a row may have.
        folders: Columns that its folders give all rows.

    Raises:
        NotClean: It is not clean; what was written so far is to be rolled back.
    """
    width = len(layout.names)
    # One column: DuckDB takes a blank line for a row. An unknown layout has no columns to load.
    if not layout.is_known or width == 1 or width > WIDE_COLUMNS or stream.encoding != "utf-8":
        raise NotClean
    seen = survey(stream, has_backslashes=layout.escape == "backslash")
    if not seen.is_plain or layout.has_quote_above:
        raise NotClean
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in positional(width))
    quote = "" if layout.escape == "none" else '"'
    relation = (
        "read_csv(?, auto_detect = false, header = false, skip = ?, delim = ?, "
        f"quote = '{quote}', escape = '{quote}', strict_mode = true, hive_partitioning = false, "
        f"compression = ?, max_line_size = ?, columns = {{{columns}}})"
    )
    names, relation = with_folders(layout.names, relation, folders)
    options = [
        layout.skipped_lines,
        layout.delimiter,
        stream.compression or "none",
        min(limit, FAST_LINE_BYTES),
    ]
    try:
        count = writer.insert(
            f"row_number() over () + {layout.skipped_lines}",
            declared_columns(names, writer.source),
            relation,
            [escape(str(stream.path)), *options],
        )
    # a row that is longer than its buffer the reader reports as not implemented
    except (
        duckdb.InvalidInputException,
        duckdb.IOException,
        duckdb.NotImplementedException,
    ) as error:
        raise NotClean from error
    if count != seen.line_count - layout.skipped_lines or _has_header_row(writer, layout):
        raise NotClean
    writer.delimiter = layout.delimiter
    if layout.note:
        writer.note(layout.note)


def with_folders(
    names: Sequence[str], relation: str, folders: dict[str, str] | None
) -> tuple[list[str], str]:
    """Names and SQL of a relation with the columns that folders give, where it has none of that
    name."""
    more = {name: value for name, value in (folders or {}).items() if name not in names}
    if not more:
        return [*names], relation
    added = ", ".join(
        f"{literal(value)} as d{at}" for at, value in enumerate(more.values(), start=len(names))
    )
    return [*names, *more], f"(select *, {added} from {relation})"


def read_exactly(
    writer: FileWriter,
    stream: ByteStream,
    layout: Layout,
    limit: int,
    folders: dict[str, str] | None = None,
) -> None:
    """Load a file record by record; what is no record is set aside, and reading goes on with the
    next line. Arguments as ``read_fast``."""
    lines = Lines(stream, limit, layout.skipped_lines)
    if layout.note:
        writer.note(layout.note)
    if layout.is_known and len(layout.names) <= COLUMN_LIMIT:
        writer.delimiter = layout.delimiter
        Records(writer, lines, layout, limit, folders or {}).read()
    else:
        detail = writer.source.refusal(layout.names)
        if len(layout.names) > COLUMN_LIMIT:
            detail = too_wide("file", len(layout.names))
        for line in lines:
            if not is_blank(line, layout.delimiter):
                writer.note(detail)
                writer.set_aside(line.number, Reason.UNKNOWN_COLUMNS, detail, line.text)
    for note in stream.notes:
        writer.note(note)


def _has_header_row(writer: FileWriter, layout: Layout) -> bool:
    """Whether a header was read as a row: then a column that rows need holds the name of one."""
    source = writer.source
    for name in layout.names:
        target = source.target(name)
        if target and target[0] in source.required_names:
            keys = ", ".join(map(literal, sorted(header_keys(layout.names, source))))
            found = writer.con.execute(
                f"select 1 from {raw_table(source)} where _load_id = ?"
                f" and lower(translate({quoted(target[0])}, ' -_', '')) in ({keys}) limit 1",
                [writer.load_id],
            ).fetchall()
            return bool(found)
    return False
