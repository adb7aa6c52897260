"""Files that were not suspect, and of which rows are taken away.

Belongs here: the note that they passed. Not here: which files are suspect, and what is said of them
(`suspect_files`).
"""

import duckdb

from orchestration.warehouse import suspect_files


def keep(connection: duckdb.DuckDBPyConnection, rows: str) -> None:
    """Note that files are not suspect, of which rows are about to be taken away: what is left of
    them would be judged as if it were all.

    Args:
        connection: the open warehouse.
        rows: table with the `load_id` of each such row.
    """
    if suspect_files.is_judged(connection):
        connection.execute(
            "insert or ignore into raw.passed_files select load_id from main.landed_files"
            f" where not is_suspect and load_id in (select load_id from {rows})"
        )
