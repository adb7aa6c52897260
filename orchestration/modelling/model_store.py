"""Models on disk: a folder a model, and a pointer to the one that scores come from.

    models/<name>/<model_id>/    its open files, card.json and plots, never changed once there
    models/<name>/champion.json  which of them is in use, and every decision so far

An hour is scored by the model that was the champion then: one that was promoted later has seen what
came after.

Belongs here: writing both so that a reader never meets a half, and reading them back by the
pointer. Not here: what the files mean (`ml`), or which model is better (`ml.promotion`).
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from ml.card import CARD_FILE, ModelCard
from orchestration.ground.errors import ComebackError
from orchestration.ground.files import replace_file, sync_folder
from orchestration.ground.hours import iso

POINTER = "champion.json"


@dataclass(frozen=True)
class Decision:
    """What was decided about a model that was learned.

    Attributes:
        model_id: the model.
        as_of: the hour it was learned at, ISO 8601.
        is_promoted: whether it took the champion's place.
        reason: why, or why not.
    """

    model_id: str
    as_of: str
    is_promoted: bool
    reason: str


@dataclass(frozen=True)
class ModelStore:
    """The models under one folder."""

    root: Path

    def save(self, card: ModelCard, files: Mapping[str, bytes]) -> None:
        """Put a model's files, its card among them, in its folder; one already there is left."""
        target = self.root / card.name / card.model_id
        if target.exists():
            return
        for stale in target.parent.glob(".*.tmp"):
            shutil.rmtree(stale)
        temporary = target.with_name(f".{card.model_id}.{os.getpid()}.tmp")
        temporary.mkdir(parents=True)
        for name, content in files.items():
            replace_file(temporary / name, content)
        temporary.rename(target)
        sync_folder(target.parent)

    def decide(self, name: str, decision: Decision) -> None:
        """Write a decision down, and move the pointer if it promotes; both in one step."""
        decisions = [each for each in self._decisions(name) if each != decision]
        decisions.append(decision)
        champion = _champion(decisions)
        pointer = {"champion": champion, "decisions": [asdict(each) for each in decisions]}
        replace_file(self.root / name / POINTER, json.dumps(pointer, indent=2).encode())

    def champion(self, name: str, as_of: datetime | None = None) -> str | None:
        """The id of the model that scores that hour, by default the newest; None if none does."""
        decisions = self._decisions(name)
        if as_of is not None:
            decisions = [each for each in decisions if each.as_of <= iso(as_of)]
        return _champion(decisions)

    def load(self, name: str, model_id: str) -> dict[str, bytes]:
        """A model's files, its card among them.

        Raises:
            ComebackError: there is no such model.
        """
        folder = self.root / name / model_id
        if not (folder / CARD_FILE).exists():
            raise ComebackError(
                f"the {name} model {model_id} is gone", str(folder), "run: comeback train"
            )
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}

    def pictures(self, card: ModelCard) -> dict[str, bytes]:
        """The plots kept beside a model, as PNG by name."""
        folder = self.root / card.name / card.model_id
        return {path.stem: path.read_bytes() for path in sorted(folder.glob("*.png"))}

    def cards(self, name: str) -> list[ModelCard]:
        """The cards of all models of that name, oldest first."""
        paths = (self.root / name).glob(f"[!.]*/{CARD_FILE}")
        cards = [ModelCard.from_json(path.read_bytes()) for path in paths]
        return sorted(cards, key=lambda card: (card.trained_as_of, card.model_id))

    def decisions(self, name: str) -> dict[str, Decision]:
        """The newest decision on each model of that name."""
        return {each.model_id: each for each in self._decisions(name)}

    def last_decision(self, name: str) -> Decision:
        """The newest decision; there is one as soon as there is a champion."""
        return self._decisions(name)[-1]

    def _decisions(self, name: str) -> list[Decision]:
        """Every decision, in the order in which they were taken."""
        try:
            pointer = json.loads((self.root / name / POINTER).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []
        return [Decision(**each) for each in pointer["decisions"]]


def _champion(decisions: Sequence[Decision]) -> str | None:
    """The model that was promoted at the newest hour, whenever that was decided."""
    promoted = [each for each in decisions if each.is_promoted]
    newest = max(promoted, key=lambda each: each.as_of, default=None)
    return newest and newest.model_id
