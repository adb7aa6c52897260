"""Ids that the SQL of a source makes of the delivered ones: hashed, put together, in lower case.

Belongs here: which delivered ids and which ids of the tables are one person's, and the rows that
land of somebody erased whom only the id of the tables shows. Not here: whom else an erasure
concerns, and what it deletes (`erasure`); rows that a delivered id shows (`landing.tombstones`).
"""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from orchestration.ground.rule_macros import user_as_visitor
from orchestration.ground.sql import transaction
from orchestration.landing import Source
from orchestration.landing.ids import known_id
from orchestration.landing.raw_tables import raw_table
from orchestration.landing.reasons import Reason
from orchestration.landing.sources import EVENTS
from orchestration.landing.tombstones import DETAIL, declared_id, define_keyed_hash, read_key
from orchestration.warehouse.database import delivered_sources, has_table

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


def sources_to_judge(
    connection: duckdb.DuckDBPyConnection, own: Mapping[str, Source]
) -> list[Source]:
    """Those of the shop's own sources of which rows landed since the log was built, if anybody was
    ever erased."""
    query = "select count(*) from raw.tombstones where kind in ('visitor', 'user')"
    if not connection.execute(query).fetchall()[0][0]:
        return []
    delivered = delivered_sources(connection)
    return [
        source
        for name, source in own.items()
        if source.holds == EVENTS
        and name in delivered
        and connection.execute(
            f"select count(*) from {raw_table(source)} where _load_id > {_last_built(connection)}"
        ).fetchall()[0][0]
    ]


def leave_out_erased(
    connection: duckdb.DuckDBPyConnection, key_file: Path, sources: list[Source]
) -> int:
    """Set aside the rows of which the id in the tables will be that of somebody erased.

    Needs the views `stg_*` of the sources.

    Returns:
        How many rows.
    """
    define_keyed_hash(connection, read_key(key_file) or b"")
    count = 0
    for source in sources:
        user = known_id("user_id", source.placeholders)
        device = known_id("visitor_id", source.placeholders)
        connection.execute(
            f"""
            create or replace temp table returned_rows as
            with ids as (
                select load_id, line, {user} as user_id,
                    coalesce({device}, {user_as_visitor(user)}) as visitor_id
                from main.stg_{source.name} where load_id > {_last_built(connection)}
            ),
            people as (select distinct user_id, visitor_id from ids),
            erased as (
                select user_id, visitor_id from people
                where keyed_hash('user', user_id) in
                        (select hash from raw.tombstones where kind = 'user')
                    or keyed_hash('visitor', visitor_id) in
                        (select hash from raw.tombstones where kind = 'visitor')
            )
            select ids.load_id, ids.line from ids inner join erased
                on ids.user_id is not distinct from erased.user_id
                and ids.visitor_id is not distinct from erased.visitor_id
            """
        )
        with transaction(connection):
            ((rows,),) = connection.execute(
                f"delete from {raw_table(source)} where (_load_id, _line) in"
                " (select (load_id, line) from returned_rows)"
            ).fetchall()
            connection.execute(
                "delete from raw.repaired_rows"
                " where (load_id, line) in (select (load_id, line) from returned_rows)"
            )
            connection.execute(
                "insert into raw.unreadable_rows select load_id, line, ?, ?, null"
                " from returned_rows",
                [Reason.ERASED, DETAIL],
            )
        count += rows
    return count


def _last_built(connection: duckdb.DuckDBPyConnection) -> int:
    """The newest load in the log; rows of it and of those before were judged then."""
    if not has_table(connection, "main", "candidate_events"):
        return 0
    query = "select coalesce(max(load_id), 0) from main.candidate_events"
    return connection.execute(query).fetchall()[0][0]
