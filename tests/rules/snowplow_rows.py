"""Snowplow's enriched events, as rows without a header line and as the analytics SDKs give them.

Belongs here: events in the documented shapes, made up. Not here: what they mean
(test_source_snowplow.py).
"""

import json
import re

from .vendor_files import SOURCES

SHOP = "iglu:com.snowplowanalytics.snowplow.ecommerce/{}/jsonschema/1-0-0"
CLASSIC = "iglu:com.snowplowanalytics.snowplow/{}/jsonschema/1-0-0"
PAGE = ("iglu:com.snowplowanalytics.snowplow/web_page/jsonschema/1-0-0", {"id": "page"})


def event(number: int, visitor: str | None, minute: int, kind: str, **more) -> dict:
    """An event; `entities` and `body` are (schema, data)."""
    return {
        "app_id": "shop",
        "platform": "web",
        "etl_tstamp": "2026-11-20 12:00:00.000",
        "collector_tstamp": f"2026-11-20 10:{minute:02}:09.000",
        "event": kind,
        "event_id": f"c6ef3124-b53a-4b13-a233-{number:012}",
        "v_collector": "ssc-2.3.0",
        "v_etl": "common-2.0.1",
        "domain_userid": visitor,
        "derived_tstamp": f"2026-11-20 10:{minute:02}:00.250",
        "event_name": kind,
        "entities": [],
        "body": None,
        **more,
    }


def action(number: int, visitor: str, minute: int, kind: str, *entities, **more) -> dict:
    """An event of the e-commerce schemas."""
    return event(
        number,
        visitor,
        minute,
        "unstruct",
        event_name="snowplow_ecommerce_action",
        event_vendor="com.snowplowanalytics.snowplow.ecommerce",
        body=(SHOP.format("snowplow_ecommerce_action"), {"type": kind}),
        entities=[PAGE, *((SHOP.format(name), data) for name, data in entities)],
        **more,
    )


def classic(number: int, visitor: str, minute: int, name: str, data: dict) -> dict:
    """A self-describing event of older trackers."""
    body = (CLASSIC.format(name), data)
    return event(number, visitor, minute, "unstruct", event_name=name, body=body)


def enriched(events: list[dict]) -> str:
    """Rows without a header line; entities and self-describing events in an envelope."""
    lines = []
    for each in events:
        entities = [{"schema": schema, "data": data} for schema, data in each["entities"]]
        row = dict(each)
        if entities:
            row["contexts"] = json.dumps({"schema": CLASSIC.format("contexts"), "data": entities})
        if each["body"]:
            held = dict(zip(("schema", "data"), each["body"], strict=True))
            envelope = {"schema": CLASSIC.format("unstruct_event"), "data": held}
            row["unstruct_event"] = json.dumps(envelope)
        lines.append("\t".join(row.get(name) or "" for name in SOURCES["snowplow"].header))
    return "".join(f"{line}\n" for line in lines)


def column_of(prefix: str, schema: str) -> str:
    vendor, name, _, version = schema.removeprefix("iglu:").split("/")
    return f"{prefix}_{vendor.replace('.', '_')}_{name}_{version[0]}"


def objects(events: list[dict]) -> list[dict]:
    """The same as the analytics SDKs give it: a key for each schema, none for what has no value."""
    found = []
    for each in events:
        row = {name: each.get(name) for name in SOURCES["snowplow"].header}
        row = {
            name: re.sub(r"^(\S+) (\S+)$", r"\1T\2Z", value) if "tstamp" in name else value
            for name, value in row.items()
            if value
        }
        for schema, data in each["entities"]:
            row.setdefault(column_of("contexts", schema), []).append(data)
        if each["body"]:
            row[column_of("unstruct_event", each["body"][0])] = each["body"][1]
        found.append(row)
    return found
