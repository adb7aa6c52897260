"""Lists of items as vendors' events bring them: empty ones beside full ones, and what is no list.

Belongs here: rows written by hand in the documented shapes, and the carts and notes they make. Not
here: lists that are read in one form only (each source's own test).
"""

import json
from decimal import Decimal
from pathlib import Path

from .recording import Recording
from .segment_calls import track
from .snowplow_rows import SHOP
from .vendor_files import HOUR, values, write_rows
from .warehouse import Warehouse

SHOE = {"product_id": "shoe", "price": 10.5, "quantity": 2}
# what the shop says of an event, the lines of its cart, and whether something is noted
SHOPS_OWN = [
    ({"products": [], "items": [SHOE]}, ("shoe", 2, Decimal("10.5")), False),
    ({"products": "[]", "items": json.dumps([SHOE])}, ("shoe", 2, Decimal("10.5")), False),
    ({"products": [], "line_items": ["shoe"]}, ("shoe", 1, None), False),
    ({"products": "shoe,hat", "items": [SHOE]}, ("shoe", 2, Decimal("10.5")), False),
    ({"products": SHOE}, ("(unknown)", 1, None), True),
    ({"products": SHOE, "sku": "tie", "price": 3}, ("tie", 1, Decimal(3)), True),
    ({"products": "shoe,hat"}, ("(unknown)", 1, None), True),
    ({"products": "shoe;hat", "items": []}, ("(unknown)", 1, None), True),
    ({"products": [], "sku": "tie"}, ("tie", 1, None), False),
    ({"items": 3, "sku": "tie"}, ("tie", 1, None), False),
    ({"items": "3", "sku": "tie"}, ("tie", 1, None), False),
    ({"products": "undefined", "sku": "tie"}, ("tie", 1, None), False),
    ({"products": "", "sku": "tie"}, ("tie", 1, None), False),
]


def mixpanel(visitor: str, said: dict) -> dict:
    ids = {"time": 1795168800, "distinct_id": visitor, "$device_id": visitor, "$insert_id": visitor}
    return {"event": "Added to Cart", "properties": {**ids, **said}}


def amplitude(visitor: str, said: dict) -> dict:
    return {
        "$insert_id": visitor,
        "device_id": visitor,
        "event_type": "Product Added",
        "event_time": "2026-11-20 10:00:00.000000",
        "event_properties": said,
        "user_properties": {},
    }


def segment(visitor: str, said: dict) -> dict:
    at = f"10:00:{visitor[-2:]}"
    return track("Product Added", at, visitor, **said.get("properties", {})) | {
        name: value for name, value in said.items() if name != "properties"
    }


def snowplow(visitor: str, said: dict) -> dict:
    return {
        "app_id": "shop",
        "event": "unstruct",
        "event_name": "add_to_cart",
        "event_id": visitor,
        "domain_userid": visitor,
        "collector_tstamp": "2026-11-20 10:00:00.000",
        "derived_tstamp": "2026-11-20 10:00:00.000",
        "v_collector": "ssc-2.3.0",
        "v_etl": "common-2.0.1",
        **said,
    }


def tealium(visitor: str, said: dict) -> dict:
    return {
        "visitorid": visitor,
        "eventid": visitor,
        "eventtime": 1795168800250,
        "useragent": "Mozilla/5.0",
        "dom_url": "https://shop.example/a",
        "udo_tealium_event": "cart_add",
        **said,
    }


def shopify(visitor: str, said: dict) -> dict:
    return {
        "client_id": visitor,
        "timestamp": f"2026-11-20T10:00:{visitor[-2:]}.000Z",
        "event_name": "product_added_to_cart",
        "page_url": "https://shop.example/",
        "event_data": json.dumps(said),
    }


PRODUCTS = "contexts_com_snowplowanalytics_snowplow_ecommerce_product_1"
SNEAKER = {"id": "shoe", "price": 10.5, "quantity": 2, "currency": "EUR"}
ENTITIES = {"data": [{"schema": SHOP.format("product"), "data": SNEAKER}]}
LINE = {"quantity": 2, "merchandise": {"sku": "shoe", "price": {"amount": 10.5}}}
VENDORS = {
    "mixpanel": (mixpanel, SHOPS_OWN),
    "amplitude": (amplitude, SHOPS_OWN),
    "segment": (
        segment,
        [
            ({"properties": {"products": []}, "products": [SHOE]}, ("shoe", 2, Decimal("10.5")), 0),
            ({"properties": {"products": [], "id": "tie"}}, ("tie", 1, None), False),
            ({"properties": {"products": SHOE}}, ("(unknown)", 1, None), True),
            ({"properties": {"products": "shoe,hat"}}, ("(unknown)", 1, None), True),
        ],
    ),
    "snowplow": (
        snowplow,
        [
            ({PRODUCTS: [], "contexts": ENTITIES}, ("shoe", 2, Decimal("10.5")), False),
            ({PRODUCTS: SNEAKER}, ("(unknown)", 1, None), True),
        ],
    ),
    "tealium": (
        tealium,
        [
            ({"udo_product_id": "[]", "udo_product_sku": '["tie"]'}, ("tie", 1, None), False),
            ({"udo_product_id": '["tie"]', "udo_product_price": "[]"}, ("tie", 1, None), False),
            ({"udo_product_id": '{"id": "tie"}'}, ("(unknown)", 1, None), True),
        ],
    ),
    "shopify_pixel": (
        shopify,
        [
            ({"items": [], "cartLine": LINE}, ("shoe", 2, Decimal("10.5")), False),
            ({"items": [], "checkout": {"lineItems": []}, "cartLine": LINE},
             ("shoe", 2, Decimal("10.5")), False),
            ({"items": {"item_id": "shoe"}}, ("(unknown)", 1, None), True),
        ],
    ),
}  # fmt: skip


def test_an_empty_list_hides_no_other_and_what_is_no_list_is_noted(
    all_sources: Recording, tmp_path: Path
):
    """Of all vendors in one build, each in a file of its own."""
    folders = {}
    for source, (of_visitor, cases) in VENDORS.items():
        rows = [of_visitor(f"{source}-{at:02}", said) for at, (said, _, _) in enumerate(cases)]
        folders[source] = write_rows(tmp_path / source, "jsonl", rows)
    built = Warehouse(all_sources)
    built.build_files(folders, HOUR, tables=("set_aside_rows", "cart_lines"))
    lines = built.query("""
        select visitor_id, item_id, quantity, unit_price from cart_lines order by all""")
    noted = built.query("select load_id, line, action, reason from set_aside_rows order by all")
    for load_id, (source, (_, cases)) in enumerate(VENDORS.items(), start=1):
        own = [line for line in lines if line["visitor_id"].startswith(f"{source}-")]
        assert values(own) == [
            (f"{source}-{at:02}", *line) for at, (_, line, _) in enumerate(cases)
        ]
        assert values([row for row in noted if row["load_id"] == load_id]) == [
            (load_id, at, "repaired", "bad_items") for at, case in enumerate(cases, 1) if case[2]
        ]
    assert len(lines) == sum(len(cases) for _, cases in VENDORS.values())
    assert {row["load_id"] for row in noted} <= {*range(1, len(VENDORS) + 1)}
