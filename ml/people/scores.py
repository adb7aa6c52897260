"""What an hour says of its people.

What belongs here: putting together what the models say, as columns. What does not: the models.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from ml.people import channels
from ml.people.clusters import ClusterModel
from ml.people.intent import IntentModel
from ml.people.next_purchase import NextPurchaseModel
from ml.people.send_time import SendTimeModel
from ml.people.shares import Shares
from ml.people.value import YEAR_DAYS, ValueModel

PROBABILITY_DIGITS = 6
AMOUNT = pl.Decimal(38, 4)


@dataclass(frozen=True)
class PersonModels:
    """The models that an hour's people are scored by."""

    intent: IntentModel
    value: ValueModel
    next_purchase: NextPurchaseModel
    send_time: SendTimeModel
    clusters: ClusterModel


def score(
    frame: pl.DataFrame,
    activity: pl.DataFrame | None,
    messages: pl.DataFrame,
    models: PersonModels,
    *,
    as_of: datetime,
    intent_shares: Shares,
    value_shares: Shares,
) -> pl.DataFrame:
    """One row a person, by person_id.

    Args:
        frame: people at the hour.
        activity: when they were there, as for ``send_time.train``; None where the send
            times of the shop are served.
        messages: what was sent to them, as for ``channels.answered``.
        models: what they are scored by.
        as_of: the hour.
        intent_shares: the cuts of `intent_level`.
        value_shares: the cuts of `value_tier`.
    """
    frame = frame.sort("person_id")
    within_week = _probability(models.intent.predict(frame))
    within_month = _probability(models.next_purchase.within(frame))
    value = pl.Series(models.value.predict(frame), dtype=pl.Float64).round(4)
    people = frame["person_id"]
    scores = frame.select("person_id").with_columns(
        scored_at=pl.lit(as_of).cast(pl.Datetime("us")),
        p_purchase_7d=within_week,
        intent_level=intent_shares.levels(within_week),
        expected_value_365d=value.cast(AMOUNT),
        value_tier=value_shares.levels(value),
        next_purchase_at=_days_after(as_of, models.next_purchase.median_days(frame)),
        # of two models: whoever buys within a week buys within a month
        p_purchase_30d=pl.select(pl.max_horizontal(within_month, within_week)).to_series(),
    )
    return scores.with_columns(
        *models.send_time.best(people, activity),
        *channels.of_people(people, messages),
        *models.clusters.groups_of(frame),
    )


def _probability(values: np.ndarray) -> pl.Series:
    return pl.Series(values, dtype=pl.Float64).fill_nan(None).round(PROBABILITY_DIGITS)


def _days_after(as_of: datetime, days: np.ndarray) -> pl.Series:
    """So many days after the hour, to the minute; null beyond a year."""
    near = np.where(days <= YEAR_DAYS, days, np.nan)
    minutes = (pl.Series(near, dtype=pl.Float64).fill_nan(None) * 1440).round().cast(pl.Int64)
    at = pl.lit(as_of) + pl.lit(minutes) * timedelta(minutes=1)
    return pl.select(at.cast(pl.Datetime("us"))).to_series()
