"""What an hour is about to deliver, noted before its folder appears and settled by the next.

Belongs here: the tables `vault.export_pending`, `vault.export_pending_rows` and
`vault.export_pending_contacts`. Not here: what was delivered (`membership`, `contact_log`), nor the
folders (`export_files`).

A run may be killed after the folder appeared and before it is remembered. Whether it was delivered
is then seen by the manifest of the hour: it has the sha256 of the files, or has not. Plain
addresses stand in these tables: they are a part of the vault, and empty but for a killed run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import duckdb
import polars as pl

from orchestration.ground.sql import transaction
from orchestration.outputs.exports import contact_log, membership
from orchestration.outputs.exports.contact_log import LOGGED, NOBODY
from orchestration.outputs.exports.rolling import Rolled
from orchestration.outputs.exports.rows import ROWS
from orchestration.warehouse.database import has_table

_PENDING, _ROWS = "export_pending", "export_pending_rows"
_CONTACTS = "export_pending_contacts"


@dataclass(frozen=True)
class Delivery:
    """An export's list of an hour.

    Attributes:
        export: its name.
        form: see `membership.read_before`.
        hour: the hour.
        rolled: its lists.
        is_full: whether people were added.
        sums: the sha256 of its files.
        contacts: whom it contacts and whom it would have, with the columns of `LOGGED`.
        cooldown: for so long it must be known whom it contacted.
    """

    export: str
    form: str
    hour: datetime
    rolled: Rolled
    is_full: bool
    sums: Sequence[str]
    contacts: pl.DataFrame = field(default_factory=lambda: NOBODY)
    cooldown: timedelta = membership.LONGEST_COOLDOWN


def announce(connection: duckdb.DuckDBPyConnection, deliveries: Sequence[Delivery]) -> None:
    """Note what is about to be delivered, in the place of whatever was noted before."""
    if not deliveries:
        return
    with transaction(connection):
        connection.execute(
            f"create or replace table vault.{_PENDING}"
            " (export varchar, form varchar, hour timestamp, is_full boolean, sums varchar[]);"
            f"create or replace table vault.{_ROWS}"
            " (export varchar, place bigint, person_id varchar, identifier varchar, row varchar)"
        )
        for each in deliveries:
            connection.execute(
                f"insert into vault.{_PENDING} values (?, ?, ?, ?, ?)",
                [each.export, each.form, each.hour, each.is_full, list(each.sums)],
            )
            connection.register("pending_rows", each.rolled.full.with_row_index("place"))
            connection.execute(
                f"insert into vault.{_ROWS} by name select ? as export, * from pending_rows",
                [each.export],
            )
            connection.unregister("pending_rows")
        connection.register("pending_contacts", pl.concat([each.contacts for each in deliveries]))
        connection.execute(f"create or replace table vault.{_CONTACTS} as from pending_contacts")
        connection.unregister("pending_contacts")


def remember(connection: duckdb.DuckDBPyConnection, deliveries: Sequence[Delivery]) -> None:
    """Note that they were delivered; nothing is pending any more."""
    for each in deliveries:
        is_taken = membership.remember(
            connection,
            each.export,
            each.form,
            each.hour,
            each.rolled,
            is_full=each.is_full,
            cooldown=each.cooldown,
        )
        # an older hour that is done again contacts nobody, though other people would be in it now
        contact_log.keep(connection, each.contacts if is_taken else NOBODY)
    _clear(connection)


def settle(connection: duckdb.DuckDBPyConnection, sums_of: Callable[[datetime], set[str]]) -> None:
    """Remember what a killed run delivered, and forget what it did not.

    Args:
        connection: the open warehouse.
        sums_of: the sha256 of the files of an hour, as its manifest has them; none without it.
    """
    if not has_table(connection, "vault", _PENDING):
        return
    found = connection.execute(
        f"select export, form, hour, is_full, sums from vault.{_PENDING} order by export"
    ).fetchall()
    delivered = []
    for export, form, hour, is_full, sums in found:
        if not set(sums) <= sums_of(hour):
            continue
        full = connection.sql(
            f"select {', '.join(ROWS)} from vault.{_ROWS} where export = ? order by place",
            params=[export],
        ).pl()
        full = full.cast(ROWS)
        rolled = Rolled(full, full.clear(), full.clear())
        contacts = _contacts(connection, export)
        delivered.append(Delivery(export, form, hour, rolled, is_full, sums, contacts))
    remember(connection, delivered)


def _contacts(connection: duckdb.DuckDBPyConnection, export: str) -> pl.DataFrame:
    if not has_table(connection, "vault", _CONTACTS):  # an older version noted none
        return NOBODY
    query = f"from vault.{_CONTACTS} where export = ? order by contact_id"
    found = connection.sql(query, params=[export]).pl()
    return pl.concat([NOBODY, found], how="diagonal_relaxed").cast(LOGGED)  # it may lack columns


def _clear(connection: duckdb.DuckDBPyConnection) -> None:
    with transaction(connection):
        for table in (_PENDING, _ROWS, _CONTACTS):
            if has_table(connection, "vault", table):
                connection.execute(f"delete from vault.{table}")
