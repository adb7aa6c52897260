"""Names of columns that SQL and YAML can bear.

Belongs here: a name for each delivered one, and writing a text into YAML. Not here: what a column
means.
"""

import re
from collections.abc import Sequence, Set

from orchestration.drafts.fields import without_accents
from orchestration.landing.signatures import name_key

_PLAIN = re.compile(r"[A-Za-z$][\w.$]*", re.ASCII)


def named_columns(
    columns: Sequence[str], reserved: Set[str], *, has_names: bool
) -> dict[str, tuple[str, str | None]]:
    """A name for each column, and the delivered one where that is not the same name."""
    named: dict[str, tuple[str, str | None]] = {}
    keys = {name_key(each) for each in columns}
    for delivered in columns:
        if not has_names:
            named[delivered] = (f"field_{delivered}", None)
            continue
        plain = re.sub(r"[^a-z0-9]+", "_", without_accents(delivered).lower()).strip("_")
        name = plain if plain[:1].isalpha() else f"c_{plain}".rstrip("_")
        name += "_" * (name in reserved)
        if name_key(name) == name_key(delivered):
            named[delivered] = (name, None)
            continue
        number, free = 1, name
        while name_key(free) in keys:
            number += 1
            free = f"{name}_{number}"
        keys.add(name_key(free))
        named[delivered] = (free, delivered)
    return named


def in_yaml(text: str | None) -> str:
    """A text in YAML, in quotes unless it is plain."""
    text = text or ""
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in (
        "yes", "no", "on", "off", "true", "false", "null", "y", "n",
    )  # fmt: skip
    if is_plain:
        return text
    return "'" + text.replace("'", "''") + "'"
