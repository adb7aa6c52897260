"""What tests of several modules train on the shops of `conftest`, and when."""

from datetime import datetime, timedelta

import polars as pl

from ml import abandonment
from ml.abandonment import AbandonmentModel

START = datetime.fromisoformat("2026-01-01")
HORIZON = timedelta(hours=72)
AS_OF = datetime.fromisoformat("2026-03-06")
RETURN_AS_OF = datetime.fromisoformat("2026-02-10")


def train_abandonment(snapshots: pl.DataFrame, **changes) -> AbandonmentModel:
    """A model learned from the snapshots without their truth."""
    rows = snapshots.drop("truth")
    return abandonment.train(rows, **({"as_of": AS_OF, "horizon": HORIZON} | changes))


def away_for(sessions: pl.DataFrame, hours: float) -> pl.DataFrame:
    """The sessions as rows to score, so many hours after their end."""
    return sessions.drop("duration_hours", "is_returned").with_columns(elapsed_hours=pl.lit(hours))
