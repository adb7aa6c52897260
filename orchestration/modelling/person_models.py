"""The models of people: learned, kept and put to use beside those of carts.

Belongs here: which models there are, what they learn from, and when one takes the place of another.
Not here: how they learn and whether the plain answer is served (`ml.people`), or scoring
(`person_scores`).

A model that was learned again always takes the place of the one before: it has judged itself beside
the plain answer on the newest instants, and serves that where it is no better.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb
import polars as pl

from ml.card import ModelCard
from ml.people import (
    ClusterModel,
    IntentModel,
    NextPurchaseModel,
    SendTimeModel,
    Shares,
    ValueModel,
    clusters,
    intent,
    next_purchase,
    send_time,
    value,
)
from orchestration.ground.errors import ComebackError
from orchestration.ground.hours import iso
from orchestration.ground.settings import Settings
from orchestration.modelling.card_plots import card_plots
from orchestration.modelling.model_store import Decision, ModelStore
from orchestration.modelling.person_activity import activity_at
from orchestration.warehouse.database import has_table

logger = logging.getLogger(__name__)

TRAINING_TABLE, SCORING_TABLE = "training_people", "scoring_people"
Model = IntentModel | ValueModel | NextPurchaseModel | SendTimeModel | ClusterModel
Read = Callable[[duckdb.DuckDBPyConnection, datetime, Settings], pl.DataFrame]


def read_training(connection: duckdb.DuckDBPyConnection, _: datetime, __: Settings) -> pl.DataFrame:
    """People at past instants.

    Raises:
        ComebackError: they were not built yet.
    """
    return _read(connection, TRAINING_TABLE, "as_of, person_id")


def read_people(connection: duckdb.DuckDBPyConnection, _: datetime, __: Settings) -> pl.DataFrame:
    """People of the hour that was built last.

    Raises:
        ComebackError: they were not built yet.
    """
    return _read(connection, SCORING_TABLE, "person_id")


def read_activity(
    connection: duckdb.DuckDBPyConnection, as_of: datetime, settings: Settings
) -> pl.DataFrame:
    """When people were there."""
    return activity_at(connection, as_of, settings.contacts.time_zone)


def _read(connection: duckdb.DuckDBPyConnection, table: str, order: str) -> pl.DataFrame:
    if not has_table(connection, "main", table):
        raise ComebackError(
            "there is nothing to learn the models of people from",
            f"the warehouse has no {table}",
            "run: comeback run",
        )
    return connection.sql(f"select * from main.{table} order by {order}").pl()


def intent_shares(settings: Settings) -> Shares:
    """The cuts of `intent_level`."""
    return Shares(settings.levels.intent_high, settings.levels.intent_medium)


def value_shares(settings: Settings) -> Shares:
    """The cuts of `value_tier`."""
    return Shares(settings.levels.value_high, settings.levels.value_medium)


@dataclass(frozen=True)
class PersonLearner:
    """One of the models of people.

    Attributes:
        name: what it predicts.
        read: what it learns from.
        train: learns from that at an hour; the last argument is the model before.
        load: reads it back from its files.
        every: how long it is used before it is learned again.
        is_compared: whether there is a plain answer that it has to beat.
    """

    name: str
    read: Read
    train: Callable[[pl.DataFrame, datetime, Settings, Model | None], Model]
    load: Callable[[Mapping[str, bytes]], Model]
    every: timedelta = timedelta(0)
    is_compared: bool = True


INTENT = PersonLearner(
    intent.NAME,
    read_training,
    lambda frame, as_of, settings, _: intent.train(
        frame, as_of=as_of, shares=intent_shares(settings)
    ),
    IntentModel.from_files,
)
VALUE = PersonLearner(
    value.NAME,
    read_training,
    lambda frame, as_of, *_: value.train(frame, as_of=as_of),
    ValueModel.from_files,
)
NEXT_PURCHASE = PersonLearner(
    next_purchase.NAME,
    read_training,
    lambda frame, as_of, *_: next_purchase.train(frame, as_of=as_of),
    NextPurchaseModel.from_files,
)
SEND_TIME = PersonLearner(
    send_time.NAME,
    read_activity,
    lambda activity, as_of, *_: send_time.train(activity, as_of=as_of),
    SendTimeModel.from_files,
)
CLUSTERS = PersonLearner(
    clusters.NAME,
    read_people,
    lambda frame, as_of, _, before: clusters.train(frame, as_of=as_of, before=before),
    ClusterModel.from_files,
    every=timedelta(days=7),
    is_compared=False,
)
PERSON_LEARNERS = (INTENT, VALUE, NEXT_PURCHASE, SEND_TIME, CLUSTERS)


def ensure_person_models(
    connection: duckdb.DuckDBPyConnection,
    model_store: ModelStore,
    settings: Settings,
    as_of: datetime,
    *,
    retrain: bool,
) -> list[tuple[ModelCard, Decision | None]]:
    """Make sure that there are models to score the people of an hour with; with `retrain`, learn
    all of them again.

    Returns:
        Of each its card and what was decided about it; None where nothing was learned, or the same
        over again.

    Raises:
        ComebackError: the table to learn from was not built yet.
    """
    found: list[tuple[ModelCard, Decision | None]] = []
    frames: dict[Read, pl.DataFrame] = {}
    for learner in PERSON_LEARNERS:
        for fault in model_store.faults(learner.name, as_of):
            logger.warning("%s", fault)
        champion_id = model_store.champion(learner.name, as_of)
        card = champion_id and model_store.card(learner.name, champion_id)
        is_whole = champion_id == model_store.intended(learner.name, as_of)
        is_due = retrain and (not is_whole or _is_old(card, learner, as_of))
        if card and not is_due:
            found.append((card, None))
            continue
        if learner.read not in frames:
            frames[learner.read] = learner.read(connection, as_of, settings)
        frame = frames[learner.read]
        logger.info("Learning the %s model from %d rows.", learner.name, frame.height)
        before = champion(model_store, learner, as_of)
        model = learner.train(frame, as_of, settings, before)
        model_store.save(model.card, {**model.to_files(), **card_plots(model.card)})
        model_store.mend_pointer(learner.name)
        found.append((model.card, _decide(model_store, learner, model.card, as_of)))
    return found


def _is_old(card: ModelCard | None, learner: PersonLearner, as_of: datetime) -> bool:
    return card is None or card.is_fallback or as_of - card.trained_as_of >= learner.every


def _decide(
    model_store: ModelStore, learner: PersonLearner, card: ModelCard, as_of: datetime
) -> Decision | None:
    """Take a model that was learned now, unless it is in use or somebody chose another instead."""
    champion_id = model_store.champion(card.name, as_of)
    intended_id = model_store.intended(card.name, as_of)
    if card.model_id == intended_id:
        return None
    if model_store.is_rolled_back(card.name, card.model_id):
        reason = (
            f"somebody chose another instead; to take it: comeback models --serve {card.model_id}"
        )
        decision = Decision(card.model_id, iso(as_of), False, reason)
        model_store.decide(card.name, decision)
        if champion_id not in (None, intended_id):
            reason = f"the last that is whole: {intended_id} is damaged"
            model_store.decide(card.name, Decision(champion_id, iso(as_of), True, reason))
        return decision
    reason = "the first model" if intended_id is None else "learned again"
    if card.is_fallback:
        reason += ": the plain answer"
    elif learner.is_compared:
        reason += ": better than the plain answer"
    decision = Decision(card.model_id, iso(as_of), True, reason)
    model_store.decide(card.name, decision)
    return decision


def champion(model_store: ModelStore, learner: PersonLearner, as_of: datetime) -> Model | None:
    """The model that the hour's scores come from; None before the first."""
    model_id = model_store.champion(learner.name, as_of)
    if model_id is None:
        return None
    return learner.load(model_store.load(learner.name, model_id))
