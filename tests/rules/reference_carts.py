"""Sessions, orders and carts in plain and slow Python: what each is on its own.

Belongs here: what one of them holds, and what an event does to a cart. Not here: which of them
follow from a log (reference_log.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from .reference_events import Event
from .reference_items import UNKNOWN_ITEM, Item
from .reference_money import Amounts

BOT_EVENT_COUNT = 1000
BOT_DURATION = timedelta(hours=12)


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
        return sum(event.counted_as == event_type for event in self.events)


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
    categories: dict[str, str] = field(default_factory=dict)

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
    def items(self) -> tuple[Item, ...]:
        """Its lines, of the category that its adds gave them last."""
        return tuple(
            Item(
                None if item_id == UNKNOWN_ITEM else item_id,
                line.quantity,
                line.unit_price,
                line.currency,
                item_category=self.categories.get(item_id),
            )
            for item_id, line in sorted(self.lines.items())
        )

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

    def is_open_at(self, as_of: datetime) -> bool:
        """At the very instant at which a cart expires it is open."""
        return (
            self.closed_at is None
            or self.closed_at > as_of
            or (self.status == "expired" and self.closed_at == as_of)
        )

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
        if item.item_category is not None:
            self.categories[item.item_id or UNKNOWN_ITEM] = item.item_category
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
