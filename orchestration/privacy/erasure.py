"""Erasing a person: whom that concerns, what goes, and what stays to keep them from coming back.

Belongs here: the rule of who is erased with whom, the tombstones and deletions in the warehouse,
and the file that replaces it. Not here: what is kept of an erasure (`erasure_records`), how landing
honours a tombstone (`landing.tombstones`), the search that proves the erasure (`residue_search`),
the order of the steps (`dagster.erase_job`).
"""

import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb

from ml.features import USER_PREFIX
from ml.keys import key_id
from orchestration.ground.errors import ComebackError
from orchestration.ground.files import replace_file
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.ground.sql import literal, quoted, transaction
from orchestration.landing import Source, ensure_raw_tables
from orchestration.landing.escapes import ESCAPES, escaped_or_not
from orchestration.landing.raw_tables import raw_table
from orchestration.landing.reasons import Reason
from orchestration.landing.tombstones import (
    DETAIL,
    WORD,
    add_tombstones,
    define_keyed_hash,
    event_of,
    keep_copy,
    read_key,
)
from orchestration.people import vault
from orchestration.privacy.addresses import (
    address_hashes,
    find_addresses,
    is_named,
    names_address,
)
from orchestration.privacy.erasure_records import Plan, Subject
from orchestration.privacy.made_ids import find_made_ids, take_along
from orchestration.privacy.returned import remember_moments
from orchestration.warehouse import passed_files, rewriting
from orchestration.warehouse.contact_tables import (
    CONTACT_LOG,
    CONTACT_PLANS,
    HOLDOUT_ARMS,
    WITHHELD_CONTACTS,
)
from orchestration.warehouse.database import has_table
from orchestration.warehouse.experiment_tables import EXPERIMENT_ARMS
from orchestration.warehouse.person_tables import PERSON_SCORES
from orchestration.warehouse.score_tables import CART_SCORES, SCORE_OUTCOMES
from orchestration.warehouse.segment_tables import SEGMENT_HISTORY

_SCORES = f"scores.{CART_SCORES.name}"
# SQL, once `find` has been: whether a row with person_id is of the person
IS_PERSON_ERASED = (
    "person_id in (select id from erased_visitors"
    f" union all select '{USER_PREFIX}' || id from erased_users)"
)

# SQL, likewise: whether a row with the ids of `candidate_events` is
IS_ROW_ERASED = (
    "(visitor_id in (select id from erased_visitors) or user_id in (select id from erased_users))"
)


def mark(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    sources: Mapping[str, Source],
    subject: Subject,
    now: datetime,
    *others: Subject,
) -> None:
    """Set the tombstones of a subject, and of others: no file brings them back from here on.

    Raises:
        ComebackError: there are tombstones, but the key that made them is gone.
    """
    home.erasures.mkdir(mode=0o700, exist_ok=True)
    ensure_raw_tables(connection, sources)
    key = read_key(home.erasure_key)
    made_with = connection.execute("select distinct key_id from raw.tombstones").fetchall()
    if any(each != (key and key_id(key)) for (each,) in made_with):
        raise ComebackError(
            "people were erased before, but the key that recognises them is not the one it was",
            str(home.erasure_key),
            "restore the file from a backup: without it they would come back",
        )
    if key is None:
        key = secrets.token_bytes(32)
        replace_file(home.erasure_key, key, mode=0o600)
    with transaction(connection):
        for each in (subject, *others):
            add_tombstones(connection, key, each.kind, [each.id], now)
        keep_copy(connection, home.tombstones)


def find(connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Source], plan: Plan) -> Plan:
    """Find what the ids of a plan concern, and note it in temporary tables for `remove`.

    A visitor is erased with all its events. A user is erased with

    - every visitor that no other user ever signed in on: all events of it;
    - on a device shared with others, the events that were the user's by the rule of ownership, and
      those before the first sign-in of all if that was this user's. The other events stay;
    - the other ids that they have where the SQL of a source makes ids (`made_ids.take_along`), and
      every row of which it makes an id of theirs, also one that is no event;
    - rows about people that name nobody, but an address that only the user has;
    - rows of other people that mention an erased id or such an address in a text, where it is long
      enough to be nothing else (`is_unmistakable`); rows that could not be read, wherever it stands
      as a word.

    Every delivered copy of an erased event goes, also one that does not name the person.

    Args:
        connection: the open warehouse, with `main.events` built over all that has landed.
        sources: all sources.
        plan: the ids known so far.

    Returns:
        The plan with the visitors that go with a user, the rows and the files.
    """
    _temporary(connection, "erased_users", plan.users)
    _temporary(connection, "erased_visitors", plan.visitors)
    # nothing can be found where no row has landed, and of most systems none ever does
    landed = {name: each for name, each in sources.items() if _has_rows(connection, each)}
    find_made_ids(connection, landed)
    others = take_along(connection, "user")
    connection.execute(
        "insert into erased_visitors"
        " select visitor_id from main.events where user_id is not null group by 1"
        " having bool_and(user_id in (select id from erased_users))"
        " except select id from erased_visitors"
    )
    others |= take_along(connection, "visitor")
    connection.execute(
        """
        create or replace temp table erased_events as
        with first_users as (
            select visitor_id, arg_min(user_id, event_number) as user_id
            from main.events where user_id is not null group by 1
        )
        select source, event_id, visitor_id, event_at from main.events
        where visitor_id in (select id from erased_visitors)
            or owner_id in (select id from erased_users)
            or (owner_id is null and visitor_id in (
                select visitor_id from first_users
                where user_id in (select id from erased_users)
            ))
        """
    )
    users, visitors = (
        frozenset(id_ for (id_,) in connection.execute(f"select id from {table}").fetchall())
        for table in ("erased_users", "erased_visitors")
    )
    addresses = find_addresses(connection, landed)
    found = Plan(
        visitors,
        users,
        plan.emails | addresses["email"],
        plan.phones | addresses["phone"],
        others=plan.others | others,
    )
    _find_rows(connection, landed, found)
    counts = connection.execute("select source, count(*) from erased_rows group by 1").fetchall()
    rows = {f"{sources[name].schema}.{name}": count for name, count in sorted(counts)}
    for table in ("unreadable_rows", "repaired_rows"):
        query = f"select count(*) from raw.{table} where {_is_text_erased(found)}"
        rows[f"raw.{table}"] = connection.execute(query).fetchall()[0][0]
    for table, is_theirs in scores_erased(connection).items():
        query = f"select count(*) from {table} where {is_theirs}"
        rows[table] = connection.execute(query).fetchall()[0][0]
    files = connection.execute(
        "select distinct source || ': ' || file from raw.files where load_id in"
        " (select load_id from erased_rows union all"
        f" select load_id from raw.unreadable_rows where {_is_text_erased(found)})"
    ).fetchall()
    return replace(
        found,
        rows={name: count for name, count in rows.items() if count},
        files=frozenset(name for (name,) in files),
        carts=frozenset(_carts(connection)),
    )


def _carts(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """The carts of the erased, as the log and the scores of earlier hours know them."""
    tables = ("main.carts", _SCORES, f"scores.{CONTACT_PLANS.name}")
    for table in tables:
        if has_table(connection, *table.split(".")):
            query = f"select distinct cart_id from {table} where {is_score_erased(connection)}"
            yield from (cart_id for (cart_id,) in connection.execute(query).fetchall() if cart_id)


def remove(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    sources: Mapping[str, Source],
    plan: Plan,
    now: datetime,
) -> None:
    """Delete what `find` found on this connection, and set the remaining tombstones, all or none.

    Every row keeps its line in `raw.unreadable_rows`, so that the rows of a file still add up.
    """
    key = home.erasure_key.read_bytes()
    define_keyed_hash(connection, key)
    with transaction(connection):
        add_tombstones(connection, key, "visitor", plan.visitors, now)
        add_tombstones(connection, key, "user", plan.users, now)
        for kind, address in address_hashes(connection):
            add_tombstones(connection, key, kind, [address], now)
        # as it stands in a text
        add_tombstones(connection, key, "email", {each.lower() for each in plan.emails}, now)
        connection.execute(
            "insert or ignore into raw.tombstones select distinct"
            " 'row', keyed_hash('row', event), null, ?, ? from erased_rows where not is_named",
            [key_id(key), now],
        )
        remember_moments(connection, key, now)
        keep_copy(connection, home.tombstones)
        connection.execute(
            f"delete from scores.{SCORE_OUTCOMES.name} where (scored_at, cart_id) in"
            f" (select scored_at, cart_id from {_SCORES} where {is_score_erased(connection)})"
        )
        for table, is_theirs in scores_erased(connection).items():
            connection.execute(f"delete from {table} where {is_theirs}")
        passed_files.keep(connection, "erased_rows")
        for source in sources.values():
            connection.execute(
                f"delete from {raw_table(source)} where (_load_id, _line) in"
                " (select (load_id, line) from erased_rows where source = ?)",
                [source.name],
            )
        is_erased = _is_text_erased(plan)
        connection.execute(
            f"update raw.unreadable_rows set reason = ?, detail = ?, raw_row = null"
            f" where {is_erased}",
            [Reason.ERASED, DETAIL],
        )
        connection.execute(
            "delete from raw.repaired_rows"
            " where (load_id, line) in (select (load_id, line) from erased_rows)"
        )
        connection.execute(f"update raw.repaired_rows set raw_row = null where {is_erased}")
        connection.execute(
            "insert into raw.unreadable_rows select load_id, line, ?, ?, null from erased_rows",
            [Reason.ERASED, DETAIL],
        )
        connection.execute(
            f"update raw.files set note = ? where {words_match('note', plan.texts)}", [DETAIL]
        )
        vault.forget(connection)


def replace_warehouse(home: Home, settings: Settings) -> None:
    """Put a fresh copy in the place of the warehouse, without the bytes of what was deleted.

    Damaged files that were put aside hold the same bytes, and go.
    """
    for damaged in rewriting.put_aside(home):
        damaged.unlink()
    rewriting.rewrite(home, settings)


def empty_folder(folder: Path) -> None:
    """Remove what a killed process may have left in a folder for passing things."""
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def is_unmistakable(id_: str) -> bool:
    """Whether an id that stands in some text can be taken to mean the person.

    A short one may as well be a number of something else: 8 characters are asked for, and 12 of an
    id of digits only, since items and orders are numbered too.
    """
    return len(id_) >= (12 if id_.isdecimal() else 8)


def words_match(column: str, ids: Sequence[str]) -> str:
    """SQL: whether one of the ids stands in a column of text as a word, escaped or not; false for
    null."""
    if not ids:
        return "false"
    # an address is one in any case
    texts = [
        f"(?i:{escaped_or_not(each)})" if "@" in each else escaped_or_not(each) for each in ids
    ]
    pattern = f"(^|[^{WORD}]|{ESCAPES})({'|'.join(texts)})($|[^{WORD}])"
    return f"coalesce(regexp_matches({column}, {literal(pattern)}), false)"


def _temporary(connection: duckdb.DuckDBPyConnection, name: str, ids: frozenset[str]) -> None:
    connection.execute(
        f"create or replace temp table {name} as select unnest(?::varchar[]) as id", [sorted(ids)]
    )


def _has_rows(connection: duckdb.DuckDBPyConnection, source: Source) -> bool:
    return bool(connection.execute(f"select 1 from {raw_table(source)} limit 1").fetchall())


def _find_rows(
    connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Source], plan: Plan
) -> None:
    """Make `erased_rows`: source, load_id, line, is_named, event (what identifies the event)."""
    connection.execute(
        "create or replace temp table erased_rows"
        " (source varchar, load_id bigint, line bigint, is_named boolean, event varchar)"
    )
    mentioned = [text for text in plan.texts if is_unmistakable(text)]
    for source in sources.values():
        columns = (*source.column_names, "_extra")
        others = [name for name in columns if name not in source.person_columns]
        texts = f"concat_ws(chr(31), {', '.join(map(quoted, others))})"
        connection.execute(
            f"""
            insert into erased_rows
            with copies as (
                select candidates.load_id, candidates.line
                from main.candidate_events as candidates
                semi join erased_events using (source, event_id)
                where candidates.source = ?
                union all
                select load_id, line from main.candidate_events
                where source = ? and {IS_ROW_ERASED}
            ),
            identified as (
                select
                    _load_id,
                    _line,
                    {is_named(source)} or {names_address(source)} as is_named,
                    {words_match(texts, mentioned)} as is_mentioned,
                    {event_of(source)} as event
                from {raw_table(source)}
            )
            select ?, _load_id, _line, is_named, event
            from identified
            where
                is_named or is_mentioned
                or (_load_id, _line) in (select (load_id, line) from copies)
            """,
            [source.name] * 3,
        )


def _is_text_erased(plan: Plan) -> str:
    """SQL, over `raw.unreadable_rows` and `raw.repaired_rows`: whether the row names a person."""
    return f"({words_match('raw_row', plan.texts)} or {words_match('detail', plan.texts)})"


def scores_erased(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """By table of the schema `scores`, in SQL: whether a row is of a person."""
    is_theirs = is_score_erased(connection)
    is_contact_theirs = (
        f"({IS_PERSON_ERASED} or cart_id in (select cart_id from {_SCORES} where {is_theirs}))"
    )
    found = {
        # before the scores that say whose their carts are
        f"scores.{CONTACT_LOG.name}": is_contact_theirs,
        f"scores.{WITHHELD_CONTACTS.name}": is_contact_theirs,
        _SCORES: is_theirs,
        f"scores.{CONTACT_PLANS.name}": is_theirs,
        f"scores.{HOLDOUT_ARMS.name}": IS_PERSON_ERASED,
        f"scores.{EXPERIMENT_ARMS.name}": IS_PERSON_ERASED,
        f"scores.{SEGMENT_HISTORY.name}": IS_PERSON_ERASED,
        f"scores.{PERSON_SCORES.name}": IS_PERSON_ERASED,
    }
    # an older version made fewer
    return {name: sql for name, sql in found.items() if has_table(connection, *name.split("."))}


def is_score_erased(connection: duckdb.DuckDBPyConnection) -> str:
    """SQL, over carts with visitor and owner: whether one was of a person, or begun by one."""
    is_theirs = (
        "(visitor_id in (select id from erased_visitors)"
        " or owner_id in (select id from erased_users)"
    )
    if not has_table(connection, "main", "carts"):
        return f"{is_theirs})"
    return (
        f"{is_theirs} or cart_id in (select cart_id from main.carts semi join erased_events"
        " on carts.visitor_id = erased_events.visitor_id"
        " and carts.started_at = erased_events.event_at))"
    )
