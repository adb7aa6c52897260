"""What a process costs: seconds by the clock from its start to its end, and its peak of memory.

Belongs here: what a measured process gives back. Not here: which processes there are.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

COMEBACK = str(Path(sys.executable).with_name("comeback"))


@dataclass(frozen=True)
class Cost:
    """What one process took.

    Attributes:
        seconds: from its start to its end.
        megabytes: the most memory it held (resident).
        began: when it began, as seconds of the epoch.
        out: what it printed.
        progress: what it printed on stderr.
    """

    seconds: float
    megabytes: float
    began: float = 0.0
    out: str = ""
    progress: str = ""


class ProcessFailedError(RuntimeError):
    """A measured process ended with another code than 0, or was killed for want of memory."""


def measured(command: Sequence[str], home: Path | None = None) -> Cost:
    """Run a command to its end.

    It is started by a small process of its own: a process begins with the peak of memory of the one
    that started it.

    Args:
        command: program and arguments.
        home: its COMEBACK_HOME.

    Raises:
        ProcessFailedError: it failed.
    """
    places = {"COMEBACK_HOME": str(home)} if home else {}
    with tempfile.TemporaryDirectory() as folder:
        starter = [sys.executable, "-S", str(Path(__file__).with_name("starter.py")), folder]
        subprocess.run([*starter, *command], env={**os.environ, **places}, check=True)
        printed = {path.name: path.read_text(encoding="utf-8") for path in Path(folder).iterdir()}
    measure = json.loads(printed["measure.json"])
    if code := measure.pop("code"):
        last = " ".join(printed["err"].split())[-500:]
        raise ProcessFailedError(f"{' '.join(command[:4])} ended with {code}: {last}")
    return Cost(**measure, out=printed["out"], progress=printed["err"])


def module(name: str, *arguments: object) -> list[str]:
    """The command of one of the bench's own modules."""
    return [sys.executable, "-m", f"bench.{name}", *map(str, arguments)]


def typical(costs: Sequence[Cost]) -> Cost:
    """The median of the seconds and the greatest memory of several runs of the same."""
    return Cost(
        statistics.median(cost.seconds for cost in costs), max(cost.megabytes for cost in costs)
    )
