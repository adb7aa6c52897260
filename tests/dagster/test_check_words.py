"""What dbt's tests are called as checks, and what they say."""

import logging

import dagster as dg
import pytest

from orchestration.dagster.check_words import say_nothing_of_checks_not_asked, with_words


def node_of(name: str, table: str = "carts", column: str | None = None, **kwargs) -> dict:
    return {
        "resource_type": "test",
        "name": f"{name}_{table}_cut_1234",
        "attached_node": f"model.comeback.{table}",
        "column_name": column,
        "test_metadata": {"name": name, "kwargs": kwargs},
        "config": {},
        "meta": {},
    }


@pytest.mark.parametrize(
    ("node", "name", "sentence"),
    [
        (node_of("unique", column="cart_id"), "cart_id_is_unique", "two rows have one cart_id"),
        (node_of("not_null", column="cart_id"), "cart_id_is_given", "a row has no cart_id"),
        (
            node_of("is_unique_together", columns=["cart_id", "item_id"]),
            "key_is_unique",
            "two rows agree in cart_id, item_id",
        ),
        (
            node_of("accepted_values", column="status", values=["open", "expired"]),
            "status_is_known",
            "status is none of: open, expired",
        ),
        (
            node_of("accepted_values", column="reason", values="{{ var('reasons') }}"),
            "reason_is_known",
            "reason is none of: those of dbt_project.yml",
        ),
        (
            node_of("relationships", column="session_id", to="ref('sessions')"),
            "session_id_is_in_sessions",
            "the session_id of a row is not in sessions",
        ),
        (
            node_of("is_true", expressions=["a > 0", "b is not null"]),
            "every_row_makes_sense",
            "a row breaks one of these: a > 0; b is not null",
        ),
    ],
)
def test_a_generic_test_says_when_it_fails_and_what_follows(node, name, sentence):
    manifest = {"nodes": {"test.x": node, "model.y": {"resource_type": "model", "name": "y"}}}
    worded = with_words(manifest)["nodes"]
    assert worded["test.x"]["name"] == name
    said = worded["test.x"]["meta"]["description"]
    assert said.startswith(f"Fails if {sentence}")
    assert said.endswith("readers keep the last good one.")
    assert worded["model.y"] == {"resource_type": "model", "name": "y"}
    assert node["name"].endswith("_cut_1234")  # the manifest that was given is as it was


def test_a_second_one_of_a_kind_in_a_table_keeps_the_name_that_dbt_gave():
    one, other = (node_of("is_true", expressions=[each]) for each in ("a", "b"))
    elsewhere = node_of("is_true", "items", expressions=["a"])
    nodes = with_words({"nodes": {"1": one, "2": other, "3": elsewhere}})["nodes"]
    assert [nodes[each]["name"] for each in "123"] == [
        "every_row_makes_sense",
        "is_true_carts_cut_1234",
        "every_row_makes_sense",
    ]


def test_a_test_of_its_own_says_its_comment_and_belongs_to_a_table():
    node = {
        "resource_type": "test",
        "name": "assert_an_event_counts_once",
        "package_name": "comeback",
        "raw_code": "-- Of the rows of an event one counts\n-- and no other.\n\nselect 1 -- not",
        "config": {},
    }
    worded = with_words({"nodes": {"test.x": node}})["nodes"]["test.x"]
    assert worded["name"] == "event_counts_once"
    said = "Fails if this does not hold: Of the rows of an event one counts and no other. "
    assert worded["meta"]["description"].startswith(said)
    reference = {"name": "candidate_events", "package": "comeback"}
    assert worded["config"]["meta"]["dagster"]["ref"] == reference


def test_of_a_check_that_is_not_asked_dagster_says_nothing(caplog):
    say_nothing_of_checks_not_asked()

    @dg.multi_asset(
        specs=[dg.AssetSpec("table")],
        check_specs=[dg.AssetCheckSpec("is_right", asset="table", blocking=True)],
        can_subset=True,
    )
    def table():
        yield dg.MaterializeResult("table")

    @dg.asset(deps=[table])
    def after() -> None:
        pass

    assert dg.materialize([table, after]).success
    logging.getLogger("dagster._core.execution.plan.active").warning("something else")
    said = [each.getMessage() for each in caplog.records if each.name.endswith("plan.active")]
    assert said == ["something else"]
