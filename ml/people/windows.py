"""Which instants are learned from and which are judged on.

What belongs here: the cut in time and whether both sides hold enough. What does not: learning.
"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

TEST_SHARE = 0.3
LONGEST_TEST = timedelta(days=28)
MIN_PEOPLE = 200
MIN_BUYERS = 30


@dataclass(frozen=True)
class Windows:
    """Rows of which the outcome is known.

    Attributes:
        known: all of them, in the order of time.
        train: the older ones, whose outcome was known before the test window.
        test: the newest.
    """

    known: pl.DataFrame
    train: pl.DataFrame
    test: pl.DataFrame

    def shortfall(self, outcome: pl.Expr) -> str:
        """Why a window holds too little, as a sentence; empty if both hold enough.

        Args:
            outcome: whether the person bought.
        """
        for name, rows in (("older", self.train), ("newest", self.test)):
            people = rows["person_id"].n_unique()
            buyers = rows.filter(outcome)["person_id"].n_unique()
            if people < MIN_PEOPLE or buyers < MIN_BUYERS:
                return (
                    f"The {name} instants hold {people} people, {buyers} of whom buy; {MIN_PEOPLE}"
                    f" and {MIN_BUYERS} are needed."
                )
        return ""


def windows(frame: pl.DataFrame, horizon_days: float, gap_days: float | None = None) -> Windows:
    """Cut the rows whose next days the log has.

    Args:
        frame: person_id, as_of, days_observed.
        horizon_days: how many days an outcome takes.
        gap_days: how many days of what came after it a train row is learned from, by default all:
            they end before the test window begins.
    """
    known = frame.filter(pl.col("days_observed") >= horizon_days).sort("as_of", "person_id")
    if known.is_empty():
        return Windows(known, known, known)
    first, last = known["as_of"].min(), known["as_of"].max()
    start = last - min(TEST_SHARE * (last - first), LONGEST_TEST)
    at = pl.col("as_of")
    train = known.filter(at <= start - timedelta(days=gap_days or horizon_days))
    return Windows(known, train, known.filter(at > start))


def newest(rows: pl.DataFrame) -> pl.DataFrame:
    """Of rows those of the last weeks, which a level is brought to."""
    if rows.is_empty():
        return rows
    return rows.filter(pl.col("as_of") > rows["as_of"].max() - LONGEST_TEST)


def bought_within(rows: pl.DataFrame, days: float) -> np.ndarray:
    """(n,) 1 where an order followed within so many days."""
    return (rows["days_to_order"].fill_null(np.inf) <= days).cast(pl.Float64).to_numpy()
