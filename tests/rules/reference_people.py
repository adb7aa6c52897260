"""People and segments in plain and slow Python, from a log as it stood at the hour.

Belongs here: what `dbt_project/docs/rules_people.md` and `segments.md` say of a person. Not here:
sessions, carts and orders (reference_log.py), histories of segments
(tests/warehouse/test_segment_history.py).
"""

from calendar import monthrange
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from math import floor

from .reference_events import PASSIVE_TYPES, Event
from .reference_log import INACTIVITY, Log

MONTHS_BACK = 13


@dataclass
class Person:
    """What was a person's when it happened."""

    person_id: str
    visits: dict[tuple[str, int], list[Event]] = field(default_factory=dict)
    orders: list[tuple[datetime, Decimal | None]] = field(default_factory=list)
    cart_count: int = 0
    abandoned_cart_count: int = 0

    @property
    def times(self) -> list[datetime]:
        return [event.event_at for visit in self.visits.values() for event in visit]

    @property
    def views(self) -> list[tuple[datetime, str]]:
        """When items of which category were viewed."""
        return [
            (event.event_at, item.item_category)
            for visit in self.visits.values()
            for event in visit
            if event.event_type == "view_item"
            for item in event.own_items
            if item.item_category
        ]

    @property
    def favourite_category(self) -> str | None:
        counts = Counter(category for _, category in self.views)
        newest = {category: at for at, category in sorted(self.views)}
        # the first by name of those that are alike
        ranked = sorted(counts, reverse=False)
        return max(ranked, key=lambda each: (counts[each], newest[each]), default=None)


def person_id(owner: str | None, visitor: str) -> str:
    return visitor if owner is None else f"user:{owner}"


def persons(known: Log) -> dict[str, Person]:
    """Everybody with an event, an order or a cart in a log that was cut at the hour."""
    found: dict[str, Person] = {}

    def of(owner: str | None, visitor: str) -> Person:
        each = person_id(owner, visitor)
        return found.setdefault(each, Person(each))

    last: dict[str, datetime] = {}
    session: Counter[str] = Counter()
    for event, owner in zip(known.ranked, known.owners, strict=True):
        if event.event_type in PASSIVE_TYPES:
            continue
        visitor = event.visitor_id
        if visitor not in last or event.event_at - last[visitor] > INACTIVITY:
            session[visitor] += 1
        last[visitor] = event.event_at
        visits = of(owner, visitor).visits
        visits.setdefault((visitor, session[visitor]), []).append(event)
    for order in known.orders:
        visitor = order.event.visitor_id
        value = known.base(order.amounts, order.event.event_at)
        of(order.owners[visitor], visitor).orders.append((order.event.event_at, value))
    for cart in known.carts:
        person = of(cart.owner_id, cart.visitor_id)
        person.cart_count += 1
        person.abandoned_cart_count += known.abandoned_at(cart) is not None
    return found


def points(visit: list[Event], as_of: datetime) -> int:
    """What a session is worth at the hour, in billionths."""
    age = as_of - visit[-1].event_at
    if age >= timedelta(days=30):
        return 0
    types = Counter(event.counted_as for event in visit)
    worth = (
        1
        + (visit[-1].event_at - visit[0].event_at > timedelta(minutes=5))
        + (types["page_view"] + types["view_item"] > 7)
        + (types["add_to_cart"] > 0)
    )
    return floor(1e9 * 0.5 ** (age / timedelta(days=7)) * worth + 0.5)


def percentile(values: list[int], share: float) -> float:
    """With a line between the two that are nearest."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def people(known: Log, as_of: datetime) -> list[dict]:
    """The table of people."""
    everybody = [each for each in persons(known).values() if each.visits]
    worth = {
        each.person_id: sum(points(visit, as_of) for visit in each.visits.values())
        for each in everybody
    }
    engaged = [value for value in worth.values() if value]
    most = percentile(engaged, 0.99) if engaged else 1
    return [
        {
            "person_id": each.person_id,
            "is_known": each.person_id.startswith("user:"),
            "first_seen_at": min(each.times),
            "last_seen_at": max(each.times),
            "session_count": len(each.visits),
            "order_count": len(each.orders),
            "order_value_base": sum(
                (value for _, value in each.orders if value is not None), Decimal(0)
            ),
            "last_order_at": max((at for at, _ in each.orders), default=None),
            "abandoned_cart_count": each.abandoned_cart_count,
            "abandonment_rate": (
                each.abandoned_cart_count / each.cart_count if each.cart_count else None
            ),
            "favourite_category": each.favourite_category,
            "engagement_score": min(100.0, 100 * worth[each.person_id] / most),
        }
        for each in everybody
        if max(each.times) > months_before(as_of)
    ]


def months_before(as_of: datetime) -> datetime:
    months = as_of.year * 12 + as_of.month - 1 - MONTHS_BACK
    year, month = months // 12, months % 12 + 1
    # of a month without such a day its last
    return as_of.replace(year=year, month=month, day=min(as_of.day, monthrange(year, month)[1]))


def segments(known: Log, as_of: datetime) -> set[tuple[str, str]]:
    """Who is in which of the shipped segments that no score decides."""
    found = persons(known)
    rows = {row["person_id"]: row for row in people(known, as_of)}
    values = [row["order_value_base"] for row in rows.values() if row["order_value_base"] > 0]

    def is_vip(row: dict) -> bool:
        own = row["order_value_base"]
        return own > 0 and 5 * sum(value >= own for value in values) <= len(values)

    def is_at_risk(row: dict) -> bool:
        seen = row["last_seen_at"] - row["first_seen_at"]
        away = as_of - row["last_seen_at"]
        return row["session_count"] >= 3 and away * (row["session_count"] - 1) >= 3 * seen

    def is_serial_abandoner(row: dict) -> bool:
        person = found[row["person_id"]]
        return person.cart_count >= 3 and 10 * person.abandoned_cart_count > 7 * person.cart_count

    of_people: dict[str, Callable[[dict], bool]] = {
        "vip": is_vip,
        "serial_abandoners": is_serial_abandoner,
        "dormant_buyers": lambda row: (
            row["order_count"] > 0 and as_of - row["last_seen_at"] >= timedelta(days=60)
        ),
        "at_risk": is_at_risk,
        "new_visitors": lambda row: as_of - row["first_seen_at"] < timedelta(days=7),
    }
    members = {
        (row["person_id"], name)
        for name, fits in of_people.items()
        for row in rows.values()
        if fits(row)
    }
    for each in found.values():
        recent = [at for at, _ in each.orders if as_of - at < timedelta(days=30)]
        if len(recent) > 3:
            members.add((each.person_id, "frequent_buyers"))
        viewed = {category for at, category in each.views if as_of - at < timedelta(hours=24)}
        if len(viewed) >= 3:
            members.add((each.person_id, "browsing_enthusiasts"))
    return _exclusive(members, ("dormant_buyers", "at_risk", "new_visitors"))


def _exclusive(members: set[tuple[str, str]], group: tuple[str, ...]) -> set[tuple[str, str]]:
    """Of a group, best first, a person is in the first that fits."""
    return {
        (person, name)
        for person, name in members
        if name not in group
        or not any((person, better) in members for better in group[: group.index(name)])
    }
