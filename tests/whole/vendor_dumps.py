"""A small shop as six other systems would have recorded it, each in its documented shape.

Belongs here: what its visitors did, and the files that each system makes of it. Not here: what must
come of them (test_vendors.py).
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from tests.rules import ga4_export, segment_calls, snowplow_rows, vendor_files

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
VISITORS = 8
SHIPPING = Decimal("4.95")
PRICES = [Decimal(price) for price in ("19.90", "5.00", "3.49", "120.00", "0.99")]
# Up to 30 minutes are one session.
PAUSES = [timedelta(minutes=minutes) for minutes in (1, 2, 7, 30)]
ABSENCES = [timedelta(minutes=31), timedelta(hours=3), timedelta(hours=20)]


@dataclass(frozen=True)
class Step:
    """Something that a visitor did; `items` are (id, quantity)."""

    number: int
    visitor: str
    user: str | None
    at: datetime
    kind: str
    items: Sequence[tuple[str, int]] = ()
    order_id: str | None = None
    order_value: Decimal | None = None

    @property
    def epoch(self) -> int:
        """Seconds."""
        return int(self.at.timestamp())


def price_of(item: str) -> Decimal:
    """The price of one unit in EUR; it never changes."""
    return PRICES[int(item[-1])]


def steps_of(source: str) -> list[Step]:
    """What the visitors of the shop did that has this source, always the same."""
    random_ = random.Random(source)
    numbers = iter(range(1, 10_000))
    return [
        step
        for visitor in range(VISITORS)
        for step in _visits(random_, numbers, source, f"{source}-v{visitor}x")
    ]


def _visits(
    random_: random.Random, numbers: Iterator[int], source: str, visitor: str
) -> Iterator[Step]:
    at = START + timedelta(minutes=random_.randrange(600))
    user: str | None = None
    cart: dict[str, int] = {}
    for _ in range(random_.randint(1, 3)):
        for _ in range(random_.randint(2, 9)):
            kinds = ["page", "view", "add", "add", "remove", "checkout", "purchase", "login"]
            kind = random_.choice(kinds)
            items = [f"{source}-item-{each}" for each in random_.sample(range(len(PRICES)), 2)]
            chosen = [(item, random_.randint(1, 3)) for item in items]
            number = next(numbers)
            order: tuple = ()
            match kind:
                case "page" | "checkout":
                    chosen = []
                case "view":
                    chosen = [(items[0], 1)]
                case "login":
                    chosen, user = [], f"account-of-{visitor}"
                case "add":
                    chosen = chosen[: random_.randint(1, 2)]
                    for item, quantity in chosen:
                        cart[item] = cart.get(item, 0) + quantity
                case "remove":
                    chosen = [each for each in cart.items() if random_.random() < 0.6] or chosen
                    for item, quantity in chosen:
                        cart[item] = cart.get(item, 0) - quantity
                    cart = {item: left for item, left in cart.items() if left > 0}
                case "purchase":
                    chosen, cart = [*cart.items()] or chosen[:1], {}
                    value = sum(price_of(item) * quantity for item, quantity in chosen)
                    order = (f"{source}-order-{number}", value + SHIPPING)
            # who signed in once is not named each time
            named = user if kind in ("login", "purchase") or random_.random() < 0.5 else None
            yield Step(number, visitor, named, at, kind, chosen, *order)
            at += random_.choice(PAUSES)
        at += random_.choice(ABSENCES)


def _products(
    step: Step, item_id: str, price: str = "price", quantity: str = "quantity"
) -> list[dict]:
    return [
        {item_id: item, "name": f"The {item}", price: float(price_of(item)), quantity: units}
        for item, units in step.items
    ]


def _order(step: Step, order_id: str, value: str) -> dict:
    return {order_id: step.order_id, value: float(step.order_value)} if step.order_id else {}


def _flat_or_listed(step: Step, item_id: str) -> dict:
    """One item as properties of the event, those of an order and several as a list."""
    products = _products(step, item_id)
    if len(products) == 1 and step.kind != "purchase":
        return products[0]
    return {"products": products} if products else {}


def _ga4(folder: Path, steps: Sequence[Step]) -> None:
    words = {
        "page": "page_view",
        "view": "view_item",
        "add": "add_to_cart",
        "remove": "remove_from_cart",
        "checkout": "begin_checkout",
    }
    rows = []
    for step in steps:
        items = [{**each, "item_name": each.pop("name")} for each in _products(step, "item_id")]
        order = _order(step, "transaction_id", "purchase_revenue")
        row = ga4_export.hit(
            step.visitor,
            "00:00",
            words.get(step.kind, step.kind),
            items,
            params={"currency": "EUR"},
            user_id=step.user,
            **({"ecommerce": order} if order else {}),
        )
        rows.append(
            row | {"event_date": f"{step.at:%Y%m%d}", "event_timestamp": step.epoch * 1_000_000}
        )
    for day in sorted({row["event_date"] for row in rows}):
        of_day = [row for row in rows if row["event_date"] == day]
        ga4_export.write_json(folder / f"events_intraday_{day}.json", of_day)
        ga4_export.write_parquet(folder / f"events_{day}.parquet", ga4_export.daily(of_day))


def _segment(folder: Path, steps: Sequence[Step]) -> None:
    words = {
        "view": "Product Viewed",
        "add": "Product Added",
        "remove": "Product Removed",
        "checkout": "Checkout Started",
        "purchase": "Order Completed",
    }
    kinds = {"page": "page", "login": "identify"}
    calls = []
    for step in steps:
        kind = kinds.get(step.kind, "track")
        properties = {
            "currency": "EUR",
            **_order(step, "order_id", "total"),
            **_flat_or_listed(step, "product_id"),
        }
        event = {"event": words[step.kind], "properties": properties} if kind == "track" else {}
        call = segment_calls.call(kind, "00:00:00", step.visitor, step.user, **event)
        at = step.at.isoformat().replace("+00:00", ".000Z")
        calls.append(call | {"messageId": f"ajs-{step.number}", "timestamp": at})
    segment_calls.write_calls(folder / "calls.jsonl", [*calls, *calls[::7]])


def _snowplow(folder: Path, steps: Sequence[Step]) -> None:
    words = {
        "view": "product_view",
        "add": "add_to_cart",
        "remove": "remove_from_cart",
        "purchase": "transaction",
    }
    rows = []
    for step in steps:
        products = [
            ("product", {**each, "currency": "EUR", "category": "all"})
            for each in _products(step, "id")
        ]
        common = {"user_id": step.user, "derived_tstamp": f"{step.at:%Y-%m-%d %H:%M:%S}.000"}
        first = (step.number, step.visitor, 0)
        match step.kind:
            case "page":
                row = snowplow_rows.event(*first, "page_view", **common)
            case "login":
                row = snowplow_rows.event(*first, "struct", se_action="login", **common)
            case "checkout":
                entity = ("checkout_step", {"step": 1})
                row = snowplow_rows.action(*first, "checkout_step", entity, **common)
            case "add" | "remove" if len(step.items) == 1:
                (product,) = _products(step, "sku", "unitPrice")
                data = {**product, "currency": "EUR"}
                row = snowplow_rows.classic(*first, words[step.kind], data) | common
            case "purchase":
                money = {**_order(step, "transaction_id", "revenue"), "currency": "EUR"}
                entities = [("transaction", money), *products]
                row = snowplow_rows.action(*first, "transaction", *entities, **common)
            case _:
                row = snowplow_rows.action(*first, words[step.kind], *products, **common)
        rows.append(row)
    (folder / "enriched.tsv").write_text(snowplow_rows.enriched(rows[::2] + rows[::6]))
    vendor_files.write_rows(folder, "jsonl.gz", snowplow_rows.objects(rows[1::2]))


_CHOSEN_WORDS = {
    "page": "Viewed Page",
    "view": "Product Viewed",
    "add": "Added to Cart",
    "remove": "Removed from Cart",
    "checkout": "Checkout",
    "purchase": "Placed Order",
    "login": "Sign In",
}


def _amplitude(folder: Path, steps: Sequence[Step]) -> None:
    rows = [
        {
            "$insert_id": f"i{step.number}",
            "uuid": f"c6ef3124-b53a-4b13-a233-{step.number:012}",
            "amplitude_id": 77,
            "event_id": step.number,
            "device_id": step.visitor,
            "user_id": step.user,
            "event_type": _CHOSEN_WORDS[step.kind],
            "event_time": f"{step.at:%Y-%m-%d %H:%M:%S}.000000",
            "event_properties": {
                "currency": "EUR",
                **_order(step, "order_id", "revenue"),
                **_flat_or_listed(step, "product_id"),
            },
            "user_properties": {},
        }
        for step in steps
    ]
    vendor_files.write_rows(folder, "jsonl.gz", rows + rows[::5])


def _mixpanel(folder: Path, steps: Sequence[Step]) -> None:
    rows = [
        {
            "event": _CHOSEN_WORDS[step.kind],
            "properties": {
                "time": step.epoch,
                "distinct_id": step.user or f"$device:{step.visitor}",
                "$device_id": step.visitor,
                "$insert_id": f"i{step.number}",
                "mp_processing_time_ms": step.epoch * 1000,
                "currency": "EUR",
                **({"$user_id": step.user} if step.user else {}),
                **_order(step, "order_id", "total"),
                **_flat_or_listed(step, "product_id"),
            },
        }
        for step in steps
    ]
    vendor_files.write_rows(folder, "jsonl", rows + rows[::5])


def _tealium(folder: Path, steps: Sequence[Step]) -> None:
    words = {
        "page": "page_view",
        "view": "product_view",
        "add": "cart_add",
        "remove": "cart_remove",
        "login": "user_login",
    }
    rows = []
    for step in steps:
        lists = {
            "product_id": [item for item, _ in step.items],
            "product_name": [f"The {item}" for item, _ in step.items],
            "product_quantity": [str(units) for _, units in step.items],
            "product_unit_price": [str(price_of(item)) for item, _ in step.items],
        }
        layer: Mapping[str, object] = {
            "tealium_event": words.get(step.kind, step.kind),
            "order_currency": "EUR",
            **({"customer_id": step.user} if step.user else {}),
            **({name: json.dumps(values) for name, values in lists.items()} if step.items else {}),
        }
        if step.order_id:
            layer = {**layer, "order_id": step.order_id, "order_total": str(step.order_value)}
        row = {
            "visitorid": step.visitor,
            "eventid": f"e{step.number}",
            "eventtime": str(step.epoch * 1000),
        }
        rows.append(row | {f"udo_{name}": value for name, value in layer.items()})
    columns = dict.fromkeys(name for row in rows for name in row)
    whole = [{name: row.get(name, "") for name in columns} for row in rows]
    vendor_files.write_rows(folder, "csv", whole + whole[::5])


WRITERS: Mapping[str, Callable[[Path, Sequence[Step]], None]] = {
    "ga4": _ga4,
    "segment": _segment,
    "snowplow": _snowplow,
    "amplitude": _amplitude,
    "mixpanel": _mixpanel,
    "tealium": _tealium,
}


def write_dumps(landing: Path) -> dict[str, list[Step]]:
    """Files of each system in its folder, many rows of them twice; what they are about, by
    source."""
    done = {source: steps_of(source) for source in WRITERS}
    for source, write in WRITERS.items():
        (landing / source).mkdir(parents=True)
        write(landing / source, done[source])
    return done
