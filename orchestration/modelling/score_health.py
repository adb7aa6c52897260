"""Whether the scores of the hour can be trusted: drift, and what became of earlier ones.

Belongs here: which rows are compared with which. Not here: the arithmetic (`ml.drift`,
`ml.outcomes`), following the log (`warehouse.outcomes`), or what is said of it (`dagster`).
"""

from dataclasses import replace
from datetime import datetime, timedelta

import duckdb
import numpy as np
import polars as pl

from ml import attributes, drift, outcomes
from ml.abandonment import AbandonmentModel
from ml.features import person_id
from ml.horizons import HORIZONS_HOURS, RETURN_WINDOWS
from ml.intervals import Interval
from ml.return_time import ReturnModel
from orchestration.ground.settings import Settings
from orchestration.warehouse.contactable import IS_OF_PERSON
from orchestration.warehouse.database import log_end
from orchestration.warehouse.score_tables import CART_SCORES, SCORE_OUTCOMES

# The parameter of a card with what the model scored at the hour at which it was learned.
REFERENCE = "scored_like"
# What hour and what day it is changes by itself.
_OF_THE_CLOCK = ("clock_", "calendar_")
# Of the days whose outcomes are known, so many; of their hours at most so many, evenly spaced: a
# cart is scored hour after hour, and says nearly the same.
KNOWN_DAYS = 7
MAX_HOURS = 28
EARLY = timedelta(hours=24)


def with_reference(
    model: AbandonmentModel | ReturnModel, scored: pl.DataFrame | None
) -> AbandonmentModel | ReturnModel:
    """The model with what it scores at the hour at which it was learned noted on its card.

    Args:
        model: a model.
        scored: the carts of that hour, with the features that it was learned from.
    """
    if scored is None or scored.is_empty() or model.card.is_fallback:
        return model
    people = scored.select(person_id().n_unique()).item()
    noted = drift.reference(_features(model, scored) | _scores(model, scored), people)
    card = replace(model.card, params={**model.card.params, REFERENCE: noted})
    return replace(model, card=card)


def drift_of(
    model: AbandonmentModel | ReturnModel, scored: pl.DataFrame, scores: pl.DataFrame
) -> pl.DataFrame:
    """How far what an hour scores is from what the model scored when it was learned: rows of
    `ml.drift.stability`; none for a fallback, or a model without a note of it.

    Args:
        model: the model in use.
        scored: the carts of the hour, with attributes as they were delivered.
        scores: what was said of them, rows of `cart_scores`.
    """
    noted = model.card.params.get(REFERENCE, {})
    if scored.is_empty() or not noted:
        return drift.stability({}, {}, 0)
    scored = attributes.with_features(scored, model.card.features)
    people = scored.select(person_id().n_unique()).item()
    said = {
        name: scores[name].to_numpy()
        for name in noted["columns"]
        if name in CART_SCORES.column_names
    }
    return drift.stability(noted, _features(model, scored) | said, people)


def _features(model: AbandonmentModel | ReturnModel, scored: pl.DataFrame) -> dict[str, np.ndarray]:
    """The features of abandonment, without the clock's; those of the return model are among them,
    so that it adds none."""
    if isinstance(model, ReturnModel):
        return {}
    matrix = model.encoding.matrix(scored)
    return {
        name: matrix[:, at]
        for at, name in enumerate(model.encoding.features)
        if not name.startswith(_OF_THE_CLOCK)
    }


def _scores(model: AbandonmentModel | ReturnModel, scored: pl.DataFrame) -> dict[str, np.ndarray]:
    """What a model says of carts, by the columns of `cart_scores` that it becomes."""
    if isinstance(model, AbandonmentModel):
        return {"p_abandon": model.predict(scored)}
    chances = model.return_probabilities(scored, HORIZONS_HOURS)
    return {f"p_return_{each}": chances[:, at] for at, each in enumerate(RETURN_WINDOWS)}


def known_outcomes(
    connection: duckdb.DuckDBPyConnection, hour: datetime, settings: Settings
) -> pl.DataFrame:
    """What became of the scores of the newest days whose outcomes are known, by age; rows of
    `ml.outcomes.by_age`.

    Args:
        connection: the open warehouse, outcomes followed.
        hour: nothing that came later counts.
        settings: the horizon of the label.
    """
    newest = log_end(connection, hour) or hour
    known = _known(connection, newest, settings).drop_nulls("hours_idle")
    age = np.searchsorted(outcomes.AGE_EDGES_HOURS, known["hours_idle"].to_numpy())
    first = pl.col("scored_at") == pl.col("scored_at").min().over("cart_id", "age")
    return outcomes.by_age(known.with_columns(age=pl.Series(age)).filter(first))


def early_outcomes(
    connection: duckdb.DuckDBPyConnection, hour: datetime, settings: Settings
) -> Interval | None:
    """What of the scores of the day before the last was bought within 24 hours, against those
    whose outcomes are known; see `ml.outcomes.early_ratio`.

    Args:
        connection: the open warehouse, outcomes followed.
        hour: nothing that came later counts.
        settings: the horizon of the label.
    """
    newest = log_end(connection, hour) or hour
    early = _rows(connection, newest - 2 * EARLY, newest - EARLY)
    known = _known(connection, newest, settings)
    return outcomes.early_ratio(_once_a_day(early), _once_a_day(known))


def _known(
    connection: duckdb.DuckDBPyConnection, newest: datetime, settings: Settings
) -> pl.DataFrame:
    known_to = newest - timedelta(hours=settings.label_horizon_hours)
    return _rows(connection, known_to - timedelta(days=KNOWN_DAYS), known_to)


def _once_a_day(rows: pl.DataFrame) -> pl.DataFrame:
    day = pl.col("scored_at").dt.date()
    first = pl.col("scored_at") == pl.col("scored_at").min().over("cart_id", day)
    return rows.filter(first).select("person", "p_buy", "is_bought_early")


def _rows(connection: duckdb.DuckDBPyConnection, after: datetime, up_to: datetime) -> pl.DataFrame:
    """Scored carts of people, of the hours in (after, up_to]: scored_at, cart_id, person,
    hours_idle (null where no outcome is known), p_buy, is_bought, is_bought_early."""
    return connection.sql(
        f"""
        with hours as (
            select scored_at, row_number() over (order by scored_at desc) - 1 as number
            from (select distinct scored_at from scores.{CART_SCORES.name})
            where scored_at > $after and scored_at <= $up_to
        ),
        looked_at as (
            select scored_at from hours
            where number % ceil((select count(*) from hours) / {MAX_HOURS}) = 0
        )
        select
            scored.scored_at,
            scored.cart_id,
            coalesce(scored.owner_id, scored.visitor_id) as person,
            outcomes.hours_idle,
            1 - scored.p_abandon as p_buy,
            coalesce(outcomes.is_converted, false) as is_bought,
            coalesce(outcomes.converted_at <= scored.scored_at + $early, false) as is_bought_early
        from scores.{CART_SCORES.name} as scored
        semi join looked_at on scored.scored_at = looked_at.scored_at
        left join scores.{SCORE_OUTCOMES.name} as outcomes
            on scored.scored_at = outcomes.scored_at and scored.cart_id = outcomes.cart_id
        where {IS_OF_PERSON}
        order by scored.scored_at, scored.cart_id
        """,
        params={"after": after, "up_to": up_to, "early": EARLY},
    ).pl()
