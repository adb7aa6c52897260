"""What triggers count of items: what was bought, and what adds do.

Belongs here: hand-made logs. Not here: all else of triggers, and random logs (test_triggers.py).
"""

from .cases import Row, add, buy, login, view
from .cases_items import add_all, items
from .trigger_hours import hours_of_each
from .warehouse import Warehouse


def test_an_order_is_of_the_items_that_it_names(warehouse: Warehouse):
    views = [view("A", f"10:0{minute}", item_id="hat") for minute in range(3)]
    both = [add("A", "10:10", "hat"), add("A", "10:11", "bag")]
    other = buy("B", "10:20", item_id="hat")
    cases: dict[str, tuple[list[Row], bool]] = {
        "views alone": ([], True),
        "an order of nothing": ([buy("A", "10:20")], True),
        "another item": ([*both, buy("A", "10:20", item_id="bag")], True),
        "the item": ([*both, buy("A", "10:20", item_id="hat")], False),
        # without items_from_carts a cart does not say what an order bought
        "an order of no item": ([*both, buy("A", "10:20", order_value="9.00")], True),
        "of somebody else": ([other], True),
        "of the same person elsewhere": (
            [login("A", "09:00", "7"), login("B", "09:00", "7"), other],
            False,
        ),
    }
    logs = [("viewed_often_not_bought", [*views, *rows]) for rows, _ in cases.values()]
    found = dict(zip(cases, hours_of_each(warehouse, "13:00", *logs), strict=True))
    assert found == {
        name: [("02 11", "A", "hat")] if fires else [] for name, (_, fires) in cases.items()
    }


def test_an_add_counts_as_what_it_does(warehouse: Warehouse):
    first = view("A", "10:00", item_id="hat")
    fires, fires_of_item = [("02 11", "A", None)], [("02 11", "A", "hat")]
    cases: dict[str, tuple[str, list[Row], list[tuple]]] = {}
    for quantity, found, of_item in (("0", [], []), ("-1", [], []), (None, fires, fires_of_item)):
        rows = [first, add("A", "10:10", "hat", quantity=quantity)]
        cases[f"added {quantity}"] = "t_added", rows, found
        # of the item too: there is no add that a view is since
        rows = [add("A", "10:10", "hat", quantity=quantity), view("A", "10:11", item_id="hat")]
        rows.append(add("A", "10:12", "bag"))
        cases[f"item added {quantity}"] = "t_item_with_cart", rows, of_item
    both = [
        add_all("A", "10:10", items(("hat", 1), ("bag", -1))),
        view("A", "10:11", item_id="hat"),
        view("A", "10:11", item_id="bag"),
    ]
    cases["both"] = "t_added", both, fires
    cases["both by item"] = "t_item_with_cart", both, fires_of_item
    logs = [(trigger, rows) for trigger, rows, _ in cases.values()]
    found = dict(zip(cases, hours_of_each(warehouse, "12:00", *logs), strict=True))
    assert found == {name: wanted for name, (*_, wanted) in cases.items()}
