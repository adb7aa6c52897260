"""Whole hours that meet a fault: one clear line, nothing lost, and the next hour ends as the twin.

Belongs here: faults of disks, folders and files under a real hour. Not here: kills (`test_kills`),
faults of dumps (`tests/landing`), or what each part does in a fault, which `make test` sees beside
the part's tests.
"""

import ctypes
import os
import re
import shutil
from functools import partial
from pathlib import Path
from unittest.mock import patch

import duckdb
import pytest

from orchestration.outputs import published_database
from tests.full_disk import limit_files
from tests.whole.conftest import run_comeback
from tests.whole.twins import (
    FIRST_HOUR,
    SECOND_HOUR,
    Shop,
    begin_hour,
    differences,
    exit_code_of,
    run_to_the_end,
    words_of,
)

pytestmark = [pytest.mark.slow, pytest.mark.heavy]

# A name that a path in SQL, a URL or a shell would take for something else.
ODD_NAME = 'Zoë\'s "shop" 100% {a} 🛒'


@pytest.fixture
def home(shop: Shop, tmp_path: Path) -> Path:
    """A copy of the shop with one scored hour, in a folder with an odd name."""
    return Path(shutil.copytree(shop.before, tmp_path / ODD_NAME))


def obey_modes() -> None:
    """Have the modes of files and folders bind this process, even if it runs as root."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this process
    no_capability = (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(header, no_capability):
        raise OSError(ctypes.get_errno(), "capset")


def die_before_the_rename() -> None:
    """Have this process die when the next published file is finished and not yet to be seen."""
    patch.object(published_database, "move_into_place", lambda *_: os._exit(9)).start()


def fails(home: Path, *options: str, hinder=None) -> str:
    """The line that a failing second hour ends with."""
    assert exit_code_of(begin_hour(home, SECOND_HOUR, *options, hinder=hinder)) == 1
    return words_of(home).splitlines()[-1]


def lasting_differences(home: Path, shop: Shop) -> list[str]:
    """Differences to the twin, but for what late rows changed of what was known or published
    before: that cannot be known any more once this is gone."""
    reported_once = ("late_data_report has", "withdrawn_priorities has")
    return [
        each
        for each in differences(home, shop.twin)
        if not any(mark in each for mark in reported_once)
    ]


# reached at the start, and in the middle
@pytest.mark.parametrize("limit", [50_000, 2_000_000])
def test_a_full_disk_is_reported_and_with_room_again_the_hour_ends_as_the_twin(
    shop: Shop, home: Path, limit: int
):
    line = fails(home, hinder=partial(limit_files, limit))
    assert re.fullmatch(
        r"comeback: there is no room to write \(.*\), /.*, free some of the disk, then run"
        r" again: what was done so far is whole",
        line,
    ), line
    run_to_the_end(home, SECOND_HOUR)
    assert differences(home, shop.twin) == []


@pytest.mark.parametrize("folder", ["exports", "published", "."])
def test_a_folder_that_may_not_be_written_is_reported_and_the_hour_can_be_run_again(
    shop: Shop, home: Path, folder: str
):
    (home / folder).chmod(0o500)
    line = fails(home, hinder=obey_modes)
    (home / folder).chmod(0o755)
    assert line.startswith("comeback: it may not be written to (Permission denied), "), line
    assert str(home / folder) in line
    assert line.endswith(
        ", let this user write there, then run again: what was done so far is whole"
    )
    run_to_the_end(home, SECOND_HOUR)
    assert differences(home, shop.twin) == []


def test_folders_that_vanished_before_and_during_an_hour_are_made_again(shop: Shop, home: Path):
    for folder in ("exports", "published"):
        shutil.rmtree(home / folder)
    process = begin_hour(home, SECOND_HOUR)
    process.join(shop.seconds / 2)
    for folder in ("exports", "published"):
        shutil.rmtree(home / folder, ignore_errors=True)
    assert exit_code_of(process) in (0, 1)
    run_to_the_end(home, SECOND_HOUR)
    files = (shop.twin / "exports" / f"{FIRST_HOUR:%Y-%m-%dT%HZ}").iterdir()
    gone = sorted(str(path.relative_to(shop.twin)) for path in files)
    assert len(gone) > 10
    assert lasting_differences(home, shop) == [f"missing: {gone}"]


def test_a_damaged_warehouse_is_reported_by_every_command_and_rebuilt_as_the_twin(
    shop: Shop, home: Path
):
    path = home / "warehouse.duckdb"
    with path.open("r+b") as file:
        for place in range(17_000, path.stat().st_size, 1 << 18):
            file.seek(place)
            file.write(b"\xaa" * 64)
    reason = (
        f"the warehouse is damaged, {path}, rebuild it from the kept dumps: comeback run --rebuild"
    )
    assert fails(home) == f"comeback: {reason}"
    assert f"Wrong      {reason}" in run_comeback(home, "status").stdout
    run_to_the_end(home, SECOND_HOUR, "--rebuild")
    (aside,) = home.glob("warehouse.duckdb.damaged-*")
    aside.unlink()
    assert lasting_differences(home, shop) == []


def test_damaged_outputs_are_reported_and_replaced_by_the_next_hour(shop: Shop, home: Path):
    published = home / "published" / "analytics.duckdb"
    published.write_bytes(b"no database at all")
    (home / "exports" / "latest.json").write_text('{"hour": ')
    line = run_comeback(home, "status", expect=1).stderr.splitlines()[-1]
    assert line.startswith("comeback: the published file cannot be read")
    assert line.endswith(f"{published}, delete it, then run again: comeback run")
    run_to_the_end(home, SECOND_HOUR)
    assert lasting_differences(home, shop) == []


def test_of_two_runs_at_once_one_waits_and_both_end(shop: Shop, home: Path):
    both = [begin_hour(home, SECOND_HOUR) for _ in range(2)]
    assert [exit_code_of(each) for each in both] == [0, 0]
    assert differences(home, shop.twin) == []


def test_when_the_clock_went_back_an_hour_done_again_takes_no_newer_ones_place(
    shop: Shop, tmp_path: Path
):
    home = Path(shutil.copytree(shop.twin, tmp_path / "home"))
    run_to_the_end(home, FIRST_HOUR)
    for name in ("latest.json", f"{SECOND_HOUR:%Y-%m-%dT%HZ}/retargeting_priorities.csv"):
        assert (home / "exports" / name).read_bytes() == (shop.twin / "exports" / name).read_bytes()
    different = " ".join(differences(home, shop.twin))
    assert "retargeting_priorities has" not in different
    assert "main.sessions" not in different
    assert exit_code_of(begin_hour(home, SECOND_HOUR.replace(year=2099))) == 1
    assert (
        words_of(home)
        .splitlines()[-1]
        .startswith(
            "comeback: the hour 2099-10-09-00:00 UTC has not come yet, this machine's clock says"
        )
    )


def test_an_hour_that_died_before_it_was_published_is_reported_as_failed_by_the_next(
    shop: Shop, home: Path
):
    published = (home / "published" / "analytics.duckdb").read_bytes()
    assert exit_code_of(begin_hour(home, SECOND_HOUR, hinder=die_before_the_rename)) == 9
    assert (home / "published" / "analytics.duckdb").read_bytes() == published
    run_to_the_end(home, SECOND_HOUR)
    assert differences(home, shop.twin) == []
    for name in ("warehouse.duckdb", "published/analytics.duckdb"):
        schema = "scores" if name.startswith("warehouse") else "main"
        with duckdb.connect(str(home / name), read_only=True) as connection:
            assert connection.execute(
                f"select status from {schema}.runs where job = 'hourly' and as_of = ?"
                " order by started_at",
                [SECOND_HOUR],
            ).fetchall() == [("failed",), ("done",)]
