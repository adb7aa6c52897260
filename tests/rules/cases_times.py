"""Hand-made logs of times, of the order of events and of sessions: sections 3 to 5 of the rules.

Belongs here: cases, as in cases.py, of what a time is and of where a session begins and ends. Not
here: late and repeated rows (cases_events.py).
"""

from decimal import Decimal

from .cases import Case, add, buy, event, log, remove, rows, view

TIME_AND_GAPS = [
    Case(
        "a gap of exactly 30 minutes does not cut",
        log(view("A", "10:00"), view("A", "10:30:00.000000")),
        {"sessions": rows("started_at ended_at event_count", ("10:00", "10:30", 2))},
    ),
    Case(
        "a gap of 30 minutes and a microsecond cuts",
        log(view("A", "10:00"), view("A", "10:30:00.000001")),
        {
            "sessions": rows(
                "started_at ended_at event_count",
                ("10:00", "10:00", 1),
                ("10:30:00.000001", "10:30:00.000001", 1),
            )
        },
    ),
    Case(
        "a gap of 29:59.999 does not cut",
        log(view("A", "10:00"), view("A", "10:29:59.999000")),
        {"sessions": rows("event_count", (2,))},
    ),
    Case(
        "a gap of 30 minutes and a second cuts though the clock shows 31 minutes",
        log(view("A", "10:00:59"), view("A", "10:31:00")),
        {"sessions": rows("started_at", ("10:00:59",), ("10:31:00",))},
    ),
    Case(
        "a gap of 30 minutes and 59 seconds cuts though the clock shows 30 minutes",
        log(view("A", "10:00:00"), view("A", "10:30:59")),
        {"sessions": rows("started_at", ("10:00:00",), ("10:30:59",))},
    ),
    Case(
        "the 30 minutes count from the event before, not from the start",
        log(*(view("A", time) for time in ("10:00", "10:25", "10:50", "11:15"))),
        {"sessions": rows("started_at ended_at event_count", ("10:00", "11:15", 4))},
    ),
    Case(
        "two events of one instant are one session of no length",
        log(view("A", "10:00"), view("A", "10:00")),
        {"sessions": rows("started_at ended_at event_count view_count", ("10:00", "10:00", 2, 2))},
    ),
    Case(
        "at one instant the add goes before the remove whatever their ids say",
        log(
            remove("A", "10:00", event_id="a"),
            add("A", "10:00", event_id="b"),
        ),
        {
            "carts": rows(
                "started_at status closed_at item_quantity line_count add_count remove_count",
                ("10:00", "emptied", "10:00", 0, 0, 1, 1),
            ),
            "cart_lines": [],
        },
    ),
    Case(
        "at one instant and of one rank the smaller event id goes first",
        log(
            add("A", "10:00", price="7.00", event_id="b"),
            add("A", "10:00", price="5.00", event_id="a"),
        ),
        {"cart_lines": rows("quantity unit_price", (2, Decimal("7.00")))},
    ),
    Case(
        "a session of one event starts and ends with it",
        log(event("A", "10:00", "page_view")),
        {
            "sessions": rows(
                "visitor_id started_at ended_at owner_id event_count view_count add_count"
                " remove_count checkout_count order_count order_value has_cart is_cart_abandoned"
                " is_suspected_bot",
                ("A", "10:00", "10:00", None, 1, 0, 0, 0, 0, 0, Decimal(0), False, False, False),
            )
        },
    ),
    Case(
        "midnight does not cut",
        log(view("A", "23:59:50"), view("A", "+1d 00:00:10")),
        {"sessions": rows("started_at ended_at", ("23:59:50", "+1d 00:00:10"))},
    ),
    Case(
        "a campaign in the middle and a payment page's return do not cut",
        log(
            view("A", "10:00", utm_campaign="spring"),
            view("A", "10:05", utm_campaign="summer"),
            view("A", "10:10", referrer="https://pay.example/"),
        ),
        {"sessions": rows("event_count", (3,))},
    ),
    Case(
        "the hour that clocks show twice is two hours",
        log(
            view("A", "00:00", event_at="2025-10-26T02:30:00+02:00"),
            view("A", "00:00", event_at="2025-10-26T02:30:00+01:00"),
        ),
        {"sessions": rows("event_count", (1,), (1,))},
    ),
    Case(
        "an offset is part of the time",
        log(
            view("A", "10:00", event_at="2026-03-02T12:00:00+02:00"),
            view("A", "10:00", event_at="2026-03-02T05:10:00-05:00"),
        ),
        {"sessions": rows("started_at ended_at", ("10:00", "10:10"))},
    ),
    Case(
        "a time without zone is in its source's zone, here UTC",
        log(view("A", "10:00", event_at="2026-03-02 10:00:00")),
        {"sessions": rows("started_at", ("10:00",))},
    ),
    Case(
        "a blank may stand before an offset or Z, and UTC may follow",
        log(
            view("A", "10:00", event_at="2026-03-02 05:00:00 -0500"),
            view("B", "10:00", event_at="2026-03-02T10:00:00 Z"),
            view("C", "10:00", event_at="2026-03-02 10:00:00 +0000 UTC"),
            view("D", "10:00", event_at="2026-03-02t15:30:00.5 +05:30"),
            view("E", "10:00", event_at="2026-03-02 10:00:00Z UTC"),
            view("F", "10:00", event_at="2026-03-02 10:00:00.25 z GMT"),
            view("G", "10:00", event_at="2026-03-02 10:00:00 UTC Z"),
        ),
        {
            "sessions": rows(
                "visitor_id started_at",
                ("A", "10:00"),
                ("B", "10:00"),
                ("C", "10:00"),
                ("D", "10:00:00.500000"),
                ("E", "10:00"),
                ("F", "10:00:00.250000"),
            )
        },
    ),
    Case(
        "blanks may be of any kind, and minutes and seconds left out",
        log(
            view("A", "10:00", event_at="\t2026-03-02T10:00:00Z\u00a0"),
            view("B", "10:00", event_at="2026-03-02\u202f11:00:00\u00a0+01:00"),
            view("C", "10:00", event_at="2026-03-02T05:00:00\u221205:00"),
            view("D", "10:00", event_at="20260302T1000Z"),
            view("E", "10:00", event_at="2026-03-02T10Z"),
            view("F", "10:00", event_at="20260302T15+0500"),
            view("G", "10:00", event_at="\t1772445600\t"),
            view("H", "10:00", event_at="2026-03-02T1Z"),
            view("I", "10:00", event_at="2026-03-02T10.5Z"),
        ),
        {"sessions": rows("visitor_id started_at", *((visitor, "10:00") for visitor in "ABCDEFG"))},
    ),
    Case(
        "an offset of 14 hours is one, a longer one is not",
        log(
            view("A", "10:00", event_at="2026-03-03T00:00:00+14:00"),
            view("B", "10:00", event_at="2026-03-01T20:00:00-1400"),
            view("C", "10:00", event_at="2026-03-03T00:01:00+14:01"),
            view("D", "10:00", event_at="2026-03-03T05:00:00+19:00"),
            view("E", "10:00", event_at="2026-03-02T10:00:00+00:60"),
        ),
        {"sessions": rows("visitor_id started_at", ("A", "10:00"), ("B", "10:00"))},
    ),
    Case(
        "24:00 is the beginning of the next day, and nothing else begins with 24",
        log(
            view("A", "10:00", event_at="2026-03-01T24:00:00Z"),
            view("B", "10:00", event_at="20260301T240000,000"),
            view("C", "10:00", event_at="2026-03-02 24:00 +14:00"),
            view("D", "10:00", event_at="2026-03-01T24:00:01Z"),
            view("E", "10:00", event_at="2026-03-01T24:00:00.5Z"),
            view("F", "10:00", event_at="2026-03-01T23:59:60Z"),
        ),
        {"sessions": rows("visitor_id started_at", ("A", "00:00"), ("B", "00:00"), ("C", "10:00"))},
    ),
    Case(
        "what is finer than a microsecond is cut off and not rounded",
        log(
            view("A", "10:00", event_at="2026-03-02T10:00:00.1234569Z"),
            view("B", "10:00", event_at="1772445600123456999"),
            view("C", "10:00", event_at="1772445600.1234569999"),
            view("D", "10:00", event_at="1772445600123.4569"),
            view("E", "10:00", event_at="1772445600123456.9"),
            view("F", "10:00", event_at="2026-03-02 05:00:00,123456789 -05:00"),
        ),
        {
            "sessions": rows(
                "visitor_id started_at", *((name, "10:00:00.123456") for name in "ABCDEF")
            )
        },
    ),
    Case(
        "an epoch in scientific notation needs all the digits of its unit",
        log(
            view("A", "10:00", event_at="1.7724456E+09"),
            view("B", "10:00", event_at="1.772445600E+09"),
            view("C", "10:00", event_at="1.772445600123E12"),
            view("D", "10:00", event_at="1.77245e+12"),
            view("E", "10:00", event_at="1.772445600123456e15"),
            view("F", "10:00", event_at="1.7724456001234567e+18"),
        ),
        {
            "sessions": rows(
                "visitor_id started_at",
                ("B", "10:00"),
                ("C", "10:00:00.123000"),
                ("E", "10:00:00.123456"),
            )
        },
    ),
    Case(
        "epochs in seconds, milliseconds and microseconds are distinguished by size",
        log(
            view("A", "10:00", event_at="1772445600"),
            view("B", "10:00", event_at="1772445600123"),
            view("C", "10:00", event_at="1772445600123456"),
        ),
        {
            "sessions": rows(
                "visitor_id started_at",
                ("A", "10:00"),
                ("B", "10:00:00.123000"),
                ("C", "10:00:00.123456"),
            )
        },
    ),
    Case(
        "more than 12 hours of activity is suspected to be a bot, 12 hours are not",
        log(
            *(view("A", f"{hour:02}:{minute}") for hour in range(12) for minute in ("00", "30")),
            view("A", "12:00"),
            *(view("B", f"{hour:02}:{minute}") for hour in range(12) for minute in ("00", "30")),
            view("B", "12:00"),
            view("B", "12:00:00.000001"),
        ),
        {
            "sessions": rows(
                "visitor_id event_count is_suspected_bot", ("A", 25, False), ("B", 26, True)
            ),
            "training_returns": rows("visitor_id", ("A",)),
        },
    ),
    Case(
        "more than 1,000 events are suspected to be a bot's, 1,000 are not",
        [
            row
            for visitor, count in (("A", 1000), ("B", 1001))
            for row in log(
                *(
                    view(
                        visitor,
                        f"10:{number // 60:02}:{number % 60:02}",
                        event_id=f"{visitor}{number}",
                    )
                    for number in range(count)
                )
            )
        ],
        {
            "sessions": rows(
                "visitor_id event_count is_suspected_bot", ("A", 1000, False), ("B", 1001, True)
            )
        },
    ),
    Case(
        "a refund and e-mail events neither start nor extend a session nor are counted in one",
        log(
            view("A", "10:00"),
            event("A", "10:20", "email_open"),
            event("A", "10:40", "refund"),
            view("A", "10:45"),
            event("B", "11:00", "email_sent"),
        ),
        {
            "sessions": rows(
                "visitor_id started_at ended_at event_count",
                ("A", "10:00", "10:00", 1),
                ("A", "10:45", "10:45", 1),
            )
        },
    ),
    Case(
        "an unknown type is activity",
        log(view("A", "10:00"), event("A", "10:20", "spin_the_wheel"), view("A", "10:45")),
        {"sessions": rows("ended_at event_count view_count", ("10:45", 3, 2))},
    ),
    Case(
        "the counts of a session are of items seen, adds, removes, check-outs begun and orders",
        log(
            event("A", "10:00", "page_view"),
            event("A", "10:01", "search"),
            view("A", "10:02"),
            view("A", "10:03"),
            add("A", "10:04"),
            add("A", "10:05"),
            add("A", "10:06", "hat"),
            remove("A", "10:07", "hat"),
            event("A", "10:08", "view_cart"),
            event("A", "10:09", "begin_checkout"),
            buy("A", "10:10", "o1", order_value="42.50"),
        ),
        {
            "sessions": rows(
                "event_count view_count add_count remove_count checkout_count order_count"
                " order_value",
                (11, 2, 3, 1, 1, 1, Decimal("42.50")),
            )
        },
    ),
]
