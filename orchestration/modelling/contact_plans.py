"""The plans of contact: `scores.contact_plans`, and the chances that plans are made from.

Belongs here: which plans hold at an hour, what the models say of later instants, and keeping new
plans. Not here: the choice of a time, and when a plan is changed (`ml.contact_plan`).

An hour knows the plans of the hours before it only: done again it makes the same ones.
"""

from collections.abc import Iterable
from datetime import datetime

import duckdb
import numpy as np
import polars as pl

from ml.abandonment import AbandonmentModel
from ml.contact_plan import ABSENCE, BASIS_TYPES, PLAN_TYPES, Moment, Moments
from ml.contact_timing import ContactTiming
from ml.later import HOUR_US, Calendar, at_later_instant
from ml.return_time import ReturnModel
from orchestration.warehouse.retention import too_old
from orchestration.warehouse.score_tables import CONTACT_PLANS

_PLANS = f"scores.{CONTACT_PLANS.name}"


def plans_before(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> pl.DataFrame:
    """The newest plan before an hour of each absence of visitors with a cart to score."""
    columns = ", ".join([*PLAN_TYPES, *BASIS_TYPES])
    return connection.sql(
        f"select {', '.join(ABSENCE)}, {columns} from {_PLANS}"
        " where planned_at < ? and visitor_id in (select visitor_id from main.scoring_snapshots)"
        f" qualify row_number() over (partition by {', '.join(ABSENCE)} order by planned_at desc)"
        f" = 1 order by {', '.join(ABSENCE)}",
        params=[as_of],
    ).pl()


def moments_of(
    abandonment: AbandonmentModel,
    returning: ReturnModel,
    returns: pl.DataFrame,
    timing: ContactTiming,
    calendar: Calendar,
) -> Moments:
    """The times at which carts may be contacted, with what the models say of each.

    The chance of buying at a later time is the model's for the cart as it would stand then if
    nothing happened.

    Args:
        abandonment: the model behind the chance of buying.
        returning: the model behind the chance of still being away.
        returns: the absence beside each cart, by cart_id.
        timing: the grid of times.
        calendar: by what features of the day are.
    """

    def moments(carts: pl.DataFrame) -> Iterable[Moment]:
        elapsed = (carts["as_of"] - carts["session_ended_at"]).dt.total_microseconds()
        elapsed_us = elapsed.to_numpy()
        absences = (
            carts.select("cart_id")
            .join(returns, on="cart_id", how="left", maintain_order="left")
            .with_columns(elapsed_hours=elapsed / HOUR_US)
        )
        expected = returning.absences(absences)
        yield Moment(
            elapsed_us, 1.0 - abandonment.predict(carts), np.ones(carts.height, dtype=np.float64)
        )
        for hours in timing.grid_hours:
            delay_us = round(hours * HOUR_US)
            # a time that has passed is no choice; the model is asked about the present instead
            instant = pl.max_horizontal(
                pl.col("session_ended_at") + pl.duration(microseconds=delay_us), "as_of"
            )
            yield Moment(
                np.full(carts.height, delay_us),
                1.0 - abandonment.predict(at_later_instant(carts, instant, calendar)),
                expected.still_away(np.full(carts.height, hours)),
            )

    return moments


def replace_plans(
    connection: duckdb.DuckDBPyConnection,
    as_of: datetime,
    plans: pl.DataFrame,
    *,
    not_after: datetime,
    keep_days: int,
) -> None:
    """Replace the plans kept at an hour, and drop old ones, within the transaction of its scores.

    Args:
        connection: the open warehouse.
        as_of: the hour.
        plans: rows of `contact_plans`.
        not_after: a later hour was scored while the clock was ahead: nothing is old by it.
        keep_days: plans of as many days are kept; more than an absence can last.
    """
    connection.execute(f"delete from {_PLANS} where planned_at = ?", [as_of])
    connection.register("plans", plans)
    connection.execute(f"insert into {_PLANS} by name from plans order by visitor_id")
    connection.unregister("plans")
    drop_old_plans(connection, as_of, not_after, keep_days)


def drop_old_plans(
    connection: duckdb.DuckDBPyConnection, as_of: datetime, not_after: datetime, keep_days: int
) -> None:
    """Drop old plans; the arguments are those of `replace_plans`."""
    is_old, old = too_old("planned_at", as_of, not_after, keep_days)
    connection.execute(f"delete from {_PLANS} where {is_old}", old)
