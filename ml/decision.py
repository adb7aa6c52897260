"""What to do about each cart of an hour, and whom first.

What belongs here: segments and priority, out of chances and of what is planned for each cart
(``contact_plan``). What does not: probabilities (the models make them), the economics of a nudge
(``economics``), who is held out (``holdout``) and how a contact is sent (the exports).

Segments follow from what is worth doing. A fixed cut-off on the probability ("above .5 they buy
anyway") is right for one margin, one cost and one base rate only; the expected gain moves with all
of them, cart by cart.
"""

import numpy as np
import polars as pl

from ml.economics import NOTHING, Economics
from ml.horizons import RETURN_WINDOWS

ON_THE_FENCE, LIKELY, UNLIKELY = "on_the_fence", "likely_to_purchase", "unlikely_to_purchase"
LATER = "later"


def decide(carts: pl.DataFrame, economics: Economics) -> pl.DataFrame:
    """The carts of one hour with what to do about each, in the order they came.

    Args:
        carts: cart_id (unique), last_touched_at, cart_value_base (in the reporting currency; null
            where no price or a rate is not known), p_abandon, p_return_4h ... p_return_168h, and
            best_action and expected_gain of what is planned.
        economics: margin, costs and effects.

    Returns:
        ``carts`` with segment, priority_rank (1 is first; unique) and return_window.

    Raises:
        ValueError: if p_abandon or a return probability is missing in a row or not in [0, 1].
    """
    for name in ("p_abandon", *(f"p_return_{window}" for window in RETURN_WINDOWS)):
        if not carts[name].cast(pl.Float64).is_between(0, 1).fill_null(False).all():
            raise ValueError(f"{name} must be in [0, 1] in every row")
    return carts.with_columns(
        segment=_segment(economics), return_window=_return_window(), priority_rank=_rank(carts)
    )


def segment_after_contacts() -> pl.Expr:
    """The segment of decided carts: what people are like is not changed by a contact.

    Reads segment and was_contacted (see ``contact_plan.was_contacted``).
    """
    segment = pl.when("was_contacted").then(pl.lit(ON_THE_FENCE)).otherwise("segment")
    return segment.alias("segment")


def _segment(economics: Economics) -> pl.Expr:
    """Whom a nudge pays for is on the fence; of the rest, who buys anyway and who does not?

    A nudge moves those most who stand at ``most_persuadable``. Who is left alone above it is left
    because the chance is high already, below it because it is too low (or the cart too small). This
    probability names the reason for doing nothing; it never decides whether to contact.
    """
    return (
        pl.when(pl.col("best_action") != NOTHING)
        .then(pl.lit(ON_THE_FENCE))
        .when(1.0 - pl.col("p_abandon") > economics.most_persuadable)
        .then(pl.lit(LIKELY))
        .otherwise(pl.lit(UNLIKELY))
    )


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
