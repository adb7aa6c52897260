"""Signatures: by which columns and values a dump of each source is known.

Belongs here: the signatures that yml files declare, and comparing a file's first rows with them.
Not here: which columns a source reads (`sources`), or reading the rows (the readers).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from orchestration.ground.errors import ComebackError
from orchestration.ground.yml import parsed_yml
from orchestration.landing.kinds import Skip

SAMPLE_ROWS = 50

Row = Mapping[str, Any]
"""Delivered names and values of one row; nested values are objects, or JSON in a text."""


@dataclass(frozen=True)
class Signature:
    """One form in which a source is delivered.

    Attributes:
        source: Whose signature it is.
        columns: Keys of names that are all there.
        words: By the key of a name, words of which one is its value in some row, or a key of the
            object in it; of each name one.
        absent: Keys of names of which none is there.
        width: Of a delimited file without a header line, how many fields its rows have; the keys of
            `words` are then their places, counted from 1.
        is_to_come: Whether there is no such source yet.
    """

    source: str
    columns: frozenset[str]
    words: tuple[tuple[str, frozenset[str]], ...] = ()
    absent: frozenset[str] = frozenset()
    width: int | None = None
    is_to_come: bool = False

    def has_columns(self, names: frozenset[str]) -> bool:
        """Whether a file with these keys of names has the columns of this signature."""
        return self.width is None and self.columns <= names and not self.absent & names

    def has_words(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        """Whether some of these rows, by key, hold the words of this signature."""
        return all(any(_says(row.get(name), words) for row in rows) for name, words in self.words)

    def has_places(self, lines: Sequence[str], delimiter: str) -> bool:
        """Whether most of these lines have the fields of this signature, and some its words.

        A delimiter within a quoted field counts: what has no header line is seldom quoted, and a
        quote within a text must not join its fields.
        """
        cut = (line.split(delimiter) for line in lines)
        rows = [
            {str(place): field for place, field in enumerate(fields, start=1)}
            for fields in cut
            if len(fields) == self.width
        ]
        return len(rows) > len(lines) / 2 and self.has_words(rows)


@lru_cache(maxsize=4096)  # a file has the same names in every row
def name_key(name: str) -> str:
    """What of a delivered name counts: not case, spaces, ``-`` and ``_``."""
    return name.strip().casefold().replace("_", "").replace("-", "").replace(" ", "")


def parsed_signatures(source: str, declared: object, where: str) -> tuple[Signature, ...]:
    """The signatures that a yml file declares for a source.

    Raises:
        ComebackError: What is declared is no list of columns and words.
    """
    try:
        return tuple(
            Signature(
                source,
                frozenset(map(name_key, each["columns"] if "width" not in each else ())),
                tuple(
                    (name_key(name), frozenset(str(word).casefold() for word in words))
                    for name, words in (each.get("words") or {}).items()
                ),
                frozenset(map(name_key, each.get("without") or ())),
                int(each["width"]) if "width" in each else None,
            )
            for each in declared or ()
        )
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise ComebackError(
            "the signature of a source cannot be read",
            where,
            "give a list of `columns` or `width`, `words` and `without`; a place in `words` is a"
            ' text, "2"',
        ) from error


def load_signatures(path: Path) -> tuple[Signature, ...]:
    """The signatures in a file of signatures alone, by name of source.

    Raises:
        ComebackError: It is no YAML, or not what a signature is.
    """
    try:
        declared = parsed_yml(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise ComebackError(f"not YAML ({error})", str(path), "correct the file") from error
    return tuple(
        replace(signature, is_to_come=True)
        for name, signatures in declared.items()
        for signature in parsed_signatures(name, signatures, f"source {name} in {path}")
    )


def other_source(
    source: str, signatures: Iterable[Signature], names: Iterable[str], rows: Iterable[Row]
) -> Skip | None:
    """Why a file is refused that was given as a dump of `source`: it looks like another's.

    A file that has the source's own signature too is the source's.

    Args:
        source: The name it was given under.
        signatures: All signatures that are known.
        names: The file's columns.
        rows: Some of its first rows; looked at only where its columns may be another's.
    """
    keys = frozenset(map(name_key, names))
    possible = [signature for signature in signatures if signature.has_columns(keys)]
    if all(signature.source == source for signature in possible):
        return None
    keyed = [{name_key(name): value for name, value in row.items()} for row in rows]
    return _refusal(source, [signature for signature in possible if signature.has_words(keyed)])


def other_source_by_place(
    source: str, signatures: Iterable[Signature], lines: Sequence[str], delimiters: Iterable[str]
) -> Skip | None:
    """The same of a delimited file without a header line.

    Args:
        source: The name it was given under.
        signatures: All signatures that are known.
        lines: Some of its first lines.
        delimiters: What may cut them into fields.
    """
    return _refusal(
        source,
        [
            signature
            for signature in signatures
            if signature.width
            and any(signature.has_places(lines, delimiter) for delimiter in delimiters)
        ],
    )


def _refusal(source: str, signatures: Iterable[Signature]) -> Skip | None:
    """Why a file with these signatures is not one of the source's."""
    fitting = {signature.source: signature for signature in signatures}
    if not fitting or source in fitting:
        return None
    first = next(iter(fitting.values()))
    todo = (
        f"{first.source} is not read yet: deliver its events with the columns of canonical"
        if first.is_to_come
        else f"give it as {first.source}"
    )
    return Skip(
        f"looks_like_{first.source}",
        f"the file looks like the source {' or '.join(fitting)}, not like {source}; {todo}",
    )


def _says(value: object, words: frozenset[str]) -> bool:
    if isinstance(value, Mapping):
        return any(str(key).casefold() in words for key in value)
    if not isinstance(value, str):
        return False
    if value.casefold().strip() in words:
        return True
    return value.startswith("{") and any(json.dumps(w) in value.casefold() for w in words)
