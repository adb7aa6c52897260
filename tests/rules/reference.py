"""The rules of events, sessions, carts and snapshots, in plain and slow Python.

Belongs here: what a delivered row becomes, and what follows from a list of events, written
straight from the rules as `dbt_project/docs/rules.md` states them, so that the SQL has something to
be compared with that shares no line of it. Does not belong here: SQL, DuckDB, hashed ids, features.
Sessions and carts are known here by (visitor, start), which is what the warehouse hashes.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property

from .reference_fields import (
    NOT_GIVEN,
    amount,
    is_rounded,
    known_currency,
    known_id,
    known_item,
    parse_time,
    whole_quantity,
)
from .reference_items import (
    UNKNOWN_ITEM,
    Item,
    amounts_of,
    bought,
    described_items,
    items_of,
    lines_value,
    listed_items,
    order_lines,
)

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
# Stands for the reporting currency that follows from a log.
FROM_LOG = "(from the log)"

RANKS = {
    "view_item": 1,
    "add_to_cart": 2,
    "remove_from_cart": 3,
    "begin_checkout": 4,
    "purchase": 5,
}
REPAIRS = ("bad_quantity", "bad_price", "bad_currency", "bad_order_value", "bad_items")
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
    "items",
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
    item_category: str | None = None
    item_brand: str | None = None
    items: tuple[Item, ...] | None = None

    @property
    def own_items(self) -> tuple[Item, ...]:
        """The items of the list that came with it, else its own one."""
        return items_of(self)

    @property
    def rank(self) -> tuple[datetime, int, str, str]:
        """Place in the order of events; ids are unique in a source, so the source breaks ties."""
        return (self.event_at, RANKS.get(self.event_type, 0), self.event_id, self.source)

    @property
    def is_add(self) -> bool:
        """Whether it puts anything into a cart."""
        return self.event_type == "add_to_cart" and any(item.units > 0 for item in self.own_items)

    @property
    def is_removal(self) -> bool:
        """Whether it takes anything out: a removal, or an add of nothing but less than nothing."""
        is_cart_event = self.event_type in ("add_to_cart", "remove_from_cart")
        return (
            is_cart_event and not self.is_add and any(item.quantity != 0 for item in self.own_items)
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
        copy = (event.event_at, row_content(row), event)
        candidates.setdefault((event.source, event.event_id), []).append(copy)
    events = [min(copies, key=lambda one: one[:2])[2] for copies in candidates.values()]
    copy_count = sum(len(copies) for copies in candidates.values())
    return Cleaned(ranked(events), set_aside, copy_count - len(events))


def is_suspect(rows: Sequence[Row], loaded_at: datetime) -> bool:
    """Whether a file with these rows says too little: more than half of them dropped, no type that
    is known, or more prices (or order values) unreadable than readable."""
    events = []
    for row in rows:
        try:
            events.append((row, *_event(row, loaded_at, "UTC")))
        except UnusableError:
            continue
    if 2 * len(events) < len(rows):
        return True
    if events and not any(event.event_type in KNOWN_TYPES for _, event, _ in events):
        return True
    bad_prices = sum("bad_price" in repairs for _, _, repairs in events)
    read_prices = sum(
        any(price is not None for price in (event.price, *(i.price for i in event.items or ())))
        for _, event, _ in events
    )
    values = [amount(row["order_value"]) for row, _, _ in events if row.get("order_value")]
    return bad_prices > read_prices or 2 * values.count(None) > len(values)


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
    listed = listed_items(row.get("items"))
    repairs = {
        f"bad_{name}"
        for name, value in optional.items()
        if row.get(name) and value is None and row[name].strip(" ").lower() not in NOT_GIVEN
    } | {reason for item in listed.items for reason in item.repairs}
    if listed.is_bad and row["items"].strip(" ").lower() not in NOT_GIVEN:
        repairs.add("bad_items")
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
        item_category=row.get("item_category") or None,
        item_brand=row.get("item_brand") or None,
        items=tuple(listed.items) or None,
        **optional,
    )
    return event, [name for name in REPAIRS if name in repairs]


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
    for written, code, text in delivered:
        valid_from, currency, rate = parse_time(written, "UTC"), known_currency(code), amount(text)
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
    """An order where it was first reported; `owners` are all visitors' owners at that event."""

    event: Event
    value: Decimal | None
    currency: str | None
    lines: tuple[Item, ...]
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

    def is_taken_by(self, order: Order) -> bool:
        """Whether the order took it, of its own visitor."""
        return self.order is order and not self.converted_elsewhere

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

    def touch(self, event: Event, owner_id: str | None) -> None:
        """Take an event's items in their order; the event counts once, as an add if it adds."""
        self.touches.append(event.event_at)
        self.owner_id = owner_id
        if event.is_add:
            self.add_count += 1
        else:
            self.remove_count += 1
        for item in event.own_items:
            if event.event_type == "add_to_cart" and item.units > 0:
                self._add(item)
            elif item.quantity != 0:
                self._remove(item, is_add_event=event.event_type == "add_to_cart")

    def _add(self, item: Item) -> None:
        line = self.lines.setdefault(item.item_id or UNKNOWN_ITEM, Line())
        line.quantity += item.units
        if item.price is not None:
            line.unit_price, line.currency = item.price, item.currency
            self.priced_in.update({item.currency} - {None})

    def _remove(self, item: Item, *, is_add_event: bool) -> None:
        item_id = item.item_id or (UNKNOWN_ITEM if is_add_event else None)
        if item_id is None:
            self.lines.clear()
        elif item_id in self.lines:
            line = self.lines[item_id]
            line.quantity -= line.quantity if item.quantity is None else abs(item.quantity)
            if line.quantity <= 0:
                del self.lines[item_id]

    def close(self, status: str, at: datetime, order: Order | None = None) -> None:
        self.status, self.closed_at, self.order = status, at, order


@dataclass(frozen=True)
class Snapshot:
    """A cart by the log up to `as_of`; `session_ended_at` is as known then."""

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
        """The owner of each event in `ranked`; passive events name owners too."""
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
        """By rule of order of the purchase that first reports them."""
        found: dict[tuple, Order] = {}
        owners: dict[str, str | None] = {}
        for event, owner in zip(self.ranked, self.owners, strict=True):
            owners[event.visitor_id] = owner
            if event.event_type == "purchase":
                name = _order_name(event)
                if name not in found:
                    found[name] = self._order(event, dict(owners))
        return list(found.values())

    def _order(self, first: Event, owners: dict[str, str | None]) -> Order:
        """What an order comes to by its rows: those of the same visitor and time as its event."""
        lines = order_lines(
            event
            for event in self.ranked
            if event.event_type == "purchase"
            and _order_name(event) == _order_name(first)
            and (event.visitor_id, event.event_at) == (first.visitor_id, first.event_at)
        )
        value, currency = lines_value(lines)
        if first.order_value is not None:
            value, currency = first.order_value, first.currency or currency
        amounts = amounts_of(bought(lines)) if value is None else {currency: value}
        return Order(first, value, currency, bought(lines), amounts, owners)

    @cached_property
    def carts(self) -> list[Cart]:
        """By visitor and start."""
        orders = {order.event: order for order in self.orders}
        owners: dict[str, str | None] = {}
        baskets: dict[str, Cart] = {}
        closed: list[Cart] = []

        def settle() -> None:
            for cart in [cart for cart in baskets.values() if cart.closed_at is not None]:
                if cart.status != "emptied":
                    cart.owner_id = owners[cart.visitor_id]
                closed.append(baskets.pop(cart.visitor_id))

        for event, owner in zip(self.ranked, self.owners, strict=True):
            # Before the owner is noted: what closes by itself does so without this event.
            for cart in baskets.values():
                if not cart.lines and event.event_at > cart.last_touched_at:
                    cart.close("emptied", cart.last_touched_at)
                elif event.event_at > cart.last_touched_at + CART_LIFE:
                    cart.close("expired", cart.last_touched_at + CART_LIFE)
            settle()
            owners[event.visitor_id] = owner
            if event.is_add:
                baskets.setdefault(event.visitor_id, Cart(event.visitor_id)).touch(event, owner)
            elif event.is_removal:
                cart = baskets.get(event.visitor_id)
                if cart is not None and cart.lines:
                    cart.touch(event, owner)
            elif order := orders.get(event):
                for cart in baskets.values():
                    if cart.lines and order.is_by(cart.visitor_id):
                        cart.close("converted", event.event_at, order)
            settle()
        for cart in baskets.values():
            if cart.lines:
                cart.owner_id = owners[cart.visitor_id]
            else:
                cart.close("emptied", cart.last_touched_at)
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

    def refunded(self, order: Order) -> Decimal | None:
        """What refunds of its id gave back, in its currency or in none."""
        given = [
            event.order_value
            for event in self.events
            if event.event_type == "refund"
            and event.order_value is not None
            and event.order_id is not None
            and event.order_id == order.event.order_id
            and (event.currency or order.currency) == order.currency
        ]
        return sum(given, Decimal(0)) if given else None

    def orders_in(self, session: Session) -> list[Order]:
        return [order for order in self.orders if order.event in session.events]

    def converts_within_horizon(self, visitor_id: str, as_of: datetime) -> bool | None:
        if any(
            as_of < order.event.event_at <= as_of + HORIZON and order.is_by(visitor_id)
            for order in self.orders
        ):
            return True
        # A log that ends at the horizon itself may still get an order at that instant.
        return False if self.newest_at > as_of + HORIZON else None

    def outcome(self, visitor_id: str, started_at: datetime, scored_at: datetime) -> dict | None:
        """What became of a score of the cart that began then, or was taken to; None: not known.

        Orders are looked at of visitors who ever added something.
        """
        has_carts = any(
            event.visitor_id == visitor_id and event.event_type == "add_to_cart"
            for event in self.events
        )
        is_mature = self.newest_at > scored_at + HORIZON
        converts = self.converts_within_horizon(visitor_id, scored_at) if has_carts else False
        if not (converts or is_mature):
            return None
        orders = [
            order.event.event_at
            for order in self.orders
            if scored_at < order.event.event_at and order.is_by(visitor_id)
        ]
        [cart] = [one for one in self.carts_of(visitor_id) if one.started_at == started_at] or [
            None
        ]
        touched = [each for each in (cart.touches if cart else ()) if each <= scored_at]
        is_open = bool(touched) and (
            max(touched) + CART_LIFE >= scored_at and self._is_open_at(cart, scored_at)
        )
        return {
            "is_converted": bool(converts),
            "converted_at": min(orders) if converts else None,
            "hours_idle": (scored_at - max(touched)) / timedelta(hours=1) if is_open else None,
            "is_mature": is_mature,
        }

    def recovered_within(self, day: date, hours: int) -> int | None:
        """Carts begun on a day that were bought within hours of being abandoned; None: not known.

        All is known once the log has passed these hours after the last of the day's carts was
        abandoned, or could have been.
        """
        carts = [cart for cart in self.carts if cart.started_at.date() == day]
        left_at = [self.abandoned_at(cart) for cart in carts]
        midnight = datetime.combine(day, time(), tzinfo=UTC) + timedelta(days=1)
        last = max([midnight + INACTIVITY, *filter(None, left_at)])
        is_undecided = any(
            each is None and cart.closed_at is None
            for each, cart in zip(left_at, carts, strict=True)
        )
        if is_undecided or self.newest_at <= last + timedelta(hours=hours):
            return None
        return sum(
            self.is_recovered(cart) and cart.closed_at <= each + timedelta(hours=hours)
            for each, cart in zip(left_at, carts, strict=True)
        )

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
    columns = [name for name in Event.__dataclass_fields__ if name != "items"]
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
            "owner_id": order.owners[order.event.visitor_id],
            "session_started_at": _session_start(log, order),
            "cart_started_at": next(
                (cart.started_at for cart in log.carts if cart.is_taken_by(order)),
                None,
            ),
            "order_value": order.value,
            "currency": order.currency,
            "order_value_base": log.base(order.amounts, order.event.event_at),
            "refunded_value": log.refunded(order),
            "line_count": len(order.lines),
            "item_quantity": sum(line.units for line in order.lines),
        }
        for order in log.orders
    ]


def _session_start(log: Log, order: Order) -> datetime:
    return next(
        session.started_at
        for session in log.sessions_of(order.event.visitor_id)
        if order.event in session.events
    )


def _order_line_rows(log: Log, _: datetime) -> list[dict]:
    return [
        {
            "visitor_id": order.event.visitor_id,
            "ordered_at": order.event.event_at,
            "order_id": order.event.order_id,
            "line_number": number,
            "item_id": line.item_id or UNKNOWN_ITEM,
            "quantity": line.units,
            "unit_price": line.price,
            "currency": line.currency,
        }
        for order in log.orders
        for number, line in enumerate(order.lines, start=1)
    ]


def item_rows(log: Log, _: datetime | None = None) -> list[dict]:
    """The table of items, of which no visitor is known."""
    left = [cart for cart in log.carts if log.abandoned_at(cart) is not None]
    return [
        row
        | {
            "order_count": sum(
                any(line.item_id == row["item_id"] for line in order.lines) for order in log.orders
            ),
            "abandoned_cart_count": sum(row["item_id"] in cart.lines for cart in left),
        }
        for row in described_items(log.events)
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


def funnel_rows(log: Log) -> list[dict]:
    """`daily_funnel`, as far as it is about carts."""
    days = {each.started_at.date() for each in (*log.sessions, *log.carts)}
    rows = []
    for day in sorted(days):
        carts = [cart for cart in log.carts if cart.started_at.date() == day]
        abandoned = sum(log.abandoned_at(cart) is not None for cart in carts)
        recovered = {hours: log.recovered_within(day, hours) for hours in (24, 72, 168)}
        in_time = recovered[168]
        rows.append(
            {
                "day": day,
                "cart_count": len(carts),
                "abandoned_cart_count": abandoned,
                "recovered_cart_count": sum(map(log.is_recovered, carts)),
                **{f"recovered_{hours}h_cart_count": count for hours, count in recovered.items()},
                "recovery_rate": None if in_time is None or not abandoned else in_time / abandoned,
                "is_mature": in_time is not None,
            }
        )
    return rows


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
    "order_lines": _order_line_rows,
    "items": item_rows,
}
MODEL_TABLES = {
    "training_snapshots": _training_snapshot_rows,
    "scoring_snapshots": _scoring_snapshot_rows,
    "training_returns": _training_return_rows,
    "scoring_returns": _scoring_return_rows,
}
