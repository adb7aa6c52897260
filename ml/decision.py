"""What to do about each cart: nothing, a reminder or an incentive, and whom first.

What belongs here: the economics of a nudge, the action, segments and priority, and putting them
together with the time of contact (``contact_timing``) and the holdout (``holdout``). What does not:
probabilities (the models make them) and how a contact is sent (the exports).

Segments follow from what is worth doing. A fixed cut-off on the probability ("above .5 they buy
anyway") is right for one margin, one cost and one base rate only; the expected gain moves with all
of them, cart by cart.
"""

from dataclasses import dataclass
from decimal import Decimal
from math import sqrt

import numpy as np
import polars as pl

from ml.contact_timing import ContactTiming, contact_not_before
from ml.features import person
from ml.holdout import is_held_out
from ml.horizons import RETURN_WINDOWS

ACTIONS = ("nothing", "reminder", "incentive")
ON_THE_FENCE, LIKELY, UNLIKELY = "on_the_fence", "likely_to_purchase", "unlikely_to_purchase"
LATER = "later"
GAIN_TYPE = pl.Decimal(18, 4)
# No cart gains more than this; a mistyped price must not stop the hour.
MAX_GAIN = 1e11


@dataclass(frozen=True)
class Economics:
    """What a sale brings, what a nudge costs and does; amounts in the reporting currency.

    The effects are assumptions until a holdout has measured them: 1.15 and 1.5 as odds ratios lift
    a chance of 20 % to 22.3 % and 27.3 %. An incentive can only pay where its odds ratio is above
    margin / (margin - discount): at these margins 5 % off pays for some, 10 % off for nobody.

    Attributes:
        margin_rate: margin as a share of the cart's value, in [0, 1].
        reminder_cost: cost of one reminder: sending it, and the people it makes unsubscribe.
        incentive_cost: the same of one incentive, without what it gives away.
        incentive_rate: discount as a share of the cart's value, in [0, 1].
        reminder_odds_ratio: factor on the odds of buying if reminded.
        incentive_odds_ratio: factor on the odds of buying if given the incentive.

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
        """The chance of buying at which a reminder adds most to it: 1 / (1 + sqrt(odds ratio))."""
        return 1.0 / (1.0 + sqrt(self.reminder_odds_ratio))

    def gains(self, p_buy: np.ndarray, value: np.ndarray) -> np.ndarray:
        """(n x actions) expected gain over doing nothing, to four decimals.

        A reminder gains (p' - p) M - cost. An incentive also gives its discount D to those who
        would have bought anyway: p' (M - D) - p M - cost.
        """
        margin = self.margin_rate * value
        discount = self.incentive_rate * value
        p_reminder = shift_odds(p_buy, self.reminder_odds_ratio)
        p_incentive = shift_odds(p_buy, self.incentive_odds_ratio)
        gains = np.column_stack(
            [
                np.zeros_like(p_buy),
                (p_reminder - p_buy) * margin - self.reminder_cost,
                p_incentive * (margin - discount) - p_buy * margin - self.incentive_cost,
            ]
        )
        return np.round(np.clip(gains, -MAX_GAIN, MAX_GAIN), 4)


def shift_odds(p: np.ndarray, odds_ratio: float) -> np.ndarray:
    """The probabilities after their odds were multiplied by ``odds_ratio``."""
    return odds_ratio * p / (1.0 - p + odds_ratio * p)


def decide(
    carts: pl.DataFrame,
    economics: Economics,
    *,
    holdout_key: bytes,
    holdout_share: float = 0.05,
    timing: ContactTiming | None = None,
    typical_value: Decimal | None = None,
) -> pl.DataFrame:
    """The carts of one hour with what to do about each, in the order they came.

    Args:
        carts: cart_id (unique), visitor_id, owner_id, as_of, last_touched_at, session_ended_at,
            cart_value_base (in the reporting currency; null where no price or a rate is not known),
            is_rate_lacking (whether it is the rate), p_abandon, p_return_4h ... p_return_168h, and
            return_share_hours (hours from as_of until ``timing.returned_share`` of those who return
            within a week have returned; NaN or null if none does).
        economics: margin, costs and effects.
        holdout_key: secret of the holdout; see ``is_held_out``.
        holdout_share: share of people held out.
        timing: when people may be contacted.
        typical_value: what a cart without a price is taken to be worth, such as the shop's median
            order; without it such a cart gains nothing by a nudge. Of a cart that lacks a rate more
            is known, though not in this currency: its gain is not known.

    Returns:
        ``carts`` with segment, best_action, expected_gain (DECIMAL(18,4), 0 for nothing, null where
        a rate is lacking, for which nothing is done), priority_rank (1 is first; unique),
        contact_not_before (null for nothing), return_window and is_holdout.

    Raises:
        ValueError: if p_abandon or a return probability is missing in a row or not in [0, 1].
    """
    for name in ("p_abandon", *(f"p_return_{window}" for window in RETURN_WINDOWS)):
        if not carts[name].cast(pl.Float64).is_between(0, 1).fill_null(False).all():
            raise ValueError(f"{name} must be in [0, 1] in every row")
    p_buy = 1.0 - carts["p_abandon"].to_numpy()
    value = (
        carts["cart_value_base"].cast(pl.Float64).fill_null(float(typical_value or 0)).to_numpy()
    )
    gains = economics.gains(p_buy, value)
    is_rate_lacking = carts["is_rate_lacking"].to_numpy()
    gains[is_rate_lacking, 1:] = -MAX_GAIN
    # The first of equal gains is taken, and actions stand in the order of what they cost.
    best = gains.argmax(axis=1)
    decided = carts.with_columns(
        segment=_segments(p_buy, best, economics),
        best_action=pl.Series(np.array(ACTIONS, dtype=object)[best], dtype=pl.String),
        expected_gain=pl.when(~pl.col("is_rate_lacking")).then(_decimals(gains.max(axis=1))),
        return_window=_return_window(),
        is_holdout=is_held_out(
            carts.select(person().alias("person"))["person"], key=holdout_key, share=holdout_share
        ),
    )
    return decided.with_columns(
        priority_rank=_rank(decided),
        contact_not_before=pl.when(pl.col("best_action") != "nothing").then(
            contact_not_before(timing or ContactTiming())
        ),
    )


def _segments(p_buy: np.ndarray, best: np.ndarray, economics: Economics) -> pl.Series:
    """Whom a nudge pays for is on the fence; of the rest, who buys anyway and who does not?

    A nudge moves those most who stand at ``most_persuadable``. Who is left alone above it is left
    because the chance is high already, below it because it is too low (or the cart too small). This
    probability names the reason for doing nothing; it never decides whether to contact.
    """
    segment = np.where(
        best > 0, ON_THE_FENCE, np.where(p_buy > economics.most_persuadable, LIKELY, UNLIKELY)
    )
    return pl.Series(segment.astype(object), dtype=pl.String)


def _decimals(gains: np.ndarray) -> pl.Series:
    units = pl.Series(np.rint(gains * 10_000).astype(np.int64))
    return (units.cast(pl.Decimal(18, 0)) * Decimal("0.0001")).cast(GAIN_TYPE)


def _return_window() -> pl.Expr:
    """The first horizon by which a return is more likely than not."""
    return pl.coalesce(
        *(
            pl.when(pl.col(f"p_return_{window}") > 0.5).then(pl.lit(window))
            for window in RETURN_WINDOWS
        ),
        pl.lit(LATER),
    )


def _rank(decided: pl.DataFrame) -> pl.Series:
    order = (
        decided.with_row_index("row")
        .sort(
            "expected_gain",
            "cart_value_base",
            "last_touched_at",
            "cart_id",
            descending=[True, True, True, False],
            nulls_last=True,
        )["row"]
        .to_numpy()
    )
    rank = np.empty(decided.height, dtype=np.int64)
    rank[order] = np.arange(1, decided.height + 1)
    return pl.Series(rank)
