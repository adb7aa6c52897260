"""Snapshots as they would stand at a later instant if nothing happened until then.

What belongs here: which features change with time by themselves. What does not: how a feature is
computed (SQL: ``visitor_features``, ``calendar_days`` and ``cart_snapshots``; a snapshot moved on
must equal them), or what is done with a later chance (``contact_plan``).
"""

from dataclasses import dataclass, field
from math import pi

import polars as pl

# Counted from an instant that stays where it is to the snapshot's.
_IN_HOURS = (
    *("idle_hours", "cart_idle_hours", "cart_age_hours", "owner_idle_hours"),
    "item_view_idle_hours",
)
_IN_DAYS = ("visitor_days_since_order", "owner_days_since_order")
_SALE_LEFT = "calendar_sale_hours_left"
# As in SQL: holidays farther off are all alike.
LONGEST_DAYS_TO_HOLIDAY = 60
HOUR_US = 3_600_000_000


@dataclass(frozen=True)
class Calendar:
    """What days and hours are by: the shop's zone and public holidays.

    Attributes:
        time_zone: whose clocks show hour, weekday and date.
        holidays: country and day of public holidays, sorted.
    """

    time_zone: str = "UTC"
    holidays: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema={"country": pl.String, "day": pl.Date})
    )

    def local(self, instant: pl.Expr) -> pl.Expr:
        """What the clocks show at a UTC instant."""
        in_zone = instant.dt.replace_time_zone("UTC").dt.convert_time_zone(self.time_zone)
        return in_zone.dt.replace_time_zone(None)

    def days_to_holiday(self, asked: pl.DataFrame) -> pl.Series:
        """(n,) days to the next holiday, 0 on one, of country and day; null without a country."""
        found = (
            asked.with_row_index()
            .sort("day", maintain_order=True)
            .join_asof(
                self.holidays.select("country", "day", holiday="day").sort("day"),
                on="day",
                by="country",
                strategy="forward",
                check_sortedness=False,
            )
            .sort("index")
        )
        until = (pl.col("holiday") - pl.col("day")).dt.total_days().cast(pl.Float64)
        nearest = pl.min_horizontal(until, pl.lit(float(LONGEST_DAYS_TO_HOLIDAY)))
        is_known = pl.col("country").is_not_null()
        return found.select(pl.when(is_known).then(nearest)).to_series()


UTC = Calendar()


def at_later_instant(
    snapshots: pl.DataFrame, instant: pl.Expr, calendar: Calendar = UTC
) -> pl.DataFrame:
    """The snapshots with ``instant`` for their ``as_of``, and every feature that follows from it.

    What the shop as a whole will have done until then is not known: rates and prices of items stay,
    and of sales only the one that is on is known, until its end.

    Args:
        snapshots: as_of, ``calendar_country`` and features; see ``ml.features``. Features that are
            not there are none.
        instant: a time of each row, UTC, not before its as_of.
        calendar: what days and hours are by.
    """
    hours = (instant - pl.col("as_of")).dt.total_microseconds() / HOUR_US
    local = calendar.local(instant)
    angle = local.dt.hour().cast(pl.Float64) * pi / 12
    sale_left = pl.col(_SALE_LEFT) - hours
    moved = {
        **{name: pl.col(name) + hours for name in _IN_HOURS},
        **{name: pl.col(name) + hours / 24 for name in _IN_DAYS},
        "clock_hour_sin": angle.sin(),
        "clock_hour_cos": angle.cos(),
        "clock_weekday": local.dt.weekday().cast(pl.Float64),
        _SALE_LEFT: pl.when(sale_left > 0).then(sale_left),
        "calendar_is_sale": (sale_left > 0).fill_null(False).cast(pl.Float64),
        "as_of": instant,
    }
    if "calendar_days_to_holiday" in snapshots.columns:
        country = pl.col("calendar_country").cast(pl.String)
        until = calendar.days_to_holiday(snapshots.select(country=country, day=local.dt.date()))
        moved["calendar_days_to_holiday"] = pl.lit(until)
        moved["calendar_is_holiday"] = pl.lit((until == 0).cast(pl.Float64))
    return snapshots.with_columns(
        expression.alias(name) for name, expression in moved.items() if name in snapshots.columns
    )
