"""Hour after hour in one process: what an hour costs and leaves behind does not grow.

Belongs here: size of Dagster's folder, processor time and memory over many hours. Not here: what an
hour makes of its rows.
"""

import multiprocessing
import resource
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median

import pytest

from orchestration.ground.home import Home
from orchestration.ground.hours import HOUR, utc_now

pytestmark = pytest.mark.slow

FIRST = datetime(2026, 11, 1)
MEGABYTE = 1 << 20
# A run's events, and its rows in the files that all runs share; measured 2026-11-28: 1.3.
LEFT_BY_A_RUN = 2 * MEGABYTE


@dataclass(frozen=True)
class Cost:
    """What there is after an hour, and what it took.

    Attributes:
        dagster: bytes in Dagster's folder.
        logs: bytes of write-ahead logs in it.
        seconds: processor seconds that the hour took.
        resident: bytes of memory that the process holds.
    """

    dagster: int
    logs: int
    seconds: float
    resident: int


def run_hours(root: Path, count: int, keep: int) -> list[Cost]:
    """Run hours with a file each, in this process, while the records of only so many are kept."""
    from orchestration.dagster import run_records
    from orchestration.dagster.in_process import Launcher

    home = Home(root)
    home.prepare()
    (root / "comeback.toml").write_text("dagster_keep_days = 1\n")
    begun: list[datetime] = []

    def clock() -> datetime:
        """A day after the oldest run began that is to be kept."""
        oldest = begun[-keep - 1] if len(begun) > keep else datetime(2000, 1, 1)
        return oldest + 24 * HOUR

    run_records.utc_now = clock
    costs = []
    with Launcher(home, "replay") as launcher:
        for number in range(count):
            begun.append(utc_now())
            deliver(home, number)
            before = processor_seconds()
            launcher.hourly(FIRST + (number + 1) * HOUR)
            costs.append(cost(home, processor_seconds() - before))
    return costs


def deliver(home: Home, number: int) -> None:
    """A file with what twenty visitors did within an hour."""
    folder = home.landing / "canonical"
    folder.mkdir(exist_ok=True)
    lines = ["event_id,visitor_id,event_at,event_type,item_id,quantity,price,currency,order_id"]
    for visitor in range(20):
        who, at = f"v{number}-{visitor}", FIRST + number * HOUR
        lines.append(f"{who}-1,{who},{at:%Y-%m-%dT%H}:10:00Z,add_to_cart,s,1,10.00,EUR,")
        if visitor % 3 == 0:
            lines.append(f"{who}-2,{who},{at:%Y-%m-%dT%H}:20:00Z,purchase,,,10.00,EUR,o-{who}")
    (folder / f"{number:03}.csv").write_text("\n".join(lines) + "\n")


def processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def cost(home: Home, seconds: float) -> Cost:
    files = [path for path in home.dagster.rglob("*") if path.is_file()]
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Cost(
        dagster=sum(path.stat().st_size for path in files),
        logs=sum(path.stat().st_size for path in files if path.name.endswith("-wal")),
        seconds=seconds,
        resident=pages * resource.getpagesize(),
    )


def in_a_process_of_its_own(root: Path, count: int, keep: int) -> list[Cost]:
    """The costs; the memory of a test process says nothing."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(run_hours, (root, count, keep))


def report(costs: Sequence[Cost]) -> None:
    for number, each in enumerate(costs, start=1):
        print(
            f"hour {number}: {each.seconds:.1f} s, {each.resident / MEGABYTE:.0f} MB,"
            f" Dagster's folder {each.dagster / MEGABYTE:.1f} MB"
        )


def test_what_runs_leave_behind_stops_growing_once_old_ones_go(tmp_path: Path):
    costs = in_a_process_of_its_own(tmp_path, count=6, keep=2)
    report(costs)
    assert [each.logs for each in costs] == [0] * 6
    sizes = [each.dagster for each in costs]
    assert sizes[1] - sizes[0] < LEFT_BY_A_RUN
    # the runs that are kept, and one that goes when the next begins
    assert max(sizes[3:]) <= 1.05 * min(sizes[3:])


@pytest.mark.heavy
@pytest.mark.timeout(7200)
def test_two_hundred_hours_take_and_leave_as_much_at_the_end_as_at_the_beginning(tmp_path: Path):
    costs = in_a_process_of_its_own(tmp_path, count=200, keep=24)
    report(costs[::10])
    assert {each.logs for each in costs} == {0}
    sizes = [each.dagster for each in costs[30:]]
    assert max(sizes) <= 1.1 * min(sizes)
    early, late = costs[30:80], costs[-50:]
    assert median(each.resident for each in late) <= 1.1 * median(each.resident for each in early)
    # the log and the open carts grow; what an hour costs by itself does not
    assert median(each.seconds for each in late) <= 1.25 * median(each.seconds for each in early)
