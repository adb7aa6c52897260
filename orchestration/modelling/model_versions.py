"""All versions of the models: what is said of each, and serving another one.

Belongs here: the list behind `comeback models`, what is damaged, what `comeback train` decided, and
the step back to an earlier version. Not here: files (`model_store`), or learning (`training`).
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import duckdb
import polars as pl

from ml.card import rounded
from orchestration.ground.errors import WrongUsage
from orchestration.ground.home import Home
from orchestration.ground.hours import iso, newest_possible_hour, utc_now
from orchestration.ground.settings import Settings, load_settings
from orchestration.modelling.model_store import Decision, ModelStore
from orchestration.modelling.training import MODEL_NAMES
from orchestration.warehouse import audit_log, database

# In the lines of `comeback models`; all others are in its JSON.
SHOWN_FIGURES = ("auc", "log_loss", "predicted_over_observed", "concordance", "kaplan_meier_gap")
SEE_ALL = "see them: comeback models"


@dataclass(frozen=True)
class Version:
    """A model that was learned.

    Attributes:
        name: what it predicts.
        model_id: its id.
        kind: how it was learned; None like the fields that follow where its card is damaged.
        trained_as_of: the hour it was learned at, ISO 8601.
        row_count: rows learned from.
        figures: its metrics on rows that it did not learn from.
        note: what is odd about it.
        is_serving: whether scores come from it.
        is_promoted: whether it was taken when it was decided on last.
        decided_as_of: from which hour that holds, ISO 8601; None if nothing was decided.
        reason: why it was taken or not.
        damage: what is wrong with its files, empty if nothing is.
    """

    name: str
    model_id: str
    kind: str | None
    trained_as_of: str | None
    row_count: int | None
    figures: dict[str, float]
    note: str
    is_serving: bool
    is_promoted: bool
    decided_as_of: str | None
    reason: str
    damage: str


def versions(home: Home) -> list[Version]:
    """All versions of all models, of each the oldest first.

    Raises:
        ComebackError: the settings are wrong.
    """
    model_store, as_of = ModelStore(home.models), newest_hour(load_settings(home.root))
    found = []
    for name in MODEL_NAMES:
        champion, decisions = model_store.champion(name, as_of), model_store.decisions(name)
        own = []
        for model_id in model_store.versions(name):
            card, decision = model_store.card(name, model_id), decisions.get(model_id)
            own.append(
                Version(
                    name=name,
                    model_id=model_id,
                    kind=card and card.kind,
                    trained_as_of=card and iso(card.trained_as_of),
                    row_count=card and card.row_count,
                    figures=rounded(card.metrics) if card else {},
                    note=card.note if card else "",
                    is_serving=model_id == champion,
                    is_promoted=bool(decision and decision.is_promoted),
                    decided_as_of=decision and decision.as_of,
                    reason=decision.reason if decision else "nothing was decided",
                    damage=model_store.damage(name, model_id),
                )
            )
        found += sorted(own, key=lambda each: (each.trained_as_of or "", each.model_id))
    return found


def as_table(found: list[Version]) -> pl.DataFrame:
    """The versions as people read them."""
    rows = [
        {
            "model": each.name,
            "id": each.model_id,
            "kind": each.kind,
            "learned_at": each.trained_as_of,
            "rows": each.row_count,
            "state": _state(each),
            "figures": ", ".join(
                f"{name} {each.figures[name]:.3f}" for name in SHOWN_FIGURES if name in each.figures
            ),
            "why": f"damaged: {each.damage}" if each.damage else each.reason,
        }
        for each in found
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def as_facts(found: list[Version]) -> list[dict[str, Any]]:
    """The versions for programs."""
    return [asdict(each) for each in found]


def faults(model_store: ModelStore, as_of: datetime) -> list[str]:
    """What is damaged of what that hour's scores come from, a line each; none if all is whole."""
    return [line for name in MODEL_NAMES for line in model_store.faults(name, as_of)]


def newest_decisions(model_store: ModelStore, as_of: datetime) -> Iterator[str]:
    """Of each model, which version scores of that hour come from and what was decided at it."""
    for name in MODEL_NAMES:
        champion, decisions = model_store.champion(name, as_of), model_store.decisions(name)
        newest = {each.model_id: each for each in decisions.values() if each.as_of == iso(as_of)}
        taken = newest.pop(champion, None)
        yield f"{name}: {champion} {f'is in use ({taken.reason})' if taken else 'stays'}"
        yield from (f"{name}: {each.model_id}: {each.reason}" for each in newest.values())


def require_whole(model_store: ModelStore, model_id: str) -> str:
    """What a version that can serve predicts.

    Raises:
        WrongUsage: there is no such version, or it is damaged.
    """
    names = [each for each in MODEL_NAMES if model_id in model_store.versions(each)]
    if not names:
        raise WrongUsage(f"there is no model {model_id[:40]!r}", str(model_store.root), SEE_ALL)
    if damage := model_store.damage(names[0], model_id):
        what = f"the {names[0]} model {model_id} is damaged ({damage}) and cannot serve"
        raise WrongUsage(what, str(model_store.root / names[0] / model_id), SEE_ALL)
    return names[0]


def serve(
    connection: duckdb.DuckDBPyConnection, home: Home, settings: Settings, model_id: str
) -> list[str]:
    """Have scores come from a version, from the newest hour on, until a better one is learned; the
    audit log has a row of it.

    Returns:
        What was done, line by line.

    Raises:
        WrongUsage: there is no such version, or it is damaged.
    """
    model_store = ModelStore(home.models)
    name = require_whole(model_store, model_id)
    newest = newest_hour(settings)
    before = model_store.champion(name, newest)
    if before == model_store.intended(name, newest) == model_id:
        return [f"{name}: {model_id} is in use already"]
    database.ensure_score_tables(connection)
    scored = database.newest_scored_hour(connection, not_after=newest)
    hours = (scored and iso(scored), model_store.last_decided_at(name, newest))
    since = max(filter(None, hours), default=iso(newest))
    decision = model_store.decisions(name).get(model_id)
    served = {"model": name, "before": before or "", "served": model_id}
    audit_log.note(connection, "serve", utc_now(), model=served)
    reason = f"somebody chose it instead of {before or 'none'}"
    model_store.decide(name, Decision(model_id, since, True, reason, is_by_hand=True))
    lines = [f"{name}: {model_id} serves from {since} on; before: {before or 'none'}"]
    if decision and not decision.is_promoted:
        lines.append(f"Warning    it had not been taken: {decision.reason}")
    return [*lines, "Score with it: comeback run"]


def newest_hour(settings: Settings) -> datetime:
    """The newest hour there can be by the clock."""
    return newest_possible_hour(utc_now(), settings.clock_skew_minutes)


def _state(version: Version) -> str:
    if version.damage:
        return "damaged"
    if version.is_serving:
        return "serves"
    return "served" if version.is_promoted else "not taken"
