"""Hand-made logs of what is learned from and scored: sections 9 and 10 of the rules.

Belongs here: cases, as in cases.py, of snapshots, labels and returns. Not here: features
(test_features.py), what became of scores (test_outcomes.py).
"""

from datetime import UTC, datetime
from decimal import Decimal

from .cases import Case, add, at, buy, event, log, login, remove, rows, view
from .reference_snapshots import SNAPSHOT_OFFSETS

# Of the hundredth day of the cases.
A_YEAR_BEFORE = datetime(2025, 6, 10, 10, tzinfo=UTC)

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
        "a cart is learned from up to a week after its touch",
        log(add("A", "10:00"), view("B", "+7d 10:00")),
        {
            "training_snapshots": rows(
                "as_of converts_within_horizon",
                *((f"{time}", False) for time in ("10:00", "10:30", "11:00", "14:00", "18:00")),
                *((f"+{day}d 10:00", False) for day in (1, 2, 3)),
                *((f"+{day}d 10:00", None) for day in (4, 5, 6, 7)),
            )
        },
    ),
    Case(
        "what is older than a year before the newest event is not learned from",
        log(
            add("A", "10:00", event_at="2025-06-10T10:00:00Z"),
            add("B", "10:00", event_at="2025-06-10T09:59:59.999999Z"),
            view("C", "+100d 10:00"),
        ),
        {
            "training_snapshots": rows(
                "visitor_id as_of",
                *(("A", A_YEAR_BEFORE + age) for age in SNAPSHOT_OFFSETS),
            ),
            "training_returns": rows("visitor_id is_returned", ("A", False)),
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
            event("A", "+1d 10:00", "remove_from_cart", item_id="hat"),
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
        "an order reported again is no order for the label",
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
            event("C", "11:10", "email_sent"),
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
        log(view("A", "10:00"), event("A", "16:00", "email_open")),
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
