"""Scores of an hour as they are written: an hour is replaced whole, or stands as it is.

Belongs here: `scores.cart_scores`, the plans and arms with them, and what is too old. Not here:
what the scores say (`scoring`).
"""

from collections.abc import Callable, Sequence
from datetime import datetime

import duckdb
import polars as pl

from orchestration.ground.hours import END_OF_TIME
from orchestration.ground.settings import Settings
from orchestration.ground.sql import transaction
from orchestration.modelling.contact_plans import drop_old_plans, replace_plans
from orchestration.modelling.holdout_arms import replace_arms
from orchestration.modelling.scoring import Scored
from orchestration.warehouse import made_steps
from orchestration.warehouse.contact_tables import CONTACT_PLANS, HOLDOUT_ARMS
from orchestration.warehouse.outcomes import drop_outcomes, expect_outcomes
from orchestration.warehouse.retention import too_old
from orchestration.warehouse.run_log import note_run
from orchestration.warehouse.score_tables import CART_SCORES


def write_scores(
    connection: duckdb.DuckDBPyConnection,
    scores: pl.DataFrame,
    as_of: datetime,
    run_id: str,
    settings: Settings,
    *,
    plans: pl.DataFrame | None = None,
    arms: pl.DataFrame | None = None,
    not_after: datetime = END_OF_TIME,
    reporting_currency: str | None = None,
) -> None:
    """Replace the hour's rows, note the scored hour in `runs`, and drop what is too old to keep.

    Its plans and arms, where given, are replaced in the same transaction: killed at any point, an
    hour has all of them or none.

    What is too old is judged by the newest hour up to `not_after`; the hour just written stays.
    """
    made_steps.forget(connection, made_steps.CARTS)
    names = ", ".join(CART_SCORES.column_names)
    with transaction(connection):
        drop_outcomes(connection, "scored_at = ?", (as_of,))
        connection.execute("delete from scores.cart_scores where scored_at = ?", [as_of])
        expect_outcomes(connection, as_of)
        connection.register("scored", scores)
        connection.execute(
            f"insert into scores.cart_scores ({names})"
            f" select {names} from scored order by priority_rank"
        )
        connection.unregister("scored")
        _drop_old_scores(connection, as_of, settings, not_after)
        if plans is not None:
            keep_days = _plans_keep_days(settings)
            replace_plans(connection, as_of, plans, not_after=not_after, keep_days=keep_days)
        if arms is not None:
            replace_arms(connection, as_of, arms)
        note_run(
            connection,
            run_id,
            carts_scored=scores.height,
            reporting_currency=reporting_currency,
        )


def scored_once(
    connection: duckdb.DuckDBPyConnection,
    as_of: datetime,
    run_id: str,
    settings: Settings,
    score: Callable[[], Scored],
    *,
    made_of: Sequence[object],
    not_after: datetime = END_OF_TIME,
    reporting_currency: str | None = None,
) -> Scored:
    """What an hour says, written: by `score`; or where that would say the same again, what is
    written already, which is noted with the run and loses what is too old all the same.

    Args:
        connection, as_of, run_id, settings, not_after, reporting_currency: as `write_scores` has
            them.
        score: scores the carts of the hour.
        made_of: all that this rests on.
    """
    noted = {"not_after": not_after, "reporting_currency": reporting_currency}
    wrote = _written(as_of)
    if made_steps.is_made(connection, made_steps.CARTS, as_of, made_of, *wrote):
        return _keep_scores(connection, as_of, run_id, settings, **noted)
    scored = score()
    write_scores(
        connection,
        scored.scores,
        as_of,
        run_id,
        settings,
        plans=scored.plans,
        arms=scored.arms,
        **noted,
    )
    made_steps.note(connection, made_steps.CARTS, as_of, made_of, *wrote)
    return scored


def _written(as_of: datetime) -> list[str]:
    """Queries of all rows that the scoring of an hour writes."""
    return [
        f"from scores.{name} where {column} = timestamp '{as_of}'"
        for name, column in (
            (CART_SCORES.name, "scored_at"),
            (CONTACT_PLANS.name, "planned_at"),
            (HOLDOUT_ARMS.name, "assigned_at"),
        )
    ]


def _keep_scores(
    connection: duckdb.DuckDBPyConnection,
    as_of: datetime,
    run_id: str,
    settings: Settings,
    *,
    not_after: datetime,
    reporting_currency: str | None,
) -> Scored:
    with transaction(connection):
        _drop_old_scores(connection, as_of, settings, not_after)
        drop_old_plans(connection, as_of, not_after, _plans_keep_days(settings))
        scores, plans, arms = (connection.sql(each).pl() for each in _written(as_of))
        note_run(
            connection, run_id, carts_scored=scores.height, reporting_currency=reporting_currency
        )
    return Scored(scores.select(CART_SCORES.column_names), plans, arms)


def _drop_old_scores(
    connection: duckdb.DuckDBPyConnection, as_of: datetime, settings: Settings, not_after: datetime
) -> None:
    is_old, old = too_old("scored_at", as_of, not_after, settings.scores_keep_days)
    drop_outcomes(connection, is_old, old)
    connection.execute(f"delete from scores.cart_scores where {is_old}", old)


def _plans_keep_days(settings: Settings) -> int:
    return max(settings.scores_keep_days, settings.scoring_window_days + 1)
