"""How far the values of a field fit each of ours.

Belongs here: a check for each of our fields, 0 to 1.1, and how sure values alone make it. Not here:
names (`words`), or which field is taken (`guesses`).
"""

import re
from collections.abc import Callable

from orchestration.drafts import forms
from orchestration.drafts.fields import Field, tokens_of
from orchestration.drafts.persons import kind_share
from orchestration.drafts.words import event_type_of, name_score

_IMAGE_WORDS = frozenset({"image", "img", "bild", "picture", "photo", "thumbnail", "thumb"})
_DEVICES = {"desktop", "mobile", "tablet", "phone", "smartphone", "pc", "web", "handy"}


def _ids(each: Field) -> float:
    return float(forms.is_id(each))


def _event_ids(each: Field) -> float:
    """Not those of persons, orders and items that happen to be there once each."""
    is_others = any(
        name_score(ours, each.tokens) > 0.6
        for ours in ("visitor_id", "user_id", "order_id", "item_id")
    )
    is_deep = (each.path or "").count(".") > 1
    return float(forms.is_id(each) and forms.is_unique(each) and not is_others and not is_deep)


def _persons(each: Field) -> float:
    return forms.is_id(each) * kind_share(each)


def _words_of_events(each: Field) -> float:
    if not forms.is_word(each) or forms.is_address(each):
        return 0.0
    known = sum(
        count
        for value, count in each.values.items()
        if event_type_of(tokens_of(value), has_item=False, has_order=False)
    )
    least = 0.25 if forms.is_constant(each) else 0.5
    return least + 0.6 * known / max(each.filled, 1)


def _amounts(each: Field) -> float:
    return float(forms.is_amount(each))


def _texts(each: Field) -> float:
    return float(not forms.is_amount(each) and not forms.is_address(each))


def _kinds(each: Field) -> float:
    """Texts that tell items apart."""
    return _texts(each) * (not forms.is_constant(each))


def _pages(each: Field) -> float:
    return float(forms.is_address(each) and not is_image(each))


def is_image(each: Field) -> bool:
    """Whether addresses are those of pictures, by their endings or by the name."""
    return forms.is_image(each) or bool(_IMAGE_WORDS.intersection(each.tokens))


CHECKS: dict[str, Callable[[Field], float]] = {
    "event_at": lambda _: 0.0,
    "currency": lambda _: 0.0,
    "event_type": _words_of_events,
    "event_id": _event_ids,
    "visitor_id": _persons,
    "user_id": _persons,
    "item_id": _ids,
    "item_category": _kinds,
    "item_brand": _texts,
    "quantity": lambda each: float(forms.is_count(each)),
    "price": _amounts,
    "order_id": _ids,
    "order_value": _amounts,
    "page_url": _pages,
    "referrer": lambda each: float(forms.share(each, re.compile(r".*[/.]").match) > 0.5),
    "utm_source": _texts,
    "utm_medium": _texts,
    "utm_campaign": _texts,
    "device_type": lambda each: float(forms.share(each, lambda v: v.lower() in _DEVICES) > 0.7),
    "country": lambda each: float(forms.share(each, lambda v: v.isalpha() and len(v) < 30) > 0.8),
    "user_agent": lambda each: float(forms.share(each, lambda value: "/" in value) > 0.7),
}  # fmt: skip
# How sure values alone make it, where no name does.
BY_VALUES = {
    "event_at": 0.6,
    "currency": 0.6,
    "page_url": 0.4,
    "event_type": 0.35,
    "price": 0.3,
    "visitor_id": 0.26,
    "event_id": 0.26,
}
