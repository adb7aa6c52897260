"""Random logs that live on the boundaries of the rules.

Belongs here: one way to turn a list of choices into delivered rows, fed by Hypothesis or by a
seeded generator. Does not belong here: what the rows mean (reference_rows.py).

A row's time is an earlier row's time plus a gap from a short list, so that the gaps that decide
(same instant, 30 minutes, 30 days, the horizon, each with and without a microsecond) come often,
between any two rows and not only between neighbours.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import strategies as st

from .cases import MONDAY, Row
from .spellings import spelled

MICROSECOND = timedelta(microseconds=1)
HALF_HOUR = timedelta(minutes=30)

GAPS = (
    timedelta(0),
    timedelta(0),
    MICROSECOND,
    timedelta(minutes=1),
    timedelta(minutes=1),
    timedelta(minutes=7),
    timedelta(minutes=15),
    HALF_HOUR - MICROSECOND,
    HALF_HOUR,
    HALF_HOUR,
    HALF_HOUR + MICROSECOND,
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(hours=8),
    timedelta(hours=24),
    timedelta(hours=48) - MICROSECOND,
    timedelta(hours=72) - MICROSECOND,
    timedelta(hours=72),
    timedelta(hours=72) + MICROSECOND,
    timedelta(days=7),
    timedelta(days=7) + MICROSECOND,
    timedelta(days=30) - MICROSECOND,
    timedelta(days=30),
    timedelta(days=30) + MICROSECOND,
)
ITEMS = ("shoe", "shoe", "hat", "hat", "bag", "sock", None)
QUANTITIES = (None, None, "1", "2", "3", "0", "-1", "1.5")
PRICES = (None, "5.00", "5.00", "0.10", "19.99", "0", "-3.00", "cheap")
CURRENCIES = (None, "EUR", "EUR", "EUR", "USD", "???")


def _item_lists(count: int) -> list[str]:
    """Lists of one to four items, with values good and bad."""
    generator = random.Random(1)
    return [
        json.dumps(
            [
                {
                    "item_id": generator.choice(ITEMS),
                    "item_name": generator.choice((None, "Red shoe", "Blue hat")),
                    "item_category": generator.choice((None, "shoes", "hats")),
                    "item_url": generator.choice((None, "https://shop.example/p/1")),
                    "quantity": generator.choice((*QUANTITIES, 2, -2, 0)),
                    "price": generator.choice((*PRICES, 7, 2.5)),
                    "currency": generator.choice(CURRENCIES),
                }
                for _ in range(generator.randint(1, 4))
            ]
        )
        for _ in range(count)
    ]


TYPES = (
    *("add_to_cart",) * 7,
    *("remove_from_cart",) * 4,
    *("purchase",) * 3,
    *("view_item",) * 2,
    *("login",) * 2,
    "begin_checkout",
    "page_view",
    "email_open",
    "refund",
    "spin_the_wheel",
)
VISITORS = ("A", "B", "C", "D", None)
USERS = (None, None, None, None, "7", "8", "9", "null")
# The first are shrunk to; some are no list of objects.
ITEM_LISTS = (
    *(None,) * 60,
    "[]",
    "null",
    '{"item_id": "shoe"}',
    "[{'item_id': 'shoe'}]",
    '["shoe", {"item_id": "hat", "price": 3}]',
    '[null, {"item_id": " hat\u00a0", "quantity": " 2 ", "price": "1e1", "currency": " eur"}]',
    '[{"item_id": "(not set)", "item_name": "\\\\N", "price": "-"}, {"item_id": "shoe"}]',
    *_item_lists(30),
)
ORDERS = (None, None, "o1", "o2", "o3")
ORDER_VALUES = (None, None, "42.50")
TIMES = ("iso", "iso", "iso", "offset", "naive", "epoch_us")

KINDS = (*("new",) * 12, "again", "later", "other", "nobody", "bad_time")


@dataclass(frozen=True)
class Choice:
    """What is drawn for a row; `kind` other than `new` spoils or repeats the row `anchor` back.

    again: the same row; later: the same id at a later time; other: the same id and time with
    another content; nobody, bad_time: a row that is to be dropped.
    """

    anchor: int
    gap: timedelta
    kind: str
    visitor: str | None
    user: str | None
    event_type: str
    item: str | None
    quantity: str | None
    price: str | None
    currency: str | None
    order: str | None
    order_value: str | None
    written: str
    id_salt: int
    items: str | None
    spelled: int


CHOICES = {
    "anchor": (0, 0, 0, 1, 2, 3, 5),
    "gap": GAPS,
    "kind": KINDS,
    "visitor": VISITORS,
    "user": USERS,
    "event_type": TYPES,
    "item": ITEMS,
    "quantity": QUANTITIES,
    "price": PRICES,
    "currency": CURRENCIES,
    "order": ORDERS,
    "order_value": ORDER_VALUES,
    "written": TIMES,
    # Ids must not grow with time, or ties would always be broken in the order of arrival.
    "id_salt": tuple(range(10)),
    "items": ITEM_LISTS,
    # most rows plainly, and shrunk to that
    "spelled": (*(0,) * 12, *range(1, 6)),
}


# Pools of a long log of many visitors who are few persons: what one does concerns the others.
SHARED = {
    "gap": tuple(gap for gap in GAPS if gap <= timedelta(hours=1)) * 2 + GAPS,
    "visitor": tuple("ABCDEFGH"),
    "user": (None, None, None, None, None, "7", "8"),
    "event_type": (
        *("add_to_cart",) * 8,
        *("remove_from_cart", "view_item", "purchase", "login", "begin_checkout"),
    ),
    "order": (None, *(f"o{number}" for number in range(1, 9))),
}


def rows_from(choices: Sequence[Choice], start: datetime = MONDAY) -> list[Row]:
    """The delivered rows from `start` on; what is drawn but not of a row's type is left out."""
    times: list[datetime] = []
    rows: list[Row] = []
    for number, choice in enumerate(choices):
        earlier = len(rows) - 1 - choice.anchor
        event_at = (times[earlier] if earlier >= 0 else start) + choice.gap
        row = _new_row(choice, number, event_at)
        if choice.kind == "nobody":
            row |= {"visitor_id": "anonymous", "user_id": None}
        elif choice.kind == "bad_time":
            row |= {"event_at": "soon"}
        elif choice.kind != "new" and earlier >= 0:
            first, event_at = rows[earlier], times[earlier]
            if choice.kind == "later":
                event_at = event_at + choice.gap + MICROSECOND
                row = first | {"event_at": write_time(event_at, "iso")}
            elif choice.kind == "other":
                row = first | {"item_id": "zebra", "price": "7.77"}
            else:
                row = dict(first)
        rows.append(row)
        times.append(event_at)
    return rows


def _new_row(choice: Choice, number: int, event_at: datetime) -> Row:
    row: Row = {
        "source": "canonical",
        "event_id": f"e{choice.id_salt}-{number}",
        # A row needs somebody: without visitor it is a user's, from a shop's server perhaps.
        "visitor_id": choice.visitor,
        "user_id": choice.user if choice.visitor or choice.user not in (None, "null") else "7",
        "event_at": write_time(event_at, choice.written),
        "event_type": choice.event_type,
        "item_id": choice.item,
    }
    if choice.event_type == "login" and choice.user in (None, "null"):
        row["user_id"] = "8"
    if choice.event_type in ("add_to_cart", "remove_from_cart", "purchase"):
        row["quantity"] = choice.quantity
    if choice.event_type in ("add_to_cart", "purchase", "view_item"):
        row |= {"price": choice.price, "currency": choice.currency}
    if choice.event_type in ("add_to_cart", "remove_from_cart", "purchase", "view_item"):
        row["items"] = choice.items
    if choice.event_type in ("purchase", "refund"):
        row |= {"order_id": choice.order, "order_value": choice.order_value}
    return spelled(row, choice.spelled) if choice.spelled else row


def write_time(event_at: datetime, written: str) -> str:
    """An instant as sources write them: `iso` with Z, with an `offset`, `naive` or `epoch_us`."""
    if written == "offset":
        return f"{(event_at + timedelta(hours=2)).replace(tzinfo=None).isoformat()}+02:00"
    if written == "naive":
        return event_at.replace(tzinfo=None).isoformat(sep=" ")
    if written == "epoch_us":
        return str((event_at - datetime.fromtimestamp(0, event_at.tzinfo)) // MICROSECOND)
    return event_at.replace(tzinfo=None).isoformat() + "Z"


def random_log(seed: int, size: int, start: datetime = MONDAY, **pools: Sequence) -> list[Row]:
    """A log of `size` rows, the same for the same seed; `pools` replace some of `CHOICES`."""
    generator = random.Random(seed)
    # Few long gaps, so that a log has carts of many touches as well as dead ones.
    short = tuple(gap for gap in GAPS if gap <= timedelta(hours=1))
    own = {"gap": short * 4 + GAPS, "visitor": VISITORS[: generator.randint(1, 5)]}
    pools = CHOICES | own | pools
    lists, spellings = pools.pop("items"), pools.pop("spelled")
    # of their own, so that all else of a log is what it was without them
    list_generator = random.Random(f"items {seed}")
    spelling_generator = random.Random(f"spelled {seed}")
    rows = rows_from(
        [
            Choice(
                **{name: generator.choice(pool) for name, pool in pools.items()},
                items=list_generator.choice(lists),
                spelled=spelling_generator.choice(spellings),
            )
            for _ in range(size)
        ],
        start,
    )
    # a row that comes again is the same row
    return [row | {"country": _country(seed, row["event_id"])} for row in rows]


COUNTRIES = (*(None,) * 8, "DE", "germany", " fra ", "UK", "Atlantis", "\\N")


def _country(seed: int, event_id: str | None) -> str | None:
    return random.Random(f"country {seed} {event_id}").choice(COUNTRIES)


# Of the currencies of CURRENCIES and some that are none; rates that are any and some that are not.
RATE_CURRENCIES = ("USD", "USD", "USD", "usd", "EUR", "GBP", "???")
RATE_VALUES = ("0.9", "0.5", "1", "1.1234567", "0.000001", "1E-3", "0", "-1", "1000000", "much")


def random_rates(seed: int, around: datetime, size: int = 4) -> list[tuple[str, str, str]]:
    """Rates of exchange (date, currency, rate) on either side of an instant, and at it."""
    generator = random.Random(f"rates {seed}")
    return [
        (
            write_time(
                around + generator.choice((-1, 0, 1)) * generator.choice(GAPS),
                generator.choice(TIMES),
            ),
            generator.choice(RATE_CURRENCIES),
            generator.choice(RATE_VALUES),
        )
        for _ in range(generator.randint(0, size))
    ]


def choices(max_size: int = 25) -> st.SearchStrategy[list[Choice]]:
    """What `rows_from` makes up to `max_size` rows of; it shrinks to few rows of plain values."""
    choice = st.builds(Choice, **{name: st.sampled_from(pool) for name, pool in CHOICES.items()})
    return st.lists(choice, max_size=max_size)


SALE_COUNTRIES = ("", "", "", "DE", " Uk ", "fra", "Atlantis")


def random_sales(seed: int, around: datetime, size: int = 4) -> list[tuple[str, str, str, str]]:
    """Rows of a calendar (from, to, name, country) on either side of an instant, and at it; some
    are no sale."""
    generator = random.Random(f"sales {seed}")
    found = []
    for number in range(generator.randint(0, size)):
        starts_at = around + generator.choice((-1, 0, 1)) * generator.choice(GAPS)
        ends_at = starts_at + generator.choice((-1, 1, 1, 1)) * generator.choice(GAPS)
        as_days = generator.random() < 0.3
        times = [
            str(each.date()) if as_days else write_time(each, generator.choice(TIMES))
            for each in (starts_at, ends_at)
        ]
        found.append((*times, f"sale {number}", generator.choice(SALE_COUNTRIES)))
    return found
