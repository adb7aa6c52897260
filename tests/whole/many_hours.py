"""Runs hours in one process and prints what each cost, a line of JSON an hour.

    python -m tests.whole.many_hours FOLDER COUNT KEEP

Belongs here: the hours, and what is measured after each. Not here: what may come out of it
(`test_many_hours`).
"""

import json
import resource
import sys
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from orchestration.dagster import run_records
from orchestration.dagster.in_process import Launcher
from orchestration.ground.home import Home
from orchestration.ground.hours import HOUR, utc_now

FIRST = datetime(2026, 11, 1)
SECOND = timedelta(seconds=1)


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


def run_hours(root: Path, count: int, keep: int) -> None:
    """Run hours with a file each, in this process, while the records of only so many are kept."""
    home = Home(root)
    home.prepare()
    (root / "comeback.toml").write_text("dagster_keep_days = 1\n")
    begun: list[datetime] = []

    def clock() -> datetime:
        """A day after the oldest run began that is to be kept."""
        oldest = begun[-keep - 1] if len(begun) > keep else datetime(2000, 1, 1)
        # a run ends as the next begins
        return oldest + 24 * HOUR - SECOND

    run_records.utc_now = clock
    with Launcher(home, "replay") as launcher:
        for number in range(count):
            begun.append(utc_now())
            deliver(home, number)
            before = processor_seconds()
            launcher.hourly(FIRST + (number + 1) * HOUR)
            print(json.dumps(asdict(cost(home, processor_seconds() - before))), flush=True)


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


if __name__ == "__main__":
    run_hours(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
