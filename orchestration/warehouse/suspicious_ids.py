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
_NOBODY = "if it means nobody, add it to [ids] placeholders"
# What there is one of or several, and what to do about it.
_KINDS = {
    "user_id": (
        "user with more than 20 visitors",
        "users with more than 20 visitors each",
        _NOBODY,
    ),
    "order_id": (
        "order of more than 3 visitors",
        "orders of more than 3 visitors each",
        f"each counts once; {_NOBODY}; if order numbers start over, each year or in each shop, put"
        " the year or the shop before them",
    ),
    "event_id": (
        "event id of several visitors",
        "event ids of several visitors each",
        "one event of each id counts; deliver ids that are unique in the source, or none",
    ),
    "double_fire": (
        "visitor with events of one type and item within 50 ms",
        "visitors with events of one type and item within 50 ms",
        "all of them count; if a tag fires twice for one action, give both events the same id",
    ),
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
        f"{count:,} {one if count == 1 else several}"
        + (f", such as {', '.join(ids)}" if with_ids else "")
        + f": {todo} ({SUSPICIOUS_IDS})"
        for kind, count, ids in rows
        for one, several, todo in [_KINDS[kind]]
    ]
