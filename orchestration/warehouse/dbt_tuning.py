"""Making dbt's own work cheap where it does again what was done when the project was parsed.

Belongs here: how a build within this process spares it. Not here: running dbt (`dbt_build`).

Of an hour with nothing new, measured 2026-11-30: making JSON schemas of dbt's classes, to check a
project that was checked as it was parsed, was a twentieth of the CPU time; taking whole statements
apart, to find the `with` they begin with, a fortieth; reading the source of all callers, to name a
module in warnings, a fiftieth. Of a full build of a small log: going through all objects of the
parsed project, for those that nothing refers to, was a fourteenth; events of each statement, which
nobody hears, a twelfth.
"""

import gc
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dbt.contracts.graph.nodes import InjectedCTE

# what dbt finds among the callers
_ADAPTER = "dbt.adapters.base.impl"
_BEGINNING = re.compile(
    r"(?:\s|--[^\n]*\n|/\*(?:[^*]|\*(?!/))*\*/)*with(?:\s+recursive)?\s+", re.IGNORECASE
)


def import_dbt() -> None:
    """Import dbt in less time.

    Its classes make what reads and writes them when it is first asked for: most of it never is, and
    to make it for all was a quarter of the time. The setting stays for the process: a class may be
    asked at any time.
    """
    from mashumaro.config import BaseConfig

    BaseConfig.lazy_compilation = True
    with no_collection():
        import dbt.cli.main  # noqa: F401 for whoever imports from it next


@contextmanager
def no_collection() -> Iterator[None]:
    """Python looks for no garbage: to parse the project takes a fifth more time with it.

    Without it, a third more memory, which is less than a build takes.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def parsed_before(are_statements_heard: bool = False) -> Iterator[None]:
    """A build of a project that dbt has parsed, and so checked, as it is now.

    Args:
        are_statements_heard: whether anybody listens to dbt's events of single statements.
    """
    from dbt import compilation
    from dbt_common.behavior_flags import BehaviorFlagRendered
    from dbt_common.dataclass_schema import dbtClassMixin

    as_dbt = compilation.inject_ctes_into_sql
    validate = dbtClassMixin.__dict__["validate"]
    caller = BehaviorFlagRendered.__dict__["_default_source"]

    def prepended(sql: str, expressions: "Sequence[InjectedCTE]") -> str:
        return with_expressions(sql, expressions) or as_dbt(sql, expressions)

    dbtClassMixin.validate = classmethod(lambda *_: None)
    compilation.inject_ctes_into_sql = prepended
    BehaviorFlagRendered._default_source = staticmethod(lambda: _ADAPTER)
    try:
        with _uncollected(), _statements_unheard(not are_statements_heard):
            yield
    finally:
        dbtClassMixin.validate = validate
        compilation.inject_ctes_into_sql = as_dbt
        BehaviorFlagRendered._default_source = caller


@contextmanager
def _uncollected() -> Iterator[None]:
    """What there is now stays until afterwards, so Python need not look through it for garbage."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def _statements_unheard(are_unheard: bool) -> Iterator[None]:
    """dbt makes no events of single statements."""
    from dbt.adapters.sql import connections

    names = ("ConnectionUsed", "SQLQuery", "SQLQueryStatus") if are_unheard else ()
    as_dbt = {name: getattr(connections, name) for name in (*names, "fire_event")}

    def fire_event(event: object, **how: object) -> None:
        if event is not None:
            as_dbt["fire_event"](event, **how)

    connections.fire_event = fire_event
    for name in names:
        setattr(connections, name, lambda **_: None)
    try:
        yield
    finally:
        for name, value in as_dbt.items():
            setattr(connections, name, value)


def with_expressions(sql: str, expressions: "Sequence[InjectedCTE]") -> str | None:
    """A statement with common table expressions put before its own, as dbt puts them.

    None where that is left to dbt: it begins with anything else than `with`.
    """
    beginning = _BEGINNING.match(sql)
    if not expressions or beginning is None or ";" in sql:
        return None
    first = ", ".join(each.sql for each in expressions)
    return f"{beginning[0]}{first}, {sql[beginning.end() :]}"
