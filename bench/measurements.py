"""Every figure of the bench, in the order in which it is measured.

Belongs here: which processes make which row. Not here: making dumps (`shops`), measuring a process
(`processes`), showing the outcome (`table`).
"""

import json
import shutil
import statistics
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from bench import by_hand, shops, split, ui
from bench.processes import (
    COMEBACK,
    Cost,
    ProcessFailedError,
    measured,
    module,
    typical,
)
from bench.table import Row, slowest
from orchestration.ground.home import Home

MONTH_EVENTS = 1_000_000
ONE_MORE_HOUR = 10_000
REPEATS = 3
CARTS = 1_000_000
EXPLAINED_CARTS = 1_000
FIRST_HOUR = shops.hour_after(0)


class Bench:
    """The measurements of one run, made in a scratch folder.

    Attributes:
        slowest_nodes: filled as the full builds are measured.
    """

    def __init__(
        self, scratch: Path, sizes: list[int], carts: int = CARTS, repeats: int = REPEATS
    ) -> None:
        """Take the numbers of events of the histories, of carts to score, of runs of an hour."""
        self._scratch = scratch
        self._sizes = sorted(sizes)
        self._carts = carts
        self._repeats = repeats
        self._month_events = min(MONTH_EVENTS, self._sizes[0])
        self.slowest_nodes: dict[str, dict[str, float]] = {}
        self._hours: dict[str, float] = {}

    def rows(self) -> Iterator[Row]:
        """Every row as soon as it is measured; histories grow from one size to the next."""
        for size in self._sizes:
            yield from self._history(size)
        yield from self._scoring()
        yield from self._sensor()

    def _history(self, size: int) -> Iterator[Row]:
        """(a) to (d) at one size; the smallest home is kept for what follows."""
        dumps, home = self._scratch / "dumps", self._home(size)
        months = max(1, round(size / self._month_events))
        for age in range(months):
            if not (dumps / f"{age:02}").exists():
                shops.write_month(dumps / f"{age:02}", age, self._month_events)
        measured(module("own_steps", "parse"), home.root)
        yield from self._full_build(size, dumps, home)
        first = self._hour(home, FIRST_HOUR)
        yield _row("", "after it the first hour: models learned, scored, published", first, size)
        yield from self._nothing_new(size, home)
        yield from self._more_rows(size, dumps / "00", home)
        if size != self._sizes[0]:
            shutil.rmtree(home.root)

    def _full_build(self, size: int, dumps: Path, home: Home) -> Iterator[Row]:
        reference, sessions = None, set()
        for name in by_hand.STATEMENTS:
            part, what = ("a", "one statement") if name == "duckdb" else ("b", "the same")
            what = f"{what} in {name}: sessions of {_short(size)} events"
            try:
                cost = measured(module("by_hand", name, dumps))
            except ProcessFailedError:
                yield Row(part, what, None, events=size, key=name)
                continue
            reference = reference or cost.seconds
            sessions.add(cost.out)
            yield _row(part, what, cost, size, name, reference)
        if len(sessions) != 1:
            raise ValueError(f"the statements do not find the same sessions: {sessions}")
        cost = measured(module("own_steps", "build", dumps, FIRST_HOUR.isoformat()), home.root)
        reported = json.loads(cost.out)
        self.slowest_nodes[_short(size)] = slowest(
            {"(landing)": reported["landing"], **reported["nodes"]}
        )
        what = f"Comeback: {_short(size)} events landed, all of dbt built and tested"
        yield _row("a", what, cost, size, "build", reference)

    def _nothing_new(self, size: int, home: Home) -> Iterator[Row]:
        costs, splits = [], []
        for _ in range(self._repeats):
            costs.append(self._hour(home, FIRST_HOUR))
            splits.append(split.split(costs[-1], split.newest_run(home.dagster)))
        yield self._compared(
            "d", f"an hour with nothing new on {_short(size)}", costs, size, "nothing"
        )
        for part in splits[0]:
            seconds = statistics.median(each[part] for each in splits)
            yield Row("d", f"    {part}", seconds, events=size, key="split")

    def _more_rows(self, size: int, month: Path, home: Home) -> Iterator[Row]:
        costs, rows = [], 0
        for number in range(1, self._repeats + 1):
            more = shops.more_rows(month, number, ONE_MORE_HOUR)
            rows = more.height
            shops.deliver(more, home.landing / "canonical", f"{number}.parquet")
            costs.append(self._hour(home, shops.hour_after(number)))
        yield self._compared(
            "c", f"an hour of {rows:,} rows more on {_short(size)}", costs, size, "more"
        )

    def _scoring(self) -> Iterator[Row]:
        home = Home(self._scratch / "many_carts")
        source = self._home(self._sizes[0])
        hour = shops.hour_after(self._repeats)
        measured(
            module("own_steps", "more_carts", self._carts, hour.isoformat(), source.root), home.root
        )
        for explained in (EXPLAINED_CARTS, 0):
            cost = measured(module("own_steps", "score", hour.isoformat(), explained), home.root)
            reasons = f"reasons for the top {explained:,}" if explained else "no reasons"
            what = f"{self._carts:,} open carts scored and written, {reasons}"
            yield _row("e", what, cost, None, f"score_{explained}")
        shutil.rmtree(home.root)

    def _sensor(self) -> Iterator[Row]:
        home = self._home(self._sizes[0])
        seconds = []
        with ui.watching(home):
            for number in range(self._repeats + 1, 2 * self._repeats + 1):
                more = shops.more_rows(self._scratch / "dumps" / "00", number, ONE_MORE_HOUR)
                seconds.append(ui.seconds_to_export(home, shops.hour_after(number), more))
        what = (
            f"a file of {more.height:,} rows until it is in the export, slowest of {self._repeats}"
        )
        yield Row("f", what, max(seconds), key="sensor")

    def _hour(self, home: Home, hour: datetime) -> Cost:
        return measured([COMEBACK, "run", "--as-of", f"{hour.isoformat()}Z"], home.root)

    def _home(self, size: int) -> Home:
        return Home(self._scratch / f"home_{size}")

    def _compared(self, part: str, what: str, costs: list[Cost], size: int, key: str) -> Row:
        """The median of some hours, compared with the same on the smallest history."""
        cost = typical(costs)
        return _row(part, what, cost, size, key, self._hours.setdefault(key, cost.seconds))


def _row(
    part: str,
    what: str,
    cost: Cost,
    size: int | None,
    key: str = "",
    reference: float | None = None,
) -> Row:
    times = cost.seconds / reference if reference else None
    return Row(part, what, cost.seconds, cost.megabytes, times, size, key)


def _short(events: int) -> str:
    """A number of events in thousands or millions."""
    return f"{events / 1e6:g} million" if events >= 1_000_000 else f"{events / 1e3:g} thousand"
