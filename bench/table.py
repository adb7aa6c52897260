"""Measurements as they are kept and shown: rows, the machine, a table, a dated file, a picture.

Belongs here: what a row says, and drawing. Not here: measuring.
"""

import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

LIBRARIES = (
    *("duckdb", "dbt-core", "dbt-duckdb", "dagster", "polars", "pandas", "lightgbm", "lifelines"),
)
RESULTS = Path(__file__).parent / "results"
PICTURE = RESULTS / "bench.png"
HEADER = f"{'':3} {'what':66} {'seconds':>8} {'times':>6} {'CPU s':>8} {'peak MB':>8}"
SLOWEST_NODES = 12
NOTES = [
    "In all files one add in five is of two items, in the list `items`.",
    "The statements by hand read the same rows and count the same adds, but read no list.",
]


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        part: its letter.
        what: what was measured.
        seconds: of a process from start to end, unless `what` says otherwise; None if it failed.
        megabytes: its peak of memory; None for a part of a process.
        times: how many times the seconds of the row it is compared with.
        events: size of the history, None where it has no say.
        key: the same for the same thing at another size.
        cpu_seconds: of a process, on all cores; None where they are not known.
    """

    part: str
    what: str
    seconds: float | None
    megabytes: float | None = None
    times: float | None = None
    events: int | None = None
    key: str = ""
    cpu_seconds: float | None = None

    def __str__(self) -> str:
        """The row as a line under `HEADER`."""
        seconds = "failed" if self.seconds is None else f"{self.seconds:.1f}"
        times = "" if self.times is None else f"{self.times:.2f}"
        megabytes = "" if self.megabytes is None else f"{self.megabytes:.0f}"
        cpu_seconds = "" if self.cpu_seconds is None else f"{self.cpu_seconds:.1f}"
        numbers = f"{seconds:>8} {times:>6} {cpu_seconds:>8} {megabytes:>8}"
        return f"{self.part:3} {self.what:66} {numbers}"


@dataclass(frozen=True)
class Machine:
    """Where and with what was measured."""

    processor: str
    cores: int
    gigabytes: float
    system: str
    python: str
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Results:
    """A whole run of the bench.

    Attributes:
        date: the day, ISO 8601.
        machine: where.
        rows: the table.
        slowest_nodes: for each size the seconds of the dbt nodes that took longest in the full
            build, landing among them.
        notes: what holds of the files and of all rows.
    """

    date: str
    machine: Machine
    rows: Sequence[Row]
    slowest_nodes: dict[str, dict[str, float]]
    notes: Sequence[str] = field(default_factory=list)

    def keep(self) -> Path:
        """Write the dated file and the picture; where the file is."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.date}.json"
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        draw(self, PICTURE)
        return path

    @classmethod
    def read(cls, path: Path) -> "Results":
        """The results of a dated file."""
        values = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            date=values["date"],
            machine=Machine(**values["machine"]),
            rows=[Row(**row) for row in values["rows"]],
            slowest_nodes=values["slowest_nodes"],
            notes=values.get("notes", []),
        )


def this_machine() -> Machine:
    """The machine that runs this process."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        gigabytes=round(pages / 2**30, 1),
        system=platform.platform(),
        python=platform.python_version(),
        versions={name: version(name) for name in LIBRARIES},
    )


def today() -> str:
    """The day in UTC."""
    return datetime.now(UTC).date().isoformat()


def slowest(nodes: dict[str, float]) -> dict[str, float]:
    """The nodes that took longest, longest first, in seconds."""
    longest = sorted(nodes.items(), key=lambda node: (-node[1], node[0]))[:SLOWEST_NODES]
    return {name: round(seconds, 2) for name, seconds in longest}


def draw(results: Results, path: Path) -> None:
    """Three plots side by side: the full build, the hour over the history, the hour's parts."""
    figure = Figure(figsize=(13, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    builds, hours, parts = figure.subplots(1, 3)
    _over_history(
        builds,
        results.rows,
        {
            "build": "Comeback: landing to snapshots",
            "duckdb": "sessions only, DuckDB by hand",
            "polars": "sessions only, polars",
            "pandas": "sessions only, pandas",
        },
    )
    builds.set_title("A full build")
    _over_history(hours, results.rows, {"more": "10,000 new rows", "nothing": "nothing new"})
    hours.set_title("One more hour")
    split = [row for row in results.rows if row.key == "split"]
    largest = max((row.events or 0 for row in split), default=0)
    split = [row for row in split if row.events == largest]
    parts.barh([row.what.strip() for row in split], [row.seconds or 0.0 for row in split])
    parts.invert_yaxis()
    parts.set_xlabel("seconds")
    parts.set_title("An hour with nothing new")
    machine = results.machine
    figure.suptitle(
        f"{results.date}, {machine.processor}, {machine.cores} cores, {machine.gigabytes:.0f} GB",
        fontsize=9,
    )
    figure.savefig(path, dpi=110, metadata={"Software": None})


def _over_history(axes: Axes, rows: Iterable[Row], names: dict[str, str]) -> None:
    rows = [row for row in rows if row.seconds is not None and row.events]
    for key, name in names.items():
        points = sorted((row.events, row.seconds) for row in rows if row.key == key)
        axes.plot(
            [events / 1e6 for events, _ in points],
            [seconds for _, seconds in points],
            marker="o",
            label=name,
        )
    axes.set_xlabel("million events of history")
    axes.set_ylabel("seconds")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8)


def _processor() -> str:
    """The processor's name where the system names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
