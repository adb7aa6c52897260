"""What is read off a frame of ended sessions before a curve is fitted.

What belongs here: what was known at an hour (right-censoring), the grid of durations, the start of
the test span. What does not: features (``ml.features``) and anything fitted (``fit``).
"""

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from ml.split import HOUR

# Durations are censored here; whoever is away longer counts as still away.
LONGEST_HOURS = 720.0
# Durations are rounded up to 5 minutes in the first day, a quarter of an hour in the first week,
# then half an hour: Cox's cost lies in distinct times, and the whole curve is 1,968 numbers.
GRID_HOURS = np.concatenate(
    [np.arange(1, 289) / 12, 24 + np.arange(1, 577) / 4, 168 + np.arange(1, 1105) / 2]
)

TEST_SHARE = 0.3
LONGEST_TEST = timedelta(days=28)


def known_at(sessions: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """The sessions ended before ``now`` with what was known then, in the order of time.

    A return after ``now`` had not been seen; durations are censored at ``now`` and at
    ``LONGEST_HOURS``.
    """
    so_far = (pl.lit(now) - pl.col("ended_at")).dt.total_microseconds() / 3.6e9
    limit = pl.min_horizontal(so_far, pl.lit(LONGEST_HOURS))
    return (
        sessions.filter(pl.col("ended_at") < now)
        .with_columns(
            is_returned=pl.col("is_returned") & (pl.col("duration_hours") <= limit),
            duration_hours=pl.min_horizontal("duration_hours", limit),
        )
        .filter(pl.col("duration_hours") > 0)
        .sort("ended_at", "session_id")
    )


def start_of_test(rows: pl.DataFrame) -> datetime:
    """When the newest part of the sessions begins, on which models are evaluated and compared."""
    first, last = rows["ended_at"].min(), rows["ended_at"].max()
    return last - min(TEST_SHARE * (last - first), LONGEST_TEST) // HOUR * HOUR


def durations_on_grid(rows: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """(n,) durations rounded up to the grid, and (n,) whether they ended in a return."""
    durations = rows["duration_hours"].cast(pl.Float64).to_numpy()
    # A hair less, so that a time on the grid is not lifted to the next by its last bit.
    position = np.searchsorted(GRID_HOURS, durations - 1e-9)
    rounded_up = GRID_HOURS[np.minimum(position, len(GRID_HOURS) - 1)]
    return rounded_up, rows["is_returned"].to_numpy().astype(bool)
