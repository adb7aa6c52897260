"""The bytes of the CSV files, and when they appear."""

import hashlib
import json
import shutil
import threading
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from unittest.mock import patch

import polars as pl
import pytest

from orchestration.ground.hours import END_OF_TIME
from orchestration.outputs.export_files import COLUMNS, Export, read_latest, to_csv, write_export
from tests.full_disk import no_file_beyond

TEN = datetime(2026, 10, 31, 10)
HEADER = ",".join(COLUMNS) + "\n"
SCHEMA = {
    "priority_rank": pl.Int64,
    "cart_id": pl.String,
    "visitor_id": pl.String,
    "owner_id": pl.String,
    "segment": pl.String,
    "best_action": pl.String,
    "contact_not_before": pl.Datetime("us"),
    "expected_return_at": pl.Datetime("us"),
    "return_window": pl.String,
    "cart_value": pl.Decimal(38, 4),
    "expected_gain": pl.Decimal(18, 4),
    "p_abandon": pl.Float64,
    "p_return_24h": pl.Float64,
    "reasons": pl.String,
    "scored_at": pl.Datetime("us"),
    "currency": pl.String,
    "cart_value_base": pl.Decimal(38, 4),
    "contact_valid_until": pl.Datetime("us"),
}


def row(**changes) -> dict:
    return {
        "priority_rank": 1,
        "cart_id": "c1",
        "visitor_id": "v1",
        "owner_id": None,
        "segment": "on_the_fence",
        "best_action": "reminder",
        "contact_not_before": datetime(2026, 11, 1, 9, 30),
        "expected_return_at": None,
        "return_window": "24h",
        "cart_value": Decimal("49.9000"),
        "expected_gain": Decimal("0.0001"),
        "p_abandon": 0.75,
        "p_return_24h": 0.000001,
        "reasons": "few visits; left at checkout",
        "scored_at": TEN,
        "currency": "EUR",
        "cart_value_base": Decimal("49.9000"),
        "contact_valid_until": datetime(2026, 11, 7, 9, 30),
        **changes,
    }


def frame(*rows: dict) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=SCHEMA, orient="row")


def write(
    folder: Path,
    hour: datetime,
    rows: pl.DataFrame,
    keep_hours: int = 72,
    not_after: datetime = END_OF_TIME,
) -> Export:
    folder.mkdir(exist_ok=True)
    models = {"abandonment": "a" * 12, "return": "b" * 12}
    return write_export(
        folder,
        hour,
        rows,
        models=models,
        settings_digest="d" * 12,
        keep_hours=keep_hours,
        not_after=not_after,
    )


def read_newest(folder: Path) -> tuple[bytes, dict, int]:
    """The newest file and its manifest as a tool reads them, by name; how often it had to begin
    again because the file was written again in between."""
    again = 0
    while True:
        latest = json.loads((folder / "latest.json").read_bytes())
        path = folder / latest["path"]
        manifest = json.loads(path.with_name("manifest.json").read_bytes())
        content = path.read_bytes()
        named = {manifest["sha256"], latest["sha256"] or manifest["sha256"]}
        if named == {hashlib.sha256(content).hexdigest()}:
            return content, manifest, again
        again += 1


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_times_end_in_z_numbers_are_plain_and_nothing_is_an_empty_cell():
    content, count = to_csv(frame(row()))
    assert count == 1
    assert content.decode() == HEADER + (
        "1,c1,v1,,on_the_fence,reminder,2026-11-01T09:30:00Z,,24h,49.9000,0.0001,0.750000,"
        "0.000001,few visits; left at checkout,2026-10-31T10:00:00Z,EUR,49.9000,"
        "2026-11-07T09:30:00Z\n"
    )


def test_an_hour_without_carts_is_a_header_alone():
    assert to_csv(frame()) == (HEADER.encode(), 0)


def test_quotes_commas_and_letters_of_any_script_survive():
    content, _ = to_csv(frame(row(visitor_id='a"b,c', owner_id="Zoë")))
    assert '"a""b,c",Zoë' in content.decode()


@pytest.mark.parametrize(
    "visitor_id",
    [
        "=1+1",
        "@SUM(A1)",
        "+cmd|' /C calc'!A0",
        "-2+3",
        "a\nb",
        "\tx",
        "-",
        "a\x85b",
        "\uff1d1+1",
        "a;=1+1",
        'a,"=1"',
    ],
)
def test_a_row_whose_id_could_be_a_formula_is_withheld_never_altered(visitor_id):
    content, count = to_csv(frame(row(visitor_id=visitor_id), row(visitor_id="v2")))
    assert count == 1
    assert content.decode().count("\n") == 2
    assert ",v2," in content.decode()


@pytest.mark.parametrize("visitor_id", ["-Xk_9-a", "+491701234567", "1234567890.12", "a=b", "_ga"])
def test_ids_that_can_call_nothing_are_exported_as_they_are(visitor_id):
    content, count = to_csv(frame(row(visitor_id=visitor_id)))
    assert count == 1
    assert f",{visitor_id}," in content.decode()


def test_other_text_that_could_be_a_formula_is_left_blank():
    content, count = to_csv(frame(row(reasons="=HYPERLINK(1)")))
    assert count == 1
    assert ",0.000001,,2026-10-31T10:00:00Z,EUR,49.9000,2026-11-07" in content.decode()


def test_the_manifest_fits_the_file_and_the_pointer_fits_both(tmp_path):
    export = write(tmp_path, TEN, frame(row(), row(visitor_id="=1")))
    content = (tmp_path / "2026-10-31T10Z" / "retargeting_priorities.csv").read_bytes()
    assert json.loads((tmp_path / "2026-10-31T10Z" / "manifest.json").read_text()) == {
        "hour": "2026-10-31T10:00:00Z",
        "path": "2026-10-31T10Z/retargeting_priorities.csv",
        "rows": 1,
        "withheld": 1,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "columns": list(COLUMNS),
        "models": {"abandonment": "a" * 12, "return": "b" * 12},
        "settings": "d" * 12,
        "is_stale": False,
        "reporting_currency": None,
        "files": [
            {
                "path": export.path,
                "rows": 1,
                "bytes": len(content),
                "sha256": export.sha256,
                "columns": list(COLUMNS),
            }
        ],
        "exports": {},
    }
    assert read_latest(tmp_path) == {
        "hour": export.hour,
        "path": export.path,
        "sha256": export.sha256,
        "files": [{"path": export.path, "sha256": export.sha256}],
    }


def test_the_same_hour_again_leaves_the_same_bytes_and_touches_nothing(tmp_path):
    write(tmp_path, TEN, frame(row()))
    before = tree(tmp_path)
    folder = (tmp_path / "2026-10-31T10Z").stat().st_ino
    write(tmp_path, TEN, frame(row()))
    assert tree(tmp_path) == before
    assert (tmp_path / "2026-10-31T10Z").stat().st_ino == folder


def test_the_same_hour_with_other_rows_is_replaced_whole_and_the_pointer_follows(tmp_path):
    write(tmp_path, TEN, frame(row()))
    export = write(tmp_path, TEN, frame(row(visitor_id="v2")))
    assert read_latest(tmp_path)["sha256"] == export.sha256
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-10-31T10Z", "latest.json"]


def test_an_older_hour_done_again_does_not_move_the_pointer_back(tmp_path):
    newest = write(tmp_path, TEN + timedelta(hours=1), frame(row()))
    write(tmp_path, TEN, frame(row(visitor_id="v2")))
    assert read_latest(tmp_path)["hour"] == newest.hour
    assert (tmp_path / "2026-10-31T10Z").is_dir()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_so_many_hours_are_kept_as_were_written_however_far_apart(tmp_path):
    for n in (0, 1, 100, 5000):
        write(tmp_path, TEN + timedelta(hours=n), frame(row()), keep_hours=2)
    assert names(tmp_path) == ["2026-11-04T14Z", "2027-05-27T18Z", "latest.json"]


def test_the_hour_just_written_is_never_the_one_removed(tmp_path):
    for n in (0, 1, -2000):
        write(tmp_path, TEN + timedelta(hours=n), frame(row()), keep_hours=2)
    assert names(tmp_path) == [
        "2026-08-09T02Z",
        "2026-10-31T10Z",
        "2026-10-31T11Z",
        "latest.json",
    ]
    write(tmp_path, TEN + timedelta(hours=2), frame(row()), keep_hours=2)
    assert names(tmp_path) == ["2026-10-31T11Z", "2026-10-31T12Z", "latest.json"]


def test_an_hour_scored_while_the_clock_was_ahead_is_never_the_newest(tmp_path):
    ahead = TEN + timedelta(days=100)
    write(tmp_path, ahead, frame(row()), not_after=ahead)
    assert read_latest(tmp_path)["hour"] == "2027-02-08T10:00:00Z"
    for n in range(3):
        hour = TEN + timedelta(hours=n)
        export = write(tmp_path, hour, frame(row()), keep_hours=2, not_after=hour)
        assert read_latest(tmp_path)["path"] == export.path
    kept = ["2026-10-31T11Z", "2026-10-31T12Z"]
    assert names(tmp_path) == [*kept, "2027-02-08T10Z", "latest.json"]


def test_once_its_hour_has_come_it_counts_like_any_other(tmp_path):
    ahead = TEN + timedelta(hours=1)
    write(tmp_path, ahead, frame(row()), not_after=ahead)
    write(tmp_path, TEN, frame(row()), not_after=TEN)
    assert read_latest(tmp_path)["path"].startswith("2026-10-31T10Z/")
    write(tmp_path, TEN, frame(row()), not_after=ahead)
    assert read_latest(tmp_path)["path"].startswith("2026-10-31T11Z/")


def test_with_no_hour_but_those_ahead_nothing_is_pointed_to(tmp_path):
    write(tmp_path, TEN, frame(row()), not_after=TEN - timedelta(days=1))
    assert read_latest(tmp_path) is None
    assert names(tmp_path) == ["2026-10-31T10Z"]


def test_a_full_disk_leaves_the_old_export_and_with_room_again_the_new_one_comes(tmp_path):
    write(tmp_path, TEN, frame(row()))
    before = tree(tmp_path)
    for full_at in (10, 400):  # in the CSV file, and in the manifest after it
        with pytest.raises(OSError, match="File too large"), no_file_beyond(full_at):
            write(tmp_path, TEN + timedelta(hours=1), frame(row(visitor_id="v2")))
        assert before.items() <= tree(tmp_path).items()
        assert read_latest(tmp_path)["hour"] == "2026-10-31T10:00:00Z"
    write(tmp_path, TEN + timedelta(hours=1), frame(row(visitor_id="v2")))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "2026-10-31T10Z",
        "2026-10-31T11Z",
        "latest.json",
    ]


def test_a_folder_that_vanished_is_made_again_with_the_next_hour(tmp_path):
    write(tmp_path / "exports", TEN, frame(row()))
    shutil.rmtree(tmp_path / "exports" / "2026-10-31T10Z")
    export = write(tmp_path / "exports", TEN + timedelta(hours=1), frame(row()))
    assert read_latest(tmp_path / "exports")["path"] == export.path
    shutil.rmtree(tmp_path / "exports")
    export = write(tmp_path / "exports", TEN + timedelta(hours=2), frame(row()))
    assert (tmp_path / "exports" / export.path).stat().st_size == export.bytes


def test_what_a_killed_run_left_is_made_good_by_the_next(tmp_path):
    write(tmp_path, TEN, frame(row()))
    (tmp_path / ".2026-10-31T11Z.99.tmp").mkdir()
    (tmp_path / "latest.json").write_text('{"hour": "x", "path": "gone", "sha256": ""}')
    export = write(tmp_path, TEN, frame(row()))
    assert read_latest(tmp_path)["path"] == export.path
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-10-31T10Z", "latest.json"]


@pytest.mark.parametrize("times", [60, pytest.param(150, marks=pytest.mark.heavy)])
def test_a_reader_of_an_hour_written_again_and_again_sees_one_version_whole(tmp_path, times):
    versions = [
        frame(*[row(visitor_id=f"v{n}", priority_rank=rank) for rank in range(n + 1)])
        for n in range(times)
    ]
    contents = [to_csv(each)[0] for each in versions]
    write(tmp_path, TEN, versions[0])
    is_over = threading.Event()

    def rewrite() -> None:
        for version in versions[1:]:
            write(tmp_path, TEN, version)
        is_over.set()

    seen, began_again = [], 0
    writer = threading.Thread(target=rewrite)
    writer.start()
    while not is_over.is_set():
        before = (tmp_path / "latest.json").read_bytes()
        content, manifest, again = read_newest(tmp_path)
        began_again += again
        seen.append(contents.index(content))
        assert (manifest["rows"], manifest["bytes"]) == (seen[-1] + 1, len(content))
        # while the pointer stays as it is, so does what it says
        by_name = (tmp_path / "2026-10-31T10Z" / "retargeting_priorities.csv").read_bytes()
        if (tmp_path / "latest.json").read_bytes() == before:
            assert json.loads(before)["sha256"] in (None, hashlib.sha256(by_name).hexdigest())
    writer.join()
    assert seen == sorted(seen)
    assert len(set(seen)) > 10
    assert began_again < len(seen)
    assert read_newest(tmp_path)[0] == contents[-1]


@pytest.mark.parametrize("step", ["_exchange", "shutil.rmtree", "sync_folder", "_point_to_newest"])
def test_a_version_that_died_leaves_a_pointer_that_says_nothing_wrong(tmp_path, step):
    write(tmp_path, TEN, frame(row()))

    def die(*_: object, ignore_errors: bool = False) -> None:
        if not ignore_errors:  # else it is what goes before
            raise OSError("killed")

    with (
        patch(f"orchestration.outputs.export_files.{step}", side_effect=die),
        pytest.raises(OSError, match="killed"),
    ):
        write(tmp_path, TEN, frame(row(visitor_id="v2")))
    assert read_latest(tmp_path) == {
        "hour": "2026-10-31T10:00:00Z",
        "path": "2026-10-31T10Z/retargeting_priorities.csv",
        "sha256": None,
        "files": [{"path": "2026-10-31T10Z/retargeting_priorities.csv", "sha256": None}],
    }
    content, manifest, again = read_newest(tmp_path)
    assert again == 0
    assert (b",v2," in content) == (step != "_exchange")
    assert manifest["sha256"] == hashlib.sha256(content).hexdigest()
    export = write(tmp_path, TEN, frame(row(visitor_id="v2")))
    assert read_latest(tmp_path)["sha256"] == export.sha256
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-10-31T10Z", "latest.json"]


def test_an_older_hour_written_again_leaves_the_pointer_as_it_is(tmp_path):
    write(tmp_path, TEN, frame(row()))
    write(tmp_path, TEN + timedelta(hours=1), frame(row()))
    pointer = (tmp_path / "latest.json").stat().st_ino
    write(tmp_path, TEN, frame(row(visitor_id="v2")))
    assert (tmp_path / "latest.json").stat().st_ino == pointer
