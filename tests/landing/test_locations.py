"""Dumps that lie where nothing is read, and what is said of them.

Not here: what `status` makes of it (tests/whole), or reading files.
"""

from pathlib import Path

import pytest

from orchestration.ground.home import Home
from orchestration.ground.settings import load_settings
from orchestration.landing.locations import (
    Location,
    known_sources,
    remember_locations,
    unread_places,
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def put(home: Home, *names: str) -> None:
    for name in names:
        path = home.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def said(home: Home) -> list[str]:
    return unread_places(home, load_settings(home.root), known_sources(home))


def test_what_lies_in_no_sources_folder_is_said_by_its_folder(home: Home):
    put(home, "canonical/a.csv", "profiles/b.csv", "segmnt/c.json.gz", "segmnt/day/d.csv")
    put(home, "e.parquet", "README.md", ".hidden/f.csv", "canonical/_tmp/g.csv", "notes/h.pdf")
    first, second = said(home)
    assert first.startswith(
        "1 file lies where nothing is read (no source is of that name),"
        f" {home.landing}/e.parquet, put dumps into the folder of their source: "
    )
    assert second.startswith(
        f"2 files lie where nothing is read (no source is of that name), {home.landing}/segmnt, put"
    )


def test_a_source_that_is_read_from_elsewhere_is_not_read_here(home: Home, tmp_path: Path):
    put(home, "ga4/a.json", "mine/b.csv", "given/c.csv", "given/d.csv")
    (home.root / "comeback.toml").write_text(
        f"[sources]\nga4 = '{tmp_path}/ga4'\ncanonical = '{home.landing}/mine'\n"
    )
    remember_locations(home, [Location(f"{home.landing}/given/c.csv", "canonical")])
    ga4, given = said(home)
    assert ga4 == (
        f"1 file lies where nothing is read (the source ga4 is read from {tmp_path}/ga4),"
        f" {home.landing}/ga4, put what is new there, or take it out of comeback.toml"
    )
    assert given.startswith(
        f"1 file lies where nothing is read (no source is of that name), {home.landing}/given, put"
    )
