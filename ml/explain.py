"""Why a cart scored as it did, in words a marketer reads.

What belongs here: picking the features that moved a score most and putting them in words. What does
not: the words themselves (they stand beside the columns in dbt) and the contributions (the
model's).
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

    Where the contributions of a row sum to zero or more, it leans towards abandoning, and its
    largest positive contributions are given; of any other row those that lean towards buying. A
    feature without phrase or value is skipped; ties stand in the order of the features.

    Args:
        contributions: (n x ``encoding.features``) log-odds of abandoning.
        frame: the n rows.
        phrases: for each feature what to say of a low and of a high value. Low is below the median
            of training, or the smallest value of training: a count that is mostly 0 is low at 0.
            A category is never low.
        encoding: the model's.
        top: how many reasons at most.

    Returns:
        n texts; empty where no feature contributed.
    """
    direction = np.where(contributions.sum(axis=1) >= 0, 1.0, -1.0)
    strength = np.zeros_like(contributions)
    words = np.full(contributions.shape, "", dtype=object)
    for column, name in enumerate(encoding.features):
        if name not in phrases:
            continue
        low, high = phrases[name]
        known = frame[name].is_not_null().to_numpy()
        strength[:, column] = np.where(known, direction * contributions[:, column], 0.0)
        words[:, column] = np.where(_is_low(frame, name, encoding), low, high)
    order = np.argsort(-strength, axis=1, kind="stable")[:, :top]
    return [
        "; ".join(words[row, column] for column in columns if strength[row, column] > 0)
        for row, columns in enumerate(order)
    ]


def _is_low(frame: pl.DataFrame, name: str, encoding: Encoding) -> np.ndarray:
    if name not in encoding.medians:
        return np.zeros(frame.height, dtype=bool)
    value = pl.col(name).cast(pl.Float64)
    low = (value < encoding.medians[name]) | (value <= encoding.minima[name])
    return frame.select(low.fill_null(False)).to_series().to_numpy()
