"""What analysts and their tools meet: the published file."""

import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from .conftest import run_comeback

REPOSITORY = Path(__file__).parents[2]
PAGES = [REPOSITORY / "dbt_project" / "docs" / name for name in ("tables.md", "more_questions.md")]
QUESTIONS = [
    question
    for page in PAGES
    for question in re.findall(r"^## (\d+\. .*?)$(.*?)(?=^## |\Z)", page.read_text(), re.S | re.M)
]
QUERIES = [
    (title, query)
    for title, answer in QUESTIONS
    for query in re.findall(r"```sql\n(.*?)```", answer, re.S)
]

# beside them those of what a shop defines itself; a template is for the shop's files, not for here
OWN = [
    query
    for page in ("segments.md", "triggers.md")
    for query in re.findall(r"```sql\n(.*?)```", PAGES[0].with_name(page).read_text(), re.S)
    if "{{" not in query
]
EARLY = ("7.", "12.", "13.", "23.", "24.", "25.")

# Readers are processes of their own, as an analyst's tool is: one process shares its open files.
ASK_TWICE = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
for _ in range(2):
    print(connection.execute("select count(*) from runs").fetchone()[0], flush=True)
    sys.stdin.readline()
"""
TELL_VERSION_AND_CARTS = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
print(duckdb.__version__, connection.execute("select count(*) from carts").fetchone()[0])
"""


def open_published(home: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(home / "published" / "analytics.duckdb"), read_only=True)


def test_the_pages_have_fifteen_questions_and_ten_more():
    assert len({title for title, _ in QUERIES}) == len(QUESTIONS) == 25
    numbers = [int(title.split(".")[0]) for title, _ in QUESTIONS]
    assert numbers == list(range(1, 26))


@pytest.mark.parametrize(("title", "query"), QUERIES)
def test_a_query_of_the_page_runs_and_answers(simulated_home, title, query):
    with open_published(simulated_home) as connection:
        rows = connection.execute(query).fetchall()
    # a first hour has no scores that are three days old, and this shop has one currency
    is_early = title.startswith(EARLY) or "from campaign_results" in query
    assert rows or is_early


def test_the_pages_of_segments_and_triggers_have_queries():
    assert len(OWN) == 3


@pytest.mark.parametrize("query", OWN, ids=range(len(OWN)))
def test_a_query_of_segments_and_triggers_runs(simulated_home, query):
    with open_published(simulated_home) as connection:
        connection.execute(query).fetchall()


def test_every_table_and_column_has_a_description(simulated_home):
    with open_published(simulated_home) as connection:
        tables = connection.execute("select table_name, comment from duckdb_tables()").fetchall()
        columns = connection.execute(
            "select table_name, column_name from duckdb_columns()"
            " where not internal and coalesce(comment, '') = ''"
        ).fetchall()
    assert {name for name, _ in tables} == {
        "sessions",
        "carts",
        "cart_lines",
        "orders",
        "order_lines",
        "order_items",
        "items",
        "also_bought",
        "trigger_events",
        "cart_scores",
        "score_outcomes",
        "contact_plans",
        "holdout_arms",
        "people",
        "segment_memberships",
        "segment_history",
        "segment_sizes",
        "contact_log",
        "withheld_contacts",
        "campaign_results",
        "segment_results",
        "contact_effects",
        "experiment_arms",
        "experiment_results",
        "clusters",
        "retargeting_priorities",
        "models",
        "daily_funnel",
        "amounts_without_rate",
        "landed_files",
        "set_aside_rows",
        "suspicious_ids",
        "late_data_report",
        "runs",
    }
    assert all(comment for _, comment in tables)
    assert columns == []


@pytest.mark.heavy
def test_an_open_reader_neither_blocks_a_run_nor_sees_it(simulated_home):
    reader = subprocess.Popen(
        [
            sys.executable,
            "-c",
            ASK_TWICE,
            str(simulated_home / "published" / "analytics.duckdb"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        before = int(reader.stdout.readline())
        run_comeback(simulated_home, "run", "--as-of", "latest")
        reader.stdin.write("\n")
        reader.stdin.flush()
        assert int(reader.stdout.readline()) == before
    finally:
        reader.stdin.close()
        reader.wait(timeout=30)
    with open_published(simulated_home) as connection:
        assert connection.execute("select count(*) from runs").fetchone()[0] > before


def test_a_client_of_duckdb_1_5_reads_the_file(simulated_home, duckdb_1_5):
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            TELL_VERSION_AND_CARTS,
            str(simulated_home / "published" / "analytics.duckdb"),
        ],
        env={"PYTHONPATH": str(duckdb_1_5)},
        capture_output=True,
        text=True,
        check=True,
    )
    version, carts = done.stdout.split()
    with open_published(simulated_home) as connection:
        expected = connection.execute("select count(*) from carts").fetchone()[0]
    assert version.startswith("1.5.")
    assert int(carts) == expected > 1000


def test_people_of_the_shop_are_in_segments_and_in_one_of_a_group(simulated_home):
    with open_published(simulated_home) as connection:
        sizes = connection.execute(
            "select segment, person_count from segment_sizes"
            " where as_of = (select max(as_of) from segment_sizes) order by segment"
        ).fetchall()
        members = connection.execute(
            "select segment, count(*) from segment_memberships group by 1 order by 1"
        ).fetchall()
        in_two = connection.execute(
            "select person_id from segment_memberships"
            " where segment in ('dormant_buyers', 'at_risk', 'new_visitors')"
            " group by 1 having count(*) > 1"
        ).fetchall()
        best = connection.execute("select max(engagement_score) from people").fetchone()[0]
    assert [each for each in sizes if each[1]] == members
    assert {"vip", "at_risk", "new_visitors", "on_the_fence"} <= dict(members).keys()
    assert in_two == []
    assert best == 100
