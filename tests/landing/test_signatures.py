"""A file that has the signature of another source than the one it was given as is refused."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

SEGMENT = {
    "messageId": "m1",
    "anonymousId": "a",
    "type": "track",
    "event": "Product Added",
    "timestamp": "2026-11-20T10:00:00Z",
}
GA4 = {
    "event_date": "20261120",
    "event_timestamp": 1795168800000000,
    "event_name": "add_to_cart",
    "user_pseudo_id": "a.1",
    "event_params": [{"key": "ga_session_id", "value": {"int_value": 17}}],
}
REES46 = {
    "event_time": "2019-10-01 00:00:00 UTC",
    "event_type": "cart",
    "product_id": "1",
    "category_id": "2",
    "category_code": "a.b",
    "brand": "c",
    "price": "1.00",
    "user_id": "3",
    "user_session": "4",
}
SHOPIFY = {
    "clientId": "a",
    "page_url": "https://shop.example",
    "referrer": "",
    "timestamp": "2026-11-20T10:00:00.000Z",
    "event_name": "page_viewed",
    "event_data": "{}",
    "user_agent": "x",
}
CANONICAL = {"visitor_id": "a", "event_at": "2026-11-20T10:00:00Z", "event_type": "page_view"}


def written(record: dict, ending: str) -> bytes:
    if ending == "parquet":
        sink = io.BytesIO()
        pq.write_table(pa.Table.from_pylist([record] * 2), sink)
        return sink.getvalue()
    if ending == "csv":
        flat = [v if isinstance(v, str) else json.dumps(v) for v in record.values()]
        row = ";".join('"' + each.replace('"', '""') + '"' for each in flat)
        return f"{';'.join(record)}\n{row}\n".encode()
    return json.dumps([record] * 2).encode()


@pytest.mark.parametrize("ending", ["json", "csv", "parquet"])
@pytest.mark.parametrize(
    ("record", "given", "like"),
    [
        (SEGMENT, "canonical", "segment"),
        ({**SEGMENT, "type": "identify"}, "shopify_pixel", "segment"),
        (GA4, "canonical", "ga4"),
        (GA4, "rees46", "ga4"),
        (REES46, "canonical", "rees46"),
        (SHOPIFY, "canonical", "shopify_pixel"),
        (CANONICAL, "rees46", "canonical"),
    ],
)
def test_it_is_refused_with_that_sources_name(landing_of, tmp_path, record, given, like, ending):
    (tmp_path / "dumps").mkdir()
    (tmp_path / "dumps" / f"a.{ending}").write_bytes(written(record, ending))
    landing = landing_of(given, tmp_path / "dumps")
    (outcome,) = landing.land()
    assert (outcome.status, outcome.skipped_reason) == ("skipped", f"looks_like_{like}")
    assert outcome.note.startswith(f"the file looks like the source {like}, not like {given}; ")
    assert landing.rows() == landing.unreadable() == []


@pytest.mark.parametrize("ending", ["json", "csv", "parquet"])
@pytest.mark.parametrize(
    ("record", "given"),
    [
        (CANONICAL, "canonical"),
        (REES46, "rees46"),
        (SHOPIFY, "shopify_pixel"),
        (GA4, "ga4"),
        (SEGMENT, "segment"),
        # our words and a few of another's
        ({**CANONICAL, "messageId": "m1", "type": "track"}, "canonical"),
        # an event that names the rate it was exchanged at
        (
            {"event_type": "page_view", "user_id": "u", "date": "2026-11-01"}
            | {"currency": "EUR", "rate": "1"},
            "canonical",
        ),
        # another's columns with words that are not its own
        ({**SEGMENT, "type": "add_to_cart", "event": "x"}, "canonical"),
    ],
)
def test_a_file_of_its_own_source_is_read(landing_of, tmp_path, record, given, ending):
    (tmp_path / "dumps").mkdir()
    (tmp_path / "dumps" / f"a.{ending}").write_bytes(written(record, ending))
    (outcome,) = landing_of(given, tmp_path / "dumps").land()
    assert (outcome.status, outcome.rows_unreadable) == ("loaded", 0)
