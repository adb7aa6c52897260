"""What was known of people at the instants of the rows that models learn from and score.

Belongs here: the attributes of profiles beside rows of snapshots and returns. Not here: which of
them become features (`ml.attributes`), or which row of a person counts (`people`).

They are the only thing of the vault that a model sees: no address and no name is among them, and
no column of them is published.
"""

import duckdb
import polars as pl

from ml.features import ATTRIBUTES
from orchestration.warehouse.database import has_table


def with_attributes(
    connection: duckdb.DuckDBPyConnection, rows: pl.DataFrame, at: str
) -> pl.DataFrame:
    """The rows with `ATTRIBUTES` as they were known at the time of each, in their order.

    A profile is known from its `updated_at` on, whenever it was delivered, as events are.

    Args:
        connection: the open warehouse.
        rows: owner_id, as it was known at that time, and others.
        at: the column with the time.

    Returns:
        The rows as they are where nobody has an attribute.
    """
    if not has_table(connection, "vault", "profile_versions"):
        return rows
    connection.register("owners", rows.select("owner_id").unique())
    known = connection.sql(
        "select user_id as owner_id, updated_at, attributes from vault.profile_versions"
        " where user_id in (select owner_id from owners) order by updated_at, user_id"
    ).pl()
    connection.unregister("owners")
    if known[ATTRIBUTES].null_count() == known.height:
        return rows
    known = known.cast({"updated_at": pl.Datetime("us")})
    return (
        rows.with_row_index("place")
        .sort(at)
        .join_asof(
            known.set_sorted("updated_at"),
            left_on=at,
            right_on="updated_at",
            by="owner_id",
            strategy="backward",
            check_sortedness=False,
        )
        .sort("place")
        .drop("place", "updated_at")
    )
