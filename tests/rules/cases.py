"""Hand-made logs, each with the rows that the rules make of it, written out by hand.

Belongs here: small logs that pin one rule each, and what is expected of them. Nothing here is
computed from a rule: the numbers are for a reader to check against `dbt_project/docs/rules.md`,
which quotes the names of cases. The same table is put to the reference and to the SQL. Not here:
random logs (strategies.py).

A case expects whole tables: every row of a table it names, in the columns it names.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
LOADED_AT = datetime(2026, 8, 1, tzinfo=UTC)

Row = dict[str, str | None]


@dataclass(frozen=True)
class Case:
    """A log as delivered and the tables it makes; `as_of` (default: all is known) is the hour."""

    name: str
    rows: Sequence[Row]
    expected: dict[str, list[dict]]
    as_of: datetime = field(default=LOADED_AT)


def at(text: str) -> datetime:
    """An instant: `10:00`, `10:00:59`, `10:30:00.000001`, on Monday or `+2d` days later."""
    days, hours, minutes, seconds, micros = re.fullmatch(
        r"(?:\+(\d+)d )?(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{6}))?)?", text
    ).groups(default="0")
    return MONDAY + timedelta(
        days=int(days),
        hours=int(hours),
        minutes=int(minutes),
        seconds=int(seconds),
        microseconds=int(micros),
    )


def told(visitor: str | None, time: str, event_type: str, **columns: str | None) -> Row:
    """A delivered row; `event_at=` overrides the time as text, the rest are canonical columns."""
    written = at(time).isoformat().replace("+00:00", "Z")
    row: Row = {"visitor_id": visitor, "event_at": written, "event_type": event_type}
    return row | columns


def log(*rows: Row, source: str = "canonical") -> list[Row]:
    """The rows with a source, and with ids e01, e02, ... where they bring none."""
    return [
        {"source": source, "event_id": f"e{number:02}"} | row
        for number, row in enumerate(rows, start=1)
    ]


def view(visitor: str, time: str, **columns: str | None) -> Row:
    return told(visitor, time, "view_item", **columns)


def add(visitor: str, time: str, item: str | None = "shoe", **columns: str | None) -> Row:
    return told(visitor, time, "add_to_cart", item_id=item, **columns)


def remove(visitor: str, time: str, item: str | None = "shoe", **columns: str | None) -> Row:
    return told(visitor, time, "remove_from_cart", item_id=item, **columns)


def buy(visitor: str, time: str, order: str | None = None, **columns: str | None) -> Row:
    return told(visitor, time, "purchase", order_id=order, **columns)


def login(visitor: str, time: str, user: str) -> Row:
    return told(visitor, time, "login", user_id=user)


def rows(columns: str, *values: tuple) -> list[dict]:
    """Expected rows from a header and tuples; a text that reads as an instant becomes one."""
    names = columns.split()
    return [dict(zip(names, map(_value, row), strict=True)) for row in values]


def _value(value: object) -> object:
    is_instant = isinstance(value, str) and re.fullmatch(r"(\+\d+d )?\d\d:\d\d.*", value)
    return at(value) if is_instant else value


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
        log(told("A", "10:00", "page_view")),
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
        ),
        {
            "sessions": rows(
                "visitor_id started_at",
                ("A", "10:00"),
                ("B", "10:00"),
                ("C", "10:00"),
                ("D", "10:00:00.500000"),
            )
        },
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
        "epochs in seconds, milliseconds and microseconds are told apart by size",
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
            told("A", "10:20", "email_open"),
            told("A", "10:40", "refund"),
            view("A", "10:45"),
            told("B", "11:00", "email_sent"),
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
        log(view("A", "10:00"), told("A", "10:20", "spin_the_wheel"), view("A", "10:45")),
        {"sessions": rows("ended_at event_count view_count", ("10:45", 3, 2))},
    ),
    Case(
        "the counts of a session are of items seen, adds, removes, check-outs begun and orders",
        log(
            told("A", "10:00", "page_view"),
            told("A", "10:01", "search"),
            view("A", "10:02"),
            view("A", "10:03"),
            add("A", "10:04"),
            add("A", "10:05"),
            add("A", "10:06", "hat"),
            remove("A", "10:07", "hat"),
            told("A", "10:08", "view_cart"),
            told("A", "10:09", "begin_checkout"),
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
        "a purchase told late turns an abandoned cart into a converted one",
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
        "an add told late is taken back by the remove that seemed to take nothing",
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
        "an id told for two visitors is one event",
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
    Case(
        "an order told again months later counts once, at its first time, and is activity",
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
        "an order told again by another visitor stays the first one's",
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
]

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
            told(None, "10:00", "view_item", user_id="7"),
            told("anonymous", "10:05", "view_item", user_id="7"),
            told(None, "10:00", "view_item"),
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
        "ids that mean nobody are nobody's in any case",
        log(
            *(
                told(nobody, "10:00", "view_item", user_id=nobody)
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
        "an e-mail's opening tells the owner though it is no activity",
        log(
            view("A", "10:00"),
            told("A", "10:05", "email_open", user_id="7"),
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

CARTS = [
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
                for place, quantity in enumerate(("1.5", "two", "2.0"))
            )
        ),
        {"cart_lines": rows("item_id quantity", ("item0", 1), ("item1", 1), ("item2", 2))},
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
                ("A", 2, 0),
                ("B", 2, 0),
                ("C", 1, 0),
                ("D", 3, 0),
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
                "visitor_id ended_at event_count", ("A", "10:00", 1), ("B", "10:03", 4)
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
        "an order's rows of no unit or less buy nothing",
        log(
            buy("A", "10:00", "o1", quantity="2", price="5.00"),
            buy("A", "10:00", "o1", quantity="0", price="7.00"),
            buy("A", "10:00", "o1", quantity="-3", price="9.00"),
        ),
        {"orders": rows("order_id order_value", ("o1", Decimal("10.00")))},
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
            told("A", "+2d 10:10", "view_cart"),
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
        log(add("A", "10:00"), told("B", "10:30", "email_sent")),
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
            told("A", "+3d 10:00", "refund", order_id="o1"),
        ),
        {
            "carts": rows("status", ("converted",)),
            "sessions": rows("order_count order_value", (1, Decimal("5.00"))),
        },
    ),
    Case(
        "a check-out without a cart is counted and makes none",
        log(told("A", "10:00", "begin_checkout"), told("A", "10:01", "view_cart")),
        {"carts": [], "sessions": rows("checkout_count has_cart", (1, False))},
    ),
]

SNAPSHOTS = [
    Case(
        "a cart is learned from after each touch until the next, as far as the log reaches",
        log(
            add("A", "10:00", price="5.00", currency="EUR"),
            add("A", "10:30", price="6.00", currency="EUR"),
            view("B", "11:30"),
        ),
        {
            "training_snapshots": rows(
                "visitor_id cart_started_at as_of owner_id last_touched_at session_ended_at"
                " cart_value converts_within_horizon",
                ("A", "10:00", "10:00", None, "10:00", "10:00", Decimal("5.00"), None),
                ("A", "10:00", "10:30", None, "10:30", "10:30", Decimal("12.00"), None),
                ("A", "10:00", "11:00", None, "10:30", "10:30", Decimal("12.00"), None),
                ("A", "10:00", "11:30", None, "10:30", "10:30", Decimal("12.00"), None),
            )
        },
    ),
    Case(
        "touches of one instant are one, and a cart closed at an instant is not learned from then",
        log(
            add("A", "10:00"),
            add("A", "10:00", "hat"),
            buy("A", "10:30", "o1"),
        ),
        {"training_snapshots": rows("as_of converts_within_horizon", ("10:00", True))},
    ),
    Case(
        "an order at the very horizon is within it",
        log(add("A", "10:00"), buy("A", "+3d 10:00", "o1")),
        {
            "training_snapshots": rows(
                "as_of converts_within_horizon",
                ("10:00", True),
                ("10:30", True),
                ("11:00", True),
                ("14:00", True),
                ("18:00", True),
                ("+1d 10:00", True),
                ("+2d 10:00", True),
            )
        },
    ),
    Case(
        "an order a microsecond after the horizon is outside, and the rest is not known",
        log(
            add("A", "10:00"),
            told("A", "+1d 10:00", "remove_from_cart", item_id="hat"),
            buy("A", "+3d 10:00:00.000001", "o1"),
        ),
        {
            "training_snapshots": rows(
                "as_of converts_within_horizon",
                ("10:00", False),
                ("10:30", True),
                ("11:00", True),
                ("14:00", True),
                ("18:00", True),
                ("+1d 10:00", True),
                ("+1d 10:30", True),
                ("+1d 11:00", True),
                ("+1d 14:00", True),
                ("+1d 18:00", True),
                ("+2d 10:00", True),
                ("+3d 10:00", True),
            )
        },
    ),
    Case(
        "a log that ends at the very horizon does not know yet",
        log(add("A", "10:00"), remove("A", "10:10"), view("B", "+3d 10:00")),
        {"training_snapshots": rows("as_of converts_within_horizon", ("10:00", None))},
    ),
    Case(
        "a log that ends after the horizon knows",
        log(add("A", "10:00"), remove("A", "10:10"), view("B", "+3d 10:00:00.000001")),
        {"training_snapshots": rows("as_of converts_within_horizon", ("10:00", False))},
    ),
    Case(
        "the label asks for an order of the visitor, whichever cart it takes",
        log(
            add("A", "10:00"),
            remove("A", "10:10"),
            buy("A", "+1d 10:00", "o1"),
        ),
        {"training_snapshots": rows("as_of converts_within_horizon", ("10:00", True))},
    ),
    Case(
        "an order told again is no order for the label",
        log(
            buy("A", "09:00", "o1"),
            add("A", "10:00"),
            remove("A", "10:10"),
            buy("A", "10:20", "o1"),
            view("B", "+4d 10:00"),
        ),
        {"training_snapshots": rows("as_of converts_within_horizon", ("10:00", False))},
    ),
    Case(
        "an order elsewhere counts for the label by the owners at the order",
        log(
            add("A", "10:00"),
            remove("A", "10:10"),
            login("A", "11:00", "7"),
            buy("B", "12:00", "o1", user_id="7"),
            add("C", "10:00"),
            remove("C", "10:10"),
            buy("D", "12:00", "o2", user_id="9"),
            login("C", "13:00", "9"),
            view("E", "+4d 10:00"),
        ),
        {
            "training_snapshots": rows(
                "visitor_id as_of owner_id converts_within_horizon",
                ("A", "10:00", None, True),
                ("C", "10:00", None, False),
            )
        },
    ),
    Case(
        "what is known at the very instant is in the snapshot, what comes later is not",
        log(
            login("A", "09:50", "7"),
            add("A", "10:00", price="5.00"),
            view("A", "10:20"),
            view("A", "10:30"),
            login("A", "10:30:00.000001", "8"),
            view("B", "10:59:59.999999"),
        ),
        {
            "training_snapshots": rows(
                "as_of owner_id session_ended_at",
                ("10:00", "7", "10:00"),
                ("10:30", "7", "10:30"),
            )
        },
    ),
    Case(
        "open carts touched in the last 7 days are scored at the hour",
        log(
            add("A", "10:00"),
            add("B", "10:00:00.000001", price="5.00"),
            add("F", "09:59:59.999999"),
            add("C", "+6d 10:00"),
            buy("C", "+7d 10:00", "o1"),
            add("D", "+7d 09:00"),
            add("E", "+7d 10:00:00.000001"),
            add("G", "+7d 08:00", price="3.00"),
            add("G", "+7d 10:00"),
        ),
        {
            "scoring_snapshots": rows(
                "visitor_id cart_started_at as_of cart_value",
                ("A", "10:00", "+7d 10:00", None),
                ("B", "10:00:00.000001", "+7d 10:00", Decimal("5.00")),
                ("D", "+7d 09:00", "+7d 10:00", None),
                ("G", "+7d 08:00", "+7d 10:00", Decimal("6.00")),
            ),
            "scoring_returns": rows(
                "visitor_id ended_at elapsed_hours",
                ("A", "10:00", 168.0),
                ("B", "10:00:00.000001", 168 - 1 / 3_600_000_000),
                ("D", "+7d 09:00", 1.0),
                ("G", "+7d 10:00", 0.0),
            ),
        },
        as_of=at("+7d 10:00"),
    ),
    Case(
        "what is learned at an hour knows of an order at that very instant",
        log(add("A", "10:00"), buy("A", "10:20", "o1"), view("A", "10:40")),
        {"training_snapshots": rows("as_of converts_within_horizon", ("10:00", True))},
        as_of=at("10:20"),
    ),
    Case(
        "what is learned at an hour knows of no event after it",
        log(
            add("A", "10:00"),
            remove("A", "10:10"),
            buy("A", "10:50", "o1"),
            view("B", "10:15"),
            view("B", "10:50"),
        ),
        {
            "training_snapshots": rows("as_of converts_within_horizon", ("10:00", None)),
            "training_returns": rows("visitor_id duration_hours is_returned", ("A", 5 / 60, False)),
        },
        as_of=at("10:30"),
    ),
]

RETURNS = [
    Case(
        "a return is from the end of a session to the start of the next, the last is censored",
        log(
            view("A", "10:00"),
            view("A", "10:10"),
            view("A", "12:10"),
            view("A", "15:10"),
            view("B", "16:10"),
        ),
        {
            "training_returns": rows(
                "visitor_id session_started_at ended_at duration_hours is_returned owner_id",
                ("A", "10:00", "10:10", 2.0, True, None),
                ("A", "12:10", "12:10", 3.0, True, None),
                ("A", "15:10", "15:10", 1.0, False, None),
            )
        },
    ),
    Case(
        "the owner's return on another device is a return",
        log(
            login("A", "10:00", "7"),
            login("B", "11:00", "7"),
            login("C", "10:30", "8"),
            view("D", "12:00"),
        ),
        {
            "training_returns": rows(
                "visitor_id duration_hours is_returned owner_id",
                ("A", 1.0, True, "7"),
                ("B", 1.0, False, "7"),
                ("C", 1.5, False, "8"),
            )
        },
    ),
    Case(
        "a device that was there already, or at the very end, has not returned",
        log(
            login("A", "10:00", "7"),
            login("B", "10:10", "7"),
            view("A", "10:10"),
            told("C", "11:10", "email_sent"),
        ),
        {
            "training_returns": rows(
                "visitor_id ended_at duration_hours is_returned",
                ("A", "10:10", 1.0, False),
                ("B", "10:10", 1.0, False),
            )
        },
    ),
    Case(
        "a session that ends the log has been away for no time and teaches nothing",
        log(view("A", "10:00")),
        {"training_returns": []},
    ),
    Case(
        "opening an e-mail is no return",
        log(view("A", "10:00"), told("A", "16:00", "email_open")),
        {"training_returns": rows("duration_hours is_returned", (6.0, False))},
    ),
    Case(
        "a session that goes on after the hour is as long as it was by then",
        log(view("A", "10:00"), view("B", "10:10"), view("A", "10:20")),
        {
            "training_returns": rows(
                "visitor_id ended_at duration_hours is_returned", ("A", "10:00", 1 / 6, False)
            )
        },
        as_of=at("10:10"),
    ),
    Case(
        "a session that goes on after the hour has the owner it had by then",
        log(
            login("A", "09:00", "7"),
            login("B", "11:00", "7"),
            view("C", "11:10"),
            login("B", "11:20", "8"),
        ),
        {
            "training_returns": rows(
                "visitor_id duration_hours is_returned",
                ("A", 2.0, True),
                ("B", 1 / 6, False),
            )
        },
        as_of=at("11:10"),
    ),
]

CASES = [
    *TIME_AND_GAPS,
    *ARRIVAL,
    *DUPLICATES,
    *IDENTITY,
    *CARTS,
    *SNAPSHOTS,
    *RETURNS,
]
