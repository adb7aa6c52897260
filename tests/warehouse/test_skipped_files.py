"""Which files that no reader reads somebody still has to look at, and what `status` says of them.

Not here: why a file is not read (tests/landing/test_kinds.py).
"""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.ground.home import Home
from orchestration.ground.settings import Settings, load_settings
from orchestration.landing.locations import (
    Location,
    configured_locations,
    known_sources,
    land_locations,
    remember_locations,
)
from orchestration.status import _skipped
from orchestration.status_lines import skipped_lines
from orchestration.warehouse import database, skipped_files, suspect_files

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def land(home: Home, *given: str | Path) -> None:
    """Land what lies in the home, or what is given, as the jobs do; then publish the files."""
    locations = [Location(str(each), "canonical") for each in given]
    if locations:
        remember_locations(home, locations)
    else:
        locations = configured_locations(home, load_settings(home.root), known_sources(home))
    with duckdb.connect(str(home.warehouse)) as connection:
        land_locations(connection, home, known_sources(home), locations, NOW)
        database.ensure_score_tables(connection)
        home.published.unlink(missing_ok=True)
        connection.execute(f"attach '{home.published}' as published")
        connection.execute("create table published.main.landed_files as from raw.files")


def accept(home: Home, *names: str) -> None:
    with duckdb.connect(str(home.warehouse)) as connection:
        suspect_files.accept(connection, names, NOW.replace(tzinfo=None))


def said(home: Home) -> list[str]:
    """What `status` counts."""
    with duckdb.connect(str(home.published), read_only=True) as published:
        return [*skipped_lines(_skipped(home, load_settings(home.root), published))]


def in_the_table(home: Home) -> list[tuple]:
    with duckdb.connect(str(home.published), read_only=True) as published:
        return published.execute(
            "select file, skipped_reason from landed_files order by load_id"
        ).fetchall()


ZIP, PDF = b"PK\x03\x04", b"%PDF-1.7\n"


def test_a_file_that_was_removed_is_no_longer_counted_and_stays_in_the_table(home):
    folder = home.landing / "canonical"
    gone = put(folder, "day/a.zip", ZIP)
    put(folder, "b.zip", ZIP + b"b")
    put(folder, "c.pdf.csv", PDF)
    land(home)
    every = [("b.zip", "zip_archive"), ("c.pdf.csv", "pdf"), ("day/a.zip", "zip_archive")]
    assert said(home) == ["Skipped    3 files are not read: 2 zip_archive, 1 pdf"]
    gone.unlink()
    assert said(home) == ["Skipped    2 files are not read: 1 pdf, 1 zip_archive"]
    land(home)
    assert said(home) == ["Skipped    2 files are not read: 1 pdf, 1 zip_archive"]
    put(folder, "day/a.zip", ZIP)  # it is there again
    assert said(home) == ["Skipped    3 files are not read: 2 zip_archive, 1 pdf"]
    assert in_the_table(home) == every
    for path in (folder / "day/a.zip", folder / "b.zip", folder / "c.pdf.csv"):
        path.unlink()
    assert said(home) == []
    assert in_the_table(home) == every


def test_a_file_that_is_meant_so_is_no_longer_counted_until_it_is_another(home):
    folder = home.landing / "canonical"
    put(folder, "day/a.zip", ZIP)
    put(folder, "b.zip", ZIP + b"b")
    land(home)
    accept(home, "a.zip")
    assert said(home) == ["Skipped    1 file is not read: 1 zip_archive"]
    land(home)
    assert said(home) == ["Skipped    1 file is not read: 1 zip_archive"]
    put(folder, "day/a.zip", ZIP + b"another")
    land(home)
    assert said(home) == ["Skipped    2 files are not read: 2 zip_archive"]
    assert len(in_the_table(home)) == 2


@pytest.mark.parametrize("given", ["folder", "folder/a.zip", "./folder", "{here}/folder/a.zip"])
def test_a_file_from_elsewhere_is_looked_for_where_it_was(home, tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    path = put(tmp_path / "folder", "a.zip", ZIP)
    land(home, given.format(here=tmp_path))
    monkeypatch.chdir("/")
    assert said(home) == ["Skipped    1 file is not read: 1 zip_archive"]
    path.unlink()
    put(home.landing / "canonical", "another.zip", ZIP)
    assert said(home) == []


def test_a_folder_that_is_set_is_looked_into_and_a_store_is_not(home, tmp_path):
    put(tmp_path / "dumps", "a.zip", ZIP)
    (home.root / "comeback.toml").write_text(f"[sources]\ncanonical = '{tmp_path}/dumps'\n")
    land(home)
    assert said(home) == ["Skipped    1 file is not read: 1 zip_archive"]
    (tmp_path / "dumps").rename(tmp_path / "moved")
    assert said(home) == []
    (home.root / "comeback.toml").write_text("[sources]\ncanonical = 's3://nowhere/dumps'\n")
    assert said(home) == ["Skipped    1 file is not read: 1 zip_archive"]


def test_while_a_run_goes_on_what_is_meant_so_is_not_known(home):
    put(home.landing / "canonical", "a.zip", ZIP)
    land(home)
    accept(home, "a.zip")
    assert said(home) == []
    with home.lock():
        assert said(home) == ["Skipped    1 file is not read: 1 zip_archive"]


def test_a_warehouse_of_an_older_version_has_none(home):
    with duckdb.connect() as connection:
        connection.execute("create schema raw; create table raw.files (load_id bigint)")
        assert skipped_files.pending(connection) == []
        assert skipped_files.still_there([], home, Settings(), known_sources(home)) == []
