"""What triggers count of items: what was bought, and what adds do.

Belongs here: hand-made logs. Not here: all else of triggers, and random logs (test_triggers.py).
"""

from .cases import Row, add, buy, login, view
from .cases_items import add_all, items
from .trigger_hours import hours
from .warehouse import Warehouse


def test_an_order_is_of_the_items_that_it_names(warehouse: Warehouse):
    def often(visitor: str, *rows: Row) -> list[tuple]:
        views = [view(visitor, f"10:0{minute}", item_id="hat") for minute in range(3)]
        return hours(warehouse, "viewed_often_not_bought", [*views, *rows], "13:00")

    assert often("A") == often("A", buy("A", "10:20")) == [("02 11", "A", "hat")]
    both = [add("A", "10:10", "hat"), add("A", "10:11", "bag")]
    assert often("A", *both, buy("A", "10:20", item_id="bag")) == [("02 11", "A", "hat")]
    assert often("A", *both, buy("A", "10:20", item_id="hat")) == []
    # without items_from_carts a cart does not say what an order bought
    assert often("A", *both, buy("A", "10:20", order_value="9.00")) == [("02 11", "A", "hat")]
    # what somebody else bought is not of this person; what the same person bought elsewhere is
    other = buy("B", "10:20", item_id="hat")
    assert often("A", other) == [("02 11", "A", "hat")]
    assert often("A", login("A", "09:00", "7"), login("B", "09:00", "7"), other) == []


def test_an_add_counts_as_what_it_does(warehouse: Warehouse):
    first = view("A", "10:00", item_id="hat")
    for quantity, found in (("0", []), ("-1", []), (None, [("02 11", "A", None)])):
        rows = [first, add("A", "10:10", "hat", quantity=quantity)]
        assert hours(warehouse, "t_added", rows, "12:00") == found
        # of the item too: there is no add that a view is since
        rows = [add("A", "10:10", "hat", quantity=quantity), view("A", "10:11", item_id="hat")]
        rows.append(add("A", "10:12", "bag"))
        of_item = [("02 11", "A", "hat")] if found else []
        assert hours(warehouse, "t_item_with_cart", rows, "12:00") == of_item
    both = [
        add_all("A", "10:10", items(("hat", 1), ("bag", -1))),
        view("A", "10:11", item_id="hat"),
        view("A", "10:11", item_id="bag"),
    ]
    assert hours(warehouse, "t_added", both, "12:00") == [("02 11", "A", None)]
    assert hours(warehouse, "t_item_with_cart", both, "12:00") == [("02 11", "A", "hat")]
