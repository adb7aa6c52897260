"""What delivered rows become, in plain and slow Python: events, remarks, repeats, suspect files.

Belongs here: the rules of rows as `dbt_project/docs/rules.md` states them (sections 1 to 3). Not
here: what a text means on its own (reference_fields.py), what follows from events
(reference_log.py).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from .reference_events import KNOWN_TYPES, Event, known_type, ranked
from .reference_fields import (
    NOT_GIVEN,
    amount,
    given_text,
    is_rounded,
    known_currency,
    known_id,
    known_item,
    number_of,
    parse_time,
    whole_quantity,
)
from .reference_items import listed_items

CLOCK_SKEW = timedelta(minutes=5)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
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
    events, dropped_count = [], 0
    for row in rows:
        try:
            events.append((row, *_event(row, loaded_at, "UTC")))
        except UnusableError as unusable:
            dropped_count += str(unusable) != "no_consent"
    if dropped_count > len(events):
        return True
    if events and not any(event.event_type in KNOWN_TYPES for _, event, _ in events):
        return True
    bad_prices = sum("bad_price" in repairs for _, _, repairs in events)
    read_prices = sum(
        any(price is not None for price in (event.price, *(i.price for i in event.items or ())))
        for _, event, _ in events
    )
    values = [event.order_value for row, event, _ in events if row.get("order_value")]
    return bad_prices > read_prices or 2 * values.count(None) > len(values)


def row_content(row: Row) -> str:
    """The row as delivered: a JSON array of its columns, compared as text."""
    columns = [row.get(column) for column in CANONICAL_COLUMNS]
    return json.dumps(columns, ensure_ascii=False, separators=(",", ":"))


def _order_value(row: Row) -> Decimal | None:
    """What a row says of an order's value; what was given back is as much with a minus before."""
    text = row.get("order_value")
    if known_type(row.get("event_type") or "") != "refund":
        return amount(text)
    value = number_of(text, Decimal("0.0001"))
    return None if value is None else amount(str(abs(value)))


def _event(row: Row, loaded_at: datetime, zone: str) -> tuple[Event, list[str]]:
    visitor_id, user_id = known_id(row.get("visitor_id")), known_id(row.get("user_id"))
    order_id, event_id = known_id(row.get("order_id")), known_id(row.get("event_id"))
    if is_rounded(visitor_id) or is_rounded(user_id):
        raise UnusableError("rounded_id")
    if visitor_id is None and user_id is None:
        is_refused = row.get("visitor_id") == "(no consent)"
        raise UnusableError("no_consent" if is_refused else "no_identity")
    if is_rounded(order_id) or is_rounded(event_id):
        raise UnusableError("rounded_id")
    event_at = parse_time(row.get("event_at"), zone)
    if event_at is None:
        raise UnusableError("bad_time")
    if event_at < EARLIEST or event_at > loaded_at + CLOCK_SKEW:
        raise UnusableError("implausible_time")
    if (row.get("event_type") or "").strip(" ") in ("", "\\N"):
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
        event_type=known_type(row["event_type"]),
        item_id=known_item(row.get("item_id")),
        order_id=order_id,
        order_value=_order_value(row),
        item_category=given_text(row.get("item_category")),
        item_brand=given_text(row.get("item_brand")),
        country=given_text(row.get("country")),
        items=tuple(listed.items) or None,
        **optional,
    )
    return event, [name for name in REPAIRS if name in repairs]
