"""The sessions, orders and carts of a log, in plain and slow Python.

Belongs here: what follows from a list of events and from rates, as `dbt_project/docs/rules.md` and
`rules_carts.md` state it (sections 5 to 8). Not here: snapshots and what is learned
(reference_snapshots.py), the warehouse's tables (reference_tables.py).
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property

from .reference_calendar import Sale, calendar_features
from .reference_carts import Cart, Order, Session
from .reference_events import PASSIVE_TYPES, Event, order_lines, ranked
from .reference_items import Item, amounts_of, bought, lines_value
from .reference_money import Amounts, Rate, total

INACTIVITY = timedelta(minutes=30)
CART_LIFE = timedelta(days=30)
# Stands for the reporting currency that follows from a log.
FROM_LOG = "(from the log)"


@dataclass(frozen=True)
class Log:
    """Everything that follows from a list of events, and from rates.

    `currency` is the reporting currency where logs are read together; else it follows from this.
    """

    events: list[Event]
    rates: tuple[Rate, ...] = ()
    currency: str | None = field(default=FROM_LOG)
    sales: tuple[Sale, ...] = ()

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
            sales=tuple(sale for sale in self.sales if sale.starts_at <= as_of),
        )

    def day_of(self, visitor_id: str, instant: datetime, last: Event | None = None) -> dict:
        """What day it is at an instant where the visitor was by then, or by a `last` event."""
        countries = [
            event.country
            for event in self.ranked
            if event.visitor_id == visitor_id
            and event.country
            and (last is None or event.rank <= last.rank)
        ]
        return calendar_features(self.sales, countries[-1] if countries else None, instant)

    @cached_property
    def reporting_currency(self) -> str | None:
        """The commonest of orders, else of carts, and among these one that no rate is of."""
        if self.currency != FROM_LOG:
            return self.currency
        rated = {rate.currency for rate in self.rates if rate.rate != 1}
        of_orders = Counter(order.currency for order in self.orders if order.currency)
        of_carts = Counter(code for cart in self.carts for code in cart.priced_in)
        found = [(code in rated, -count, code) for code, count in (of_orders or of_carts).items()]
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
        return total(exchanged)

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

    def items_bought(self, order: Order) -> list[tuple[Cart | None, Item]]:
        """Its lines; where none of these names an item, those of the carts it closed as well."""
        own = [(None, line) for line in order.lines]
        if any(line.item_id is not None for line in order.lines):
            return own
        return own + [(c, item) for c in self.carts if c.order is order for item in c.items]

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


def _order_name(event: Event) -> tuple:
    """What makes purchases one order; ids of orders are one namespace over all sources."""
    if event.order_id is not None:
        return ("id", event.order_id)
    return ("time", event.visitor_id, event.event_at)
