"""Small dumps of tools that Comeback has no source for, in the shapes of their own documentation.

Belongs here: the rows, and the pages they are from. Not here: what is drafted of them
(test_drafts_of_tools.py).
"""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

_BEGIN = datetime(2026, 11, 20, 10, tzinfo=UTC)
_BROWSERS = ("Chrome", "Safari", "Firefox", "Mobile Safari")
_MODELS = ("iPhone 15", "Pixel 8", "SM-S911B", "iPhone 13")


def _made_id(number: int, of: int) -> str:
    """An id that looks made at random; the same for the same numbers."""
    return str(UUID(int=(number + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128 ^ of))


def _at(number: int) -> datetime:
    return _BEGIN + timedelta(seconds=37 * number, microseconds=431_000)


def posthog(count: int = 120) -> list[dict]:
    """https://posthog.com/docs/data-pipelines/batch-exports/s3, JSON lines of the model of events;
    the properties of https://posthog.com/docs/data/events and those of a shop's own events."""
    rows = []
    for at in range(count):
        event = ("$pageview", "product viewed", "$autocapture", "add to cart", "purchase")[at % 5]
        product = f"SO-{at % 11:03}"
        properties = {
            "$os": ("iOS", "Android", "Windows")[at % 3],
            "$browser": _BROWSERS[at % 4],
            "$browser_version": 120 + at % 3,
            "$device_type": ("Mobile", "Desktop", "Tablet")[at % 3],
            "$device_id": _made_id(at % 17, 2),
            "$session_id": _made_id(at // 5, 3),
            "$current_url": f"https://shop.example.com/p/{product}?ref=mail",
            "$host": "shop.example.com",
            "$pathname": f"/p/{product}",
            "$referrer": "https://www.google.com/",
            "$lib": "web",
            "$lib_version": "1.200.1",
            "$insert_id": f"{at * 7919:016x}",
            "token": "phc_abcdefgh",
        }
        if at % 5 in (1, 3, 4):
            properties |= {
                "product_id": product,
                "product_image": f"https://cdn.example.com/img/{product}.jpg",
                "category": ("shoes", "hats")[at % 2],
                "price": 10.5 + at % 11,
                "quantity": 1 + at % 2,
                "currency": "USD",
            }
        if at % 5 == 4:
            properties |= {"order_id": f"o-{1000 + at}", "total": 33.0 + at}
        rows.append(
            {
                "uuid": _made_id(at, 1),
                "event": event,
                "distinct_id": _made_id(at % 23, 4),
                "person_id": _made_id(at % 23, 5),
                "properties": properties,
                "person_properties": {"$initial_os": "iOS", "plan": "gold"},
                "elements_chain": 'a.btn:href="/x"' if at % 5 == 2 else "",
                "timestamp": _at(at).isoformat(),
                "created_at": (_at(at) + timedelta(seconds=2)).isoformat(),
                "_inserted_at": (_at(at) + timedelta(seconds=90)).isoformat(),
            }
        )
    return rows


def braze(count: int = 120) -> list[dict]:
    """https://www.braze.com/docs/user_guide/data/distribution/braze_currents/event_glossary/
    customer_behavior_events, custom events and purchases in one folder, as JSON."""
    rows = []
    for at in range(count):
        row = {
            "id": _made_id(at, 1),
            "app_group_id": "5f1b7a0c9e6d4a0012345678",
            "user_id": f"{0x5F1B7A0C9E6D4A00 + at % 19:024x}",
            "external_user_id": f"cust-{4000 + at % 19}",
            "app_id": "c0ffee00-1111-2222-3333-444455556666",
            "time": int(_at(at).timestamp()),
            "timezone": "Europe/Berlin",
            "platform": ("ios", "android", "web")[at % 3],
            "os_version": ("17.1", "14", "Chrome")[at % 3],
            "device_model": _MODELS[at % 4],
            "device_id": _made_id(at % 19 + 20 * (at % 5 == 0), 2).upper(),
            "ad_id_type": "ios_idfa",
            "ad_tracking_enabled": False,
        }
        if at % 4 == 3:
            row |= {
                "product_id": f"SO-{at % 11:03}",
                "price": 12.99 + at % 11,
                "currency": "EUR",
                "properties": json.dumps({"category": "shoes", "order_id": f"o-{1000 + at}"}),
            }
        else:
            row |= {
                "name": ("viewed_product", "added_to_cart", "opened_app")[at % 4],
                "properties": json.dumps(
                    {
                        "product_id": f"SO-{at % 11:03}",
                        "image_url": f"https://cdn.example.com/{at % 11}.png",
                        "product_url": f"https://shop.example.de/p/{at % 11}",
                        "category": ("shoes", "hats")[at % 2],
                    }
                ),
            }
        rows.append(row)
    return rows


def _product(at: int) -> dict:
    number = at % 11
    return {
        "ProductID": f"{1100 + number}",
        "SKU": f"SO-{number:03}",
        "ProductName": f"Shoe no {number}",
        "Quantity": 1 + at % 2,
        "ItemPrice": 9.99 + number,
        "RowTotal": (9.99 + number) * (1 + at % 2),
        "ProductURL": f"https://www.example.com/path/to/product{number}",
        "ImageURL": f"https://www.example.com/path/to/product/image{number}.png",
        "ProductCategories": ["Shoes", "Sale"],
    }


def _klaviyo_properties(at: int) -> dict:
    added, number = _product(at), at % 11
    of_viewed = {
        "ProductName": added["ProductName"],
        "ProductID": added["ProductID"],
        "SKU": added["SKU"],
        "Categories": ["Shoes", "Sale"],
        "ImageURL": added["ImageURL"],
        "URL": added["ProductURL"],
        "Brand": ("Kids Books", "Runner")[number % 2],
        "Price": added["ItemPrice"],
        "CompareAtPrice": 24.99 + number,
    }
    of_added = {
        "$value": 29.98 + number,
        "AddedItemProductName": added["ProductName"],
        "AddedItemProductID": added["ProductID"],
        "AddedItemSKU": added["SKU"],
        "AddedItemCategories": ["Shoes", "Sale"],
        "AddedItemImageURL": added["ImageURL"],
        "AddedItemURL": added["ProductURL"],
        "AddedItemPrice": added["ItemPrice"],
        "AddedItemQuantity": added["Quantity"],
        "ItemNames": [added["ProductName"]],
        "CheckoutURL": "https://www.example.com/path/to/checkout",
        "Items": [added],
    }
    of_order = {
        "OrderId": f"{5000 + at}",
        "$value": 29.98 + at,
        "Categories": ["Shoes"],
        "ItemNames": [added["ProductName"]],
        "Brands": ["Runner"],
        "DiscountCode": "Free Shipping",
        "DiscountValue": 5,
        "Items": [added, _product(at + 1)],
        "BillingAddress": {"City": "Boston", "CountryCode": "US"},
    }
    return (of_viewed, of_added, of_order)[at % 3]


def klaviyo(count: int = 120) -> list[dict]:
    """https://developers.klaviyo.com/en/reference/get_events, each event of `data` a row; the
    properties of https://developers.klaviyo.com/en/docs/
    guide_to_integrating_a_platform_without_a_pre_built_klaviyo_integration."""
    rows = []
    for at in range(count):
        id_ = f"4{_made_id(at, 1)[:10].replace('-', '')}"
        metric = ("VxPrd1", "AdCrt2", "PlOrd3")[at % 3]
        profile = f"01GDDKASAP8TKDDA2GRZDSVP{at % 19:02}"
        rows.append(
            {
                "type": "event",
                "id": id_,
                "attributes": {
                    "timestamp": int(_at(at).timestamp()),
                    "event_properties": _klaviyo_properties(at),
                    "datetime": _at(at).isoformat(timespec="seconds"),
                    "uuid": _made_id(at, 1),
                },
                "relationships": {
                    "profile": {"data": {"type": "profile", "id": profile}},
                    "metric": {"data": {"type": "metric", "id": metric}},
                },
                "links": {"self": f"https://a.klaviyo.com/api/events/{id_}"},
            }
        )
    return rows


def klaviyo_table(count: int = 120) -> list[dict]:
    """https://fivetran.com/docs/connectors/applications/klaviyo, the table of events: properties as
    columns, beside them the name of the metric."""
    rows = []
    for at in range(count):
        flat = {
            f"property_{name}": value if isinstance(value, str | int | float) else json.dumps(value)
            for name, value in _klaviyo_properties(at).items()
        }
        rows.append(
            {
                "id": f"4{_made_id(at, 1)[:10].replace('-', '')}",
                "metric_name": ("Viewed Product", "Added to Cart", "Placed Order")[at % 3],
                "metric_id": ("VxPrd1", "AdCrt2", "PlOrd3")[at % 3],
                "person_id": f"01GDDKASAP8TKDDA2GRZDSVP{at % 19:02}",
                "type": "event",
                "datetime": _at(at).isoformat(timespec="seconds"),
                "timestamp": int(_at(at).timestamp()),
                "uuid": _made_id(at, 1),
                "property_product_type": "shop",
                **flat,
                "_fivetran_synced": (_at(at) + timedelta(hours=1)).isoformat(),
            }
        )
    return rows
