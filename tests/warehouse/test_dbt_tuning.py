"""What dbt need not do again is left out, and nothing else."""

from pathlib import Path

import pytest
from dbt import compilation
from dbt.contracts.graph.nodes import InjectedCTE
from dbt_common.behavior_flags import BehaviorFlagRendered
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
            BehaviorFlagRendered.__dict__["_default_source"],
        )

    before = found()

    def fail() -> None:
        assert dbtClassMixin.validate({"no": "such"}) is None
        raise LookupError

    with pytest.raises(LookupError), parsed_before():
        fail()
    assert found() == before
