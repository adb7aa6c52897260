"""A day of GA4's export as BigQuery writes it: as JSON lines, as Parquet, of both kinds of tables.

Belongs here: rows in the documented shape, made up, and the files of them. Not here: what they mean
(test_source_ga4.py).
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

# Fields that intraday tables lack or were seen without, and what daily tables say in them.
DAILY_ONLY = {
    "is_active_user": True,
    "user_ltv": {"revenue": 0.0, "currency": "USD"},
    "traffic_source": {"name": "(direct)", "medium": "(none)", "source": "(direct)"},
    "session_traffic_source_last_click": {"manual_campaign": {"source": "brand"}},
    "event_bundle_sequence_id": 17,
    "batch_event_index": 1,
    "batch_page_id": 1,
    "batch_ordering_id": 2,
}
_VALUE = pa.struct(
    [
        ("string_value", pa.string()),
        ("int_value", pa.int64()),
        ("float_value", pa.float64()),
        ("double_value", pa.float64()),
    ]
)
_ITEM = pa.struct(
    [
        ("item_id", pa.string()),
        ("item_name", pa.string()),
        ("item_brand", pa.string()),
        ("item_variant", pa.string()),
        ("item_category", pa.string()),
        ("price_in_usd", pa.float64()),
        ("price", pa.float64()),
        ("quantity", pa.int64()),
    ]
)
_MONEY = ("purchase_revenue_in_usd", "purchase_revenue", "refund_value_in_usd", "refund_value")
_ECOMMERCE = pa.struct(
    [("transaction_id", pa.string()), *((name, pa.float64()) for name in _MONEY)]
)
_TEXTS = ("manual_source", "manual_medium", "manual_campaign_name")
SCHEMA = pa.schema(
    [
        ("event_date", pa.string()),
        ("event_timestamp", pa.int64()),
        ("event_name", pa.string()),
        ("event_params", pa.list_(pa.struct([("key", pa.string()), ("value", _VALUE)]))),
        ("event_bundle_sequence_id", pa.int64()),
        ("user_id", pa.string()),
        ("user_pseudo_id", pa.string()),
        (
            "privacy_info",
            pa.struct([("analytics_storage", pa.string()), ("ads_storage", pa.string())]),
        ),
        ("user_ltv", pa.struct([("revenue", pa.float64()), ("currency", pa.string())])),
        ("device", pa.struct([("category", pa.string()), ("operating_system", pa.string())])),
        ("geo", pa.struct([("country", pa.string()), ("city", pa.string())])),
        ("traffic_source", pa.struct([(n, pa.string()) for n in ("name", "medium", "source")])),
        ("collected_traffic_source", pa.struct([(name, pa.string()) for name in _TEXTS])),
        (
            "session_traffic_source_last_click",
            pa.struct([("manual_campaign", pa.struct([("source", pa.string())]))]),
        ),
        ("ecommerce", _ECOMMERCE),
        ("items", pa.list_(_ITEM)),
        ("is_active_user", pa.bool_()),
        ("batch_event_index", pa.int64()),
        ("batch_page_id", pa.int64()),
        ("batch_ordering_id", pa.int64()),
    ]
)


def params(**values: object) -> list[dict]:
    """Parameters in the list that they are exported in."""
    kinds = {int: "int_value", float: "double_value", str: "string_value"}
    return [{"key": key, "value": {kinds[type(v)]: v}} for key, v in values.items()]


def hit(
    visitor: str | None, clock: str, name: str, items: Iterable[dict] = (), **fields: Any
) -> dict:
    """An event of 2026-11-20 as the tables have it; `params` are its parameters."""
    at = datetime.fromisoformat(f"2026-11-20T{clock}").replace(tzinfo=UTC)
    sent = fields.pop("params", {})
    return {
        "event_date": "20261120",
        "event_timestamp": round(at.timestamp() * 1_000_000),
        "event_name": name,
        "event_params": params(ga_session_id=1795168800, **sent),
        "user_pseudo_id": visitor,
        "device": {"category": "mobile", "operating_system": "iOS"},
        "geo": {"country": "Germany", "city": "Bremen"},
        "items": [*items],
        **fields,
    }


def daily(rows: Iterable[dict]) -> list[dict]:
    """The rows as the daily table has them."""
    return [{**row, **DAILY_ONLY} for row in rows]


def write_json(path: Path, rows: Iterable[dict]) -> None:
    """JSON lines as `bq extract` writes them: whole numbers are texts, nulls are left out."""
    path.write_text("".join(json.dumps(_extracted(row)) + "\n" for row in rows))


def write_parquet(path: Path, rows: Iterable[dict]) -> None:
    pq.write_table(pa.Table.from_pylist([*rows], SCHEMA), path)


def _extracted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _extracted(held) for key, held in value.items() if held is not None}
    if isinstance(value, list):
        return [*map(_extracted, value)]
    return str(value) if type(value) is int else value
