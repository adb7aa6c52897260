"""Hand-made logs of events with several items, and of orders, each with its rows written by hand.

Belongs here: cases, as in cases.py, of the rules of items, order lines and the table of items.
"""

import json
from decimal import Decimal

from .cases import Case, Row, add, buy, event, log, login, remove, rows, view

LINES = "item_id quantity unit_price currency"
ORDER = "order_id order_value currency refunded_value line_count item_quantity"


def items(*listed: tuple, **more: object) -> str:
    """A delivered list of (id, quantity, price), what is None left out; `more` for each item."""
    names = ("item_id", "quantity", "price")
    objects = [
        {name: value for name, value in zip(names, each, strict=False) if value is not None} | more
        for each in listed
    ]
    return json.dumps(objects)


def add_all(visitor: str, time: str, text: str, **columns: str | None) -> Row:
    """An add that brings a list and no item of its own."""
    return add(visitor, time, None, items=text, **columns)


TWO = items(("shoe", 2, "5.00"), ("hat", 1, 7.5), currency="EUR")

CARTS_OF_ITEMS = [
    Case(
        "an add of two items fills two lines and counts once",
        log(add_all("A", "10:00", TWO)),
        {
            "carts": rows(
                "item_quantity line_count cart_value currency is_value_complete add_count"
                " remove_count",
                (3, 2, Decimal("17.50"), "EUR", True, 1, 0),
            ),
            "cart_lines": rows(
                "item_id quantity unit_price",
                ("shoe", 2, Decimal("5.00")),
                ("hat", 1, Decimal("7.50")),
            ),
            "sessions": rows("event_count add_count", (1, 1)),
        },
    ),
    Case(
        "a removal of two items takes them in their order and counts once",
        log(
            add_all("A", "10:00", items(("shoe", 2), ("hat", 3), ("bag",))),
            remove("A", "10:01", None, items=items(("shoe",), ("hat", 1))),
        ),
        {
            "carts": rows("status line_count add_count remove_count", ("open", 2, 1, 1)),
            "cart_lines": rows("item_id quantity", ("hat", 2), ("bag", 1)),
        },
    ),
    Case(
        "an item of no unit does nothing, the others of its event do",
        log(
            add_all("A", "10:00", items(("shoe", 0), ("hat", 2))),
            add_all("B", "10:00", items(("shoe", 0), ("hat", "0"))),
        ),
        {
            "carts": rows("visitor_id item_quantity add_count", ("A", 2, 1)),
            "cart_lines": rows("item_id quantity", ("hat", 2)),
        },
    ),
    Case(
        "what stands in a list and is no item is passed over",
        log(
            add("A", "10:00", "sock", quantity="-1", items='[null, {"item_id": "hat"}]'),
            add("B", "10:00", "sock", items='["shoe", {"item_id": "hat", "quantity": 0}]'),
        ),
        {
            "carts": rows("visitor_id item_quantity add_count", ("A", 1, 1)),
            "sessions": rows("visitor_id add_count remove_count", ("A", 1, 0), ("B", 0, 0)),
        },
    ),
    Case(
        "an event that adds one item and takes another off counts as an add",
        log(
            add("A", "10:00", "shoe", quantity="3"),
            add_all("A", "10:01", items(("shoe", -1), ("hat", 1))),
            add_all("A", "10:02", items(("shoe", -1), ("hat", -9))),
        ),
        {
            "carts": rows("add_count remove_count line_count", (2, 1, 1)),
            "cart_lines": rows("item_id quantity", ("shoe", 1)),
        },
    ),
    Case(
        "within an event a cart that is empty in between is not emptied",
        log(
            add("A", "10:00", "shoe"),
            add_all("A", "10:01", items(("shoe", -1), ("hat", 2))),
        ),
        {
            "carts": rows(
                "started_at status closed_at item_quantity add_count remove_count",
                ("10:00", "open", None, 2, 2, 0),
            ),
            "cart_lines": rows("item_id quantity", ("hat", 2)),
        },
    ),
    Case(
        "an event that takes off all that it added leaves an emptied cart",
        log(add_all("A", "10:00", items(("shoe", 1), ("shoe", -1)))),
        {
            "carts": rows(
                "started_at status closed_at line_count add_count remove_count",
                ("10:00", "emptied", "10:00", 0, 1, 0),
            ),
            "cart_lines": [],
        },
    ),
    Case(
        "at one instant a cart is empty only after all adds and removals of that instant",
        log(
            add("A", "10:00", "shoe"),
            add("A", "10:00", "shoe", quantity="-1"),
            add("A", "10:00", "hat"),
        ),
        {
            "carts": rows(
                "started_at status line_count add_count remove_count", ("10:00", "open", 1, 2, 1)
            ),
            "cart_lines": rows("item_id quantity", ("hat", 1)),
        },
    ),
    Case(
        "in a list an item without an id is unknown on an add and all lines on a removal",
        log(
            add_all("A", "10:00", items((None, 2), ("hat", 1))),
            add_all("B", "10:00", items(("shoe", 2), ("hat", 1))),
            remove("B", "10:01", None, items=items(("shoe", 1), (None, 1))),
        ),
        {
            "carts": rows("visitor_id status", ("A", "open"), ("B", "emptied")),
            "cart_lines": rows("item_id quantity", ("(unknown)", 2), ("hat", 1)),
        },
    ),
    Case(
        "an item alone has the event's price, one of several has not; a currency it has",
        log(
            add_all("A", "10:00", items(("shoe",)), price="9.00", currency="EUR"),
            add_all("B", "10:00", items(("shoe",), ("hat", 1, 2)), price="9.00", currency="EUR"),
        ),
        {
            "cart_lines": rows(
                "visitor_id item_id unit_price",
                ("A", "shoe", Decimal("9.00")),
                ("B", "shoe", None),
                ("B", "hat", Decimal(2)),
            ),
            "carts": rows(
                "visitor_id currency is_value_complete", ("A", "EUR", True), ("B", "EUR", False)
            ),
        },
    ),
    Case(
        "a price is in the currency of where it stands",
        log(
            add_all("A", "10:00", items(("shoe",), currency="USD"), price="9.00", currency="EUR"),
            add_all("B", "10:00", items(("shoe",), currency="USD"), price="9.00"),
            add_all("C", "10:00", items(("shoe",), currency="USD"), currency="EUR"),
            add_all("D", "10:00", items(("shoe", 1, 4), currency="USD"), price="9", currency="EUR"),
        ),
        {
            "carts": rows(
                "visitor_id cart_value currency",
                ("A", Decimal("9.00"), "EUR"),
                ("B", Decimal("9.00"), "USD"),
                ("C", None, None),
                ("D", Decimal(4), "USD"),
            ),
        },
    ),
    Case(
        "without a list of items an event has the item of its own",
        log(
            *(
                add("A", f"10:0{place}", f"item{place}", items=text)
                for place, text in enumerate((None, "[]", "null", '{"item_id": "x"}', "two", "[1]"))
            ),
            add("A", "10:09", "item9", items='["x", {"item_id": "y"}]'),
        ),
        {"cart_lines": rows("item_id", *((f"item{place}",) for place in range(6)), ("y",))},
    ),
]

ORDERS_OF_ITEMS = [
    Case(
        "an order has the items of its purchase as lines",
        log(
            add("A", "10:00"),
            buy("A", "10:05", "o1", order_value="20.00", currency="EUR", items=TWO),
        ),
        {
            "order_lines": rows(
                f"line_number {LINES}",
                (1, "shoe", 2, Decimal("5.00"), "EUR"),
                (2, "hat", 1, Decimal("7.50"), "EUR"),
            ),
            "orders": rows(
                f"session_started_at cart_started_at {ORDER}",
                ("10:00", "10:00", "o1", Decimal("20.00"), "EUR", None, 2, 3),
            ),
        },
    ),
    Case(
        "an order without a value is worth its lines",
        log(buy("A", "10:05", "o1", items=TWO)),
        {"orders": rows(ORDER, ("o1", Decimal("17.50"), "EUR", None, 2, 3))},
    ),
    Case(
        "an order whose lines are in two currencies has no value of its own making",
        log(
            buy("A", "10:00", "o1", item_id="shoe", price="5.00", currency="EUR"),
            buy("A", "10:00", "o1", item_id="hat", price="7.00", currency="USD"),
            buy("B", "10:00", "o2", items=items(("shoe", 1, 5)), currency="EUR"),
            buy("C", "10:00", "o3", items='[{"price": 5}, {"price": 5, "currency": "EUR"}]'),
        ),
        {
            "orders": rows(
                ORDER,
                ("o1", None, None, None, 2, 2),
                ("o2", Decimal(5), "EUR", None, 1, 1),
                ("o3", None, None, None, 2, 2),
            )
        },
    ),
    Case(
        "an item of no unit or less is no line of an order",
        log(buy("A", "10:00", "o1", items=items(("shoe", 0, 3), ("hat", -1, 4), ("bag", None, 5)))),
        {
            "order_lines": rows(f"line_number {LINES}", (1, "bag", 1, Decimal(5), None)),
            "orders": rows(ORDER, ("o1", Decimal(5), None, None, 1, 1)),
        },
    ),
    Case(
        "a purchase that says nothing of items makes an order without lines",
        log(buy("A", "10:00", "o1", order_value="9.00", currency="EUR")),
        {
            "order_lines": [],
            "orders": rows(ORDER, ("o1", Decimal(9), "EUR", None, 0, 0)),
        },
    ),
    Case(
        "the rows of an order of one instant are its lines, a later repeat adds none",
        log(
            buy("A", "10:00", "o1", item_id="shoe", price="5.00"),
            buy("A", "10:00", "o1", items=items(("hat",), ("bag",))),
            buy("A", "10:10", "o1", item_id="sock"),
            buy("B", "10:20", "o1", item_id="sock"),
        ),
        {
            "order_lines": rows(
                "visitor_id line_number item_id",
                ("A", 1, "shoe"),
                ("A", 2, "hat"),
                ("A", 3, "bag"),
            )
        },
    ),
    Case(
        "an order told twice at one instant by its id has the lines of one telling",
        log(
            *[buy("A", "10:00", "o1", items=items(("hat", 2, 5), ("bag", 1, 3)))] * 2,
            *[buy("B", "10:00", "o2", item_id="shoe", price="5.00")] * 3,
            buy("B", "10:00", "o2", items=items(("shoe", None, 5), ("shoe", None, 5))),
            buy("B", "10:00", "o2", item_id="shoe", price="4.00"),
        ),
        {
            "order_lines": rows(
                "order_id line_number item_id quantity unit_price",
                ("o1", 1, "hat", 2, Decimal(5)),
                ("o1", 2, "bag", 1, Decimal(3)),
                ("o2", 1, "shoe", 1, Decimal(5)),
                ("o2", 2, "shoe", 1, Decimal(5)),
                ("o2", 3, "shoe", 1, Decimal(4)),
            ),
            "orders": rows("order_id order_value", ("o1", Decimal(13)), ("o2", Decimal(14))),
        },
    ),
    Case(
        "two tellings of an order are alike if they give the same units and currency",
        log(
            buy("A", "10:00", "o1", item_id="hat", price="5.00"),
            buy("A", "10:00", "o1", item_id="hat", quantity="1", price="5.00"),
            buy("A", "10:00", "o1", item_id="hat", quantity="2", price="5.00"),
            buy("B", "10:00", "o2", item_id="hat", quantity="1", price="5.00"),
            buy("B", "10:00", "o2", item_id="hat", quantity="1", price="5.00", currency="EUR"),
            buy("C", "10:00", "o3"),
            buy("C", "10:00", "o3", quantity="1"),
            # a row for each unit says the same as a row told again
            buy("D", "10:00", "o4", item_id="shoe", quantity="1", price="5.00"),
            buy("D", "10:00", "o4", item_id="shoe", quantity="1", price="5.00"),
        ),
        {
            "order_lines": rows(
                f"order_id line_number {LINES}",
                ("o1", 1, "hat", 1, Decimal(5), None),
                ("o1", 2, "hat", 2, Decimal(5), None),
                ("o2", 1, "hat", 1, Decimal(5), None),
                ("o2", 2, "hat", 1, Decimal(5), "EUR"),
                ("o3", 1, "(unknown)", 1, None, None),
                ("o4", 1, "shoe", 1, Decimal(5), None),
            ),
            "orders": rows(
                "order_id order_value line_count item_quantity",
                ("o1", Decimal(15), 2, 3),
                ("o2", None, 2, 2),
                ("o3", None, 1, 1),
                ("o4", Decimal(5), 1, 1),
            ),
        },
    ),
    Case(
        "without an id all that a visitor bought at one instant is one order",
        log(*[buy("A", "10:00", item_id="shoe", price="5.00")] * 2),
        {"orders": rows("order_value line_count item_quantity", (Decimal(10), 2, 2))},
    ),
    Case(
        "refunds of an order's id add up in its currency, whoever reports them",
        log(
            buy("A", "10:00", "o1", order_value="20.00", currency="EUR"),
            event("B", "11:00", "refund", order_id="o1", order_value="5.00", currency="EUR"),
            event(None, "12:00", "refund", user_id="7", order_id="o1", order_value="1.00"),
            event("B", "13:00", "refund", order_id="o1", order_value="3.00", currency="USD"),
            event("B", "13:00", "refund", order_id="o2", order_value="3.00", currency="EUR"),
            buy("A", "14:00", order_value="4.00"),
        ),
        {
            "orders": rows(
                ORDER,
                ("o1", Decimal(20), "EUR", Decimal(6), 0, 0),
                (None, Decimal(4), None, None, 0, 0),
            )
        },
    ),
    Case(
        "an order names the cart of its own visitor, not one that it took elsewhere",
        log(
            login("A", "10:00", "7"),
            add("A", "10:01"),
            login("B", "10:02", "7"),
            buy("B", "10:05", "o1"),
            buy("A", "10:06", "o2"),
        ),
        {"orders": rows("order_id owner_id cart_started_at", ("o1", "7", None), ("o2", "7", None))},
    ),
]

TABLE_OF_ITEMS = [
    Case(
        "what an item is called is what its newest event says of it",
        log(
            view("A", "10:05", items='[{"item_id": "shoe", "item_name": "New", "price": 3}]'),
            view(
                "A",
                "10:00",
                items='[{"item_id": "shoe", "item_name": "Old", "image_url": "https://s/1.png",'
                ' "price": 5, "currency": "EUR"}]',
            ),
            view("B", "10:10", item_id="shoe", item_brand="aster"),
        ),
        {
            "items": rows(
                "item_id item_name item_brand image_url price currency view_count",
                ("shoe", "New", "aster", "https://s/1.png", Decimal(3), None, 3),
            )
        },
    ),
    Case(
        "a view of two items views each, and its adds, orders and left carts are counted",
        log(
            view("A", "10:00", items=items(("shoe",), ("hat",))),
            add_all("A", "10:01", items(("shoe", 2), ("hat", 1))),
            buy("A", "10:02", "o1", items=items(("shoe",), ("shoe",), ("sock",))),
            add("B", "10:00", "hat"),
            add("B", "10:05", "shoe", quantity="-1"),
            view("C", "11:00", item_id="hat"),
        ),
        {
            "items": rows(
                "item_id view_count add_count order_count abandoned_cart_count",
                ("shoe", 1, 1, 1, 0),
                ("hat", 2, 2, 0, 1),
                ("sock", 0, 0, 1, 0),
            )
        },
    ),
]

ITEM_CASES = [*CARTS_OF_ITEMS, *ORDERS_OF_ITEMS, *TABLE_OF_ITEMS]
