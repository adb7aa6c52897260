"""Whether a field identifies people, or only says what they have in common: a browser, a model.

Belongs here: what the values say of that. Not here: names of ids (`words`), or which field is taken
(`guesses`).
"""

import re
from collections.abc import Mapping, Sequence

from orchestration.drafts import forms
from orchestration.drafts.fields import Field, value_at

_ROWS = 5_000
_FEW = 12
_MANY_ROWS_EACH = 20
_PERSONS_EACH = 3
# At the end of a name they say that it is of a kind of thing, not of one thing.
_KINDS = frozenset(
    (
        *("model", "modell", "modele", "modelo", "modello", "type", "typ", "tipo", "class"),
        *("category", "brand", "make", "manufacturer", "hersteller", "vendor", "version"),
        *("family", "os", "platform", "language", "lang", "size", "width", "height"),
        *("resolution", "carrier"),
    )
)


def kind_share(field: Field) -> float:
    """How far values and name allow a field to be the id of somebody, 0 to 1: not where they name
    things, half where each of a few stands in a great many rows."""
    if field.tokens[-1] in _KINDS:
        return 0.0
    if len(field.values) > _FEW or field.filled < _MANY_ROWS_EACH * len(field.values):
        return 1.0
    has_digit = forms.share(field, re.compile(r".*\d").match) > 0.5
    return 0.5 if has_digit else 0.0


def is_shared(field: Field, person: Field, rows: Sequence[Mapping]) -> bool:
    """Whether the values of a field are those of many persons each.

    Args:
        field: what may be the id of a visitor.
        person: what is surely the id of somebody.
        rows: the rows that both stand in.
    """
    persons: dict[str, set[str]] = {}
    for row in rows[:_ROWS]:
        value = value_at(row, field.column, field.path)
        of = value_at(row, person.column, person.path)
        if isinstance(value, str) and isinstance(of, str):
            persons.setdefault(value, set()).add(of)
    counts = [len(each) for each in persons.values()]
    return sum(counts) > _PERSONS_EACH * len(counts) > 0
