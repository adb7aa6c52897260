"""A file of another system is refused with its name; one nearly alike is not.

Belongs here: signatures of Snowplow, Amplitude, Mixpanel and Tealium, also those for which there
is no source yet (dbt_project/signatures_of_sources_to_come.yml). Those of GA4 and Segment:
test_signatures.py.
"""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.landing import find_files, land
from orchestration.landing.locations import sources_in

from .dumps_of_systems import DUMPS, NOT_READ, SNOWPLOW_FIELDS, SNOWPLOW_ROWS
from .test_signatures import CANONICAL, GA4, REES46, SEGMENT, SHOPIFY, written

SOURCES = ("canonical", "shopify_pixel", "rees46", "exchange_rates", "calendar")
OWN = {
    "visitor_id": "a",
    "event_id": "e",
    "event_time": "2026-11-20T10:00:00Z",
    "event": "add_to_cart",
    "product_id": "P1",
    "quantity": "2",
}


def outcome_of(landing_of, folder, given, name, content):
    (folder / "dumps").mkdir()
    (folder / "dumps" / name).write_bytes(content)
    landing = landing_of(given, folder / "dumps")
    (outcome,) = landing.land()
    return outcome, landing


def assert_refused(outcome, landing, given, like):
    assert (outcome.status, outcome.skipped_reason) == ("skipped", f"looks_like_{like}")
    todo = (
        f"{like} is not read yet: deliver its events with the columns of canonical"
        if like in NOT_READ
        else f"give it as {like}"
    )
    assert outcome.note == f"the file looks like the source {like}, not like {given}; {todo}"
    assert landing.rows() == landing.unreadable() == []


@pytest.mark.parametrize(
    ("given", "ending"),
    [("canonical", ending) for ending in ("csv", "json", "parquet")]
    + [pytest.param(given, "csv", marks=pytest.mark.heavy) for given in SOURCES[1:]],
)
@pytest.mark.parametrize(
    ("like", "record"),
    [(like, record) for like, records in DUMPS.items() for record in records],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_documented_dump_is_refused_with_that_systems_name(
    landing_of, tmp_path, like, record, given, ending
):
    if ending == "parquet":  # which has no struct without a field
        record = {name: value for name, value in record.items() if value != {}} | {
            name: {"x": "y"} for name, value in record.items() if value == {}
        }
    content = written(record, ending)
    found = outcome_of(landing_of, tmp_path, given, f"a.{ending}", content)
    assert_refused(*found, given, like)


def enriched(rows, fields=SNOWPLOW_FIELDS) -> str:
    return "".join("\t".join(row.get(name, "") for name in fields) + "\n" for row in rows)


@pytest.mark.parametrize("given", SOURCES)
@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("a.tsv", SNOWPLOW_ROWS),
        ("a.csv", SNOWPLOW_ROWS[:1]),
        ("a.txt", SNOWPLOW_ROWS[1:2]),
        ("a.tsv.gz", SNOWPLOW_ROWS[2:] * 60),
    ],
)
def test_snowplows_rows_without_a_header_are_refused(landing_of, tmp_path, name, rows, given):
    content = enriched(rows).encode()
    content = gzip.compress(content) if name.endswith(".gz") else content
    assert_refused(*outcome_of(landing_of, tmp_path, given, name, content), given, "snowplow")


def test_as_many_commas_as_the_source_has_make_no_rows_of_it(landing_of, tmp_path):
    row = SNOWPLOW_ROWS[0] | {"contexts": "a,b,c,d,e,f", "page_title": "x"}  # 7 columns
    found = outcome_of(landing_of, tmp_path, "shopify_pixel", "a.tsv", enriched([row]).encode())
    assert_refused(*found, "shopify_pixel", "snowplow")


@pytest.mark.parametrize("given", ["canonical", "rees46"])
def test_snowplows_rows_below_a_header_are_refused(landing_of, tmp_path, given):
    content = "\t".join(SNOWPLOW_FIELDS) + "\n" + enriched(SNOWPLOW_ROWS)
    found = outcome_of(landing_of, tmp_path, given, "a.tsv", content.encode())
    assert_refused(*found, given, "snowplow")


@pytest.mark.parametrize(
    "text",
    [
        # a field more, a field fewer
        enriched(SNOWPLOW_ROWS, [*SNOWPLOW_FIELDS, "x"]),
        enriched(SNOWPLOW_ROWS, SNOWPLOW_FIELDS[:-1]),
        # other words in the places of platform and event
        enriched([row | {"platform": "shop"} for row in SNOWPLOW_ROWS]),
        enriched([row | {"event": "add_to_cart"} for row in SNOWPLOW_ROWS]),
        # one line among others
        enriched(SNOWPLOW_ROWS[:1]) + "x\ty\n" * 3,
    ],
    ids=["wider", "narrower", "platform", "event", "one line"],
)
def test_other_rows_without_a_header_are_not_snowplows(landing_of, tmp_path, text):
    outcome, _ = outcome_of(landing_of, tmp_path, "canonical", "a.tsv", text.encode())
    assert outcome.skipped_reason is None
    assert outcome.rows_unreadable == outcome.rows_read == text.count("\n")


def test_rows_of_the_source_as_wide_as_snowplows_are_read(landing_of, tmp_path):
    names = [*OWN, *(f"x{number}" for number in range(131 - len(OWN)))]
    row = {**OWN, names[1]: "web", names[5]: "page_view"}
    text = "\t".join(names) + "\n" + enriched([row] * 3, names)
    outcome, landing = outcome_of(landing_of, tmp_path, "canonical", "a.tsv", text.encode())
    assert (outcome.status, outcome.rows_unreadable, len(landing.rows())) == ("loaded", 0, 3)


@pytest.mark.parametrize("ending", ["json", "csv", "parquet"])
@pytest.mark.parametrize(
    "record",
    [
        OWN,
        # our names, and some of each system's
        {**CANONICAL, "amplitude_id": "1", "event_time": "x", "event_properties": {"a": "b"}},
        {**CANONICAL, "event": "x", "properties": {"distinct_id": "d"}},
        {**CANONICAL, "tealium_account": "s", "tealium_profile": "m", "tealium_event": "view"},
        {**CANONICAL, "collector_tstamp": "x", "domain_userid": "d", "event_id": "e"},
        # common other names, of which some are theirs
        {**OWN, "useragent": "x", "post_time": "1", "account": "a", "data": {"a": "b"}},
        {**OWN, "event_properties": {"a": "b"}, "user_properties": {"c": "d"}},
        {**OWN, "event_name": "add_to_cart", "page_url": "https://shop.example", "platform": "web"},
        {"distinct_id": "d", "time": "1795168800", "event": "add_to_cart", "insert_id": "i"},
        {"device_id": "d", "event_time": "1795168800", "event_type": "purchase", "user_id": "u"},
        {"client_id": "d", "timestamp": "1795168800", "event": "view", "properties": {"a": "b"}},
        {"uid": "u", "ts": "1795168800", "event": "view", "properties": {"sku": "P", "time": "1"}},
        {"user_id": "u", "timestamp": "1795168800", "event": "view"}
        | {"properties": {"distinct_id": "d"}},
        {"visitor_id": "a", "ts": "1795168800", "event": "view"}
        | {"metrics": {"a": 1}, "properties": {"b": 2}, "flags": {"c": True}},
    ],
)
def test_a_canonical_file_is_never_taken_for_one_of_theirs(landing_of, tmp_path, record, ending):
    name, content = f"a.{ending}", written(record, ending)
    outcome, landing = outcome_of(landing_of, tmp_path, "canonical", name, content)
    assert (outcome.status, outcome.skipped_reason) == ("loaded", None)
    assert len(landing.rows()) == (1 if ending == "csv" else 2)


def test_one_strange_line_does_not_make_a_file_anothers(landing_of, tmp_path):
    strange = {"event": "x", "properties": {"distinct_id": "d"}}
    lines = [CANONICAL, strange, CANONICAL]
    content = "\n".join(map(json.dumps, lines)).encode()
    outcome, _ = outcome_of(landing_of, tmp_path, "canonical", "a.jsonl", content)
    assert (outcome.status, outcome.rows_read) == ("loaded", 3)


@pytest.mark.heavy
def test_every_source_refuses_the_files_of_every_other_by_name(tmp_path: Path):
    sources = sources_in(DBT_PROJECT)
    events = {"ga4": GA4, "segment": SEGMENT, "rees46": REES46, "shopify_pixel": SHOPIFY}
    dumps = {**DUMPS, **{name: [each] for name, each in events.items()}, "canonical": [CANONICAL]}
    said, expected = {}, {}
    for like, records in dumps.items():
        for number, record in enumerate(records):
            folder = tmp_path / f"{like}_{number}"
            folder.mkdir()
            (folder / "a.json").write_bytes(written(record, "json"))
            for given in sources.keys() - {like}:
                (outcome,) = land(
                    duckdb.connect(),
                    find_files(folder),
                    sources[given],
                    landed_at=datetime(2026, 11, 29, tzinfo=UTC),
                )
                said[folder.name, given] = outcome.skipped_reason
                expected[folder.name, given] = f"looks_like_{like}"
    assert len(said) > 200
    assert said == expected
