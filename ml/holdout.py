"""The holdout: people who are never contacted, so that the effect of contacts can be measured.

What belongs here: drawing a person's arm, and whose arm it becomes at a login. What does not: what
is done about the others (``decision``) and what was measured.

An arm is drawn when a cart of the person is first scored, and recorded: from then on neither
another share nor another key changes it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from ml.features import USER_PREFIX, person_id
from ml.keys import RANGE, drawn_number, key_id

HOLDOUT, TREATMENT = "holdout", "treatment"
ARM_TYPES = {
    "person_id": pl.String(),
    "arm": pl.String(),
    "assigned_at": pl.Datetime("us"),
    "key_id": pl.String(),
    "is_mixed": pl.Boolean(),
}


@dataclass(frozen=True)
class Draw:
    """How arms are drawn: people whose keyed hash, as a fraction of its range, is below a share.

    Attributes:
        key: a secret, or whoever knows the ids could work out who is held out.
        share: share of people held out, in [0, 1].

    Raises:
        ValueError: if the key is empty or the share not in [0, 1].
    """

    key: bytes
    share: float = 0.05

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not self.key:
            raise ValueError("the holdout key is empty, it must be a secret")
        if not 0 <= self.share <= 1:
            raise ValueError(f"holdout_share is {self.share}, it must be between 0 and 1")

    @property
    def key_id(self) -> str:
        """Distinguishes keys without revealing one."""
        return key_id(self.key)

    def arms(self, people: Iterable[str]) -> list[str]:
        """The arm of each person, by HMAC-SHA256 of the person's id."""
        limit = int(self.share * RANGE)
        return [
            HOLDOUT if drawn_number(self.key, person) < limit else TREATMENT for person in people
        ]


def assign_arms(
    carts: pl.DataFrame, recorded: pl.DataFrame, links: pl.DataFrame, as_of: datetime, draw: Draw
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The arms of the people behind an hour's carts, and what of it is to be recorded.

    A user has the earliest arm of the user's own and those of the visitors that became the user's.
    Where these differ, the user and the visitors are mixed: part of what was done to them belongs
    to the one arm, part to the other.

    Args:
        carts: visitor_id, owner_id.
        recorded: the arms recorded before the hour (the columns of ``ARM_TYPES``) of these people,
            and of all visitors in ``links``; a person may have several rows.
        links: owner_id, visitor_id: the visitors of each owner, as known at the hour.
        as_of: the hour (UTC, naive).
        draw: how new arms are drawn.

    Returns:
        person_id, arm, is_mixed, one row a person behind the carts; and the rows to record at the
        hour, of whoever is new, has taken over an arm or is mixed since.
    """
    people = carts.select(person_id=person_id()).unique().sort("person_id")
    newest = _newest(recorded)
    met = _met(people, recorded, links)
    earliest = _earliest(met)
    unknown = people.join(earliest, on="person_id", how="anti")
    drawn = unknown.with_columns(
        arm=pl.Series(draw.arms(unknown["person_id"]), dtype=pl.String),
        key_id=pl.lit(draw.key_id),
        is_mixed=pl.lit(False),
    )
    arms = pl.concat([earliest, drawn]).sort("person_id")
    # what is recorded of these people now, and of visitors whose user is mixed
    mixed = met.join(arms.filter("is_mixed"), on="person_id", how="semi").select(
        pl.col("member").alias("person_id"), pl.col("arm"), pl.col("key_id"), is_mixed=pl.lit(True)
    )
    wanted = pl.concat([arms, mixed.join(arms, on="person_id", how="anti").unique("person_id")])
    said = newest.rename({"member": "person_id"})
    new = (
        wanted.join(said, on="person_id", how="left")
        .filter(
            pl.col("newest_arm").ne_missing(pl.col("arm"))
            | pl.col("was_mixed").ne_missing(pl.col("is_mixed"))
        )
        .with_columns(assigned_at=pl.lit(as_of).cast(pl.Datetime("us")))
        .select(list(ARM_TYPES))
        .sort("person_id")
    )
    return arms.drop("key_id"), new


def held_out(people: pl.Series, recorded: pl.DataFrame, links: pl.DataFrame) -> list[str]:
    """Who of people is held out, though no cart of theirs may ever be scored; nothing is drawn.

    Args:
        people: ids of persons.
        recorded, links: as of ``assign_arms``.

    Returns:
        Those whose arm ``assign_arms`` would say is the holdout, or whose newest row says it.
    """
    met = _met(pl.DataFrame({"person_id": people.unique()}), recorded, links)
    by_login = _earliest(met).filter(pl.col("arm") == HOLDOUT)
    as_recorded = met.filter(
        (pl.col("member") == pl.col("person_id")) & (pl.col("newest_arm") == HOLDOUT)
    )
    return pl.concat([by_login["person_id"], as_recorded["person_id"]]).unique().sort().to_list()


def _newest(recorded: pl.DataFrame) -> pl.DataFrame:
    """The newest row of each person: member, newest_arm, was_mixed."""
    return (
        recorded.sort("person_id", "assigned_at")
        .unique("person_id", keep="last")
        .select(member="person_id", newest_arm="arm", was_mixed="is_mixed")
    )


def _met(people: pl.DataFrame, recorded: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """The first and newest arms that meet in people: their own and those of their visitors."""
    members = pl.concat(
        [
            people.with_columns(member="person_id"),
            links.select(
                person_id=USER_PREFIX + pl.col("owner_id"), member=pl.col("visitor_id")
            ).join(people, on="person_id", how="semi"),
        ]
    ).unique()
    first = (
        recorded.sort("person_id", "assigned_at")
        .unique("person_id", keep="first")
        .select(pl.col("person_id").alias("member"), "arm", "assigned_at", "key_id")
    )
    return members.join(first, on="member").join(_newest(recorded), on="member")


def _earliest(met: pl.DataFrame) -> pl.DataFrame:
    """The arm of each person of whom one is known: person_id, arm, key_id and is_mixed."""
    return (
        met.sort("person_id", "assigned_at", "member")
        .group_by("person_id", maintain_order=True)
        .agg(
            pl.col("arm").first(),
            pl.col("key_id").first(),
            is_mixed=(pl.col("arm").n_unique() > 1) | pl.col("was_mixed").any(),
        )
    )
