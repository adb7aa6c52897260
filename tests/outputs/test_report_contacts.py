"""The report's sections of exports and of what contacts brought."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from orchestration.outputs.report.page import page
from tests.outputs.small_published_file import insert, make_empty, make_run
from tests.outputs.test_report import HOSTILE, Page

COUNTS = {"suppressed": 7, "no_consent": 1_085, "holdout": 0, "quiet_hours": 51, "eligible": 9}


@pytest.fixture
def shop(tmp_path):
    """A file without carts whose hour was scored, and an hour that was exported."""
    folder = tmp_path / "exports" / "2026-11-01T10Z"
    folder.mkdir(parents=True)
    exports = {
        "email": {"persons": 9, "counts": COUNTS},
        HOSTILE[0]: {"persons": 54, "counts": {"no_profile": 3, "eligible": 54}},
    }
    (folder / "manifest.json").write_text(json.dumps({"exports": exports}))
    path = tmp_path / "analytics.duckdb"
    connection = make_empty(path)
    make_run(connection)
    yield path, connection
    connection.close()


def result(connection, weeks_ago: int, **values) -> None:
    usual = {
        "week": date(2026, 10, 26) - timedelta(weeks=weeks_ago),
        "segment": "on_the_fence",
        "action": "reminder",
        "channel": "email",
        "contacted_persons": 200,
        "held_out_persons": 100,
        "contacted_conversions": 40,
        "held_out_conversions": 10,
        "incremental_revenue": 900,
        "incremental_revenue_low": -100,
        "incremental_revenue_high": 1_900,
        "incremental_margin": 270,
        "contact_cost": 20,
        "difference": 0.1,
        "difference_low": 0.012,
        "difference_high": 0.17,
        "reporting_currency": "EUR",
        "is_mature": True,
    }
    insert(connection, "campaign_results", **(usual | values))


def shown(path: Path) -> Page:
    return Page(page(path, exports=path.parent / "exports"))


def test_exports_are_shown_with_the_gates_that_held_anybody_back(shop):
    path, connection = shop
    connection.close()
    text = shown(path)
    assert text.table("Persons by the first gate")[1:] == [
        ["exported", "9", "54"],
        ["suppressed", "7", "0"],
        ["no profile", "0", "3"],
        ["no consent", "1,085", "0"],
        ["quiet hours", "51", "0"],
    ]
    assert "On the lists: email 9 persons; " in text.text
    assert "script" not in {tag for tag, _ in text.elements}


def test_no_gate_is_shown_of_the_list_of_those_who_must_not_be_mailed(shop):
    path, connection = shop
    connection.close()
    manifest = path.parent / "exports" / "2026-11-01T10Z" / "manifest.json"
    refused = {"profile": "suppressions", "persons": 506, "counts": COUNTS}
    exports = {"email": {"profile": "email", "persons": 9, "counts": COUNTS}, "stop": refused}
    manifest.write_text(json.dumps({"exports": exports}))
    text = shown(path)
    assert text.table("Persons by the first gate")[:2] == [["Gate", "email"], ["exported", "9"]]
    assert "On the lists: email 9 persons; stop 506 persons." in text.text
    manifest.write_text(json.dumps({"exports": {"stop": refused}}))
    assert "On the lists: stop 506 persons." in shown(path).text


@pytest.mark.parametrize("content", [None, "", "{}", "[1]"])
def test_an_hour_whose_manifest_is_not_there_or_of_another_kind_has_no_such_section(shop, content):
    path, connection = shop
    connection.close()
    manifest = path.parent / "exports" / "2026-11-01T10Z" / "manifest.json"
    manifest.unlink()
    if content is not None:
        manifest.write_text(content)
    assert "exports" not in shown(path).attributes("section", "id")
    assert "exports" not in Page(page(path)).attributes("section", "id")


def test_contacts_that_brought_something_say_how_much_and_how_surely(shop):
    path, connection = shop
    result(connection, 1)
    result(connection, 2, difference=-0.02, difference_low=-0.1, difference_high=0.05)
    result(connection, 0, is_mature=False, difference=None)
    connection.close()
    text = shown(path)
    assert text.table("What they earned")[1:] == [
        [
            "reminder, 19 Octon the fence",
            "200",
            "100",
            "EUR 900.00EUR \u2212100.00 to EUR 1,900",
            "EUR 250.00",
        ],
        [
            "reminder, 12 Octon the fence",
            "200",
            "100",
            "EUR 900.00EUR \u2212100.00 to EUR 1,900",
            "EUR 250.00",
        ],
    ]
    assert text.table("Differences of")[1] == [
        *("reminder, 19 Oct", "20.0 %", "10.0 %", "+10.0 points", "+1.2 points to +17.0 points"),
    ]
    assert "Of 2 comparisons, 1 lie surely above nothing, 0 surely below." in text.text
    head = " ".join(text.text.split())
    assert "Contacts earned EUR 500.00 over people held out, 400 contacted persons;" in head
    assert "surely more buyers in 1 of 2 comparisons" in head


def test_of_one_person_held_out_no_interval_is_shown(shop):
    path, connection = shop
    ends = dict.fromkeys(("incremental_revenue_low", "incremental_revenue_high"))
    result(connection, 1, held_out_persons=1, held_out_conversions=0, **ends)
    connection.close()
    (row,) = shown(path).table("What they earned")[1:]
    assert row[2:4] == ["1", "EUR 900.00no interval of one person"]


def test_weeks_in_a_former_reporting_currency_are_not_added(shop):
    path, connection = shop
    result(connection, 1)
    result(connection, 2, reporting_currency="GBP")
    connection.close()
    head = " ".join(shown(path).text.split())
    assert "Contacts earned EUR 250.00 over people held out, 200 contacted persons;" in head
    assert "in 1 of 1 comparison; 1 comparison in another currency" in head


def test_before_a_week_is_over_it_says_so(shop):
    path, connection = shop
    result(connection, 0, is_mature=False, difference=None)
    connection.close()
    text = " ".join(shown(path).text.split())
    assert "Contacts earned \u2013 no week is over yet" in text
    assert "No week of first contacts is over yet." in text


def test_where_nobody_was_contacted_nothing_is_said_to_be_earned(shop):
    path, connection = shop
    connection.close()
    text = " ".join(shown(path).text.split())
    assert "Contacts earned \u2013 nobody was contacted long enough ago" in text
    assert "effects" not in shown(path).attributes("section", "id")
