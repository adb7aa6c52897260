"""Which rows of an export were delivered when: what full, add and remove are worked out from.

Belongs here: the tables `vault.export_lists` and `vault.export_members`. Not here: the working out
(`rolling`).

A list is kept as what changed, so an hour like the one before costs nothing, and the hour done
again finds the list from before it. Plain addresses stand in it: it is a part of the vault. What
was remembered is the newest hour's; an older one done again changes nothing here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb
import polars as pl

from orchestration.ground.seal import sealed, unsealed
from orchestration.ground.sql import transaction
from orchestration.outputs.exports.rolling import Rolled
from orchestration.outputs.exports.rows import ROWS
from orchestration.warehouse.database import has_table

_LISTS, _MEMBERS = "export_lists", "export_members"
# Contacts count for seven days; rows that left are needed for as long.
_KEEP = timedelta(days=8)
# Stands for whoever was erased while on a list.
ERASED = "erased"


@dataclass(frozen=True)
class Before:
    """The list as it stood before an hour.

    Attributes:
        listed: its rows, with the columns of `rows.ROWS`; None: there was none, or it is lost.
        full_at: the hour in which people were added last.
        is_lost: whether more was delivered than is remembered.
    """

    listed: pl.DataFrame | None
    full_at: datetime | None = None
    is_lost: bool = False


def read_before(
    connection: duckdb.DuckDBPyConnection,
    export: str,
    form: str,
    hour: datetime,
    key: bytes | None = None,
) -> Before:
    """The list of an export as it stood before an hour.

    Whoever was erased while on it is on it for the hour after the newest one only: that hour takes
    them off. An hour that is written again says nothing of them any more.

    Args:
        connection: the open warehouse.
        export: its name.
        form: profile, preset and identifier in one text; a list of another form is lost.
        hour: the hour.
        key: what `forget` sealed with; None while nobody was erased.
    """
    if not has_table(connection, "vault", _LISTS):
        return Before(None)
    lists = connection.execute(
        f"select form, is_full, hour, persons from vault.{_LISTS} where export = ? order by hour",
        [export],
    ).fetchall()
    is_next = all(at < hour for _, _, at, _ in lists)
    lists = [each for each in lists if each[2] < hour]
    if not lists:
        return Before(None)
    listed = connection.sql(
        f"select {', '.join(ROWS)} from vault.{_MEMBERS} where export = ? and listed_at < ?"
        " and (left_at is null or left_at >= ?) order by identifier",
        params=[export, hour, hour],
    ).pl()
    newest_form, _, _, persons = lists[-1]
    if newest_form != form or persons != listed.height:
        return Before(None, is_lost=True)
    if (listed["person_id"] == ERASED).any():
        listed = _with_erased(listed, key if is_next else None)
    fulls = [at for each, is_full, at, _ in lists if is_full and each == form]
    return Before(listed.cast(ROWS), max(fulls, default=None))


def remember(
    connection: duckdb.DuckDBPyConnection,
    export: str,
    form: str,
    hour: datetime,
    rolled: Rolled,
    *,
    is_full: bool,
) -> None:
    """Note what was delivered in an hour; the hour done again takes its own place.

    Args:
        connection: the open warehouse.
        export: its name.
        form: see `read_before`.
        hour: the hour.
        rolled: its lists.
        is_full: whether people were added.
    """
    with transaction(connection):
        _ensure(connection)
        newest = connection.execute(
            f"select max(hour) from vault.{_LISTS} where export = ?", [export]
        ).fetchall()[0][0]
        if newest is not None and newest > hour:
            return
        _forget_hour(connection, export, hour)
        connection.register("now_listed", rolled.full)
        is_same = "now_listed.identifier = members.identifier and now_listed.row = members.row"
        connection.execute(
            f"update vault.{_MEMBERS} as members set left_at = ? where export = ?"
            f" and left_at is null and not exists (from now_listed where {is_same})",
            [hour, export],
        )
        connection.execute(
            f"insert into vault.{_MEMBERS} by name"
            " select ? as export, person_id, identifier, row, cast(? as timestamp) as listed_at"
            f" from now_listed where not exists (from vault.{_MEMBERS} as members"
            f" where members.export = ? and members.left_at is null and {is_same})",
            [export, hour, export],
        )
        connection.unregister("now_listed")
        connection.execute(
            f"insert into vault.{_LISTS} values (?, ?, ?, ?, ?)",
            [export, form, hour, rolled.full.height, is_full],
        )
        connection.execute(
            f"delete from vault.{_MEMBERS} where export = ?"
            " and left_at < if(person_id = ?, cast(? as timestamp), cast(? as timestamp))",
            [export, ERASED, hour, hour - _KEEP],
        )
        connection.execute(
            f"delete from vault.{_LISTS} where export = ? and hour < ?", [export, hour - _KEEP]
        )


def contacts(
    connection: duckdb.DuckDBPyConnection, exports: list[str], hour: datetime
) -> pl.DataFrame:
    """The contacts of the seven days before an hour: whoever was put on an e-mail list.

    Returns:
        One row a person: person_id, last_contacted_at and contacts_in_7_days.
    """
    schema = {
        "person_id": pl.String,
        "last_contacted_at": pl.Datetime("us"),
        "contacts_in_7_days": pl.Int64,
    }
    if not has_table(connection, "vault", _MEMBERS):
        return pl.DataFrame(schema=schema)
    return (
        connection.sql(
            "select person_id, max(listed_at) as last_contacted_at,"
            " cast(count(distinct listed_at) as bigint) as contacts_in_7_days"
            f" from vault.{_MEMBERS} where list_contains(?, export)"
            " and listed_at < ? and listed_at >= ? - to_days(7) group by person_id order by 1",
            params=[exports, hour, hour],
        )
        .pl()
        .cast(schema)
    )


def forget(connection: duckdb.DuckDBPyConnection, users: Iterable[str], key: bytes) -> None:
    """Of erased users nothing is remembered but what the next hour must take off the lists.

    That is the identifier that was sent, sealed, and without whose it is; the hour after the next
    forgets it, too.

    Args:
        connection: the open warehouse.
        users: user ids.
        key: what to seal with: the key of the home's erasures.
    """
    if not has_table(connection, "vault", _MEMBERS):
        return
    for user in users:
        person = f"user:{user}"
        connection.execute(
            f"delete from vault.{_MEMBERS} where person_id = ? and left_at is not null", [person]
        )
        sent = connection.execute(
            f"select distinct identifier from vault.{_MEMBERS} where person_id = ?", [person]
        ).fetchall()
        for (identifier,) in sent:
            connection.execute(
                f"update vault.{_MEMBERS} set person_id = ?, row = '', identifier = ?"
                " where person_id = ? and identifier = ?",
                [ERASED, sealed(key, identifier), person, identifier],
            )
    connection.execute(
        f"update vault.{_LISTS} as lists set persons = (select count(*) from vault.{_MEMBERS} as"
        " members where members.export = lists.export and listed_at <= lists.hour"
        " and (left_at is null or left_at > lists.hour))"
    )


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
        f"create table if not exists vault.{_LISTS}"
        " (export varchar, form varchar, hour timestamp, persons bigint, is_full boolean)"
    )
    connection.execute(
        f"create table if not exists vault.{_MEMBERS} (export varchar, person_id varchar,"
        " identifier varchar, row varchar, listed_at timestamp, left_at timestamp)"
    )


def _forget_hour(connection: duckdb.DuckDBPyConnection, export: str, hour: datetime) -> None:
    connection.execute(
        f"delete from vault.{_MEMBERS} where export = ? and listed_at = ?", [export, hour]
    )
    connection.execute(
        f"update vault.{_MEMBERS} set left_at = null where export = ? and left_at = ?",
        [export, hour],
    )
    connection.execute(f"delete from vault.{_LISTS} where export = ? and hour = ?", [export, hour])
