"""Hand-made logs of ids and owners: sections 2 and 6 of the rules.

Belongs here: cases, as in cases.py, of ids that mean nobody and of whom a visitor belongs to. Not
here: whose a cart is (cases_cart_ends.py).
"""

from .cases import Case, add, buy, event, log, login, remove, rows, view

IDENTITY = [
    Case(
        "who logs in within a session owns it, and what was before stays nobody's",
        log(view("A", "09:00"), view("A", "10:00"), login("A", "10:05", "7"), view("A", "10:10")),
        {
            "sessions": rows(
                "started_at owner_id event_count", ("09:00", None, 1), ("10:00", "7", 3)
            ),
            "events": rows(
                "event_at owner_id",
                ("09:00", None),
                ("10:00", None),
                ("10:05", "7"),
                ("10:10", "7"),
            ),
        },
    ),
    Case(
        "another user on the same device takes over from there and the carts do not leak",
        log(
            login("A", "09:00", "7"),
            add("A", "09:01"),
            login("A", "11:00", "8"),
            login("B", "09:00", "7"),
            buy("B", "12:00", "o1"),
        ),
        {
            "sessions": rows(
                "visitor_id started_at owner_id",
                ("A", "09:00", "7"),
                ("A", "11:00", "8"),
                ("B", "09:00", "7"),
                ("B", "12:00", "7"),
            ),
            "carts": rows("visitor_id owner_id status", ("A", "8", "open")),
        },
    ),
    Case(
        "two devices of one user in the same minute are two sessions",
        log(
            login("A", "10:00", "7"),
            login("B", "10:01", "7"),
            view("A", "10:20"),
            view("B", "10:50"),
        ),
        {
            "sessions": rows(
                "visitor_id started_at ended_at",
                ("A", "10:00", "10:20"),
                ("B", "10:01", "10:01"),
                ("B", "10:50", "10:50"),
            )
        },
    ),
    Case(
        "a user without a visitor is a visitor by that name, and nobody at all is no event",
        log(
            event(None, "10:00", "view_item", user_id="7"),
            event("anonymous", "10:05", "view_item", user_id="7"),
            event(None, "10:00", "view_item"),
        ),
        {"sessions": rows("visitor_id owner_id event_count", ("user:7", "7", 2))},
    ),
    Case(
        "placeholders tie nobody to anybody, nor orders to each other",
        log(
            *(
                row
                for visitor, word in (("A", "(not set)"), ("B", "'guest'"), ("C", "NULL-null"))
                for row in (
                    add(visitor, "10:00", user_id=word, event_id=word),
                    buy(visitor, "10:05", word, user_id=word, event_id=f'"{word}"'),
                )
            ),
            add("D", "10:10", user_id="\\N"),
            add("E", "10:11", user_id="{0000-0000}"),
        ),
        {
            "orders": rows("visitor_id order_id", ("A", None), ("B", None), ("C", None)),
            "carts": rows(
                "visitor_id owner_id status",
                ("A", None, "converted"),
                ("B", None, "converted"),
                ("C", None, "converted"),
                ("D", None, "open"),
                ("E", None, "open"),
            ),
        },
    ),
    Case(
        "a whole number written as a float is that number",
        log(
            add("phone", "10:00", "5501.0", user_id="90001.0"),
            buy("laptop", "20:00", "70001.", user_id="90001", item_id="5501"),
            buy("tablet", "21:00", "7.0001E+4", user_id="9.0001E4"),
        ),
        {
            "orders": rows("visitor_id order_id", ("laptop", "70001")),
            "carts": rows("visitor_id owner_id converted_elsewhere", ("phone", "90001", True)),
            "cart_lines": rows("item_id", ("5501",)),
        },
    ),
    Case(
        "words that no article is numbered with are no item",
        log(
            *(
                add("A", f"10:0{number}", word)
                for number, word in enumerate(
                    ("\\N", "(not set)", "(none)", "NIL", "n/a", " [object Object] ")
                )
            ),
            add("A", "10:06", "\u00a0null\u200b"),
            *(add("B", "10:00", word) for word in ("0", "na", "unknown", "5501,0")),
            add("C", "10:00"),
            remove("C", "10:01", "\\N"),
        ),
        {
            "cart_lines": rows(
                "visitor_id item_id quantity",
                ("A", "(unknown)", 7),
                *(("B", item, 1) for item in ("0", "na", "unknown", "5501")),
            ),
            "carts": rows("visitor_id status", ("A", "open"), ("B", "open"), ("C", "emptied")),
        },
    ),
    Case(
        "an id that lost its digits ties nobody to anybody",
        log(
            add("A", "10:00", user_id="9.44E+18"),
            buy("B", "10:05", user_id="9.44E+18"),
            view("1.23457E+11", "10:00"),
            view("C", "10:00", event_id="1E+5"),
            buy("C", "10:01", "1234567890123456.0"),
            # hexadecimal, a GA client and a fraction are ids like any other
            view("1e10", "10:00"),
            view("123456789.1612345678", "10:00"),
            view("12.5", "10:00"),
        ),
        {"sessions": rows("visitor_id", ("1e10",), ("123456789.1612345678",), ("12.5",))},
    ),
    Case(
        "blanks of any kind around an id are none of it",
        log(
            view("\u00a0A\u3000", "10:00"),
            view("A", "10:01", user_id="\u2003\u200b"),
            view("\tA\r\n", "10:02"),
            view("\ufeffA", "10:03", user_id=" guest\u00a0"),
            view("a b", "10:00"),
        ),
        {"sessions": rows("visitor_id owner_id event_count", ("A", None, 4), ("a b", None, 1))},
    ),
    Case(
        "blanks of any kind around an item's id are none of it",
        log(
            add("A", "10:00", "\u00a0shoe", quantity="3"),
            remove("A", "10:01", "shoe\ufeff", quantity="1"),
            remove("A", "10:02", "\tshoe\n", quantity="1"),
            add("A", "10:03", "sho e"),
        ),
        {"cart_lines": rows("item_id quantity", ("sho e", 1), ("shoe", 1))},
    ),
    Case(
        "ids that mean nobody are nobody's in any case",
        log(
            *(
                event(nobody, "10:00", "view_item", user_id=nobody)
                for nobody in (
                    "0",
                    "null",
                    "NULL",
                    "undefined",
                    "None",
                    "NaN",
                    "Anonymous",
                    "00000000-0000-0000-0000-000000000000",
                    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                    "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
                )
            ),
            view("A", "10:00", user_id="undefined"),
        ),
        {"sessions": rows("visitor_id owner_id", ("A", None))},
    ),
    Case(
        "an e-mail's opening shows the owner though it is no activity",
        log(
            view("A", "10:00"),
            event("A", "10:05", "email_open", user_id="7"),
            view("A", "10:10"),
        ),
        {"sessions": rows("owner_id event_count ended_at", ("7", 2, "10:10"))},
    ),
    Case(
        "ids that differ in case or space are different",
        log(view("a", "10:00"), view("A", "10:00")),
        {"sessions": rows("visitor_id", ("A",), ("a",))},
    ),
]
