"""Which words for what happened are understood as they are.

Belongs here: asking the rule (`macros/rules/event_types.sql` of the dbt project). Not here: the
words of a source that translates its own (its SQL).
"""

from collections.abc import Sequence

from orchestration.ground.rule_macros import rule_macros
from orchestration.ground.settings import Settings
from orchestration.ground.sql import in_memory, literal


def understood(words: Sequence[str], settings: Settings) -> dict[str, str | None]:
    """The type that each word stands for, without any translation; None where it is none of those
    that mean something."""
    if not words:
        return {}
    macros = rule_macros(settings)
    values = ", ".join(f"({literal(word)})" for word in words)
    with in_memory() as connection:
        found = connection.execute(
            f"select word, type from (select word, {macros.event_type('word')} as type"
            f" from (values {values}) as words (word)) where type in ({macros.known_event_types()})"
        ).fetchall()
    return dict.fromkeys(words) | dict(found)
