"""Splitting by time: what a model is fitted on lies before what it is evaluated on.

What belongs here: windows, the gap between them, the weight of a row. What does not: random splits,
which put the same shopper and the same week on both sides.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Window:
    """The half-open span of time [start, end)."""

    start: datetime
    end: datetime

    def rows(self, frame: pl.DataFrame, column: str = "as_of") -> pl.DataFrame:
        """The rows of ``frame`` whose ``column`` lies in the window, in their order."""
        return frame.filter((pl.col(column) >= self.start) & (pl.col(column) < self.end))


@dataclass(frozen=True)
class TimeSplit:
    """train | gap | validation | gap | test, in the order of time."""

    train: Window
    validation: Window
    test: Window


def time_split(
    first: datetime, last: datetime, *, gap: timedelta, share: float, longest: timedelta
) -> TimeSplit | None:
    """Cut the time from ``first`` to ``last`` (both included) into three windows.

    Test and validation each get ``share`` of what the two gaps leave, in full hours and at most
    ``longest``; training gets all that lies before. With a gap of one label horizon no label of a
    window looks into the next (purging; Lopez de Prado 2018, chapter 7).

    Returns:
        The windows, or None if less than an hour would be left for one of them.
    """
    end = last + timedelta(microseconds=1)
    usable = end - first - 2 * gap
    length = min(share * usable, longest) // HOUR * HOUR
    if length < HOUR:
        return None
    test = Window(end - length, end)
    validation = Window(test.start - gap - length, test.start - gap)
    train = Window(first, validation.start - gap)
    return TimeSplit(train, validation, test) if train.end - train.start >= HOUR else None


def cart_weights(frame: pl.DataFrame) -> np.ndarray:
    """(n,) the weight of each row: 1 at a cart's first touch in the frame, 1/2 at its second, ...

    A row counts at one age: at each age every cart that is open then counts the same, whatever
    becomes of it, so that the share bought at an age is the chance at that age. A cart counts as
    often as it was open when asked: one that is left open or expires at all ages, one that is
    bought after five hours at the four ages before. A person counts as often as they filled carts.

    The weight depends on the cart's past only. One that shares 1 among all rows of a cart would
    depend on how many there will be, and a bought cart has few, so that models fitted with it
    overestimate purchases. How little the rows of one person say beside those of another is for
    intervals and penalties, which count people (``ml.intervals``).
    """
    touch = pl.col("last_touched_at").rank("dense").over("cart_id")
    return frame.select(1.0 / touch).to_series().to_numpy()
