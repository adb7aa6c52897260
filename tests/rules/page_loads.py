"""Page views of items and lists by their addresses, and views of them that come by themselves.

Belongs here: drawing them around instants of a log. Not here: the log (strategies.py), or when the
two are one page load (test_address_rules.py).
"""

import random
from collections.abc import Iterable
from datetime import datetime, timedelta

from .cases import Row
from .reference_events import Event
from .strategies import MICROSECOND, write_time

SECOND = timedelta(seconds=1)
BEFORE = (timedelta(0), timedelta(0), MICROSECOND, 2 * SECOND, 5 * SECOND, 9 * SECOND)
AFTER = (timedelta(0), MICROSECOND, MICROSECOND, SECOND, 5 * SECOND, 10 * SECOND, -9 * SECOND)
ITEMS = ("shoe", "hat", "bag", "scarf")
LISTS = ("summer", "winter")
PRICES = (None, None, "5.00", "12.50")
CURRENCIES = (None, "EUR", "USD")
LISTED = '[{"item_id": "hat", "price": 3}, {"item_id": "sock", "price": "4.5", "currency": "USD"}]'


def page_loads(events: Iterable[Event], instant: datetime, seed: int) -> list[Row]:
    """Page loads that an instant, or an add of these events, falls into for every other visitor."""
    generator = random.Random(f"page loads {seed}")
    adds = [event for event in events if event.event_type == "add_to_cart"]
    visitors = sorted({event.visitor_id for event in adds})
    chosen = generator.sample(visitors, k=(len(visitors) + 1) // 2)
    around = [(visitor, instant) for visitor in chosen]
    around += [(add.visitor_id, add.event_at) for add in adds if add.visitor_id in chosen][::4]
    return [
        row
        for number, (visitor, at) in enumerate(around)
        for row in _page_load(generator, f"p{number}", visitor, at)
    ]


def _page_load(generator: random.Random, name: str, visitor: str, at: datetime) -> list[Row]:
    """One or two page views, and mostly a delivered view."""
    item, is_list = generator.choice(ITEMS), generator.random() < 0.2
    path = f"collections/{generator.choice(LISTS)}" if is_list else f"products/{item}"
    viewed = "view_item_list" if is_list else "view_item"
    # who is known by the delivered view only: the page view is in nobody's part of the session
    user = "u9" if generator.random() < 0.25 else None
    # another id than the one in the address, as of a variant
    own = generator.choice((item, item, f"{item}-1", None))
    pages = [at - generator.choice(BEFORE) for _ in range(generator.choice((1, 1, 1, 2)))]
    views = [at + generator.choice(AFTER) for _ in range(generator.choice((0, 1, 1, 1, 1, 2)))]
    rows = []
    for event_type, times in (("page_view", pages), (viewed, views)):
        for event_at in times:
            is_named = event_type == viewed or generator.random() < 0.2
            rows.append(
                {
                    "source": "canonical",
                    "event_id": f"{name}-{event_type}-{len(rows)}",
                    "visitor_id": visitor,
                    "user_id": user if event_type == viewed else None,
                    "event_at": write_time(event_at, "iso"),
                    "event_type": event_type,
                    "page_url": f"https://shop.example/{path}",
                    "item_id": own if is_named and not is_list else None,
                    "price": generator.choice(PRICES),
                    "currency": generator.choice(CURRENCIES),
                    "items": LISTED if generator.random() < 0.1 else None,
                }
            )
    return rows
