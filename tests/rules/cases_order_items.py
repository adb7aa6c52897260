"""Hand-made logs of what orders bought: section 7.3.1 of the rules.

Belongs here: cases, as in cases.py, of orders that name no item, and of the carts that they closed.
Not here: the lines that an order has itself (cases_items.py), which carts an order closes
(cases_cart_ends.py).
"""

from decimal import Decimal

from .cases import Case, Row, add, buy, log, login, remove, rows
from .cases_items import items

BOUGHT = "order_id visitor_id cart_started_at item_id quantity"
TWO_IN_CART: list[Row] = [
    add("A", "10:00", "shoe", price="5.00", currency="EUR", item_category="feet"),
    add("A", "10:01", "hat", quantity="2"),
]

BOUGHT_ITEMS = [
    Case(
        "an order that names no item bought what lay in the cart it closed",
        log(
            *TWO_IN_CART,
            add("A", "10:02", "bag"),
            remove("A", "10:03", "bag"),
            buy("A", "10:05", "o1", order_value="20.00"),
        ),
        {
            "order_items": rows(
                f"{BOUGHT} item_category unit_price currency",
                ("o1", "A", "10:00", "hat", 2, None, None, None),
                ("o1", "A", "10:00", "shoe", 1, "feet", Decimal("5.00"), "EUR"),
            ),
            "order_lines": [],
            "orders": rows("line_count item_quantity", (0, 0)),
        },
    ),
    Case(
        "an order that names one of two items bought that one",
        log(*TWO_IN_CART, buy("A", "10:05", "o1", item_id="hat")),
        {"order_items": rows(BOUGHT, ("o1", "A", None, "hat", 1))},
    ),
    Case(
        "a price or a unit of nothing names no item",
        log(
            *TWO_IN_CART,
            buy("A", "10:05", "o1", price="20.00"),
            add("B", "10:00", "sock"),
            buy("B", "10:05", "o2", items=items(("sock", 0), ("bag", -1))),
        ),
        {
            "order_items": rows(
                BOUGHT,
                ("o1", "A", None, "(unknown)", 1),
                ("o1", "A", "10:00", "hat", 2),
                ("o1", "A", "10:00", "shoe", 1),
                ("o2", "B", "10:00", "sock", 1),
            )
        },
    ),
    Case(
        "an order without a cart, or after it was emptied, bought nothing that is known",
        log(
            buy("A", "10:05", "o1"),
            add("B", "10:00"),
            remove("B", "10:01"),
            buy("B", "10:05", "o2"),
            add("C", "10:00"),
            buy("C", "+31d 10:00", "o3"),
        ),
        {"order_items": []},
    ),
    Case(
        "an order bought the carts of the same person elsewhere too, and only then",
        log(
            login("A", "09:00", "7"),
            login("B", "09:01", "7"),
            add("A", "10:00", "shoe"),
            add("B", "10:01", "shoe"),
            add("B", "10:02", "hat"),
            add("C", "10:03", "bag"),
            buy("A", "10:05", "o1"),
            login("C", "10:06", "7"),
            add("B", "10:07", "sock"),
            buy("A", "10:08", "o2"),
        ),
        {
            "order_items": rows(
                BOUGHT,
                ("o1", "A", "10:00", "shoe", 1),
                ("o1", "B", "10:01", "hat", 1),
                ("o1", "B", "10:01", "shoe", 1),
                ("o2", "B", "10:07", "sock", 1),
                ("o2", "C", "10:03", "bag", 1),
            )
        },
    ),
    Case(
        "an order reported again with its items bought what its first report says",
        log(
            *TWO_IN_CART,
            buy("A", "10:05", "o1"),
            buy("A", "10:06", "o1", item_id="hat"),
            add("A", "10:07", "sock"),
        ),
        {
            "order_items": rows(
                BOUGHT, ("o1", "A", "10:00", "hat", 2), ("o1", "A", "10:00", "shoe", 1)
            )
        },
    ),
    Case(
        "an order that names no item is counted for none, whatever lay in its carts",
        log(
            login("A", "09:00", "7"),
            login("B", "09:01", "7"),
            add("A", "10:00", "shoe"),
            add("B", "10:01", "shoe"),
            buy("A", "10:05", "o1"),
        ),
        {"items": rows("item_id add_count order_count", ("shoe", 2, 0))},
    ),
]
