"""Parquet: typed values as text, and damage that costs no more than its own rows."""

import gzip
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.landing.file_writer import FileWriter
from orchestration.landing.raw_tables import declared_columns
from tests.landing.conftest import CLICKS

MEGABYTE = 1 << 20
LIMIT = 1_000
TOO_LONG = "the row has {} bytes, the limit is 1000"


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


@pytest.mark.parametrize(
    ("kind", "numbers", "texts"),
    [
        # whole up to 15 digits; beyond, and where a small float has no more of them, as a float
        (
            pa.float64(),
            [90001.0, 999999999999999.0, 1234567890123456.0, 9.44e18],
            ["90001", "999999999999999", "1234567890123456.0", "9.44e+18"],
        ),
        (
            pa.float32(),
            [90001.0, 16777215.0, 16777216.0, 123456789.0, 19.9],
            ["90001", "16777215", "1.677722e+07", "1.234568e+08", "19.9"],
        ),
    ],
)
def test_a_float_is_a_whole_number_as_far_as_it_has_its_digits(landing, kind, numbers, texts):
    times = pa.array(["t"] * len(numbers))
    landing.land_one("a.parquet", _parquet({"ts": times, "client_id": pa.array(numbers, kind)}))
    assert [client for _, client, *_ in landing.rows()] == texts


def test_a_number_is_no_text_of_thousands_where_texts_have_decimal_commas(landing):
    # 1.299 as a text is a thousand and more there, and stays as it is
    landing.source = replace(CLICKS, decimal="comma")
    prices = {
        "a": pa.array([1.299, -19.125, 1299.125, 7.0], pa.float64()),
        "b": pa.array([*map(Decimal, ("1.299", "12.500"))], pa.decimal128(10, 3)),
        "c": pa.array(["1.299", "1.299,00"]),
    }
    for name, column in prices.items():
        times = pa.array([f"{name}{at}" for at in range(len(column))])
        landing.deliver(f"{name}.parquet", _parquet({"ts": times, "price": column}))
    landing.land()
    assert landing.query("select event_at, price from raw.clicks order by all") == [
        *(("a0", "1.2990"), ("a1", "-19.1250"), ("a2", "1299.125"), ("a3", "7")),
        *(("b0", "1.2990"), ("b1", "12.5000"), ("c0", "1.299"), ("c1", "1.299,00")),
    ]


def test_nested_fields_that_differ_only_in_case_are_all_kept_and_noted(landing):
    struct = pa.struct([("price", pa.string()), ("Price", pa.string())])
    row = {"price": "1", "Price": "2"}
    lists = pa.array([[row]], pa.list_(struct))
    content = _parquet({"ts": pa.array(["t"]), "plain": pa.array([row], struct), "list": lists})
    outcome = landing.land_one("a.parquet", content)
    assert outcome.note == (
        "nested fields that differ from another only in case got a number: plain.Price, list.Price"
    )
    ((*_, extra),) = landing.rows()
    assert {name: json.loads(text) for name, text in json.loads(extra).items()} == {
        "plain": {"price": "1", "Price_1": "2"},
        "list": [{"price": "1", "Price_1": "2"}],
    }


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


def _rows(*lengths: int, first: int = 1) -> dict[str, pa.Array]:
    """Rows of so many bytes, of visitors v1, v2, ..."""
    visitors = [f"v{nth}" for nth in range(first, first + len(lengths))]
    texts = ["x" * (length - len(v)) for v, length in zip(visitors, lengths, strict=True)]
    return {"visitor_id": pa.array(visitors), "ts": pa.array(texts)}


def _details(landing) -> list[tuple]:
    return landing.query(
        "select file, line, reason, detail from raw.unreadable_rows join raw.files using (load_id)"
        " order by all"
    )


def test_a_row_of_50_megabytes_is_set_aside_and_those_around_it_are_kept(landing):
    outcome = landing.land_one("a.parquet", _parquet(_rows(10, 50 * MEGABYTE, 16 * MEGABYTE, 10)))
    assert (outcome.rows_read, outcome.rows_unreadable, outcome.note) == (4, 1, None)
    assert [row[:2] for row in landing.rows()] == [(1, "v1"), (3, "v3"), (4, "v4")]
    [(line, reason, kept)] = landing.unreadable()
    assert (line, reason) == (2, "row_too_long")
    assert kept == '{"d0":"v2","d1":"' + "x" * (65_536 - 17) + "... [clipped]"
    assert _details(landing)[0][3] == "the row has 52428800 bytes, the limit is 16777216"


@pytest.mark.parametrize("use_dictionary", [True, False])
def test_the_limit_is_on_a_row_and_counts_its_bytes(landing, use_dictionary):
    columns = {"visitor_id": pa.array(["v1", "v2", "v3"]), "ts": pa.array(["é" * 300] * 3)}
    columns["price"] = pa.array(["1" * 398, "2" * 399, None])
    landing.land_one("a.parquet", _parquet(columns, use_dictionary=use_dictionary), row_limit=LIMIT)
    assert [row[:2] for row in landing.rows()] == [(1, "v1"), (3, "v3")]
    assert _details(landing) == [("a.parquet", 2, "row_too_long", TOO_LONG.format(1_001))]


def test_long_rows_of_several_files_are_set_aside_from_each(landing):
    landing.deliver("a.parquet", _parquet(_rows(9, 1_001, 9), row_group_size=1))
    landing.deliver("b.parquet", _parquet(_rows(9, first=4)))
    landing.deliver("c.parquet", _parquet(_rows(1_002, 1_000, first=5)))
    landing.deliver("d.parquet", _parquet(_rows(9, 9, 1_003, first=7)))
    outcomes = landing.land(row_limit=LIMIT)
    assert [(each.rows_read, each.rows_unreadable) for each in outcomes] == [
        (3, 1),
        (1, 0),
        (2, 1),
        (3, 1),
    ]
    assert landing.query("select _load_id, _line, visitor_id from raw.clicks order by all") == [
        (1, 1, "v1"),
        (1, 3, "v3"),
        (2, 1, "v4"),
        (3, 2, "v6"),
        (4, 1, "v7"),
        (4, 2, "v8"),
    ]
    assert _details(landing) == [
        ("a.parquet", 2, "row_too_long", TOO_LONG.format(1_001)),
        ("c.parquet", 1, "row_too_long", TOO_LONG.format(1_002)),
        ("d.parquet", 3, "row_too_long", TOO_LONG.format(1_003)),
    ]


def test_a_list_that_is_short_in_the_file_and_long_as_text_is_set_aside(landing):
    columns = _rows(9, 9, 9) | {"items": pa.array([[1], [7] * 100_000, None])}
    content = _parquet(columns)
    assert len(content) < 10_000
    landing.land_one("a.parquet", content, row_limit=150_000)
    assert [row[:2] for row in landing.rows()] == [(1, "v1"), (3, "v3")]
    assert _details(landing) == [
        ("a.parquet", 2, "row_too_long", "the row has 200010 bytes, the limit is 150000")
    ]


def test_a_file_with_damage_and_with_its_own_row_numbers_loses_its_long_rows_only(landing):
    columns = _rows(9, 1_001, 9, 9) | {"file_row_number": pa.array([7, 7, 7, 7])}
    landing.land_one("a.parquet", _parquet(columns), row_limit=LIMIT)
    content = bytearray(_parquet(_rows(9, 1_001, 9, 9), row_group_size=2))
    last = pq.ParquetFile(io.BytesIO(bytes(content))).metadata.row_group(1).column(0)
    start = last.dictionary_page_offset
    content[start : start + last.total_compressed_size] = b"\xff" * last.total_compressed_size
    landing.deliver("b.parquet", bytes(content))
    landing.land(row_limit=LIMIT)
    assert landing.query("select _load_id, _line, visitor_id from raw.clicks order by all") == [
        (1, 1, "v1"),
        (1, 3, "v3"),
        (1, 4, "v4"),
        (2, 1, "v1"),
    ]
    assert [row[:3] for row in _details(landing)] == [
        ("a.parquet", 2, "row_too_long"),
        ("b.parquet", 2, "row_too_long"),
        ("b.parquet", 3, "damaged_rows"),
        ("b.parquet", 4, "damaged_rows"),
    ]


def test_after_a_damaged_file_the_rows_of_others_keep_their_lines(landing):
    content = bytearray(_parquet(_rows(*[9] * 2_000)))
    content[4:-4_000] = b"\xff" * len(content[4:-4_000])
    landing.land_one("a.parquet", bytes(content))
    order = "select current_setting('preserve_insertion_order')"
    assert landing.query(order) == [(True,)]


def test_rows_that_are_written_do_not_stay_in_memory_until_the_file_is_done(landing):
    landing.land()
    before = pa.total_allocated_bytes()
    landing.con.begin()
    writer = FileWriter(landing.con, CLICKS, 1)
    writer.deliver(1, declared_columns(["visitor_id"], CLICKS))
    for line in range(1, 11):
        writer.add(line, ["x" * MEGABYTE], MEGABYTE)
        writer.finish()
    held = pa.total_allocated_bytes() - before
    landing.con.commit()
    assert writer.rows_loaded == 10
    assert held < 2 * MEGABYTE


def _bad_texts() -> pa.Array:
    return pa.array([b"\xff\xfea", b"ok"], pa.binary()).view(pa.string())


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (_bad_texts(), "\ufffd\ufffda"),
        (_bad_texts().dictionary_encode(), "\ufffd\ufffda"),
        (pa.ListArray.from_arrays([0, 1, 2], _bad_texts()), '["\ufffd\ufffda"]'),
        (pa.StructArray.from_arrays([_bad_texts()], ["k"]), '{"k":"\ufffd\ufffda"}'),
        (pa.MapArray.from_arrays([0, 1, 2], _bad_texts(), pa.array([1, 2])), '{"\ufffd\ufffda":1}'),
    ],
)
def test_texts_that_are_not_utf_8_are_mended_wherever_they_are(landing, column, text):
    content = _parquet({"visitor_id": pa.array(["a", "b"]), "ts": column})
    outcome = landing.land_one("a.parquet", content)
    assert landing.rows()[0][:3] == (1, "a", text)
    assert (outcome.rows_read, outcome.rows_repaired) == (2, 1)
    assert [row[:2] for row in landing.repaired()] == [(1, "not_utf8")]


def test_a_column_name_that_is_not_utf_8_makes_the_file_unreadable_and_no_more(landing):
    content = _parquet({"visitor_id": pa.array(["a"]), "namexx": pa.array(["b"])})
    landing.deliver("b.csv", "visitor_id,ts\nv,t\n")
    landing.deliver("a.parquet", content.replace(b"namexx", b"nam\xff\xfex"))
    assert [each.rows_unreadable for each in landing.land()] == [1, 0]
    assert [row[1] for row in landing.unreadable()] == ["unreadable_file"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (pa.timestamp("ns"), "2026-11-20T10:00:00.123456"),
        (pa.timestamp("ns", "America/New_York"), "2026-11-20T10:00:00.123456Z"),
        (pa.timestamp("us", "Asia/Tokyo"), "2026-11-20T10:00:00.123456Z"),
        (pa.timestamp("ms"), "2026-11-20T10:00:00.123000"),
    ],
)
def test_what_is_finer_than_a_microsecond_is_cut_off(landing, kind, text):
    nanoseconds = 1_795_168_800_123_456_999
    at = pa.array([nanoseconds], pa.timestamp("ns")).cast(kind, safe=False)
    landing.land_one("a.parquet", _parquet({"ts": at}))
    assert [row[2] for row in landing.rows()] == [text]


def test_an_int96_time_is_cut_too_and_may_be_beyond_nanoseconds(landing):
    at = pa.array([1_795_168_800_123_456_999], pa.timestamp("ns"))
    landing.land_one("a.parquet", _parquet({"ts": at}, use_deprecated_int96_timestamps=True))
    assert [row[2] for row in landing.rows()] == ["2026-11-20T10:00:00.123456"]


@pytest.mark.parametrize("columns", [4_000, 20_000])
def test_a_file_of_thousands_of_columns_is_set_aside(landing, columns):
    content = _parquet(
        {"ts": pa.array(["t"])} | {f"c{n}": pa.array([n]) for n in range(columns - 1)}
    )
    outcome = landing.land_one("a.parquet", content)
    assert outcome.note == f"the file has {columns} columns, the limit is 2000"
    assert landing.unreadable() == [(1, "unknown_columns", None)]


def test_two_thousand_columns_are_read(landing):
    columns = {"ts": pa.array(["t", "u"])} | {f"c{n}": pa.array([n, None]) for n in range(1_999)}
    landing.land_one("price=7/a.parquet", _parquet(columns))
    first, second = landing.rows()
    assert (first[:4], second) == ((1, None, "t", "7"), (2, None, "u", "7", None))
    assert first[4].startswith('{"c0":"0","c1":"1"')


@pytest.mark.parametrize("ending", ["csv", "parquet", "parquet.gz"])
def test_parquet_is_read_by_its_content_and_hives_folders_are_columns(landing, ending):
    content = _parquet({"visitor_id": pa.array(["a", "b"]), "price": pa.array([None, 2])})
    content = gzip.compress(content) if ending.endswith("gz") else content
    landing.land_one(f"event_at=t/price=7/a.{ending}", content)
    assert landing.rows() == [(1, "a", "t", None, None), (2, "b", "t", "2", None)]
