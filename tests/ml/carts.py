"""Carts to plan contacts for and decide on, for the tests of plans and decisions."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import polars as pl

from ml.contact_plan import (
    ABSENCE,
    BASIS_TYPES,
    PLAN_TYPES,
    Moment,
    advice,
    best_plans,
    lapsed,
    plan,
)
from ml.contact_timing import ContactTiming
from ml.decision import decide
from ml.economics import Economics

AS_OF = datetime.fromisoformat("2026-03-10T12:00")
# Five cents a contact, so that the sums of the tests can be followed.
CHEAP = Economics(reminder_cost=0.05, incentive_cost=0.05)
# Every time is as good as another.
ANY_TIME = ContactTiming(delay_odds_ratios=((0.0, 1.0),))
HOUR_US = 3_600_000_000
BASIS = {
    "reporting_currency": "EUR",
    "abandonment_model": "a1",
    "return_model": "r1",
    "assumptions": "s1",
}
Chance = Callable[[np.ndarray], np.ndarray | float]


def carts(rows: list[dict]) -> pl.DataFrame:
    """One cart a row; by default an hour idle, of no known owner, back within the day."""
    defaults = {
        "owner_id": None,
        "as_of": AS_OF,
        "last_touched_at": AS_OF - timedelta(hours=1),
        "session_ended_at": AS_OF - timedelta(hours=1),
        "cart_value_base": Decimal(100),
        "is_rate_lacking": False,
        "p_abandon": 0.5,
        "p_return_4h": 0.1,
        "p_return_8h": 0.2,
        "p_return_24h": 0.6,
        "p_return_72h": 0.7,
        "p_return_168h": 0.8,
        "not_after": None,
    }
    return pl.DataFrame(
        [
            {"cart_id": f"c{i}", "visitor_id": f"v{i}"} | defaults | row
            for i, row in enumerate(rows or [{}])
        ],
        schema_overrides={
            "owner_id": pl.String,
            "cart_value_base": pl.Decimal(38, 4),
            "as_of": pl.Datetime("us"),
            "last_touched_at": pl.Datetime("us"),
            "session_ended_at": pl.Datetime("us"),
            "not_after": pl.Datetime("us"),
        },
        infer_schema_length=None,
    ).head(len(rows))


def moments(
    frame: pl.DataFrame,
    timing: ContactTiming,
    p_buy: Chance | None = None,
    p_away: Chance = lambda _: 1.0,
) -> Iterable[Moment]:
    """The hour and the grid for each cart, with chances by hours since the session's end.

    Without ``p_buy`` the chance of each cart is 1 - p_abandon at all times.
    """
    elapsed = (frame["as_of"] - frame["session_ended_at"]).dt.total_microseconds().to_numpy()
    grid = [np.full(frame.height, round(hours * HOUR_US)) for hours in timing.grid_hours]
    for delay in (elapsed, *grid):
        hours = delay / HOUR_US
        chance = 1.0 - frame["p_abandon"].to_numpy() if p_buy is None else p_buy(hours)
        ones = np.ones(frame.height)
        yield Moment(delay, chance * ones, p_away(hours) * ones)


def decided(
    rows: list[dict], economics: Economics = CHEAP, typical_value: Decimal | None = None
) -> pl.DataFrame:
    """What is decided about carts of these rows, whose chances stay as they are."""
    frame = carts(rows)
    plans = best_plans(frame, moments(frame, ANY_TIME), economics, ANY_TIME, typical_value)
    return decide(pl.concat([frame, plans], how="horizontal"), economics)


def planned(
    rows: list[dict],
    kept: pl.DataFrame | None = None,
    timing: ContactTiming | None = None,
    p_buy: Chance | None = None,
    p_away: Chance = lambda _: 1.0,
    **basis: str,
) -> pl.DataFrame:
    """What is planned for carts of these rows at their hour, beside what was kept."""
    timing = timing or ContactTiming()
    if kept is None:
        kept = pl.DataFrame(
            schema={"visitor_id": pl.String, "session_ended_at": pl.Datetime("us")}
            | PLAN_TYPES
            | BASIS_TYPES
        )
    return plan(
        carts(rows).drop("not_after"),
        kept,
        lambda frame: moments(frame, timing, p_buy, p_away),
        CHEAP,
        timing,
        basis=BASIS | basis,
        session_gap=timedelta(minutes=30),
        scored_for=timedelta(days=7),
    )


def to_keep(plans: pl.DataFrame) -> pl.DataFrame:
    """What of an hour's plans is kept for the hours to come."""
    return plans.filter("is_to_keep").select(*ABSENCE, *PLAN_TYPES, *BASIS_TYPES)


def advised(plans: pl.DataFrame) -> pl.DataFrame:
    """What the plans advise at their hour."""
    return plans.with_columns(advice(lapsed()))
