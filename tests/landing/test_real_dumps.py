"""The dumps of real shops, counted against Python's own csv reader."""

import csv
from pathlib import Path

import pytest

SHOPIFY_DAYS = ["0223", "0224", "0225", "0226", "0227", "0228", "0301"]


def _records(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


def _values(landing, columns: list[str], load_id: int) -> list[list[str]]:
    selected = ", ".join(f"coalesce({column}, '')" for column in columns)
    return [
        list(row)
        for row in landing.query(
            f"select {selected} from raw.{landing.source.name} "
            f"where _load_id = {load_id} order by _line"
        )
    ]


@pytest.fixture
def rees46(landing_of, shared_data):
    landing = landing_of("rees46", shared_data / "rees46")
    return landing, {outcome.file: outcome for outcome in landing.land()}


def test_rees46_rows_are_those_of_pythons_csv_reader(rees46, shared_data):
    landing, outcomes = rees46
    for name in ("2019-Oct_sample.csv", "electronics_duplicates.csv"):
        header, *records = _records(shared_data / "rees46" / name)
        assert _values(landing, header, outcomes[name].load_id) == records
        assert (outcomes[name].rows_read, outcomes[name].note) == (len(records), None)


def test_a_rees46_file_cut_inside_a_record_loses_that_record_only(rees46, shared_data):
    landing, outcomes = rees46
    outcome = outcomes["2019-Oct_cut.csv"]
    header, *records = _records(shared_data / "rees46" / "2019-Oct_cut.csv")
    assert (outcome.rows_read, outcome.rows_unreadable) == (17_435, 1)
    assert _values(landing, header, outcome.load_id) == records[:-1]
    assert landing.unreadable() == [(17_436, "cut_row", ",".join(records[-1]))]


def test_a_rees46_file_without_a_header_is_read_in_the_declared_order(rees46, shared_data):
    landing, outcomes = rees46
    outcome = outcomes["2019-Nov_no_header.csv"]
    assert (outcome.rows_read, outcome.rows_unreadable) == (683, 0)
    assert outcome.note == "no header line; columns taken in the declared order"
    records = _records(shared_data / "rees46" / "2019-Nov_no_header.csv")
    assert _values(landing, list(landing.source.header), outcome.load_id) == records


def test_shopify_rows_are_those_of_pythons_csv_reader_under_either_name_of_the_client(
    landing_of, shared_data
):
    landing = landing_of("shopify_pixel", shared_data / "shopify_pixel")
    outcomes = landing.land()
    assert [o.file for o in outcomes] == [f"events_2025{day}.csv" for day in SHOPIFY_DAYS]
    for outcome in outcomes:
        header, *records = _records(shared_data / "shopify_pixel" / outcome.file)
        names = ["client_id" if name == "clientId" else name for name in header]
        assert _values(landing, names, outcome.load_id) == records
        assert outcome.rows_read == len(records)
    assert landing.query("select count(*) from raw.shopify_pixel where _extra is not null") == [
        (0,)
    ]


def test_a_dump_of_other_column_names_is_landed_as_canonical(landing_of, shared_data):
    landing = landing_of("canonical", shared_data / "simple_onlineshop.csv")
    (outcome,) = landing.land()
    assert (outcome.rows_read, outcome.rows_unreadable) == (35_381, 0)
    assert landing.query(
        "select user_id, event_type, event_at from raw.canonical where _line = 2"
    ) == [("219483890", "catalog", "2019-11-01 17:59:13.273932")]


def test_otto_sessions_are_no_events_and_say_so(landing_of, shared_data):
    landing = landing_of("canonical", shared_data / "otto.jsonl")
    (outcome,) = landing.land()
    assert (outcome.rows_read, outcome.rows_unreadable) == (20, 20)
    assert outcome.note.startswith("the columns (session, events) are not those that")
