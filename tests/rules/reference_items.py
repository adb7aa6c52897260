"""Items in plain and slow Python.

Belongs here: what a delivered list of items becomes, and what items come to that are bought. Not
here: which items an event has, and what events say of an item (reference_events.py); what a text
means on its own (reference_fields.py).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from .reference_fields import (
    NOT_GIVEN,
    amount,
    given_text,
    known_currency,
    known_item,
    whole_quantity,
)

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
    described = {name: given_text(delivered.get(name)) for name in DESCRIPTIONS}
    item_id = known_item(delivered.get("item_id"))
    return Item(item_id, **numbers, **described, repairs=tuple(repairs))


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
