"""The rows of ``raw.files``: what became of each file.

Belongs here: that row as a value, and reading and writing the table. Not here: its DDL
(`raw_tables`), or how a file is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import duckdb
import pyarrow as pa

from orchestration.landing.file_writer import insert_rows

_FILES_SCHEMA = pa.schema(
    [
        ("load_id", pa.int64()),
        ("source", pa.string()),
        ("file", pa.string()),
        ("content_hash", pa.string()),
        ("byte_size", pa.int64()),
        ("landed_at", pa.timestamp("us")),
        ("rows_read", pa.int64()),
        ("note", pa.string()),
        ("skipped_reason", pa.string()),
        ("folders", pa.string()),
        ("delimiter", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class LandedFile:
    """What became of one file.

    Attributes:
        source: Name of the source it was landed for.
        file: Name it was found under.
        status: ``loaded`` now; ``skipped`` now: no reader reads it, see ``skipped_reason``;
            ``known``: its content was loaded or skipped before, nothing done; ``refused``: not this
            time, see the note; it will be tried again.
        content_hash: SHA-256 of its bytes, None if it could not be read.
        byte_size: Its size, None if it could not be looked at.
        load_id: The load that holds its content, None if there is none.
        rows_read: Rows found in it now: those in ``raw.<source>`` plus ``rows_unreadable``.
        rows_unreadable: Rows set aside in ``raw.unreadable_rows``, those of erased people too.
        rows_repaired: Rows mended to read them, in ``raw.repaired_rows`` and in ``raw.<source>``.
        note: What is odd about the file, in one line, or None.
        skipped_reason: Why no row of it was read, as a code, or None.
        delimiter: What separates the fields of a CSV file that was loaded now, or None.
    """

    source: str
    file: str
    status: Literal["loaded", "skipped", "known", "refused"]
    content_hash: str | None = None
    byte_size: int | None = None
    load_id: int | None = None
    rows_read: int = 0
    rows_unreadable: int = 0
    rows_repaired: int = 0
    note: str | None = None
    skipped_reason: str | None = None
    delimiter: str | None = None


def folders_text(folders: Mapping[str, str]) -> str:
    """The columns that folders give, as one text; empty without any."""
    return "/".join(f"{key}={value}" for key, value in folders.items())


def record(
    con: duckdb.DuckDBPyConnection,
    landed_at: datetime,
    files: Sequence[tuple[LandedFile, str]],
) -> None:
    """Write the rows about files of one source, each with the text of its folders, in the caller's
    transaction."""
    rows = [
        (
            each.load_id,
            each.source,
            each.file,
            each.content_hash,
            each.byte_size,
            landed_at,
            each.rows_read,
            each.note,
            each.skipped_reason,
            folders,
            each.delimiter,
        )
        for each, folders in files
    ]
    insert_rows(
        con, f"insert into raw.files ({', '.join(_FILES_SCHEMA.names)})", rows, _FILES_SCHEMA
    )


def forget_skipped(
    con: duckdb.DuckDBPyConnection, source: str, files: Sequence[str], before: int
) -> None:
    """Remove what was said of files that were skipped in loads before one: now they are something
    else."""
    con.execute(
        "delete from raw.files where source = ? and load_id < ?"
        " and skipped_reason is not null and file in (select unnest(?))",
        [source, before, [*files]],
    )
