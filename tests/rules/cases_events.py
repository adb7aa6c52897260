"""Hand-made logs of which rows become events: section 1 of the rules.

Belongs here: cases, as in cases.py, of rows that come late, out of order, twice or with a time that
nobody can read. Not here: orders that are reported twice (cases_orders.py), items (cases_items.py).
"""

from .cases import Case, add, buy, event, log, remove, rows, view

ARRIVAL = [
    Case(
        "rows out of order make what rows in order make",
        log(view("A", "10:40"), view("A", "10:00"), view("A", "10:20")),
        {"sessions": rows("started_at ended_at event_count", ("10:00", "10:40", 3))},
    ),
    Case(
        "a late event before the first moves the start and makes no second row",
        log(view("A", "10:00"), view("A", "09:45")),
        {"sessions": rows("started_at ended_at", ("09:45", "10:00"))},
    ),
    Case(
        "a late event bridges two sessions",
        log(view("A", "09:00"), view("A", "09:50"), view("A", "09:25")),
        {"sessions": rows("started_at ended_at event_count", ("09:00", "09:50", 3))},
    ),
    Case(
        "a late event in a gap too wide is a session of its own",
        log(view("A", "09:00"), view("A", "12:00"), view("A", "10:30")),
        {"sessions": rows("started_at", ("09:00",), ("10:30",), ("12:00",))},
    ),
    Case(
        "a purchase reported late turns an abandoned cart into a converted one",
        log(
            add("A", "10:00", price="5.00"),
            view("B", "+4d 10:00"),
            buy("A", "10:20", "o1"),
        ),
        {
            "carts": rows(
                "status closed_at order_id abandoned_at is_recovered",
                ("converted", "10:20", "o1", None, False),
            )
        },
    ),
    Case(
        "an add reported late is taken back by the remove that seemed to take nothing",
        log(remove("A", "10:10"), add("A", "10:20", "hat"), add("A", "10:00")),
        {
            "carts": rows(
                "started_at status closed_at line_count",
                ("10:00", "emptied", "10:10", 0),
                ("10:20", "open", None, 1),
            )
        },
    ),
    Case(
        "an event dated before 2000 or in the future makes nothing and moves no newest event",
        log(
            add("A", "10:00"),
            view("B", "10:00", event_at="1970-01-01T00:00:00Z"),
            view("B", "10:00", event_at="1999-12-31T23:59:59.999999Z"),
            view("B", "10:00", event_at="2031-01-01T00:00:00Z"),
            view("C", "10:00", event_at="2000-01-01T00:00:00Z"),
        ),
        {
            "sessions": rows("visitor_id", ("A",), ("C",)),
            "carts": rows("visitor_id status abandoned_at", ("A", "open", None)),
        },
    ),
    Case(
        "an event up to 5 minutes ahead of its loading is taken, a microsecond more is not",
        log(
            view("A", "10:00", event_at="2026-08-01T00:05:00Z"),
            view("B", "10:00", event_at="2026-08-01T00:05:00.000001Z"),
        ),
        {"sessions": rows("visitor_id", ("A",))},
    ),
    Case(
        "a time that nobody can read makes nothing",
        log(
            view("A", "10:00", event_at="yesterday"),
            view("A", "10:00", event_at=None),
            view("A", "10:00"),
        ),
        {"sessions": rows("event_count", (1,))},
    ),
    Case("a log without rows makes tables without rows", [], {"sessions": [], "carts": []}),
]

WORDS = [
    Case(
        "a type is known whatever its case, blanks and dashes",
        log(
            event("A", "10:00", "Add To Cart", item_id="shoe"),
            event("A", "10:01", " add-to-cart ", item_id="hat"),
            event("A", "10:02", "AddToCart", item_id="tie"),
            event("A", "10:03", "REMOVE_FROM_CART", item_id="tie"),
            event("A", "10:04", "Purchase", order_id="o1"),
            event("B", "10:00", "Email Open"),
        ),
        {
            "carts": rows("status line_count order_id", ("converted", 2, "o1")),
            "sessions": rows("visitor_id add_count remove_count order_count", ("A", 3, 1, 1)),
        },
    ),
    Case(
        "blanks and dashes of any kind are none of a type",
        log(
            event("A", "10:00", "add\u2013to\u2011cart", item_id="shoe"),
            event("A", "10:00", "add\u2015to\u2212cart", item_id="hat"),
            event("A", "10:01", "Remove\u00a0From\tCart", item_id="shoe"),
            event("A", "10:02", "\\N", item_id="shoe"),
        ),
        {"sessions": rows("event_count add_count remove_count", (3, 2, 1))},
    ),
    Case(
        "the words of Segment, Shopify and REES46 are known in any source",
        log(
            event("A", "10:00", "Product Viewed", item_id="shoe"),
            event("A", "10:01", "Product Added", item_id="shoe"),
            event("A", "10:02", "Checkout Started"),
            event("A", "10:03", "Order Completed", order_id="o1"),
            event("A", "10:05", "Order Refunded", order_id="o1", order_value="5.00"),
            event("B", "10:00", "product_added_to_cart", item_id="shoe"),
            event("B", "10:01", "checkout_completed", order_id="o2"),
            event("C", "10:00", "view", item_id="shoe"),
            event("C", "10:01", "cart", item_id="shoe"),
        ),
        {
            "carts": rows(
                "visitor_id status order_id",
                ("A", "converted", "o1"),
                ("B", "converted", "o2"),
                ("C", "open", None),
            ),
            "sessions": rows(
                "visitor_id event_count view_count add_count checkout_count order_count",
                ("A", 4, 1, 1, 1, 1),
                ("B", 2, 0, 1, 0, 1),
                ("C", 2, 1, 1, 0, 0),
            ),
        },
    ),
    Case(
        "any other word is activity only",
        log(event("A", "10:00", "Added"), event("A", "10:05", "add to basket")),
        {"carts": [], "sessions": rows("event_count ended_at", (2, "10:05"))},
    ),
]

DUPLICATES = [
    Case(
        "the same event twice is one",
        log(add("A", "10:00", event_id="x"), add("A", "10:00", event_id="x")),
        {"sessions": rows("event_count", (1,)), "cart_lines": rows("quantity", (1,))},
    ),
    Case(
        "of one id at two times the earlier wins, though it came later",
        log(view("A", "10:10", event_id="x"), view("A", "10:00", event_id="x")),
        {"sessions": rows("started_at event_count", ("10:00", 1))},
    ),
    Case(
        "of one id at one time the smaller content wins, though it came later",
        log(
            add("A", "10:00", "shoe", event_id="x"),
            add("A", "10:00", "hat", event_id="x"),
        ),
        {"cart_lines": rows("item_id quantity", ("hat", 1))},
    ),
    Case(
        "an id reported for two visitors is one event",
        log(view("B", "10:00", event_id="x"), view("A", "10:00", event_id="x")),
        {"sessions": rows("visitor_id", ("A",))},
    ),
    Case(
        "without ids two rows alike in every field are one event",
        log(
            add("A", "10:00", event_id=None),
            add("A", "10:00", event_id=None),
            add("A", "10:00", event_id=None, quantity="2"),
        ),
        {"sessions": rows("event_count", (2,)), "cart_lines": rows("quantity", (3,))},
    ),
]
