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
import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dbt.contracts.graph.nodes import InjectedCTE
    from dbt.graph.selector_methods import QualifiedNameSelectorMethod

# what dbt finds among the callers
_ADAPTER = "dbt.adapters.base.impl"
_PLAIN_NAME = re.compile(r"[^.*?\[\]]+")
_VERSIONED = ""
_BEGINNING = re.compile(
    r"(?:\s|--[^\n]*\n|/\*(?:[^*]|\*(?!/))*\*/)*with(?:\s+recursive)?\s+", re.IGNORECASE
)


def make_code_when_asked() -> None:
    """dbt's classes make the code that reads and writes them when it is first asked for: most of it
    never is, and to make it for all was a quarter of the time of importing dbt.

    The setting stays for the process: a class may be asked at any time. It comes before whatever
    imports dbt.
    """
    from mashumaro.config import BaseConfig

    BaseConfig.lazy_compilation = True


def import_dbt() -> None:
    """Import dbt in less time, and without the handler that it adds to all logs."""
    make_code_when_asked()
    root = logging.getLogger()
    handlers = [*root.handlers]
    with no_collection():
        import dbt.cli.main  # noqa: F401 for whoever imports from it next
    root.handlers = handlers


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
    summary = compilation.Linker.get_graph_summary

    def prepended(sql: str, expressions: "Sequence[InjectedCTE]") -> str:
        return with_expressions(sql, expressions) or as_dbt(sql, expressions)

    dbtClassMixin.validate = classmethod(lambda *_: None)
    compilation.inject_ctes_into_sql = prepended
    BehaviorFlagRendered._default_source = staticmethod(lambda: _ADAPTER)
    # of each node what comes next, for a file that nobody reads
    compilation.Linker.get_graph_summary = lambda *_: {}
    try:
        with _uncollected(), _names_looked_up(), _statements_unheard(not are_statements_heard):
            yield
    finally:
        dbtClassMixin.validate = validate
        compilation.inject_ctes_into_sql = as_dbt
        BehaviorFlagRendered._default_source = caller
        compilation.Linker.get_graph_summary = summary


@contextmanager
def _uncollected() -> Iterator[None]:
    """What there is now stays until afterwards, so Python need not look through it for garbage."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def _names_looked_up() -> Iterator[None]:
    """dbt looks a plain name of a selection up, where it would ask every node whether it is of that
    name: once a model, it asked forty thousand times."""
    from dbt.graph.selector_methods import QualifiedNameSelectorMethod as Method

    as_dbt = Method.search
    ids: dict[str, set[str]] = {}

    def search(self: Method, included_nodes: set[str], selector: str) -> Iterable[str]:
        if not ids:
            ids.update(_ids_by_name(self))
        if not _PLAIN_NAME.fullmatch(selector) or _VERSIONED in ids:
            return as_dbt(self, included_nodes, selector)
        return ids.get(selector, set()).intersection(included_nodes)

    Method.search = search
    try:
        yield
    finally:
        Method.search = as_dbt


def _ids_by_name(method: "QualifiedNameSelectorMethod") -> dict[str, set[str]]:
    """The nodes that dbt selects by a plain name: their own, that of their package, or of the
    topmost folder in it; and whether any has versions, whose names are others."""
    ids: dict[str, set[str]] = defaultdict(set)
    manifest = method.manifest
    kinds = ("nodes", "exposures", "metrics", "unit_tests", "semantic_models", "saved_queries")
    there = {key for kind in (*kinds, "functions") for key in getattr(manifest, kind)}
    for key, node in method.non_source_nodes(there):
        within = [part for each in node.fqn[1:] for part in each.split(".")]
        package = node.fqn[0].split(".")[0]
        for name in {node.fqn[-1], package, *within[:1], *([_VERSIONED] * node.is_versioned)}:
            ids[name].add(key)
    return ids


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
