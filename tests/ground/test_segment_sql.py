"""Whether a segment's SQL can be asked, without dbt and without a shop."""

import os

import pytest
import yaml

from orchestration.drafts import new_segment
from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.home import Home
from orchestration.ground.segment_sql import (
    fault_of,
    tables_in,
    unknown_in,
    word_of_the_run,
)
from orchestration.warehouse.person_tables import PERSON_SCORES
from orchestration.warehouse.score_tables import CART_SCORES
from orchestration.warehouse.segment_tables import PERSON_ATTRIBUTES

PEOPLE = "select person_id\nfrom {{ ref('people') }}\n"


def test_the_shipped_segments_and_a_new_one_can_be_asked(tmp_path):
    shipped = [*(DBT_PROJECT / "models/segments").glob("*.sql")]
    _, new = new_segment(Home(tmp_path), "big_spenders")
    assert {path.stem: fault_of(path.read_text()) for path in (*shipped, new)} == dict.fromkeys(
        [*(path.stem for path in shipped), "big_spenders"]
    )


@pytest.mark.parametrize(
    ("sql", "line", "said"),
    [
        (PEOPLE + "where spent > 5", 3, '"spent" not found'),
        (PEOPLE + "where order_count > 'many'::date", 3, "Cannot compare values of type BIGINT"),
        (PEOPLE.replace("from", "form"), 2, "Parser Error: syntax error at or near"),
        (PEOPLE + "where last_order_at > {{ as_of() }} - 30 dys", 3, 'at or near "dys"'),
        (PEOPLE + ";", 3, 'at or near ";"'),
        ("\n", 1, "its SQL is empty"),
        ("-- nobody", 1, "at or near"),
        (PEOPLE.replace("from", "form", 1), 2, 'near "people"'),
        ("drop table person_id", 1, 'at or near "table"'),
        ("select person_id from peopel", 1, "peopel does not exist"),
        ("select person_id from people", 1, "does not exist!): name it as {{ ref('people') }}"),
        ("select person_id from peopel", 1, "does not exist!): name it as {{ ref('people') }}"),
        ("select person_id from xyz", 1, "does not exist!): name it as {{ ref('people') }}"),
        (PEOPLE + "where last_seen_at > as_of()", 3, ": write the hour as {{ as_of() }}"),
        (PEOPLE + "where last_seen_at > {{ as_of }}", 3, ": write the hour as {{ as_of() }}"),
        (PEOPLE.strip() + ";", 2, ": leave out the semicolon"),
        ("select max(rank) as best from {{ ref('people') }}", 1, '"rank" not found'),
        ("select is_known from {{ ref('people') }}", None, "gives no person_id but is_known"),
        ("select order_count as person_id from {{ ref('people') }}", None, "is a BIGINT and no te"),
        ("select person_id from {{ ref('people' }}", 1, "its template is wrong"),
        ("{{ config(materialized='table') }}" + PEOPLE, 1, "config.materialized is 'table': a se"),
        ("\n{{ config({'enabled': false}) }}" + PEOPLE, 2, "config.enabled is False: a segment"),
        (PEOPLE + "where '{{ env_var('NO_SUCH') }}' = ''", 3, "there is no NO_SUCH in the envir"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(sql: str, line: int | None, said: str):
    fault = fault_of(sql)
    assert fault is not None
    assert said in fault[0]
    assert fault[1] == line
    assert "\n" not in fault[0]


@pytest.mark.parametrize(
    ("condition", "word"),
    [
        ("last_seen_at > now() - interval 7 day", "now()"),
        ("last_seen_at > CURRENT_DATE - 7", "current_date"),
        ("p_purchase_7d > random ( )", "random ( )"),
        ("true using sample 10%", "using sample"),
        ("people.localtime > 3", None),
        ("last_seen_at > localtimestamp", "localtimestamp"),
        ("random() < 0.1", "random()"),
        ("person_id != 'now()' -- now()", None),
        ('person_id = "today" /* today() */', None),
        ("last_seen_at > {{ as_of() }} - interval 7 day {# now() #}", None),
        ("knows_now and random_share > 0", None),
    ],
)
def test_what_another_run_of_the_hour_has_otherwise_is_found(condition: str, word: str | None):
    assert word_of_the_run(f"{PEOPLE}where {condition}") == word


@pytest.mark.parametrize(
    "sql",
    [
        "select {{ person_id('a', 'b') }} as person_id from x",
        "select person_id from {{ ref('another_of_the_shop') }}",
        "select person_id from {{ source('raw', 'till') }}",
        "{{ config(materialized='ephemeral', tags=['worth']) }}" + PEOPLE,
        "{% do return('') %}" + PEOPLE,
        "{% for day in (1, 2) %}{% if day == 2 %}{% break %}{% endif %}{% endfor %}" + PEOPLE,
        PEOPLE + "where {{ 'is_known' | as_text }}",
        "select person_id from {{ ref('people') }} where {{ var('as_of') }}",
    ],
)
def test_what_only_dbt_knows_is_left_to_it(sql: str):
    assert fault_of(sql) is None


def test_a_table_that_is_neither_ours_nor_the_shops_is_said_at_once():
    own = frozenset({"another_of_the_shop", "stg_till"})
    assert fault_of("select person_id from {{ ref('another_of_the_shop') }}", own) is None
    assert fault_of("select person_id from {{ ref('stg_till') }}", own) is None
    said = "there is no table 'peeple' (is 'people' meant?)"
    assert fault_of(PEOPLE.replace("people", "peeple"), own) == (said, 2)
    assert fault_of("select person_id from {{ ref('xyz') }}", own) == ("there is no table 'xyz'", 1)


def test_of_a_template_that_failed_the_names_that_nothing_has_are_known():
    asked = PEOPLE + "where {{ as_off() }} > {{ as_of() }} and {{ hour_of_day('a') }} = {{ var }}"
    assert unknown_in(asked) == ["as_off", "hour_of_day"]
    assert unknown_in("{{ person_id('a', 'b') }}") == []
    words = "{% for n in range(3) %}{{ n / 0 }}{% endfor %}{{ target.name }}{{ run_query('x') }}"
    assert unknown_in(words) == []


def test_the_scores_that_a_query_may_read_are_declared_as_they_are():
    declared = yaml.safe_load((DBT_PROJECT / "models/people/_scores.yml").read_text())
    tables = declared["sources"][0]["tables"]
    makers = (CART_SCORES, PERSON_ATTRIBUTES, PERSON_SCORES)
    assert [table["name"] for table in tables] == [made.name for made in makers]
    for table, made in zip(tables, makers, strict=True):
        assert [
            (each["name"], each["data_type"].replace("string", "varchar"))
            for each in table["columns"]
        ] == [(each.name, each.type.replace(", ", ",")) for each in made.columns]


def test_what_the_shop_knows_of_people_can_be_asked_for():
    asked = "select person_id from {{ source('scores', 'person_attributes') }} where name = 'a'"
    assert fault_of(f"{asked} and known_from <= {{{{ as_of() }}}}") is None
    assert "updated_at" in fault_of(f"{asked} and updated_at > {{{{ as_of() }}}}")[0]


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        (
            "{# ref('orders') #}{{ ref('people') }} {{ ref( \"vip\" ) }} {{ source('a', 'b') }}",
            {"people", "vip"},
        ),
        ("select 1 -- unlike ref('big')\nfrom {{ ref('people') }}", {"people"}),
        ("{{ ref('comeback', 'big') }} {{ ref ('small', v=1) }}", {"big", "small"}),
        ("{% set table = 'big' %}{{ ref(table) }}", {"big"}),
        ("{% for each in ['vip', 'big'] %}{{ ref(each) }}{% endfor %}", {"vip", "big"}),
        ("{% if false %}{{ ref('gone') }}{% endif %}{{ ref('big') }}", {"big"}),
        # only dbt knows the macro, and that a table is more than a name
        ("{{ a_macro() }}{{ ref('comeback', 'big') }} {{ builtins.ref('vip') }}", {"big", "vip"}),
        ("{{ ref('big').include(database=false) }} -- ref('gone')", {"big"}),
        ("{{ ref('big' }}", set()),
    ],
)
def test_the_tables_that_a_query_reads_are_known_but_those_of_remarks(sql: str, names: set[str]):
    assert tables_in(sql) == names


def test_a_template_runs_nothing_but_what_dbt_would(monkeypatch):
    monkeypatch.delenv("WRITTEN_BY_A_SEGMENT", raising=False)
    write = "{{ ref.__globals__['os'].environ.update(WRITTEN_BY_A_SEGMENT='x') }}"
    assert fault_of(write + PEOPLE) is None
    assert tables_in(write + PEOPLE) == {"people"}
    assert "WRITTEN_BY_A_SEGMENT" not in os.environ
