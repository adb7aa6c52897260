"""The files of the simulated shop: the same bytes for the same seed, in every format."""

import csv
import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from data.shop_events import COLUMNS
from data.shop_law import (
    ShopLaw,
)
from data.simulated_shop import main, write_shop

START = datetime(2026, 9, 27, tzinfo=UTC)


def write(folder: Path, **given: object) -> dict[str, bytes]:
    arguments = {"visitors": 150, "days": 3, "seed": 5, "start": START, **given}
    write_shop(folder / "out", folder / "truth", **arguments)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("file_format", ["csv", "csv.gz", "jsonl", "parquet"])
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, file_format: str) -> None:
    first = write(tmp_path / "a", file_format=file_format)
    assert first == write(tmp_path / "b", file_format=file_format)
    assert len(first) == 3 * 24 + 3


def test_another_seed_gives_another_shop(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a"), write(tmp_path / "b", seed=6)
    assert first.keys() == second.keys()
    assert first["out/2026-09-28/12.csv"] != second["out/2026-09-28/12.csv"]
    assert first["truth/carts_truth.parquet"] != second["truth/carts_truth.parquet"]


def test_every_format_and_slice_has_the_same_rows(tmp_path: Path) -> None:
    law = ShopLaw(broken_line_share=0.0)
    by_hour = write(tmp_path / "csv", law=law)
    by_day = write(tmp_path / "day", law=law, slice_name="day")
    zipped = write(tmp_path / "gz", law=law, file_format="csv.gz")
    lines = write(tmp_path / "jsonl", law=law, file_format="jsonl")
    columnar = write(tmp_path / "parquet", law=law, file_format="parquet", slice_name="day")
    assert [name for name in by_day if name.startswith("out")] == [
        f"out/2026-09-{day}.csv" for day in (27, 28, 29)
    ]
    header = (",".join(COLUMNS) + "\n").encode()
    for day in (27, 28, 29):
        hours = [f"out/2026-09-{day}/{hour:02d}" for hour in range(24)]
        text = b"".join(by_hour[f"{name}.csv"].removeprefix(header) for name in hours)
        assert by_day[f"out/2026-09-{day}.csv"] == header + text
        table = pl.read_parquet(columnar[f"out/2026-09-{day}.parquet"])
        assert table.columns == list(COLUMNS)
        assert table.write_csv().encode() == header + text
        for name in hours:
            assert gzip.decompress(zipped[f"{name}.csv.gz"]) == by_hour[f"{name}.csv"]
        records = [
            json.loads(line) for name in hours for line in lines[f"{name}.jsonl"].splitlines()
        ]
        assert records == [
            {name: value for name, value in row.items() if value is not None}
            for row in table.iter_rows(named=True)
        ]


def test_a_first_day_that_begins_at_noon_has_the_hours_that_are_left(tmp_path: Path) -> None:
    files = write(tmp_path, start=START + timedelta(hours=12), days=1)
    names = [name for name in files if name.startswith("out")]
    assert names[0] == "out/2026-09-27/12.csv"
    assert names[-1] == "out/2026-09-28/11.csv"
    assert len(names) == 24


def test_lines_are_cut_short_in_text_files_now_and_then(tmp_path: Path) -> None:
    files = write(tmp_path, law=ShopLaw(broken_line_share=0.02), slice_name="day")
    whole = cut = 0
    for name, content in files.items():
        if name.endswith(".csv"):
            fields = [len(row) for row in csv.reader(content.decode().splitlines()[1:])]
            whole += fields.count(len(COLUMNS))
            cut += fields.count(4)
            assert set(fields) <= {4, len(COLUMNS)}
    assert 0.01 < cut / whole < 0.03


def test_no_unfinished_file_stays_behind(tmp_path: Path) -> None:
    assert not [name for name in write(tmp_path) if name.endswith(".part")]


def test_the_command_says_what_it_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, truth = tmp_path / "out", tmp_path / "truth"
    command = f"--visitors 50 --days 1 --seed 3 --start 2026-10-05T00:00:00Z --out {out}"
    assert main([*command.split(), "--truth", str(truth), "--format", "jsonl"]) == 0
    assert "in 24 files" in capsys.readouterr().out
    assert (out / "2026-10-05" / "10.jsonl").is_file()
    assert {path.stem for path in truth.iterdir()} == {
        *("carts_truth", "people_truth", "sessions_truth")
    }


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (["--visitors", "0"], "at least 1"),
        (["--start", "2026-10-05T00:30:00Z"], "full hour"),
        (["--start", "2026-10-05T00:00:00"], "offset"),
        (["--truth", "shop/out/truth"], "must not lie among the dumps"),
    ],
)
def test_the_command_refuses_in_one_line(
    wrong: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--out", "shop/out", "--truth", "shop/truth", *wrong]) == 1
    message = capsys.readouterr().err
    assert reason in message
    assert message.count("\n") == 1
    assert not Path("shop").exists()
