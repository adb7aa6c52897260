"""Which delivered ids mean nobody, and what an id is that was written otherwise.

Belongs here: the dbt macro ``known_id`` for those who look at rows before dbt does: landing, which
must know an erased person in every spelling, and whoever is given an id by hand. Not here: the rule
(``dbt_project/macros/rules/ids.sql``), or which columns hold ids; the ``sources`` say that.
"""

from collections.abc import Sequence
from functools import lru_cache
from types import ModuleType

from orchestration.ground.rule_macros import rule_macros
from orchestration.ground.settings import Ids, Settings
from orchestration.ground.sql import in_memory


def known_id(column: str, placeholders: Sequence[str] = ()) -> str:
    """SQL for the id in a column: trimmed, a float as the number it is, null for nobody.

    Args:
        column: an expression of type text.
        placeholders: the shop's own words for nobody.
    """
    return _macros(tuple(placeholders)).known_id(column)


def read_id(text: str, placeholders: Sequence[str] = ()) -> str | None:
    """The id that a text stands for; None if it means nobody."""
    with in_memory() as connection:
        query = f"select {known_id('id', placeholders)} from (select ? as id)"
        return connection.execute(query, [text]).fetchall()[0][0]


@lru_cache(maxsize=8)
def _macros(placeholders: tuple[str, ...]) -> ModuleType:
    return rule_macros(Settings(ids=Ids(placeholders=placeholders)))
