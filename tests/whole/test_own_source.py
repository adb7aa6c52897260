"""A till system that nobody here knows, as a shop's own source: drafted, corrected, and run."""

import json
import shutil
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from orchestration.ground.checkout import DBT_PROJECT

from .conftest import run_comeback

pytestmark = [pytest.mark.slow, pytest.mark.heavy]

# What no dump says, and the page on a source of one's own says to correct in the draft.
EDITS = {
    "till.yml": ("zone: UTC", "zone: Europe/Berlin"),
    "till.sql": ("cast(null as string) as currency", "'EUR' as currency"),
}


def event(stamp: str, device: str, act: str, *lines: tuple, **more: str) -> str:
    items = [dict(zip(("sku", "n", "each"), line, strict=True)) for line in lines]
    row = {"stamp": stamp, "who": {"device": device}, "act": act, "lines": items, **more}
    return json.dumps(row)


EVENTS = [
    event(
        "2026-03-02 10:00:00", "d1", "scan", ("milk", 2, "1,20"), ("bread", 1, "3,50"), card="c7"
    ),
    event("2026-03-02 10:05:00", "d1", "void", ("milk", 1, None), card="c7"),
    event("2026-03-02 10:30:00", "d2", "scan", ("tea", 1, "4,00")),
    event("2026-03-02 10:40:00", "d2", "pay", ("tea", 1, "4,00"), receipt="r1"),
    event("2026-03-02 12:00:00", "d3", "tidy up"),
]


@pytest.fixture(scope="module")
def till_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home, dumps = tmp_path_factory.mktemp("till"), tmp_path_factory.mktemp("dumps")
    (dumps / "monday.jsonl").write_text("\n".join(EVENTS) + "\n")
    done = run_comeback(home, "source", "new", "till", dumps)
    assert done.stdout.endswith(
        "Next       correct the guesses that are wrong, then:"
        f" comeback inspect {dumps} --source till\n"
    )
    for name, (before, after) in EDITS.items():
        path = home / "sources" / name
        assert before in path.read_text()
        path.write_text(path.read_text().replace(before, after))
    # a trigger that is wrong stops nothing, and is said
    (home / "triggers").mkdir()
    (home / "triggers" / "mine.yml").write_text("name: mine\n")
    done = run_comeback(home, "run", "--as-of", "latest", "--events", dumps, expect=2)
    wrong = f"the trigger has no version, {home}/triggers/mine.yml, give all of name, version"
    assert done.stderr.startswith(f"Warning: {wrong}")
    assert done.stderr.splitlines()[-1].startswith(f"comeback: {wrong}")
    assert "The dumps look like till (columns act, lines, stamp, who)." in done.stderr
    return home


def query(home: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(home / "published" / "analytics.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_its_rows_become_carts_of_several_items_at_the_times_of_its_zone(till_home: Path):
    assert query(
        till_home,
        "select visitor_id, owner_id, started_at, status, item_quantity, cart_value, currency"
        " from carts order by 1",
    ) == [
        ("d1", "c7", datetime(2026, 3, 2, 9), "open", 2, Decimal("4.7000"), "EUR"),
        ("d2", None, datetime(2026, 3, 2, 9, 30), "converted", 1, Decimal("4.0000"), "EUR"),
    ]


def test_its_orders_have_their_lines(till_home: Path):
    assert query(
        till_home,
        "select order_id, line_number, item_id, order_lines.quantity, unit_price"
        " from order_lines inner join orders using (order_key)",
    ) == [("r1", 1, "tea", 1, Decimal("4.0000"))]


def test_words_that_it_does_not_translate_count_as_activity(till_home: Path):
    assert query(
        till_home, "select visitor_id, event_count, view_count from sessions order by 1"
    ) == [("d1", 2, 0), ("d2", 2, 0), ("d3", 1, 0)]


def test_its_people_can_be_erased(till_home: Path):
    run_comeback(till_home, "erase", "--user", "c7")
    assert query(till_home, "select visitor_id from sessions order by 1") == [("d2",), ("d3",)]


def test_the_checkout_knows_nothing_of_it(till_home: Path):
    assert not [*DBT_PROJECT.rglob("*till*")]
    staging = till_home / "dbt" / "project" / "models" / "staging"
    drafted = till_home / "sources" / "till.sql"
    assert (staging / "stg_till.sql").read_text() == drafted.read_text()


def test_a_segment_that_fails_on_the_data_is_left_out_and_said(till_home: Path, tmp_path: Path):
    home = tmp_path / "home"
    shutil.copytree(till_home, home)
    (home / "triggers" / "mine.yml").unlink()
    run_comeback(home, "segment", "new", "first")
    run_comeback(home, "segment", "new", "second")
    sql = home / "segments" / "second.sql"
    sql.write_text("select person_id from {{ ref('people') }} where person_id::int > 0\n")
    run_comeback(home, "segment", "new", "third")
    template = home / "segments" / "third.sql"
    template.write_text("select person_id from {{ ref('people') }} where {{ as_off() }} > 0\n")
    done = run_comeback(home, "run", "--as-of", "latest", expect=2)
    assert done.stderr.splitlines()[-2:] == [
        "comeback: its SQL failed (Conversion Error: Could not convert string),"
        f" {sql}, correct it: dbt_project/docs/segments.md",
        "comeback: its template is wrong (nothing is called as_off),"
        f" {template}, correct it: dbt_project/docs/segments.md",
    ]
    sizes = "select segment, person_count from segment_sizes where segment ~ 'first|second|third'"
    assert query(home, sizes) == [("first", 1)]
    assert run_comeback(home, "status", "--check", expect=1).stdout.count(str(sql)) == 1
