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
from datetime import datetime

import duckdb
import polars as pl

from ml.card import ModelCard
from ml.people import (
    IntentModel,
    NextPurchaseModel,
    Shares,
    ValueModel,
    intent,
    next_purchase,
    value,
)
from orchestration.ground.errors import ComebackError
from orchestration.ground.hours import iso
from orchestration.ground.settings import Settings
from orchestration.modelling.card_plots import card_plots
from orchestration.modelling.model_store import Decision, ModelStore
from orchestration.warehouse.database import has_table

logger = logging.getLogger(__name__)

TRAINING_TABLE = "training_people"
Model = IntentModel | ValueModel | NextPurchaseModel


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
        train: learns from people at past instants, at an hour.
        load: reads it back from its files.
    """

    name: str
    train: Callable[[pl.DataFrame, datetime, Settings], Model]
    load: Callable[[Mapping[str, bytes]], Model]


INTENT = PersonLearner(
    intent.NAME,
    lambda frame, as_of, settings: intent.train(frame, as_of=as_of, shares=intent_shares(settings)),
    IntentModel.from_files,
)
VALUE = PersonLearner(
    value.NAME,
    lambda frame, as_of, _: value.train(frame, as_of=as_of),
    ValueModel.from_files,
)
NEXT_PURCHASE = PersonLearner(
    next_purchase.NAME,
    lambda frame, as_of, _: next_purchase.train(frame, as_of=as_of),
    NextPurchaseModel.from_files,
)
PERSON_LEARNERS = (INTENT, VALUE, NEXT_PURCHASE)


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
    found = []
    frame: pl.DataFrame | None = None
    for learner in PERSON_LEARNERS:
        for fault in model_store.faults(learner.name, as_of):
            logger.warning("%s", fault)
        champion_id = model_store.champion(learner.name, as_of)
        card = champion_id and model_store.card(learner.name, champion_id)
        if card and not retrain:
            found.append((card, None))
            continue
        if frame is None:
            frame = _training_frame(connection)
            logger.info("Learning the models of people from %d rows.", frame.height)
        model = learner.train(frame, as_of, settings)
        model_store.save(model.card, {**model.to_files(), **card_plots(model.card)})
        model_store.mend_pointer(learner.name)
        found.append((model.card, _decide(model_store, model.card, as_of)))
    return found


def _decide(model_store: ModelStore, card: ModelCard, as_of: datetime) -> Decision | None:
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
    what = "the plain answer" if card.is_fallback else "better than the plain answer"
    reason = "the first model" if intended_id is None else "learned again"
    decision = Decision(card.model_id, iso(as_of), True, f"{reason}: {what}")
    model_store.decide(card.name, decision)
    return decision


def champion(model_store: ModelStore, learner: PersonLearner, as_of: datetime) -> Model | None:
    """The model that the hour's scores come from; None before the first."""
    model_id = model_store.champion(learner.name, as_of)
    if model_id is None:
        return None
    return learner.load(model_store.load(learner.name, model_id))


def _training_frame(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    if not has_table(connection, "main", TRAINING_TABLE):
        raise ComebackError(
            "there is nothing to learn the models of people from",
            f"the warehouse has no {TRAINING_TABLE}",
            "run: comeback run",
        )
    return connection.sql(f"select * from main.{TRAINING_TABLE} order by as_of, person_id").pl()
