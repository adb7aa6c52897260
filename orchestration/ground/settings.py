"""What a shop may set, in `$COMEBACK_HOME/comeback.toml`.

Belongs here: the settings, their defaults and the reading of the file. Not here: where state lies
(`home`), nor what a setting does; the modules that take them say that.
"""

import hashlib
import json
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from pathlib import Path

from ml.decision import Economics
from orchestration.ground.errors import ComebackError

FILE_NAME = "comeback.toml"


@dataclass(frozen=True)
class Settings:
    """Everything a shop may set.

    Attributes:
        session_gap_minutes: a longer pause between two events of a visitor begins a new session.
        passive_event_types: types that neither start nor extend a session.
        cart_expiry_days: days after its last touch at which an open cart expires.
        label_horizon_hours: hours within which an order counts as "converts".
        scoring_window_days: open carts touched within these days are scored.
        economics: margin, costs and effects that decide segment and priority.
        holdout_share: share of people in [0, 1) that is never exported.
        holdout_key: key of the hash that picks them; another key picks others.
        exports_keep_hours: exported hours kept, counted back from the newest one.
        scores_keep_days: days of `cart_scores` kept, counted back from the newest hour.
        partitions_start: first day that can be scored.
        memory_limit: what DuckDB may use before it spills to disk.
        threads: threads for DuckDB.
        sources: folder or fsspec address of a source's dumps; without one, landing/<source>.
    """

    session_gap_minutes: int = 30
    passive_event_types: tuple[str, ...] = ("refund", "email_sent", "email_open")
    cart_expiry_days: int = 30
    label_horizon_hours: int = 72
    scoring_window_days: int = 7
    economics: Economics = field(default_factory=Economics)
    holdout_share: float = 0.05
    holdout_key: str = "comeback"
    exports_keep_hours: int = 72
    scores_keep_days: int = 90
    partitions_start: date = date(2019, 1, 1)
    memory_limit: str = "4GB"
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """First 12 hex digits of a hash over everything that may change a score or an export."""
        values = {k: v for k, v in asdict(self).items() if k not in ("memory_limit", "threads")}
        text = json.dumps(values, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def load_settings(home: Path) -> Settings:
    """The settings of a home folder: the defaults, overridden by its `comeback.toml` if any.

    Raises:
        ComebackError: the file is no TOML, or has an unknown key or a value that does not fit.
    """
    path = home / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    try:
        return parse_settings(tomllib.loads(text), where=str(path))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ComebackError(
            f"the settings are no TOML ({error})", str(path), "correct the file"
        ) from error


def parse_settings(values: Mapping[str, object], where: str = FILE_NAME) -> Settings:
    """Settings out of a parsed TOML document; `where` is named in errors.

    Raises:
        ComebackError: an unknown key, or a value of a wrong type or out of its range.
    """
    _refuse_unknown(values, set(_READERS), where)
    return Settings(**{key: _READERS[key](key, value, where) for key, value in values.items()})


def _refuse_unknown(values: Mapping[str, object], known: set[str], where: str) -> None:
    for key in sorted(set(values) - known):
        choice = ", ".join(sorted(known))
        raise ComebackError(f"unknown setting '{key}'", where, f"remove it or use one of: {choice}")


def _misfit(key: str, value: object, where: str, wanted: str) -> ComebackError:
    return ComebackError(f"'{key}' cannot be {value!r}", where, f"give {wanted}")


def _whole(key: str, value: object, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _misfit(key, value, where, "a whole number of at least 1")
    return value


def _number(key: str, value: object, where: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e12:
        raise _misfit(key, value, where, "a number of at least 0")
    return float(value)


def _share(key: str, value: object, where: str) -> float:
    number = _number(key, value, where)
    if number >= 1:
        raise _misfit(key, value, where, "a share of at least 0 and below 1")
    return number


def _text(key: str, value: object, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _misfit(key, value, where, "a text that is not empty")
    return value


def _texts(key: str, value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _misfit(key, value, where, "a list of texts")
    return tuple(_text(key, each, where) for each in value)


def _day(key: str, value: object, where: str) -> date:
    if type(value) is not date:
        raise _misfit(key, value, where, "a date such as 2019-01-01")
    return value


def _table(key: str, value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _misfit(key, value, where, f"a table [{key}]")
    return value


def _economics(key: str, value: object, where: str) -> Economics:
    table = _table(key, value, where)
    _refuse_unknown(table, {each.name for each in fields(Economics)}, f"{where} [{key}]")
    try:
        return Economics(**{name: _number(name, each, where) for name, each in table.items()})
    except ValueError as error:
        raise ComebackError(str(error), f"{where} [{key}]", "correct the value") from error


def _sources(key: str, value: object, where: str) -> dict[str, str]:
    return {name: _text(name, each, where) for name, each in _table(key, value, where).items()}


_READERS: dict[str, Callable[[str, object, str], object]] = {
    "session_gap_minutes": _whole,
    "passive_event_types": _texts,
    "cart_expiry_days": _whole,
    "label_horizon_hours": _whole,
    "scoring_window_days": _whole,
    "economics": _economics,
    "holdout_share": _share,
    "holdout_key": _text,
    "exports_keep_hours": _whole,
    "scores_keep_days": _whole,
    "partitions_start": _day,
    "memory_limit": _text,
    "threads": _whole,
    "sources": _sources,
}
