"""Whether what is scored is still spread as it was when a model was learned.

What belongs here: the population stability index and how much of it chance alone gives. What does
not: which rows are compared (`modelling.score_health` of the orchestration does), or whether the
chances came true (``outcomes``). That a shop's visitors change says nothing of its rate of buying,
and the other way round: both are looked at.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

# The usual reading of the index (Siddiqi 2006): below 0.1 nothing changed, above 0.25 much did.
LIMIT = 0.25
BINS = 10
# Of fewer people on either side the index says nothing.
MIN_PEOPLE = 100
# Standard deviations of a normal distribution that 0.1 % of it lie above: a hundred features are
# looked at hour after hour.
_Z_999 = 3.0902

Columns = Mapping[str, np.ndarray]


def reference(columns: Columns, people: int) -> dict[str, Any]:
    """How columns are spread, to compare with later: plain values, for the card of a model.

    Args:
        columns: by name (n,) numbers, unknown as NaN.
        people: how many people the rows belong to.

    Returns:
        people, and by name the upper edges of its bins (above them is one more) and their shares,
        that of the unknown values first. Of fewer than ``MIN_PEOPLE``, nothing.
    """
    if people < MIN_PEOPLE:
        return {}
    spread = {}
    for name, column in columns.items():
        edges = _edges(column)
        shares = [round(float(share), 6) for share in _shares(column, edges)]
        spread[name] = {"edges": [float(edge) for edge in edges], "shares": shares}
    return {"people": people, "columns": spread}


def stability(reference: Mapping[str, Any], columns: Columns, people: int) -> pl.DataFrame:
    """The population stability index of each column against its reference.

    Args:
        reference: as ``reference`` made it.
        columns: as for ``reference``; those it does not know are left out.
        people: how many people the rows belong to.

    Returns:
        column, index, limit (``LIMIT`` and what chance alone gives once in a thousand times),
        is_beyond; the greatest excess first. Empty where there are too few people.
    """
    rows = []
    if reference and people >= MIN_PEOPLE:
        by_chance = 1 / people + 1 / reference["people"]
        for name, spread in reference["columns"].items():
            if name not in columns:
                continue
            before = np.array(spread["shares"])
            now = _shares(columns[name], np.array(spread["edges"]))
            # half a row in every bin, so that an empty one does not make the index infinite
            before = (before + by_chance / 2) / (before + by_chance / 2).sum()
            now = (now + by_chance / 2) / (now + by_chance / 2).sum()
            index = float(((now - before) * np.log(now / before)).sum())
            limit = LIMIT + by_chance * _chi_square_999(len(before) - 1)
            rows.append((name, index, limit, index > limit))
    schema = {
        "column": pl.String,
        "index": pl.Float64,
        "limit": pl.Float64,
        "is_beyond": pl.Boolean,
    }
    found = pl.DataFrame(rows, schema, orient="row")
    return found.sort(pl.col("index") - pl.col("limit"), "column", descending=[True, False])


def _edges(column: np.ndarray) -> np.ndarray:
    """Deciles of the known values, to six digits, each once, without the highest value."""
    known = column[np.isfinite(column)]
    if not len(known):
        return np.zeros(0)
    shares = np.linspace(0, 1, BINS + 1)[1:-1]
    quantiles = np.quantile(known, shares, method="inverted_cdf")
    return np.unique([float(f"{edge:.6g}") for edge in quantiles])


def _shares(column: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The share of the unknown values, then of those up to each edge, then of those above all."""
    place = np.where(np.isfinite(column), np.searchsorted(edges, column) + 1, 0)
    return np.bincount(place, minlength=len(edges) + 2) / max(len(column), 1)


def _chi_square_999(freedom: int) -> float:
    """The 99.9 % quantile of a chi-square distribution, by Wilson and Hilferty (1931)."""
    spread = 2 / (9 * freedom)
    return freedom * (1 - spread + _Z_999 * spread**0.5) ** 3
