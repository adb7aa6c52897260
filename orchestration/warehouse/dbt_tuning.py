"""Making dbt's own work cheap where it does again what was done when the project was parsed.

Belongs here: how a build within this process spares it. Not here: running dbt (`dbt_build`).

Of an hour with nothing new, measured 2026-11-30: making JSON schemas of dbt's classes, to check a
project that was checked as it was parsed, was a twentieth of the CPU time; taking whole statements
apart, to find the `with` they begin with, a fortieth; reading the source of all callers, to name a
module in warnings, a fiftieth.
"""

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


@contextmanager
def parsed_before() -> Iterator[None]:
    """A build of a project that dbt has parsed, and so checked, as it is now."""
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
        yield
    finally:
        dbtClassMixin.validate = validate
        compilation.inject_ctes_into_sql = as_dbt
        BehaviorFlagRendered._default_source = caller


def with_expressions(sql: str, expressions: "Sequence[InjectedCTE]") -> str | None:
    """A statement with common table expressions put before its own, as dbt puts them.

    None where that is left to dbt: it begins with anything else than `with`.
    """
    beginning = _BEGINNING.match(sql)
    if not expressions or beginning is None or ";" in sql:
        return None
    first = ", ".join(each.sql for each in expressions)
    return f"{beginning[0]}{first}, {sql[beginning.end() :]}"
