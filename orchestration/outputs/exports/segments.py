"""Segments of people in exports: whom a list of the ads takes, and what an e-mail says of them.

Belongs here: which segments an export takes, and their members at an hour. Not here: who is in a
segment (`warehouse.segment_history`), nor the segments of carts, which are columns of their scores.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
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


def taken(
    name: str, entry: Export, known: Mapping[str, Segment], wrong: Collection[str] = ()
) -> list[str]:
    """Names of the segments of people that an export takes, in order.

    Args:
        name: of the export.
        entry: what the settings say of it.
        known: all segments; their yml may name exports.
        wrong: names of segments whose files are wrong: an export does without them.

    Raises:
        ComebackError: there is no such segment.
    """
    for segment in entry.segments:
        if segment not in {*CART_SEGMENTS, *known, *wrong}:
            raise ComebackError(
                f"there is no segment '{segment}'",
                f"[exports.{name}] segments",
                f"use one of: {', '.join(sorted({*known, *CART_SEGMENTS}))}",
            )
    named = {each.name for each in known.values() if name in each.export}
    return sorted(named | (set(entry.segments) - {*CART_SEGMENTS}))


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


def held_out_of(
    connection: duckdb.DuckDBPyConnection, listed: Iterable[pl.DataFrame], hour: datetime
) -> list[str]:
    """Who of all that are listed, in columns `person_id`, is held out at the hour.

    Members, and whoever is on a list longer than their cart is scored, are so too, not only when a
    cart of theirs was scored: a device of theirs may have been held out.
    """
    persons = [each["person_id"] for each in listed if not each.is_empty()]
    if not persons or not has_table(connection, "scores", HOLDOUT_ARMS.name):
        return []
    return holdout_arms.held_out(connection, pl.concat(persons).unique(), hour)


def with_members(
    carts: pl.DataFrame,
    members: pl.DataFrame,
    fired: pl.DataFrame,
    hour: datetime,
    held_out: Sequence[str],
) -> pl.DataFrame:
    """Scored carts, and a row without a cart for each member who has none; one too for each person
    for whom a trigger fired, who is a member until the next order.

    Args:
        carts: see `people.scored_carts`.
        members: see `members_of`.
        fired: see `fired.fired_for`.
        hour: the hour.
        held_out: who of all of these is, see `held_out_of`; others may be among them.

    Returns:
        The columns of carts and is_member.
    """
    members = members.select("person_id", is_member=pl.lit(value=True))
    rows = carts.join(members, on="person_id", how="left", maintain_order="left")
    others = members.join(carts, on="person_id", how="anti", maintain_order="left")
    # of a cart that was bought, too: the trigger fired since
    by_trigger = fired.select("person_id", "fired_at", is_member=pl.lit(value=True))
    others = pl.concat([others, by_trigger], how="diagonal").with_columns(
        user_id=pl.when(pl.col("person_id").str.starts_with(USER_PREFIX)).then(
            pl.col("person_id").str.strip_prefix(USER_PREFIX)
        ),
        # of no cart: who bought before stays a member of a segment
        touched_at=pl.coalesce("fired_at", pl.lit(hour)).cast(pl.Datetime("us")),
        priority_rank=pl.lit(_LAST).cast(pl.Int64),
        is_holdout=pl.lit(value=False),
        is_bots_cart=pl.lit(value=False),
    )
    return pl.concat([rows, others.drop("fired_at")], how="diagonal").with_columns(
        is_holdout=pl.col("is_holdout") | pl.col("person_id").is_in(held_out)
    )
