"""Experiments among people who are contacted: who is in which arm, and what the arms say.

What belongs here: drawing the experiment and the arm of a person, the comparison of two arms, how
many persons that takes, and bounds that hold however often somebody looks. What does not: who may
be contacted, what became of them (the warehouse knows), or the holdout (``holdout``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log, sqrt
from statistics import NormalDist

from ml.effects import difference_interval
from ml.keys import RANGE, drawn_number, key_id

ALPHA, POWER = 0.05, 0.8


@dataclass(frozen=True)
class Draw:
    """How people are drawn, by HMAC-SHA256 of the person's id.

    Attributes:
        key: a secret, or whoever knows the ids could work out the arms.

    Raises:
        ValueError: if the key is empty.
    """

    key: bytes

    def __post_init__(self) -> None:
        """Check the key."""
        if not self.key:
            raise ValueError("the key is empty, it must be a secret")

    @property
    def key_id(self) -> str:
        """Distinguishes keys without revealing one."""
        return key_id(self.key)

    def one_of(self, what: str, person: str, shares: Sequence[float]) -> int:
        """Which of so many, by shares that need not add up to 1.

        Args:
            what: is drawn; draws of different things do not depend on each other.
            person: the person's id.
            shares: of each, above 0.
        """
        drawn = drawn_number(self.key, f"{what}\0{person}") / RANGE * sum(shares)
        passed = 0.0
        for place, share in enumerate(shares):
            passed += share
            if drawn < passed:
                return place
        return len(shares) - 1


@dataclass(frozen=True)
class Comparison:
    """An arm against the control: the share that bought, the arm's less the control's.

    Attributes:
        difference: of the shares.
        low: lower end of its interval, if it is looked at once, at a time chosen beforehand.
        high: upper end.
        always_low: lower end of the interval that holds at all times together.
        always_high: upper end.
    """

    difference: float
    low: float
    high: float
    always_low: float
    always_high: float

    @property
    def is_decided(self) -> bool:
        """Whether there is a difference, as sure as that may be said at any time."""
        return self.always_low > 0 or self.always_high < 0


def compare(
    bought: int,
    count: int,
    control_bought: int,
    control_count: int,
    planned: int,
    comparisons: int = 1,
) -> Comparison | None:
    """The arm against the control; None while one of them is empty.

    The first interval is Newcombe's. The other is an asymptotic confidence sequence: Robbins'
    mixture of normals (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024, Annals of Statistics
    52, 2613-2640, theorem 2.2), narrowest where as many persons are there as were planned. Where
    few bought its variances are those of a person more on either side, so that nobody is sure of
    a share that was 0 so far.

    Args:
        bought: persons of the arm who bought.
        count: persons of the arm.
        control_bought: the same of the control.
        control_count: the same of the control.
        planned: persons of both arms together for which the experiment was planned.
        comparisons: how many arms are compared with the control: the intervals hold for all of them
            together (Bonferroni).
    """
    if not count or not control_count:
        return None
    alpha = ALPHA / comparisons
    z = NormalDist().inv_cdf(1.0 - alpha / 2.0)
    low, high = difference_interval(bought, count, control_bought, control_count, z)
    difference = bought / count - control_bought / control_count
    variance = _variance(bought, count) + _variance(control_bought, control_count)
    reach = sqrt(variance) * always_valid_factor(count + control_count, planned, alpha)
    return Comparison(difference, low, high, difference - reach, difference + reach)


def always_valid_factor(count: int, planned: int, alpha: float = ALPHA) -> float:
    """How many standard errors a bound lies away that holds at all counts together.

    Args:
        count: persons so far.
        planned: persons at which it is narrowest.
        alpha: how often it may fail, over all time.
    """
    most = -2.0 * log(alpha)
    scaled = count / planned * (most + log(most) + 1.0)
    return sqrt(2.0 * (scaled + 1.0) / scaled * log(sqrt(scaled + 1.0) / alpha))


def persons_needed(
    control_share: float, effect: float, ratio: float = 1.0, comparisons: int = 1
) -> int:
    """Persons of the control that show an effect worth finding in four of five experiments.

    Fleiss, Levin and Paik (2003), Statistical Methods for Rates and Proportions, 4.14, two-sided at
    5 %, or at that share of it where several arms are compared with one control.

    Args:
        control_share: of the control that buys.
        effect: the least difference of shares that matters.
        ratio: persons of the arm for one of the control.
        comparisons: how many arms are compared with the control.

    Raises:
        ValueError: if no share can differ so much from the control's.
    """
    share = control_share + effect
    if not (0 <= control_share <= 1 and 0 <= share <= 1 and effect):
        raise ValueError(f"no share of people is {share}")
    mean = (control_share + ratio * share) / (1.0 + ratio)
    sure = NormalDist().inv_cdf(1.0 - ALPHA / comparisons / 2.0)
    spread = sure * sqrt((ratio + 1.0) * mean * (1.0 - mean)) + NormalDist().inv_cdf(POWER) * sqrt(
        ratio * control_share * (1.0 - control_share) + share * (1.0 - share)
    )
    return ceil(spread**2 / (ratio * effect**2))


def _variance(bought: int, count: int) -> float:
    share = (bought + 1.0) / (count + 2.0)
    return share * (1.0 - share) / count
