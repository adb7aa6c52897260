"""Scoring the people of an hour: a frame out of the warehouse, through `ml`, back as a table.

Belongs here: reading, scoring and writing `scores.person_scores`. Not here: the arithmetic
(`ml.people`), or which hours are scored (`warehouse.people_build`).
"""

from datetime import datetime

import duckdb
import polars as pl

from ml.people import PersonModels, score
from orchestration.ground.settings import Settings
from orchestration.ground.sql import transaction
from orchestration.modelling.model_store import ModelStore
from orchestration.modelling.person_models import (
    INTENT,
    NEXT_PURCHASE,
    VALUE,
    champion,
    intent_shares,
    value_shares,
)
from orchestration.warehouse.person_tables import PERSON_SCORES

SCORING_TABLE = "scoring_people"


def score_people(
    connection: duckdb.DuckDBPyConnection,
    model_store: ModelStore,
    settings: Settings,
    as_of: datetime,
    *,
    beside: datetime | None = None,
) -> pl.DataFrame | None:
    """Score the people of an hour and write that; None where the hour is before the first models.

    Args:
        connection: the open warehouse, with the people of that hour.
        model_store: the models.
        settings: the cuts of levels.
        as_of: the hour.
        beside: an hour whose scores stay; those of all others go.
    """
    models = [champion(model_store, each, as_of) for each in (INTENT, VALUE, NEXT_PURCHASE)]
    if None in models:
        return None
    frame = connection.sql(f"select * from main.{SCORING_TABLE} order by person_id").pl()
    scores = score(
        frame,
        PersonModels(*models),
        as_of=as_of,
        intent_shares=intent_shares(settings),
        value_shares=value_shares(settings),
    )
    names = ", ".join(PERSON_SCORES.column_names)
    with transaction(connection):
        connection.execute(
            f"delete from scores.{PERSON_SCORES.name} where scored_at is distinct from ?"
            " or scored_at = ?",
            [beside, as_of],
        )
        connection.register("scored_people", scores)
        connection.execute(
            f"insert into scores.{PERSON_SCORES.name} ({names}) select {names} from scored_people"
        )
        connection.unregister("scored_people")
    return scores
