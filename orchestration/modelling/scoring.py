"""Scoring the open carts of an hour: frames out of the warehouse, through `ml`, back as a frame.

Belongs here: putting together what the models and the economics say of each cart. Not here: the
arithmetic (`ml`), and how an hour's scores are written (`written_scores`).
"""

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from io import BytesIO

import duckdb
import numpy as np
import polars as pl

from ml import attributes, contact_plan, decision, explain, holdout
from ml.abandonment import AbandonmentModel
from ml.features import person_id
from ml.holdout import HOLDOUT, Draw
from ml.horizons import HORIZONS_HOURS, RETURN_WINDOWS
from ml.later import Calendar
from ml.return_time import ReturnModel
from orchestration.ground.errors import ComebackError
from orchestration.ground.settings import Settings
from orchestration.modelling.attributes import with_attributes
from orchestration.modelling.contact_effects import ended_plans
from orchestration.modelling.contact_plans import moments_of, plans_before
from orchestration.modelling.holdout_arms import (
    links_of_people,
    people_to_know,
    recorded_arms,
)
from orchestration.warehouse.contact_tables import CONTACT_PLANS
from orchestration.warehouse.contactable import MAY_BE_CONTACTED
from orchestration.warehouse.reference_tables import read_holidays
from orchestration.warehouse.score_tables import CART_SCORES

# Reasons are read by people, and people read the top of the list; explaining every cart is slow.
EXPLAINED_CARTS = 1000
PROBABILITY_DIGITS = 6
# Of fewer carts, all may be alike to a learned model.
CONSTANT_FROM_CARTS = 100
_P_RETURNS = [name for name in CART_SCORES.column_names if name.startswith("p_return_")]
CONSTANT_NOTE = (
    "p_abandon is the same for every cart: too little is known yet to learn from, and the model is"
    " one rate"
)
# What people are shown of the top of the list.
SHOWN_COLUMNS = (
    "priority_rank",
    "cart_id",
    "cart_value",
    "currency",
    "p_abandon",
    "p_return_24h",
    "segment",
    "best_action",
    "expected_gain",
    "contact_not_before",
    "reasons",
)


@dataclass(frozen=True)
class ScoringFrames:
    """What is scored at an hour.

    Attributes:
        snapshots: the carts.
        returns: their visitors' absences, row for row the same carts.
        plans: what was planned for these absences before the hour.
        arms: the arms recorded before the hour that may concern these people.
        links: which visitors are whose; see `ml.holdout.assign_arms`.
        typical_value: the shop's median order up to the hour, in the reporting currency; None
            before the first of known value.
        reporting_currency: the currency of all gains; None while no amount has one.
        holidays: public holidays, as `ml.later.Calendar` has them.
        contacted: when the people behind the carts were contacted last; None: nobody ever was.
    """

    snapshots: pl.DataFrame
    returns: pl.DataFrame
    plans: pl.DataFrame
    arms: pl.DataFrame
    links: pl.DataFrame
    typical_value: Decimal | None
    holidays: pl.DataFrame
    reporting_currency: str | None = None
    contacted: pl.DataFrame | None = None


@dataclass(frozen=True)
class Scored:
    """What an hour says.

    Attributes:
        scores: one row a cart, by cart_id, with the columns of `cart_scores`.
        plans: the rows that `contact_plans` gets.
        arms: the rows that `holdout_arms` gets.
    """

    scores: pl.DataFrame
    plans: pl.DataFrame
    arms: pl.DataFrame


def read_frames(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> ScoringFrames:
    """The carts of the hour that dbt built last, those of suspected bots too: these are scored and
    never exported.

    Raises:
        ComebackError: a cart to score has no absence beside it.
    """
    snapshots = connection.sql("select * from main.scoring_snapshots order by cart_id").pl()
    returns = connection.sql("select * from main.scoring_returns order by cart_id").pl()
    if snapshots["cart_id"].to_list() != returns["cart_id"].to_list():
        raise ComebackError(
            f"{snapshots.height} carts to score but {returns.height} absences",
            "scoring_snapshots and scoring_returns",
            "correct the models in dbt_project/models/snapshots",
        )
    typical_value = connection.execute(
        "select quantile_disc(order_value_base, 0.5) from main.hour_order_values"
        " where event_at <= ?",
        [as_of],
    ).fetchall()[0][0]
    currency = connection.execute("select max(currency) from main.hour_currency").fetchall()[0][0]
    links = links_of_people(connection, as_of)
    return ScoringFrames(
        with_attributes(connection, snapshots, "as_of"),
        with_attributes(connection, returns, "ended_at"),
        plans_before(connection, as_of),
        recorded_arms(connection, as_of, people_to_know(snapshots, links)),
        links,
        typical_value,
        read_holidays(connection),
        currency,
        ended_plans(connection, as_of),
    )


def score(
    frames: ScoringFrames,
    abandonment: AbandonmentModel,
    returning: ReturnModel,
    *,
    as_of: datetime,
    settings: Settings,
    holdout_key: bytes,
    phrases: Mapping[str, tuple[str, str]],
    is_stale: bool = False,
    explained_carts: int = EXPLAINED_CARTS,
) -> Scored:
    """What is known and advised about each cart, with the columns of `cart_scores`.

    Args:
        frames: the carts of the hour.
        abandonment: the model behind p_abandon and the reasons.
        returning: the model behind the return times.
        as_of: the scored hour.
        settings: economics, times of contact, share held out.
        holdout_key: the key that arms are drawn with.
        phrases: for a feature, what to say of a low and of a high value.
        is_stale: whether the log's newest event is too old for this hour.
        explained_carts: how many of the top get reasons.
    """
    frames = replace(
        frames,
        snapshots=attributes.with_features(frames.snapshots, abandonment.card.features),
        returns=attributes.with_features(frames.returns, returning.card.features),
    )
    absences = returning.absences(frames.returns)
    chances = absences.return_probabilities(HORIZONS_HOURS)
    p_returns = {
        f"p_return_{window}": _rounded(chances[:, i]) for i, window in enumerate(RETURN_WINDOWS)
    }
    predicted = frames.snapshots.with_columns(
        p_abandon=_rounded(abandonment.predict(frames.snapshots)),
        expected_hours=pl.Series(absences.expected_return_hours()),
        **p_returns,
    )
    planned = contact_plan.plan(
        # the absence is the person's: being active on another device ends it, too
        predicted.with_columns(session_ended_at=contact_plan.last_seen()),
        frames.plans,
        moments_of(
            abandonment,
            returning,
            frames.returns,
            settings.contacts.timing,
            Calendar(settings.contacts.time_zone, frames.holidays),
        ),
        settings.economics,
        settings.contacts.timing,
        basis={
            "reporting_currency": frames.reporting_currency,
            "abandonment_model": abandonment.card.model_id,
            "return_model": returning.card.model_id,
            "assumptions": settings.assumptions,
        },
        session_gap=timedelta(minutes=settings.session_gap_minutes),
        scored_for=timedelta(days=settings.scoring_window_days),
        typical_value=frames.typical_value,
    )
    kept = planned.filter("is_to_keep").with_columns(planned_at=_timestamp(as_of))
    arms, new_arms = holdout.assign_arms(
        frames.snapshots,
        frames.arms,
        frames.links,
        as_of,
        Draw(holdout_key, settings.holdout_share),
    )
    advised = (
        _with_contacts(planned, frames.contacted)
        .with_columns(
            *contact_plan.advice(contact_plan.lapsed() | contact_plan.was_contacted()),
            person_id=person_id(),
            was_contacted=contact_plan.was_contacted(),
        )
        .join(arms, on="person_id", how="left", maintain_order="left")
    )
    decided = decision.decide(advised, settings.economics).with_columns(
        decision.segment_after_contacts(),
        is_holdout=pl.col("arm") == HOLDOUT,
        is_suspected_bot=pl.col("is_suspected_bot").fill_null(value=False),
    )
    explained = _with_reasons(decided, abandonment, phrases, explained_carts)
    scores = explained.with_columns(
        scored_at=_timestamp(as_of),
        expected_return_at=_hours_after(as_of, pl.col("expected_hours")),
        is_stale=pl.lit(is_stale),
    ).select(CART_SCORES.column_names)
    return Scored(scores, kept.select(CONTACT_PLANS.column_names), new_arms)


def made_of(
    frames: ScoringFrames,
    abandonment: AbandonmentModel,
    returning: ReturnModel,
    *others: object,
) -> list[object]:
    """What the scores of an hour are made of, so that the same is not scored again.

    Args:
        frames, abandonment, returning: as `score` has them.
        others: its other arguments.
    """
    digests: list[object] = []
    for name, value in vars(frames).items():
        if isinstance(value, pl.DataFrame):
            content = BytesIO()
            value.write_ipc(content)
            digests.append(f"{name} {hashlib.sha256(content.getbuffer()).hexdigest()}")
        else:
            digests.append(f"{name} {value}")
    return [*digests, abandonment.card.model_id, returning.card.model_id, *others]


def _with_contacts(planned: pl.DataFrame, contacted: pl.DataFrame | None) -> pl.DataFrame:
    """Add `contacted_at`, null where nobody was."""
    if contacted is None:
        return planned.with_columns(contacted_at=pl.lit(None, pl.Datetime("us")))
    return planned.join(contacted, on="cart_id", how="left", maintain_order="left")


def _with_reasons(
    decided: pl.DataFrame,
    abandonment: AbandonmentModel,
    phrases: Mapping[str, tuple[str, str]],
    explained_carts: int,
) -> pl.DataFrame:
    """Add `reasons`: words for the top of the list, null below it and where nothing weighed; carts
    whose shoppers may not be contacted have what room those that may leave."""
    is_last = pl.sql_expr(MAY_BE_CONTACTED).fill_null(value=False).not_()
    top = decided.sort(is_last, "priority_rank").head(explained_carts)
    words = pl.Series("reasons", [], dtype=pl.String)
    if top.height:
        contributions = abandonment.contributions(top)
        codes = explain.reason_codes(contributions, top, phrases, abandonment.encoding)
        words = pl.Series("reasons", [code or None for code in codes], dtype=pl.String)
    explained = top.select("cart_id").with_columns(words)
    return decided.join(explained, on="cart_id", how="left", maintain_order="left")


def _rounded(values: np.ndarray) -> pl.Series:
    return pl.Series(values, dtype=pl.Float64).round(PROBABILITY_DIGITS)


def _timestamp(instant: datetime) -> pl.Expr:
    return pl.lit(instant).cast(pl.Datetime("us"))


def _hours_after(as_of: datetime, hours: pl.Expr) -> pl.Expr:
    """`as_of` plus hours, to the minute; null where the hours are not a number."""
    minutes = (hours.fill_nan(None) * 60).round().cast(pl.Int64)
    return (pl.lit(as_of) + minutes * timedelta(minutes=1)).cast(pl.Datetime("us"))


def is_constant(scores: pl.DataFrame, *, is_learned: bool = True) -> bool:
    """Whether an hour's carts all have one chance: several, or of a learned model many."""
    least = CONSTANT_FROM_CARTS if is_learned else 2
    return scores.height >= least and scores["p_abandon"].n_unique() == 1


def faults_of_scores(scores: pl.DataFrame, *, is_learned: bool = True) -> list[str]:
    """What cannot be true of an hour's scores, as sentences; none for good ones.

    Args:
        scores: rows of `cart_scores` of one hour.
        is_learned: whether p_abandon comes from a model that was learned. A fallback knows one rate
            at first, and rates by idle time later: through an outage all carts may have one.
    """
    faults = []
    for name in ("p_abandon", *_P_RETURNS):
        if not scores[name].is_between(0, 1).fill_null(False).all():
            faults.append(f"{name} is not a probability in every row")
    for sooner, later in itertools.pairwise(_P_RETURNS):
        if (scores[sooner] > scores[later]).any():
            faults.append(f"{sooner} is above {later}")
    if scores["priority_rank"].sort().to_list() != list(range(1, scores.height + 1)):
        faults.append("priority_rank does not count from 1 without a gap")
    if is_learned and is_constant(scores):
        faults.append("p_abandon is the same for every cart")
    return faults
