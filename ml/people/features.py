"""What the models of people read, as numbers.

What belongs here: the columns and how each becomes a number. What does not: how a column is made
(SQL does that).
"""

import numpy as np
import polars as pl

from ml.features import FeatureError

# Whatever never happened is as long ago as whoever is not a person of the shop any more.
LONG_AGO_DAYS = 396.0

DAYS = (
    "days_since_seen",
    "days_since_first_seen",
    "days_since_add",
    "days_since_order",
)
COUNTS = (
    "session_count",
    "session_count_7d",
    "session_count_30d",
    "view_count_30d",
    "engagement_points",
    "add_count_7d",
    "order_count",
    "email_open_count_90d",
    "email_sent_count_90d",
)
AMOUNTS = ("order_value", "order_value_365d")
FLAGS = ("has_added_since_order",)

OF_INTENT = (*DAYS, *COUNTS, *FLAGS)
OF_VALUE = (*DAYS, *COUNTS, *AMOUNTS, *FLAGS)


def matrix(frame: pl.DataFrame, names: tuple[str, ...]) -> np.ndarray:
    """(n x names) what coefficients apply to: logarithms, but for flags.

    Raises:
        FeatureError: a column is missing.
    """
    if missing := [name for name in names if name not in frame.columns]:
        raise FeatureError(f"there is no column {missing[0]}")
    columns = []
    for name in names:
        value = pl.col(name).cast(pl.Float64)
        if name in DAYS:
            value = value.fill_null(LONG_AGO_DAYS).clip(0, LONG_AGO_DAYS)
        columns.append(value if name in FLAGS else value.clip(lower_bound=0).log1p())
    return frame.select(columns).to_numpy()
