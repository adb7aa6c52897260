"""The model card: what a model is, what it learned from and how good it is, as JSON.

What belongs here: the fields every model states about itself, and the id it is known by. What does
not: anything that scoring needs; that is in the model's other files, whose bytes make the id.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from importlib.metadata import version
from typing import Any

CARD_FILE = "card.json"
FALLBACK = "fallback"
# The key of the metrics in card.json; saved models and the published table have it.
METRICS_KEY = "figures"


@dataclass(frozen=True)
class ModelCard:
    """What a model states about itself.

    Attributes:
        name: "abandonment", "return", or a score of people: "intent", "value", "next_purchase",
            "send_time", "clusters".
        kind: how it was learned, such as "lightgbm", "cox", "hazard" (trees of spans), "logistic",
            or "fallback".
        trained_as_of: the hour it was trained at (UTC); nothing later was known to it.
        data_from: the first row learned from, None without rows.
        data_to: the last row learned from, None without rows.
        row_count: rows learned from.
        group_count: carts (abandonment) or people (all others) they belong to.
        features: the columns it reads.
        metrics: what was measured on rows that the evaluation model was not fitted on, of the
            main ones also the 95 % interval by people (``_low``, ``_high``); the JSON, like the
            published table ``models``, names this field "figures".
        tables: the same as rows to plot: "calibration", "lift", "gain" or "return_curve".
        params: settings, values found in training, and windows.
        versions: of the libraries that learned it.
        note: one plain sentence about what a reader must know.
        model_id: first 12 hex digits of the hash of its files; see ``model_id``.
    """

    name: str
    kind: str
    trained_as_of: datetime
    data_from: datetime | None
    data_to: datetime | None
    row_count: int
    group_count: int
    features: tuple[str, ...]
    metrics: dict[str, float] = field(default_factory=dict)
    tables: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    note: str = ""
    model_id: str = ""

    @property
    def is_fallback(self) -> bool:
        """Whether this stands in for a model that could not be learned."""
        return self.kind == FALLBACK

    def to_json(self) -> bytes:
        """The card as JSON with sorted keys; times as ISO 8601."""
        fields = asdict(self)
        fields[METRICS_KEY] = fields.pop("metrics")
        text = json.dumps(
            fields,
            sort_keys=True,
            indent=2,
            ensure_ascii=False,
            allow_nan=False,
            default=_iso,
        )
        return (text + "\n").encode()

    @classmethod
    def from_json(cls, text: bytes) -> "ModelCard":
        """The card that ``to_json`` wrote."""
        fields = json.loads(text)
        for name in ("trained_as_of", "data_from", "data_to"):
            if fields[name] is not None:
                fields[name] = datetime.fromisoformat(fields[name])
        fields["features"] = tuple(fields["features"])
        fields["metrics"] = fields.pop(METRICS_KEY, {})
        return cls(**fields)


def model_id(files: Mapping[str, bytes]) -> str:
    """First 12 hex digits of the SHA-256 over names and bytes of the files, the card left out."""
    digest = hashlib.sha256()
    for name in sorted(files):
        if name != CARD_FILE:
            digest.update(f"{name}\0{len(files[name])}\0".encode())
            digest.update(files[name])
    return digest.hexdigest()[:12]


def with_model_id(card: ModelCard, files: Mapping[str, bytes]) -> ModelCard:
    """The card with the ``model_id`` of its files."""
    return replace(card, model_id=model_id(files))


def library_versions(*names: str) -> dict[str, str]:
    """The installed versions of packages, by name, without importing them."""
    return {name: version(name) for name in names}


def rounded(metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics that are finite, to six decimals."""
    return {name: round(float(x), 6) for name, x in metrics.items() if math.isfinite(x)}


def _iso(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"a model card cannot hold {value!r}")


def continued(sentence: str) -> str:
    """A sentence as what follows a colon: with a small letter."""
    return f"{sentence[0].lower()}{sentence[1:]}"
