"""At which times a contact may be planned, and what the time does to its effect.

What belongs here: the settings of the time and the grid that follows from them. What does not: the
choice among the times (``contact_plan``) and when people come back by themselves (``return_time``).
"""

from dataclasses import dataclass
from itertools import pairwise
from math import isfinite

import numpy as np

# Hours since the session's end that are tried between floor and cap: fine where chances change
# quickly, then by the day, so that the time of day stays that at which the shopper was there.
_GRID_HOURS = (2.0, 4.0, 8.0, 12.0, 24.0, 36.0, 48.0, 72.0, 96.0, 120.0, 144.0)
# What is planned for the last time of the grid is worth doing for as long as between two days.
LAST_STEP_HOURS = 24.0


@dataclass(frozen=True)
class ContactTiming:
    """When people may be contacted; hours are counted from the end of the last session.

    In randomised field experiments a message within the hour lowered purchases and one after one
    to three days raised them (Li, Luo, Lu and Moriguchi, Journal of Marketing).

    Attributes:
        floor_hours: never contact earlier.
        cap_hours: plan no contact later.
        replan_share: another model changes a plan only where the gain differs by more than this
            share of it.
        delay_odds_ratios: by hours, ascending, what the delay does to the odds ratio of a nudge;
            1 at the best time. In between its logarithm is a straight line, outside it is flat.

    Raises:
        ValueError: if a value is out of its range.
    """

    floor_hours: float = 1.0
    cap_hours: float = 168.0
    replan_share: float = 0.2
    delay_odds_ratios: tuple[tuple[float, float], ...] = (
        (1.0, 0.8),
        (4.0, 0.9),
        (24.0, 1.0),
        (72.0, 1.0),
        (168.0, 0.95),
    )

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not (0 <= self.floor_hours <= self.cap_hours and isfinite(self.cap_hours)):
            raise ValueError(
                f"floor_hours is {self.floor_hours} and cap_hours {self.cap_hours}, "
                "they must be 0 <= floor_hours <= cap_hours"
            )
        if not 0 <= self.replan_share < float("inf"):
            raise ValueError(f"replan_share is {self.replan_share}, it must be 0 or more")
        hours = [hour for hour, _ in self.delay_odds_ratios]
        if not hours or hours[0] < 0 or any(a >= b for a, b in pairwise(hours)):
            raise ValueError("delay_odds_ratios need hours of 0 or more, each given once")
        if not all(isfinite(hour) and 0 < ratio < np.inf for hour, ratio in self.delay_odds_ratios):
            raise ValueError("delay_odds_ratios must all be more than 0")

    @property
    def grid_hours(self) -> tuple[float, ...]:
        """The times that are tried, ascending: floor, cap and what lies between."""
        between = (hour for hour in _GRID_HOURS if self.floor_hours < hour < self.cap_hours)
        return tuple(sorted({self.floor_hours, *between, self.cap_hours}))

    def delay_odds_ratio(self, hours: np.ndarray) -> np.ndarray:
        """What contacting so many hours after the session's end does to a nudge's odds ratio."""
        known, ratios = zip(*self.delay_odds_ratios, strict=True)
        return np.exp(np.interp(hours, known, np.log(ratios)))
