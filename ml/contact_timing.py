"""When each person may be contacted at the earliest.

What belongs here: the settings of the wait and the time that follows from them. What does not:
whether to contact at all (``decision``) and when people come back by themselves (``return_time``).
"""

from dataclasses import dataclass
from math import isfinite

import polars as pl


@dataclass(frozen=True)
class ContactTiming:
    """How long to wait before contacting, counted from the end of the last session.

    In randomised field experiments a message within the hour lowered purchases and one after one
    to three days raised them (Li, Luo, Lu and Moriguchi, Journal of Marketing).

    Attributes:
        floor_hours: never contact earlier.
        returned_share: wait until this share of those who return within a week has returned.
        cap_hours: but no longer than this for it.

    Raises:
        ValueError: if a value is out of its range.
    """

    floor_hours: float = 24.0
    returned_share: float = 0.8
    cap_hours: float = 72.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not (0 <= self.floor_hours <= self.cap_hours and isfinite(self.cap_hours)):
            raise ValueError(
                f"floor_hours is {self.floor_hours} and cap_hours {self.cap_hours}, "
                "they must be 0 <= floor_hours <= cap_hours"
            )
        if not 0 < self.returned_share < 1:
            raise ValueError(f"returned_share is {self.returned_share}, it must lie in (0, 1)")


def contact_not_before(timing: ContactTiming) -> pl.Expr:
    """The latest of: now, the floor, and the (capped) time by which most return by themselves.

    Reads as_of, session_ended_at and return_share_hours (see ``decision.decide``); gives a
    timestamp, rounded up to the minute.
    """
    as_of, ended = pl.col("as_of"), pl.col("session_ended_at")
    most_returned = as_of + _hours(pl.col("return_share_hours").cast(pl.Float64).fill_nan(None))
    wait = pl.min_horizontal(most_returned, ended + _hours(pl.lit(timing.cap_hours)))
    # Nobody is expected to return by themselves: nothing to wait for.
    wait = pl.when(most_returned.is_not_null()).then(wait)
    earliest = pl.max_horizontal(as_of, ended + _hours(pl.lit(timing.floor_hours)), wait)
    minute = earliest.dt.truncate("1m")
    return pl.when(minute < earliest).then(minute.dt.offset_by("1m")).otherwise(minute)


def _hours(hours: pl.Expr) -> pl.Expr:
    return pl.duration(microseconds=(hours * 3.6e9).round().cast(pl.Int64))
