"""Bringing chances to what carts did, by how long they have been idle.

What belongs here: the calibrators by age that are fitted on a whole window, which rows are the
newest, the shifts of log-odds by age, fitting and applying them. What does not: what the log-odds
come from (``trees``), and whether a model that was recalibrated is better (``ml.promotion``).

When a shop's rate of buying changes, trees and slopes hold for long and the level does not: a
window of weeks says so weeks later. A few shifts say so as soon as outcomes are known.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from ml.abandonment.snapshots import abandoned, idle_hours
from ml.calibration import LevelPrior, Platt, group_shifts, sigmoid
from ml.features import person_id
from ml.intervals import effective_people
from ml.split import cart_weights

AGE_EDGES_HOURS = (0.75, 6.0, 36.0, 108.0)
# The newest days, at least two and as many as hold so many people. Measured on 45,000 people, of
# whom a day holds 2,000: from the sixth day after the odds of buying fell by e^-1.55 as many buy as
# 1 / 1.11 of those expected, with three days 1 / 1.15 and 1 / 1.18: those of before count longer.
# With one, days on which nothing has changed move the level: log loss up to .0015 worse.
DAY = timedelta(days=1)
SHORTEST = 2 * DAY
MIN_PEOPLE = 1000
# How far log-odds are expected to shift, all alike, and an age beside the others. Measured on ten
# windows of a simulated shop of 8,500 people, three days ahead: buying expected is off by 9.7 % of
# itself, of which 8 % is chance, and by 13 % after a change; a wide prior is off by 12 and 13 %.
LEVEL = LevelPrior(steady_sd=0.07, changed_sd=0.7, changed_share=0.1)
AGE_SD = 0.1
# What moves all moves some ages more: those of whom few were still to buy, hardly. Measured on
# 45,000 people after the odds of buying fell by e^-1.55, from the sixth day on: log loss .1807,
# without it .1817.
AGE_SHARE = 0.5
# How far from one the slope of a calibrator is expected to be.
SLOPE_SD = 0.1


@dataclass(frozen=True)
class AgePlatts:
    """A calibrator of the log-odds of abandoning for each age; one more than edges.

    One for all ages would turn around the mean of them: where trees are too sure of themselves
    among the oldest carts, of which few are bought, it would move the level of all.
    """

    edges_hours: tuple[float, ...] = ()
    platts: tuple[Platt, ...] = (Platt(1.0, 0.0),)

    @classmethod
    def fit(cls, frame: pl.DataFrame, logits: np.ndarray) -> "AgePlatts":
        """Slopes of (n,) log-odds of n labelled rows, each drawn to one; the mean at each age stays
        where it is. Rows count together as many people as they are of.
        """
        outcomes, weights, ages = abandoned(frame), people_weights(frame), _ages(frame)
        of_ages = (ages == age for age in range(len(AGE_EDGES_HOURS) + 1))
        platts = (
            Platt.fit_slope(logits[rows], outcomes[rows], weights[rows], SLOPE_SD)
            if rows.any()
            else Platt(1.0, 0.0)
            for rows in of_ages
        )
        return cls(AGE_EDGES_HOURS, tuple(platts))

    def __call__(self, frame: pl.DataFrame, logits: np.ndarray) -> np.ndarray:
        """(n,) calibrated probabilities of n rows."""
        ages = _ages(frame, self.edges_hours)
        slopes, intercepts = (
            np.array([getattr(each, name) for each in self.platts])[ages]
            for name in ("slope", "intercept")
        )
        return sigmoid(slopes * logits + intercepts)


@dataclass(frozen=True)
class AgeShifts:
    """What is added to the log-odds of abandoning by hours idle; one more shift than edges.

    Attributes:
        edges_hours: where an age ends and the next begins.
        shifts: what is added at each.
        parameters: how many free parameters the shifts, drawn to none, are worth.
    """

    edges_hours: tuple[float, ...] = ()
    shifts: tuple[float, ...] = (0.0,)
    parameters: float = 0.0

    @classmethod
    def fit(cls, frame: pl.DataFrame, p: np.ndarray) -> "AgeShifts":
        """The shifts that bring (n,) probabilities to the outcomes of n labelled rows.

        Rows count together as many people as they are of.
        """
        found = group_shifts(
            _logits(p),
            abandoned(frame),
            people_weights(frame),
            _ages(frame),
            sizes=len(AGE_EDGES_HOURS) + 1,
            prior=LEVEL,
            group_sd=AGE_SD,
            group_share=AGE_SHARE,
        )
        return cls(AGE_EDGES_HOURS, tuple(map(float, found.shifts)), found.parameters)

    def __call__(self, frame: pl.DataFrame, p: np.ndarray) -> np.ndarray:
        """(n,) the probabilities of n rows, shifted."""
        if not any(self.shifts):
            return p
        return sigmoid(_logits(p) + np.array(self.shifts)[_ages(frame, self.edges_hours)])


def people_weights(frame: pl.DataFrame) -> np.ndarray:
    """(n,) the weights of the rows, as many together as they are people worth."""
    weights = cart_weights(frame)
    people = effective_people(frame.select(person_id()).to_series(), weights)
    return weights * people / weights.sum() if len(weights) else weights


def start_of_newest(rows: pl.DataFrame) -> datetime:
    """When the newest days begin: two, or as many full days as hold ``MIN_PEOPLE``; all of them
    if so many people are not there.

    Args:
        rows: labelled rows, at least one.
    """
    first, last = rows["as_of"].min(), rows["as_of"].max()
    newest_of = rows.group_by(person_id().alias("person")).agg(pl.col("as_of").max())["as_of"]
    if newest_of.len() < MIN_PEOPLE:
        return first
    enough = newest_of.sort(descending=True)[MIN_PEOPLE - 1]
    days = (last - enough) // DAY + 1
    return max(last - max(days * DAY, SHORTEST), first)


def _ages(frame: pl.DataFrame, edges_hours: tuple[float, ...] = AGE_EDGES_HOURS) -> np.ndarray:
    """(n,) the place of each row's age among the edges."""
    return np.searchsorted(edges_hours, idle_hours(frame), side="right")


def _logits(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, 1e-9, 1 - 1e-9)
    return np.log(p) - np.log1p(-p)
