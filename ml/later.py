"""Snapshots as they would stand at a later instant if nothing happened until then.

What belongs here: which features grow with time by themselves. What does not: how a feature is
computed (SQL: ``visitor_features`` and ``cart_snapshots``, which a snapshot moved on must equal) or
what is done with a later chance (``contact_plan``).
"""

from math import pi

import polars as pl

# Counted from an instant that stays where it is to the snapshot's.
_IN_HOURS = (
    *("idle_hours", "cart_idle_hours", "cart_age_hours", "owner_idle_hours"),
    "item_view_idle_hours",
)
_IN_DAYS = ("visitor_days_since_order", "owner_days_since_order")
HOUR_US = 3_600_000_000


def at_later_instant(
    snapshots: pl.DataFrame, instant: pl.Expr, time_zone: str = "UTC"
) -> pl.DataFrame:
    """The snapshots with ``instant`` for their ``as_of``, and every feature that follows from it.

    What the shop as a whole will have done until then is not known: rates and prices of items stay.

    Args:
        snapshots: as_of and features; see ``ml.features``. Features that are not there are none.
        instant: a time of each row, UTC, not before its as_of.
        time_zone: whose clocks hour and weekday are by.
    """
    hours = (instant - pl.col("as_of")).dt.total_microseconds() / HOUR_US
    in_zone = instant.dt.replace_time_zone("UTC").dt.convert_time_zone(time_zone)
    local = in_zone.dt.replace_time_zone(None)
    angle = local.dt.hour().cast(pl.Float64) * pi / 12
    moved = {
        **{name: pl.col(name) + hours for name in _IN_HOURS},
        **{name: pl.col(name) + hours / 24 for name in _IN_DAYS},
        "clock_hour_sin": angle.sin(),
        "clock_hour_cos": angle.cos(),
        "clock_weekday": local.dt.weekday().cast(pl.Float64),
        "as_of": instant,
    }
    return snapshots.with_columns(
        expression.alias(name) for name, expression in moved.items() if name in snapshots.columns
    )
