"""The rules of events, sessions, carts and snapshots, in plain and slow Python.

Belongs here: what a delivered row becomes, and what follows from a list of events, written
straight from the rules as `dbt_project/docs/rules.md` states them, so that the SQL has something to
be compared with that shares no line of it. Does not belong here: SQL, DuckDB, hashed ids, features.
Sessions and carts are known here by (visitor, start), which is what the warehouse hashes.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cached_property
from zoneinfo import ZoneInfo

INACTIVITY = timedelta(minutes=30)
CART_LIFE = timedelta(days=30)
HORIZON = timedelta(hours=72)
SCORED_FOR = timedelta(days=7)
SNAPSHOT_OFFSETS = tuple(timedelta(hours=hours) for hours in (0, 0.5, 1, 4, 8, 24, 48, 72))
PASSIVE_TYPES = frozenset({"refund", "email_sent", "email_open"})
KNOWN_TYPES = PASSIVE_TYPES | {
    "page_view",
    "view_item",
    "view_item_list",
    "search",
    "add_to_wishlist",
    "add_to_cart",
    "remove_from_cart",
    "view_cart",
    "begin_checkout",
    "add_shipping_info",
    "add_payment_info",
    "purchase",
    "login",
    "sign_up",
}
BOT_EVENT_COUNT = 1000
BOT_DURATION = timedelta(hours=12)
CLOCK_SKEW = timedelta(minutes=5)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
UNKNOWN_ITEM = "(unknown)"
# Stands for the reporting currency that follows from a log.
FROM_LOG = "(from the log)"

RANKS = {
    "view_item": 1,
    "add_to_cart": 2,
    "remove_from_cart": 3,
    "begin_checkout": 4,
    "purchase": 5,
}
NOBODY = frozenset(
    {
        "null",
        "nil",
        "none",
        "nan",
        "n/a",
        "na",
        "undefined",
        "unknown",
        "(not set)",
        "(none)",
        "\\n",
        "anonymous",
        "guest",
        "[object object]",
        hashlib.sha256(b"").hexdigest(),
    }
)
NOT_GIVEN = NOBODY - {"nan", "anonymous", "guest", "[object object]"} | {"-", "--", ""}
NO_ITEM = frozenset({"", "null", "undefined", "none", "nan"})
BLANKS = "".join(
    chr(code)
    for code in range(0x10000)
    if chr(code).isspace() or code in (0x180E, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF)
)
QUOTES = "\"'`\u00ab\u00bb" + "".join(map(chr, range(0x2018, 0x2020)))
CANONICAL_COLUMNS = (
    "event_id",
    "visitor_id",
    "user_id",
    "event_at",
    "event_type",
    "item_id",
    "item_category",
    "item_brand",
    "quantity",
    "price",
    "currency",
    "order_id",
    "order_value",
    "page_url",
    "referrer",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "device_type",
    "country",
)

Row = Mapping[str, str | None]
"""A delivered row: `source` and any of CANONICAL_COLUMNS, as text; what is missing is null."""


# Rows ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """One accepted event; the columns that no rule reads are left out."""

    source: str
    event_id: str
    visitor_id: str
    user_id: str | None
    event_at: datetime
    event_type: str
    item_id: str | None = None
    quantity: int | None = None
    price: Decimal | None = None
    currency: str | None = None
    order_id: str | None = None
    order_value: Decimal | None = None

    @property
    def rank(self) -> tuple[datetime, int, str, str]:
        """Place in the order of events; ids are unique in a source, so the source breaks ties."""
        return (self.event_at, RANKS.get(self.event_type, 0), self.event_id, self.source)

    @property
    def is_add(self) -> bool:
        """Whether it puts anything into a cart."""
        return self.event_type == "add_to_cart" and (self.quantity is None or self.quantity > 0)

    @property
    def is_removal(self) -> bool:
        """Whether it takes anything out: a removal, or an add of less than nothing."""
        is_negative = self.quantity is not None and self.quantity < 0
        return (self.event_type == "add_to_cart" and is_negative) or (
            self.event_type == "remove_from_cart" and self.quantity != 0
        )


@dataclass(frozen=True)
class SetAside:
    """A row that was dropped, or kept with a field made null (`repaired`); row: its place."""

    row: int
    action: str
    reason: str


@dataclass(frozen=True)
class Cleaned:
    """What became of a list of rows: events by rule of order, remarks, and repeats."""

    events: list[Event]
    set_aside: list[SetAside]
    duplicate_count: int


class UnusableError(ValueError):
    """A row lacks something required; the message is the reason."""


def clean(
    rows: Sequence[Row], loaded_at: datetime, zones: Mapping[str, str] | None = None
) -> Cleaned:
    """Turn delivered rows into events; `zones` are the declared zones by source (default UTC)."""
    set_aside = []
    candidates: dict[tuple[str, str], list[tuple[datetime, str, Event]]] = {}
    for place, row in enumerate(rows):
        source = row["source"]
        try:
            event, repairs = _event(row, loaded_at, (zones or {}).get(source, "UTC"))
        except UnusableError as unusable:
            set_aside.append(SetAside(place, "dropped", str(unusable)))
            continue
        set_aside.extend(SetAside(place, "repaired", reason) for reason in repairs)
        told = (event.event_at, row_content(row), event)
        candidates.setdefault((event.source, event.event_id), []).append(told)
    events = [min(told, key=lambda one: one[:2])[2] for told in candidates.values()]
    told_count = sum(len(told) for told in candidates.values())
    return Cleaned(ranked(events), set_aside, told_count - len(events))


def is_suspect(rows: Sequence[Row], loaded_at: datetime) -> bool:
    """Whether a file with these rows says too little: more than half of them dropped, no type that
    is known, or more prices (or order values) unreadable than readable."""
    events = []
    for row in rows:
        try:
            events.append((row, _event(row, loaded_at, "UTC")[0]))
        except UnusableError:
            continue
    if 2 * len(events) < len(rows):
        return True
    if events and not any(event.event_type in KNOWN_TYPES for _, event in events):
        return True
    return any(
        sum(2 * (amount(row[name]) is None) - 1 for row, _ in events if row.get(name)) > 0
        for name in ("price", "order_value")
    )


def row_content(row: Row) -> str:
    """The row as delivered: a JSON array of its columns, compared as text."""
    columns = [row.get(column) for column in CANONICAL_COLUMNS]
    return json.dumps(columns, ensure_ascii=False, separators=(",", ":"))


def _event(row: Row, loaded_at: datetime, zone: str) -> tuple[Event, list[str]]:
    visitor_id, user_id = known_id(row.get("visitor_id")), known_id(row.get("user_id"))
    order_id, event_id = known_id(row.get("order_id")), known_id(row.get("event_id"))
    if is_rounded(visitor_id) or is_rounded(user_id):
        raise UnusableError("rounded_id")
    if visitor_id is None and user_id is None:
        raise UnusableError("no_identity")
    if is_rounded(order_id) or is_rounded(event_id):
        raise UnusableError("rounded_id")
    event_at = parse_time(row.get("event_at"), zone)
    if event_at is None:
        raise UnusableError("bad_time")
    if event_at < EARLIEST or event_at > loaded_at + CLOCK_SKEW:
        raise UnusableError("implausible_time")
    if not row.get("event_type"):
        raise UnusableError("no_event_type")
    optional = {
        "quantity": whole_quantity(row.get("quantity")),
        "price": amount(row.get("price")),
        "currency": known_currency(row.get("currency")),
    }
    repairs = [
        f"bad_{name}"
        for name, value in optional.items()
        if row.get(name) and value is None and row[name].strip(" ").lower() not in NOT_GIVEN
    ]
    event = Event(
        source=row["source"],
        event_id=event_id or hashlib.sha256(row_content(row).encode()).hexdigest(),
        visitor_id=visitor_id or f"user:{user_id}",
        user_id=user_id,
        event_at=event_at,
        event_type=row["event_type"],
        item_id=known_item(row.get("item_id")),
        order_id=order_id,
        order_value=amount(row.get("order_value")),
        **optional,
    )
    return event, repairs


def known_id(text: str | None) -> str | None:
    """The id of a visitor, user, order or event, or null where it means nobody."""
    return None if text is None or means_nobody(text) else whole_number(text.strip(BLANKS))


def known_item(text: str | None) -> str | None:
    """The id of an item, which may be 0, or null where it means none."""
    is_none = text is None or text.strip(" ").lower() in NO_ITEM
    return None if is_none else whole_number(text.strip(" "))


def means_nobody(text: str) -> bool:
    """Placeholders, in quotes or repeated, and what has nothing but zeros and signs."""
    if not text.strip(BLANKS + QUOTES + "{}0-"):
        return True
    parts = [part.strip(BLANKS + QUOTES).lower() for part in text.split("-")]
    return all(part in NOBODY or re.fullmatch(r"0*(\.0+)?", part) for part in parts)


def whole_number(id_: str) -> str:
    """An id that is a whole number written as a float, as that number; others as they are."""
    if is_rounded(id_) or not re.fullmatch(r"-?\d+\.\d*|" + EXPONENT, id_, re.ASCII):
        return id_
    number = Decimal(id_)
    return str(int(number)) if number == int(number) and abs(number) < 10**15 else id_


EXPONENT = r"-?\d(?:\.\d+[eE]\+?|[eE]\+)\d{1,3}"


def is_rounded(id_: str | None) -> bool:
    """Whether an id is a float that shows fewer digits than it had, or had more than 15."""
    if id_ is None:
        return False
    if re.fullmatch(EXPONENT, id_, re.ASCII):
        mantissa, exponent = re.split("[eE]", id_)
        return int(exponent) > min(len(mantissa.partition(".")[2]), 14)
    return re.fullmatch(r"-?\d{16,}\.0*", id_, re.ASCII) is not None


def parse_time(text: str | None, zone: str) -> datetime | None:
    """An instant in UTC from ISO 8601 or an epoch in s, ms, us or ns; null if it is neither."""
    text = (text or "").strip(" ")
    if re.fullmatch(r"\d(\.\d+)?[eE]\+?\d{1,2}", text, re.ASCII):
        mantissa, exponent = re.split("[eE]", text)
        has_all_digits = len(mantissa.partition(".")[2]) >= int(exponent)
        text = f"{Decimal(text):f}" if has_all_digits else ""
    if re.fullmatch(r"\d{1,20}(\.\d*)?", text, re.ASCII):
        number = Decimal(text)
        # Seconds of 11 digits begin in the year 5138, milliseconds of 11 digits end in 1973.
        per_second = next(10**power for power in (0, 3, 6, 9) if number < 10 ** (11 + power))
        microseconds = int(number * 10**6 // per_second)
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    found = re.fullmatch(
        r"(\d{4}-?\d\d-?\d\d(?:[Tt ]\d\d:?\d\d(?::?\d\d)?)?)(?:[.,](\d+))?"
        r"(?:\s*([zZ]|UTC|GMT)|\s*([+-])(\d\d):?(\d\d)?(?:\s*(?:UTC|GMT))?)?",
        text,
        re.ASCII,
    )
    if found is None:
        return None
    clock, fraction, is_utc, sign, hours, minutes = found.groups()
    try:
        instant = datetime.fromisoformat(clock.upper())
    except ValueError:
        return None
    instant += timedelta(microseconds=int((fraction or "0").ljust(6, "0")[:6]))
    if sign is None:
        # Of two instants at which clocks showed it, the first: that is what fold=0 means.
        return instant.replace(tzinfo=UTC if is_utc else ZoneInfo(zone)).astimezone(UTC)
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    if offset > timedelta(hours=14) or int(minutes or 0) > 59:
        return None
    return instant.replace(tzinfo=UTC) - (offset if sign == "+" else -offset)


def whole_quantity(text: str | None) -> int | None:
    """A whole number, else null; 0 and less mean something in a cart."""
    is_whole = text and re.fullmatch(r"-?\d{1,10}(\.0*)?", text, re.ASCII)
    return int(Decimal(text)) if is_whole else None


def amount(text: str | None) -> Decimal | None:
    """A number of at least 0, else null."""
    try:
        value = Decimal(text) if text else None
    except InvalidOperation:
        return None
    return value if value is not None and value.is_finite() and value >= 0 else None


def known_currency(text: str | None) -> str | None:
    """A code out of ISO 4217, else null; only the codes that the tests use are known here."""
    code = (text or "").strip(BLANKS).upper()
    return code if code in {"EUR", "USD", "GBP", "JPY"} else None


# Money --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rate:
    """What one unit of a currency is worth in the reporting currency, from a time on."""

    valid_from: datetime
    currency: str
    rate: Decimal


def clean_rates(delivered: Iterable[tuple[str, str, str]]) -> tuple[Rate, ...]:
    """Delivered rates (date, currency, rate) that are any; of two of one time the lower."""
    found: dict[tuple[datetime, str], Decimal] = {}
    for date, code, text in delivered:
        valid_from, currency, rate = parse_time(date, "UTC"), known_currency(code), amount(text)
        if valid_from is None or currency is None or not rate or rate >= 10**6:
            continue
        key = (valid_from, currency)
        found[key] = min(rate, found.get(key, rate))
    return tuple(Rate(*key, rate) for key, rate in found.items())


Amounts = Mapping[str | None, Decimal]
"""Sums by currency; null where none is named."""


# Events -------------------------------------------------------------------------------------


def ranked(events: Iterable[Event]) -> list[Event]:
    """The events by rule of order, whatever order they arrived in."""
    return sorted(events, key=lambda event: event.rank)


@dataclass(frozen=True)
class Session:
    """A visitor's active events between two gaps; `owner_id` is the owner at the last of them."""

    visitor_id: str
    owner_id: str | None
    events: tuple[Event, ...]

    @property
    def started_at(self) -> datetime:
        return self.events[0].event_at

    @property
    def ended_at(self) -> datetime:
        return self.events[-1].event_at

    @property
    def is_suspected_bot(self) -> bool:
        return len(self.events) > BOT_EVENT_COUNT or self.ended_at - self.started_at > BOT_DURATION

    def count(self, event_type: str) -> int:
        return sum(event.event_type == event_type for event in self.events)


@dataclass(frozen=True)
class Order:
    """An order where it was first told; `owners` are all visitors' owners at that event."""

    event: Event
    value: Decimal | None
    currency: str | None
    amounts: Amounts
    owners: Mapping[str, str | None]

    def is_by(self, visitor_id: str) -> bool:
        """Whether the visitor placed it, or someone who then had the same owner."""
        owner = self.owners.get(visitor_id)
        return self.event.visitor_id == visitor_id or (
            owner is not None and owner == self.owners.get(self.event.visitor_id)
        )


@dataclass
class Line:
    """An item in a cart in its present life: an item that left and came back is a new line."""

    quantity: int = 0
    unit_price: Decimal | None = None
    currency: str | None = None


@dataclass
class Cart:
    """A basket from the add that filled it; `touches` are the times of its adds and removes."""

    visitor_id: str
    touches: list[datetime] = field(default_factory=list)
    lines: dict[str, Line] = field(default_factory=dict)
    add_count: int = 0
    remove_count: int = 0
    status: str = "open"
    closed_at: datetime | None = None
    order: Order | None = None
    owner_id: str | None = None
    priced_in: set[str] = field(default_factory=set)

    @property
    def started_at(self) -> datetime:
        return self.touches[0]

    @property
    def last_touched_at(self) -> datetime:
        return self.touches[-1]

    @property
    def converted_elsewhere(self) -> bool:
        return self.order is not None and self.order.event.visitor_id != self.visitor_id

    @property
    def value(self) -> Decimal | None:
        if not self.lines:
            return Decimal(0)
        # money of two currencies is not added
        return next(iter(self.amounts.values())) if len(self.amounts) == 1 else None

    @property
    def amounts(self) -> Amounts:
        """What its priced lines come to, by currency."""
        found: dict[str | None, Decimal] = {}
        for line in self.lines.values():
            if line.unit_price is not None:
                amount_ = line.quantity * line.unit_price
                found[line.currency] = found.get(line.currency, Decimal(0)) + amount_
        return found

    @property
    def currencies(self) -> set[str | None]:
        """Currencies of the priced lines; a price without currency is in one of its own."""
        return {line.currency for line in self.lines.values() if line.unit_price is not None}

    @property
    def currency(self) -> str | None:
        return next(iter(self.currencies)) if len(self.currencies) == 1 else None

    @property
    def is_value_complete(self) -> bool:
        is_priced = all(line.unit_price is not None for line in self.lines.values())
        return is_priced and len(self.currencies) <= 1

    def add(self, event: Event) -> None:
        self.touches.append(event.event_at)
        self.add_count += 1
        line = self.lines.setdefault(event.item_id or UNKNOWN_ITEM, Line())
        line.quantity += 1 if event.quantity is None else event.quantity
        if event.price is not None:
            line.unit_price, line.currency = event.price, event.currency
            self.priced_in.update({event.currency} - {None})

    def remove(self, event: Event) -> None:
        self.touches.append(event.event_at)
        self.remove_count += 1
        item = event.item_id or (UNKNOWN_ITEM if event.event_type == "add_to_cart" else None)
        if item is None:
            self.lines.clear()
        elif item in self.lines:
            line = self.lines[item]
            line.quantity -= line.quantity if event.quantity is None else abs(event.quantity)
            if line.quantity <= 0:
                del self.lines[item]
        if not self.lines:
            self.close("emptied", event.event_at)

    def close(self, status: str, at: datetime, order: Order | None = None) -> None:
        self.status, self.closed_at, self.order = status, at, order


@dataclass(frozen=True)
class Snapshot:
    """A cart as the log up to `as_of` tells it; `session_ended_at` is as known then."""

    cart: Cart
    as_of: datetime
    session_ended_at: datetime
    converts_within_horizon: bool | None


@dataclass(frozen=True)
class Return:
    """How long a session's visitor stayed away, or has been away at the end of the log."""

    session: Session
    duration: timedelta
    is_returned: bool


@dataclass(frozen=True)
class Log:
    """Everything that follows from a list of events, and from rates.

    `currency` is the reporting currency where logs are read together; else it follows from this.
    """

    events: list[Event]
    rates: tuple[Rate, ...] = ()
    currency: str | None = field(default=FROM_LOG)

    @cached_property
    def ranked(self) -> list[Event]:
        return ranked(self.events)

    @property
    def newest_at(self) -> datetime:
        """Of all events, passive ones too: it says how far the log reaches."""
        return self.ranked[-1].event_at

    def cut(self, as_of: datetime) -> "Log":
        """The log as it stood at an instant, events at that very instant included."""
        return Log(
            [event for event in self.events if event.event_at <= as_of],
            tuple(rate for rate in self.rates if rate.valid_from <= as_of),
        )

    @cached_property
    def reporting_currency(self) -> str | None:
        """The commonest of orders, else of carts; after them those that rates are of."""
        if self.currency != FROM_LOG:
            return self.currency
        rated = {rate.currency for rate in self.rates if rate.rate != 1}
        of_orders = Counter(order.currency for order in self.orders if order.currency)
        of_carts: Counter[str] = Counter()
        if not of_orders.keys() - rated:
            of_carts.update(code for cart in self.carts for code in cart.priced_in)
        found = [(code in rated, 0, -count, code) for code, count in of_orders.items()]
        found += [(code in rated, 1, -count, code) for code, count in of_carts.items()]
        return min(found)[-1] if found else None

    def base(self, amounts: Amounts, instant: datetime) -> Decimal | None:
        """Amounts in the reporting currency at an instant; null without any, or without a rate."""
        exchanged = []
        for currency, own in amounts.items():
            if currency in (None, self.reporting_currency):
                exchanged.append(own)
                continue
            known = [r for r in self.rates if r.currency == currency and r.valid_from <= instant]
            if not known:
                return None
            rate = max(known, key=lambda each: each.valid_from).rate
            exchanged.append((own * rate).quantize(Decimal("0.0001"), ROUND_HALF_UP))
        return _total(exchanged)

    def cart_base(self, cart: Cart, instant: datetime) -> Decimal | None:
        return self.base(cart.amounts, instant) if cart.lines else Decimal(0)

    @cached_property
    def owners(self) -> list[str | None]:
        """The owner of each event in `ranked`; passive events tell owners too."""
        last: dict[str, str | None] = {}
        found = []
        for event in self.ranked:
            last[event.visitor_id] = event.user_id or last.get(event.visitor_id)
            found.append(last[event.visitor_id])
        return found

    @cached_property
    def sessions(self) -> list[Session]:
        """By visitor and start. Passive events are in no session and are counted in none."""
        runs: dict[str, list[list[tuple[Event, str | None]]]] = {}
        for event, owner in zip(self.ranked, self.owners, strict=True):
            if event.event_type in PASSIVE_TYPES:
                continue
            visits = runs.setdefault(event.visitor_id, [])
            if not visits or event.event_at - visits[-1][-1][0].event_at > INACTIVITY:
                visits.append([])
            visits[-1].append((event, owner))
        return [
            Session(visitor, visit[-1][1], tuple(event for event, _ in visit))
            for visitor, visits in sorted(runs.items())
            for visit in visits
        ]

    @cached_property
    def orders(self) -> list[Order]:
        """By rule of order of the purchase that first tells of them."""
        found: dict[tuple, Order] = {}
        owners: dict[str, str | None] = {}
        for event, owner in zip(self.ranked, self.owners, strict=True):
            owners[event.visitor_id] = owner
            if event.event_type == "purchase":
                name = _order_name(event)
                found.setdefault(name, Order(event, *self._order_money(event), dict(owners)))
        return list(found.values())

    def _order_money(self, first: Event) -> tuple[Decimal | None, str | None, Amounts]:
        """Value, currency and amounts told by the order's event, else those of its rows: same
        visitor, same time. Rows of several currencies have no value together."""
        if first.order_value is not None:
            amounts = {first.currency: first.order_value}
            return first.order_value, first.currency, amounts
        rows = [
            event
            for event in self.events
            if event.event_type == "purchase"
            and _order_name(event) == _order_name(first)
            and (event.visitor_id, event.event_at) == (first.visitor_id, first.event_at)
        ]
        units = {row: 1 if row.quantity is None else max(row.quantity, 0) for row in rows}
        amounts = {}
        for row in rows:
            if row.price is not None:
                own = amounts.get(row.currency, Decimal(0))
                amounts[row.currency] = own + units[row] * row.price
        if len(amounts) != 1:
            return None, None, amounts
        [(currency, value)] = amounts.items()
        return value, currency, amounts

    @cached_property
    def carts(self) -> list[Cart]:
        """By visitor and start."""
        orders = {order.event: order for order in self.orders}
        owners: dict[str, str | None] = {}
        baskets: dict[str, Cart] = {}
        closed: list[Cart] = []

        def settle() -> None:
            for cart in [cart for cart in baskets.values() if cart.closed_at is not None]:
                cart.owner_id = owners[cart.visitor_id]
                closed.append(baskets.pop(cart.visitor_id))

        for event, owner in zip(self.ranked, self.owners, strict=True):
            # Before the owner is noted: what closes by itself does so without this event.
            for cart in baskets.values():
                if event.event_at > cart.last_touched_at + CART_LIFE:
                    cart.close("expired", cart.last_touched_at + CART_LIFE)
            settle()
            owners[event.visitor_id] = owner
            if event.is_add:
                baskets.setdefault(event.visitor_id, Cart(event.visitor_id)).add(event)
            elif event.is_removal and event.visitor_id in baskets:
                baskets[event.visitor_id].remove(event)
            elif order := orders.get(event):
                for cart in baskets.values():
                    if order.is_by(cart.visitor_id):
                        cart.close("converted", event.event_at, order)
            settle()
        for cart in baskets.values():
            cart.owner_id = owners[cart.visitor_id]
        everything = closed + list(baskets.values())
        return sorted(everything, key=lambda cart: (cart.visitor_id, cart.started_at))

    def sessions_of(self, visitor_id: str) -> list[Session]:
        return [session for session in self.sessions if session.visitor_id == visitor_id]

    def carts_of(self, visitor_id: str) -> list[Cart]:
        return [cart for cart in self.carts if cart.visitor_id == visitor_id]

    def session_of(self, cart: Cart) -> Session:
        """The session in which the cart began."""
        return next(
            session
            for session in self.sessions_of(cart.visitor_id)
            if session.started_at <= cart.started_at <= session.ended_at
        )

    def abandoned_at(self, cart: Cart) -> datetime | None:
        for session in self.sessions_of(cart.visitor_id):
            left_at = session.ended_at + INACTIVITY
            if (
                session.ended_at >= cart.started_at
                and (cart.closed_at is None or cart.closed_at > left_at)
                and self.newest_at >= left_at
            ):
                return left_at
        return None

    def is_recovered(self, cart: Cart) -> bool:
        abandoned_at = self.abandoned_at(cart)
        return (
            cart.status == "converted"
            and abandoned_at is not None
            and cart.closed_at > abandoned_at
        )

    def has_cart(self, session: Session) -> bool:
        return any(
            cart.started_at <= session.ended_at
            and (cart.closed_at is None or cart.closed_at >= session.started_at)
            for cart in self.carts_of(session.visitor_id)
        )

    def is_cart_abandoned(self, session: Session) -> bool:
        return any(
            cart.started_at <= session.ended_at
            and (
                cart.closed_at is None
                or cart.closed_at > session.ended_at
                # At exactly 30 days a cart still lives.
                or (cart.status == "expired" and cart.closed_at == session.ended_at)
            )
            for cart in self.carts_of(session.visitor_id)
        )

    def orders_in(self, session: Session) -> list[Order]:
        return [order for order in self.orders if order.event in session.events]

    def converts_within_horizon(self, visitor_id: str, as_of: datetime) -> bool | None:
        if any(
            as_of < order.event.event_at <= as_of + HORIZON and order.is_by(visitor_id)
            for order in self.orders
        ):
            return True
        # A log that ends at the horizon itself may still be told of an order at that instant.
        return False if self.newest_at > as_of + HORIZON else None

    def _snapshot(self, cart: Cart, as_of: datetime) -> Snapshot:
        known = self.cut(as_of)
        then = next(one for one in known.carts_of(cart.visitor_id) if one.closed_at is None)
        return Snapshot(
            cart=then,
            as_of=as_of,
            session_ended_at=known.sessions_of(cart.visitor_id)[-1].ended_at,
            converts_within_horizon=self.converts_within_horizon(cart.visitor_id, as_of),
        )

    @cached_property
    def training_snapshots(self) -> list[Snapshot]:
        """Every cart at every offset after each touch, as long as nothing came in between.

        Touches at one instant are one.
        """
        found = []
        for cart in self.carts:
            touches = sorted(set(cart.touches))
            for touched_at, next_at in zip(touches, [*touches[1:], None], strict=True):
                for as_of in (touched_at + offset for offset in SNAPSHOT_OFFSETS):
                    if (
                        (next_at is None or next_at > as_of)
                        and self._is_open_at(cart, as_of)
                        and self.newest_at >= as_of
                    ):
                        found.append(self._snapshot(cart, as_of))
        return found

    def _is_open_at(self, cart: Cart, as_of: datetime) -> bool:
        """At the very instant at which a cart expires it is open."""
        return (
            cart.closed_at is None
            or cart.closed_at > as_of
            or (cart.status == "expired" and cart.closed_at == as_of)
        )

    def scoring_snapshots(self, as_of: datetime) -> list[Snapshot]:
        """Every cart open at `as_of` that was touched in the last 7 days; the log ends by then."""
        return [
            self._snapshot(cart, as_of)
            for cart in self.carts
            if cart.closed_at is None and cart.last_touched_at >= as_of - min(SCORED_FOR, CART_LIFE)
        ]

    @cached_property
    def returns(self) -> list[Return]:
        """One a session; a duration of 0 (the log ends with the session) teaches nothing."""
        found = []
        for session in self.sessions:
            next_starts = [
                other.started_at
                for other in self.sessions
                if other.started_at > session.ended_at
                and (
                    other.visitor_id == session.visitor_id
                    or (other.owner_id is not None and other.owner_id == session.owner_id)
                )
            ]
            until = min(next_starts, default=self.newest_at)
            found.append(Return(session, until - session.ended_at, bool(next_starts)))
        return found


def _order_name(event: Event) -> tuple:
    """What makes purchases one order; ids of orders are one namespace over all sources."""
    if event.order_id is not None:
        return ("id", event.order_id)
    return ("time", event.visitor_id, event.event_at)


def _total(values: Iterable[Decimal]) -> Decimal | None:
    """Their sum; null, not 0, where there is none."""
    found = list(values)
    return sum(found, Decimal(0)) if found else None


# Tables -------------------------------------------------------------------------------------


def tables(
    events: list[Event],
    as_of: datetime,
    rates: tuple[Rate, ...] = (),
    currencies: tuple[str | None, str | None] = (FROM_LOG, FROM_LOG),
) -> dict[str, list[dict]]:
    """The warehouse's tables as rows, with (visitor, start) where the warehouse has hashed ids.

    `as_of` is the run's hour: what is learned from and what is scored is of the log cut there,
    the other tables are of the whole log. `currencies` are the reporting currencies of the two,
    where they do not follow from these events alone.
    """
    log = Log(events, rates, currencies[0])
    known = replace(log.cut(as_of), currency=currencies[1])
    return {name: rows(log, as_of) for name, rows in LOG_TABLES.items()} | {
        name: rows(known, as_of) for name, rows in MODEL_TABLES.items()
    }


def _event_rows(log: Log, _: datetime) -> list[dict]:
    columns = tuple(Event.__dataclass_fields__)
    return [
        {column: getattr(event, column) for column in columns} | {"owner_id": owner}
        for event, owner in zip(log.ranked, log.owners, strict=True)
    ]


def _order_rows(log: Log, _: datetime) -> list[dict]:
    return [
        {
            "visitor_id": order.event.visitor_id,
            "ordered_at": order.event.event_at,
            "order_id": order.event.order_id,
            "order_value": order.value,
            "currency": order.currency,
            "order_value_base": log.base(order.amounts, order.event.event_at),
        }
        for order in log.orders
    ]


def _session_rows(log: Log, _: datetime) -> list[dict]:
    return [
        {
            "visitor_id": session.visitor_id,
            "started_at": session.started_at,
            "ended_at": session.ended_at,
            "owner_id": session.owner_id,
            "event_count": len(session.events),
            "view_count": session.count("view_item"),
            "add_count": session.count("add_to_cart"),
            "remove_count": session.count("remove_from_cart"),
            "checkout_count": session.count("begin_checkout"),
            "order_count": len(log.orders_in(session)),
            # An order of unknown value adds nothing, and no order is worth 0.
            "order_value": _total(
                value
                for order in log.orders_in(session)
                if (value := log.base(order.amounts, order.event.event_at)) is not None
            )
            or Decimal(0),
            "has_cart": log.has_cart(session),
            "is_cart_abandoned": log.is_cart_abandoned(session),
            "is_suspected_bot": session.is_suspected_bot,
        }
        for session in log.sessions
    ]


def _cart_rows(log: Log, _: datetime) -> list[dict]:
    return [
        {
            "visitor_id": cart.visitor_id,
            "started_at": cart.started_at,
            "session_started_at": log.session_of(cart).started_at,
            "owner_id": cart.owner_id,
            "last_touched_at": cart.last_touched_at,
            "status": cart.status,
            "closed_at": cart.closed_at,
            "order_id": cart.order.event.order_id if cart.order else None,
            "converted_elsewhere": cart.converted_elsewhere,
            "item_quantity": sum(line.quantity for line in cart.lines.values()),
            "line_count": len(cart.lines),
            "cart_value": cart.value,
            "currency": cart.currency,
            "cart_value_base": log.cart_base(cart, cart.closed_at or cart.last_touched_at),
            "is_value_complete": cart.is_value_complete,
            "add_count": cart.add_count,
            "remove_count": cart.remove_count,
            "abandoned_at": log.abandoned_at(cart),
            "is_recovered": log.is_recovered(cart),
        }
        for cart in log.carts
    ]


def _cart_line_rows(log: Log, _: datetime) -> list[dict]:
    return [
        {
            "visitor_id": cart.visitor_id,
            "cart_started_at": cart.started_at,
            "item_id": item_id,
            "quantity": line.quantity,
            "unit_price": line.unit_price,
        }
        for cart in log.carts
        for item_id, line in sorted(cart.lines.items())
    ]


def _snapshot_row(log: Log, snapshot: Snapshot) -> dict:
    return {
        "visitor_id": snapshot.cart.visitor_id,
        "cart_started_at": snapshot.cart.started_at,
        "as_of": snapshot.as_of,
        "owner_id": snapshot.cart.owner_id,
        "last_touched_at": snapshot.cart.last_touched_at,
        "session_ended_at": snapshot.session_ended_at,
        "cart_value": snapshot.cart.value,
        "currency": snapshot.cart.currency,
        "cart_value_base": log.cart_base(snapshot.cart, snapshot.as_of),
    }


def _training_snapshot_rows(log: Log, _: datetime) -> list[dict]:
    return [
        _snapshot_row(log, snapshot) | {"converts_within_horizon": snapshot.converts_within_horizon}
        for snapshot in log.training_snapshots
    ]


def _scoring_snapshot_rows(log: Log, as_of: datetime) -> list[dict]:
    return [_snapshot_row(log, snapshot) for snapshot in log.scoring_snapshots(as_of)]


def _training_return_rows(log: Log, _: datetime) -> list[dict]:
    return [
        {
            "visitor_id": away.session.visitor_id,
            "session_started_at": away.session.started_at,
            "owner_id": away.session.owner_id,
            "ended_at": away.session.ended_at,
            "duration_hours": away.duration / timedelta(hours=1),
            "is_returned": away.is_returned,
        }
        for away in log.returns
        if away.duration > timedelta(0) and not away.session.is_suspected_bot
    ]


def _scoring_return_rows(log: Log, as_of: datetime) -> list[dict]:
    return [
        {
            "visitor_id": snapshot.cart.visitor_id,
            "cart_started_at": snapshot.cart.started_at,
            "owner_id": snapshot.cart.owner_id,
            "ended_at": snapshot.session_ended_at,
            "elapsed_hours": (as_of - snapshot.session_ended_at) / timedelta(hours=1),
        }
        for snapshot in log.scoring_snapshots(as_of)
    ]


LOG_TABLES = {
    "events": _event_rows,
    "orders": _order_rows,
    "sessions": _session_rows,
    "carts": _cart_rows,
    "cart_lines": _cart_line_rows,
}
MODEL_TABLES = {
    "training_snapshots": _training_snapshot_rows,
    "scoring_snapshots": _scoring_snapshot_rows,
    "training_returns": _training_return_rows,
    "scoring_returns": _scoring_return_rows,
}
