"""Rules of the dbt project as SQL for queries of orchestration, so that a rule is written once.

Belongs here: rendering macros of `dbt_project/macros/rules` that are one expression over columns
and settings. Not here: any rule, or macros that ask dbt for a table or an engine.
"""

import functools
from types import ModuleType

import jinja2

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.settings import Settings
from orchestration.warehouse.dbt_build import dbt_vars

_FILES = ("horizons.sql", "cart_open.sql")


def rule_macros(settings: Settings) -> ModuleType:
    """The macros of spans of time and of open carts, by name: functions of SQL that give SQL."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    variables = dbt_vars(settings)
    environment.globals["var"] = variables.__getitem__
    return environment.from_string(_source()).module


@functools.cache
def _source() -> str:
    folder = DBT_PROJECT / "macros" / "rules"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in _FILES)
