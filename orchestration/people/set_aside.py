"""Rows about people that a build has set aside, and that are gone or stripped since.

Belongs here: taking them out of dbt's table, which looks at no file twice. Not here: which rows are
set aside (`vault`), or go (`privacy.expiry`).
"""

from collections.abc import Collection

import duckdb

from orchestration.ground.sql import literal
from orchestration.warehouse.database import has_table


def forget_gone(connection: duckdb.DuckDBPyConnection, sources: Collection[str]) -> None:
    """Delete from `main.set_aside_rows`, if there is one, what is set aside no longer.

    Args:
        connection: the open warehouse, with `raw.people_set_aside` as it is now.
        sources: names of all sources of people.
    """
    if not has_table(connection, "main", "set_aside_rows"):
        return
    connection.execute(
        f"""
        delete from main.set_aside_rows
        where
            source in ({", ".join(map(literal, sources))})
            and (load_id, line, action, reason) not in (
                select (load_id, line, action, reason) from raw.people_set_aside
                union all
                select (load_id, line, 'dropped', reason) from raw.unreadable_rows
                union all
                select (load_id, line, 'repaired', reason) from raw.repaired_rows
            )
        """
    )
