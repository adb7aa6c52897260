"""Scoring the people of an hour: a frame out of the warehouse, through `ml`, back as a table.

Belongs here: reading, scoring and writing `scores.person_scores` and `scores.clusters`. Not here:
the arithmetic (`ml.people`), or which hours are scored (`warehouse.people_build`).
"""

from datetime import datetime

import duckdb
import polars as pl

from ml.card import ModelCard
from ml.people import PersonModels, SendTimeModel, score
from orchestration.ground.settings import Settings
from orchestration.ground.sql import transaction
from orchestration.modelling.model_store import ModelStore
from orchestration.modelling.person_messages import messages_at
from orchestration.modelling.person_models import (
    CLUSTERS,
    PERSON_LEARNERS,
    SEND_TIME,
    champion,
    intent_shares,
    read_activity,
    read_people,
    value_shares,
)
from orchestration.warehouse import made_steps
from orchestration.warehouse.person_tables import CLUSTER_TABLE, PERSON_MESSAGES, PERSON_SCORES

_STEP = made_steps.SCORED_PEOPLE
_WROTE = (f"from scores.{PERSON_SCORES.name}", f"from scores.{CLUSTER_TABLE.name}")


def score_people(
    connection: duckdb.DuckDBPyConnection,
    model_store: ModelStore,
    settings: Settings,
    as_of: datetime,
    *,
    beside: datetime | None = None,
) -> pl.DataFrame | None:
    """Score the people of an hour and write that; None where the hour is before the first models.

    Where they were scored over the same log, by the same models, what is written stands.

    Args:
        connection: the open warehouse, with the people of that hour.
        model_store: the models.
        settings: the cuts of levels.
        as_of: the hour.
        beside: an hour whose scores stay; those of all others go.
    """
    models = {each.name: champion(model_store, each, as_of) for each in PERSON_LEARNERS}
    if None in models.values():
        return None
    made_of = [
        *(model.card.model_id for model in models.values()),
        settings.levels,
        settings.contacts.time_zone,
        made_steps.content(connection, f"from scores.{PERSON_MESSAGES.name}"),
    ]
    if beside is None and made_steps.is_made(connection, _STEP, as_of, made_of, *_WROTE):
        return connection.sql(f"from scores.{PERSON_SCORES.name} order by person_id").pl()
    frame = read_people(connection, as_of, settings)
    scores = score(
        frame,
        _activity(connection, models[SEND_TIME.name], as_of, settings),
        messages_at(connection, as_of),
        PersonModels(**models),
        as_of=as_of,
        intent_shares=intent_shares(settings),
        value_shares=value_shares(settings),
    )
    names = ", ".join(PERSON_SCORES.column_names)
    made_steps.forget(connection, _STEP)
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
        if beside is None:
            _write_clusters(connection, frame, scores, models[CLUSTERS.name].card, as_of)
    if beside is None:
        made_steps.note(connection, _STEP, as_of, made_of, *_WROTE)
    return scores


def _activity(
    connection: duckdb.DuckDBPyConnection,
    model: SendTimeModel,
    as_of: datetime,
    settings: Settings,
) -> pl.DataFrame | None:
    """When people were there; None where the same time is served to all."""
    return None if model.is_of_the_shop else read_activity(connection, as_of, settings)


def _write_clusters(
    connection: duckdb.DuckDBPyConnection,
    frame: pl.DataFrame,
    scores: pl.DataFrame,
    card: ModelCard,
    as_of: datetime,
) -> None:
    """Replace `scores.clusters` by the groups of an hour; scores in the order of the frame.

    Raises:
        ValueError: they are in another order, or of other people.
    """
    if not scores["person_id"].equals(frame["person_id"]):
        raise ValueError("scores of people are not in the order of the people")
    profile = [name for name in card.features if name in frame.columns]
    groups = (
        frame.select(*profile, scores["cluster_id"], scores["cluster_name"])
        .drop_nulls("cluster_id")
        .group_by("cluster_id", "cluster_name")
        .agg(pl.len().alias("person_count"), *(pl.col(name).mean() for name in profile))
        .sort("cluster_id")
    )
    connection.execute(f"delete from scores.{CLUSTER_TABLE.name}")
    rows = [
        group
        | {
            "scored_at": as_of,
            "share": group["person_count"] / frame.height,
            "profile": {name: round(float(group[name]), 4) for name in profile},
            "stability": card.metrics.get("stability"),
            "model_id": card.model_id,
        }
        for group in groups.iter_rows(named=True)
    ]
    CLUSTER_TABLE.insert(connection, rows)
