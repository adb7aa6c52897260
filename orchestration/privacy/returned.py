"""Rows that land of somebody erased, which no delivered id shows as theirs.

Belongs here: finding them among what landed since the log was built, and setting them aside. Not
here: rows that a delivered id shows, or that are the same to the letter (`landing.tombstones`).

They are theirs

- by the id that the SQL of a source of the shop's own makes of the delivered ones;
- by device, instant and type: a visit to a shared device, which named nobody, in another form;
- by an e-mail address in a text of somebody else's row.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import duckdb

from ml.keys import key_id
from orchestration.ground.rule_macros import rule_macros, user_as_visitor
from orchestration.ground.settings import Settings
from orchestration.ground.sql import quoted, transaction
from orchestration.landing import Source
from orchestration.landing.addresses import email_key
from orchestration.landing.escapes import readings
from orchestration.landing.ids import known_id
from orchestration.landing.raw_tables import raw_table
from orchestration.landing.reasons import Reason
from orchestration.landing.sources import EVENTS
from orchestration.landing.tombstones import (
    DETAIL,
    define_keyed_hash,
    keyed_hash,
    read_key,
    visitor_of,
)
from orchestration.warehouse import rewriting
from orchestration.warehouse.database import delivered_sources, has_table

# How an `@` may be escaped in a text; what has none of these is not looked at further.
_AT = r"@|%(25)*40|\\u0040|&#0*64;|&#x0*40;|&commat;"
_ADDRESS = re.compile(r"[^\s\"'<>(),;:&?=/\\|]+@[^\s\"'<>(),;:&?=/\\|]+")


def remember_moments(connection: duckdb.DuckDBPyConnection, key: bytes, now: datetime) -> None:
    """Set the tombstones of the rows in `erased_rows` that name nobody, and of their devices."""
    moment = _moment_of("visitor_id", "event_at", "event_type")
    connection.execute(
        f"""
        insert or ignore into raw.tombstones
        with nameless as (
            select distinct visitor_id, {moment} as moment from main.candidate_events
            semi join (from erased_rows where not is_named) using (source, load_id, line)
            where visitor_id not in (select id from erased_visitors)
        ),
        texts as (
            select 'device' as kind, visitor_id as content from nameless where moment is not null
            union
            select 'moment', moment from nameless where moment is not null
        )
        select kind, keyed_hash(kind, content), null, ?, ? from texts
        """,
        [key_id(key), now],
    )


def landed_sources(
    connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Source]
) -> list[Source]:
    """The sources of events of which rows landed since the log was built, if anybody was ever
    erased."""
    if not _kinds(connection):
        return []
    delivered, last = delivered_sources(connection), _last_built(connection)
    return [
        source
        for name, source in sources.items()
        if source.holds == EVENTS
        and name in delivered
        and _has_rows(connection, source, f"_load_id > {last}")
    ]


def leave_out_mentions(
    connection: duckdb.DuckDBPyConnection, key_file: Path, landed: Sequence[Source]
) -> int:
    """Set aside the rows of which a text says the e-mail address of somebody erased; how many."""
    if "email" not in _kinds(connection):
        return 0
    key = read_key(key_file) or b""
    query = "select hash from raw.tombstones where kind = 'email'"
    erased = {hash_ for (hash_,) in connection.execute(query).fetchall()}
    count = 0
    for source in landed:
        names = [each for each in source.column_names if each not in source.person_columns]
        texts = f"concat_ws(chr(31), {', '.join(map(quoted, [*names, '_extra']))})"
        found = connection.execute(
            f"select _load_id, _line, {texts} from {raw_table(source)}"
            f" where _load_id > {_last_built(connection)} and regexp_matches({texts}, ?)",
            [_AT],
        ).fetchall()
        rows = [(load_id, line) for load_id, line, text in found if _mentions(key, erased, text)]
        count += _set_aside(connection, source, rows)
    return count


def sources_to_judge(
    connection: duckdb.DuckDBPyConnection,
    key_file: Path,
    landed: Sequence[Source],
    own: Collection[str],
) -> list[Source]:
    """Those of which the views `stg_*` have to say whose the rows are: the shop's own, which may
    make ids, and those with rows of a device that somebody erased shared with others."""
    define_keyed_hash(connection, read_key(key_file) or b"")
    kinds, last = _kinds(connection), _last_built(connection)
    return [
        source
        for source in landed
        if (source.name in own and kinds & {"visitor", "user"})
        or (
            "device" in kinds
            and _has_rows(
                connection,
                source,
                f"_load_id > {last} and {_is_hashed('device', visitor_of(source))}",
            )
        )
    ]


def leave_out_erased(
    connection: duckdb.DuckDBPyConnection,
    key_file: Path,
    judged: Sequence[Source],
    settings: Settings,
) -> int:
    """Set aside the rows that are somebody erased's by the id in the tables, or by device, instant
    and type; how many.

    Needs the views `stg_*` of the sources.
    """
    define_keyed_hash(connection, read_key(key_file) or b"")
    event_type = rule_macros(settings).event_type("event_type")
    count = 0
    for source in judged:
        user = known_id("user_id", source.placeholders)
        device = known_id("visitor_id", source.placeholders)
        rows = connection.execute(
            f"""
            with ids as (
                select load_id, line, event_at, {event_type} as event_type, {user} as user_id,
                    coalesce({device}, {user_as_visitor(user)}) as visitor_id
                from main.stg_{source.name} where load_id > {_last_built(connection)}
            ),
            people as (
                select user_id, visitor_id, {_is_hashed("device", "visitor_id")} as is_shared,
                    {_is_hashed("user", "user_id")} or {_is_hashed("visitor", "visitor_id")}
                        as is_erased
                from (select distinct user_id, visitor_id from ids)
            )
            select ids.load_id, ids.line from ids inner join people
                on ids.user_id is not distinct from people.user_id
                and ids.visitor_id is not distinct from people.visitor_id
            where is_erased or (
                is_shared
                and {_is_hashed("moment", _moment_of("ids.visitor_id", "event_at", "event_type"))}
            )
            """
        ).fetchall()
        count += _set_aside(connection, source, rows)
    return count


def _set_aside(
    connection: duckdb.DuckDBPyConnection, source: Source, rows: Sequence[tuple[int, int]]
) -> int:
    """Take rows of a source out of what was delivered; each keeps its line in the accounting."""
    if not rows:
        return 0
    connection.execute(
        "create or replace temp table returned_rows as"
        " select unnest(?::bigint[]) as load_id, unnest(?::bigint[]) as line",
        [[load_id for load_id, _ in rows], [line for _, line in rows]],
    )
    with transaction(connection):
        rewriting.expect(connection)
        connection.execute(
            f"delete from {raw_table(source)} where (_load_id, _line) in"
            " (select (load_id, line) from returned_rows)"
        )
        connection.execute(
            "delete from raw.repaired_rows"
            " where (load_id, line) in (select (load_id, line) from returned_rows)"
        )
        connection.execute(
            "insert into raw.unreadable_rows select load_id, line, ?, ?, null from returned_rows",
            [Reason.ERASED, DETAIL],
        )
    return len(rows)


def _moment_of(visitor_id: str, event_at: str, event_type: str) -> str:
    """SQL for what a row that names nobody is known by in any form; null without a time or type."""
    return f"{visitor_id} || chr(31) || epoch_us({event_at}) || chr(31) || {event_type}"


def _mentions(key: bytes, erased: Collection[str], text: str) -> bool:
    """Whether an address of those with these hashes stands in a text, escaped or not."""
    addresses = {each for reading in readings(text) for each in _ADDRESS.findall(reading)}
    spellings = {each for found in addresses for each in (found.lower(), email_key(found)) if each}
    return any(keyed_hash(key, "email", each) in erased for each in spellings)


def _is_hashed(kind: str, text: str) -> str:
    """SQL: whether there is a tombstone of the kind for a text; false for null."""
    hashes = f"select hash from raw.tombstones where kind = '{kind}'"
    return f"coalesce(keyed_hash('{kind}', {text}) in ({hashes}), false)"


def _kinds(connection: duckdb.DuckDBPyConnection) -> set[str]:
    query = "select distinct kind from raw.tombstones"
    return {kind for (kind,) in connection.execute(query).fetchall()}


def _has_rows(connection: duckdb.DuckDBPyConnection, source: Source, condition: str) -> bool:
    query = f"select count(*) from {raw_table(source)} where {condition}"
    return bool(connection.execute(query).fetchall()[0][0])


def _last_built(connection: duckdb.DuckDBPyConnection) -> int:
    """The newest load in the log; rows of it and of those before were judged then."""
    if not has_table(connection, "main", "candidate_events"):
        return 0
    query = "select coalesce(max(load_id), 0) from main.candidate_events"
    return connection.execute(query).fetchall()[0][0]
