"""Which columns the columns of a query are made from, read out of its SQL.

Belongs here: going through one query. Not here: which queries there are, and keeping what came of
it (`column_lineage`, which imports this late: sqlglot takes a third of a second).

A column is made from those whose values are in it or decide its value: what its expression names,
conditions and windows in it included. It is not made from those that only decide which rows there
are, in `where`, `join` and `group by`; so `count(*)` is made from none.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlglot import exp, parse_one
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope
from sqlglot.schema import MappingSchema

DIALECT = "duckdb"


class Origin(NamedTuple):
    """A column of a table that a query reads."""

    schema: str
    table: str
    column: str


_Outputs = dict[str, frozenset[Origin]]
_NONE: frozenset[Origin] = frozenset()


class Tables:
    """The tables that queries may read."""

    def __init__(self, columns: Mapping[tuple[str, str], Sequence[str]]) -> None:
        """Take the names of their columns, by schema and table."""
        self._outputs = {
            (schema, table): {name: frozenset({Origin(schema, table, name)}) for name in names}
            for (schema, table), names in columns.items()
        }
        self._schema = MappingSchema(dialect=DIALECT)
        for (schema, table), names in columns.items():
            self._schema.add_table(
                exp.table_(table, db=schema), dict.fromkeys(names, "text"), dialect=DIALECT
            )

    def origins(self, sql: str) -> dict[str, list[Origin]]:
        """What each column that a query returns is made from, in a stable order.

        Raises:
            SqlglotError: it cannot be read, or names a column that no table has.
        """
        tree = parse_one(sql, dialect=DIALECT)
        for table in tree.find_all(exp.Table):
            table.set("catalog", None)
        # it may leave what it cannot place, as a parameter of a lambda, as it is
        tree = qualify(
            tree,
            schema=self._schema,
            dialect=DIALECT,
            validate_qualify_columns=False,
            identify=False,
        )
        scope = build_scope(tree)
        found = _Reader(self._outputs).outputs(scope) if scope else {}
        return {name: sorted(origins) for name, origins in found.items()}


class _Reader:
    """Goes from the columns of a query down to those of tables, through each query in it once."""

    def __init__(self, tables: Mapping[tuple[str, str], _Outputs]) -> None:
        self._tables = tables
        self._read: dict[int, _Outputs] = {}

    def outputs(self, scope: Scope) -> _Outputs:
        """What each column of a query is made from, in the order of its columns."""
        known = self._read.get(id(scope))
        if known is None:
            # what a recursive query reads of itself comes of how it begins
            self._read[id(scope)] = {}
            known = self._read[id(scope)] = self._outputs(scope)
        return known

    def _outputs(self, scope: Scope) -> _Outputs:
        query = scope.expression
        if isinstance(query, exp.SetOperation):
            first, second = (self.outputs(each) for each in scope.set_operation_scopes)
            if not query.args.get("by_name"):
                second = dict(zip(first, second.values(), strict=False))
            names = dict.fromkeys([*first, *second])
            return {name: first.get(name, _NONE) | second.get(name, _NONE) for name in names}
        if isinstance(query, exp.Select):
            return {each.alias_or_name: self._origins(each, scope) for each in query.expressions}
        return {}

    def _origins(self, expression: exp.Expression, scope: Scope) -> frozenset[Origin]:
        """What the value of an expression is made from."""
        found: set[Origin] = set()
        for node in expression.walk(prune=lambda node: isinstance(node, (exp.Query, exp.Star))):
            if isinstance(node, exp.Column):
                found |= self._of_column(node, scope)
            elif isinstance(node, exp.TableColumn):  # a row as one value
                found.update(*self._of_source(node.name, scope).values())
            elif isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count):
                left_out = {each.name for each in node.args.get("except_") or ()}
                for name in scope.selected_sources:
                    columns = self._of_source(name, scope)
                    found.update(*(columns[each] for each in columns if each not in left_out))
            elif isinstance(node, exp.Query):
                found |= self._of_subquery(node, scope)
            elif isinstance(node, exp.Window) and node.alias:
                for window in _listed(scope.expression.args.get("windows")):
                    if window.name == node.alias:
                        found |= self._origins(window, scope)
        return frozenset(found)

    def _of_subquery(self, query: exp.Query, scope: Scope) -> set[Origin]:
        select = query.unnest() if isinstance(query, exp.Subquery) else query
        inner = next(each for each in scope.subquery_scopes if each.expression is select)
        found: set[Origin] = set().union(*self.outputs(inner).values())
        if isinstance(query.parent, exp.Exists):  # its value is whether there are rows
            for part in ("where", "joins"):
                for each in _listed(select.args.get(part)):
                    found |= self._origins(each, inner)
        return found

    def _of_column(self, column: exp.Column, scope: Scope) -> frozenset[Origin]:
        """What a column is made from, of this query or of one that it stands in."""
        within: Scope | None = scope
        while within is not None:
            names = [column.table] if column.table else within.selected_sources
            for name in names:
                if name in within.sources:
                    origins = self._of_source(name, within).get(column.name)
                    if origins is not None:
                        return origins
            within = within.parent
        return _NONE

    def _of_source(self, name: str, scope: Scope) -> _Outputs:
        """The columns of what a query reads under a name."""
        source = scope.sources[name]
        if isinstance(source, exp.Table):
            return self._tables.get((source.db, source.name), {})
        if isinstance(source.expression, exp.UDTF):  # rows made of a list
            origins = self._origins(source.expression, source.parent or scope)
            return dict.fromkeys(source.expression.alias_column_names, origins)
        return self.outputs(source)


def _listed(value: object) -> Iterator[exp.Expression]:
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, exp.Expression):
            yield each
