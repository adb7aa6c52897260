"""Learning the models: frames out of the warehouse, into `ml`, and the better one into use.

Belongs here: which view each model learns from, and the step from challenger to champion. Not
here: how a model learns, must be or is better (`ml`), where models lie (`model_store`), and the
models of people (`person_models`).
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial

import duckdb
import polars as pl

from ml import abandonment, attributes, gates, promotion, return_time
from ml.abandonment import AbandonmentModel, Params
from ml.card import ModelCard
from ml.features import FeatureError
from ml.return_time import ReturnModel
from orchestration.ground.errors import ComebackError
from orchestration.ground.hours import END_OF_TIME, iso
from orchestration.ground.progress import progress
from orchestration.ground.settings import Settings
from orchestration.ground.sql import transaction
from orchestration.modelling.attributes import with_attributes
from orchestration.modelling.card_plots import card_plots
from orchestration.modelling.model_store import Decision, ModelStore
from orchestration.modelling.person_models import PERSON_LEARNERS
from orchestration.modelling.score_health import with_reference
from orchestration.warehouse.database import has_table
from orchestration.warehouse.score_tables import MODELS

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Learner:
    """One of the two models of carts.

    Attributes:
        name: what it predicts.
        table: the table it learns from.
        scored_table: the table of what it scores.
        instant: the column of both with the time that features are of.
        train: learns from the first at an hour; the fallback if a learned one was refused, which
            the last argument says why, in a sentence.
        load: reads it back from its files.
    """

    name: str
    table: str
    scored_table: str
    instant: str
    train: Callable[[pl.DataFrame, datetime, Settings, str], AbandonmentModel | ReturnModel]
    load: Callable[[Mapping[str, bytes]], AbandonmentModel | ReturnModel]


def _train_abandonment(
    frame: pl.DataFrame, as_of: datetime, settings: Settings, refused: str
) -> AbandonmentModel:
    horizon = timedelta(hours=settings.label_horizon_hours)
    at_most = 2 * Params().max_rounds
    with progress("Learning abandonment", at_most, "rounds at most") as learning:
        return abandonment.train(
            frame, as_of=as_of, horizon=horizon, refused=refused, on_round=learning.advance
        )


def _train_return(frame: pl.DataFrame, as_of: datetime, _: Settings, refused: str) -> ReturnModel:
    return return_time.train(frame, as_of=as_of, refused=refused)


ABANDONMENT = Learner(
    abandonment.NAME,
    "training_snapshots",
    "scoring_snapshots",
    "as_of",
    _train_abandonment,
    AbandonmentModel.from_files,
)
RETURN = Learner(
    return_time.NAME,
    "training_returns",
    "scoring_returns",
    "ended_at",
    _train_return,
    ReturnModel.from_files,
)
LEARNERS = (ABANDONMENT, RETURN)
MODEL_NAMES = tuple(each.name for each in (*LEARNERS, *PERSON_LEARNERS))


def ensure_champion(
    connection: duckdb.DuckDBPyConnection,
    model_store: ModelStore,
    learner: Learner,
    settings: Settings,
    as_of: datetime,
    *,
    retrain: bool,
) -> tuple[ModelCard, Decision | None]:
    """Make sure there is a model to score the hour with; with `retrain`, learn one that may replace
    it, and mend what is damaged: the version that would serve is learned again or left for good.

    Returns:
        The card of the model learned now and what was decided about it; if nothing was learned, or
        the champion over again, the champion's card and None.

    Raises:
        ComebackError: the table to learn from was not built yet.
    """
    name = learner.name
    for fault in model_store.faults(name, as_of):
        logger.warning("%s", fault)
    champion_id = model_store.champion(name, as_of)
    if champion_id is not None and not retrain:
        return champion(model_store, learner, as_of).card, None
    delivered, scored_now = _training_frame(connection, learner), scored_frame(connection, learner)
    given = attributes.chosen(delivered)
    frame, scored = _with_features(delivered, scored_now, given)
    logger.info("Learning the %s model from %d rows.", name, frame.height)
    learn = partial(_learned, model_store, learner, frame, scored, as_of, settings)
    challenger = learn()
    model_store.mend_pointer(name)
    intended_id = model_store.intended(name, as_of)
    if challenger.card.model_id == intended_id:
        return challenger.card, None
    served = champion(model_store, learner, as_of) if champion_id else None
    if served is not None:
        # it may know attributes that are rare by now
        both = [*given, *served.card.features]
        frame, scored = _with_features(delivered, scored_now, both)
    if served is not None:
        brought = _recalibrated(model_store, served, frame, scored, as_of)
        if brought and brought[1].is_promoted:
            served = brought[0]
            champion_id = intended_id = served.card.model_id
    refusals = gates.refusals(challenger, frame, scored, served)
    decision = _decide(model_store, challenger, served, frame, as_of, refusals)
    is_settled = decision.is_promoted
    if refusals and (served is None or served.card.is_fallback):
        substitute = learn(f"{challenger.card.model_id} was refused: {'; '.join(refusals)}.")
        if substitute.card.model_id != champion_id:
            is_settled = _decide(model_store, substitute, served, frame, as_of).is_promoted
    if not is_settled and champion_id not in (None, intended_id):
        reason = f"the last that is whole: {intended_id} is damaged"
        model_store.decide(name, Decision(champion_id, iso(as_of), True, reason))
    return challenger.card, decision


def recalibrate(
    connection: duckdb.DuckDBPyConnection, model_store: ModelStore, as_of: datetime
) -> tuple[ModelCard, Decision | None]:
    """Bring the model of abandonment in use to the newest days, and learn nothing.

    Returns:
        The card of the model brought there and what was decided about it; if it would be no better
        for it, or nothing is known of newer days, the champion's card and None.

    Raises:
        ComebackError: there is no model, or the table to learn from was not built yet.
    """
    served = champion(model_store, ABANDONMENT, as_of)
    delivered = _training_frame(connection, ABANDONMENT)
    scored_now = scored_frame(connection, ABANDONMENT)
    frame, scored = _with_features(delivered, scored_now, served.card.features)
    decided = _recalibrated(model_store, served, frame, scored, as_of)
    return (decided[0].card, decided[1]) if decided else (served.card, None)


def _learned(
    model_store: ModelStore,
    learner: Learner,
    frame: pl.DataFrame,
    scored: pl.DataFrame | None,
    as_of: datetime,
    settings: Settings,
    refused: str = "",
) -> AbandonmentModel | ReturnModel:
    """A model that was learned now, and is in the store with its plots."""
    model = with_reference(learner.train(frame, as_of, settings, refused), scored)
    model_store.save(model.card, {**model.to_files(), **card_plots(model.card)})
    return model


def _recalibrated(
    model_store: ModelStore,
    served: AbandonmentModel | ReturnModel,
    frame: pl.DataFrame,
    scored: pl.DataFrame | None,
    as_of: datetime,
) -> tuple[AbandonmentModel, Decision] | None:
    """The model in use brought to the newest days and in the store, and whether it was taken, which
    a gate may refuse; None where it would be no better for it."""
    if not isinstance(served, AbandonmentModel) or served.card.is_fallback:
        return None
    try:
        again = served.recalibrated(frame, as_of=as_of)
    except FeatureError:  # a challenger will take its place
        return None
    if again.card.model_id == served.card.model_id:
        return None
    verdict = promotion.recalibration(again, served, frame)
    if not verdict.promote:
        return None
    again = with_reference(again, scored)
    model_store.save(again.card, {**again.to_files(), **card_plots(again.card)})
    refusals = gates.refusals(again, frame, scored, served)
    reason = f"refused: {'; '.join(refusals)}" if refusals else verdict.reason
    decision = Decision(again.card.model_id, iso(as_of), not refusals, reason)
    model_store.decide(again.card.name, decision)
    return again, decision


def _decide(
    model_store: ModelStore,
    challenger: AbandonmentModel | ReturnModel,
    served: AbandonmentModel | ReturnModel | None,
    frame: pl.DataFrame,
    as_of: datetime,
    refusals: Sequence[str] = (),
) -> Decision:
    """Whether a challenger is taken, and why; written down."""
    name, model_id = challenger.card.name, challenger.card.model_id
    if refusals:
        is_taken, reason = False, f"refused: {'; '.join(refusals)}"
    elif model_store.is_rolled_back(name, model_id):
        is_taken = False
        reason = f"somebody chose another instead; to take it: comeback models --serve {model_id}"
    elif served is None:
        is_taken = True
        reason = "the first model"
        if model_store.last_decided_at(name, as_of):
            reason = "there is no other that is whole and was not refused"
    else:
        verdict = promotion.better(challenger, served, frame)
        is_taken, reason = verdict.promote, verdict.reason
    decision = Decision(model_id, iso(as_of), is_taken, reason)
    model_store.decide(name, decision)
    return decision


def champion(
    model_store: ModelStore, learner: Learner, as_of: datetime
) -> AbandonmentModel | ReturnModel:
    """The model that the hour's scores come from.

    Raises:
        ComebackError: there is none, or its files are gone.
    """
    model_id = model_store.champion(learner.name, as_of)
    if model_id is None:
        raise ComebackError(
            f"there is no {learner.name} model", str(model_store.root), "run: comeback train"
        )
    return _loaded(learner.load, tuple(model_store.load(learner.name, model_id).items()))


@lru_cache(maxsize=len(LEARNERS))
def _loaded(
    load: Callable[[Mapping[str, bytes]], AbandonmentModel | ReturnModel],
    files: tuple[tuple[str, bytes], ...],
) -> AbandonmentModel | ReturnModel:
    """The model of some files, made once: an hour asks for it several times."""
    return load(dict(files))


def write_models(
    connection: duckdb.DuckDBPyConnection,
    model_store: ModelStore,
    *,
    not_after: datetime = END_OF_TIME,
) -> int:
    """Rewrite `scores.models` from the cards, which are the truth; the number of models.

    A model that was promoted at an hour after `not_after`, while the clock was ahead, is not the
    champion.
    """
    rows = []
    for name in MODEL_NAMES:
        champion_id = model_store.champion(name, not_after)
        decisions = model_store.decisions(name)
        for card in model_store.cards(name):
            decision = decisions.get(card.model_id)
            rows.append(
                {
                    "name": card.name,
                    "model_id": card.model_id,
                    "kind": card.kind,
                    "trained_as_of": card.trained_as_of,
                    "data_from": card.data_from,
                    "data_to": card.data_to,
                    "row_count": card.row_count,
                    "group_count": card.group_count,
                    "is_champion": card.model_id == champion_id,
                    "verdict": decision and decision.reason,
                    "figures": card.metrics,
                    "note": card.note or None,
                }
            )
    with transaction(connection):
        connection.execute("delete from scores.models")
        MODELS.insert(connection, rows)
    return len(rows)


def _training_frame(connection: duckdb.DuckDBPyConnection, learner: Learner) -> pl.DataFrame:
    if not has_table(connection, "main", learner.table):
        raise ComebackError(
            f"there is nothing to learn the {learner.name} model from",
            f"the warehouse has no {learner.table}",
            "run: comeback run",
        )
    rows = connection.sql(f"select * from main.{learner.table}").pl()
    return with_attributes(connection, rows, learner.instant)


def _with_features(
    delivered: pl.DataFrame, scored: pl.DataFrame | None, features: Sequence[str]
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Rows to learn from and scored ones with the same features of people's attributes."""
    frame = attributes.with_features(delivered, features)
    if scored is None:
        return frame, None
    return frame, attributes.with_features(scored, frame.columns)


def scored_frame(connection: duckdb.DuckDBPyConnection, learner: Learner) -> pl.DataFrame | None:
    """What the hour that was built last scores, without suspected bots; None before the first."""
    if not has_table(connection, "main", learner.scored_table):
        return None
    scored = connection.sql(f"select * from main.{learner.scored_table}").pl()
    if "is_suspected_bot" in scored.columns:
        scored = scored.filter(pl.col("is_suspected_bot").ne_missing(True))
    return with_attributes(connection, scored, learner.instant)
