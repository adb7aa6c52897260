"""Which rows of an export were delivered when: what full, add and remove are worked out from.

Belongs here: the tables `vault.export_lists` and `vault.export_members`. Not here: the working out
(`rolling`), nor who must not be remembered any more (`forgetting`).

A list is kept as what changed, so an hour like the one before costs nothing, and the hour done
again finds the list from before it, and what its earlier files said: a row of theirs that the hour
has no more was listed and left in one and the same hour. Plain addresses stand in it: it is a part
of the vault. What was remembered is the newest hour's; an older one done again changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb
import polars as pl

from orchestration.ground.hours import HOUR
from orchestration.ground.seal import unsealed
from orchestration.ground.sql import transaction
from orchestration.outputs.exports.rolling import Rolled
from orchestration.outputs.exports.rows import ROWS
from orchestration.warehouse.database import has_table

LISTS, MEMBERS = "export_lists", "export_members"
# Contacts count for seven days; rows that left are needed for as long. Where the cooldown is
# longer, who was contacted is needed and when, and not the address.
_KEEP = timedelta(days=8)
# No cooldown that can be set is longer.
LONGEST_COOLDOWN = timedelta(days=366)
# Stands for whoever was erased while on a list.
ERASED = "erased"


@dataclass(frozen=True)
class Before:
    """The list as it stood before an hour.

    Attributes:
        listed: its rows, with the columns of `rows.ROWS`; None: there was none, or it is lost.
        full_at: the hour in which people were added last.
        is_lost: whether more was delivered than is remembered.
        is_rewritten: whether the rows are those of another preset: no row is as it was sent.
        taken_back: identifiers that earlier files of this hour added, or such of the hour before it
            that its last files had no more: whoever is not listed now must be taken off.
        taken_off: rows of the list that earlier files of this hour took off or changed.
    """

    listed: pl.DataFrame | None
    full_at: datetime | None = None
    is_lost: bool = False
    is_rewritten: bool = False
    taken_back: frozenset[str] = frozenset()
    taken_off: frozenset[tuple[str, str]] = frozenset()


def read_before(
    connection: duckdb.DuckDBPyConnection,
    export: str,
    form: str,
    hour: datetime,
    key: bytes | None = None,
) -> Before:
    """The list of an export as it stood before an hour.

    Whoever was erased while on it is on it for the newest hour and the one after it only: that hour
    takes them off, and does so again when it is done again. An older one says nothing of them.

    A list for another e-mail tool finds people by the same identifier: it is kept, with empty rows.

    Args:
        connection: the open warehouse.
        export: its name.
        form: profile, preset and identifier in one text; a list of another form is lost, but one
            of an e-mail export of which only the preset is another.
        hour: the hour.
        key: what `forgetting` sealed with; None while nobody was erased, and where the hour is
            rewritten for an erasure: it must show nobody who was erased.
    """
    if not has_table(connection, "vault", LISTS):
        return Before(None)
    lists = connection.execute(
        f"select form, is_full, hour, persons from vault.{LISTS} where export = ? order by hour",
        [export],
    ).fetchall()
    is_newest = all(at <= hour for _, _, at, _ in lists)
    taken_back = frozenset[str]()
    if lists and is_newest and _is_same_list(lists[-1][0], form):
        taken_back = _taken_back(connection, export, hour, [at for _, _, at, _ in lists], key)
    lists = [each for each in lists if each[2] < hour]
    if not lists:
        return Before(None, taken_back=taken_back)
    listed = connection.sql(
        f"select {', '.join(ROWS)} from vault.{MEMBERS} where export = ? and listed_at < ?"
        " and (left_at is null or left_at >= ?) order by identifier",
        params=[export, hour, hour],
    ).pl()
    newest_form, _, _, persons = lists[-1]
    if not _is_same_list(newest_form, form) or persons != listed.height:
        return Before(None, is_lost=True, taken_back=taken_back)
    if (listed["person_id"] == ERASED).any():
        listed = _with_erased(listed, key if is_newest else None)
    listed = listed.cast(ROWS)
    if newest_form != form:
        rewritten = listed.with_columns(row=pl.lit(""))
        return Before(rewritten, is_rewritten=True, taken_back=taken_back)
    fulls = [at for each, is_full, at, _ in lists if is_full and each == form]
    taken_off = connection.execute(
        f"select identifier, row from vault.{MEMBERS} where export = ? and person_id != ?"
        " and listed_at < ? and left_at = ?",
        [export, ERASED, hour, hour if is_newest else None],
    ).fetchall()
    return Before(
        listed,
        max(fulls, default=None),
        taken_back=taken_back,
        taken_off=frozenset(taken_off),
    )


def identifiers_at(
    connection: duckdb.DuckDBPyConnection, export: str, hour: datetime
) -> frozenset[str] | None:
    """By what those were found whom the list of an hour had; None if it is not remembered."""
    if not has_table(connection, "vault", LISTS):
        return None
    lists = f"select 1 from vault.{LISTS} where export = ? and hour = ?"
    if not connection.execute(lists, [export, hour]).fetchall():
        return None
    found = connection.execute(
        f"select identifier from vault.{MEMBERS} where export = ? and listed_at <= ?"
        " and (left_at is null or left_at > ?)",
        [export, hour, hour],
    ).fetchall()
    return frozenset(identifier for (identifier,) in found)


def remember(
    connection: duckdb.DuckDBPyConnection,
    export: str,
    form: str,
    hour: datetime,
    rolled: Rolled,
    *,
    is_full: bool,
    cooldown: timedelta = LONGEST_COOLDOWN,
) -> bool:
    """Note what was delivered in an hour; the hour done again takes its own place.

    Args:
        connection: the open warehouse.
        export: its name.
        form: see `read_before`.
        hour: the hour.
        rolled: its lists.
        is_full: whether people were added.
        cooldown: for so long it must be known whom a list contacted.

    Returns:
        Whether it was: of an hour older than one that is remembered no tool takes the files.
    """
    left_long_ago = hour - _KEEP
    old = hour - max(_KEEP, cooldown) if form.startswith("email ") else left_long_ago
    with transaction(connection):
        _ensure(connection)
        newest = connection.execute(
            f"select max(hour) from vault.{LISTS} where export = ?", [export]
        ).fetchall()[0][0]
        if newest is not None and newest > hour:
            return False
        _forget_hour(connection, export, hour)
        connection.register("now_listed", rolled.full)
        # what is listed again was not taken back
        connection.execute(
            f"delete from vault.{MEMBERS} where export = ? and listed_at = ? and left_at = ?"
            " and identifier in (select identifier from now_listed)",
            [export, hour, hour],
        )
        is_same = "now_listed.identifier = members.identifier and now_listed.row = members.row"
        connection.execute(
            f"update vault.{MEMBERS} as members set left_at = ? where export = ?"
            " and left_at is null and listed_at < ?"
            f" and not exists (from now_listed where {is_same})",
            [hour, export, hour],
        )
        connection.execute(
            f"insert into vault.{MEMBERS} by name"
            " select ? as export, person_id, identifier, row, cast(? as timestamp) as listed_at"
            f" from now_listed where not exists (from vault.{MEMBERS} as members"
            f" where members.export = ? and members.left_at is null and {is_same})",
            [export, hour, export],
        )
        connection.unregister("now_listed")
        # whoever was erased after this hour added them is taken off by the next
        connection.execute(
            f"insert into vault.{LISTS} select ?, ?, ?, ? + count(*), ? from vault.{MEMBERS}"
            " where export = ? and person_id = ? and left_at is null",
            [export, form, hour, rolled.full.height, is_full, export, ERASED],
        )
        # of the erased no longer than the hour that takes them off can be done again
        connection.execute(
            f"delete from vault.{MEMBERS} where export = ? and left_at < case"
            f" when person_id != ? then cast(? as timestamp) when left_at > listed_at then ?"
            f" else (select max(hour) from vault.{LISTS} where export = ? and hour < ?) end",
            [export, ERASED, old, hour, export, hour],
        )
        connection.execute(
            f"update vault.{MEMBERS} set identifier = '', row = ''"
            " where export = ? and left_at < ? and person_id != ? and identifier != ''",
            [export, left_long_ago, ERASED],
        )
        connection.execute(
            f"delete from vault.{LISTS} where export = ? and hour < ? and hour is distinct from"
            f" (select max(hour) from vault.{LISTS} where export = ? and is_full)",
            [export, old, export],
        )
    return True


def date_back(connection: duckdb.DuckDBPyConnection, hour: datetime, not_after: datetime) -> None:
    """Take lists that were delivered while the clock was ahead for those of the hour before this.

    Tools have them; dated as they are, nothing later would be remembered until the clock is there.

    Args:
        connection: the open warehouse.
        hour: the hour that is about to be exported.
        not_after: the newest hour there can be by the clock.
    """
    if hour > not_after or not has_table(connection, "vault", LISTS):
        return
    before = hour - HOUR
    ahead = f"select export, max(hour) as newest from vault.{LISTS} where hour > ? group by export"
    with transaction(connection):
        connection.execute(
            f"delete from vault.{LISTS} as lists using ({ahead}) as ahead"
            " where lists.export = ahead.export and lists.hour >= ? and lists.hour < ahead.newest",
            [not_after, before],
        )
        connection.execute(f"update vault.{LISTS} set hour = ? where hour > ?", [before, not_after])
        connection.execute(
            f"update vault.{MEMBERS} set listed_at = least(listed_at, ?),"
            " left_at = if(left_at is null, null, least(left_at, ?))"
            " where listed_at > ? or left_at > ?",
            [before, before, not_after, not_after],
        )


def mail_listings(
    connection: duckdb.DuckDBPyConnection, hour: datetime, since: datetime
) -> pl.DataFrame:
    """Whoever was put on an e-mail list, of any name, configured still or not.

    Returns:
        person_id, export, email (null on a list by another identifier, or long ago) and at;
        at >= since and < hour.
    """
    schema = dict.fromkeys(("person_id", "export", "email"), pl.String) | {"at": pl.Datetime("us")}
    if not has_table(connection, "vault", MEMBERS):
        return pl.DataFrame(schema=schema)
    return (
        connection.sql(
            "select distinct members.person_id, members.export,"
            " if(split_part(lists.form, ' ', 3) = 'email', nullif(members.identifier, ''), null)"
            " as email,"
            f" members.listed_at as at from vault.{MEMBERS} as members"
            f" inner join vault.{LISTS} as lists"
            " on members.export = lists.export and members.listed_at = lists.hour"
            " where starts_with(lists.form, 'email ')"
            " and members.listed_at < ? and members.listed_at >= ? order by all",
            params=[hour, since],
        )
        .pl()
        .cast(schema)
    )


def _taken_back(
    connection: duckdb.DuckDBPyConnection,
    export: str,
    hour: datetime,
    hours: list[datetime],
    key: bytes | None,
) -> frozenset[str]:
    """See `Before.taken_back`; of the erased only who is on no list any more: see `read_before`."""
    before = max((at for at in hours if at < hour), default=None)
    found = connection.execute(
        f"select distinct person_id = ?, identifier from vault.{MEMBERS} where export = ?"
        " and ((listed_at = ? and (person_id != ? or left_at = listed_at))"
        " or (listed_at = ? and left_at = listed_at))",
        [ERASED, export, hour, ERASED, before],
    ).fetchall()
    sent = (key and unsealed(key, each) if is_erased else each for is_erased, each in found)
    return frozenset(filter(None, sent))


def _is_same_list(one: str, other: str) -> bool:
    """Whether two forms are the same, or of e-mail exports that find people by the same."""
    if one == other:
        return True
    profile, _, identifier, *_ = one.split(" ")
    other_profile, _, other_identifier, *_ = other.split(" ")
    return profile == other_profile == "email" and identifier == other_identifier


def _with_erased(listed: pl.DataFrame, key: bytes | None) -> pl.DataFrame:
    """The list with the erased on it as they were sent, or without them where there is no key."""
    is_erased = listed["person_id"] == ERASED
    seals = listed.filter(is_erased)["identifier"]
    sent = pl.Series([key and unsealed(key, seal) for seal in seals], dtype=pl.String)
    erased = listed.filter(is_erased).with_columns(identifier=sent).drop_nulls("identifier")
    return pl.concat([listed.filter(~is_erased), erased]).sort("identifier")


def _ensure(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create schema if not exists vault")
    connection.execute(
        f"create table if not exists vault.{LISTS}"
        " (export varchar, form varchar, hour timestamp, persons bigint, is_full boolean)"
    )
    connection.execute(
        f"create table if not exists vault.{MEMBERS} (export varchar, person_id varchar,"
        " identifier varchar, row varchar, listed_at timestamp, left_at timestamp)"
    )


def _forget_hour(connection: duckdb.DuckDBPyConnection, export: str, hour: datetime) -> None:
    connection.execute(
        f"update vault.{MEMBERS} set left_at = listed_at"
        " where export = ? and listed_at = ? and person_id != ?",
        [export, hour, ERASED],
    )
    connection.execute(f"delete from vault.{LISTS} where export = ? and hour = ?", [export, hour])
