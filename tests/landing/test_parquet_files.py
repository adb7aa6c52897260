"""Parquet: typed values as text, and damage that costs no more than its own rows."""

import io
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq


def _parquet(columns: dict[str, pa.Array], **options: int) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, **options)
    return sink.getvalue()


def test_each_type_becomes_its_plain_text(landing):
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
    content = _parquet(
        {
            "client_id": pa.array([5412.0, None], pa.float64()),
            "ts": pa.array([at, None], pa.timestamp("us", tz="Europe/Paris")),
            "price": pa.array([Decimal("12.50"), None], pa.decimal128(10, 2)),
            "naive": pa.array([at.replace(tzinfo=None), None], pa.timestamp("ns")),
            "float": pa.array([0.1, None], pa.float32()),
            "nested": pa.array([{"a": [1, 2]}, None]),
            "flag": pa.array([True, None]),
            "bytes": pa.array([b"text", None]),
            "empty": pa.array(["", None]),
        }
    )
    landing.land_one("a.parquet", content)
    assert landing.rows() == [
        (
            1,
            "5412",
            "2026-01-02T03:04:05.678901Z",
            "12.50",
            '{"bytes":"text","flag":"true","float":"0.1",'
            '"naive":"2026-01-02T03:04:05.678901","nested":"{\\"a\\":[1,2]}"}',
        ),
        (2, None, None, None, None),
    ]


def test_a_file_without_a_footer_is_one_unreadable_row_and_a_note(landing):
    outcome = landing.land_one("a.parquet", _parquet({"ts": pa.array(["t"])})[:-10])
    assert (outcome.status, outcome.rows_read, outcome.rows_unreadable) == ("loaded", 1, 1)
    assert outcome.note.startswith("not readable as Parquet: ")
    assert landing.unreadable() == [(1, "unreadable_file", None)]


def test_a_damaged_row_group_costs_its_own_rows(landing):
    content = bytearray(
        _parquet({"ts": pa.array([f"t{n:04}" for n in range(3_000)])}, row_group_size=1_000)
    )
    second = pq.ParquetFile(io.BytesIO(bytes(content))).metadata.row_group(1).column(0)
    start = second.dictionary_page_offset or second.data_page_offset
    content[start : start + second.total_compressed_size] = b"\xff" * second.total_compressed_size
    outcome = landing.land_one("a.parquet", bytes(content))
    assert (outcome.rows_read, outcome.rows_unreadable) == (3_000, 1_000)
    assert landing.query("select min(line), max(line), min(reason) from raw.unreadable_rows") == [
        (1_001, 2_000, "damaged_rows")
    ]
    assert landing.query("select min(_line), max(_line), max(event_at) from raw.clicks") == [
        (1, 3_000, "t2999")
    ]


def test_foreign_columns_are_set_aside_row_by_row(landing):
    outcome = landing.land_one("a.parquet", _parquet({"name": pa.array(["x", "y"])}))
    assert outcome.rows_read == outcome.rows_unreadable == 2
    assert landing.unreadable() == [
        (1, "unknown_columns", '{"d0":"x"}'),
        (2, "unknown_columns", '{"d0":"y"}'),
    ]
