"""Events in plain and slow Python: their order, their items, and what they say of items.

Belongs here: what follows from an event on its own or from its items. Not here: how a row becomes
one (reference_rows.py), what follows from a log of them (reference_log.py).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from .reference_items import DESCRIPTIONS, Item

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
WORDS = {
    "page": "page_view",
    "page_viewed": "page_view",
    "view": "view_item",
    "Product Viewed": "view_item",
    "Viewed Product": "view_item",
    "Viewed Product Category": "view_item_list",
    "Added Product": "add_to_cart",
    "Wishlist Product Added to Cart": "add_to_cart",
    "Removed Product": "remove_from_cart",
    "Shipping Info Entered": "add_shipping_info",
    "Completed Order": "purchase",
    "Refunded Order": "refund",
    "Logged In": "login",
    "Product List Viewed": "view_item_list",
    "Product List Filtered": "view_item_list",
    "collection_viewed": "view_item_list",
    "Products Searched": "search",
    "search_submitted": "search",
    "Product Added to Wishlist": "add_to_wishlist",
    "cart": "add_to_cart",
    "Product Added": "add_to_cart",
    "product_added_to_cart": "add_to_cart",
    "Product Removed": "remove_from_cart",
    "product_removed_from_cart": "remove_from_cart",
    "Cart Viewed": "view_cart",
    "Checkout Started": "begin_checkout",
    "checkout_shipping_info_submitted": "add_shipping_info",
    "Payment Info Entered": "add_payment_info",
    "payment_info_submitted": "add_payment_info",
    "Order Completed": "purchase",
    "checkout_completed": "purchase",
    "Order Refunded": "refund",
    "Signed In": "login",
    "Signed Up": "sign_up",
}
RANKS = {
    "view_item": 1,
    "add_to_cart": 2,
    "remove_from_cart": 3,
    "begin_checkout": 4,
    "purchase": 5,
}


NO_LETTERS = " -_\t\u00a0\u200b\ufeff\u2010\u2011\u2012\u2013\u2014\u2015\u2212"


def known_type(word: str) -> str:
    """The type that a word stands for, whatever its case, blanks and dashes; others as they are."""
    return _TYPES.get(_key(word), word.strip(" "))


def _key(word: str) -> str:
    return "".join(each for each in word.lower() if each not in NO_LETTERS)


_TYPES = {_key(each): each for each in KNOWN_TYPES} | {_key(w): t for w, t in WORDS.items()}


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
    country: str | None = None

    @property
    def own_items(self) -> tuple[Item, ...]:
        """The items of the list that came with it, else its own one."""
        if self.items is None:
            own = (self.item_id, self.quantity, self.price, self.currency)
            return (Item(*own, item_category=self.item_category, item_brand=self.item_brand),)
        if len(self.items) == 1 and self.items[0].price is None and self.price is not None:
            (item,) = self.items
            return (replace(item, price=self.price, currency=self.currency or item.currency),)
        return tuple(replace(item, currency=item.currency or self.currency) for item in self.items)

    @property
    def rank(self) -> tuple[datetime, int, str, str]:
        """Place in the order of events; ids are unique in a source, so the source breaks ties."""
        return (self.event_at, RANKS.get(self.event_type, 0), self.event_id, self.source)

    @property
    def counted_as(self) -> str | None:
        """The type that it counts as, by all of its items."""
        return counted_as(
            self.event_type,
            adds=any(item.units > 0 for item in self.own_items),
            is_any=any(item.quantity != 0 for item in self.own_items),
        )

    def item_counted_as(self, item: Item) -> str | None:
        """The type that one of its items counts as."""
        return counted_as(self.event_type, adds=item.units > 0, is_any=item.quantity != 0)

    @property
    def is_add(self) -> bool:
        """Whether it puts anything into a cart."""
        return self.counted_as == "add_to_cart"

    @property
    def is_removal(self) -> bool:
        """Whether it takes anything out: a removal, or an add of nothing but less than nothing."""
        return self.counted_as == "remove_from_cart"


def counted_as(event_type: str, *, adds: bool, is_any: bool) -> str | None:
    """What an event or an item of one counts as; None: nothing but activity."""
    if event_type not in ("add_to_cart", "remove_from_cart"):
        return event_type
    if event_type == "add_to_cart" and adds:
        return event_type
    return "remove_from_cart" if is_any else None


def ranked(events: Iterable[Event]) -> list[Event]:
    """The events by rule of order, whatever order they arrived in."""
    return sorted(events, key=lambda event: event.rank)


def order_lines(purchases: Iterable[Event]) -> list[Item]:
    """The items of an order's purchases; one that names nothing of what was bought has none.

    By its id it may be told twice: what two of them say alike was bought as often as one says it.
    """
    told: Counter = Counter()
    lines = []
    for event in purchases:
        own: Counter = Counter()
        for item in event.own_items:
            if event.items is None and item.is_empty:
                continue
            what = (item.item_id, max(item.units, 0), item.price, item.currency)
            own[what] += 1
            if event.order_id is None or own[what] > told[what]:
                lines.append(item)
        told |= own
    return lines


def described_items(events: Iterable[Event]) -> list[dict]:
    """What events say of each item: by the newest that says it, of one instant the greatest."""
    named: dict[str, list[tuple[Event, Item]]] = {}
    for event in events:
        for item in event.own_items:
            if item.item_id is not None:
                named.setdefault(item.item_id, []).append((event, item))
    return [_described(item_id, seen) for item_id, seen in named.items()]


def _described(item_id: str, seen: Sequence[tuple[Event, Item]]) -> dict:
    newest = {
        name: max(
            ((event.event_at, getattr(item, name)) for event, item in seen if getattr(item, name)),
            default=(None, None),
        )[1]
        for name in DESCRIPTIONS
    }
    _, price, currency = max(
        (
            (event.event_at, item.price, item.currency or "")
            for event, item in seen
            if item.price is not None
        ),
        default=(None, None, None),
    )
    adds = [item for event, item in seen if event.event_type == "add_to_cart"]
    return {
        "item_id": item_id,
        **newest,
        "price": price,
        "currency": currency or None,
        "view_count": sum(event.event_type == "view_item" for event, _ in seen),
        "add_count": sum(item.units > 0 for item in adds),
    }
