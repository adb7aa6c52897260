"""Intervals that count people: how far a figure would move with other people.

What belongs here: the jackknife over groups of people, for any figure, and how many people weighted
rows are worth. What does not: the figures themselves (``evaluation``). A person's rows, carts and
sessions stay together: they tell the same thing again and again, and an interval that counted them
would be far too narrow.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

GROUPS = 20
# Student's t with 19 degrees of freedom at 97.5 %.
T_95 = 2.093


@dataclass(frozen=True)
class Interval:
    """A figure, or an array of them, with its 95 % interval."""

    estimate: np.ndarray | float
    low: np.ndarray | float
    high: np.ndarray | float


def bounds(name: str, found: Interval) -> dict[str, float]:
    """The ends of a figure's interval as metrics of a card: ``<name>_low`` and ``<name>_high``."""
    return {f"{name}_low": float(found.low), f"{name}_high": float(found.high)}


def groups_of(people: pl.Series) -> np.ndarray:
    """(n,) which of the groups each row's person belongs to, whatever the order of the rows."""
    return ((people.rank("dense") - 1) % GROUPS).to_numpy()


def effective_people(people: pl.Series, weights: np.ndarray) -> float:
    """How many people of equal weight would say as much about a mean as these rows do (Kish 1965).

    The rows of a person count together as one observation of the sum of their weights. Also what
    the optimism of a fit divides by: parameters / people (Takeuchi 1976, where a person's rows all
    say the same).

    Args:
        people: (n,) whose each row is.
        weights: (n,) what each row counts.
    """
    codes = (people.rank("dense") - 1).to_numpy()
    of_person = np.bincount(codes, weights=weights) if len(codes) else np.zeros(0)
    squares = float(of_person @ of_person)
    return float(of_person.sum()) ** 2 / squares if squares else 0.0


def interval(groups: np.ndarray, figure: Callable[[np.ndarray], np.ndarray | float]) -> Interval:
    """The 95 % interval of a figure by leaving out one group of people at a time (Tukey 1958).

    Args:
        groups: (n,) the group of each row; see ``groups_of``.
        figure: takes (n,) which rows are kept, gives the figure of those.
    """
    estimate = figure(np.ones(len(groups), dtype=bool))
    left_out = np.array([figure(groups != group) for group in range(GROUPS)])
    deviations = left_out - left_out.mean(axis=0)
    spread = T_95 * np.sqrt((GROUPS - 1) / GROUPS * (deviations**2).sum(axis=0))
    return Interval(estimate, estimate - spread, estimate + spread)
