"""Models on disk: a folder a model, and a pointer to the one that scores come from.

    models/<name>/<model_id>/         its open files, card.json and plots, never changed once there,
                                      and SHA256SUMS over them, as sha256sum prints and checks it
    models/<name>/champion.json       which of them is in use, and every decision so far
    models/<name>/champion.copy.json  the same, for when that file is damaged

An hour is scored by the model that was the champion then: one that was promoted later has seen what
came after. Of a model with a damaged file nothing is read: the one promoted before it serves.

Belongs here: writing both so that a reader never meets a half, reading them back by the pointer,
and noticing damage. Not here: what the files mean (`ml`), which model is better (`ml.promotion`),
or what is said of the versions (`model_versions`).
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ml.card import CARD_FILE, ModelCard
from ml.card import model_id as hash_of_files
from orchestration.ground.errors import ComebackError
from orchestration.ground.files import replace_file, sync_folder
from orchestration.ground.hours import iso

POINTER = "champion.json"
POINTER_COPY = "champion.copy.json"
SUMS = "SHA256SUMS"
GONE = "it is gone"
_DIGEST = "sha256"


@dataclass(frozen=True)
class Decision:
    """What was decided about a model.

    Attributes:
        model_id: the model.
        as_of: the hour from which it holds, ISO 8601: that which the model was learned at, or the
            newest one when somebody chose it.
        is_promoted: whether it took the champion's place.
        reason: why, or why not.
        is_by_hand: whether somebody chose it.
    """

    model_id: str
    as_of: str
    is_promoted: bool
    reason: str
    is_by_hand: bool = False


@dataclass(frozen=True)
class ModelStore:
    """The models under one folder."""

    root: Path

    def save(self, card: ModelCard, files: Mapping[str, bytes]) -> None:
        """Put a model's files, its card among them, in its folder; a whole one there is left, a
        damaged one replaced."""
        target = self.root / card.name / card.model_id
        if not _read(target)[1]:
            return
        for stale in target.parent.glob(".*.tmp"):
            shutil.rmtree(stale)
        temporary = target.with_name(f".{card.model_id}.{os.getpid()}.tmp")
        temporary.mkdir(parents=True)
        for name, content in files.items():
            replace_file(temporary / name, content)
        replace_file(temporary / SUMS, _sums(files))
        if target.exists():
            target.rename(target.with_name(f".{card.model_id}.damaged.tmp"))
        temporary.rename(target)
        sync_folder(target.parent)
        for stale in target.parent.glob(".*.tmp"):
            shutil.rmtree(stale)

    def decide(self, name: str, decision: Decision) -> None:
        """Write a decision down, and move the pointer if it promotes; both in one step.

        One that was written before stays where it stands among the others, unless somebody makes
        it again by hand.
        """
        decisions = self._decisions(name)
        if decision.is_by_hand:
            decisions = [each for each in decisions if each != decision]
        if decision not in decisions:
            decisions.append(decision)
        self._point(name, decisions)

    def mend_pointer(self, name: str) -> None:
        """Write the pointer and its copy again if either is damaged."""
        if any(self._faults_of_pointer(name)):
            self._point(name, self._decisions(name))

    def champion(self, name: str, as_of: datetime | None = None) -> str | None:
        """The id of the whole model that scores that hour, by default the newest hour; None if none
        does."""
        return next(
            (each for each in self._promoted(name, as_of) if self.is_whole(name, each)), None
        )

    def intended(self, name: str, as_of: datetime | None = None) -> str | None:
        """The id of the model that would score that hour if nothing were damaged."""
        return next(self._promoted(name, as_of), None)

    def is_whole(self, name: str, model_id: str) -> bool:
        """Whether all of a model's files are what was saved."""
        return not self.damage(name, model_id)

    def damage(self, name: str, model_id: str) -> str:
        """What is wrong with a model's files, as a clause; empty if they are what was saved."""
        return _read(self.root / name / model_id)[1]

    def faults(self, name: str, as_of: datetime | None = None) -> list[str]:
        """What is damaged of what scores of that hour come from, a line each, and what serves."""
        champion = self.champion(name, as_of)
        serving = f"{champion} serves in its place" if champion else "none serves in its place"
        lines = [*self._faults_of_pointer(name)]
        for each in self._promoted(name, as_of):
            if each == champion:
                break
            folder, fault = self.root / name / each, self.damage(name, each)
            what = f"the {name} model {each} is damaged ({fault}), {serving}"
            lines.append(str(ComebackError(what, str(folder), "mend it: comeback train")))
        return lines

    def load(self, name: str, model_id: str) -> dict[str, bytes]:
        """A model's files, its card among them.

        Raises:
            ComebackError: there is no such model, or one of its files is not what was saved.
        """
        folder = self.root / name / model_id
        files, fault = _read(folder)
        if fault:
            what = "is gone" if fault == GONE else f"is damaged ({fault})"
            raise ComebackError(
                f"the {name} model {model_id} {what}", str(folder), "run: comeback train"
            )
        return files

    def pictures(self, card: ModelCard) -> dict[str, bytes]:
        """The plots kept beside a model, as PNG by name."""
        folder = self.root / card.name / card.model_id
        return {path.stem: path.read_bytes() for path in sorted(folder.glob("*.png"))}

    def versions(self, name: str) -> list[str]:
        """The ids of all models of that name, damaged or not."""
        return sorted(path.name for path in (self.root / name).glob("[!.]*") if path.is_dir())

    def card(self, name: str, model_id: str) -> ModelCard | None:
        """The card of a model; None if it is not what was saved."""
        return _card(self.root / name / model_id)

    def cards(self, name: str) -> list[ModelCard]:
        """The cards of all models of that name, oldest first; without those that are damaged."""
        cards = [self.card(name, each) for each in self.versions(name)]
        return sorted(filter(None, cards), key=lambda card: (card.trained_as_of, card.model_id))

    def decisions(self, name: str) -> dict[str, Decision]:
        """The newest decision on each model of that name."""
        return {each.model_id: each for each in self._decisions(name)}

    def last_decided_at(self, name: str, as_of: datetime) -> str | None:
        """The newest hour up to that one from which a decision holds, ISO 8601."""
        return max(
            (each.as_of for each in self._decisions(name) if each.as_of <= iso(as_of)), default=None
        )

    def is_rolled_back(self, name: str, model_id: str) -> bool:
        """Whether somebody chose another model after that one was promoted last."""
        for decision in reversed(self._decisions(name)):
            if decision.is_promoted and decision.model_id == model_id:
                return False
            if decision.is_by_hand:
                return any(
                    each.is_promoted and each.model_id == model_id for each in self._decisions(name)
                )
        return False

    def _promoted(self, name: str, as_of: datetime | None) -> Iterator[str]:
        """The models that may score that hour, each once: first the one promoted at the newest
        hour, of several the one decided on last."""
        promoted = [each for each in self._decisions(name) if each.is_promoted]
        if as_of is not None:
            promoted = [each for each in promoted if each.as_of <= iso(as_of)]
        newest_last = sorted(promoted, key=lambda each: each.as_of)
        yield from dict.fromkeys(each.model_id for each in reversed(newest_last))

    def _point(self, name: str, decisions: Sequence[Decision]) -> None:
        """Write the pointer, the copy first: killed in between, the copy is what was decided, and
        the next run decides the same."""
        promoted = sorted((each for each in decisions if each.is_promoted), key=lambda d: d.as_of)
        fields = {
            "champion": promoted[-1].model_id if promoted else None,
            "decisions": [asdict(each) for each in decisions],
        }
        content = json.dumps({**fields, _DIGEST: _digest(fields)}, indent=2).encode()
        for file in (POINTER_COPY, POINTER):
            replace_file(self.root / name / file, content)

    def _decisions(self, name: str) -> list[Decision]:
        """Every decision, in the order in which they were taken."""
        for file in (POINTER, POINTER_COPY):
            if (fields := _pointer(self.root / name / file)) is not None:
                return [Decision(**each) for each in fields["decisions"]]
        return []

    def _faults_of_pointer(self, name: str) -> Iterator[str]:
        paths = [self.root / name / file for file in (POINTER, POINTER_COPY)]
        found = [_pointer(path) for path in paths]
        is_first = not any(path.exists() for path in paths) and not self.versions(name)
        if is_first or (found[0] and _DIGEST not in found[0]):
            return  # nothing was decided yet, or by an older version, which made no copy
        for path, fields in zip(paths, found, strict=True):
            if fields is None:
                what = f"which {name} model is in use cannot be read from one of two files"
                if not any(found):
                    what = f"which {name} model was in use cannot be read any more"
                yield str(ComebackError(what, str(path), "mend it: comeback train"))


def _read(folder: Path) -> tuple[dict[str, bytes], str]:
    """A model's files and nothing; or what is wrong with them, as a clause.

    A folder of an older version has no checksums: the id is the hash of what scores come from.
    """
    if not folder.is_dir():
        return {}, GONE
    expected = _expected(folder)
    names = expected or sorted(path.name for path in folder.iterdir() if path.is_file())
    files = {}
    for name in names:
        try:
            files[name] = (folder / name).read_bytes()
        except OSError as error:
            return {}, f"{name} cannot be read ({error.strerror})"
        if expected and hashlib.sha256(files[name]).hexdigest() != expected[name]:
            return {}, f"{name} is not what was saved"
    if CARD_FILE not in files:
        return {}, f"{SUMS} does not name {CARD_FILE}" if expected else GONE
    scored = {name: each for name, each in files.items() if not name.endswith(".png")}
    if hash_of_files(scored) != folder.name:
        return {}, "its files are not those that its id is the hash of"
    return files, ""


def _card(folder: Path) -> ModelCard | None:
    """The card in a folder if it is what was saved, whatever the other files are."""
    try:
        content = (folder / CARD_FILE).read_bytes()
        card = ModelCard.from_json(content)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    expected = _expected(folder)
    is_saved = not expected or hashlib.sha256(content).hexdigest() == expected.get(CARD_FILE)
    return card if is_saved and card.model_id == folder.name else None


def _expected(folder: Path) -> dict[str, str]:
    """The checksums of a folder by name; empty if it has none that can be read."""
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = (line.split("  ", 1) for line in lines)
    return {pair[1]: pair[0] for pair in pairs if len(pair) == 2}


def _sums(files: Mapping[str, bytes]) -> bytes:
    """The checksums as sha256sum prints them."""
    return "".join(
        f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)
    ).encode()


def _pointer(path: Path) -> dict[str, Any] | None:
    """What a pointer says; None if it is not there or not what was written."""
    try:
        fields = json.loads(path.read_bytes())
        decisions = [Decision(**each) for each in fields["decisions"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    digest = fields.get(_DIGEST)
    said = {name: each for name, each in fields.items() if name != _DIGEST}
    is_written = said.keys() == {"champion", "decisions"} and digest in (None, _digest(said))
    return fields if is_written and all(isinstance(each.as_of, str) for each in decisions) else None


def _digest(fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
