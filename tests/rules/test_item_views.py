"""How shoppers looked at the items in their carts, as features worked out by hand."""

import json

import pytest

from .apart import apart
from .cases import Row, add, at, event, log, view
from .warehouse import Warehouse

SHOE_AND_HAT = json.dumps([{"item_id": "shoe"}, {"item_id": "hat"}])
BOTH_ITEMS = log(
    view("v", "09:00", item_id="shoe"),
    view("v", "09:10", item_id="sock"),
    event("v", "09:12", "page_view"),
    view("v", "12:00", items=SHOE_AND_HAT),  # one view, though of two that will be in the cart
    view("v", "12:04", item_id="hat"),  # the add is at the same time
    add("v", "12:04", "hat"),
    event("v", "12:10", "begin_checkout"),
    view("v", "12:20", item_id="hat"),
    add("v", "12:21", "shoe"),
    view("v", "16:21", item_id="shoe"),
    view("w", "12:00", item_id="hat"),
    view("w", "16:52"),
)
IN_A_ROW = log(
    view("v", "09:00", item_id="shoe"),  # in another visit
    view("v", "10:00", item_id="shoe"),
    view("v", "10:01", items=json.dumps([{"item_id": "hat"}, {"item_id": "shoe"}])),
    view("v", "10:02", item_id="hat"),  # ends the shoe's
    view("v", "10:03", item_id="shoe"),
    event("v", "10:04", "page_view"),  # is of no other item
    view("v", "10:05"),  # nor is one of an unknown item known to be
    view("v", "10:06", item_id="shoe"),
    view("v", "10:07", item_id="shoe"),  # at the time of the add, and so before it
    add("v", "10:07", "shoe"),
    view("v", "10:08", item_id="shoe"),  # since the add
    add("v", "10:09", "shoe"),
    view("v", "10:10", item_id="hat"),
    view("v", "10:11", item_id="sock"),
    add("v", "10:12", "hat"),  # its own views did not lead to it
    view("w", "10:06", item_id="hat"),
    view("w", "12:00"),
)
ANOTHER_BETWEEN = log(
    view("v", "10:00", item_id="shoe"),
    view("v", "10:05", item_id="hat"),
    add("v", "10:05", "shoe"),
    view("v", "10:06", item_id="shoe"),
    view("w", "12:00"),
)
LOGS = (BOTH_ITEMS, IN_A_ROW, ANOTHER_BETWEEN)


def snapshots(warehouse: Warehouse, own: list[Row]) -> dict:
    """The snapshots to learn from of the visitor v of a log, by their instants.

    All logs are built together: of one that stands nothing is built again.
    """
    rows = [row for number, each in enumerate(LOGS) for row in apart(each, number)]
    warehouse.build(rows, at("+9d 00:00"), tables=("training_snapshots",))
    visitor = f"log{LOGS.index(own)}.v"
    found = warehouse.query(f"select * from training_snapshots where visitor_id = '{visitor}'")
    return {row["as_of"]: row for row in found}


def test_views_of_the_items_in_the_cart_count_before_and_since_each_was_added(warehouse):
    found = snapshots(warehouse, BOTH_ITEMS)
    names = (
        *("item_views_before_add", "item_views_since_add", "item_view_minutes"),
        *("cart_session_event_count", "cart_session_view_count", "cart_session_minutes"),
        "cart_session_checkout_step",
    )
    of = {instant: tuple(round(row[name], 6) for name in names) for instant, row in found.items()}
    # of the hat: one at 12:00 for four minutes, one at the time of its add
    assert of[at("12:04")] == (2, 0, 4, 3, 2, 4, 0)
    # with the shoe: 9:00 for ten minutes, 12:00 to 12:04, 12:04 to its add, 12:20 for a minute
    assert of[at("12:21")] == (3, 1, 15, 6, 3, 21, 1)
    # looked at again in another visit: for how long is not known yet
    assert of[at("16:21")] == (3, 2, 15, 6, 3, 21, 1)
    idle = {instant: row["item_view_idle_hours"] for instant, row in found.items()}
    assert idle[at("13:21")] == pytest.approx(61 / 60)
    assert idle[at("16:21")] == 0


def test_views_in_a_row_are_those_that_led_to_the_add_without_another_item_between(warehouse):
    found = {
        instant: row["item_views_in_a_row"]
        for instant, row in snapshots(warehouse, IN_A_ROW).items()
    }
    assert found[at("10:07")] == 3
    # a line that is added to again was led to once
    assert found[at("10:09")] == 3
    # of two items the most
    assert found[at("10:12")] == 3
    assert found[at("11:12")] == 3


def test_an_add_after_a_look_at_another_item_was_led_to_by_no_views_in_a_row(warehouse):
    row = snapshots(warehouse, ANOTHER_BETWEEN)[at("10:35")]
    assert (row["item_views_before_add"], row["item_views_in_a_row"]) == (1, 0)
