"""The items of events and orders, in plain and slow Python.

Belongs here: what a delivered list of items becomes, which items an event has, what is bought of
them, and what events say of an item. Not here: carts (reference.py), or what a text means on its
own (reference_fields.py).
"""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from .reference_fields import NOT_GIVEN, amount, known_currency, known_item, whole_quantity

if TYPE_CHECKING:
    from .reference import Event

UNKNOWN_ITEM = "(unknown)"
DESCRIPTIONS = ("item_name", "item_category", "item_brand", "item_url", "image_url")


@dataclass(frozen=True)
class Item:
    """An item as an event has it; `repairs` are the reasons why fields of it became null."""

    item_id: str | None
    quantity: int | None
    price: Decimal | None
    currency: str | None
    item_name: str | None = None
    item_category: str | None = None
    item_brand: str | None = None
    item_url: str | None = None
    image_url: str | None = None
    repairs: tuple[str, ...] = ()

    @property
    def units(self) -> int:
        """Units that are added or bought."""
        return 1 if self.quantity is None else self.quantity

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing of what it is."""
        return (self.item_id, self.quantity, self.price) == (None, None, None)


@dataclass(frozen=True)
class Listed:
    """A delivered list; bad: the text is no list of objects, whose objects count all the same."""

    items: Sequence[Item]
    is_bad: bool


def listed_items(text: str | None) -> Listed:
    """The items of a delivered text."""
    if not text:
        return Listed([], is_bad=False)
    try:
        found = json.loads(text, parse_float=str, parse_int=str)
    except ValueError:
        found = None
    if not isinstance(found, list):
        return Listed([], is_bad=True)
    objects = [each for each in found if isinstance(each, dict)]
    return Listed([_listed(each) for each in objects], is_bad=len(objects) < len(found))


def _listed(delivered: dict[str, str | None]) -> Item:
    numbers = {
        "quantity": whole_quantity(delivered.get("quantity")),
        "price": amount(delivered.get("price")),
        "currency": known_currency(delivered.get("currency")),
    }
    repairs = [
        f"bad_{name}"
        for name, value in numbers.items()
        if value is None and (delivered.get(name) or "").strip(" ").lower() not in NOT_GIVEN
    ]
    described = {name: delivered.get(name) or None for name in DESCRIPTIONS}
    item_id = known_item(delivered.get("item_id"))
    return Item(item_id, **numbers, **described, repairs=tuple(repairs))


def items_of(event: "Event") -> tuple[Item, ...]:
    """Those of the list that came with it, else its own one."""
    if event.items is None:
        own = (event.item_id, event.quantity, event.price, event.currency)
        return (Item(*own, item_category=event.item_category, item_brand=event.item_brand),)
    is_one = len(event.items) == 1
    return tuple(
        dataclasses.replace(
            item,
            price=event.price if is_one and item.price is None else item.price,
            currency=item.currency or event.currency,
        )
        for item in event.items
    )


def order_lines(purchases: Iterable["Event"]) -> list[Item]:
    """All items of purchases; one that names nothing of what was bought has none."""
    return [
        item
        for event in purchases
        for item in items_of(event)
        if event.items is not None or not item.is_empty
    ]


def bought(items: Iterable[Item]) -> tuple[Item, ...]:
    """Those of which at least one unit is bought."""
    return tuple(item for item in items if item.units > 0)


def lines_value(items: Iterable[Item]) -> tuple[Decimal | None, str | None]:
    """What items come to, and in which currency; two currencies are not added."""
    priced = [item for item in items if item.price is not None]
    currencies = {item.currency for item in bought(priced)}
    if not priced or len(currencies) > 1:
        return None, None
    value = sum((max(item.units, 0) * item.price for item in priced), Decimal(0))
    return value, next(iter(currencies), None)


def amounts_of(items: Iterable[Item]) -> dict[str | None, Decimal]:
    """What items with a price come to, by currency."""
    found: dict[str | None, Decimal] = {}
    for item in items:
        if item.price is not None:
            found[item.currency] = found.get(item.currency, Decimal(0)) + item.units * item.price
    return found


def described_items(events: Iterable["Event"]) -> list[dict]:
    """What events say of each item: by the newest that says it, of one instant the greatest."""
    named: dict[str, list[tuple[Event, Item]]] = {}
    for event in events:
        for item in items_of(event):
            if item.item_id is not None:
                named.setdefault(item.item_id, []).append((event, item))
    return [_described(item_id, seen) for item_id, seen in named.items()]


def _described(item_id: str, seen: Sequence[tuple["Event", Item]]) -> dict:
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
