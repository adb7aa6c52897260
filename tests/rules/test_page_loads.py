"""Page views whose own view the dump delivers later: what is known between the two, and after both.

Belongs here: instants around one page load, with values by hand. Not here: which two are one page
load (test_address_rules.py), or page loads drawn into random logs (page_loads.py).
"""

from datetime import datetime
from fractions import Fraction

import pytest

from .cases import LOADED_AT, Row, add, at, event, log, rows, view
from .warehouse import Warehouse

HAT = "https://shop.example/products/hat"
CAP = "https://shop.example/products/cap"
SUMMER = "https://shop.example/collections/summer"
ITEM_VIEW = "view_item"


def page(visitor: str, time: str, url: str, **columns: str | None) -> Row:
    return event(visitor, time, "page_view", page_url=url, **columns)


# A cart with the hat, a page view of it, and two seconds later the view, of the hat's own id.
BETWEEN = log(
    add("known", "09:59", "hat"),
    page("known", "10:00", HAT, price="5.00", currency="EUR"),
    view("known", "10:00:02", page_url=HAT, item_id="HAT-1", price="4.00", currency="EUR"),
)
COUNTS = (
    "session_page_view_count, session_view_count, session_distinct_item_count,"
    " session_item_minutes, visitor_view_count, cart_session_view_count,"
    " item_views_since_add, last_event_type"
)


@pytest.mark.parametrize(
    ("instant", "counts"),
    [
        ("09:59:59.999999", (0, 0, 1, 0, 0, 0, 0, "add_to_cart")),
        ("10:00", (0, 1, 1, 0, 1, 1, 1, ITEM_VIEW)),
        ("10:00:01.999999", (0, 1, 1, 0, 1, 1, 1, ITEM_VIEW)),
        ("10:00:02", (1, 1, 2, 0, 1, 1, 0, ITEM_VIEW)),
    ],
)
def test_until_the_dump_delivers_the_view_a_page_view_is_one(
    warehouse: Warehouse, instant: str, counts: tuple
):
    warehouse.build(BETWEEN, at(instant), tables=["scoring_snapshots"])
    [found] = warehouse.query(f"select {COUNTS} from scoring_snapshots")
    assert tuple(found.values()) == counts


# The page is loaded twice, with a search between, before the view comes; then another search.
RELOADED = log(
    add("A", "09:59", "bag", price="10.00", currency="EUR"),
    page("A", "10:00", HAT, price="5.00", currency="EUR"),
    event("A", "10:00:01", "search"),
    page("A", "10:00:01.500000", HAT, price="6.00", currency="EUR"),
    view("A", "10:00:02", page_url=HAT, item_id="HAT-1", price="4.00", currency="EUR"),
    event("A", "10:00:05", "search"),
)


@pytest.mark.parametrize(
    ("instant", "page_views", "views", "items", "item_us", "to_viewed"),
    [
        ("09:59:59.999999", 0, 0, 1, 0, None),
        ("10:00", 0, 1, 2, 0, Fraction(10, 5)),
        ("10:00:00.999999", 0, 1, 2, 0, Fraction(10, 5)),
        ("10:00:01", 0, 1, 2, 1_000_000, Fraction(10, 5)),
        ("10:00:01.500000", 0, 2, 2, 1_000_000, Fraction(20, 11)),
        ("10:00:01.999999", 0, 2, 2, 1_000_000, Fraction(20, 11)),
        # neither the time nor the prices of the page views are those of an item any more
        ("10:00:02", 2, 1, 2, 0, Fraction(10, 4)),
        ("10:00:05", 2, 1, 2, 3_000_000, Fraction(10, 4)),
    ],
)
def test_time_on_an_item_and_what_it_cost_are_retracted_with_its_view(
    warehouse: Warehouse,
    instant: str,
    page_views: int,
    views: int,
    items: int,
    item_us: int,
    to_viewed: Fraction | None,
):
    warehouse.build(RELOADED, at(instant), tables=["scoring_snapshots"])
    [found] = warehouse.query(
        "select session_page_view_count, session_view_count, session_distinct_item_count,"
        " round(session_item_minutes * 60000000)::bigint as item_us, cart_price_to_viewed_price"
        " from scoring_snapshots"
    )
    *counts, ratio = found.values()
    assert counts == [page_views, views, items, item_us]
    assert ratio == (None if to_viewed is None else pytest.approx(float(to_viewed), rel=1e-12))


# One page load across midnight, another at noon; only the first is known as a view at a day's end.
ACROSS_MIDNIGHT = log(
    add("A", "11:00", "bag", price="10.00", currency="EUR", item_category="Hats"),
    page("A", "12:00", CAP, price="7.00", currency="EUR", item_category="Hats"),
    view("A", "12:00:02", page_url=CAP, item_id="CAP-1"),
    page("A", "23:59:59", HAT, price="5.00", currency="EUR", item_category="Hats"),
    view("A", "+1d 00:00:01", page_url=HAT, item_id="HAT-1"),
)


def test_an_item_that_only_an_address_named_is_none_though_midnight_was_between(
    warehouse: Warehouse,
):
    warehouse.build(ACROSS_MIDNIGHT, LOADED_AT, tables=["items"])
    found = warehouse.query("select item_id, price, view_count from items order by item_id")
    assert found == rows(
        "item_id price view_count", ("CAP-1", None, 1), ("HAT-1", None, 1), ("bag", 10, 0)
    )


# By the end of Monday a hat cost 10.00 or 5.00.
TO_CATEGORY = {
    "23:59:59": None,
    "+1d 00:00:00": Fraction(100, 75),
    "+1d 00:00:00.999999": Fraction(100, 75),
    "+1d 00:00:01": Fraction(100, 75),
}


@pytest.mark.parametrize("is_cut", [False, True])
def test_a_days_prices_are_those_that_its_end_knew(warehouse: Warehouse, is_cut: bool):
    for instant, to_category in TO_CATEGORY.items():
        delivered = known_by(instant, ACROSS_MIDNIGHT) if is_cut else ACROSS_MIDNIGHT
        warehouse.build(delivered, at(instant), tables=["scoring_snapshots"])
        [found] = warehouse.query("select item_price_to_category as ratio from scoring_snapshots")
        expected = None if to_category is None else pytest.approx(float(to_category), rel=1e-12)
        assert found["ratio"] == expected, instant


def known_by(instant: str, delivered: list[Row]) -> list[Row]:
    """The log cut at the instant."""
    return [each for each in delivered if datetime.fromisoformat(each["event_at"]) <= at(instant)]


# Who is known by the delivered view only has no part of the session before it.
SIGNED_IN = log(
    page("v", "10:59:59.500000", f"{SUMMER}/products/hat"),
    page("w", "10:59:59.500000", SUMMER),
    view("v", "11:00:01", item_id="hat", item_category="hats", user_id="u"),
    event("w", "11:00:01", "view_item_list", page_url=SUMMER, user_id="x"),
)


# The category of most item views, and pages and items viewed: the page of a list is one all along.
VIEWED = {
    "11:00": {"v": ("summer", 1), "w": (None, 1)},
    "11:00:00.999999": {"v": ("summer", 1), "w": (None, 1)},
    "11:00:01": {"v": (None, 1), "user:u": ("hats", 1), "w": (None, 1), "user:x": (None, 0)},
}


@pytest.mark.parametrize("is_cut", [False, True])
def test_a_page_view_is_one_of_an_item_for_its_person_until_somebody_is_known(
    warehouse: Warehouse, is_cut: bool
):
    query = (
        "select person_id, favourite_category, view_count_30d"
        " from people inner join scoring_people using (person_id)"
    )
    for instant, viewed in VIEWED.items():
        delivered = known_by(instant, SIGNED_IN) if is_cut else SIGNED_IN
        warehouse.build(delivered, at(instant), tables=["scoring_people", "people"])
        found = {person: tuple(rest) for person, *rest in map(dict.values, warehouse.query(query))}
        assert found == viewed, instant


PLACES = log(
    view("before", "09:59:59", page_url=HAT),
    page("before", "10:00", HAT),
    event("before", "10:00", "search"),
    page("at_once", "10:00", HAT),
    event("at_once", "10:00", "search"),
    view("at_once", "10:00", page_url=HAT),
    page("later", "10:00", HAT),
    event("later", "10:00", "search"),
    view("later", "10:00:02", page_url=HAT),
)


def test_the_place_of_a_page_view_is_that_of_what_it_is_by_then(warehouse: Warehouse):
    """A page view of which the dump delivers the view has that of any other event, unless that
    view is yet to come: then it has that of a view, for good."""
    orders = []
    for delivered in (PLACES, known_by("10:00", PLACES)):
        warehouse.build(delivered, at("10:00:02"), tables=["events"])
        found = warehouse.query(
            "select visitor_id, list(event_id order by event_number) as ids from events group by 1"
        )
        orders.append({each["visitor_id"]: each["ids"] for each in found})
    cut = {
        "before": ["e01", "e02", "e03"],
        "at_once": ["e04", "e05", "e06"],
        "later": ["e08", "e07"],
    }
    assert orders == [cut | {"later": ["e08", "e07", "e09"]}, cut]
