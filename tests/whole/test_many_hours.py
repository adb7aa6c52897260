"""Hour after hour in one process: what an hour costs and leaves behind does not grow.

Belongs here: size of Dagster's folder, processor time and memory over many hours. Not here: what an
hour makes of its rows.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import pytest

from tests.whole.many_hours import Cost

# together half an hour of processor time
pytestmark = [pytest.mark.slow, pytest.mark.heavy]

MEGABYTE = 1 << 20
# A run's events, and its rows in the files that all runs share; measured 2026-11-30: 1.9.
LEFT_BY_A_RUN = 2 * MEGABYTE


def costs_of(root: Path, count: int, keep: int) -> list[Cost]:
    """What hours cost that run in a process of their own."""
    command = [sys.executable, "-m", "tests.whole.many_hours", str(root), str(count), str(keep)]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [Cost(**json.loads(line)) for line in done.stdout.splitlines()]


def report(costs: Sequence[Cost]) -> None:
    for number, each in enumerate(costs, start=1):
        print(
            f"hour {number}: {each.seconds:.1f} s, {each.resident / MEGABYTE:.0f} MB,"
            f" Dagster's folder {each.dagster / MEGABYTE:.1f} MB"
        )


def test_what_runs_leave_behind_stops_growing_once_old_ones_go(tmp_path: Path):
    costs = costs_of(tmp_path, count=6, keep=2)
    report(costs)
    assert [each.logs for each in costs] == [0] * 6
    sizes = [each.dagster for each in costs]
    assert sizes[1] - sizes[0] < LEFT_BY_A_RUN
    # the runs that are kept, and one that goes when the next begins
    assert max(sizes[3:]) <= 1.05 * min(sizes[3:])


@pytest.mark.heavy
@pytest.mark.timeout(7200)
def test_two_hundred_hours_take_and_leave_as_much_at_the_end_as_at_the_beginning(tmp_path: Path):
    costs = costs_of(tmp_path, count=200, keep=24)
    report(costs[::10])
    assert {each.logs for each in costs} == {0}
    sizes = [each.dagster for each in costs[30:]]
    assert max(sizes) <= 1.1 * min(sizes)
    early, late = costs[30:80], costs[-50:]
    assert median(each.resident for each in late) <= 1.1 * median(each.resident for each in early)
    # the log and the open carts grow; what an hour costs by itself does not
    assert median(each.seconds for each in late) <= 1.25 * median(each.seconds for each in early)
