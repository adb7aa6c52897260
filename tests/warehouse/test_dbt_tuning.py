"""What dbt need not do again is left out, and nothing else."""

import gc
from pathlib import Path
from types import SimpleNamespace

import pytest
from dbt import compilation
from dbt.adapters.sql import connections
from dbt.contracts.graph.nodes import InjectedCTE
from dbt.graph.selector_methods import QualifiedNameSelectorMethod
from dbt_common.behavior_flags import BehaviorFlagRendered
from dbt_common.clients import agate_helper
from dbt_common.dataclass_schema import dbtClassMixin

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.warehouse.dbt_tuning import parsed_before, with_expressions

FIRST = [InjectedCTE("a", " __dbt__cte__a as (\nselect 1\n)"), InjectedCTE("b", "b as (select 2)")]


@pytest.mark.parametrize(
    "sql",
    [
        "with c as (select 1) select * from c",
        "\n\n-- of the hour\nwith\n\nc as (select 1)\nselect * from c\n",
        "/* of **\n the hour */ WITH c as (select 1) select * from c",
        "with recursive c as (select 1) select * from c",
        "With  Recursive\n  c as (select 1) select * from c",
        "with -- the first\nc as (select 1) select * from c",
        "with /* the first */ c as (select 1) select * from c",
        "-- with nothing\nwith c as (select 'with ') select * from c",
    ],
)
def test_a_statement_takes_expressions_as_dbt_puts_them(sql: str):
    assert with_expressions(sql, FIRST) == compilation.inject_ctes_into_sql(sql, FIRST)
    assert with_expressions(sql, FIRST[:1]) == compilation.inject_ctes_into_sql(sql, FIRST[:1])


@pytest.mark.parametrize(
    "sql",
    [
        "select * from (with c as (select 1) select * from c)",
        "-- with\nselect 1",
        "withal as (select 1)",
        "with c as (select ';') select 1",
    ],
)
def test_another_is_left_to_dbt(sql: str):
    assert with_expressions(sql, FIRST) is None
    with parsed_before():
        found = compilation.inject_ctes_into_sql(sql, FIRST)
    assert found == compilation.inject_ctes_into_sql(sql, FIRST)


def test_without_expressions_a_statement_stays_as_it_is():
    with parsed_before():
        assert (
            compilation.inject_ctes_into_sql("with c as (select 1)", []) == "with c as (select 1)"
        )


def test_every_model_takes_them_as_dbt_puts_them():
    texts = [path.read_text() for path in sorted(Path(DBT_PROJECT).glob("models/**/*.sql"))]
    ours = {text: with_expressions(text, FIRST) for text in texts}
    put = {text: found for text, found in ours.items() if found is not None}
    assert len(put) > 20
    for text, found in put.items():
        assert found == compilation.inject_ctes_into_sql(text, FIRST)


def test_dbt_checks_again_afterwards_whatever_happens():
    def found() -> tuple:
        return (
            dbtClassMixin.__dict__["validate"],
            compilation.inject_ctes_into_sql,
            compilation.Linker.get_graph_summary,
            BehaviorFlagRendered.__dict__["_default_source"],
            connections.fire_event,
            connections.SQLQuery,
            QualifiedNameSelectorMethod.search,
            gc.get_freeze_count(),
        )

    before = found()

    def fail() -> None:
        assert dbtClassMixin.validate({"no": "such"}) is None
        raise LookupError

    with pytest.raises(LookupError), parsed_before():
        fail()
    assert found() == before


@pytest.mark.parametrize(("are_heard", "names"), [(True, ["SQLQuery"]), (False, [])])
def test_of_single_statements_there_are_events_where_somebody_listens(
    monkeypatch: pytest.MonkeyPatch, are_heard: bool, names: list[str]
):
    fired: list[str] = []
    monkeypatch.setattr(connections, "fire_event", lambda event: fired.append(type(event).__name__))
    with parsed_before(are_statements_heard=are_heard):
        connections.fire_event(connections.SQLQuery(conn_name="a", sql="select 1"))
        connections.fire_event(connections.SQLCommit(conn_name="a"))
    assert fired == [*names, "SQLCommit"]


def test_answers_are_read_as_dbt_reads_them():
    rows = [{"id": "005", "number": 5, "list": ["a"], "none": None}, {"id": "", "number": None}]
    filled = [{"list": None, "none": None, **row} for row in rows]

    def read() -> list[tuple]:
        table = agate_helper.table_from_data_flat(filled, ["id", "number", "list", "none"])
        return [tuple(row.values()) for row in table.rows]

    expected = read()
    with parsed_before():
        assert read() == read() == expected
    assert expected[0] == ("005", 5, '["a"]', None)


def _node(*fqn: str, is_versioned: bool = False) -> SimpleNamespace:
    return SimpleNamespace(fqn=[*fqn], is_versioned=is_versioned)


NODES = {
    "model.shop.carts": _node("shop", "carts", "carts"),
    "model.shop.lines": _node("shop", "carts", "lines"),
    "model.shop.deep": _node("shop", "carts.old", "more", "deep"),
    "test.shop.carts": _node("shop", "tests", "lines", "carts.unique"),
    "model.other.lines": _node("other.part", "lines"),
    "model.other.shop": _node("other", "folder", "shop"),
}
NAMES = ["shop", "other", "carts", "lines", "deep", "more", "old", "tests", "folder", "none", "c*"]
NAMES += ["shop.carts", "carts.lines", "fold?r", "carts.unique", "part", "unique"]


@pytest.mark.parametrize("versioned", [{}, {"model.shop.v": _node("shop", "v", "v1")}])
def test_names_select_what_they_select_by_dbt(versioned: dict):
    for node in versioned.values():
        node.is_versioned = True
    kinds = ("exposures", "metrics", "unit_tests", "semantic_models", "saved_queries", "functions")
    manifest = SimpleNamespace(nodes={**NODES, **versioned}, **{kind: {} for kind in kinds})
    manifest.unit_tests = {"unit_test.shop.a": _node("shop", "carts", "a")}
    method = QualifiedNameSelectorMethod(manifest, None, [])
    there = {*manifest.nodes, *manifest.unit_tests} - {"model.shop.lines"}
    names = [*NAMES, "a", "v", "v1"]
    by_dbt = [set(method.search(there, name)) for name in names]
    with parsed_before():
        assert [set(method.search(there, name)) for name in names] == by_dbt
    assert [set(method.search(there, name)) for name in names] == by_dbt
    assert by_dbt[0] >= {"model.shop.carts", "model.other.shop"}
