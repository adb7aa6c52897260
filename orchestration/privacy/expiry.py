"""What is too old to be kept of what was delivered, and taking it away.

Belongs here: which events and which contact data are too old at an instant, and the deletions. Not
here: how long they are kept (`settings_retention`), scores and exports, which whoever writes them
drops, nor the order of the steps (`dagster.expiry_steps`).

Nobody is marked as erased: rows that are delivered again count again, until they are too old again.
What a person allows or refused stays: without the history of consents, a row that only repeats one
would lift an unsubscription.
"""

import json
from collections.abc import Mapping
from datetime import datetime

import duckdb

from orchestration.ground.home import Home
from orchestration.ground.sql import literal, quoted, transaction
from orchestration.landing import Source
from orchestration.landing.addresses import define_address_keys
from orchestration.landing.ids import known_id
from orchestration.landing.raw_tables import raw_table
from orchestration.people import attributes, vault, words
from orchestration.privacy import rectified
from orchestration.warehouse import passed_files
from orchestration.warehouse.database import has_table

# What is left of a row of profiles.
_KEPT_OF_PROFILES = ("user_id", "updated_at", *words.CONSENTS)
_SUPPRESSING = ", ".join(map(literal, words.SUPPRESSING))
# There from the moment that something was taken away until nothing of it is left in any file.
_TAKEN_AWAY = "taken_away"


def is_unfinished(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether something was taken away by a run that was killed before all had followed."""
    return has_table(connection, "raw", _TAKEN_AWAY)


def finish(connection: duckdb.DuckDBPyConnection) -> None:
    """Note that nothing of what was taken away is left anywhere."""
    connection.execute(f"drop table if exists raw.{_TAKEN_AWAY}")


def months_before(instant: datetime, months: int) -> datetime:
    """The beginning of the month so many months before that of an instant."""
    year, month = divmod(instant.year * 12 + instant.month - 1 - months, 12)
    first = instant.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return first.replace(year=year, month=month + 1)


def expire_events(
    connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Source], limit: datetime
) -> int:
    """Delete the delivered rows of events before a limit; all tables are to be built again then.

    A row that is no event says nothing of when it was: it goes if its file landed before the limit.
    Of rows that could not be read, or were mended, reason and line stay then, and no text.

    Args:
        connection: the open warehouse, in which dbt has built the log before.
        sources: all sources.
        limit: UTC.

    Returns:
        How many rows the tables have of them.
    """
    if not has_table(connection, "main", "candidate_events"):
        return 0
    connection.execute(
        """
        create or replace temp table expired as
        select candidates.source, candidates.load_id, candidates.line
        from main.candidate_events as candidates
        inner join raw.files on candidates.load_id = files.load_id
        where if(drop_reason is null, event_at, landed_at) < ?
        """,
        [limit],
    )
    counts = connection.execute("select source, count(*) from expired group by all").fetchall()
    with transaction(connection):
        if counts:
            _note_taken_away(connection)
        passed_files.keep(connection, "expired")
        for name, _ in counts:
            # after a run that was killed they are gone, and counted, already
            is_expired = (
                f"from {raw_table(sources[name])} where (_load_id, _line) in"
                " (select (load_id, line) from expired where source = ?)"
            )
            connection.execute(_counted(f"select _load_id, count(*) {is_expired}"), [name])
            connection.execute(f"delete {is_expired}", [name])
        for table in ("repaired_rows", "unreadable_rows"):
            connection.execute(
                f"update raw.{table} set raw_row = null where raw_row is not null and load_id in"
                " (select load_id from raw.files where landed_at < ?)",
                [limit],
            )
        connection.execute(
            "delete from raw.repaired_rows"
            " where (load_id, line) in (select (load_id, line) from expired)"
        )
    connection.execute("drop table expired")
    return sum(count for _, count in counts)


def strip_idle(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    sources: Mapping[str, Source],
    limit: datetime,
    attributes_limit: datetime | None = None,
) -> int:
    """Take names and addresses from whoever has no event and no profile since a limit.

    Of profiles ids, consents and times stay, also in corrections; such a profile counts as none
    until another is delivered. Attributes stay until a limit of their own: models learn from what
    was known of people at past instants, and would learn who came back from who is still known. A
    message to such a person is known by the user alone, one to an address of nobody goes.
    Suppressions, and messages that suppress, stay as they are: without the address nobody would
    know that it must not be used.

    Args:
        connection: the open warehouse, with the vault settled and the log built; the vault is to be
            settled again.
        home: where corrections lie.
        sources: all sources, with the shop's words for nobody.
        limit: UTC.
        attributes_limit: the limit for attributes; None: they are kept for good.

    Returns:
        How many rows were stripped or deleted.
    """
    if not has_table(connection, "vault", "settled") or not has_table(connection, "main", "events"):
        return 0
    define_address_keys(connection)
    profiles, messages = sources["profiles"], sources["contacts"]
    texts = [quoted(name) for name in profiles.column_names if name not in _KEPT_OF_PROFILES]
    given = attributes.given_in("_extra")
    connection.execute(
        f"""
        create or replace temp table idle_rows as
        with delivered as (
            select
                _load_id as load_id,
                _line as line,
                {known_id("user_id", profiles.placeholders)} as known_user,
                coalesce({", ".join(texts)}) is not null
                or _extra is distinct from {given} as has_contact_data,
                _extra is not null as has_attributes
            from {raw_table(profiles)}
        ),
        seen as (
            select user_id, max(seen_at) as seen_at
            from (
                select user_id, updated_at as seen_at from vault.profile_versions
                union all
                select unnest([owner_id, user_id]), event_at from main.events
                where event_at >= least($limit, $attributes_limit)
            )
            group by user_id
        )
        select load_id, line, coalesce(seen_at < $attributes_limit, false) as is_long_idle
        from delivered
        left join seen on delivered.known_user = seen.user_id
        where
            (has_contact_data and coalesce(seen_at < $limit, true))
            or (has_attributes and coalesce(seen_at < $attributes_limit, false))
        """,
        {"limit": limit, "attributes_limit": attributes_limit},
    )
    _find_old_addresses(connection, limit)
    harmless = f"coalesce({words.status('status')}, '') not in ({_SUPPRESSING})"
    table = raw_table(messages)
    own_user = known_id(f"{table}.user_id", messages.placeholders)
    connection.execute(
        f"create or replace temp table going as select _load_id as load_id, _line as line"
        f" from {table} where {harmless}"
        " and email in (select email from old_addresses where user_id is null)"
    )
    with transaction(connection):
        stripped = _count(connection, "idle_rows")
        if stripped:
            connection.execute("insert into raw.stripped_rows select load_id, line from idle_rows")
            connection.execute(
                f"update {raw_table(profiles)} set {', '.join(f'{each} = null' for each in texts)},"
                f" _extra = case when not is_long_idle then {given} end from idle_rows"
                " where _load_id = load_id and _line = line"
            )
            _strip_corrections(connection, home)
        renamed = _changed(
            connection,
            f"update {table} set email = null,"
            f" user_id = coalesce({own_user}, old.user_id)"
            f" from old_addresses as old where {harmless} and {table}.email = old.email"
            " and old.user_id is not null",
        )
        passed_files.keep(connection, "going")
        connection.execute(_counted("select load_id, count(*) from going"))
        deleted = _changed(
            connection,
            f"delete from {table} where (_load_id, _line) in (select (load_id, line) from going)",
        )
        if stripped + renamed + deleted:
            _note_taken_away(connection)
            vault.forget(connection)
    for name in ("idle_rows", "old_addresses", "going"):
        connection.execute(f"drop table {name}")
    return stripped + renamed + deleted


def _find_old_addresses(connection: duckdb.DuckDBPyConnection, limit: datetime) -> None:
    """Make `old_addresses`: email as messages have it, and the idle user of that address; null
    where it is nobody's and the newest message to it is too old."""
    connection.execute(
        """
        create or replace temp table old_addresses as
        with owned as (
            select
                email_key,
                arg_max(user_id, updated_at) as user_id,
                bool_and((load_id, line) in (select (load_id, line) from idle_rows)) as is_idle
            from vault.profile_versions
            where email_key is not null
            group by email_key
        ),
        messaged as (
            select
                email,
                any_value(email_key) as email_key,
                max(contacted_at) as newest_at,
                bool_and(user_id is null and visitor_id is null) as is_by_address
            from vault.contact_rows
            where email is not null
            group by email
        )
        select messaged.email, owned.user_id
        from messaged
        left join owned on messaged.email_key = owned.email_key
        where
            owned.is_idle
            or (owned.user_id is null and messaged.is_by_address and messaged.newest_at < ?)
        """,
        [limit],
    )


def _strip_corrections(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Do to the files of corrections what was done to their rows; they stay known by content."""
    loads = connection.execute(
        "select any_value(file), bool_or(is_long_idle)"
        " from raw.files inner join idle_rows using (load_id) group by load_id"
    ).fetchall()
    for name, is_long_idle in loads:
        path = home.rectified / name.rpartition("/")[2]
        if not path.is_file():
            continue
        kept = [
            {
                key: value
                for key, value in row.items()
                if key in _KEPT_OF_PROFILES or (key.startswith("attr_") and not is_long_idle)
            }
            for row in rectified.read(path)
        ]
        content = "".join(f"{json.dumps(row)}\n" for row in kept).encode()
        rectified.rewrite(connection, path, content)


def _note_taken_away(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(f"create table if not exists raw.{_TAKEN_AWAY} (is_it boolean)")


def _counted(rows: str) -> str:
    """SQL that adds to `raw.expired_rows` what a query, yet to be grouped, says of each load."""
    return (
        f"insert into raw.expired_rows {rows} group by all"
        " on conflict do update set row_count = row_count + excluded.row_count"
    )


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return connection.execute(f"select count(*) from {table}").fetchall()[0][0]


def _changed(connection: duckdb.DuckDBPyConnection, statement: str) -> int:
    """How many rows a statement changed."""
    return connection.execute(statement).fetchall()[0][0]
