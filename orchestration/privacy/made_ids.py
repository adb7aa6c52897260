"""Ids that the SQL of a source makes of the delivered ones: hashed, put together, in lower case.

Belongs here: which delivered ids and which ids of the tables are one person's. Not here: whom else
an erasure concerns, and what it deletes (`erasure`); rows that land of somebody whom only the id of
the tables shows (`returned`).
"""

from collections.abc import Mapping

import duckdb

from orchestration.landing import Source
from orchestration.landing.raw_tables import raw_table
from orchestration.landing.sources import EVENTS
from orchestration.landing.tombstones import declared_id

_KINDS = ("user", "visitor")


def find_made_ids(connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Source]) -> None:
    """Make `made_ids` (kind, delivered, made): the ids of each source that makes others of some.

    Needs `main.candidate_events` built over all that has landed.
    """
    connection.execute(
        "create or replace temp table made_ids (kind varchar, delivered varchar, made varchar)"
    )
    for source in sources.values():
        for kind in _KINDS if source.holds == EVENTS else ():
            if not source.ids(kind):
                continue
            connection.execute(
                f"""
                insert into made_ids
                with pairs as (
                    select distinct rows.delivered, candidates.{kind}_id as made
                    from (
                        select _load_id, _line, {declared_id(source, kind)} as delivered
                        from {raw_table(source)}
                    ) as rows
                    inner join main.candidate_events as candidates
                        on rows._load_id = candidates.load_id and rows._line = candidates.line
                    where candidates.source = $source
                )
                select $kind, delivered, made from pairs
                where delivered is not null and made is not null
                    and exists (select 1 from pairs where delivered != made)
                """,
                {"source": source.name, "kind": kind},
            )


def take_along(connection: duckdb.DuckDBPyConnection, kind: str) -> frozenset[str]:
    """Add to `erased_users` or `erased_visitors` the other ids of the same people.

    - Of a delivered id that is none of the tables' own: the id that is made of it, or of several
      those that are made of nothing else.
    - Of an id of the tables: the delivered ids of which nothing else is made, and that are nobody
      else's in the tables. A delivered id that others have too, as one part of an id may be, is
      nobody's alone.

    Returns:
        What was added.
    """
    table, added = f"erased_{kind}s", set()
    while True:
        found = connection.execute(
            f"""
            insert into {table}
            with pairs as (
                select delivered, made,
                    delivered in (select id from {table}) as is_delivered_erased,
                    made in (select id from {table}) as is_made_erased
                from made_ids where kind = $kind
            ),
            known as (
                select distinct {kind}_id as id from main.candidate_events
                where {kind}_id is not null
            ),
            of_delivered as (
                select delivered, count(*) as made_count, bool_and(is_made_erased) as is_theirs
                from pairs group by delivered
            ),
            of_made as (select made, count(*) as delivered_count from pairs group by made)
            (
                select pairs.made from pairs
                inner join of_delivered using (delivered)
                inner join of_made using (made)
                where pairs.is_delivered_erased and (made_count = 1 or delivered_count = 1)
                    and pairs.delivered not in (select id from known)
                union
                select delivered from of_delivered
                where is_theirs and delivered not in (select id from known)
            )
            except select id from {table}
            returning id
            """,
            {"kind": kind},
        ).fetchall()
        if not found:
            return frozenset(added)
        added.update(id_ for (id_,) in found)
