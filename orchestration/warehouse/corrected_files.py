"""Suspect files that came again, corrected, under the same name: the rows of before give way.

Belongs here: taking them out of what was delivered. Not here: which files are suspect, and what is
said of them (`suspect_files`).

Nothing of a suspect file was ever published. Beside the corrected rows its own would count twice
where events have no ids, and where they have, the wrong one of two could be the one that counts.
"""

import logging
from collections.abc import Mapping

import duckdb

from orchestration.ground.sql import literal, quoted, transaction
from orchestration.landing import Source
from orchestration.landing.raw_tables import raw_table
from orchestration.landing.reasons import Reason
from orchestration.landing.sources import EVENTS
from orchestration.warehouse import suspect_files

logger = logging.getLogger(__name__)

_DETAIL = "the file was suspect, and came again under the same name"


def set_aside_former(
    connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Source]
) -> list[str]:
    """Set aside the rows of suspect files of which other content has landed under the same name.

    To be called after landing. Each row keeps its line and its text in `raw.unreadable_rows`; the
    next build is a full one.

    Returns:
        The files, in the order in which they had landed.
    """
    loads = [
        (load_id, file, sources[name])
        for load_id, file, name in suspect_files.corrected(connection)
        if name in sources and sources[name].holds == EVENTS
    ]
    given_way = []
    for load_id, file, source in loads:
        names = (*source.column_names, "_extra")
        given = ", ".join(f"{literal(name)}: {quoted(name)}" for name in names)
        with transaction(connection):
            rows = connection.execute(
                "insert into raw.unreadable_rows"
                f" select _load_id, _line, ?, ?, json_merge_patch('{{}}', to_json({{{given}}}))"
                f" from {raw_table(source)} where _load_id = ? returning line",
                [Reason.SUPERSEDED, _DETAIL, load_id],
            ).fetchall()
            if not rows:
                continue
            connection.execute("delete from raw.repaired_rows where load_id = ?", [load_id])
            connection.execute(f"delete from {raw_table(source)} where _load_id = ?", [load_id])
            connection.execute("drop table if exists main.last_build")
        given_way.append(file)
        logger.info("%s came again: %d rows of before are set aside.", file, len(rows))
    return given_way
