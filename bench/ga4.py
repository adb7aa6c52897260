"""GA4's export as a shop with much traffic has it: rows of the documented shape, gzipped JSON lines
and Parquet.

Belongs here: making the files, and reading them by hand. Not here: what measuring them takes
(`measurements`).

The shape is that of https://support.google.com/analytics/answer/7029846, with all nested fields;
JSON is written as BigQuery writes it: whole numbers as texts, nulls left out, a file a hundred
thousand rows.
"""

import gzip
import json
import random
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

FILE_ROWS = 100_000
DRAWN_FILES = 10
SEED = 7
FIRST = datetime(2026, 10, 1, tzinfo=UTC)
DAYS = 30
HITS = 12  # of a visitor, on average
ITEMS = 2_000
STEPS = {
    "page_view": 40,
    "user_engagement": 15,
    "scroll": 12,
    "view_item": 18,
    "view_item_list": 6,
    "add_to_cart": 5,
    "remove_from_cart": 1,
    "begin_checkout": 2,
    "purchase": 1,
}
_PSEUDONYM = '"user_pseudo_id":"'
_TEXT, _WHOLE, _REAL = "VARCHAR", "BIGINT", "DOUBLE"
_VALUE = f"string_value {_TEXT}, int_value {_WHOLE}, float_value {_REAL}, double_value {_REAL}"
_PAIRS = f"STRUCT(key {_TEXT}, value STRUCT({_VALUE}))[]"
_ITEM_TEXTS = ("item_id", "item_name", "item_brand", "item_variant", "item_category")
_MONEY = ("purchase_revenue_in_usd", "purchase_revenue", "shipping_value", "tax_value")
_ROUTE = ("manual_source", "manual_medium", "manual_campaign_name", "gclid")


def _struct(names: tuple[str, ...], kind: str = _TEXT) -> str:
    return ", ".join(f"{name} {kind}" for name in names)


# Of the columns that Parquet has; JSON has them too, as texts and without the nulls.
TYPES: dict[str, str] = {
    "event_date": _TEXT,
    "event_timestamp": _WHOLE,
    "event_name": _TEXT,
    "event_params": _PAIRS,
    "event_previous_timestamp": _WHOLE,
    "event_value_in_usd": _REAL,
    "event_bundle_sequence_id": _WHOLE,
    "event_server_timestamp_offset": _WHOLE,
    "user_id": _TEXT,
    "user_pseudo_id": _TEXT,
    "privacy_info": f"STRUCT({_struct(('analytics_storage', 'ads_storage'))})",
    "user_properties": _PAIRS,
    "user_first_touch_timestamp": _WHOLE,
    "user_ltv": f"STRUCT(revenue {_REAL}, currency {_TEXT})",
    "device": (
        f"STRUCT({_struct(('category', 'mobile_brand_name', 'mobile_model_name'))},"
        f" {_struct(('operating_system', 'operating_system_version', 'language'))},"
        f" web_info STRUCT({_struct(('browser', 'browser_version', 'hostname'))}))"
    ),
    "geo": f"STRUCT({_struct(('city', 'country', 'continent', 'region', 'sub_continent'))})",
    "traffic_source": f"STRUCT({_struct(('name', 'medium', 'source'))})",
    "stream_id": _TEXT,
    "platform": _TEXT,
    "ecommerce": (
        f"STRUCT(total_item_quantity {_WHOLE}, {_struct(_MONEY, _REAL)}, unique_items {_WHOLE},"
        f" transaction_id {_TEXT})"
    ),
    "items": (
        f"STRUCT({_struct(_ITEM_TEXTS)}, price_in_usd {_REAL}, price {_REAL},"
        f" quantity {_WHOLE}, item_list_name {_TEXT}, item_list_index {_TEXT})[]"
    ),
    "collected_traffic_source": f"STRUCT({_struct(_ROUTE)})",
    "is_active_user": "BOOLEAN",
    "batch_event_index": _WHOLE,
    "batch_page_id": _WHOLE,
    "batch_ordering_id": _WHOLE,
    "session_traffic_source_last_click": (
        f"STRUCT(manual_campaign STRUCT({_struct(('source', 'medium', 'campaign_name'))}))"
    ),
}


def write(folder: Path, rows: int) -> None:
    """Write so many rows into `json` and `parquet` under the folder, the same in both.

    Beyond the first million they are those of the first million, of other visitors.
    """
    import duckdb

    made = _rows(min(rows, DRAWN_FILES * FILE_ROWS))
    for name in ("json", "parquet"):
        (folder / name).mkdir(parents=True)
    for number, begin in enumerate(range(0, rows, FILE_ROWS)):
        lines = folder / "json" / f"events_{number:06}.json.gz"
        with gzip.open(lines, "wt", compresslevel=1, encoding="utf-8") as file:
            if number < DRAWN_FILES:
                for row in islice(made, FILE_ROWS):
                    file.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
            else:
                drawn = folder / "json" / f"events_{number % DRAWN_FILES:06}.json.gz"
                with gzip.open(drawn, "rt", encoding="utf-8") as others:
                    for line in islice(others, rows - begin):
                        file.write(line.replace(_PSEUDONYM, f"{_PSEUDONYM}{number}."))
        duckdb.execute(
            f"copy (from read_json('{lines}', columns = {_columns()}))"
            f" to '{folder}/parquet/events_{number:06}.parquet'"
        )


def by_hand(form: str, folder: Path) -> int:
    """The files of a form in a table, by one statement; how many rows."""
    import duckdb

    con = duckdb.connect(str(folder / f"{form}.duckdb"))
    read = f"read_{form}('{folder}/{form}/*')"
    return con.execute(f"create or replace table read as from {read}").fetchall()[0][0]


def _columns() -> str:
    return "{" + ", ".join(f"{name}: '{kind}'" for name, kind in TYPES.items()) + "}"


def _rows(count: int) -> Iterator[dict[str, object]]:
    """Rows as BigQuery writes them, in the order of their time."""
    draw = random.Random(SEED)
    visitors = [_visitor(draw) for _ in range(max(1, count // HITS))]
    names, weights = [*STEPS], [*STEPS.values()]
    step = DAYS * 86_400 * 1_000_000 // max(count, 1)
    at = round(FIRST.timestamp() * 1_000_000)
    for number in range(count):
        at += draw.randrange(1, 2 * step)
        (name,) = draw.choices(names, weights)
        yield _row(draw, draw.choice(visitors), name, at, number)


def _visitor(draw: random.Random) -> dict[str, object]:
    """What all events of a browser say."""
    phone = draw.random() < 0.6
    first = round(FIRST.timestamp()) - draw.randrange(40_000_000)
    source, medium = draw.choice(
        [("google", "organic"), ("(direct)", "(none)"), ("newsletter", "email"), ("bing", "cpc")]
    )
    city, region = draw.choice([("München", "Bavaria"), ("Bremen", "Bremen"), ("Köln", "NRW")])
    return {
        "user": f"u{draw.randrange(10**7)}" if draw.random() < 0.2 else None,
        "pseudonym": f"{draw.randrange(10**9)}.{first}",
        "session": str(first + draw.randrange(10**6)),
        "first_touch": str(first * 1_000_000),
        "route": {"name": f"({medium})", "medium": medium, "source": source},
        "device": {
            "category": "mobile" if phone else "desktop",
            "mobile_brand_name": "Samsung" if phone else "Google",
            "mobile_model_name": f"SM-{draw.randrange(900)}" if phone else "Chrome",
            "operating_system": "Android" if phone else "Windows",
            "operating_system_version": f"{'Android' if phone else 'Windows'} {draw.randrange(14)}",
            "language": "de-de",
            "web_info": {
                "browser": "Chrome",
                "browser_version": f"1{draw.randrange(40)}.0.0.0",
                "hostname": "shop.example",
            },
        },
        "geo": {
            "city": city,
            "country": "Germany",
            "continent": "Europe",
            "region": region,
            "sub_continent": "Western Europe",
        },
    }


def _row(
    draw: random.Random, visitor: Mapping[str, object], name: str, at: int, number: int
) -> dict[str, object]:
    moment = datetime.fromtimestamp(at / 1e6, UTC)
    page = f"/p/{draw.randrange(ITEMS)}" if "item" in name else draw.choice(["/", "/c/shoes/"])
    items = [_item(draw) for _ in range(_item_count(draw, name))]
    value = round(sum(each["price"] * int(each["quantity"]) for each in items), 2)
    order = f"T-{number}" if name == "purchase" else None
    sent = {
        "ga_session_id": {"int_value": visitor["session"]},
        "ga_session_number": {"int_value": str(draw.randrange(1, 9))},
        "page_location": {"string_value": f"https://shop.example{page}?utm_source=letter"},
        "page_title": {"string_value": f"Schuhe, Hüte & mehr | Seite {draw.randrange(ITEMS)}"},
        "page_referrer": {"string_value": "https://www.google.com/"},
        "engagement_time_msec": {"int_value": str(draw.randrange(60_000))},
        "session_engaged": {"string_value": "1"},
        "engaged_session_event": {"int_value": "1"},
        "ignore_referrer": {"string_value": "true"},
        **(
            {"currency": {"string_value": "EUR"}, "value": {"double_value": value}} if items else {}
        ),
        **({"transaction_id": {"string_value": order}} if order else {}),
    }
    last_click = {**visitor["route"], "campaign_name": "autumn"}
    del last_click["name"]
    row = {
        "event_date": f"{moment:%Y%m%d}",
        "event_timestamp": str(at),
        "event_name": name,
        "event_params": [{"key": key, "value": held} for key, held in sent.items()],
        "event_bundle_sequence_id": str(number % 1000),
        "event_server_timestamp_offset": str(draw.randrange(2_000_000)),
        "user_id": visitor["user"],
        "user_pseudo_id": visitor["pseudonym"],
        "privacy_info": {"analytics_storage": "Yes", "ads_storage": "No"},
        "user_properties": [{"key": "tier", "value": {"string_value": "silver"}}],
        "user_first_touch_timestamp": visitor["first_touch"],
        "user_ltv": {"revenue": 0.0, "currency": "EUR"},
        "device": visitor["device"],
        "geo": visitor["geo"],
        "traffic_source": visitor["route"],
        "stream_id": "2130495581",
        "platform": "WEB",
        "ecommerce": {
            "total_item_quantity": str(len(items)),
            "purchase_revenue_in_usd": round(value * 1.1, 2),
            "purchase_revenue": value,
            "unique_items": str(len(items)),
            "transaction_id": order,
        }
        if order
        else None,
        "items": items,
        "collected_traffic_source": {"manual_source": "letter", "manual_medium": "email"},
        "is_active_user": True,
        "batch_event_index": "1",
        "batch_page_id": str(at // 1000),
        "batch_ordering_id": str(number % 7),
        "session_traffic_source_last_click": {"manual_campaign": last_click},
    }
    return {key: held for key, held in row.items() if held is not None}


def _item_count(draw: random.Random, name: str) -> int:
    if name == "view_item_list":
        return 6
    if name in ("begin_checkout", "purchase"):
        return draw.randrange(1, 4)
    return int(name in ("view_item", "add_to_cart", "remove_from_cart"))


def _item(draw: random.Random) -> dict[str, object]:
    number = draw.randrange(ITEMS)
    price = round(5 + number * 0.37, 2)
    return {
        "item_id": f"A{number:05}",
        "item_name": f"Schuh „Modell {number}“",
        "item_brand": f"Marke {number % 20}",
        "item_variant": "(not set)",
        "item_category": f"Schuhe/Art {number % 30}",
        "price_in_usd": round(price * 1.1, 2),
        "price": price,
        "quantity": str(draw.randrange(1, 3)),
        "item_list_name": "(not set)",
        "item_list_index": "(not set)",
    }


if __name__ == "__main__":
    print(by_hand(sys.argv[1], Path(sys.argv[2])))
