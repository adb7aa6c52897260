"""The slices of the REES46 shop: cut, without a header, and full of repeats."""

import csv
from pathlib import Path

import duckdb
import pytest

from .conftest import run_comeback

# what landing makes of the files is tested in tests/landing/test_real_dumps.py
pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def home(tmp_path_factory, shared_data) -> Path:
    home = tmp_path_factory.mktemp("rees46")
    run_comeback(
        home, "run", "--as-of", "latest", "--events", shared_data / "rees46", "--source", "rees46"
    )
    return home


@pytest.fixture(scope="module")
def published(home):
    path = home / "published" / "analytics.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


def test_the_cut_file_loses_only_its_last_row_and_says_why(published):
    read, dropped = published.execute(
        "select rows_read, rows_dropped from landed_files where file = '2019-Oct_cut.csv'"
    ).fetchone()
    assert (read, dropped) == (17435, 1)
    line, action, raw_row = published.execute(
        "select line, action, raw_row from set_aside_rows where file = '2019-Oct_cut.csv'"
    ).fetchone()
    assert (line, action) == (17436, "dropped")
    assert raw_row.endswith("elenberg,25.71,52040330")


def test_the_file_without_a_header_loses_no_row_and_says_so(published):
    read, accepted, dropped, note = published.execute(
        "select rows_read, rows_accepted, rows_dropped, note from landed_files"
        " where file = '2019-Nov_no_header.csv'"
    ).fetchone()
    assert (read, accepted, dropped) == (683, 683, 0)
    assert "header" in note


def test_every_distinct_row_is_one_event(published, shared_data):
    distinct = set()
    for path in sorted((shared_data / "rees46").glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        distinct |= {tuple(row) for row in rows if len(row) == 9 and row[0] != "event_time"}
    accepted, mismatched = published.execute(
        "select sum(rows_accepted),"
        " count(*) filter (rows_read != rows_accepted + rows_duplicate + rows_dropped)"
        " from landed_files"
    ).fetchone()
    assert (accepted, mismatched) == (len(distinct), 0)
