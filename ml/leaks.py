"""Features that know what came after: too good to be true, alone or learned against scored.

What belongs here: finding them. What does not: what is done about them (``ml.gates``).

Two signs are looked for. A feature that alone predicts the outcome better than whole models of
this kind do: a copy of the outcome, or what an order gave back to the pages before it. And a
feature of which the values that tell the outcome when learning are missing when scoring, where
nothing came after yet: a count that looks ahead.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml.intervals import interval

# Whole models of abandonment reach an AUC of .78 to .84; the best published one has .82.
MAX_AUC_ALONE = 0.8
# Below this a feature predicts too little for its missing values to mean anything.
MIN_AUC_TELLING = 0.7
# The values with more than the usual share of the outcome are missing if they are this much rarer
# when scoring than when learning.
MISSING_FACTOR = 10.0
# So many people must have been expected to have them.
MIN_EXPECTED_PEOPLE = 20.0
# With more distinct values than that, a feature is cut into bins of equal size.
MAX_VALUES, BINS = 64, 20


@dataclass(frozen=True)
class Rows:
    """What is looked at.

    Attributes:
        matrix: (n x features) numbers, unknown as NaN.
        weights: (n,) their weights.
        strata: (n,) small whole numbers, such as of hours idle. What tells the outcome is looked
            for within these, and learned and scored rows are compared as if spread alike over them.
        groups: (n,) groups of people; see ``ml.intervals``.
    """

    matrix: np.ndarray
    weights: np.ndarray
    strata: np.ndarray
    groups: np.ndarray


def leaks(
    features: Sequence[str],
    learned: Rows,
    outcomes: np.ndarray,
    scored: Rows | None = None,
    scored_people: int = 0,
) -> list[str]:
    """The features that are too good to be true, a clause each.

    Args:
        features: the names of the columns.
        learned: n labelled rows.
        outcomes: (n,) 0/1, whether what is rare happened, such as an order.
        scored: rows of the hour, whose outcome nobody can know yet.
        scored_people: how many people these belong to.
    """
    found = []
    alike = learned.weights * _ratios(learned, scored) if scored else learned.weights
    for position, name in enumerate(features):
        column = learned.matrix[:, position]
        edges = _edges(column)
        bins = _bins(column, edges)
        auc = _auc_alone(bins, learned, outcomes)
        if auc > MAX_AUC_ALONE:
            low = interval(
                learned.groups,
                lambda kept, bins=bins: _auc_alone(bins, learned, outcomes, kept),
            ).low
            if low > MAX_AUC_ALONE:
                found.append(f"{name} alone has an AUC of {auc:.2f}, surely above {MAX_AUC_ALONE}")
                continue
        if scored and auc >= MIN_AUC_TELLING:
            there = _bins(scored.matrix[:, position], edges)
            if clause := _missing(name, bins, alike, outcomes, there, scored_people):
                found.append(clause)
    return found


def _ratios(learned: Rows, scored: Rows) -> np.ndarray:
    """(n,) by what to multiply learned rows so that they are spread over strata as scored ones."""
    size = int(max(learned.strata.max(initial=0), scored.strata.max(initial=0))) + 1
    have = np.bincount(learned.strata, learned.weights, size)
    want = np.bincount(scored.strata, scored.weights, size)
    return np.divide(want, have, out=np.zeros(size), where=have > 0)[learned.strata]


def _edges(column: np.ndarray) -> np.ndarray:
    """The upper edges of a column's bins: its values, or quantiles where they are many."""
    known = column[np.isfinite(column)]
    values = np.unique(known)
    if len(values) > MAX_VALUES:
        values = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:]))
    return values


def _bins(column: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """(n,) the bin of each value: 0 if unknown, and one beyond the last for what is above it."""
    return np.where(np.isfinite(column), np.searchsorted(edges, column) + 1, 0)


def _auc_alone(
    bins: np.ndarray, rows: Rows, outcomes: np.ndarray, kept: np.ndarray | None = None
) -> float:
    """The AUC, within strata, of ranking by the rates of the bins, those of one half of people for
    the other half."""
    kept = np.ones(len(bins), dtype=bool) if kept is None else kept
    shape = int(rows.strata.max(initial=0)) + 1, int(bins.max(initial=0)) + 1
    cells = rows.strata * shape[1] + bins

    def counted(here: np.ndarray, share: np.ndarray) -> np.ndarray:
        weights = rows.weights[here] * share[here]
        return np.bincount(cells[here], weights, shape[0] * shape[1]).reshape(shape)

    halves = [
        (counted(here, outcomes), counted(here, 1 - outcomes))
        for here in (kept & (rows.groups % 2 == half) for half in (0, 1))
    ]
    won = pairs = 0.0
    for (positive, negative), (others, not_others) in zip(halves, reversed(halves), strict=True):
        every = others + not_others
        base = others.sum(axis=1, keepdims=True) / np.maximum(every.sum(axis=1, keepdims=True), 1)
        order = np.argsort((others + base) / (every + 1), axis=1, kind="stable")
        positive = np.take_along_axis(positive, order, axis=1)
        negative = np.take_along_axis(negative, order, axis=1)
        won += (positive * (np.cumsum(negative, axis=1) - negative / 2)).sum()
        pairs += (positive.sum(axis=1) * negative.sum(axis=1)).sum()
    return won / pairs if pairs else 0.5


def _missing(
    name: str,
    bins: np.ndarray,
    weights: np.ndarray,
    outcomes: np.ndarray,
    scored_bins: np.ndarray,
    scored_people: int,
) -> str:
    """Says so if the values that tell the outcome are missing when scoring; else empty."""
    size = int(max(bins.max(initial=0), scored_bins.max(initial=0))) + 1
    positive = np.bincount(bins, weights * outcomes, size)
    every = np.bincount(bins, weights, size)
    there = np.bincount(scored_bins, minlength=size)
    if not 0 < positive.sum() < every.sum() or not there.sum():
        return ""
    is_telling = positive * every.sum() > every * positive.sum()
    expected = every[is_telling].sum() / every.sum()
    share = there[is_telling].sum() / there.sum()
    if expected * scored_people < MIN_EXPECTED_PEOPLE or share * MISSING_FACTOR >= expected:
        return ""
    return (
        f"the values of {name} that tell the outcome are in {expected:.1%} of the rows learned"
        f" from and in {share:.1%} of those scored"
    )
