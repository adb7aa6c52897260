"""Calls as Segment and RudderStack keep them: whole in files, or as rows of warehouse tables.

Belongs here: calls in the documented shape, made up, and the files of them. Not here: what they
mean (test_source_segment.py).
"""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) Mobile/15E148"
URL = "https://shop.example/?utm_source=ignored"
CONTEXT = {
    "page": {"url": URL, "path": "/", "referrer": "https://mail.example/", "title": "Shop"},
    "campaign": {"source": "letter", "medium": "email", "name": "november"},
    "userAgent": PHONE,
    "location": {"country": "Germany"},
    "ip": "192.0.2.1",
}
_TABLES = {"page": "pages", "screen": "screens", "identify": "identifies"}


def call(
    kind: str,
    clock: str,
    anonymous: str | None = None,
    user: str | None = None,
    context: Mapping[str, Any] = CONTEXT,
    **fields: Any,
) -> dict:
    """A call of 2026-11-20; its id is its kind, time and place."""
    at = f"2026-11-20T{clock}.250Z"
    return {
        "anonymousId": anonymous,
        "context": dict(context),
        "messageId": f"ajs-{kind}-{clock}-{anonymous}",
        "originalTimestamp": "2026-11-20T23:59:59.000Z",  # by a clock of the device that is wrong
        "receivedAt": "2026-11-20T23:00:00.000Z",
        "sentAt": "2026-11-20T23:59:59.900Z",
        "timestamp": at,
        "type": kind,
        "userId": user,
        **fields,
    }


def track(event: str, clock: str, anonymous: str | None = None, **properties: Any) -> dict:
    user = properties.pop("user", None)
    return call("track", clock, anonymous, user, event=event, properties=properties)


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[ -]+", "_", name).lower()


def in_snake_case(value: Any) -> Any:
    """The same with keys such as `anonymous_id`."""
    if isinstance(value, Mapping):
        return {snake(key): in_snake_case(held) for key, held in value.items()}
    if isinstance(value, list):
        return [*map(in_snake_case, value)]
    return value


def write_calls(path: Path, calls: Iterable[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in calls))


def write_tables(folder: Path, calls: Iterable[dict]) -> None:
    """The tables of a warehouse as Parquet; those of calls other than track in folders that name
    the kind."""
    tables: dict[str, list[dict]] = {}
    for each in calls:
        common = _columns(each)
        if each["type"] == "track":
            named = common | {"event": snake(each["event"]), "event_text": each["event"]}
            tables.setdefault("tracks", []).append(named)
            tables.setdefault(snake(each["event"]), []).append(named | _flat(each["properties"]))
        else:
            name = _TABLES.get(each["type"], each["type"] + "s")
            own = _flat(each.get("properties") or each.get("traits") or {})
            tables.setdefault(f"type={each['type']}/{name}", []).append(common | own)
    for name, rows in tables.items():
        path = folder / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pl.DataFrame(rows, infer_schema_length=None).write_parquet(path)


def _columns(each: Mapping[str, Any]) -> dict[str, Any]:
    times = ("originalTimestamp", "receivedAt", "sentAt", "timestamp")
    ids = {"id": each["messageId"], "anonymous_id": each["anonymousId"], "user_id": each["userId"]}
    context = {f"context_{name}": value for name, value in _flat(each["context"]).items()}
    others = {snake(key): each[key] for key in ("groupId", "previousId") if key in each}
    return ids | {snake(key): datetime.fromisoformat(each[key]) for key in times} | context | others


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Objects as columns, lists as JSON."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = snake(key)
        if isinstance(value, Mapping):
            flat |= {f"{name}_{inner}": held for inner, held in _flat(value).items()}
        else:
            flat[name] = json.dumps(value) if isinstance(value, list) else value
    return flat
