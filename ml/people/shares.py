"""Which people are high, medium and low: by their place among all.

What belongs here: the shares and the cut. What does not: what people are ordered by.
"""

from dataclasses import dataclass

import polars as pl

HIGH, MEDIUM, LOW = "high", "medium", "low"
LEVELS = (HIGH, MEDIUM, LOW)


@dataclass(frozen=True)
class Shares:
    """How many of the people are high, and how many after these are medium."""

    high: float
    medium: float

    def levels(self, values: pl.Series) -> pl.Series:
        """The level of each value, highest first; of equals all or none; null for none."""
        place = values.rank("max", descending=True) / max(values.count(), 1)
        # 0.1 + 0.3 is a hair above 0.4
        upper = self.high + self.medium
        level = (
            pl.when(pl.col("place").is_null())
            .then(None)
            .when(pl.col("place") <= self.high + 1e-12)
            .then(pl.lit(HIGH))
            .when(pl.col("place") <= upper + 1e-12)
            .then(pl.lit(MEDIUM))
            .otherwise(pl.lit(LOW))
        )
        return pl.DataFrame({"place": place}).select(level.alias("level")).to_series()
