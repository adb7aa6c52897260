"""What became of scored carts: `scores.score_outcomes`, a row of `cart_scores` with its outcome.

Belongs here: following the log with outcomes, which dbt cannot make because it never reads a score.
Not here: the rule by which an order counts (`visitor_orders` and the macro
`converts_within_horizon` in dbt_project, which this renders), or publishing the table.

An outcome follows from its row of `cart_scores` and the log, whenever it is asked for, and is
dropped with that row. So it is looked at again only where one of these may have changed: hours
scored since, visitors whose rows were rebuilt, and rows whose horizon the end of the log passed, or
went back behind. Each outcome that changes is noted for the publication, which replaces as little.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb
import polars as pl

from orchestration.ground.rule_macros import rule_macros
from orchestration.ground.settings import Settings
from orchestration.ground.sql import literal, transaction
from orchestration.warehouse.contactable import without_bots
from orchestration.warehouse.database import log_end
from orchestration.warehouse.score_tables import (
    CART_SCORES,
    HOURS_WITHOUT_OUTCOMES,
    OUTCOMES_WATERMARK,
    SCORE_OUTCOMES,
    UNPUBLISHED_OUTCOMES,
)

_SCORES = f"scores.{CART_SCORES.name}"
_OUTCOMES = f"scores.{SCORE_OUTCOMES.name}"
_UNPUBLISHED = f"scores.{UNPUBLISHED_OUTCOMES.name}"
_NEW_HOURS = f"scores.{HOURS_WITHOUT_OUTCOMES.name}"
_WATERMARK = f"scores.{OUTCOMES_WATERMARK.name}"
_KEY = "scored_at, cart_id"
_REBUILT = (
    "select visitor_id from main.unpublished_visitors"
    " union select visitor_id from main.affected_visitors"
)


@dataclass(frozen=True)
class Followed:
    """What following the log changed.

    Attributes:
        changed: outcomes that are new, others than before, or gone.
        is_day_over: whether all outcomes of another day of scored hours are known since.
    """

    changed: int
    is_day_over: bool


def follow_log(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Followed:
    """Bring the outcomes up to the scores and the log as they are.

    Args:
        connection: the open warehouse, after a build and before the tables are published.
        settings: what the shop has set.
    """
    newest = log_end(connection)
    horizon = settings.label_horizon_hours
    before = connection.execute(
        f"select newest_event_at, label_horizon_hours from {_WATERMARK}"
    ).fetchall()
    is_looked_at = _is_looked_at(connection, before, newest, horizon)
    columns = ", ".join(SCORE_OUTCOMES.column_names)
    with transaction(connection):
        connection.execute(
            "create or replace temp table looked_at as"
            f" select scored_at, cart_id, visitor_id, p_abandon, abandonment_model, return_model"
            f" from {_SCORES} where {is_looked_at}"
        )
        connection.execute(
            f"create or replace temp table outcomes_now as {_outcomes(settings, newest)}"
        )
        connection.execute(
            "create or replace temp table outcomes_before as"
            f" select {columns} from {_OUTCOMES} semi join looked_at using ({_KEY})"
        )
        ((changed,),) = connection.execute(
            "create or replace temp table outcomes_changed as"
            f" select {_KEY} from (from outcomes_before except from outcomes_now)"
            f" union select {_KEY} from (from outcomes_now except from outcomes_before);"
            " select count(*) from outcomes_changed"
        ).fetchall()
        connection.execute(
            f"delete from {_OUTCOMES} where ({_KEY}) in (select {_KEY} from outcomes_changed)"
        )
        connection.execute(
            f"insert into {_OUTCOMES} by name select outcomes_now.* from outcomes_now"
            f" semi join outcomes_changed using ({_KEY}) order by {_KEY}"
        )
        connection.execute(f"insert into {_UNPUBLISHED} by name from outcomes_changed")
        connection.execute(f"delete from {_NEW_HOURS}")
        connection.execute(f"delete from {_WATERMARK}")
        connection.execute(
            f"insert into {_WATERMARK} by name"
            " select ? as newest_event_at, ? as label_horizon_hours",
            [newest, horizon],
        )
    for name in ("looked_at", "outcomes_now", "outcomes_before", "outcomes_changed"):
        connection.execute(f"drop table temp.{name}")
    last_day = _last_day_known(*before[0]) if before else None
    is_day_over = newest is not None and _last_day_known(newest, horizon) != last_day
    return Followed(changed, is_day_over)


def followed_until(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    """The newest event that the log had when it was followed last; None if it never was."""
    found = connection.execute(f"select newest_event_at from {_WATERMARK}").fetchall()
    return found[0][0] if found else None


def drop_outcomes(
    connection: duckdb.DuckDBPyConnection, condition: str, parameters: tuple = ()
) -> None:
    """Drop outcomes whose scores are dropped, within the transaction that drops those.

    Args:
        connection: the open warehouse.
        condition: SQL over the columns that outcomes share with scores.
        parameters: values of its placeholders.
    """
    connection.execute(
        f"insert into {_UNPUBLISHED} by name select {_KEY} from {_OUTCOMES} where {condition}",
        parameters,
    )
    connection.execute(f"delete from {_OUTCOMES} where {condition}", parameters)


def expect_outcomes(connection: duckdb.DuckDBPyConnection, hour: datetime) -> None:
    """Note that the scores of an hour are new; within the transaction that writes them."""
    connection.execute(f"insert into {_NEW_HOURS} values (?)", [hour])


def weekly_outcomes(
    connection: duckdb.DuckDBPyConnection, weeks: int, schema: str = "scores"
) -> pl.DataFrame:
    """What was predicted and what came of it, of the newest weeks whose outcomes are known.

    A cart that is scored hour after hour is one cart: the first of its scores in a week counts.
    Carts of suspected bots are none, as in the checks of the scores.

    Args:
        connection: warehouse or published file.
        weeks: how many.
        schema: where `score_outcomes` and `cart_scores` are.

    Returns:
        week (its Monday), cart_count, abandoned_count, mean_predicted; the oldest week first.
    """
    outcomes = f"{schema}.{SCORE_OUTCOMES.name}"
    return connection.sql(
        f"""
        with recent as (
            select * from {outcomes} {without_bots(connection, schema)}
            where is_mature and hours_idle is not null
                and scored_at >= (
                    select date_trunc('week', max(scored_at) filter (is_mature)) from {outcomes}
                ) - to_weeks({int(weeks) - 1})
        ),
        first_scores as (
            select
                cast(date_trunc('week', scored_at) as date) as week,
                arg_min(p_abandon, scored_at) as p_abandon,
                arg_min(is_converted, scored_at) as is_converted
            from recent
            group by week, cart_id
        )
        select
            week,
            count(*) as cart_count,
            count(*) filter (not is_converted) as abandoned_count,
            avg(p_abandon) as mean_predicted
        from first_scores
        group by week
        order by week
        """
    ).pl()


def _is_looked_at(
    connection: duckdb.DuckDBPyConnection,
    before: list[tuple[datetime | None, int]],
    newest: datetime | None,
    horizon: int,
) -> str:
    """SQL over cart_scores: whether the row's outcome may be another than it was."""
    ((is_rebuilt,),) = connection.execute(
        "select count(*) from main.unpublished_visitors where visitor_id is null"
    ).fetchall()
    if is_rebuilt or not before or before[0][1] != horizon or None in (before[0][0], newest):
        return "true"
    ends = sorted((before[0][0], newest))
    first, last = (literal(str(end - timedelta(hours=horizon))) for end in ends)
    return (
        f"scored_at between timestamp {first} and timestamp {last}"
        f" or scored_at in (select scored_at from {_NEW_HOURS})"
        f" or visitor_id in ({_REBUILT})"
    )


def _outcomes(settings: Settings, newest: datetime | None) -> str:
    """The query of the outcomes that are known of the rows in `looked_at`."""
    macros = rule_macros(settings)
    end = f"cast({literal(str(newest)) if newest else 'null'} as timestamp)"
    converts = macros.converts_within_horizon("scored_at", "next_order_at", end)
    never = macros.converts_within_horizon("scored_at", "cast(null as timestamp)", end)
    is_open = macros.is_touched_cart_open("followed", "scored_at")
    return f"""
        with orders as (
            select visitor_id, event_at as next_order_at from main.visitor_orders
            where visitor_id in (select visitor_id from looked_at)
        ),
        touches as (
            select cart_id, touched_at, closed_at from main.cart_touches
            where cart_id in (select cart_id from looked_at)
        ),
        followed as (
            select looked_at.*, next_order_at, touched_at, closed_at
            from looked_at
            asof left join orders
                on looked_at.visitor_id = orders.visitor_id and scored_at < next_order_at
            asof left join touches
                on looked_at.cart_id = touches.cart_id and scored_at >= touched_at
        ),
        outcomes as (
            select
                scored_at,
                cart_id,
                p_abandon,
                {converts} as is_converted,
                case when {converts} then next_order_at end as converted_at,
                case when {is_open}
                    then (epoch_us(scored_at) - epoch_us(touched_at)) / 3.6e9
                end as hours_idle,
                coalesce(not {never}, false) as is_mature,
                abandonment_model,
                return_model
            from followed
        )
        select * from outcomes where is_converted is not null
    """


def _last_day_known(newest: datetime | None, horizon: int) -> object:
    return newest and (newest - timedelta(hours=horizon)).date()
