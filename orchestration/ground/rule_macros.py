"""Rules of the dbt project as SQL for queries of orchestration, so that a rule is written once.

Belongs here: rendering macros of `dbt_project/macros` that are one expression over columns and
settings, as DuckDB reads them. Not here: any rule, or macros that ask dbt for a table.
"""

import functools
import hashlib
import json
import marshal
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import CodeType, ModuleType, SimpleNamespace

import jinja2

from orchestration.ground import kept_code
from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.settings import Settings

_FILES = (
    *("rules/horizons.sql", "rules/cart_open.sql", "rules/event_types.sql"),
    *("rules/cart_changes.sql", "rules/orders.sql"),
    *("rules/times.sql", "rules/ids.sql", "rules/persons.sql"),
    *("dialects/times.sql", "dialects/texts.sql", "dialects/columns.sql"),
)
_KEPT, _PACKAGES = "rules", ("jinja2",)


def rule_macros(settings: Settings) -> ModuleType:
    """The macros of times, ids, persons, carts and types, by name: functions that give SQL."""
    environment = _environment()
    variables = settings.variables
    environment.globals |= {
        "var": variables.__getitem__,
        "tojson": json.dumps,
        "fromjson": json.loads,
        # as dbt has them
        "return": lambda value: value,
        "modules": SimpleNamespace(re=re),
        "adapter": _DuckDB(lambda name: getattr(module, name)),
    }
    template = jinja2.Template.from_code(environment, _compiled(), environment.globals)
    module = template.module
    return module


def person_of(owner_id: str, visitor_id: str) -> str:
    """SQL for the person whose owner and visitor stand in two columns."""
    return _without_settings().person_id(owner_id, visitor_id)


def user_as_visitor(user_id: str) -> str:
    """SQL for a user of a column where visitors and users stand in one; null for nobody."""
    return _without_settings().user_as_visitor(user_id)


@dataclass(frozen=True)
class _DuckDB:
    """What macros that engines spell otherwise are looked up in."""

    macro: Callable[[str], Callable[..., str]]

    def dispatch(self, name: str) -> Callable[..., str]:
        """The macro as DuckDB spells it."""
        return self.macro(f"duckdb__{name}")


@functools.cache
def _without_settings() -> ModuleType:
    """The macros for rules that no setting changes."""
    return rule_macros(Settings())


def _environment() -> jinja2.Environment:
    return jinja2.Environment(undefined=jinja2.StrictUndefined, extensions=["jinja2.ext.do"])


@functools.cache
def _compiled() -> CodeType:
    """The macros, which settings only fill: compiling them takes a quarter of a second, so their
    code is kept for every home."""
    folder = DBT_PROJECT / "macros"
    source = "\n".join((folder / name).read_text(encoding="utf-8") for name in _FILES)
    path, digest = DBT_PROJECT / "target" / _KEPT, hashlib.sha256(source.encode()).hexdigest()
    if code := kept_code.read(path, _PACKAGES, of=digest):
        return marshal.loads(code)
    compiled = _environment().compile(source)
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
    kept_code.keep(path, marshal.dumps(compiled), _PACKAGES, of=digest)
    return compiled
