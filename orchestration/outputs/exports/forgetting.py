"""Whom lists of exports must not remember any more: the erased, and addresses too old to keep.

Belongs here: what is left of them in `vault.export_lists` and `vault.export_members`. Not here:
what the next hour makes of it (`membership`), or who is erased or too old (`privacy`).
"""

from collections.abc import Iterable

import duckdb
import polars as pl

from ml.features import USER_PREFIX
from orchestration.ground.seal import sealed
from orchestration.ground.sql import transaction
from orchestration.landing.addresses import email_key
from orchestration.outputs.exports import csv_text
from orchestration.outputs.exports.membership import ERASED, LISTS, MEMBERS
from orchestration.warehouse.database import has_table

_LISTED = {"line": pl.String, "email_key": pl.String}


def forget(
    connection: duckdb.DuckDBPyConnection,
    users: Iterable[str],
    key: bytes,
    emails: Iterable[str] = (),
) -> None:
    """Of erased users nothing is remembered but what the next hour must take off the lists.

    That is the identifier that was sent, sealed, and without whose it is; the hour after the next
    forgets it, too.

    Args:
        connection: the open warehouse.
        users: user ids.
        key: what to seal with: the key of the home's erasures.
        emails: addresses that are theirs alone, in any spelling.
    """
    if not has_table(connection, "vault", MEMBERS):
        return
    persons = [f"{USER_PREFIX}{user}" for user in users]
    for person in [*persons, *_known_by(connection, emails)]:
        connection.execute(
            f"delete from vault.{MEMBERS} as members where person_id = ? and left_at < (select"
            f" max(hour) from vault.{LISTS} as lists where lists.export = members.export)",
            [person],
        )
        # the newest files do not say any more that they left: the next ones do, as of a row that
        # was listed and left in one and the same hour
        connection.execute(
            f"update vault.{MEMBERS} set listed_at = left_at"
            " where person_id = ? and left_at is not null",
            [person],
        )
        sent = connection.execute(
            f"select distinct identifier from vault.{MEMBERS} where person_id = ?", [person]
        ).fetchall()
        for (identifier,) in sent:
            connection.execute(
                f"update vault.{MEMBERS} set person_id = ?, row = '', identifier = ?"
                " where person_id = ? and identifier = ?",
                [ERASED, sealed(key, identifier), person, identifier],
            )
    _count_again(connection)


def forget_unknown(connection: duckdb.DuckDBPyConnection) -> None:
    """Of lists of addresses forget those that the vault does not know any more.

    No hour takes them off then: whoever said no, and is too long gone for the address to be kept,
    did not allow anything, and a tool that has to take them off would write to them.
    """
    if not has_table(connection, "vault", MEMBERS):
        return
    keys = _addresses(connection)
    listed = pl.DataFrame({"line": [*keys], "email_key": [*keys.values()]}, _LISTED)
    connection.register("listed_addresses", listed)
    tables = ("profile_versions", "suppression_rows", "contact_rows")
    known = " union all ".join(
        ["select null as email_key"]
        + [
            f"select email_key from vault.{name}"
            for name in tables
            if has_table(connection, "vault", name)
        ]
    )
    with transaction(connection):
        connection.execute(
            f"delete from vault.{MEMBERS} where person_id = identifier and identifier in"
            f" (select line from listed_addresses anti join ({known}) using (email_key))"
        )
        _count_again(connection)
    connection.unregister("listed_addresses")


def _count_again(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        f"update vault.{LISTS} as lists set persons = (select count(*) from vault.{MEMBERS} as"
        " members where members.export = lists.export and listed_at <= lists.hour"
        " and (left_at is null or left_at > lists.hour))"
    )


def _known_by(connection: duckdb.DuckDBPyConnection, emails: Iterable[str]) -> list[str]:
    """Whom lists of addresses know by one of these: a list of suppressions knows no user."""
    keys = {email_key(each) for each in emails}
    return [line for line, key in _addresses(connection).items() if key in keys]


def _addresses(connection: duckdb.DuckDBPyConnection) -> dict[str, str | None]:
    """Whom lists know by nothing but the address: how they have it, and its key."""
    query = f"select distinct person_id from vault.{MEMBERS} where person_id = identifier"
    lines = [line for (line,) in connection.execute(f"{query} order by 1").fetchall()]
    return {line: email_key(csv_text.cells(line)[0]) for line in lines}
