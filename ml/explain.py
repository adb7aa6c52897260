"""Why a cart scored as it did, in words a marketer reads.

What belongs here: picking the features that moved a score most and putting them in words. What does
not: the words themselves (they stand beside the columns in dbt) and the shares (the model's).
"""

from collections.abc import Mapping

import numpy as np
import polars as pl

from ml.features import Encoding


def reason_codes(
    contributions: np.ndarray,
    frame: pl.DataFrame,
    phrases: Mapping[str, tuple[str, str]],
    encoding: Encoding,
    top: int = 3,
) -> list[str]:
    """The strongest reasons of each row, strongest first, joined by "; ".

    A row whose shares sum to zero or more leans towards abandoning: its largest positive shares are
    told. Of any other row those that lean towards buying are. A feature without phrase or value
    is passed over; equal shares stand in the order of the features.

    Args:
        contributions: (n x ``encoding.features``) log-odds of abandoning.
        frame: the n rows.
        phrases: for each feature what to say of a low and of a high value. Low is below the median
            of training, or the smallest value of training: a count that is mostly 0 is low at 0.
            A category is never low.
        encoding: the model's.
        top: how many reasons at most.

    Returns:
        n texts; empty where nothing weighed.
    """
    towards = np.where(contributions.sum(axis=1) >= 0, 1.0, -1.0)
    weight = np.zeros_like(contributions)
    words = np.full(contributions.shape, "", dtype=object)
    for column, name in enumerate(encoding.features):
        if name not in phrases:
            continue
        low, high = phrases[name]
        known = frame[name].is_not_null().to_numpy()
        weight[:, column] = np.where(known, towards * contributions[:, column], 0.0)
        words[:, column] = np.where(_is_low(frame, name, encoding), low, high)
    order = np.argsort(-weight, axis=1, kind="stable")[:, :top]
    return [
        "; ".join(words[row, column] for column in columns if weight[row, column] > 0)
        for row, columns in enumerate(order)
    ]


def _is_low(frame: pl.DataFrame, name: str, encoding: Encoding) -> np.ndarray:
    if name not in encoding.medians:
        return np.zeros(frame.height, dtype=bool)
    value = pl.col(name).cast(pl.Float64)
    low = (value < encoding.medians[name]) | (value <= encoding.minima[name])
    return frame.select(low.fill_null(False)).to_series().to_numpy()
