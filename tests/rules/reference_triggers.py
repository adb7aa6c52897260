"""When triggers fire, in plain and slow Python: hour by hour, each rule for everybody again.

Belongs here: what `dbt_project/docs/triggers.md` says of a rule at an hour. Not here: the log
(reference_log.py), or how a rule is read: this takes the yml as it is written.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import pairwise

from .reference_carts import Cart
from .reference_events import PASSIVE_TYPES, Event
from .reference_log import CART_LIFE, INACTIVITY, Log

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Happening:
    """What a condition can count: an event, or an order at its first purchase."""

    at: datetime
    event_type: str | None  # that it counts as
    items: frozenset[tuple[str | None, str | None, str | None]]  # id, category, type of the item

    def types(self, item_id: str | None) -> set[str | None]:
        """What it counts as, of an item if one is given."""
        if item_id is None:
            return {self.event_type}
        return {of_item for each, _, of_item in self.items if each == item_id}


def span(text: str) -> timedelta:
    unit = {"m": "minutes", "h": "hours", "d": "days"}[text[-1]]
    return timedelta(**{unit: int(text[:-1])})


def person(owner: str | None, visitor: str) -> str:
    return visitor if owner is None else f"user:{owner}"


@dataclass(frozen=True)
class Triggers:
    """A log, asked of triggers."""

    log: Log

    def firings(self, rules: Sequence[Mapping], as_of: datetime) -> list[dict]:
        """All hours up to one at which the rules fire, and for whom."""
        if not self.log.events:
            return []
        found = []
        for rule in rules:
            hour = self.log.ranked[0].event_at.replace(minute=0, second=0, microsecond=0)
            fired: dict[tuple[str, str | None], datetime] = {}
            while hour <= as_of:
                for who, part in self._asked(rule, hour):
                    last = fired.get((who, part))
                    is_cool = last is None or last <= hour - span(rule["cooldown"])
                    if is_cool and self._holds(rule, who, part, hour):
                        fired[who, part] = hour
                        found.append(
                            {
                                "trigger": rule["name"],
                                "person_id": who,
                                "item_id": part if rule["per"] == "item" else None,
                                "cart": part if rule["per"] == "cart" else None,
                                "fired_at": hour,
                            }
                        )
                hour += HOUR
        return found

    @cached_property
    def _owned(self) -> list[tuple[Event, str]]:
        return [
            (event, person(owner, event.visitor_id))
            for event, owner in zip(self.log.ranked, self.log.owners, strict=True)
        ]

    @cached_property
    def _happenings(self) -> dict[str, list[Happening]]:
        found: dict[str, list[Happening]] = {who: [] for _, who in self._owned}
        orders = {order.event: order for order in self.log.orders}
        for event, who in self._owned:
            if event.event_type != "purchase":
                items = frozenset(
                    (item.item_id, item.item_category, event.item_counted_as(item))
                    for item in event.own_items
                )
                found[who].append(Happening(event.event_at, event.counted_as, items))
            elif event in orders:
                bought = orders[event].lines
                items = frozenset((i.item_id, i.item_category, "purchase") for i in bought)
                found[who].append(Happening(event.event_at, "purchase", items))
        return found

    @cached_property
    def _activity(self) -> dict[str, list[datetime]]:
        found: dict[str, list[datetime]] = {who: [] for _, who in self._owned}
        for event, who in self._owned:
            if event.event_type not in PASSIVE_TYPES:
                found[who].append(event.event_at)
        return {who: sorted(times) for who, times in found.items()}

    def _asked(self, rule: Mapping, hour: datetime) -> Iterator[tuple[str, object]]:
        """Whom a rule is asked of at an hour, and of which item or cart (visitor and start)."""
        if rule["per"] == "cart":
            for cart in self._open_carts(hour):
                who = self._person_at(cart.visitor_id, hour)
                if who in self._happenings:
                    yield who, (cart.visitor_id, cart.started_at)
            return
        for who, happenings in self._happenings.items():
            seen = [each for each in happenings if each.at <= hour]
            if rule["per"] == "person":
                if seen or any(e.event_at <= hour for e, owner in self._owned if owner == who):
                    yield who, None
            else:
                for item in sorted({i for each in seen for i, *_ in each.items if i is not None}):
                    yield who, item

    @cached_property
    def _carts(self) -> list[Cart]:
        return self.log.carts

    def _open_carts(self, hour: datetime) -> list[Cart]:
        return [
            cart
            for cart in self._carts
            if cart.started_at <= hour
            and (
                hour < cart.closed_at
                if cart.status in ("converted", "emptied")
                else hour <= cart.last_touched_at + CART_LIFE
            )
        ]

    def _person_at(self, visitor: str, hour: datetime) -> str:
        return [
            who
            for event, who in self._owned
            if event.visitor_id == visitor and event.event_at <= hour
        ][-1]

    def _is_left(self, cart: Cart, hour: datetime) -> bool:
        left_at = self.log.session_of(cart).ended_at + INACTIVITY
        return left_at <= hour and (cart.closed_at is None or cart.closed_at > left_at)

    def _worth(self, cart: Cart, hour: datetime) -> Decimal | None:
        """What a cart was worth at an hour: that of the log as it stood then."""
        events = [event for event in self.log.events if event.event_at <= hour]
        then = Log(events, self.log.rates, self.log.reporting_currency)
        [same] = [
            each
            for each in then.carts
            if (each.visitor_id, each.started_at) == (cart.visitor_id, cart.started_at)
        ]
        return then.base(same.amounts, same.last_touched_at)

    def _holds(self, rule: Mapping, who: str, part: object, hour: datetime) -> bool:
        events = [each for each in self._happenings[who] if each.at <= hour]
        if rule["per"] == "item":
            events = [each for each in events if any(item == part for item, *_ in each.items)]
        if rule["per"] == "cart":
            events = [each for each in events if each.at >= part[1]]
        return all(self._is_true(each, rule, who, part, events, hour) for each in rule["when"])

    def _is_true(
        self,
        condition: Mapping,
        rule: Mapping,
        who: str,
        part: object,
        events: Sequence[Happening],
        hour: datetime,
    ) -> bool:
        active = [at for at in self._activity[who] if at <= hour]
        if "idle_at_least" in condition:
            return bool(active) and hour - active[-1] >= span(condition["idle_at_least"])
        if "idle_at_most" in condition:
            return bool(active) and hour - active[-1] <= span(condition["idle_at_most"])
        if "back_after" in condition:
            return any(
                later - earlier >= span(condition["back_after"])
                and later > hour - span(condition["within"])
                for earlier, later in pairwise(active)
            )
        if "cart" in condition:
            return any(
                self._person_at(cart.visitor_id, hour) == who
                and (condition["cart"] == "open" or self._is_left(cart, hour))
                and (rule["per"] != "cart" or part == (cart.visitor_id, cart.started_at))
                and self._is_worth(cart, condition, hour)
                for cart in self._open_carts(hour)
            )
        item_id = part if rule["per"] == "item" else None
        if "since" in condition:
            since = [each.at for each in events if condition["since"] in each.types(item_id)]
            if not since:
                return False
            after = max(since)
        else:
            after = hour - span(condition["within"])
        wanted = condition.get("of") or condition["none"]
        newer = [each for each in events if each.at > after]
        counted = [each for each in newer if wanted in each.types(item_id)]
        if "none" in condition:
            return not counted
        if "distinct" in condition:
            place = ("item_id", "item_category").index(condition["distinct"])
            values = {
                item[place]
                for each in newer
                for item in each.items
                if item[2] == wanted and item[place] is not None and item_id in (None, item[0])
            }
            return len(values) >= condition["at_least"]
        return len(counted) >= condition["at_least"]

    def _is_worth(self, cart: Cart, condition: Mapping, hour: datetime) -> bool:
        if "value_at_least" not in condition:
            return True
        worth = self._worth(cart, hour)
        return worth is not None and worth >= Decimal(str(condition["value_at_least"]))
