"""The checks, each on an input that passes and on one that does not."""

from datetime import datetime

import duckdb
import polars as pl
import pytest

from orchestration.dagster.export_facts import export_metadata
from orchestration.modelling.scoring import faults_of_scores
from orchestration.outputs.export_files import faults_of_export, read_latest, write_export
from orchestration.outputs.hour_files import faults_of_pointer
from orchestration.warehouse.database import unsettled_files
from orchestration.warehouse.suspect_files import that_lost_rows
from tests.outputs.test_export_files import frame, row

TEN = datetime(2026, 10, 31, 10)


def scores(**changes) -> pl.DataFrame:
    columns = {
        "p_abandon": [0.9, 0.5],
        "p_return_4h": [0.1, 0.1],
        "p_return_8h": [0.2, 0.1],
        "p_return_24h": [0.3, 0.2],
        "p_return_72h": [0.4, 0.3],
        "p_return_168h": [1.0, 0.4],
        "priority_rank": [2, 1],
    }
    return pl.DataFrame({**columns, **changes})


def test_good_scores_have_no_fault():
    assert faults_of_scores(scores()) == []
    assert faults_of_scores(scores().clear()) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"p_abandon": [1.1, 0.5]}, "p_abandon is not a probability in every row"),
        ({"p_abandon": [None, 0.5]}, "p_abandon is not a probability in every row"),
        ({"p_return_8h": [0.05, 0.1]}, "p_return_4h is above p_return_8h"),
        ({"priority_rank": [1, 1]}, "priority_rank does not count from 1 without a gap"),
        ({"priority_rank": [1, 3]}, "priority_rank does not count from 1 without a gap"),
    ],
)
def test_scores_that_cannot_be_are_reported(changes, fault):
    assert faults_of_scores(scores(**changes)) == [fault]


def test_files_whose_rows_do_not_add_up_are_named():
    with duckdb.connect() as connection:
        connection.execute(
            "create table landed_files as select * from (values"
            " (1, 'good.csv', 10, 7, 2, 1), (2, 'bad.csv', 10, 7, 2, 0)) as t"
            "(load_id, file, rows_read, rows_accepted, rows_duplicate, rows_dropped)"
        )
        assert unsettled_files(connection) == ["bad.csv"]


def test_an_export_that_says_what_the_table_says_has_no_fault(tmp_path):
    rows = frame(row())
    write_export(tmp_path, TEN, rows, models={}, settings_digest="", keep_hours=72)
    assert faults_of_export(tmp_path, TEN, rows) == []


def test_an_export_that_differs_from_the_table_or_its_manifest_is_reported(tmp_path):
    write_export(tmp_path, TEN, frame(row()), models={}, settings_digest="", keep_hours=72)
    assert faults_of_export(tmp_path, TEN, frame()) == ["the file differs from the table"]
    (tmp_path / "2026-10-31T10Z" / "retargeting_priorities.csv").write_text("")
    assert faults_of_export(tmp_path, TEN, frame(row())) == [
        "the file differs from the table",
        "the manifest gives another sha256 than the file has",
    ]


def test_an_hour_that_is_no_longer_kept_has_no_fault(tmp_path):
    assert faults_of_export(tmp_path, TEN, frame(row())) == []


def test_files_that_lost_rows_are_named_those_that_lost_most_first():
    with duckdb.connect() as connection:
        connection.execute(
            "create table landed_files as select * from (values"
            " ('good.csv', 'rees46', 10, 0, 1), ('bad.csv', 'rees46', 10, 7, 2),"
            " ('worse.csv', 'ga4', 90, 8, 3)) as t(file, source, rows_read, rows_dropped, load_id)"
        )
        lost = [("worse.csv", "ga4", 90, 8), ("bad.csv", "rees46", 10, 7)]
        assert that_lost_rows(connection, 5) == lost
        assert that_lost_rows(connection, 1) == lost[:1]


def test_a_pointer_that_does_not_lead_to_the_newest_hour_is_reported(tmp_path):
    assert faults_of_pointer(tmp_path, TEN) == ["there is no latest.json"]
    write_export(tmp_path, TEN, frame(row()), models={}, settings_digest="", keep_hours=72)
    assert faults_of_pointer(tmp_path, TEN) == []
    assert faults_of_pointer(tmp_path, TEN.replace(hour=11)) == [
        "latest.json is of 2026-10-31T10:00:00Z, the newest scored hour is 2026-10-31T11:00:00Z"
    ]
    pointer = tmp_path / "latest.json"
    pointer.write_text(pointer.read_text().replace(read_latest(tmp_path)["sha256"], "0"))
    assert faults_of_pointer(tmp_path, TEN) == ["latest.json has other sums than the manifest"]


def test_the_ui_plots_of_each_export_who_is_listed_and_whom_each_gate_refused():
    counts = {"suppressed": 2, "no_consent": 0, "quiet_hours": 1, "eligible": 4}
    said = {"profile": "email", "preset": "generic", "persons": 4, "counts": counts}
    found = export_metadata({"mail": said | {"warnings": ["few"]}})
    table = found.pop("by_export").md_str
    assert found.pop("warnings") == "mail: few"
    assert found == {
        "persons_mail": 4,
        "refused_mail_suppressed": 2,
        "refused_mail_quiet_hours": 1,
    }
    assert table.splitlines() == [
        *("| of persons | mail |", "| --- | --- |", "| on the list | 4 |"),
        *("| suppressed | 2 |", "| quiet hours | 1 |"),
    ]
    refused = export_metadata({"stop": said | {"profile": "suppressions", "warnings": []}})
    assert refused.pop("by_export").md_str.splitlines()[2:] == ["| on the list | 4 |"]
    assert refused == {"persons_stop": 4}
    assert export_metadata({}) == {}
