"""A damaged warehouse: what is said of it, and what a new one in its place knows."""

import os
import random
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.landing.locations import (
    Location,
    known_sources,
    land_locations,
    remember_locations,
    remembered_locations,
)
from orchestration.privacy import erasure
from orchestration.privacy.erasure_records import Subject
from orchestration.warehouse import audit_log, database, recovery

pytestmark = pytest.mark.usefixtures("with_and_without_key")

HEADER = "event_id,visitor_id,event_at,event_type\n"
MARCH = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOON = MARCH.replace(tzinfo=None)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose dumps, one of them from elsewhere, landed and were published in March."""
    made = Home(tmp_path / "home")
    made.prepare()
    deliver(made.landing / "canonical" / "b.csv", "1,anna,t,view_item\n2,bert,t,view_item\n")
    deliver(made.landing / "canonical" / "c.csv", "3,carl,t,view_item\n")
    elsewhere = deliver(tmp_path / "elsewhere" / "a.csv", "4,dora,t,view_item\n")
    delivery = Location(str(elsewhere), "canonical")
    remember_locations(made, [delivery])
    standing = Location(str(made.landing / "canonical"), "canonical")
    with database.connect(made, Settings()) as connection:
        database.ensure_score_tables(connection)
        land_locations(connection, made, known_sources(made), [standing, delivery], MARCH)
        connection.execute(
            "insert into scores.cart_scores by name select timestamp '2026-03-01' as scored_at,"
            " 'c1' as cart_id, 0.25 as p_abandon"
        )
        connection.execute("insert into scores.runs by name select 'r1' as run_id")
        for name in ("campaign_results", "segment_results"):
            connection.execute(
                f"insert into scores.{name} by name select date '2025-11-03' as week,"
                " 41 as contacted_persons"
            )
        connection.execute(f"attach '{made.published}' as published")
        connection.execute(
            "create table published.landed_files as"
            " select file, source, content_hash, landed_at, load_id from raw.files"
        )
        for name in ("cart_scores", "runs", "campaign_results", "segment_results"):
            connection.execute(f"create table published.{name} as from scores.{name}")
    return made


def deliver(path: Path, rows: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER + rows)
    return path


def query(home: Home, sql: str) -> list[tuple]:
    with database.connect(home, Settings()) as connection:
        return connection.execute(sql).fetchall()


def rebuild(home: Home) -> None:
    recovery.rebuild(home, Settings(), known_sources(home))


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 8)


def flip_the_header(path: Path) -> None:
    overwrite(path, [0])


def flip_every_block(path: Path) -> None:
    overwrite(path, range(12_288 + 5_000, path.stat().st_size, 1 << 18))


def fill_with_noise(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(100_000))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def overwrite(path: Path, places: Iterable[int]) -> None:
    with path.open("r+b") as file:
        for place in places:
            file.seek(place)
            file.write(b"\xaa" * 64)


@pytest.mark.parametrize(
    "damage", [cut_short, flip_the_header, flip_every_block, fill_with_noise, empty]
)
def test_a_damaged_warehouse_is_reported_in_one_line_with_the_way_to_rebuild_it(
    home: Home, damage: Callable[[Path], None]
):
    damage(home.warehouse)
    with pytest.raises(ComebackError) as failure:
        query(home, "select * from raw.canonical")
    assert str(failure.value) == (
        f"the warehouse is damaged, {home.warehouse},"
        " rebuild it from the kept dumps: comeback run --rebuild"
    )


def test_a_rebuilt_warehouse_knows_all_rows_and_under_which_name_and_when_they_landed(home: Home):
    raw = "select visitor_id from raw.canonical order by all"
    files = "select source, file, content_hash, byte_size, landed_at, rows_read from raw.files"
    before = query(home, raw), sorted(query(home, files))
    cut_short(home.warehouse)
    damaged = home.warehouse.read_bytes()
    rebuild(home)
    assert (query(home, raw), sorted(query(home, files))) == before
    assert before[0] == [("anna",), ("bert",), ("carl",), ("dora",)]
    assert {row[4] for row in before[1]} == {NOON}
    (aside,) = home.root.glob("warehouse.duckdb.damaged-*")
    assert aside.read_bytes() == damaged
    assert list(home.root.glob(".*")) == []


def test_scores_and_runs_of_the_past_come_back_from_the_published_file(home: Home):
    home.warehouse.unlink()
    rebuild(home)
    assert query(home, "select scored_at, cart_id, p_abandon from scores.cart_scores") == [
        (datetime(2026, 3, 1), "c1", 0.25)
    ]
    assert query(home, "select run_id from scores.runs") == [("r1",)]
    # of weeks whose contacts and scores are kept no longer, nothing else has the results
    for table in ("campaign_results", "segment_results"):
        assert query(home, f"select week, contacted_persons from scores.{table}") == [
            (date(2025, 11, 3), 41)
        ]


LISTED = [
    ("email", "user:anna", "a@shop.example", "{}", NOON, None),
    ("email", "user:bert", "b@shop.example", "{}", NOON, NOON.replace(hour=13)),
]
LISTS = [("email", "email/generic", NOON, 2, True)]


def deliver_exports(home: Home) -> list[tuple]:
    """Note lists of an export, and a deed; what the audit log says."""
    with database.connect(home, Settings()) as connection:
        connection.execute("create schema if not exists vault")
        connection.execute(
            "create table vault.export_lists"
            " (export varchar, form varchar, hour timestamp, persons bigint, is_full boolean)"
        )
        connection.execute(
            "create table vault.export_members (export varchar, person_id varchar,"
            " identifier varchar, row varchar, listed_at timestamp, left_at timestamp)"
        )
        connection.executemany("insert into vault.export_members values (?, ?, ?, ?, ?, ?)", LISTED)
        connection.executemany("insert into vault.export_lists values (?, ?, ?, ?, ?)", LISTS)
        audit_log.note(connection, "erase", NOON, people=1)
        return connection.execute("from scores.audit_log").fetchall()


def test_what_was_delivered_and_who_did_what_is_read_back_from_the_old_file(home: Home, caplog):
    deeds = deliver_exports(home)
    rebuild(home)
    assert query(home, "from vault.export_members order by person_id") == LISTED
    assert query(home, "from vault.export_lists") == LISTS
    assert query(home, "from scores.audit_log") == deeds
    assert "cannot be had" not in caplog.text


@pytest.mark.parametrize("damage", [flip_the_header, empty])
def test_deliveries_that_cannot_be_read_back_are_reported(home: Home, caplog, damage):
    deliver_exports(home)
    damage(home.warehouse)
    rebuild(home)
    assert "Hold the delivery of e-mail exports" in caplog.text
    assert f"Who did what with people's data cannot be had from {home.warehouse}" in caplog.text
    assert query(home, "select count(*) from scores.audit_log") == [(0,)]
    assert query(home, "select 1 from duckdb_tables() where table_name = 'export_lists'") == []


def test_lists_of_exports_are_read_back_together_or_not_at_all(home: Home, caplog):
    deeds = deliver_exports(home)
    with database.connect(home, Settings()) as connection:
        connection.execute("drop table vault.export_members")
    rebuild(home)
    assert query(home, "from scores.audit_log") == deeds
    assert query(home, "select 1 from duckdb_tables() where table_name = 'export_lists'") == []
    assert "Hold the delivery of e-mail exports" in caplog.text


def test_a_damaged_published_file_costs_the_scores_and_is_reported(home: Home, caplog):
    flip_the_header(home.published)
    empty(home.warehouse)
    rebuild(home)
    assert query(home, "select count(*) from raw.canonical") == [(4,)]
    assert f"Scores of past hours cannot be had from {home.published}" in caplog.text


def test_the_erased_stay_erased_in_a_rebuilt_warehouse(home: Home):
    with database.connect(home, Settings()) as connection:
        for name in ("anna", "dora"):
            subject = Subject.named("visitor", name)
            erasure.mark(connection, home, known_sources(home), subject, NOON)
        tombstones = connection.execute("from raw.tombstones order by all").fetchall()
    empty(home.warehouse)
    rebuild(home)
    assert query(home, "select visitor_id from raw.canonical order by 1") == [("bert",), ("carl",)]
    assert query(home, "from raw.tombstones order by all") == tombstones
    assert len(tombstones) == 2
    assert home.tombstones.stat().st_mode & 0o777 == 0o600


def test_without_the_copy_of_the_tombstones_nothing_is_rebuilt(home: Home):
    with database.connect(home, Settings()) as connection:
        erasure.mark(connection, home, known_sources(home), Subject.named("visitor", "anna"), NOON)
    empty(home.warehouse)
    home.tombstones.unlink()
    with pytest.raises(ComebackError, match=f"{home.tombstones}, restore the file from a backup"):
        rebuild(home)
    assert home.warehouse.read_bytes() == b""


def test_an_erasure_takes_the_damaged_file_that_was_put_aside_with_it(home: Home):
    aside = home.root / "warehouse.duckdb.damaged-2026-03-01T120000Z"
    aside.write_bytes(b"rows of all people")
    erasure.replace_warehouse(home, Settings())
    assert not aside.exists()


def test_dumps_that_are_gone_are_named_and_all_others_are_there(home: Home, tmp_path: Path):
    (tmp_path / "elsewhere" / "a.csv").unlink()
    empty(home.warehouse)
    with pytest.raises(ComebackError) as failure:
        rebuild(home)
    assert str(failure.value) == (
        f"dumps that had landed are not there any more (1), {tmp_path}/elsewhere/a.csv,"
        " land them again (comeback land), or go on without them (comeback run)"
    )
    assert query(home, "select count(*) from raw.canonical") == [(3,)]


def test_a_delivery_is_noted_once_by_where_it_lies_whatever_the_folder_one_is_in(
    tmp_path: Path, monkeypatch
):
    home = Home(tmp_path)
    monkeypatch.chdir(tmp_path)
    for address in ("dumps/a.csv", f"{tmp_path}/dumps/a.csv", "s3://shop/dumps"):
        remember_locations(home, [Location(address, "rees46")])
    assert remembered_locations(home) == [
        Location(f"{tmp_path}/dumps/a.csv", "rees46"),
        Location("s3://shop/dumps", "rees46"),
    ]
