"""Whom dumps of erasures ask to be erased.

Belongs here: the requests that are open. Not here: erasing (`privacy`).

A request names the person, so it goes with them: what is still here was not done yet.
"""

import duckdb

from orchestration.warehouse.database import has_table


def pending(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """`user` or `visitor`, and the id, of every open request, once each."""
    if not has_table(connection, "vault", "erasure_requests"):
        return []
    return connection.execute(
        "select distinct kind, id from ("
        " select 'user' as kind, user_id as id from vault.erasure_requests"
        " union all select 'visitor', visitor_id from vault.erasure_requests"
        ") where id is not null order by all"
    ).fetchall()
