"""Whom an erasure is for, what it found of them, and what is kept of it under `erasures/`.

Belongs here: the subject and the plan of an erasure, the plan of one that did not end, and the
report of one that did. Not here: finding and deleting rows (`erasure`).

A killed erasure is repeated: what it had found out is in `erasures/pending.json`, readable by its
owner only, until the search has proved it. The next erasure, whoever it is for, completes it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

from orchestration.ground.errors import ComebackError
from orchestration.ground.files import replace_file
from orchestration.ground.home import Home
from orchestration.landing.ids import read_id
from orchestration.landing.tombstones import keyed_hash
from orchestration.privacy.spellings import spellings

PENDING = "pending.json"

_SETS = ("visitors", "users", "emails", "phones", "files", "carts", "others")


@dataclass(frozen=True)
class Subject:
    """The person that an erasure is for. The id is kept out of its text, so out of every log.

    Attributes:
        kind: whether the id is a visitor's or a user's.
        id: the id as the log has it.
    """

    kind: Literal["visitor", "user"]
    id: str = field(repr=False)

    @classmethod
    def named(cls, kind: Literal["visitor", "user"], text: str) -> Self:
        """The subject of an id as a person types it.

        Raises:
            ComebackError: the id means nobody.
        """
        id_ = read_id(text)
        if id_ is None:
            raise ComebackError(
                f"'{text}' means nobody", f"the {kind} to erase", "give the id of one person"
            )
        return cls(kind, id_)


@dataclass(frozen=True)
class Plan:
    """What an erasure found, as long as it can be found: ids are gone once their rows are.

    Attributes:
        visitors: ids of visitors to erase.
        users: ids of users to erase.
        emails: e-mail addresses that only they have, as they were delivered.
        phones: telephone numbers that only they have, likewise.
        rows: rows that go, by table.
        files: dumps that named them, `source: file`.
        carts: ids of their carts.
        others: those of the ids that somebody has beside another, where the SQL of a source makes
            ids of the delivered ones.
    """

    visitors: frozenset[str] = field(default=frozenset(), repr=False)
    users: frozenset[str] = field(default=frozenset(), repr=False)
    emails: frozenset[str] = field(default=frozenset(), repr=False)
    phones: frozenset[str] = field(default=frozenset(), repr=False)
    rows: Mapping[str, int] = field(default_factory=dict)
    files: frozenset[str] = field(default=frozenset(), repr=False)
    carts: frozenset[str] = field(default=frozenset(), repr=False)
    others: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def of(cls, *subjects: Subject) -> Self:
        """The plan before anything is known but whom it is for."""
        return cls(
            **{
                f"{kind}s": frozenset(each.id for each in subjects if each.kind == kind)
                for kind in ("visitor", "user")
            }
        )

    @property
    def ids(self) -> list[str]:
        """The ids that must not be found any more."""
        return sorted(self.visitors | self.users)

    @property
    def counts(self) -> dict[str, int]:
        """How many visitors and users there are, each counted under one id."""
        return {
            "visitors": len(self.visitors - self.others),
            "users": len(self.users - self.others),
        }

    @property
    def texts(self) -> list[str]:
        """The ids, and the addresses in every spelling."""
        return [*self.ids, *spellings(self.emails, self.phones)]

    def joined(self, other: "Plan") -> "Plan":
        """Both; a killed run and its repetition count the same rows, or one of them none."""
        tables = sorted({*self.rows, *other.rows})
        return Plan(
            self.visitors | other.visitors,
            self.users | other.users,
            self.emails | other.emails,
            self.phones | other.phones,
            {name: max(self.rows.get(name, 0), other.rows.get(name, 0)) for name in tables},
            self.files | other.files,
            self.carts | other.carts,
            self.others | other.others,
        )


def read_pending(home: Home) -> Plan:
    """The plan of an erasure that did not end; an empty one if all did."""
    try:
        values = json.loads((home.erasures / PENDING).read_bytes())
    except FileNotFoundError:
        return Plan()
    # one that an older version left knows no addresses
    sets = {name: frozenset(values.get(name, ())) for name in _SETS}
    return Plan(rows=values["rows"], **sets)


def interrupted(home: Home) -> list[Subject]:
    """Whom an erasure was for that did not come to its search; nobody if there is none."""
    try:
        values = json.loads((home.erasures / PENDING).read_bytes())
    except FileNotFoundError:
        return []
    if values.get("is_searched"):
        return []
    return [Subject("user", id_) for id_ in values["users"]] + [
        Subject("visitor", id_) for id_ in values["visitors"]
    ]


def write_pending(home: Home, plan: Plan, *, is_searched: bool = False) -> None:
    """Keep a plan until the erasure has ended.

    Args:
        home: where it is kept.
        plan: what was found.
        is_searched: whether all was done and something is still found: a person has to look.
    """
    lists = {name: sorted(getattr(plan, name)) for name in _SETS}
    values = {**lists, "rows": plan.rows, "is_searched": is_searched}
    content = json.dumps(values).encode()
    replace_file(home.erasures / PENDING, content, mode=0o600)


def drop_pending(home: Home) -> None:
    """The erasure has ended."""
    (home.erasures / PENDING).unlink(missing_ok=True)


def write_report(home: Home, subject: Subject, values: Mapping[str, object], at: datetime) -> Path:
    """Keep what was done, with the keyed hash in the place of the id; where."""
    hash_ = keyed_hash(home.erasure_key.read_bytes(), subject.kind, subject.id)
    path = home.erasures / f"{at:%Y-%m-%dT%H%M%SZ}-{hash_[:8]}.json"
    report = {"erased_at": f"{at.isoformat()}Z", "kind": subject.kind, "hash": hash_, **values}
    replace_file(path, (json.dumps(report, indent=2) + "\n").encode(), mode=0o600)
    return path


def was_erased(home: Home, subject: Subject) -> bool:
    """Whether a report says that the subject was erased before."""
    hash_ = keyed_hash(home.erasure_key.read_bytes(), subject.kind, subject.id)
    return any(home.erasures.glob(f"*-{hash_[:8]}.json"))
