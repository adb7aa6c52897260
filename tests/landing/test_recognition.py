"""Whose dumps files are, when nobody said it: by their signature, else by what canonical knows."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.errors import ComebackError, WrongUsage
from orchestration.landing import find_files, recognition
from orchestration.landing.json_files import first_objects
from orchestration.landing.locations import sources_in
from orchestration.landing.plain_rows import plain_rows
from orchestration.landing.recognition import Recognized, recognized
from tests.landing.dumps_of_systems import SNOWPLOW_FIELDS, SNOWPLOW_ROWS

SOURCES = sources_in(DBT_PROJECT)
REES46 = (
    "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session"
)
SHOPIFY = {"client_id": "c", "timestamp": "t", "event_name": "page_viewed", "event_data": {}}
OTHER_NAMES = {"anonymous_id": "v", "timestamp": "2026-01-01T00:00:00Z", "event": "page"}


def put(folder: Path, **files: str) -> None:
    for name, content in files.items():
        (folder / name.replace("_dot_", ".")).write_text(content)


def look_at(folder: Path) -> Recognized:
    return recognized(find_files(folder), SOURCES)


def test_a_file_is_of_the_source_whose_look_it_has(tmp_path: Path):
    put(tmp_path, a_dot_csv=f"{REES46}\n2019-10-01 00:00:00 UTC,view,1,2,,,1.00,3,4\n")
    assert look_at(tmp_path) == Recognized(
        "rees46", "columns categorycode, eventtime, eventtype, productid, usersession"
    )


def test_json_and_parquet_are_recognized_too(tmp_path: Path):
    put(tmp_path, a_dot_jsonl=json.dumps(SHOPIFY))
    pq.write_table(pa.Table.from_pylist([SHOPIFY | {"event_data": "{}"}]), tmp_path / "b.parquet")
    assert look_at(tmp_path).source == "shopify_pixel"


def test_a_json_file_is_sampled_once_whatever_the_number_of_sources(tmp_path: Path, monkeypatch):
    put(tmp_path, a_dot_jsonl=json.dumps(SHOPIFY))
    read = []

    def counted(*asked):
        read.append(asked)
        return first_objects(*asked)

    monkeypatch.setattr(recognition, "first_objects", counted)
    assert look_at(tmp_path).source == "shopify_pixel"
    assert len(read) == 1


def test_names_count_where_the_rows_of_a_parquet_file_are_no_text(tmp_path: Path):
    columns = {name: [b"\xff\xfe"] for name in SHOPIFY}
    table = pa.table({name: pa.array(held, pa.binary()) for name, held in columns.items()})
    buffers = {name: table[name].chunk(0).buffers() for name in columns}
    texts = {name: pa.StringArray.from_buffers(1, *buffers[name][1:]) for name in columns}
    pq.write_table(pa.table(texts), tmp_path / "a.parquet")
    assert look_at(tmp_path).source == "shopify_pixel"


@pytest.mark.parametrize("us", [-62_200_000_000_000_000, 253_402_300_800_000_000, 2**63 - 1])
def test_a_time_beyond_pythons_years_costs_no_other_value(us: int, tmp_path: Path):
    columns = {
        "anonymous_id": ["v1", "v2"],
        "timestamp": pa.array([us, 1_795_168_800_000_000], pa.timestamp("us")),
        "event": ["add_to_cart", "purchase"],
        "seen": pa.array([[us], []], pa.list_(pa.timestamp("us"))),
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    assert look_at(tmp_path).source == "canonical"
    (file,) = find_files(tmp_path)
    plain = plain_rows(file, 10)
    assert plain is not None
    assert [row["event"] for row in plain.rows] == ["add_to_cart", "purchase"]
    assert [row["timestamp"] for row in plain.rows] == [None, "2026-11-20T10:00:00"]


def test_without_a_look_it_is_canonical_if_that_knows_whose_and_when(tmp_path: Path):
    put(tmp_path, a_dot_json=json.dumps([OTHER_NAMES]))
    assert look_at(tmp_path) == Recognized("canonical", "columns visitor_id, event_at, event_type")


def test_files_that_no_reader_reads_say_nothing(tmp_path: Path):
    put(tmp_path, a_dot_csv=f"{REES46}\n", readme_dot_pdf="%PDF-1.7", empty_dot_csv="")
    assert look_at(tmp_path).source == "rees46"


@pytest.mark.parametrize(
    "content",
    [
        "a,b,c\n1,2,3\n",
        # as many fields as the header that rees46 declares, but nobody says that it is
        "1,2,3,4,5,6,7,8,9\n1,2,3,4,5,6,7,8,9\n",
        "timestamp,event\n2026-01-01T00:00:00Z,page\n",
        "anonymous_id,event\nv,page\n",
    ],
)
def test_a_file_that_fits_no_source_is_named_with_what_to_do(tmp_path: Path, content: str):
    put(tmp_path, a_dot_csv=f"{REES46}\n", b_dot_csv=content)
    with pytest.raises(
        ComebackError,
        match=r"no source fits 1 of 2 files \(columns.*\), b\.csv, the others fit rees46: ",
    ):
        look_at(tmp_path)
    (tmp_path / "a.csv").unlink()
    with pytest.raises(ComebackError, match=r"no source fits these dumps .*b\.csv.*--source"):
        look_at(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.csv", "visitor_id^event_at^event_type\nv^2026-01-01^x\n", "the first line has names"),
        (
            "a.csv",
            '"visitor_id,event_at,event_type"\n"v,2026-01-01,x"\n',
            "the first line has names",
        ),
        ("a.csv", "'visitor_id','event_at'\n'v','2026-01-01'\n", "the first line has names"),
        ("a.csv", "1^2026-01-01\n2^2026-01-02\n", "it has no header line"),
        ("a.jsonl", '"{\\"visitor_id\\": \\"v\\"}"\n', "nothing in it is an object"),
    ],
)
def test_why_no_column_is_found_is_said(tmp_path: Path, name: str, content: str, why: str):
    (tmp_path / name).write_text(content)
    with pytest.raises(ComebackError, match=rf"last one looked into: {why}"):
        look_at(tmp_path)


def test_a_folder_without_a_file_that_can_be_read_fits_nothing(tmp_path: Path):
    put(tmp_path, readme_dot_pdf="%PDF-1.7")
    with pytest.raises(ComebackError, match="no file that can be read is there"):
        look_at(tmp_path)


def test_dumps_of_two_sources_in_one_folder_are_told_apart(tmp_path: Path):
    put(tmp_path, a_dot_csv=f"{REES46}\n", b_dot_json=json.dumps([OTHER_NAMES]))
    with pytest.raises(
        WrongUsage, match=r"several sources, a\.csv fits rees46; b\.json fits canonical"
    ):
        look_at(tmp_path)


TRACKS = "id,anonymous_id,received_at,sent_at,original_timestamp,timestamp,event,event_text\n"
ADDED = "id,anonymous_id,user_id,event,timestamp,product_id,price\n"


def test_a_table_without_a_signature_is_of_the_system_beside_whose_files_it_lies(tmp_path: Path):
    put(tmp_path, product_added_dot_csv=ADDED)
    assert look_at(tmp_path).source == "canonical"
    put(tmp_path, tracks_dot_csv=TRACKS, other_dot_csv="id,anonymous_id,user_id,timestamp\n")
    assert look_at(tmp_path) == Recognized("segment", "beside dumps of segment")
    put(tmp_path, own_dot_csv=ADDED.replace("timestamp", "event_at"))
    with pytest.raises(WrongUsage, match=r"other\.csv fits segment; own\.csv fits canonical"):
        look_at(tmp_path)


def test_a_table_of_segments_events_is_known_by_their_two_names(tmp_path: Path):
    put(tmp_path, a_dot_csv="id,received_at,anonymous_id,event,event_text,total,timestamp\n")
    assert look_at(tmp_path).source == "segment"


def test_what_is_compressed_without_another_ending_is_looked_into(tmp_path: Path):
    rows = ("\t".join(row.get(name, "") for name in SNOWPLOW_FIELDS) for row in SNOWPLOW_ROWS)
    content = "\n".join(rows).encode()
    (tmp_path / "2026-11-28-100000-4d1c9c70.gz").write_bytes(gzip.compress(content))
    (tmp_path / "notes.gz").write_bytes(gzip.compress(b"for, whom\nit, may\nconcern, us\n"))
    assert look_at(tmp_path) == Recognized("snowplow", "131 columns without a header line")


def test_where_two_sources_fit_the_shop_is_asked(tmp_path: Path):
    header = f"{REES46},client_id,timestamp,event_name,event_data"
    put(tmp_path, a_dot_csv=f"{header}\n")
    with pytest.raises(WrongUsage, match=r"fit several sources: rees46, shopify_pixel.*--source"):
        look_at(tmp_path)


# https://posthog.com/docs/data-pipelines/batch-exports/s3, of its JSON lines
POSTHOG = {
    "uuid": "018f6d5c-0a2b-7c33-9b1e-3f1d9a0f5c11",
    "event": "$pageview",
    "properties": {"$current_url": "https://shop.example/p/shoe", "$lib": "web"},
    "timestamp": "2026-11-20T10:00:00.000000Z",
    "distinct_id": "018f6d5c-0a2b-7c33-9b1e-0000000000aa",
    "elements_chain": "",
    "created_at": "2026-11-20T10:00:01.000000Z",
}
# https://www.braze.com/docs/user_guide/data/distribution/braze_currents/event_glossary
BRAZE = {"id": "e1", "user_id": "u1", "device_id": "d1", "time": 1_795_000_000, "platform": "web"}


def as_csv(row: dict) -> str:
    texts = [value if isinstance(value, str) else json.dumps(value) for value in row.values()]
    quoted = ",".join('"' + text.replace('"', '""') + '"' for text in texts)
    return f"{','.join(row)}\n{quoted}\n"


@pytest.mark.parametrize("event", ["$pageview", "add_to_cart"])
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "parquet of texts"])
def test_where_what_matters_is_in_a_column_that_it_leaves_unread_it_is_not_canonical(
    tmp_path: Path, form: str, event: str
):
    row = POSTHOG | {"event": event}
    if form == "csv":
        put(tmp_path, a_dot_csv=as_csv(row))
    elif form == "jsonl":
        put(tmp_path, a_dot_jsonl=json.dumps(row))
    else:
        texts = {"properties": json.dumps(row["properties"])} if form.endswith("texts") else {}
        pq.write_table(pa.Table.from_pylist([row | texts]), tmp_path / "a.parquet")
    with pytest.raises(
        ComebackError,
        match=r"no source fits these dumps .*canonical would leave unread what is in properties\),"
        r" a\.\w+, name one with --source, or begin one of your own: comeback source new",
    ):
        look_at(tmp_path)


def test_where_items_are_read_another_column_of_objects_is_no_matter(tmp_path: Path):
    row = POSTHOG | {"event": "add_to_cart", "product_id": "shoe"}
    put(tmp_path, a_dot_jsonl=json.dumps(row))
    assert look_at(tmp_path).source == "canonical"
    # unless another row has its items there
    there = POSTHOG | {"event": "add_to_cart", "properties": {"sku": "shoe"}}
    put(tmp_path, a_dot_jsonl=f"{json.dumps(row)}\n{json.dumps(there)}")
    with pytest.raises(ComebackError, match="would leave unread what is in properties"):
        look_at(tmp_path)


def test_without_a_type_it_is_not_canonical(tmp_path: Path):
    put(tmp_path, a_dot_jsonl=json.dumps(BRAZE))
    with pytest.raises(ComebackError, match=r"\(columns .*: id, user_id, device_id, time, platf"):
        look_at(tmp_path)


def test_of_other_names_some_file_has_a_word_that_is_known(tmp_path: Path):
    words = [OTHER_NAMES | {"event": word} for word in ("scroll", "Angesehen")]
    put(tmp_path, a_dot_jsonl="\n".join(map(json.dumps, words)))
    with pytest.raises(
        ComebackError, match=r"canonical knows none of its words for what happened: Ange.*, scroll"
    ):
        look_at(tmp_path)
    put(tmp_path, b_dot_csv="anonymous_id,timestamp,event\nv,2026-01-01T00:00:00Z,Add To Cart\n")
    assert look_at(tmp_path).source == "canonical"


@pytest.mark.parametrize(
    "row",
    [
        {"visitor_id": "v", "event_at": "t", "event_type": "scroll"},
        {"user_id": "u", "event_at": "t", "event_type": "scroll", "more": {"a": 1}},
        {"client_id": "v", "Event At": "t", "eventType": "scroll", "more": {"a": 1}},
    ],
)
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_few_columns_are_enough_where_time_and_type_have_our_names(tmp_path, row, form):
    put(tmp_path, **{f"a_dot_{form}": as_csv(row) if form == "csv" else json.dumps(row)})
    assert look_at(tmp_path).source == "canonical"
