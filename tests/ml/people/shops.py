"""Made-up people whose truth is known."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from ml.people.features import AMOUNTS, COUNTS, DAYS

AS_OF = datetime(2026, 6, 1)
WEEK = timedelta(days=7)


def people(count: int = 600, weeks: int = 20, seed: int = 3, pull: float = 1.2) -> pl.DataFrame:
    """People at whole weeks, of whom the engaged order more and more is spent by who spent before.

    ``pull`` is how much more; with 0 nothing says who orders but luck.
    """
    rng = np.random.default_rng(seed)
    frames = []
    liking = rng.normal(size=count)
    for week in range(weeks, 0, -1):
        rate = 0.04 * np.exp(pull * liking)
        days = rng.exponential(7 / rate)
        observed = 7.0 * week - 0.01
        spent = np.exp(2 + 0.8 * liking + rng.normal(size=count))
        frame = {
            "person_id": [f"p{i:04}" for i in range(count)],
            "as_of": [AS_OF - week * WEEK] * count,
            "days_observed": [observed] * count,
            "days_to_order": np.where(days <= observed, days, np.nan),
            **{name: rng.uniform(0, 60, count) for name in DAYS},
            **{name: rng.integers(0, 3, count) for name in COUNTS},
            **{name: np.zeros(count) for name in AMOUNTS},
            "engagement_points": np.exp(liking),
            "has_added_since_order": rng.uniform(size=count) < 0.5,
            "days_from_first_to_last_order": np.zeros(count),
            **{
                f"value_next_{span}d": np.where(days <= span, spent, 0.0)
                if observed >= span
                else np.full(count, np.nan)
                for span in (14, 30, 90)
            },
        }
        frames.append(pl.DataFrame(frame).fill_nan(None))
    return pl.concat(frames, how="vertical_relaxed")


def nobody() -> pl.DataFrame:
    """The frame of a shop that begins."""
    return people(2, 1).clear()
