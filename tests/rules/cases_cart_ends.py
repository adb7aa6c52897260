"""Hand-made logs of how a cart ends and whose it is: sections 8.3 to 8.5, 8.8 and 8.9 of the rules.

Belongs here: cases, as in cases.py, of carts that are bought, emptied, expired or abandoned, and of
carts in sessions. Not here: what is in a cart (cases_cart_content.py).
"""

from decimal import Decimal

from .cases import Case, add, buy, event, log, login, remove, rows, view

CART_ENDS = [
    Case(
        "a cart emptied within the session is not abandoned, and the next add begins another",
        log(
            add("A", "10:00", price="5.00"),
            remove("A", "10:10"),
            add("A", "10:20"),
            view("B", "12:00"),
        ),
        {
            "carts": rows(
                "started_at status closed_at cart_value abandoned_at",
                ("10:00", "emptied", "10:10", Decimal(0), None),
                ("10:20", "open", None, None, "10:50"),
            )
        },
    ),
    Case(
        "an order without a cart makes none",
        log(buy("A", "10:00", "o1")),
        {
            "carts": [],
            "sessions": rows("order_count has_cart is_cart_abandoned", (1, False, False)),
        },
    ),
    Case(
        "an order takes the whole cart, whatever it names, and leaves its lines as bought",
        log(
            add("A", "10:00", "shoe", quantity="2", price="5.00"),
            add("A", "10:01", "hat"),
            buy("A", "10:02", "o1", item_id="shoe"),
        ),
        {
            "carts": rows(
                "status closed_at order_id converted_elsewhere last_touched_at item_quantity",
                ("converted", "10:02", "o1", False, "10:01", 3),
            ),
            "cart_lines": rows(
                "item_id quantity unit_price", ("hat", 1, None), ("shoe", 2, Decimal("5.00"))
            ),
            "sessions": rows("has_cart is_cart_abandoned", (True, False)),
        },
    ),
    Case(
        "at one instant the add goes into the cart that the purchase takes",
        log(buy("A", "10:00", "o1"), add("A", "10:00"), add("A", "10:01")),
        {
            "carts": rows(
                "started_at status closed_at",
                ("10:00", "converted", "10:00"),
                ("10:01", "open", None),
            )
        },
    ),
    Case(
        "an order on another device of the same user converts the cart elsewhere",
        log(
            login("A", "09:00", "7"),
            add("A", "09:05"),
            login("B", "09:10", "7"),
            buy("B", "09:20", "o1"),
        ),
        {
            "carts": rows(
                "visitor_id owner_id status closed_at order_id converted_elsewhere",
                ("A", "7", "converted", "09:20", "o1", True),
            ),
            "sessions": rows(
                "visitor_id order_count has_cart is_cart_abandoned",
                ("A", 0, True, True),
                ("B", 1, False, False),
            ),
        },
    ),
    Case(
        "an order converts the user's carts on all devices",
        log(
            login("A", "09:00", "7"),
            login("B", "09:00", "7"),
            add("A", "09:05"),
            add("B", "09:05"),
            buy("B", "09:20", "o1"),
        ),
        {
            "carts": rows(
                "visitor_id status converted_elsewhere",
                ("A", "converted", True),
                ("B", "converted", False),
            )
        },
    ),
    Case(
        "the purchase's own user counts, and nobody is nobody's other device",
        log(
            login("A", "09:00", "7"),
            add("A", "09:05"),
            buy("B", "09:20", "o1", user_id="7"),
            add("C", "09:00"),
            buy("D", "09:30", "o2"),
        ),
        {
            "carts": rows(
                "visitor_id status converted_elsewhere",
                ("A", "converted", True),
                ("C", "open", False),
            )
        },
    ),
    Case(
        "who logs in only after the order elsewhere keeps the cart",
        log(
            add("A", "09:05"),
            login("B", "09:10", "7"),
            buy("B", "09:20", "o1"),
            login("A", "09:25", "7"),
        ),
        {"carts": rows("visitor_id owner_id status", ("A", "7", "open"))},
    ),
    Case(
        "a guest's cart keeps its lines when the guest logs in",
        log(
            add("A", "09:00"),
            login("A", "09:05", "7"),
            add("A", "09:10", "hat"),
            login("B", "09:00", "7"),
            add("B", "09:15", "shoe"),
        ),
        {
            "carts": rows(
                "visitor_id started_at owner_id line_count",
                ("A", "09:00", "7", 2),
                ("B", "09:15", "7", 1),
            )
        },
    ),
    Case(
        "a cart of a closed time keeps the owner it had then",
        log(
            login("A", "09:00", "7"),
            add("A", "09:01"),
            buy("A", "09:02", "o1"),
            login("A", "12:00", "8"),
        ),
        {"carts": rows("owner_id status", ("7", "converted"))},
    ),
    Case(
        "at exactly 30 days a cart still lives and takes an add",
        log(add("A", "10:00"), add("A", "+30d 10:00")),
        {
            "carts": rows(
                "started_at last_touched_at status add_count",
                ("10:00", "+30d 10:00", "open", 2),
            )
        },
    ),
    Case(
        "an order at exactly 30 days finds the cart alive",
        log(add("A", "10:00"), buy("A", "+30d 10:00", "o1")),
        {"carts": rows("status closed_at is_recovered", ("converted", "+30d 10:00", True))},
    ),
    Case(
        "a microsecond after 30 days it is dead, and the add begins another",
        log(add("A", "10:00"), add("A", "+30d 10:00:00.000001")),
        {
            "carts": rows(
                "started_at status closed_at item_quantity abandoned_at",
                ("10:00", "expired", "+30d 10:00", 1, "10:30"),
                ("+30d 10:00:00.000001", "open", None, 1, None),
            )
        },
    ),
    Case(
        "an order a microsecond after 30 days has no cart",
        log(add("A", "10:00"), buy("A", "+30d 10:00:00.000001", "o1")),
        {"carts": rows("status closed_at order_id", ("expired", "+30d 10:00", None))},
    ),
    Case(
        "the 30 days end by anybody's event, not by a clock",
        log(
            add("A", "10:00"),
            add("B", "10:00"),
            remove("B", "+1d 10:00", "hat"),
            view("C", "+30d 10:00:00.000001"),
        ),
        {
            "carts": rows(
                "visitor_id status closed_at",
                ("A", "expired", "+30d 10:00"),
                ("B", "open", None),
            )
        },
    ),
    Case(
        "a log that ends at exactly 30 days does not know the cart dead",
        log(add("A", "10:00"), view("B", "+30d 10:00")),
        {"carts": rows("status closed_at", ("open", None))},
    ),
    Case(
        "an expired cart has the owner of its last instant, not a later one",
        log(add("A", "10:00"), login("A", "+30d 10:00", "7"), login("A", "+31d 10:00", "8")),
        {"carts": rows("owner_id status closed_at", ("7", "expired", "+30d 10:00"))},
    ),
    Case(
        "a cart that lived its 30 days out within a session was open at its end",
        log(
            add("A", "10:00"),
            view("A", "+30d 09:50"),
            view("A", "+30d 10:00"),
            view("A", "+30d 12:00"),
        ),
        {
            "sessions": rows(
                "started_at has_cart is_cart_abandoned",
                ("10:00", True, True),
                ("+30d 09:50", True, True),
                ("+30d 12:00", False, False),
            )
        },
    ),
    Case(
        "a cart carried into a session that leaves it alone is the same, abandoned once",
        log(
            add("A", "10:00"),
            view("A", "+2d 10:00"),
            event("A", "+2d 10:10", "view_cart"),
            view("B", "+3d 10:00"),
        ),
        {
            "carts": rows(
                "started_at last_touched_at status abandoned_at",
                ("10:00", "10:00", "open", "10:30"),
            ),
            "sessions": rows(
                "visitor_id started_at has_cart is_cart_abandoned",
                ("A", "10:00", True, True),
                ("A", "+2d 10:00", True, True),
                ("B", "+3d 10:00", False, False),
            ),
        },
    ),
    Case(
        "an abandoned cart bought later is recovered",
        log(add("A", "10:00"), view("A", "10:10"), buy("A", "+1d 10:00", "o1")),
        {
            "carts": rows("status abandoned_at is_recovered", ("converted", "10:40", True)),
            "sessions": rows("has_cart is_cart_abandoned", (True, True), (True, False)),
        },
    ),
    Case(
        "a cart that another device buys at the very end of the 30 minutes is not abandoned",
        log(
            login("A", "09:30", "7"),
            add("A", "10:00"),
            buy("B", "10:30", "o1", user_id="7"),
            login("C", "09:30", "8"),
            add("C", "10:00"),
            buy("D", "10:30:00.000001", "o2", user_id="8"),
        ),
        {
            "carts": rows(
                "visitor_id status abandoned_at is_recovered",
                ("A", "converted", None, False),
                ("C", "converted", "10:30", True),
            )
        },
    ),
    Case(
        "nothing is abandoned before the log has reached the end of the 30 minutes",
        log(add("A", "10:00"), view("B", "10:29:59.999999")),
        {"carts": rows("abandoned_at", (None,))},
    ),
    Case(
        "a cart is abandoned when the log has reached the end of the 30 minutes, by any event",
        log(add("A", "10:00"), event("B", "10:30", "email_sent")),
        {"carts": rows("abandoned_at", ("10:30",))},
    ),
    Case(
        "the session at whose end the cart was closed does not count, the next ones are its own",
        log(
            add("A", "10:00"),
            remove("A", "10:05"),
            add("A", "10:10"),
            buy("A", "10:15", "o1"),
            add("A", "12:00"),
            view("B", "18:00"),
        ),
        {
            "carts": rows(
                "started_at status abandoned_at",
                ("10:00", "emptied", None),
                ("10:10", "converted", None),
                ("12:00", "open", "12:30"),
            )
        },
    ),
    Case(
        "a refund takes no conversion back",
        log(
            add("A", "10:00"),
            buy("A", "10:10", "o1", order_value="5.00"),
            event("A", "+3d 10:00", "refund", order_id="o1"),
        ),
        {
            "carts": rows("status", ("converted",)),
            "sessions": rows("order_count order_value", (1, Decimal("5.00"))),
        },
    ),
    Case(
        "a check-out without a cart is counted and makes none",
        log(event("A", "10:00", "begin_checkout"), event("A", "10:01", "view_cart")),
        {"carts": [], "sessions": rows("checkout_count has_cart", (1, False))},
    ),
]
