"""Other spellings of a delivered row, which mean the same.

Belongs here: what systems write for one value. Not here: drawing rows (strategies.py), or what a
text means (reference_fields.py).
"""

import re

from .cases import Row
from .reference_fields import BLANKS

COUNT = 5
# Of each column the forms of a value, and of none; where there are fewer they come again.
FORMS = {
    **dict.fromkeys(
        ("visitor_id", "order_id"),
        (" {}", "{}\u00a0", "\ufeff{}\t", "\u2003{}\u200b"),
    ),
    "user_id": ("{}.0", " {}", "{}\u00a0", "{},0", "{}."),
    "item_id": ("{}\u00a0", "\t{}", " {} "),
    "quantity": ("{}.0", " {} ", "{}.", "{}e0", "\u2009{}\u202f"),
    "price": (" {}", "{}0", "{}e0", "\u00a0{}\u00a0"),
    "order_value": ("{} ", "{}00", "\ufeff{}\u2003"),
    "currency": ("{}\u00a0", "\u200b{}"),
}
NONE = {
    "user_id": ("(not set)", "'null'", "0,0", "NULL-null", "0.0E+00"),
    "order_id": ("undefined", "\\N", "{0000-0000}", "\u00ab0\u00bb"),
    "item_id": ("\\N", "(not set)", "\u00a0null"),
    "quantity": ("-", "null", "N/A"),
    "currency": ("\\N", "undefined"),
}
# Where only some values have other forms: what is no number has none.
SPELLED = {
    "user_id": r"\d+",
    "quantity": r"-?\d+",
    **dict.fromkeys(("price", "order_value"), r"-?\d+\.\d+"),
}
TYPES = {
    "page_view": ("page", "PageView", "Page Viewed"),
    "view_item": ("view", "Product Viewed", "VIEW-ITEM", "Viewed Product"),
    "add_to_cart": ("Add To Cart", "Product Added", "cart", "add\u00a0to\u2013cart", "ADD_TO_CART"),
    "remove_from_cart": ("Product Removed", "remove-from-cart", "product_removed_from_cart"),
    "begin_checkout": ("Checkout Started", "beginCheckout"),
    "purchase": ("Order Completed", "checkout_completed", "PURCHASE", "Completed Order"),
    "refund": ("Order Refunded", "Refund "),
    "login": ("Signed In", "Logged In", "log-in"),
    "email_open": ("Email Open", "e-mail open"),
}


def spelled(row: Row, number: int) -> Row:
    """The row in its spelling of a number from 1 to `COUNT`."""
    return {name: _spelled(name, value, number - 1) for name, value in row.items()}


def _spelled(name: str, value: str | None, number: int) -> str | None:
    if name == "event_type":
        return _nth(TYPES.get(value, (value,)), number)
    if value is None:
        return _nth(NONE.get(name, (None,)), number)
    if (pattern := SPELLED.get(name)) and not re.fullmatch(pattern, value):
        return value
    text = value.lower() if name == "currency" else value
    return _nth(FORMS.get(name, ("{}",)), number).format(text)


def _nth(forms: tuple, number: int) -> str | None:
    return forms[number % len(forms)]


def within_blanks(prefix: str, id_: str) -> str:
    """An id with something before it, behind the blanks at its beginning."""
    rest = id_.lstrip(BLANKS)
    return id_[: len(id_) - len(rest)] + prefix + rest
