"""What a sale brings, and what a nudge costs and does to it.

What belongs here: the economics of one cart at one chance of buying. What does not: at which time
it is contacted (``contact_plan``), what follows from it for an hour (``decision``) and the chances
(the models make them).
"""

from dataclasses import dataclass

import numpy as np

# In the order of what they cost: of equal gains the first is taken.
ACTIONS = ("nothing", "reminder", "incentive")
NOTHING = ACTIONS[0]
# No cart gains more than this; a mistyped price must not stop the hour.
MAX_GAIN = 1e11
# How the own log odds of shoppers who look alike are spread (standard deviation); it is never seen.
# Of filled carts a fifth to a third is bought in most shops; at such a chance it takes 1.4 to 1.6
# to spread own chances as the distribution does that assumes nothing but their mean, a truncated
# exponential one (the greatest entropy; Jaynes 1957). 1.4 to 1.7 were compared on two simulated
# shops: they earn alike, and 1.5 says what is gained.
UNSEEN_SD = 1.5


def _spreads() -> tuple[np.ndarray, np.ndarray]:
    """Means up to a half, ascending, of chances whose log odds are normally distributed, and their
    variance as a share of mean x (1 - mean)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    log_odds = np.linspace(-20.0, 0.0, 401)[:, None] + UNSEEN_SD * nodes
    own = 1 / (1 + np.exp(-log_odds))
    means, squares = own @ weights / weights.sum(), own**2 @ weights / weights.sum()
    shares = (squares - means**2) / (means * (1 - means))
    return np.append(0.0, means), np.append(0.0, shares)


_MEANS, _SHARES = _spreads()


@dataclass(frozen=True)
class Economics:
    """What a sale brings, what a nudge costs and does; amounts in the reporting currency.

    The effects are assumptions until a holdout has measured them: 1.15 and 1.5 as odds ratios lift
    a shopper's own chance of 20 % to 22.3 % and 27.3 %, and the mean of many that is 20 % to 21.7 %
    and 25.3 % (see ``unseen_share``). An incentive can only pay where its odds ratio is above
    margin / (margin - discount): at these margins 5 % off pays for some, 10 % off for nobody.

    Attributes:
        margin_rate: margin as a share of the cart's value, in [0, 1].
        reminder_cost: cost of one reminder: sending it, and the people it makes unsubscribe.
        incentive_cost: the same of one incentive, without what it gives away.
        incentive_rate: discount as a share of the cart's value, in [0, 1].
        reminder_odds_ratio: factor on the odds of buying if reminded at the best time.
        incentive_odds_ratio: factor on the odds of buying if given the incentive at the best time.

    Raises:
        ValueError: if a value is out of its range.
    """

    margin_rate: float = 0.30
    reminder_cost: float = 0.25
    incentive_cost: float = 0.25
    incentive_rate: float = 0.05
    reminder_odds_ratio: float = 1.15
    incentive_odds_ratio: float = 1.5

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in ("margin_rate", "incentive_rate"):
            if not 0 <= (value := getattr(self, name)) <= 1:
                raise ValueError(f"{name} is {value}, it must be between 0 and 1")
        for name in ("reminder_cost", "incentive_cost"):
            if not 0 <= (value := getattr(self, name)) < float("inf"):
                raise ValueError(f"{name} is {value}, it must be 0 or more")
        for name in ("reminder_odds_ratio", "incentive_odds_ratio"):
            if not 0 < (value := getattr(self, name)) < float("inf"):
                raise ValueError(f"{name} is {value}, it must be more than 0")

    @property
    def most_persuadable(self) -> float:
        """The chance of buying, to a thousandth, that a reminder moves most; a half if it moves
        none."""
        chances = np.linspace(0.0, 1.0, 1001)
        moved = np.abs(self.nudged(chances, self.reminder_odds_ratio) - chances)
        return float(chances[moved.argmax()]) if moved.any() else 0.5

    def gains(
        self, p_buy: np.ndarray, value: np.ndarray, delay_odds_ratio: np.ndarray | float = 1.0
    ) -> np.ndarray:
        """(n x actions) expected gain over doing nothing, to four decimals.

        ``p_buy`` is what a model says, the mean chance of shoppers who look alike. A reminder gains
        (p' - p) M - cost. An incentive also gives its discount D to those who would have bought
        anyway: p' (M - D) - p M - cost. ``delay_odds_ratio`` is what the time of the contact does
        to the odds ratio of either; 1 at the best time.
        """
        margin = self.margin_rate * value
        discount = self.incentive_rate * value
        p_reminder = self.nudged(p_buy, self.reminder_odds_ratio * delay_odds_ratio)
        p_incentive = self.nudged(p_buy, self.incentive_odds_ratio * delay_odds_ratio)
        gains = np.column_stack(
            [
                np.zeros_like(p_buy),
                (p_reminder - p_buy) * margin - self.reminder_cost,
                p_incentive * (margin - discount) - p_buy * margin - self.incentive_cost,
            ]
        )
        return np.round(np.clip(gains, -MAX_GAIN, MAX_GAIN), 4)

    def nudged(self, p_buy: np.ndarray, odds_ratio: np.ndarray | float) -> np.ndarray:
        """(n,) the mean chances of shoppers whose own odds were each multiplied by a ratio."""
        return shift_odds(p_buy, odds_ratio ** (1.0 - unseen_share(p_buy)))


def unseen_share(p_buy: np.ndarray) -> np.ndarray:
    """(n,) how much of the variance of buying, p (1 - p), lies between the own chances of shoppers
    who look alike and of whom a share p buys.

    A nudge does nothing to who has made up their mind, so that the odds ratio of all together is
    nearer to one than each shopper's own (Gail, Wieand and Piantadosi 1984): by this share of its
    logarithm, to first order. Own log odds are taken as normally distributed, and as spread
    (``UNSEEN_SD``) at every level alike: where the odds of all fall by a factor, as after a sale,
    shoppers differ as much as before.
    """
    return np.interp(np.minimum(p_buy, 1.0 - p_buy), _MEANS, _SHARES)


def shift_odds(p: np.ndarray, odds_ratio: np.ndarray | float) -> np.ndarray:
    """The probabilities after their odds were multiplied by ``odds_ratio``."""
    return odds_ratio * p / (1.0 - p + odds_ratio * p)
