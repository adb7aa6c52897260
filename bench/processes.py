"""What a process costs: seconds by the clock from its start to its end, and its peak of memory.

Belongs here: how a process of a checkout is started and what a measured one gives back. Not here:
which processes there are.
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


@dataclass(frozen=True)
class Checkout:
    """A copy of the project with an environment that was set up for it.

    Attributes:
        root: its folder.
        python: the environment's interpreter.
    """

    root: Path
    python: Path

    @classmethod
    def at(cls, folder: Path) -> "Checkout":
        """The checkout of a folder in which `make setup` has run.

        Raises:
            FileNotFoundError: there is no environment.
        """
        root = folder.resolve()
        if root == HERE.root:
            return HERE
        python = root / ".venv" / "bin" / "python"
        if not python.exists():
            raise FileNotFoundError(f"no {python}: run make setup there first")
        return cls(root, python)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.root.name

    def module(self, name: str, *arguments: object) -> list[str]:
        """The command of one of the bench's own modules, to be run in `root`."""
        return [str(self.python), "-m", f"bench.{name}", *map(str, arguments)]

    def comeback(self, *arguments: str) -> list[str]:
        """A command of Comeback's."""
        return [str(self.python.with_name("comeback")), *arguments]


HERE = Checkout(Path(__file__).resolve().parents[1], Path(sys.executable))


@dataclass(frozen=True)
class Cost:
    """What one process took.

    Attributes:
        seconds: from its start to its end.
        megabytes: the most memory it held (resident).
        cpu_seconds: of all its threads and of the processes it waited for; on a busy machine they
            say more than the clock.
        began: when it began, as seconds of the epoch.
        out: what it printed.
        progress: what it printed on stderr.
    """

    seconds: float
    megabytes: float
    cpu_seconds: float = 0.0
    began: float = 0.0
    out: str = ""
    progress: str = ""


class ProcessFailedError(RuntimeError):
    """A measured process ended with another code than 0, or was killed for want of memory."""


def measured(command: Sequence[str], home: Path | None = None, folder: Path | None = None) -> Cost:
    """Run a command to its end.

    It is started by a small process of its own: a process begins with the peak of memory of the one
    that started it.

    Args:
        command: program and arguments.
        home: its COMEBACK_HOME.
        folder: the folder it runs in, this process's own without.

    Raises:
        ProcessFailedError: it failed.
    """
    places = {"COMEBACK_HOME": str(home)} if home else {}
    with tempfile.TemporaryDirectory() as made:
        starter = [sys.executable, "-S", str(Path(__file__).with_name("starter.py")), made]
        subprocess.run([*starter, *command], env={**os.environ, **places}, cwd=folder, check=True)
        printed = {path.name: path.read_text(encoding="utf-8") for path in Path(made).iterdir()}
    measure = json.loads(printed["measure.json"])
    if code := measure.pop("code"):
        last = " ".join(printed["err"].split())[-500:]
        raise ProcessFailedError(f"{' '.join(command[:4])} ended with {code}: {last}")
    return Cost(**measure, out=printed["out"], progress=printed["err"])


def typical(costs: Sequence[Cost]) -> Cost:
    """The medians of the seconds and the greatest memory of several runs of the same."""
    return Cost(
        statistics.median(cost.seconds for cost in costs),
        max(cost.megabytes for cost in costs),
        statistics.median(cost.cpu_seconds for cost in costs),
    )
