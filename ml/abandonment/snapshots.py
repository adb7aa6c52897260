"""What is read off a frame of cart snapshots, whatever kind of model learns from it.

What belongs here: the label, which rows have a known outcome, and columns as arrays. What does not:
features (``ml.features``), row weights (``ml.split``) and anything fitted.
"""

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from ml.features import CONVERTS

LABEL = CONVERTS


def matured(snapshots: pl.DataFrame, *, as_of: datetime, horizon: timedelta) -> pl.DataFrame:
    """The rows whose outcome is known whichever it is, by time and cart.

    A purchase is known at once, its absence only after the horizon: rows younger than the newest
    known absence are left out, or the newest would all be purchases.
    """
    rows = snapshots.filter(
        pl.col(LABEL).is_not_null() & (pl.col("as_of") <= as_of - horizon)
    ).sort("as_of", "cart_id")
    newest_absence = rows.filter(~pl.col(LABEL))["as_of"].max()
    return rows if newest_absence is None else rows.filter(pl.col("as_of") <= newest_absence)


def abandoned(frame: pl.DataFrame) -> np.ndarray:
    """(n,) the outcome to predict: 1.0 where the cart was not bought within the horizon, else 0."""
    return (~frame[LABEL]).cast(pl.Float64).to_numpy()


def idle_hours(frame: pl.DataFrame) -> np.ndarray:
    """(n,) hours since the cart was last touched."""
    idle = (pl.col("as_of") - pl.col("last_touched_at")).dt.total_microseconds()
    return frame.select(idle / 3.6e9).to_series().to_numpy()


def cart_values(frame: pl.DataFrame) -> np.ndarray:
    """(n,) the value of the cart in the reporting currency, 0 where it is unknown."""
    return frame["cart_value_base"].cast(pl.Float64).fill_null(0.0).to_numpy()


def cart_count(frame: pl.DataFrame) -> int:
    """How many carts the rows belong to."""
    return frame["cart_id"].n_unique()
