"""Hand-made logs of orders: sections 7.1 and 7.2 of the rules.

Belongs here: cases, as in cases.py, of which purchases are one order and of what it is worth. Not
here: orders that name several items, and their lines (cases_items.py); what an order does to a cart
(cases_cart_ends.py).
"""

from decimal import Decimal

from .cases import Case, add, buy, event, log, rows

ORDERS = [
    Case(
        "an order reported again months later counts once, at its first time, and is activity",
        log(
            buy("A", "10:00", "o1", order_value="20.00"),
            add("A", "+60d 10:00"),
            buy("A", "+60d 10:05", "o1", order_value="20.00"),
        ),
        {
            "orders": rows("visitor_id ordered_at order_id", ("A", "10:00", "o1")),
            "sessions": rows(
                "started_at event_count order_count order_value",
                ("10:00", 1, 1, Decimal("20.00")),
                ("+60d 10:00", 2, 0, Decimal(0)),
            ),
            "carts": rows("started_at status", ("+60d 10:00", "open")),
        },
    ),
    Case(
        "an order reported again by another visitor stays the first one's",
        log(
            add("A", "09:00"),
            buy("B", "09:30", "o1"),
            buy("A", "10:00", "o1"),
        ),
        {
            "orders": rows("visitor_id ordered_at", ("B", "09:30")),
            "carts": rows("visitor_id status", ("A", "open")),
        },
    ),
    Case(
        "the rows of an order of one instant are one order worth their sum",
        log(
            buy("A", "10:00", "o1", item_id="shoe", quantity="2", price="5.25"),
            buy("A", "10:00", "o1", item_id="hat", price="3.00"),
            buy("A", "10:00", "o1", item_id="gift"),
        ),
        {
            "orders": rows("order_id order_value", ("o1", Decimal("13.50"))),
            "sessions": rows("event_count order_count order_value", (3, 1, Decimal("13.50"))),
        },
    ),
    Case(
        "purchases without order id are one order at one instant and two at two",
        log(
            buy("A", "10:00", item_id="shoe", price="5.00"),
            buy("A", "10:00", item_id="hat", price="3.00"),
            buy("A", "10:00:00.000001", item_id="hat", price="3.00"),
            buy("B", "10:00", item_id="hat"),
        ),
        {
            "orders": rows(
                "visitor_id ordered_at order_value",
                ("A", "10:00", Decimal("8.00")),
                ("A", "10:00:00.000001", Decimal("3.00")),
                ("B", "10:00", None),
            )
        },
    ),
    Case(
        "a purchase without order id beside one with an id is another order",
        log(buy("A", "10:00", "o1", price="5.00"), buy("A", "10:00", price="3.00")),
        {
            "orders": rows(
                "order_id order_value", ("o1", Decimal("5.00")), (None, Decimal("3.00"))
            ),
            "sessions": rows("order_count order_value", (2, Decimal("8.00"))),
        },
    ),
    Case(
        "an order's own value goes before that of its rows",
        log(buy("A", "10:00", "o1", price="5.00", quantity="3", order_value="12.00")),
        {"orders": rows("order_value", (Decimal("12.00"),))},
    ),
    Case(
        "an order's rows of no unit or less buy nothing",
        log(
            buy("A", "10:00", "o1", quantity="2", price="5.00"),
            buy("A", "10:00", "o1", quantity="0", price="7.00"),
            buy("A", "10:00", "o1", quantity="-3", price="9.00"),
        ),
        {"orders": rows("order_id order_value", ("o1", Decimal("10.00")))},
    ),
    Case(
        "what was given back is as much with a minus before it",
        log(
            buy("A", "10:00", "o1", order_value="20.00", currency="EUR"),
            event("A", "11:00", "Order Refunded", order_id="o1", order_value="-5.00"),
            event("A", "12:00", "refund", order_id="o1", order_value=" -1e0 ", currency="EUR"),
            event("A", "13:00", "refund", order_id="o1", order_value="5,-"),
            buy("A", "14:00", "o2", order_value="-4.00", currency="EUR"),
        ),
        {
            "orders": rows(
                "order_id order_value refunded_value",
                ("o1", Decimal("20.00"), Decimal("6.00")),
                ("o2", None, None),
            )
        },
    ),
]
