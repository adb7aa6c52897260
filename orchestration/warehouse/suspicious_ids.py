"""Ids that tie more together than one person, order or event can be, in sentences.

Belongs here: what is said of the table `suspicious_ids`. Not here: which ids are in it; dbt decides
that (models/quality/suspicious_ids.sql).

In Dagster's record only counts are said: an id may be a person's, and that record is not searched
when somebody is erased.
"""

import duckdb

from orchestration.warehouse.database import has_table
from orchestration.warehouse.score_tables import SUSPICIOUS_IDS

SHOWN_IDS = 3
_ADVICE = "what means nobody belongs into [ids] placeholders"
_SENTENCES = {
    "user_id": f"users with more than 20 visitors each: {_ADVICE}",
    "order_id": f"orders of more than 3 visitors each: {_ADVICE}",
    "event_id": "event ids of several visitors each: of their events one is left",
    "double_fire": "visitors with events of one type and item within 50 ms",
}


def warnings(
    connection: duckdb.DuckDBPyConnection, *, with_ids: bool, schema: str = "main"
) -> list[str]:
    """One sentence for each kind of suspicious id that there is.

    Args:
        connection: warehouse or published file.
        with_ids: whether some of the ids are named; never in what is kept.
        schema: where the table is.
    """
    if not has_table(connection, schema, SUSPICIOUS_IDS):
        return []
    rows = connection.execute(
        f"select kind, count(*), list(id order by event_count desc, id)[:{SHOWN_IDS}]"
        f" from {schema}.{SUSPICIOUS_IDS} group by kind order by kind"
    ).fetchall()
    return [
        f"{count:,} {_SENTENCES[kind]}"
        + (f", such as {', '.join(ids)}" if with_ids else "")
        + f" ({SUSPICIOUS_IDS})"
        for kind, count, ids in rows
    ]
