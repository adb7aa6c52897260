"""Erasing a person: whom that concerns, what goes, and what stays to keep them from coming back.

Belongs here: the rule of who is erased with whom, the tombstones and deletions in the warehouse,
the file that replaces it, and the papers under `erasures/`. Not here: how landing honours a
tombstone (`landing.erased`), the search that proves the erasure (`proof`), the order of the steps
(`erasing`).

A killed erasure is repeated: what it had found out is in `erasures/pending.json`, readable by its
owner only, until the proof is made. The next erasure, whoever it is for, completes it.
"""

import json
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

import duckdb

from orchestration import warehouse
from orchestration.errors import ComebackError
from orchestration.home import Home, replace_file, successor, take_place
from orchestration.landing import Source, ensure_raw_tables
from orchestration.landing.erased import (
    DETAIL,
    NOBODY,
    REASON,
    WORD,
    bury,
    define_keyed_hash,
    event_of,
    keep_copy,
    key_id,
    keyed_hash,
    read_key,
    user_of,
    visitor_of,
)
from orchestration.landing.sources import quoted
from orchestration.landing.tables import literal, raw_table
from orchestration.settings import Settings
from orchestration.warehouse import has_table, transaction

PENDING = "pending.json"


@dataclass(frozen=True)
class Subject:
    """The person that an erasure is for. The id is kept out of its text, so out of every log.

    Attributes:
        kind: whether the id is a visitor's or a user's.
        id: the id, without spaces around it.
    """

    kind: Literal["visitor", "user"]
    id: str = field(repr=False)

    @classmethod
    def named(cls, kind: Literal["visitor", "user"], text: str) -> Self:
        """The subject of an id as a person types it.

        Raises:
            ComebackError: the id means nobody.
        """
        id_ = text.strip(" ")
        if id_.lower() in NOBODY:
            raise ComebackError(
                f"'{text}' means nobody", f"the {kind} to erase", "give the id of one person"
            )
        return cls(kind, id_)


@dataclass(frozen=True)
class Plan:
    """What an erasure found, as long as it can be found: ids are gone once their rows are.

    Attributes:
        visitors: ids of visitors to erase.
        users: ids of users to erase.
        rows: rows that go, by table.
        files: dumps that named them, `source: file`.
    """

    visitors: frozenset[str] = field(default=frozenset(), repr=False)
    users: frozenset[str] = field(default=frozenset(), repr=False)
    rows: Mapping[str, int] = field(default_factory=dict)
    files: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def of(cls, subject: Subject) -> Self:
        """The plan before anything is known but whom it is for."""
        return cls(**{f"{subject.kind}s": frozenset([subject.id])})

    @property
    def ids(self) -> list[str]:
        """Everything that must not be found any more."""
        return sorted(self.visitors | self.users)

    def joined(self, other: "Plan") -> "Plan":
        """Both; a killed run and its repetition count the same rows, or one of them none."""
        tables = sorted({*self.rows, *other.rows})
        return Plan(
            self.visitors | other.visitors,
            self.users | other.users,
            {name: max(self.rows.get(name, 0), other.rows.get(name, 0)) for name in tables},
            self.files | other.files,
        )


def read_pending(home: Home) -> Plan:
    """The plan of an erasure that did not end; an empty one if all did."""
    try:
        values = json.loads((home.erasures / PENDING).read_bytes())
    except FileNotFoundError:
        return Plan()
    sets = {name: frozenset(values[name]) for name in ("visitors", "users", "files")}
    return Plan(rows=values["rows"], **sets)


def write_pending(home: Home, plan: Plan) -> None:
    """Keep a plan until the erasure has ended."""
    lists = {name: sorted(getattr(plan, name)) for name in ("visitors", "users", "files")}
    content = json.dumps({**lists, "rows": plan.rows}).encode()
    replace_file(home.erasures / PENDING, content, mode=0o600)


def drop_pending(home: Home) -> None:
    """The erasure has ended."""
    (home.erasures / PENDING).unlink(missing_ok=True)


def mark(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    sources: Mapping[str, Source],
    subject: Subject,
    now: datetime,
) -> None:
    """Set the subject's tombstone: from here on no file brings the person back.

    Raises:
        ComebackError: there are tombstones, but the key that made them is gone.
    """
    home.erasures.mkdir(mode=0o700, exist_ok=True)
    ensure_raw_tables(connection, sources)
    key = read_key(home.erasure_key)
    made_with = connection.execute("select distinct key_id from raw.tombstones").fetchall()
    if any(each != (key and key_id(key)) for (each,) in made_with):
        raise ComebackError(
            "people were erased before, but the key that tells them is not the one it was",
            str(home.erasure_key),
            "restore the file from a backup: without it they would come back",
        )
    if key is None:
        key = secrets.token_bytes(32)
        replace_file(home.erasure_key, key, mode=0o600)
    with transaction(connection):
        bury(connection, key, subject.kind, [subject.id], now)
        keep_copy(connection, home.tombstones)


def find(connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Source], plan: Plan) -> Plan:
    """Find what the ids of a plan concern, and note it in temporary tables for `remove`.

    A visitor is erased with all its events. A user is erased with

    - every visitor that no other user ever signed in on: all events of it;
    - on a device shared with others, the events that were the user's by the rule of ownership, and
      those before the first sign-in of all if that was this user's. The other events stay;
    - rows of other people that mention an erased id in a text, where the id is long enough to be
      nothing else (`is_unmistakable`); rows that could not be read, wherever it stands as a word.

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
    connection.execute(
        "insert into erased_visitors"
        " select visitor_id from main.events where user_id is not null group by 1"
        " having bool_and(user_id in (select id from erased_users))"
        " except select id from erased_visitors"
    )
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
    visitors = connection.execute("select id from erased_visitors").fetchall()
    found = Plan(frozenset(id_ for (id_,) in visitors), plan.users)
    _find_rows(connection, sources, found)
    counts = connection.execute("select source, count(*) from erased_rows group by 1").fetchall()
    rows = {f"raw.{name}": count for name, count in sorted(counts)}
    for table in ("unreadable_rows", "repaired_rows"):
        query = f"select count(*) from raw.{table} where {_is_text_erased(found)}"
        rows[f"raw.{table}"] = connection.execute(query).fetchall()[0][0]
    query = f"select count(*) from scores.cart_scores where {_is_score_erased(connection)}"
    rows["scores.cart_scores"] = connection.execute(query).fetchall()[0][0]
    files = connection.execute(
        "select distinct source || ': ' || file from raw.files where load_id in"
        " (select load_id from erased_rows union all"
        f" select load_id from raw.unreadable_rows where {_is_text_erased(found)})"
    ).fetchall()
    return Plan(
        found.visitors,
        found.users,
        {name: count for name, count in rows.items() if count},
        frozenset(name for (name,) in files),
    )


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
        bury(connection, key, "visitor", plan.visitors, now)
        bury(connection, key, "user", plan.users, now)
        connection.execute(
            "insert or ignore into raw.tombstones select distinct"
            " 'row', keyed_hash('row', event), null, ?, ? from erased_rows where not is_named",
            [key_id(key), now],
        )
        keep_copy(connection, home.tombstones)
        connection.execute(f"delete from scores.cart_scores where {_is_score_erased(connection)}")
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
            [REASON, DETAIL],
        )
        connection.execute(
            "delete from raw.repaired_rows"
            " where (load_id, line) in (select (load_id, line) from erased_rows)"
        )
        connection.execute(f"update raw.repaired_rows set raw_row = null where {is_erased}")
        connection.execute(
            "insert into raw.unreadable_rows select load_id, line, ?, ?, null from erased_rows",
            [REASON, DETAIL],
        )
        connection.execute(
            f"update raw.files set note = ? where {words_match('note', plan.ids)}", [DETAIL]
        )


def replace_warehouse(home: Home, settings: Settings) -> None:
    """Put a fresh copy in the place of the warehouse: DuckDB leaves deleted bytes in its file.

    Damaged files that were put aside hold the same bytes, and go.
    """
    for damaged in home.root.glob(f"{home.warehouse.name}.damaged-*"):
        damaged.unlink()
    fresh = successor(home.warehouse)
    with warehouse.connect(home, settings) as connection:
        connection.execute("checkpoint")
        name = connection.execute("select current_database()").fetchall()[0][0]
        connection.execute(f"attach {literal(str(fresh))} as fresh")
        connection.execute(f"copy from database {quoted(name)} to fresh")
        connection.execute("checkpoint fresh")
        connection.execute("detach fresh")
    # all of it was folded into the old file; beside the new one it would be another file's
    home.warehouse.with_name(f"{home.warehouse.name}.wal").unlink(missing_ok=True)
    take_place(fresh, home.warehouse)


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
    """SQL: whether one of the ids stands in a column of text as a word; false for null."""
    if not ids:
        return "false"
    pattern = f"(^|[^{WORD}])({'|'.join(map(re.escape, ids))})($|[^{WORD}])"
    return f"coalesce(regexp_matches({column}, {literal(pattern)}), false)"


def write_report(home: Home, subject: Subject, values: Mapping[str, object], at: datetime) -> Path:
    """Keep what was done, with the keyed hash in the place of the id; where."""
    hash_ = keyed_hash(home.erasure_key.read_bytes(), subject.kind, subject.id)
    path = home.erasures / f"{at:%Y-%m-%dT%H%M%SZ}-{hash_[:8]}.json"
    report = {"erased_at": f"{at.isoformat()}Z", "kind": subject.kind, "hash": hash_, **values}
    replace_file(path, (json.dumps(report, indent=2) + "\n").encode(), mode=0o600)
    return path


def was_erased(home: Home, subject: Subject) -> bool:
    """Whether a report says that the subject was erased before."""
    hash_ = keyed_hash(home.erasure_key.read_bytes(), subject.kind, subject.id)
    return any(home.erasures.glob(f"*-{hash_[:8]}.json"))


def _temporary(connection: duckdb.DuckDBPyConnection, name: str, ids: frozenset[str]) -> None:
    connection.execute(
        f"create or replace temp table {name} as select unnest(?::varchar[]) as id", [sorted(ids)]
    )


def _find_rows(
    connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Source], plan: Plan
) -> None:
    """Make `erased_rows`: source, load_id, line, is_named, event (what tells the event)."""
    connection.execute(
        "create or replace temp table erased_rows"
        " (source varchar, load_id bigint, line bigint, is_named boolean, event varchar)"
    )
    mentioned = [id_ for id_ in plan.ids if is_unmistakable(id_)]
    for source in sources.values():
        identities = source.identity("visitor") + source.identity("user")
        others = [name for name in (*source.column_names, "_extra") if name not in identities]
        texts = f"concat_ws(chr(31), {', '.join(map(quoted, others))})"
        connection.execute(
            f"""
            insert into erased_rows
            with copies as (
                select candidates.load_id, candidates.line
                from main.candidate_events as candidates
                semi join erased_events using (source, event_id)
                where candidates.source = ?
            ),
            told as (
                select
                    _load_id,
                    _line,
                    coalesce({visitor_of(source)} in (select id from erased_visitors), false)
                    or coalesce({user_of(source)} in (select id from erased_users), false)
                        as is_named,
                    {words_match(texts, mentioned)} as is_mentioned,
                    {event_of(source)} as event
                from {raw_table(source)}
            )
            select ?, _load_id, _line, is_named, event
            from told
            where
                is_named or is_mentioned
                or (_load_id, _line) in (select (load_id, line) from copies)
            """,
            [source.name, source.name],
        )


def _is_text_erased(plan: Plan) -> str:
    """SQL, over `raw.unreadable_rows` and `raw.repaired_rows`: whether the row names a person."""
    return f"({words_match('raw_row', plan.ids)} or {words_match('detail', plan.ids)})"


def _is_score_erased(connection: duckdb.DuckDBPyConnection) -> str:
    """SQL, over `scores.cart_scores`: whether the cart was of a person, or begun by one."""
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
