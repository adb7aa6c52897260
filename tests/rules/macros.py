"""Macros of the dbt project as functions that give SQL, without dbt.

Belongs here: rendering macros that ask dbt for nothing but variables and the dialect. Not here: any
rule. `orchestration.ground.rule_macros` does the same for those that orchestration shares.
"""

import json
import re
from collections.abc import Callable, Mapping
from types import ModuleType, SimpleNamespace

import jinja2

from .dbt_runs import PROJECT


def macros(variables: Mapping[str, object], *files: str) -> ModuleType:
    """The macros of files below `macros`, DuckDB's where they are dispatched."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, extensions=["jinja2.ext.do"], autoescape=False
    )

    def dispatch(name: str) -> Callable[..., str]:
        return lambda *arguments: getattr(found[0], f"duckdb__{name}")(*arguments)

    environment.globals |= {
        "var": variables.__getitem__,
        "tojson": json.dumps,
        "fromjson": json.loads,
        "return": lambda value: value,
        "modules": SimpleNamespace(re=re),
        "adapter": SimpleNamespace(dispatch=dispatch),
    }
    source = "\n".join((PROJECT / "macros" / name).read_text(encoding="utf-8") for name in files)
    found = [environment.from_string(source).module]
    return found[0]
