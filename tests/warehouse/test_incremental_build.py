"""dbt itself, hour after hour, against one build over everything.

Tables that are compared are filled with `run`; the tests of dbt are part of the builds that they
are about, and of the last hour.
"""

import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import duckdb
import pytest

from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.ground.settings_schema import Mark
from orchestration.landing import ensure_raw_tables, find_files, land
from orchestration.landing.locations import known_sources
from orchestration.warehouse import database, dbt_build
from orchestration.warehouse.build_result import BuildResult
from orchestration.warehouse.unchanged import inputs_digest, is_as_built
from orchestration.warehouse.wrong_clock import correct_times
from tests.full_disk import no_file_beyond

pytestmark = pytest.mark.slow

HEADERS = {
    "canonical": "event_id,visitor_id,user_id,event_at,event_type,item_id,price,currency,order_id",
    "rees46": "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,"
    "user_session",
}
HOURS = (
    (
        "e01,A,,2026-03-02T09:00:00Z,view_item,shoe,,,",
        "e02,A,,2026-03-02T09:50:00Z,add_to_cart,shoe,5,EUR,",
        "e03,B,7,2026-03-02T09:10:00Z,add_to_cart,hat,7,EUR,",
        "e04,C,,2026-03-02T09:00:00Z,add_to_cart,hat,7,EUR,",
    ),
    (
        # bridges two sessions of A
        "e05,A,,2026-03-02T09:25:00Z,view_item,hat,,,",
        # buys the cart of B elsewhere
        "e06,D,7,2026-03-02T10:30:00Z,purchase,hat,7,EUR,o1",
        "e01,A,,2026-03-02T09:00:00Z,view_item,shoe,,,",
    ),
    (
        # the bridge turns out to be earlier, the order to be another's
        "e05,A,,2026-03-02T07:00:00Z,view_item,hat,,,",
        "e07,E,,2026-03-02T08:30:00Z,purchase,hat,7,EUR,o1",
        # and nobody is touched by what expires now
        "e08,F,,2026-04-20T12:00:00Z,page_view,,,,",
        "e09,,,2026-04-20T12:00:00Z,page_view,,,,",
    ),
)
# A source of which the first build knew no row.
REES46_ROWS = (
    "2026-03-02 09:20:00 UTC,cart,11,1,home.lamp,acme,9.00,41,s1",
    "2026-03-02 09:30:00 UTC,view,12,1,home.lamp,acme,9.00,41,s1",
)
AS_OF = datetime(2026, 4, 20, 12)
BUILD_TABLES = {
    *("last_build", "late_data_report", "loads_this_run", "events_this_run", "visitors_this_run"),
    *("rows_this_run", "log_this_run", "ids_this_run", "days_this_run", "persons_this_run"),
    "states_this_run",
    *("affected_visitors", "previous_sessions", "previous_carts", "unpublished_visitors"),
}


@pytest.fixture(scope="module")
def first_hour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the rows of the first hour, built."""
    home = Home(tmp_path_factory.mktemp("first_hour"))
    home.prepare()
    deliver(home, 0, HOURS[0])
    build(home, command="run")
    return home.root


@pytest.fixture
def built(first_hour: Path, tmp_path: Path) -> Home:
    """A home of its own with the first hour in it."""
    return Home(shutil.copytree(first_hour, tmp_path / "built"))


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[tuple[Home, Home]]:
    """Two homes with nothing in them."""
    pair = Home(tmp_path / "one"), Home(tmp_path / "other")
    for home in pair:
        home.prepare()
    return pair


def test_hour_after_hour_equals_one_build_over_everything(built, homes):
    hourly, (at_once, _) = built, homes
    for number, rows in enumerate(HOURS):
        for home in (at_once, hourly)[: number + 1]:
            deliver(home, number, rows)
            if number == 1:
                deliver(home, number, REES46_ROWS, "rees46")
        if number > 0:
            build(hourly, command="build" if number == 2 else "run")
    # nothing comes: only what is of the hour is built
    later = AS_OF + timedelta(hours=6)
    result = build(hourly, as_of=later)
    built_now = {node.unique_id.split(".")[2] for node in result.nodes}
    assert {"scoring_snapshots", "scored_carts", "trigger_events"} < built_now
    log = {"candidate_events", "ordered_events", "sessions", "carts", "orders", "landed_files"}
    assert log < set(result.unchanged)
    assert not built_now & {*result.unchanged}
    build(at_once, as_of=later, command="run")
    assert contents(hourly) == contents(at_once)
    watermark = "select load_id, newest_event_at, as_of from last_build"
    assert query(hourly, watermark) == [(4, AS_OF, later)]
    assert query(hourly, "select visitor_id from visitors_this_run order by 1") == [
        *(("A",), ("B",), ("D",), ("E",), ("F",))
    ]
    assert query(hourly, "select source, count(*) from events group by 1 order by 1") == [
        ("canonical", 8),
        ("rees46", 2),
    ]
    report = (
        "select load_id, late_row_count, merged_session_count, split_session_count,"
        " changed_cart_count from late_data_report order by load_id"
    )
    assert query(hourly, report) == [(3, 3, 1, 0, 1), (4, 2, 0, 1, 4)]


def test_another_file_setting_or_version_of_the_sql_is_something_new():
    variables = {"session_gap_minutes": 30}
    with duckdb.connect() as connection:
        nothing = inputs_digest(connection, "project", variables)
        assert not is_as_built(connection, nothing)
        connection.execute("create table last_build as select 1 as load_id")  # an older version's
        assert not is_as_built(connection, nothing)
        connection.execute("create or replace table last_build as select ? as inputs", [nothing])
        assert is_as_built(connection, nothing)
        found = {
            nothing,
            inputs_digest(connection, "another", variables),
            inputs_digest(connection, "project", {"session_gap_minutes": 20}),
        }
        connection.execute("create schema raw; create table raw.files (load_id int, note text)")
        for change in (
            "insert into raw.files values (1, null), (2, 'a')",
            "update raw.files set note = 'b' where load_id = 2",
            "delete from raw.files where load_id = 2",
        ):
            connection.execute(change)
            found.add(inputs_digest(connection, "project", variables))
        # nothing lands, and what is known of the files is another thing all the same
        for table in ("people_rows", "expired_rows", "passed_files"):
            connection.execute(f"create table raw.{table} as select 1 as load_id")
            found.add(inputs_digest(connection, "project", variables))
        assert len(found) == 9


@pytest.mark.heavy
def test_what_a_partial_run_leaves_is_done_by_the_next(built, homes):
    hourly, (at_once, _) = built, homes
    deliver(at_once, 0, HOURS[0])
    for number in (1, 2):
        for home in (hourly, at_once):
            deliver(home, number, HOURS[number])
            if number == 1:
                deliver(home, number, REES46_ROWS, "rees46")
        # as after a kill: some models are done, and the watermark stays
        build(hourly, command="run", select=["+events", "carts"][:number])
        assert query(hourly, "select load_id from last_build") == [(1,)]
    build(hourly)
    assert query(hourly, "select source, count(*) from events group by 1 order by 1") == [
        ("canonical", 8),
        ("rees46", 2),
    ]
    build(at_once, command="run")
    assert contents(hourly) == contents(at_once)


def test_what_failed_a_test_is_tested_and_reported_again_by_the_next_build(built):
    home = built
    deliver(home, 1, HOURS[1])
    with database.connect(home, Settings()) as connection:
        connection.execute("update raw.files set rows_read = rows_read + 1 where load_id = 2")
    for _ in range(2):
        with pytest.raises(ComebackError, match="landed_files"):
            build(home)
        assert query(home, "select load_id from last_build") == [(1,)]
    with database.connect(home, Settings()) as connection:
        connection.execute("update raw.files set rows_read = rows_read - 1 where load_id = 2")
    deliver(home, 2, HOURS[2])
    build(home)
    # what the failed builds reported is part of it
    report = "select load_id, load_count, vanished_cart_count from late_data_report"
    assert query(home, report) == [(3, 2, 0)]


class TidalSettings(Settings):
    """One more setting of each kind that dbt knows."""

    tides: Annotated[int, Mark.LOG] = 2
    moons: Annotated[int, Mark.HOUR] = 1


# A build of one model never sets the watermark, but removes it where the next must be full.
ONE_MODEL = {"command": "run", "select": ["loads_this_run"]}
HAS_WATERMARK = "select count(*) from information_schema.tables where table_name = 'last_build'"
RELATIONS = (
    "select table_schema, table_name from information_schema.tables"
    " where table_schema in ('main', 'raw', 'other') order by all"
)


def test_another_setting_of_the_log_forces_a_full_build_and_one_of_the_hour_does_not(built):
    home = built
    assert query(home, "select count(*) from sessions") == [(4,)]
    build(home, Settings(label_horizon_hours=24), **ONE_MODEL)
    assert query(home, HAS_WATERMARK) == [(1,)]
    made = query(home, RELATIONS)
    with database.connect(home, Settings()) as connection:
        connection.execute("create table main.touched_visitors as select 'A' as visitor_id")
        connection.execute("create view main.former_carts as select * from main.touched_visitors")
        connection.execute("create schema other")
        connection.execute("create table other.kept as select 'A' as visitor_id")
        # only a full build sees rows that went
        connection.execute("delete from raw.canonical where visitor_id = 'C'")
        connection.execute("update raw.files set rows_read = rows_read - 1")
    build(home, Settings(session_gap_minutes=50), command="run")
    # it drops what no model makes, and nothing else
    assert query(home, RELATIONS) == sorted([*made, ("other", "kept")])
    assert query(home, "select count(*) from sessions") == [(2,)]
    assert query(home, "select visitor_id from carts order by 1") == [("A",), ("B",)]


@pytest.mark.heavy
def test_a_full_build_that_a_setting_forces_makes_what_a_first_build_makes(built, homes):
    home, (twin, _) = built, homes
    deliver(twin, 0, HOURS[0])
    for each in (home, twin):
        build(each, Settings(session_gap_minutes=50), command="run")
    assert query(home, "select count(*) from sessions") == [(3,)]
    assert contents(home) == contents(twin)


@pytest.mark.heavy
def test_a_setting_that_is_new_counts_as_those_of_its_kind(built):
    build(built, TidalSettings(), command="run")
    build(built, TidalSettings(moons=5), **ONE_MODEL)
    assert query(built, HAS_WATERMARK) == [(1,)]
    build(built, TidalSettings(tides=3), **ONE_MODEL)
    assert query(built, HAS_WATERMARK) == [(0,)]


@pytest.mark.heavy
def test_a_full_refresh_sees_rows_that_went(built):
    home = built
    with database.connect(home, Settings()) as connection:
        connection.execute("delete from raw.canonical where visitor_id = 'C'")
        connection.execute("update raw.files set rows_read = rows_read - 1")
    build(home, command="run")
    assert query(home, "select count(*) from carts where visitor_id = 'C'") == [(1,)]
    build(home, full_refresh=True, command="run")
    assert query(home, "select count(*) from carts where visitor_id = 'C'") == [(0,)]


@pytest.mark.heavy
def test_a_build_that_met_a_full_disk_is_reported_in_one_line_and_completed_by_the_next(
    built, tmp_path
):
    home, twin = built, Home(shutil.copytree(built.root, tmp_path / "twin"))
    many = [f"m{n},V{n},,2026-03-02T09:00:00Z,view_item,shoe,,," for n in range(30_000)]
    for each in (home, twin):
        deliver(each, 1, many)
    size = home.warehouse.stat().st_size
    with pytest.raises(ComebackError) as failure, no_file_beyond(size):
        build(home, command="run")
    assert str(failure.value).startswith("there is no room to write (File too large), ")
    assert query(home, "select load_id from last_build") == [(1,)]
    for each in (home, twin):
        build(each, command="run")
    assert contents(home) == contents(twin)


@pytest.mark.heavy
def test_once_the_clock_is_right_again_rows_dated_ahead_are_judged_by_it(homes):
    """What landed 100 days ahead, and after it, is what would have landed by the right clock."""
    wrong, twin = homes
    now = datetime(2026, 4, 20, 12)
    ahead = ("e10,B,,2026-06-01T00:00:00Z,view_item,hat,,,",)
    later = ("e11,A,,2026-05-15T00:00:00Z,view_item,hat,,,", *HOURS[1])
    for home, at in ((wrong, now + timedelta(days=100)), (twin, now)):
        deliver(home, 0, (*HOURS[0], *ahead), at=at)
        build(home, command="run")
        with database.connect(home, Settings()) as connection:
            database.ensure_score_tables(connection)
            dated = correct_times(connection, now, timedelta(minutes=5))
        assert dated == (home is wrong)
        deliver(home, 1, later, at=now)
        build(home, command="run")
    assert query(wrong, "select max(event_at) from events") == [(datetime(2026, 3, 2, 10, 30),)]
    assert query(wrong, "select line, reason from set_aside_rows order by load_id") == [
        (6, "implausible_time"),
        (2, "implausible_time"),
    ]
    assert contents(wrong) == contents(twin)


def deliver(
    home: Home,
    number: int,
    rows: Sequence[str],
    source_name: str = "canonical",
    at: datetime = datetime(2026, 5, 1),
) -> None:
    """Land rows as a file of their own."""
    path = home.root / "dumps" / source_name / f"{number}.csv"
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("\n".join((HEADERS[source_name], *rows)) + "\n")
    source = known_sources(home)[source_name]
    with database.connect(home, Settings()) as connection:
        ensure_raw_tables(connection, known_sources(home))
        files = find_files(str(path.parent), source)
        land(connection, files, source, landed_at=at.replace(tzinfo=UTC))


def build(
    home: Home, settings: Settings | None = None, as_of: datetime = AS_OF, **options
) -> BuildResult:
    """One build that must succeed, with dbt's tests unless `command` leaves them out."""
    result = dbt_build.build(home, settings or Settings(), as_of=as_of, **options)
    result.require_success()
    return result


def contents(home: Home) -> dict[str, list[tuple]]:
    """All rows of all relations that dbt made, but those that are of a build."""
    names = "select table_name from information_schema.tables where table_schema = 'main'"
    with database.connect(home, Settings()) as connection:
        return {
            name: connection.execute(f"select * from main.{name} order by all").fetchall()
            for (name,) in connection.execute(names).fetchall()
            if name not in BUILD_TABLES
        }


def query(home: Home, select: str) -> list[tuple]:
    """The rows of a select."""
    with database.connect(home, Settings()) as connection:
        return connection.execute(select).fetchall()
