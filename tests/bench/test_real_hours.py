"""The bench over a real home, once: what it reads of a run is still what a run writes.

Belongs here: that every figure of hours is there. Not here: the figures (test_bench.py).
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(1800)]

PARTS = (
    "Python start, imports, definitions",
    "Dagster",
    "landing",
    "dbt around its nodes",
    "SQL: dbt's models and tests",
    "models and scores",
    "exports, publication, checks",
    "printing the outcome, end of the process",
)


def test_an_hour_and_all_its_parts_are_measured(tmp_path):
    options = ["--events", "6000", "--repeats", "1", "--only", "empty", "--scratch", tmp_path]
    done = subprocess.run(
        [sys.executable, "-m", "bench", *options],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    whole = re.search(r"^d +an hour with nothing new on \S+ \S+ +([\d.]+)", done.stdout, re.M)
    seconds = [
        float(re.search(rf"^d? +{re.escape(part)} +([\d.]+)", done.stdout, re.M)[1])
        for part in PARTS
    ]
    assert sum(seconds) == pytest.approx(float(whole[1]), abs=0.5)
    assert all(each > 0 for each in seconds)
