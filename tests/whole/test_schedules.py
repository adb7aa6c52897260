"""Commands over files as they happen to come, against one run over everything.

Belongs here: random schedules of `land` and `run` through the command line, and `replay` against
hours run one by one. Does not belong here: many schedules; those go through the compiled SQL alone
(tests/rules).

Commands run in this process, which spares each the start of Dagster and dbt; those of one heavy
schedule are processes of their own, as a person's are.
"""

import csv
import gzip
import json
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from orchestration.cli import main
from orchestration.dagster.automation import TRAIN_HOUR
from tests.rules.cases import Row
from tests.rules.reference_fields import parse_time
from tests.rules.reference_rows import CANONICAL_COLUMNS
from tests.rules.schedules import newest_hour
from tests.rules.strategies import PRICES, SHARED, random_log

from .conftest import run_program

pytestmark = [pytest.mark.slow, pytest.mark.heavy]

SOURCE = "canonical"
# `runs`, `landed_files` and `set_aside_rows` describe runs and files, which differ.
PUBLISHED = (
    *("sessions", "carts", "cart_lines", "orders", "order_lines", "order_items", "items"),
    *("also_bought", "daily_funnel", "people"),
    *("cart_scores", "score_outcomes", "retargeting_priorities", "models"),
)
WAREHOUSE = {
    # where an event was read is of its arrival
    "events": "* exclude (row_key, load_id, line)",
    "session_totals": "* exclude (first_row_key, page_row_key, campaign_row_key, device_row_key,"
    " country_row_key)",
    **dict.fromkeys(
        (
            *("order_events", "visitor_orders", "sessions", "daily_funnel"),
            *("orders", "order_lines", "order_items", "items", "item_days", "also_bought"),
            *("carts", "cart_lines", "cart_operations", "cart_touches", "item_facts"),
            *("scoring_snapshots", "scoring_returns", "training_snapshots", "training_returns"),
        ),
        "*",
    ),
}

# Few unreadable prices: a small file that had mostly such would stop the hour.
LOG = random_log(504, size=160, **SHARED | {"price": (*PRICES, *PRICES[:-1] * 4)})
HOUR = newest_hour(LOG).replace(tzinfo=None)
# Something happens in each of the replayed hours, of which one is that of the daily training.
HOURS = [datetime(2026, 3, 3, hour, tzinfo=UTC) for hour in (2, 3, 4)]
BEFORE_TRAINING = [datetime(2026, 3, 3, hour, tzinfo=UTC) for hour in (1, 2)]
DENSE_GAPS = (*(timedelta(minutes=minutes) for minutes in (0, 1, 1, 7, 15)), timedelta(hours=1))
DENSE_LOG = random_log(501, size=400, **SHARED | {"gap": DENSE_GAPS})

# A part of a log may end days before its hour.
SETTINGS = "stop_after_hours = 100000\n"

Command = Callable[..., None]


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    """A command that must succeed, in this process: home, then its arguments."""
    with pytest.MonkeyPatch.context() as patch:

        def run(home: Path, *arguments: object) -> None:
            patch.setenv("COMEBACK_HOME", str(home))
            assert main([str(each) for each in arguments]) == 0

        yield run


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory, command: Command) -> Path:
    """A home after one run over all rows of the log in one file."""
    home = tmp_path_factory.mktemp("at_once")
    (home / "comeback.toml").write_text(SETTINGS)
    write(home / "landing" / SOURCE / "everything.csv", LOG)
    command(home, "run", "--as-of", HOUR.isoformat())
    return home


@pytest.mark.parametrize(("seed", "run_count"), [(1, 2), (2, 3), (3, 4)])
def test_a_schedule_of_files_and_commands_ends_as_one_run_over_everything(
    at_once: Path, tmp_path: Path, command: Command, seed: int, run_count: int
) -> None:
    home = tmp_path / "home"
    # which model is learned depends on when, so the schedule is given the one
    shutil.copytree(at_once / "models", home / "models")
    shutil.copy(at_once / "comeback.toml", home / "comeback.toml")
    play(run_program if seed == 2 else command, home, seed, run_count)

    assert published(home) == published(at_once)
    assert built(home) == built(at_once)
    assert exports(home) == exports(at_once)


def test_the_log_of_the_schedules_has_much_that_may_go_wrong(at_once: Path) -> None:
    tables = published(at_once)
    statuses = {row["status"] for row in tables["carts"]}
    assert statuses == {"converted", "emptied", "expired", "open"}
    assert any(row["converted_elsewhere"] for row in tables["carts"])
    assert len({row["visitor_id"] for row in tables["cart_scores"]}) > 1
    assert sorted(Path(name).name for name in exports(at_once)) == sorted(
        ["latest.json", "manifest.json", "retargeting_priorities.csv"]
        + [
            f"{preset}.{kind}.csv"
            for preset in ("email", "google", "meta", "suppressions")
            for kind in ("add", "full", "remove")
        ]
    )
    # five orders are too few for what is bought together: tests/outputs/test_published_changes.py
    assert {name for name, rows in built(at_once).items() if not rows} == {"also_bought"}


def play(command: Callable, home: Path, seed: int, run_count: int) -> None:
    """Deliver the log cut, shuffled, repeated and delayed, with a command after each delivery."""
    generator = random.Random(seed)
    deliveries: list[list[Row]] = [[] for _ in range(run_count)]
    for place, row in enumerate(LOG):
        in_time = place * run_count // len(LOG)
        is_late = generator.random() < 0.2
        deliveries[generator.randrange(in_time, run_count) if is_late else in_time].append(row)
        if generator.random() < 0.1:
            deliveries[generator.randrange(run_count)].append(row)
    hour = HOUR.isoformat()
    for number, rows in enumerate(deliveries, start=1):
        generator.shuffle(rows)
        half = generator.randrange(len(rows))
        endings = generator.sample(("csv", "jsonl.gz", "parquet"), 2)
        is_last = number == run_count
        match "run" if is_last else generator.choice(("run", "land", "events")):
            case "run":
                folder = home / "landing" / SOURCE
                write_both(folder, number, rows, half, endings)
                command(home, "run", "--as-of", hour)
            case "land":
                files = write_both(home / "dumps", number, rows, half, endings)
                command(home, "land", *files, "--source", SOURCE)
            case "events":
                folder = home / f"dumps_{number}"
                write_both(folder, number, rows, half, endings)
                command(home, "run", "--as-of", hour, "--events", folder, "--source", SOURCE)


# without a training, and with one in the middle; the order of its steps is in tests/test_replay.py
@pytest.mark.parametrize("hours", [BEFORE_TRAINING, HOURS])
def test_a_replay_gives_what_running_hour_by_hour_would_have_given(
    tmp_path: Path, command: Command, hours: Sequence[datetime]
) -> None:
    hourly, replayed = tmp_path / "hourly", tmp_path / "replayed"
    # every row comes in time: nobody can replay that a row was not there yet
    known_at = [parse_time(row["event_at"], "UTC") or hours[0] for row in DENSE_LOG]
    for before, hour in zip((datetime.min.replace(tzinfo=UTC), *hours), hours, strict=False):
        rows = [row for row, at in zip(DENSE_LOG, known_at, strict=True) if before < at <= hour]
        for home in (hourly, replayed):
            write(home / "landing" / SOURCE / f"{hour:%H}.csv", rows)
        command(hourly, "run", "--as-of", hour.isoformat())
        if hour.hour == TRAIN_HOUR:
            command(hourly, "train")

    command(replayed, "replay", "--from", hours[0].isoformat(), "--to", hours[-1].isoformat())
    assert published(replayed) == published(hourly)
    assert built(replayed) == built(hourly)
    assert exports(replayed) == exports(hourly)
    scored_at = [row["scored_at"] for row in published(hourly)["cart_scores"]]
    assert {at.replace(tzinfo=UTC) for at in scored_at} == set(hours)
    trained = {row["trained_as_of"].hour for row in published(hourly)["models"]}
    assert trained == {hours[0].hour, *({TRAIN_HOUR} & {hour.hour for hour in hours})}


def test_an_hour_done_again_changes_nothing_and_an_older_one_not_which_is_the_newest(
    tmp_path: Path, command: Command
) -> None:
    home = tmp_path / "home"
    write(home / "landing" / SOURCE / "all.csv", DENSE_LOG)
    for hour in HOURS[:2]:
        command(home, "run", "--as-of", hour.isoformat())
    once = published(home), exports(home)
    command(home, "replay", "--from", HOURS[1].isoformat(), "--to", HOURS[1].isoformat())
    assert (published(home), exports(home)) == once
    command(home, "run", "--as-of", HOURS[0].isoformat())
    newest = "retargeting_priorities"
    assert published(home)[newest] == once[0][newest]
    assert exports(home)["latest.json"] == once[1]["latest.json"]


def write_both(
    folder: Path, number: int, rows: Sequence[Row], half: int, endings: Sequence[str]
) -> list[Path]:
    """A delivery as two files of different formats."""
    parts = zip((rows[:half], rows[half:]), endings, strict=True)
    return [write(folder / f"{number}_{ending}.{ending}", part) for part, ending in parts]


def write(path: Path, rows: Sequence[Row]) -> Path:
    """Write rows in the format that the file's name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    full = [{column: row.get(column) for column in CANONICAL_COLUMNS} for row in rows]
    match path.suffixes[-1]:
        case ".csv":
            with path.open("w", newline="") as file:
                writer = csv.DictWriter(file, CANONICAL_COLUMNS)
                writer.writeheader()
                writer.writerows(full)
        case ".gz":
            lines = [json.dumps({k: v for k, v in row.items() if v is not None}) for row in full]
            path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))
        case ".parquet":
            schema = dict.fromkeys(CANONICAL_COLUMNS, pl.String)
            pl.DataFrame(full, schema=schema).write_parquet(path)
    return path


def published(home: Path) -> dict[str, list[dict]]:
    """The rows of the tables that analysts see."""
    queries = dict.fromkeys(PUBLISHED, "*")
    return read(home / "published" / "analytics.duckdb", queries)


def built(home: Path) -> dict[str, list[dict]]:
    """The rows of the tables that are made of the log."""
    return read(home / "warehouse.duckdb", WAREHOUSE)


def read(database: Path, columns: dict[str, str]) -> dict[str, list[dict]]:
    """Rows of tables, in an order of their own."""
    with duckdb.connect(str(database)) as connection:
        return {
            name: connection.sql(f"select {chosen} from {name} order by all").pl().to_dicts()
            for name, chosen in columns.items()
        }


def exports(home: Path) -> dict[str, bytes]:
    """All files under exports, by path."""
    folder = home / "exports"
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
