"""Hand-made logs of what is in a cart: sections 8.1, 8.2, 8.6 and 8.7 of the rules.

Belongs here: cases, as in cases.py, of adds, removals and what a cart is worth. Not here: how it
ends (cases_cart_ends.py), events of several items (cases_items.py).
"""

from decimal import Decimal

from .cases import Case, add, log, remove, rows

CART_CONTENT = [
    Case(
        "quantities add up and are taken off, a null adds one",
        log(
            add("A", "10:00", quantity="2", price="10.00", currency="EUR"),
            remove("A", "10:01", quantity="1"),
            add("A", "10:02"),
        ),
        {
            "carts": rows(
                "visitor_id started_at session_started_at owner_id last_touched_at status"
                " closed_at order_id converted_elsewhere item_quantity line_count cart_value"
                " currency is_value_complete add_count remove_count abandoned_at is_recovered",
                (
                    *("A", "10:00", "10:00", None, "10:02", "open"),
                    *(None, None, False, 2, 1, Decimal("20.00")),
                    *("EUR", True, 2, 1, None, False),
                ),
            ),
            "cart_lines": rows(
                "visitor_id cart_started_at item_id quantity unit_price",
                ("A", "10:00", "shoe", 2, Decimal("10.00")),
            ),
        },
    ),
    Case(
        "a quantity that is no whole number is null: it adds one",
        log(
            *(
                add("A", "10:00", f"item{place}", quantity=quantity)
                for place, quantity in enumerate(
                    ("1.5", "two", "2.0", "1_000", "2147483648", " 2 ", "1e2")
                )
            )
        ),
        {
            "cart_lines": rows(
                "item_id quantity",
                *(("item0", 1), ("item1", 1), ("item2", 2), ("item3", 1), ("item4", 1)),
                *(("item5", 2), ("item6", 100)),
            )
        },
    ),
    Case(
        "an add of less than nothing is a removal of so many",
        log(
            add("A", "10:00", quantity="3", price="10.00"),
            add("A", "10:01", quantity="-1", price="99.00"),
            add("B", "10:00", quantity="2"),
            add("B", "10:01", quantity="-2"),
            add("C", "10:00", quantity="-1"),
            add("D", "10:00", None, quantity="2"),
            add("D", "10:01", "hat"),
            add("D", "10:02", None, quantity="-2.0"),
        ),
        {
            "carts": rows(
                "visitor_id status item_quantity cart_value add_count remove_count last_touched_at",
                ("A", "open", 2, Decimal("20.00"), 1, 1, "10:01"),
                ("B", "emptied", 0, Decimal(0), 1, 1, "10:01"),
                ("D", "open", 1, None, 2, 1, "10:02"),
            ),
            "sessions": rows(
                "visitor_id add_count remove_count",
                ("A", 1, 1),
                ("B", 1, 1),
                ("C", 0, 1),
                ("D", 2, 1),
            ),
        },
    ),
    Case(
        "an add or a removal of no unit is activity only",
        log(
            add("A", "10:00", quantity="0", price="10.00"),
            add("B", "10:00", quantity="3"),
            remove("B", "10:01", quantity="0"),
            add("B", "10:02", "hat", quantity="0"),
            remove("B", "10:03", None, quantity="0"),
        ),
        {
            "carts": rows(
                "visitor_id item_quantity add_count remove_count last_touched_at",
                ("B", 3, 1, 0, "10:00"),
            ),
            "sessions": rows(
                "visitor_id ended_at event_count add_count remove_count",
                ("A", "10:00", 1, 0, 0),
                ("B", "10:03", 4, 1, 0),
            ),
        },
    ),
    Case(
        "a removal of less than nothing is one of so many",
        log(
            add("A", "10:00", quantity="5"),
            remove("A", "10:01", quantity="-2"),
            add("B", "10:00", quantity="5"),
            remove("B", "10:01", None, quantity="-2"),
        ),
        {"carts": rows("visitor_id status item_quantity", ("A", "open", 3), ("B", "emptied", 0))},
    ),
    Case(
        "a remove without quantity takes the whole line",
        log(add("A", "10:00", quantity="5"), add("A", "10:01", "hat"), remove("A", "10:02")),
        {"cart_lines": rows("item_id quantity", ("hat", 1))},
    ),
    Case(
        "a remove of more than there is takes the line and leaves no debt",
        log(
            add("A", "10:00", quantity="2"),
            add("A", "10:01", "hat"),
            remove("A", "10:02", quantity="9"),
            add("A", "10:03", quantity="1"),
        ),
        {"cart_lines": rows("item_id quantity", ("hat", 1), ("shoe", 1))},
    ),
    Case(
        "a remove of what is not there takes nothing but touches the cart",
        log(add("A", "10:00"), remove("A", "10:10", "hat")),
        {
            "carts": rows(
                "status last_touched_at remove_count item_quantity", ("open", "10:10", 1, 1)
            )
        },
    ),
    Case(
        "a remove without a cart makes none",
        log(remove("A", "10:00")),
        {
            "carts": [],
            "sessions": rows("remove_count has_cart is_cart_abandoned", (1, False, False)),
        },
    ),
    Case(
        "an add without item is a line of its own and a remove without item takes all lines",
        log(
            add("A", "10:00", None),
            add("A", "10:01", None, quantity="2"),
            add("A", "10:02", "hat"),
            add("B", "10:00", None),
            add("B", "10:01", "hat"),
            remove("B", "10:02", None, quantity="1"),
        ),
        {
            "carts": rows("visitor_id status line_count", ("A", "open", 2), ("B", "emptied", 0)),
            "cart_lines": rows(
                "visitor_id item_id quantity", ("A", "(unknown)", 3), ("A", "hat", 1)
            ),
        },
    ),
    Case(
        "an item that went and came back into a cart is a new line with a price of its own",
        log(
            add("A", "10:00", price="5.00", currency="EUR"),
            add("A", "10:01", "hat", price="3.00", currency="EUR"),
            remove("A", "10:02"),
            add("A", "10:03", quantity="2"),
        ),
        {
            "carts": rows(
                "started_at line_count item_quantity cart_value is_value_complete",
                ("10:00", 2, 3, Decimal("3.00"), False),
            ),
            "cart_lines": rows(
                "item_id quantity unit_price", ("hat", 1, Decimal("3.00")), ("shoe", 2, None)
            ),
        },
    ),
    Case(
        "the newest price of a line holds for all of it, and an add without one leaves it",
        log(
            add("A", "10:00", price="5.00"),
            add("A", "10:01", price="0.10"),
            add("A", "10:02"),
        ),
        {
            "carts": rows("cart_value is_value_complete", (Decimal("0.30"), True)),
            "cart_lines": rows("quantity unit_price", (3, Decimal("0.10"))),
        },
    ),
    Case(
        "a cart of which nothing is priced has no value, rather than none at all",
        log(add("A", "10:00"), add("A", "10:01", "hat", price="-4.00")),
        {"carts": rows("cart_value currency is_value_complete", (None, None, False))},
    ),
    Case(
        "a free item is priced",
        log(add("A", "10:00", price="0", currency="EUR")),
        {"carts": rows("cart_value currency is_value_complete", (Decimal(0), "EUR", True))},
    ),
    Case(
        "two currencies make a value that is not complete",
        log(
            add("A", "10:00", price="5.00", currency="EUR"),
            add("A", "10:01", "hat", price="3.00", currency="USD"),
        ),
        {
            # of one cart each, so that EUR is reported by its code; USD has no rate
            "carts": rows(
                "cart_value currency cart_value_base is_value_complete", (None, None, None, False)
            )
        },
    ),
    Case(
        "a price without currency is in a currency of its own",
        log(
            add("A", "10:00", price="5.00", currency="EUR"),
            add("A", "10:01", "hat", price="3.00"),
            add("B", "10:00", price="5.00"),
            add("B", "10:01", "hat", price="3.00"),
            add("C", "10:00", price="5.00", currency="euros"),
            add("C", "10:01", "hat", price="3.00"),
        ),
        {
            "carts": rows(
                "visitor_id currency is_value_complete cart_value cart_value_base",
                ("A", None, False, None, Decimal("8.00")),
                ("B", None, True, Decimal("8.00"), Decimal("8.00")),
                ("C", None, True, Decimal("8.00"), Decimal("8.00")),
            )
        },
    ),
    Case(
        "money is decimal",
        log(
            add("A", "10:00", "a", price="0.10"),
            add("A", "10:00", "b", price="0.20"),
        ),
        {"carts": rows("cart_value", (Decimal("0.30"),))},
    ),
]
