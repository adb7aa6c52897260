"""Which field of some rows is which of ours, as far as names and values say it.

Belongs here: the guesses. Not here: vocabulary (`words`), the form of values (`forms`), or how a
guess is written down (`texts`). A wrong guess is to be expected: each is marked in the files.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestration.drafts import forms
from orchestration.drafts.amounts import NOT_OF_A_UNIT, is_charge, is_of_line, is_total
from orchestration.drafts.checks import BY_VALUES, CHECKS, is_image
from orchestration.drafts.fields import Field, Fields, ItemList, tokens_of, value_at
from orchestration.drafts.forms import TimeForm
from orchestration.drafts.persons import is_shared
from orchestration.drafts.words import event_type_of, name_score

_LEAST = 0.25
_SURE = 0.7
_AROUND = 0.6  # what a name makes of all that lies in it, at most
_MANY_ROWS = 100
_ITEM_FIELDS = (
    "item_id",
    "item_name",
    "item_category",
    "item_brand",
    "quantity",
    "price",
    "currency",
    "item_url",
    "image_url",
)
# The zone of shops whose pages, or prices, are of one country with one zone.
_ZONE_OF_HOST = {
    "de": "Europe/Berlin",
    "at": "Europe/Vienna",
    "ch": "Europe/Zurich",
    "fr": "Europe/Paris",
    "it": "Europe/Rome",
    "nl": "Europe/Amsterdam",
    "be": "Europe/Brussels",
    "pl": "Europe/Warsaw",
    "cz": "Europe/Prague",
    "dk": "Europe/Copenhagen",
    "se": "Europe/Stockholm",
    "no": "Europe/Oslo",
    "fi": "Europe/Helsinki",
    "uk": "Europe/London",
    "ie": "Europe/Dublin",
    "jp": "Asia/Tokyo",
}
_ZONE_OF_CURRENCY = {
    "GBP": "Europe/London",
    "CHF": "Europe/Zurich",
    "PLN": "Europe/Warsaw",
    "CZK": "Europe/Prague",
    "DKK": "Europe/Copenhagen",
    "SEK": "Europe/Stockholm",
    "NOK": "Europe/Oslo",
    "HUF": "Europe/Budapest",
    "JPY": "Asia/Tokyo",
    "INR": "Asia/Kolkata",
}


@dataclass(frozen=True)
class Word:
    """A word for what happened, in how many of the rows, and what it may mean."""

    text: str
    count: int
    type_: str | None


@dataclass
class Guesses:
    """What fields of ours are read from.

    Attributes:
        found: The field of each of ours that has one; `user_agent` too.
        reasons: Of each, why: its name, its values, or both.
        time: How the times are written.
        time_of_day: Where the time of day is, if not beside the date.
        items: The list of items, if there is one.
        item_paths: In its elements, where our fields of an item are.
        words: The words for events, the commonest first.
        zone: The zone of times without an offset, and why; None where all have one.
        has_commas: Whether amounts have decimal commas; None where nothing says so.
        one_currency: The currency that a name or a sign says of all amounts.
    """

    found: dict[str, Field] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    time: TimeForm | None = None
    time_of_day: Field | None = None
    items: ItemList | None = None
    item_paths: dict[str, str] = field(default_factory=dict)
    words: list[Word] = field(default_factory=list)
    zone: tuple[str, str] | None = None
    has_commas: bool | None = None
    one_currency: str | None = None


def guessed(fields: Fields, currencies: frozenset[str], rows: Iterable[Mapping]) -> Guesses:
    """Guess what the fields of some rows mean.

    Args:
        fields: what stands in the rows.
        currencies: the codes of ISO 4217.
        rows: the rows again, to see which words come with items and orders.
    """
    guesses, rows = Guesses(), [*rows]
    candidates = _without_ids_of_rows(_candidates(fields, currencies))
    _assign(guesses, _of_one_person(candidates, rows))
    guesses.items = _items(fields)
    if guesses.items:
        guesses.item_paths = _item_paths(guesses.items, currencies)
    _settle_time(guesses, fields)
    amounts = [guesses.found[name] for name in ("price", "order_value") if name in guesses.found]
    if guesses.items and "price" in guesses.item_paths:
        amounts.append(guesses.items.elements[guesses.item_paths["price"]])
    guesses.has_commas = forms.decimal_commas(amounts or _with_cents(fields))
    guesses.one_currency = _one_currency(amounts, currencies)
    guesses.zone = _zone(guesses, fields)
    guesses.words = _words(guesses, rows)
    return guesses


def _candidates(fields: Fields, currencies: frozenset[str]) -> list[tuple[float, str, str, Field]]:
    """Every field that may be one of ours: how sure, which, why."""
    found = []
    is_of_changes = holds_changes(fields)
    for each in fields.single.values():
        # what a row was before it changed says nothing of now, nor does whence the change came
        if is_of_changes and each.column in ("before", "source"):
            continue
        time = forms.time_form(each)
        for ours, fits in CHECKS.items():
            named = name_score(ours, each.tokens)
            if ours == "event_type" and named <= _AROUND:
                named = name_score(ours, each.own_tokens)  # all may lie in `event_properties`
            if ours == "event_at":
                fits_values = 1.0 if time else 0.0
            elif ours == "currency":
                is_code = forms.share(each, lambda value: value.upper() in currencies)
                fits_values = float(is_code > 0.8)
            else:
                fits_values = 0.0 if time else fits(each)
            if ours == "item_id" and named < _SURE:
                named = 0.0  # outside of a list `id` and `code` may be anybody's
            score = named * min(fits_values, 1.0)
            if is_of_changes and ours == "event_type":
                score = float((each.column, each.path) == ("op", None))
            by_values = BY_VALUES.get(ours, 0.0) if fits_values and not named else 0.0
            if ours == "visitor_id" and (
                forms.is_unique(each) or len(each.values) == 1 or name_score("user_id", each.tokens)
            ):
                by_values = 0.0
            if ours == "price" and not forms.has_cents(each):
                by_values = 0.0
            if ours == "event_id" and not _is_one_a_row(each, fields.rows):
                by_values = 0.0
            if ours == "event_id" and is_of_changes:
                continue  # an id in a row is that of the row, whatever happens to it
            score *= _as_amount(ours, each.tokens)
            by_values *= _as_amount(ours, each.tokens) > 0
            # of two alike the one that is filled more often, and that is less deep
            depth = (each.path or "").count(".")
            score = max(score, by_values) * (0.9 + 0.1 * each.filled / max(fields.rows, 1))
            score -= 0.01 * depth
            if score >= _LEAST:
                reason = "by its name" if score > by_values else "by its values"
                if ours == "price" and is_total(each.tokens):
                    reason += f", {NOT_OF_A_UNIT}"
                found.append((score, ours, reason, each))
    return found


def _as_amount(ours: str, tokens: Sequence[str]) -> float:
    """What the name makes of an amount or a quantity as one of ours: 0 where it cannot be."""
    if ours in ("price", "order_value") and is_charge(tokens):
        return 0.0
    if ours == "order_value" and is_of_line(tokens):
        return 0.0
    return 0.5 if ours in ("price", "quantity") and is_total(tokens) else 1.0


def _without_ids_of_rows(
    candidates: list[tuple[float, str, str, Field]],
) -> list[tuple[float, str, str, Field]]:
    """The candidates without those for an item that every row has of its own, where there is one
    that rows share, such as a SKU: they are ids of the lines of orders."""
    items = [each for _, ours, _, each in candidates if ours == "item_id"]
    if all(forms.is_unique(each) for each in items):
        return candidates
    return [
        each for each in candidates if each[1] != "item_id" or len(each[3].values) < each[3].filled
    ]


def _of_one_person(
    candidates: list[tuple[float, str, str, Field]], rows: Sequence[Mapping]
) -> list[tuple[float, str, str, Field]]:
    """The candidates without those for a visitor that many users have in common, as a browser."""
    users = [each for each in candidates if each[1] == "user_id"]
    if not users:
        return candidates
    user = max(users, key=lambda each: each[0])[3]
    return [
        each
        for each in candidates
        if each[1] != "visitor_id" or each[3] is user or not is_shared(each[3], user, rows)
    ]


def holds_changes(fields: Fields) -> bool:
    """Whether a row is a change of a row of a table, as Debezium delivers them."""
    return {"before", "after", "op"} <= fields.columns.keys()


def _assign(guesses: Guesses, candidates: list[tuple[float, str, str, Field]]) -> None:
    """Take the surest first; a field is one of ours, and each of ours has one field."""
    taken: set[tuple[str, str | None]] = set()
    for _, ours, reason, each in sorted(candidates, key=lambda found: -found[0]):
        place = (each.column, each.path)
        if ours in guesses.found or place in taken:
            continue
        guesses.found[ours], guesses.reasons[ours] = each, reason
        taken.add(place)


def _is_one_a_row(each: Field, rows: int) -> bool:
    """Whether each of many rows has an id of its own, which no running number is: it would begin
    again in the next file."""
    is_made = forms.share(each, re.compile(r"(?=.*[^\W\d_]).{8,}").fullmatch) > 0.9
    return is_made and len(each.values) == rows >= _MANY_ROWS


def _items(fields: Fields) -> ItemList | None:
    """The list of objects that has the ids of items in it."""
    best, most = None, 0.0
    for each in fields.lists.values():
        ids = max((name_score("item_id", e.tokens[-3:]) for e in _inside(each)), default=0.0)
        money = max(
            (name_score(ours, e.tokens) for e in _inside(each) for ours in ("price", "quantity")),
            default=0.0,
        )
        score = ids + 0.5 * money + name_score("items", each.tokens)
        if ids and score > max(most, 0.8):
            best, most = each, score
    return best


def _item_paths(items: ItemList, currencies: frozenset[str]) -> dict[str, str]:
    candidates = []
    for path, each in items.elements.items():
        tokens = tokens_of(path)
        for ours in _ITEM_FIELDS:
            if ours == "item_url":
                score = CHECKS["page_url"](each)
            elif ours == "image_url":
                score = float(forms.is_address(each) and is_image(each))
            elif ours == "currency":
                codes = forms.share(each, lambda value: value.upper() in currencies)
                score = float(codes > 0.8) * max(name_score(ours, tokens), 0.6)
            elif ours == "item_name":
                score = name_score(ours, tokens) * (not forms.is_amount(each))
            else:
                score = name_score(ours, tokens) * CHECKS[ours](each)
            score *= _as_amount(ours, tokens)
            if score >= _LEAST:
                place = Field(path, None, each.values)
                candidates.append((score - 0.01 * path.count("."), ours, path, place))
    found: dict[str, str] = {}
    kept = _without_ids_of_rows(candidates)
    for _, ours, path, _ in sorted(kept, key=lambda each: -each[0]):
        if ours not in found and path not in found.values():
            found[ours] = path
    return {ours: found[ours] for ours in _ITEM_FIELDS if ours in found}


def _inside(items: ItemList) -> list[Field]:
    return [Field(path, None, each.values) for path, each in items.elements.items()]


def _settle_time(guesses: Guesses, fields: Fields) -> None:
    """The form of the times; of a date alone the time of day that is beside it."""
    time = guesses.found.get("event_at")
    if time is None:
        return
    guesses.time = forms.time_form(time)
    if guesses.time is None or guesses.time.has_clock:
        return
    clocks = [each for each in fields.single.values() if forms.is_time_of_day(each)]
    if clocks:
        guesses.time_of_day = max(clocks, key=lambda each: name_score("event_at", each.tokens))
        # who was taken for something else, by a name such as `number`, is not
        for ours in [ours for ours, held in guesses.found.items() if held is guesses.time_of_day]:
            del guesses.found[ours]


def _with_cents(fields: Fields) -> list[Field]:
    """What may be amounts where no name says which: nearly all values have two decimals."""
    listed = (each for items in fields.lists.values() for each in items.elements.values())
    return [each for each in (*fields.single.values(), *listed) if forms.has_cents(each)]


def _one_currency(amounts: list[Field], currencies: frozenset[str]) -> str | None:
    for each in amounts:
        for code in forms.symbols_in(each).values():
            return code
        for token in each.tokens:
            if token.upper() in currencies & {"EUR", "USD", "GBP", "CHF", "PLN", "SEK", "JPY"}:
                return token.upper()
    return None


def _zone(guesses: Guesses, fields: Fields) -> tuple[str, str] | None:
    if guesses.time is None or not guesses.time.is_local:
        return None
    for each in fields.single.values():
        if name_score("zone", each.tokens) and len(each.values) == 1:
            (value,) = each.values
            if forms.is_zone(value):
                return value, f"{each.column} says so"
    page = guesses.found.get("page_url")
    hosts = {forms.host_ending(value) for value, _ in page.common} if page else set()
    zones = {_ZONE_OF_HOST[host] for host in hosts if host in _ZONE_OF_HOST}
    if len(zones) == 1:
        return zones.pop(), "by the addresses of the pages"
    money = guesses.found.get("currency")
    codes = {value.upper() for value in money.values} if money else {guesses.one_currency}
    if len(codes) == 1 and (zone := _ZONE_OF_CURRENCY.get(codes.pop() or "")):
        return zone, "by the currency"
    return "UTC", "nothing says where the clocks were"


def _words(guesses: Guesses, rows: list[Mapping]) -> list[Word]:
    """The words for events, each with what comes with it."""
    word = guesses.found.get("event_type")
    if word is None:
        return []
    with_item: dict[str, int] = {}
    with_order: dict[str, int] = {}
    items = guesses.items
    item, order = guesses.found.get("item_id"), guesses.found.get("order_id")
    for row in rows:
        text = value_at(row, word.column, word.path)
        if text is None:
            continue
        is_listed = items and value_at(row, items.column, items.path) not in (None, [], "[]")
        if is_listed or (item and value_at(row, item.column, item.path)):
            with_item[text] = with_item.get(text, 0) + 1
        if order and value_at(row, order.column, order.path):
            with_order[text] = with_order.get(text, 0) + 1
    found = []
    for text, count in sorted(word.values.items(), key=lambda each: (-each[1], each[0])):
        type_ = event_type_of(
            tokens_of(text),
            has_item=with_item.get(text, 0) > count / 2,
            has_order=with_order.get(text, 0) > count / 2,
        )
        found.append(Word(text, count, type_))
    return found
