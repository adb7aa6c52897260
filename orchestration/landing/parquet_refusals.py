"""Parquet files of which no row is read, by their footer and first rows.

Belongs here: a file that looks like another source's, or has too many columns. Not here: reading
rows (`parquet_files`).
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.landing.file_writer import FileWriter
from orchestration.landing.parquet_texts import readable_rows
from orchestration.landing.raw_tables import COLUMN_LIMIT, too_wide
from orchestration.landing.reasons import Reason
from orchestration.landing.signatures import SAMPLE_ROWS, name_key, other_source


def is_refused(writer: FileWriter, path: Path) -> bool:
    """Whether a file's rows are not read: it looks like another source's, or has too many columns.

    What is not readable as Parquet is not refused here.
    """
    try:
        metadata = pq.read_metadata(path)
        if metadata.num_columns > COLUMN_LIMIT:
            detail = too_wide("file", metadata.num_columns)
            writer.note(detail)
            for line in range(1, metadata.num_rows + 1):
                writer.set_aside(line, Reason.UNKNOWN_COLUMNS, detail, None)
            return True
        names = metadata.schema.to_arrow_schema().names
        worded = {
            name: None
            for signature in writer.source.signatures
            for key, _ in signature.words
            for name in names
            if name_key(name) == key
        }
        rows: list[dict[str, object]] = []
        if worded:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(SAMPLE_ROWS, columns=[*worded]):
                    rows = readable_rows(batch)
                    break
    except (OSError, pa.ArrowException, ValueError):
        return False
    skip = other_source(writer.source.name, writer.source.signatures, names, rows)
    if skip:
        writer.skip(skip)
    return skip is not None
