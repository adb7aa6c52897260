"""Who may be in a file of contacts; of everybody else, why not.

Belongs here: the gates, their order, and one row a person. Not here: where the facts come from
(`hourly`), nor what a row looks like (`rows`).

Every person who was scored is counted at the first gate that holds, so the counts of an export add
up to all of them. What is not known is refused: a gate lets nobody through of whom its fact is
null.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

ELIGIBLE = "eligible"
# In the order in which they are asked; the first that holds is counted. Of the capacity of an hour
# (`below_priority`) only who can be contacted takes a place.
GATES = (
    "erased",
    "suppressed",
    "no_profile",
    "no_consent",
    "invalid_contact",
    "holdout",
    "suspected_bot",
    "bought_since",
    "nothing_to_gain",
    "below_priority",
    "not_due",
    "in_cooldown",
    "over_cap",
    "quiet_hours",
    ELIGIBLE,
)
# Who asked to be left alone.
WITHDRAWN = ("erased", "suppressed", "no_consent")

FACTS = {
    "person_id": pl.String,
    "is_erased": pl.Boolean,
    "is_suppressed": pl.Boolean,
    "has_profile": pl.Boolean,
    "is_consented": pl.Boolean,
    "contact": pl.String,
    "mailbox": pl.String,
    "is_holdout": pl.Boolean,
    "is_suspected_bot": pl.Boolean,
    "has_bought_since": pl.Boolean,
    "is_worth_it": pl.Boolean,
    "priority": pl.Int64,
    "contact_not_before": pl.Datetime("us"),
    "contact_valid_until": pl.Datetime("us"),
    "last_contacted_at": pl.Datetime("us"),
    "contacts_in_7_days": pl.Int64,
    "time_zone": pl.String,
}


@dataclass(frozen=True)
class Policy:
    """How much contact a person is to have.

    Attributes:
        capacity: persons that may be contacted in one hour: the first by priority of those whom
            every other gate lets through, so that who is not due takes nobody's place. Whoever has
            so many of them ahead is below priority, due or not.
        cooldown: time after a contact in which there is no other.
        most_in_7_days: contacts within seven days.
        quiet_from: local time from which nobody is contacted ...
        quiet_until: ... until this one.
        time_zone: of the shop; for whoever has none that can be read.
        is_timed: whether rows are contacts at their planned time. Not so for lists of the ads, of
            which the last five gates let everybody through.
    """

    capacity: int
    cooldown: timedelta = timedelta(hours=24)
    most_in_7_days: int = 3
    quiet_from: time = time(22)
    quiet_until: time = time(8)
    time_zone: str = "UTC"
    is_timed: bool = True


def best_carts(carts: pl.DataFrame) -> pl.DataFrame:
    """One row a person: the cart with the greatest gain, of equal ones that of the better rank.

    Args:
        carts: person_id, cart_id, expected_gain (null: not known), priority_rank; any others stay.
    """
    return carts.sort(
        "expected_gain",
        "priority_rank",
        "cart_id",
        descending=[True, False, False],
        nulls_last=True,
    ).unique("person_id", keep="first", maintain_order=True)


def gates(persons: pl.DataFrame, policy: Policy, at: datetime) -> pl.Series:
    """The gate of each person, row for row.

    Of two persons with one mailbox the one with the better priority is let through; the other is
    `in_cooldown`, as the mailbox is contacted now.

    Args:
        persons: one row a person, with `FACTS`: contact is the identifier in its normal form, null
            if it cannot stand in a file; mailbox is the same for every spelling of one address,
            null: as the contact; is_suppressed and is_consented are those of the channel;
            is_worth_it is whether there is something to gain; priority 1 is first;
            last_contacted_at is null for nobody but those of whom contacts_in_7_days is 0.
        policy: how much contact there may be.
        at: the hour, naive, UTC.

    Raises:
        ValueError: a person has two rows.
    """
    if persons["person_id"].n_unique() != persons.height:
        raise ValueError("a person has two rows")
    refused = {
        "erased": pl.col("is_erased"),
        "suppressed": pl.col("is_suppressed"),
        "no_profile": ~pl.col("has_profile"),
        "no_consent": ~pl.col("is_consented"),
        "invalid_contact": pl.col("contact").is_null(),
        "holdout": pl.col("is_holdout"),
        "suspected_bot": pl.col("is_suspected_bot"),
        "bought_since": pl.col("has_bought_since"),
        "nothing_to_gain": ~pl.col("is_worth_it"),
    }
    if policy.is_timed:
        refused |= {
            "not_due": ~pl.lit(at).is_between(
                "contact_not_before", "contact_valid_until", closed="left"
            ),
            "in_cooldown": _is_in_cooldown(policy, at),
            "over_cap": pl.col("contacts_in_7_days") >= policy.most_in_7_days,
            "quiet_hours": _is_quiet(persons["time_zone"], policy, at),
        }
    # before any `when`, which takes null for false: what is not known refuses
    facts = persons.select(
        "person_id",
        "priority",
        mailbox=pl.coalesce("mailbox", "contact"),
        **{f"is_{gate}": fact.fill_null(value=True) for gate, fact in refused.items()},
    )
    gate = pl.coalesce(
        *(pl.when(f"is_{name}").then(pl.lit(name)) for name in refused), pl.lit(ELIGIBLE)
    )
    decided = facts.with_columns(gate=gate).with_row_index("row")
    # whom everything about the person lets through: they compete for the capacity of the hour
    placed = (
        decided.filter(pl.col("gate").is_in([*GATES[GATES.index("below_priority") :]]))
        .sort("priority", "person_id", nulls_last=True)
        .with_columns(can_be_contacted=pl.col("gate") == ELIGIBLE)
        .with_columns(
            is_first=pl.col("can_be_contacted")
            & pl.struct("mailbox", "can_be_contacted").is_first_distinct()
        )
    )
    ahead = pl.col("is_first").cast(pl.Int64).cum_sum() - pl.col("is_first").cast(pl.Int64)
    placed = placed.with_columns(
        place_gate=pl.when((ahead >= policy.capacity) | pl.col("priority").is_null())
        .then(pl.lit("below_priority"))
        .when(pl.col("can_be_contacted") & ~pl.col("is_first"))
        .then(pl.lit("in_cooldown"))
        .otherwise("gate")
    ).select("row", "place_gate")
    return (
        decided.join(placed, on="row", how="left", maintain_order="left")
        .select(pl.coalesce("place_gate", "gate").alias("gate"))
        .to_series()
    )


def was_contacted(policy: Policy, at: datetime) -> pl.Expr:
    """Of a frame with `FACTS`, who was contacted not long ago: the row did what it was for."""
    if not policy.is_timed:
        return pl.lit(value=False)
    contacts = pl.col("contacts_in_7_days")
    # a contact ends the plan that it was for, cooldown or not
    is_done = (contacts > 0) & ~pl.col("is_worth_it")
    is_over_cap = contacts >= policy.most_in_7_days
    return (_is_in_cooldown(policy, at) | is_over_cap | is_done).fill_null(value=False)


def decided_by_gates(export: Mapping[str, Any]) -> Mapping[str, int] | None:
    """The persons of an export by gate, as its manifest has it; None of the list of suppressions.

    Who must not be mailed is on that whatever the gates say: they decide who may be on a list.
    """
    return None if export.get("profile") == "suppressions" else export["counts"]


def counts(gate: pl.Series) -> dict[str, int]:
    """How many persons were counted at each gate, all gates in their order; they add up to all."""
    found = dict(gate.value_counts().iter_rows())
    return {name: found.get(name, 0) for name in GATES}


def _is_in_cooldown(policy: Policy, at: datetime) -> pl.Expr:
    """A contact of which it is not known when it was is taken for a new one."""
    was_contacted = pl.col("contacts_in_7_days") > 0
    recently = pl.col("last_contacted_at") > at - policy.cooldown
    return pl.when(pl.col("last_contacted_at").is_null()).then(was_contacted).otherwise(recently)


def _is_quiet(zones: pl.Series, policy: Policy, at: datetime) -> pl.Expr:
    quiet = {name: _is_quiet_in(name, policy, at) for name in zones.unique().to_list()}
    return pl.lit(pl.Series([quiet[name] for name in zones.to_list()], dtype=pl.Boolean))


def _is_quiet_in(name: str | None, policy: Policy, at: datetime) -> bool:
    zone = _zone(name) or _zone(policy.time_zone) or UTC
    local = at.replace(tzinfo=UTC).astimezone(zone).time()
    if policy.quiet_from <= policy.quiet_until:
        return policy.quiet_from <= local < policy.quiet_until
    return local >= policy.quiet_from or local < policy.quiet_until


@cache
def _zone(name: str | None) -> ZoneInfo | None:
    """The zone of that name; None where there is none. A name may be a shopper's: it can be bad."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, OSError, ValueError):
        return None
