"""Full, add and remove: an hour's list against what was delivered before.

Belongs here: who is new, changed or gone, and the guard on removals. Not here: where the delivered
list is kept (`membership`), nor whom the gates let through (`gates`).

Of all hours in order, first `remove` taken off and then `add` put on gives `full`: remove holds the
identifier that was sent then, and whoever comes back under another one is in both.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import polars as pl

from orchestration.outputs.exports.gates import WITHDRAWN
from orchestration.outputs.exports.rows import ROWS

# Gates that are counted for the guard, and leave a held list all the same.
_LEAVE_ALWAYS = ("bought_since", "holdout", "suspected_bot")


@dataclass(frozen=True)
class Rolled:
    """An hour's list and what leads to it.

    Attributes:
        full: everybody on the list now, with the columns of `rows.ROWS`.
        add: who is new or has another row.
        remove: who was on the list and is not any more, as they were sent.
        is_held: whether so many would leave that the list stayed as it was.
        warnings: what was out of the ordinary, as sentences.
    """

    full: pl.DataFrame
    add: pl.DataFrame
    remove: pl.DataFrame
    is_held: bool = False
    warnings: tuple[str, ...] = ()


def baseline(wanted: pl.DataFrame, *, is_lost: bool) -> Rolled:
    """The first list: all are new, nobody is removed.

    Args:
        wanted: who is to be on the list.
        is_lost: whether there were lists before of which nothing is known any more.
    """
    warnings = (
        "what was delivered before is not known any more: nobody was removed;"
        " replace the tool's whole list by full",
    )
    return Rolled(wanted, wanted, wanted.clear(), warnings=warnings if is_lost else ())


def roll(
    listed: pl.DataFrame,
    wanted: pl.DataFrame,
    gate: pl.DataFrame,
    *,
    name: str,
    most_removed_share: float,
    are_removals_accepted: bool = False,
    is_full_due: bool = True,
    is_of_refusals: bool = False,
) -> Rolled:
    """The next list.

    Who withdrew, was erased, bought, was contacted, is held out or no person leaves always; who was
    erased leaves with the address, and somebody else who has it is added as anybody new. If
    without withdrawals, erasures and contacts more leave at once than a share of the list,
    something is wrong with the data rather than with the people: the others stay and nobody is
    added. A change of address is no leaving. Whoever refuses is put on a list of refusals all the
    same: a tool that does not know of it would go on.

    Args:
        listed: what was delivered last, with the columns of `rows.ROWS`.
        wanted: who is to be on the list now, in order.
        gate: person_id, gate and has_own_reason (contacted, or contact data too old to be kept) of
            whoever was scored or is listed; who is not there left for no reason of theirs.
        name: the export, for the warning.
        most_removed_share: that share.
        are_removals_accepted: whether somebody said that the removals are meant.
        is_full_due: whether people are added in this hour; if not, they only leave.
        is_of_refusals: whether the list has who must not be contacted.
    """
    reasons = gate.select("person_id", "gate", "has_own_reason")
    moved = wanted.select("person_id", has_moved=pl.lit(value=True)).unique("person_id")
    before = (
        listed.join(reasons, on="person_id", how="left")
        .join(moved, on="person_id", how="left")
        .with_columns(
            pl.col("gate").fill_null(""),
            pl.col("has_own_reason", "has_moved").fill_null(value=False),
            is_wanted=pl.col("identifier").is_in(wanted["identifier"].implode()),
        )
    )
    # somebody else may have the address of an erased one: their row is their own, and stays if it
    # is listed already
    stays = pl.col("is_wanted") & ((pl.col("gate") != "erased") | pl.lit(is_of_refusals))
    kept = before.filter(stays).select(list(ROWS))
    leaving = before.filter(~stays).join(kept, on="identifier", how="anti")
    may_leave = pl.col("gate").is_in(WITHDRAWN) | pl.col("has_own_reason")
    counted = leaving.filter(~may_leave & ~pl.col("has_moved")).height
    share = counted / listed.height if listed.height else 0.0
    if share > most_removed_share and not are_removals_accepted:
        stays = ~may_leave & ~pl.col("gate").is_in(_LEAVE_ALWAYS)
        staying = leaving.filter(stays).select(list(ROWS))
        nobody_new = "" if is_of_refusals else " and nobody is added"
        return Rolled(
            full=_in_order(pl.concat([wanted if is_of_refusals else kept, staying]), wanted),
            add=_new_or_changed(wanted, listed) if is_of_refusals else wanted.clear(),
            remove=_by_identifier(leaving.filter(~stays)),
            is_held=True,
            warnings=(
                f"{counted} of {listed.height} would leave at once, more than"
                f" {most_removed_share:.0%}: they stay{nobody_new}, until they are fewer or"
                f" comeback run --accept-removals {name}",
            ),
        )
    remove = _by_identifier(leaving)
    if not is_full_due:
        return Rolled(_in_order(kept, wanted), wanted.clear(), remove)
    return Rolled(wanted, _new_or_changed(wanted, listed), remove)


def after_files(
    rolled: Rolled, taken_back: Collection[str], taken_off: Collection[tuple[str, str]]
) -> Rolled:
    """The lists for whoever took earlier files of the same hour, too.

    Args:
        rolled: the lists, made from the one before the hour.
        taken_back: see `membership.Before`: who of them is not listed is removed.
        taken_off: see `membership.Before`: who of them is listed is added.
    """
    stays = pl.col("identifier").is_in(rolled.full["identifier"].implode())
    back = pl.DataFrame({"identifier": sorted(taken_back)}, schema={"identifier": pl.String})
    back = back.filter(~stays).join(rolled.remove, on="identifier", how="anti")
    remove = pl.concat([rolled.remove, back], how="diagonal").sort("identifier")
    off = pl.DataFrame(sorted(taken_off), schema=["identifier", "row"], orient="row")
    off = off.cast(pl.String)
    missing = rolled.full.join(off, on=["identifier", "row"], how="semi")
    if missing.is_empty():
        return replace(rolled, remove=remove.select(list(ROWS)))
    add = rolled.full.join(
        pl.concat([rolled.add, missing]),
        on=["identifier", "row"],
        how="semi",
        maintain_order="left",
    )
    return replace(rolled, add=add, remove=remove.select(list(ROWS)))


def _new_or_changed(wanted: pl.DataFrame, listed: pl.DataFrame) -> pl.DataFrame:
    return wanted.join(listed, on=["identifier", "row"], how="anti", maintain_order="left")


def _in_order(rows: pl.DataFrame, wanted: pl.DataFrame) -> pl.DataFrame:
    """In the order of the hour; who is not in it comes last."""
    places = wanted.select("identifier").with_row_index("place")
    return (
        rows.join(places, on="identifier", how="left")
        .sort("place", "identifier", nulls_last=True)
        .select(list(ROWS))
    )


def _by_identifier(leaving: pl.DataFrame) -> pl.DataFrame:
    return leaving.sort("identifier").select(list(ROWS))
