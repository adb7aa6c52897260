"""What the command line looks like: log lines, bars, tables, and a reader who has gone.

Belongs here: what differs between a terminal and a file or pipe. Not here: what is said. `rich` is
imported when the first bar or table is drawn on a terminal.
"""

import logging
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

import orchestration.ground.progress as ground
from orchestration.ground.progress import Work

if TYPE_CHECKING:
    import polars as pl
    from rich.progress import Progress, TaskID

_PLAIN = "%(message)s"
_VERBOSE = "%(relativeCreated)7d ms  %(message)s"


def show_progress(*, verbose: bool) -> None:
    """What the modules log, plainly on stderr; other libraries are heard in the Dagster UI.

    On a terminal, work that takes long is shown as bars there.
    """
    handler: logging.Handler = logging.StreamHandler()
    if sys.stderr.isatty():
        # Dagster takes what a step writes to stderr into a file; bars are for none
        bars = Bars(open(os.dup(sys.stderr.fileno()), "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        ground.watch_with(bars)
        handler = _BesideBars(bars)
    handler.setFormatter(logging.Formatter(_VERBOSE if verbose else _PLAIN))
    ours = logging.getLogger("orchestration")
    ours.addHandler(handler)
    ours.setLevel(logging.DEBUG if verbose else logging.INFO)
    ours.propagate = False
    if verbose:  # said there: Dagster sets the level of ours to what its record keeps
        logging.getLogger("orchestration.dagster").setLevel(logging.DEBUG)


class Bars:
    """A bar for each piece of work, with rate and time left, gone when all is over."""

    def __init__(self, terminal: TextIO) -> None:
        """Take the stream they are drawn on."""
        self._terminal = terminal
        self._drawn: Progress | None = None
        self._tasks: dict[int, TaskID] = {}

    def __call__(self, work: Work, is_over: bool) -> None:
        """Show how far a piece of work is, or that it is over."""
        if is_over:
            self._end(work)
            return
        if self._drawn is None:
            self._drawn = _drawing(self._terminal)
            self._drawn.start()
        speed = work.line.split(", ", 1)[-1]
        if id(work) not in self._tasks:
            task = self._drawn.add_task(work.what, total=work.total, unit=work.unit, speed=speed)
            self._tasks[id(work)] = task
        task = self._tasks[id(work)]
        self._drawn.update(task, completed=work.done, total=work.total, speed=speed)

    def _end(self, work: Work) -> None:
        task = self._tasks.pop(id(work), None)
        if self._drawn is None or task is None:
            return
        self._drawn.remove_task(task)
        if not self._tasks:
            self._drawn.stop()
            self._drawn = None

    def write(self, line: str) -> bool:
        """Write a line above the bars; False if there are none."""
        if self._drawn is None:
            return False
        self._drawn.console.print(line, markup=False, highlight=False, soft_wrap=True)
        return True


def _drawing(terminal: TextIO) -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}, {task.fields[speed]}"),
        console=Console(file=terminal, force_terminal=True),
        transient=True,
    )


class _BesideBars(logging.StreamHandler):
    """Writes above the bars while there are any."""

    def __init__(self, bars: Bars) -> None:
        super().__init__()
        self._bars = bars

    def emit(self, record: logging.LogRecord) -> None:
        if not self._bars.write(self.format(record)):
            super().emit(record)


def table(frame: "pl.DataFrame") -> str:
    """A frame as text that fits the terminal; for a file or a pipe, a line a row."""
    from orchestration.status_lines import aligned, cells

    if not sys.stdout.isatty():
        return aligned(frame)
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    names, *rows = cells(frame)
    drawn = Table(*names, box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for row in rows:
        drawn.add_row(*map(Text, row))
    console = Console()
    with console.capture() as written:
        console.print(drawn)
    return "\n".join(line.rstrip() for line in written.get().splitlines() if line.strip())


def reader_is_gone() -> bool:
    """Whether nobody reads the output any more, such as after `| head`; the rest goes nowhere."""
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)
    if not any(event & select.POLLERR for _, event in output.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True
