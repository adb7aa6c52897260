"""Visits as the shop's log: canonical events, and those of machines and mail programs.

Belongs here: what an event looks like, and its values. Does not belong here: whether it happens
(`shop_visits`), how it is delivered and what breaks on the way (`shop_delivery`).

Events are numbers (positions in the tables of names, cents, microseconds since the opening) until
`as_text` spells them out: a million rows are cheaper to draw than to write.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from data.shop_catalogue import BRANDS, CATEGORIES, ODD, Catalogue, Names, alike, companion
from data.shop_law import Flags, Floats, Ints, ShopLaw
from data.shop_people import MAX_DEVICES, People, device_kind
from data.shop_visits import MAX_ADDS, STEP, STEPS, Visits

UNKNOWN_TYPE = "chat_open"
TYPES = (
    *("page_view", "view_item", "view_item_list", "search", "add_to_wishlist", "add_to_cart"),
    *("remove_from_cart", "view_cart", "begin_checkout", "add_shipping_info", "add_payment_info"),
    *("purchase", "refund", "login", "sign_up", "email_open", UNKNOWN_TYPE),
)  # fmt: skip
COLUMNS = (
    *("event_id", "visitor_id", "user_id", "event_at", "event_type", "item_id", "item_category"),
    *("item_brand", "quantity", "price", "currency", "order_id", "order_value", "items"),
    *("page_url", "referrer", "utm_source", "utm_medium", "utm_campaign", "device_type", "country"),
)  # fmt: skip

_DEVICE_TYPES = ("mobile", "desktop", "tablet")
_COUNTRIES = ("DE", "FR", "NL", "ES", "GB", "US")
_COUNTRY_SHARES = (0.38, 0.16, 0.12, 0.10, 0.14, 0.10)
_CURRENCIES = ("EUR", "EUR", "EUR", "EUR", "GBP", "USD")
_SITE = "https://shop.example"
# By shop_visits.SOURCES: referrer, utm_source, utm_medium, utm_campaign of the landing event.
_ORIGINS = (
    (None, None, None, None),
    ("https://www.search.example/", None, None, None),
    ("https://www.search.example/", "search", "cpc", "autumn"),
    (None, "newsletter", "email", "weekly"),
    ("https://social.example/feed", "social", "paid_social", "looks"),
    ("https://blog.example/best-coats", None, None, None),
)

_TYPE = {name: number for number, name in enumerate(TYPES)}
_STEP_TYPES = {
    "landing": "page_view",
    "browse": "page_view",  # of many types, drawn
    "sign_in": "login",
    "focus": "view_item",
    "wishlist": "add_to_wishlist",
    "view_cart": "view_cart",
    "take_off": "remove_from_cart",
    "browse_on": "page_view",
    "clear": "remove_from_cart",
    "checkout": "begin_checkout",
    "sign_in_to_buy": "login",
    "shipping": "add_shipping_info",
    "payment": "add_payment_info",
    "purchase": "purchase",
    "thanks": "page_view",
    "repeat": "purchase",
    **{f"view_{number}": "view_item" for number in range(1, MAX_ADDS + 1)},
    **{f"add_{number}": "add_to_cart" for number in range(1, MAX_ADDS + 1)},
    **{f"remove_{number}": "remove_from_cart" for number in range(1, MAX_ADDS + 1)},
}
_BROWSE_TYPES = ("page_view", "view_item_list", "search", "view_item", UNKNOWN_TYPE)
_BROWSE_SHARES = (0.20, 0.22, 0.13, 0.44, 0.01)
# Where a type happens: a path, or the page of the item or its category.
_PATHS = {
    "page_view": "/",
    "search": "/search",
    "view_cart": "/cart",
    "remove_from_cart": "/cart",
    "begin_checkout": "/checkout",
    "add_shipping_info": "/checkout/shipping",
    "add_payment_info": "/checkout/payment",
    "purchase": "/checkout/thanks",
    "login": "/account",
    "sign_up": "/account",
    UNKNOWN_TYPE: "/help",
}
_ITEM_PAGES = ("view_item", "add_to_wishlist", "add_to_cart")
_CATEGORY_PAGES = ("view_item_list",)

_HOUR_US = 3_600_000_000
_NONE = -1  # a position, amount or count that an event does not have
_CODES = (
    *("visitor", "user", "at_us", "type", "item", "quantity", "cents", "order", "order_cents"),
    *("source", "device", "country"),
)  # fmt: skip


@dataclass(frozen=True)
class VisitEvents:
    """The coded events of visits, and of each its visit and its step in it."""

    codes: pl.DataFrame
    visit: Ints
    step: Ints


def visit_events(
    law: ShopLaw, people: People, visits: Visits, catalogue: Catalogue, seed: int
) -> VisitEvents:
    """Tell every visit step by step, in order of visit and time."""
    rng = np.random.default_rng([seed, 6])
    counts = visits.steps
    count = len(counts)
    step = np.repeat(np.tile(np.arange(len(STEPS)), count), counts.ravel())
    visit = np.repeat(np.arange(count), counts.sum(axis=1))
    person = visits.person[visit]
    at_us = _times(law, visits, visit, step, rng)

    kind = np.array([_TYPE[_STEP_TYPES[name]] for name in STEPS])[step]
    browses = (step == STEP["browse"]) | (step == STEP["browse_on"])
    drawn = rng.choice([_TYPE[name] for name in _BROWSE_TYPES], len(step), p=_BROWSE_SHARES)
    kind = np.where(browses, drawn, kind)
    signs_in = (step == STEP["sign_in"]) | (step == STEP["sign_in_to_buy"])
    # Visits lie in order of time for each person: the first sign-in is where the account is made.
    _, first = np.unique(person[signs_in], return_index=True)
    is_new = rng.random(len(first)) < 0.5
    kind[np.flatnonzero(signs_in)[first[is_new]]] = _TYPE["sign_up"]

    # The first add is of the item the decision is about, further ones of anything alike.
    wanted = alike(catalogue, np.repeat(visits.item[:, None], MAX_ADDS, axis=1), rng)
    wanted[:, 0] = visits.item
    goes_along = np.random.default_rng([seed, 12]).random(count) < law.companion_share
    wanted[goes_along, 1] = companion(catalogue, visits.item[goes_along])
    quantities = np.where(
        rng.random((count, MAX_ADDS)) < law.multi_quantity_share,
        1 + rng.geometric(0.7, (count, MAX_ADDS)),
        1,
    ).clip(1, 9)
    number = np.array([_add_number(name) for name in STEPS])[step]
    slot = np.maximum(number, 0)
    item = np.full(len(step), _NONE)
    focused = (step == STEP["focus"]) | (step == STEP["wishlist"])
    item[focused] = visits.item[visit[focused]]
    looks = browses & (kind == _TYPE["view_item"])
    item[looks] = alike(catalogue, visits.item[visit[looks]], rng)
    lists = kind == _TYPE["view_item_list"]
    item[lists] = visits.item[visit[lists]]
    item = np.where(number >= 0, wanted[visit, slot], item)

    adds = kind == _TYPE["add_to_cart"]
    takes_off = step == STEP["take_off"]
    quantity = np.where(adds | takes_off, quantities[visit, slot], _NONE)
    hours = at_us / _HOUR_US
    cents = catalogue.price(item, hours)
    buys = step == STEP["purchase"]
    repeats = step == STEP["repeat"]

    # An order's value: what the decision put in, less what it took off; else the one item bought.
    decision = visits.decision[visit]
    moved = (adds | takes_off) & (decision >= 0)
    value = np.bincount(
        decision[moved],
        weights=(np.where(adds, 1, -1) * quantity * cents)[moved],
        minlength=count,
    ).astype(np.int64)
    order_cents = np.where(
        decision >= 0, value[decision], catalogue.price(visits.item[visit], hours)
    )
    # A reload reports the order as it was, whatever the price is by now.
    order_cents[repeats] = _last(order_cents, buys)[repeats]

    steps_in = counts[visit, STEP["sign_in"]] > 0
    steps_in_late = counts[visit, STEP["sign_in_to_buy"]] > 0
    is_known = (
        visits.signed_in[visit]
        | (steps_in & (step >= STEP["sign_in"]))
        | (steps_in_late & (step >= STEP["sign_in_to_buy"]))
    )
    country = np.random.default_rng([seed, 7]).choice(
        len(_COUNTRIES), len(people), p=_COUNTRY_SHARES
    )
    priced = np.isin(kind, [_TYPE[name] for name in (*_ITEM_PAGES, "remove_from_cart")])
    codes = _codes(
        len(step),
        visitor=person * MAX_DEVICES + visits.device[visit],
        user=np.where(is_known, person, _NONE),
        at_us=at_us,
        type=kind,
        item=item,
        quantity=quantity,
        cents=np.where(priced & (item >= 0), cents, _NONE),
        order=np.where(buys | repeats, visit, _NONE),
        order_cents=np.where(buys | repeats, order_cents, _NONE),
        source=np.where(step == STEP["landing"], visits.source[visit], _NONE),
        device=device_kind(law, person, visits.device[visit]),
        country=country[person],
    )
    return VisitEvents(codes, visit, step)


def passive_events(
    law: ShopLaw, people: People, recorded: VisitEvents, hours: float, seed: int
) -> pl.DataFrame:
    """Refunds, recorded by the back office without a visitor, and opened newsletters."""
    rng = np.random.default_rng([seed, 8])
    orders = recorded.codes.filter(
        pl.Series(recorded.step == STEP["purchase"]) & (pl.col("user") != _NONE)
    )
    orders = orders.filter(pl.Series(rng.random(len(orders)) < law.refund_share))
    wait_us = rng.uniform(24 * _HOUR_US, 240 * _HOUR_US, len(orders)).astype(np.int64)
    refunds = _codes(
        len(orders),
        user=orders["user"].to_numpy(),
        at_us=_milliseconds(orders["at_us"].to_numpy() + wait_us),
        type=np.full(len(orders), _TYPE["refund"]),
        order=orders["order"].to_numpy(),
        order_cents=orders["order_cents"].to_numpy(),
        country=orders["country"].to_numpy(),
    )
    readers = np.repeat(
        np.arange(len(people)), rng.poisson(law.newsletter_opens * people.has_account)
    )
    opens = _codes(
        len(readers),
        user=readers,
        at_us=_milliseconds(rng.uniform(0.0, hours * _HOUR_US, len(readers)).astype(np.int64)),
        type=np.full(len(readers), _TYPE["email_open"]),
    )
    return pl.concat([refunds, opens])


def machine_events(
    law: ShopLaw, people: int, catalogue: Catalogue, hours: float, seed: int
) -> pl.DataFrame:
    """Crawlers, over a thousand events within hours, and monitors, every few minutes for a day."""
    rng = np.random.default_rng([seed, 9])
    crawlers = max(1, round(people * law.crawler_share))
    monitors = max(1, round(people * law.monitor_share))
    counts = np.concatenate([rng.integers(1100, 1800, crawlers), rng.integers(100, 140, monitors)])
    machine = np.repeat(np.arange(len(counts)), counts)
    is_crawler = machine < crawlers
    # Every 2 to 6 seconds, and every 8 to 12 minutes: a session of over 12 hours at the least.
    gap = rng.uniform(2.0, 6.0, len(machine)) * np.where(is_crawler, 1.0, 120.0)
    gap = np.where(is_crawler, gap, gap.clip(480.0, 720.0))
    begin = rng.uniform(0.0, max(hours - 30.0, hours * 0.1), len(counts)) * 3600.0
    seconds = _running(gap, machine) + begin[machine]
    kind = np.where(is_crawler, _TYPE["view_item"], _TYPE["page_view"])
    kind[is_crawler & (rng.random(len(machine)) < 0.01)] = _TYPE["add_to_cart"]
    at_us = _milliseconds((seconds * 1e6).astype(np.int64))
    item = np.where(is_crawler, rng.integers(0, len(catalogue.cents), len(machine)), _NONE)
    return _codes(
        len(machine),
        visitor=people * MAX_DEVICES + machine,
        at_us=at_us,
        type=kind,
        item=item,
        cents=np.where(is_crawler, catalogue.price(item, at_us / _HOUR_US), _NONE),
        device=np.full(len(machine), 1),
        country=np.full(len(machine), _COUNTRIES.index("US")),
    )


def as_text(
    codes: pl.DataFrame, listed: pl.DataFrame, names: Names, catalogue: Catalogue, opened_us: int
) -> pl.DataFrame:
    """Spell coded events out: the canonical COLUMNS, text but for `event_at` (UTC).

    `listed` has the list of items of each order that has one (`shop_orders`); its purchases bring
    it. Event ids are a one-to-one scramble of the row number: unique, and no hint at the order.
    """
    items = len(catalogue.cents)
    item_ids = catalogue.ids
    pages = [f"{_SITE}{_PATHS.get(name, '/')}" for name in TYPES]
    pages += [f"{_SITE}/p/{item}" for item in item_ids]
    pages += [f"{_SITE}/c/{name}" for name in CATEGORIES]
    item = codes["item"].to_numpy()
    kind = codes["type"].to_numpy()
    category = np.where(item >= 0, catalogue.category[item], _NONE)
    page = np.where(
        np.isin(kind, [_TYPE[name] for name in _ITEM_PAGES]) & (item >= 0),
        len(TYPES) + item,
        np.where(
            np.isin(kind, [_TYPE[name] for name in _CATEGORY_PAGES]) & (item >= 0),
            len(TYPES) + items + category,
            np.where(codes["device"] == _NONE, _NONE, kind),  # passive events happen on no page
        ),
    )
    # A list is of a category, not of the item that somebody had in mind.
    named = np.where(kind == _TYPE["view_item_list"], _NONE, item)
    brand = np.where(named >= 0, catalogue.brand[named], _NONE)
    has_amount = (codes["cents"] != _NONE) | (codes["order_cents"] != _NONE)
    currency = np.where(has_amount, codes["country"].to_numpy(), _NONE)
    source = codes["source"].to_numpy()
    referrer, utm_source, utm_medium, utm_campaign = zip(*_ORIGINS, strict=True)
    number = np.arange(len(codes), dtype=np.uint64)
    scrambled = (number * np.uint64(ODD) + np.uint64(opened_us)) & np.uint64(2**40 - 1)
    columns = {
        "event_id": "e" + pl.Series(scrambled).cast(pl.String).str.zfill(13),
        "visitor_id": _pick(names.visitors, codes["visitor"].to_numpy()),
        "user_id": _pick(names.users, codes["user"].to_numpy()),
        "event_at": (codes["at_us"] + opened_us).cast(pl.Datetime("us", "UTC")),
        "event_type": _pick(TYPES, kind),
        "item_id": _pick(item_ids, named),
        "item_category": _pick(CATEGORIES, category),
        "item_brand": _pick(BRANDS, brand),
        "quantity": _known(codes["quantity"]).cast(pl.String),
        "price": money(codes["cents"]),
        "currency": _pick(_CURRENCIES, currency),
        "order_id": "o" + _known(codes["order"] + 100_000, 99_999).cast(pl.String),
        "order_value": money(codes["order_cents"]),
        "items": codes.select(
            order=pl.when(pl.col("type") == _TYPE["purchase"]).then("order")
        ).join(listed, on="order", how="left", maintain_order="left")["items"],
        "page_url": _pick(pages, page),
        "referrer": _pick(referrer, source),
        "utm_source": _pick(utm_source, source),
        "utm_medium": _pick(utm_medium, source),
        "utm_campaign": _pick(utm_campaign, source),
        "device_type": _pick(_DEVICE_TYPES, codes["device"].to_numpy()),
        "country": _pick(_COUNTRIES, codes["country"].to_numpy()),
    }
    return pl.DataFrame({name: columns[name] for name in COLUMNS})


def _times(law: ShopLaw, visits: Visits, visit: Ints, step: Ints, rng: np.random.Generator) -> Ints:
    """Spread each visit's events from its start to its end, none half an hour from the next."""
    # No gap is over 8.5 times the least, which bounds it by the mean gap that `shop_visits` caps.
    gap = 0.4 + rng.exponential(1.0, len(visit)).clip(0.0, 3.0)
    offset = _running(gap, visit)
    last = np.flatnonzero(np.diff(visit, append=-1))
    total = np.maximum(offset[last], 1e-9)[visit]
    hours = visits.start[visit] + (visits.end - visits.start)[visit] * offset / total
    at_us = _milliseconds((hours * _HOUR_US).astype(np.int64))
    is_add = np.isin(step, [STEP[f"add_{number}"] for number in range(1, MAX_ADDS + 1)])
    instant = np.flatnonzero(is_add & (rng.random(len(step)) < law.instant_add_share))
    at_us[instant] = at_us[instant - 1]
    return at_us


def _running(gap: Floats, group: Ints) -> Floats:
    """Sum `gap` up within each run of `group`, from zero at its first row."""
    total = np.cumsum(gap)
    first = np.flatnonzero(np.diff(group, prepend=-1))
    return total - total[first][np.cumsum(np.diff(group, prepend=-1) != 0) - 1]


def _last(values: Ints, marked: Flags) -> Ints:
    """Give each row the value of the last marked row at or before it."""
    position = np.maximum.accumulate(np.where(marked, np.arange(len(values)), 0))
    return values[position]


def _add_number(step: str) -> int:
    """0 for the first add, its view and its removal, 1 for the second ...; `_NONE` for the rest."""
    if step == "take_off":
        return 1
    name, _, number = step.rpartition("_")
    return int(number) - 1 if name and number.isdigit() else _NONE


def _milliseconds(microseconds: Ints) -> Ints:
    """Cut to the millisecond, as a browser's clock has it."""
    return microseconds // 1000 * 1000


def _codes(count: int, **columns: Ints) -> pl.DataFrame:
    nothing = np.full(count, _NONE)
    return pl.DataFrame({name: columns.get(name, nothing).astype(np.int64) for name in _CODES})


def _pick(names: Iterable[str | None], position: Ints) -> pl.Series:
    table = pl.Series([None, *names], dtype=pl.String)
    return table.gather(pl.Series(position + 1))


def _known(numbers: pl.Series, nothing: int = _NONE) -> pl.Series:
    return numbers.set(numbers == nothing, None)


def money(cents: pl.Series) -> pl.Series:
    """Spell cents with two decimals; null for none."""
    known = _known(cents)
    return (known // 100).cast(pl.String) + "." + (known % 100).cast(pl.String).str.zfill(2)
