"""Rules of the dbt project as SQL for queries of orchestration, so that a rule is written once.

Belongs here: rendering macros of `dbt_project/macros/rules` that are one expression over columns
and settings. Not here: any rule, or macros that ask dbt for a table or an engine.
"""

import functools
import json
from types import ModuleType

import jinja2

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.settings import Settings
from orchestration.warehouse.dbt_build import dbt_vars

_FILES = ("horizons.sql", "cart_open.sql", "event_types.sql")


def rule_macros(settings: Settings) -> ModuleType:
    """The macros of spans of time, open carts and types, by name: functions that give SQL."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    variables = dbt_vars(settings)
    environment.globals |= {
        "var": variables.__getitem__,
        "tojson": json.dumps,
        "fromjson": json.loads,
    }
    return environment.from_string(_source()).module


@functools.cache
def _source() -> str:
    folder = DBT_PROJECT / "macros" / "rules"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in _FILES)
