"""What late rows took back of the priorities that were published, and how it is reported."""

from datetime import datetime

import duckdb
import pytest

from orchestration.status_lines import late_lines
from orchestration.warehouse.database import ensure_score_tables
from orchestration.warehouse.late_data import count_withdrawn, newest_report

NOON = datetime(2026, 3, 2, 12)
ADVISED = [("bought", "reminder"), ("bought later", "reminder"), ("just emptied", "incentive")]
ADVISED += [("never was", "reminder"), ("bought, but not advised", "nothing"), ("open", "reminder")]
ADVISED += [("at its last instant", "reminder")]
FILLED_AT = datetime(2026, 3, 1)
CARTS = [
    ("bought", FILLED_AT, "converted", datetime(2026, 3, 2, 9)),
    ("bought later", FILLED_AT, "converted", datetime(2026, 3, 2, 13)),
    ("just emptied", FILLED_AT, "emptied", NOON),
    ("bought, but not advised", FILLED_AT, "converted", datetime(2026, 3, 2, 9)),
    ("open", FILLED_AT, "open", None),
    # at exactly 30 days it still lives
    ("at its last instant", datetime(2026, 1, 31, 12), "expired", NOON),
]


@pytest.fixture
def connection(tmp_path):
    """A warehouse after a build that took up the loads 2 and 3, with its report of them."""
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as opened:
        ensure_score_tables(opened)
        opened.execute(
            "create table main.carts"
            " (cart_id varchar, started_at timestamp, status varchar, closed_at timestamp)"
        )
        opened.executemany("insert into main.carts values (?, ?, ?, ?)", CARTS)
        opened.execute(
            "create table main.loads_this_run as select unnest([2, 3])::bigint as load_id"
        )
        opened.execute("create table main.late_data_report as select 3 as load_id, 7 as row_count")
        yield opened


@pytest.fixture
def published(tmp_path):
    """The file that was published before it."""
    path = tmp_path / "analytics.duckdb"
    with duckdb.connect(str(path)) as opened:
        opened.execute(
            "create table retargeting_priorities"
            " (cart_id varchar, best_action varchar, scored_at timestamp)"
        )
        rows = [(*each, NOON) for each in ADVISED]
        opened.executemany("insert into retargeting_priorities values (?, ?, ?)", rows)
    return path


def test_priorities_are_taken_back_of_carts_that_were_closed_at_their_hour_or_never_were(
    connection, published
):
    count_withdrawn(connection, published)
    count_withdrawn(connection, published)
    expected = {"load_id": 3, "row_count": 7, "withdrawn_priority_count": 3}
    assert newest_report(connection) == expected


def test_the_same_loads_are_not_counted_again_once_the_hour_is_published(connection, published):
    """As when a run dies behind its publication, or an hour is run again with nothing new."""
    count_withdrawn(connection, published)
    with duckdb.connect(str(published)) as opened:
        opened.execute("delete from retargeting_priorities")
    count_withdrawn(connection, published)
    assert newest_report(connection)["withdrawn_priority_count"] == 3
    connection.execute("insert into main.loads_this_run values (4)")
    count_withdrawn(connection, published)
    counts = connection.execute("from scores.withdrawn_priorities order by all").fetchall()
    assert counts == [(3, 3), (4, 0)]


def test_a_build_without_new_loads_takes_nothing_back_and_reports_nothing(connection, published):
    connection.execute("delete from main.loads_this_run")
    count_withdrawn(connection, published)
    assert connection.execute("from scores.withdrawn_priorities").fetchall() == []
    assert newest_report(connection) == {}


@pytest.mark.parametrize("content", [None, b"no database"])
def test_what_was_published_before_need_not_be_there_or_readable(connection, published, content):
    published.unlink()
    if content is not None:
        published.write_bytes(content)
    count_withdrawn(connection, published)
    assert newest_report(connection)["withdrawn_priority_count"] == 0


def test_the_summary_reports_late_rows_of_the_newest_hour_only():
    with duckdb.connect() as connection:
        connection.execute(
            "create table runs as"
            " select timestamp '2026-03-02 12:00' as started_at, 3 as carts_scored"
        )
        connection.execute(
            "create table late_data_report as select timestamp '2026-03-02 12:01' as built_at,"
            " 1200 as late_row_count, 1 as merged_session_count, 2 as split_session_count,"
            " 3 as reopened_session_count, 4 as changed_cart_count, 5 as vanished_cart_count,"
            " 6 as withdrawn_priority_count"
        )
        assert list(late_lines(connection)) == [
            "Late       1,200 rows; sessions: 1 merged, 2 split, 3 re-opened;"
            " carts: 4 with another status, 5 gone; 6 priorities withdrawn"
        ]
        connection.execute("insert into runs values ('2026-03-02 13:00', 3)")
        assert list(late_lines(connection)) == []
