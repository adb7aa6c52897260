"""What dbt's tests are called as checks, and what each means when it fails.

Belongs here: a name that is not cut and a sentence, made from what a test says of itself; what
Dagster says of checks that were not asked. Not here: running tests (`warehouse.dbt_build`), our own
checks (`asset_checks`).
"""

import copy
import logging
import re
from collections.abc import Mapping
from typing import Any

_STOPS = "The hour stops before anything that follows, and readers keep the last good one."
# What singular tests say in their first comment belongs to the table they are most about.
_SINGULAR = {
    "assert_a_visitor_has_one_open_cart_at_most": ("carts", "carts_do_not_overlap"),
    "assert_an_event_counts_once": ("candidate_events", "event_counts_once"),
    "assert_cart_totals_are_those_of_its_lines": ("carts", "totals_are_of_the_lines"),
    "assert_orders_in_sessions_are_all_orders": ("sessions", "orders_are_in_sessions"),
}


def say_nothing_of_checks_not_asked() -> None:
    """Dagster warns, in this process from now on, of no check that a step did not come to: of what
    is built as before nothing is asked again, and that was some sixty lines a run."""
    steps = logging.getLogger("dagster._core.execution.plan.active")
    steps.addFilter(_says_more)


def _says_more(record: logging.LogRecord) -> bool:
    return "emitted no result in step" not in record.getMessage()


def with_words(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """A manifest whose tests have a short name and a sentence, each unique within its table."""
    taken: set[tuple[str, str]] = set()
    nodes = dict(manifest["nodes"])
    for unique_id, node in manifest["nodes"].items():
        if node["resource_type"] != "test":
            continue
        name, sentence = _words(node)
        place = (node.get("attached_node") or "", name)
        if place in taken:  # two of one kind: dbt's own names differ
            name = node["name"]
        taken.add(place)
        nodes[unique_id] = _renamed(node, name, f"{sentence} {_STOPS}")
    return {**manifest, "nodes": nodes}


def _renamed(node: Mapping[str, Any], name: str, sentence: str) -> dict[str, Any]:
    changed = copy.deepcopy(dict(node))
    changed["name"] = name
    changed["meta"] = {**changed.get("meta", {}), "description": sentence}
    table, _ = _SINGULAR.get(node["name"], ("", ""))
    if table:
        config = changed["config"]
        config["meta"] = {**config.get("meta", {}), "dagster": {"ref": {"name": table}}}
        config["meta"]["dagster"]["ref"]["package"] = node["package_name"]
    return changed


def _words(node: Mapping[str, Any]) -> tuple[str, str]:
    """The name of a test and when it fails."""
    test = node.get("test_metadata") or {}
    given, column = test.get("kwargs", {}), node.get("column_name")
    match test.get("name"):
        case "unique":
            return (
                f"{column}_is_unique",
                f"Fails if two rows have one {column}: counted twice.",
            )
        case "not_null":
            return (
                f"{column}_is_given",
                f"Fails if a row has no {column}: it can be joined to none.",
            )
        case "is_unique_together":
            key = ", ".join(given["columns"])
            return "key_is_unique", f"Fails if two rows agree in {key}: one is too many."
        case "accepted_values":
            values = given["values"]
            known = ", ".join(values) if isinstance(values, list) else "those of dbt_project.yml"
            return f"{column}_is_known", f"Fails if {column} is none of: {known}."
        case "relationships":
            other = re.sub(r"\W*ref\W*|\W+$", "", given["to"])
            return (
                f"{column}_is_in_{other}",
                f"Fails if the {column} of a row is not in {other}: they are of different hours.",
            )
        case "is_true":
            rules = "; ".join(given["expressions"])
            return "every_row_makes_sense", f"Fails if a row breaks one of these: {rules}."
    said = re.search(r"^--(.*(?:\n--.*)*)", node["raw_code"])
    comment = " ".join(said[1].replace("--", "").split()) if said else node["name"]
    _, name = _SINGULAR.get(node["name"], ("", node["name"]))
    return name, f"Fails if this does not hold: {comment}"
