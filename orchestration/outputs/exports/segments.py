"""Segments of people in exports: whom a list of the ads takes, and what an e-mail says of them.

Belongs here: which segments an export takes, and their members at an hour. Not here: who is in a
segment (`warehouse.segment_history`), nor the segments of carts, which are columns of their scores.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import duckdb
import polars as pl

from ml.features import USER_PREFIX
from orchestration.ground.errors import ComebackError
from orchestration.ground.segments import Segment
from orchestration.ground.settings_exports import CART_SEGMENTS, Export
from orchestration.modelling import holdout_arms
from orchestration.warehouse.contact_tables import HOLDOUT_ARMS
from orchestration.warehouse.database import has_table
from orchestration.warehouse.segment_tables import SEGMENT_HISTORY

# After everybody with a cart.
_LAST = 1_000_000_000


def taken(name: str, entry: Export, known: Mapping[str, Segment]) -> list[str]:
    """Names of the segments of people that an export takes, in order.

    Args:
        name: of the export.
        entry: what the settings say of it.
        known: all segments; their yml may name exports.

    Raises:
        ComebackError: there is no such segment.
    """
    for segment in entry.segments:
        if segment not in CART_SEGMENTS and segment not in known:
            raise ComebackError(
                f"there is no segment '{segment}'",
                f"[exports.{name}] segments",
                f"use one of: {', '.join(sorted({*known, *CART_SEGMENTS}))}",
            )
    named = {each.name for each in known.values() if name in each.export}
    return sorted(named | (set(entry.segments) - {*CART_SEGMENTS}))


def refuse_unknown_exports(exports: Collection[str], known: Mapping[str, Segment]) -> None:
    """Refuse segments whose yml names an export that is not there: its list would stay as it is.

    Raises:
        ComebackError: it names the first.
    """
    for segment in known.values():
        for name in segment.export:
            if name not in exports:
                raise ComebackError(
                    f"there is no export '{name}'",
                    f"{segment.name}.yml, meta.export",
                    f"use one of: {', '.join(exports)}",
                )


def members_of(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], hour: datetime
) -> pl.DataFrame:
    """Who is in segments at an hour: person_id, and segments, the names in order as one text."""
    if not names or not has_table(connection, "scores", SEGMENT_HISTORY.name):
        return pl.DataFrame(schema={"person_id": pl.String, "segments": pl.String})
    return connection.sql(
        f"""
        select person_id, string_agg(segment, ', ' order by segment) as segments
        from scores.{SEGMENT_HISTORY.name}
        where list_contains($names, segment)
            and entered_at <= $hour and (left_at is null or left_at > $hour)
        group by person_id
        order by person_id
        """,
        params={"names": list(names), "hour": hour},
    ).pl()


def with_members(
    connection: duckdb.DuckDBPyConnection,
    carts: pl.DataFrame,
    members: pl.DataFrame,
    hour: datetime,
) -> pl.DataFrame:
    """Scored carts, and a row without a cart for each member who has none.

    Members are held out at the hour, too, not only when a cart of theirs was scored.

    Args:
        connection: the open warehouse.
        carts: see `people.scored_carts`.
        members: see `members_of`.
        hour: the hour.

    Returns:
        The columns of carts and is_member.
    """
    held_out: list[str] = []
    if not members.is_empty() and has_table(connection, "scores", HOLDOUT_ARMS.name):
        held_out = holdout_arms.held_out(connection, members["person_id"], hour)
    members = members.select("person_id", is_member=pl.lit(value=True))
    rows = carts.join(members, on="person_id", how="left", maintain_order="left")
    others = members.join(carts, on="person_id", how="anti", maintain_order="left").with_columns(
        user_id=pl.when(pl.col("person_id").str.starts_with(USER_PREFIX)).then(
            pl.col("person_id").str.strip_prefix(USER_PREFIX)
        ),
        # of no cart: who bought before stays a member
        touched_at=pl.lit(hour).cast(pl.Datetime("us")),
        priority_rank=pl.lit(_LAST).cast(pl.Int64),
        is_holdout=pl.lit(value=False),
    )
    return pl.concat([rows, others], how="diagonal").with_columns(
        is_holdout=pl.col("is_holdout") | pl.col("person_id").is_in(held_out)
    )
