"""Every figure of the bench, in the order in which it is measured.

Belongs here: which processes make which row. Not here: making dumps (`shops`), measuring a process
(`processes`), showing the outcome (`table`).
"""

import json
import shutil
import statistics
from collections import defaultdict
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from bench import by_hand, ga4, shops, split, ui
from bench.processes import (
    HERE,
    Checkout,
    Cost,
    ProcessFailedError,
    measured,
    typical,
)
from bench.table import Row, slowest
from orchestration.ground.home import Home

MONTH_EVENTS = 1_000_000
ONE_MORE_HOUR = 10_000
NEWEST_DAYS = 9
REPEATS = 3
CARTS = 1_000_000
EXPLAINED_CARTS = 1_000
FIRST_HOUR = shops.hour_after(0)
ALONE = ("build", "hour", "empty", "ga4", "returning")
OF_A_HISTORY = {"build", "hour", "empty"}
GA4_FORMS = {"json": "nested JSON lines, gzipped", "parquet": "nested Parquet"}
Homes = Mapping[Checkout, Home]


class Bench:
    """The measurements of one run, made in a scratch folder.

    Attributes:
        slowest_nodes: filled as the full builds are measured.
    """

    def __init__(
        self,
        scratch: Path,
        sizes: list[int],
        carts: int = CARTS,
        repeats: int = REPEATS,
        only: Collection[str] = (),
        checkouts: Sequence[Checkout] = (HERE,),
    ) -> None:
        """Take what is measured.

        Args:
            scratch: an empty folder.
            sizes: numbers of events of the histories.
            carts: how many to score.
            repeats: runs of an hour.
            only: some of `ALONE`, to measure nothing else; the whole table without.
            checkouts: whose code is measured over the same files.
        """
        self._scratch = scratch
        self._sizes = sorted(sizes)
        self._carts = carts
        self._repeats = repeats
        self._only = only
        self._checkouts = checkouts
        self._month_events = min(MONTH_EVENTS, self._sizes[0])
        self.slowest_nodes: dict[str, dict[str, float]] = {}
        self._hours: dict[str, float] = {}

    def rows(self) -> Iterator[Row]:
        """Every row as soon as it is measured; histories grow from one size to the next."""
        for size in self._sizes:
            if not self._only or OF_A_HISTORY.intersection(self._only):
                yield from self._history(size)
            if "ga4" in self._only:
                yield from self._ga4(size)
            if "returning" in self._only:
                yield from self._returning(size)
        if not self._only:
            yield from self._scoring()
            yield from self._sensor()
            yield from self._ga4(self._sizes[0])
            yield from self._returning(self._sizes[0])

    def _history(self, size: int) -> Iterator[Row]:
        """(a) to (d) at one size; the smallest home is kept for what follows."""
        dumps = self._scratch / "dumps"
        homes = {checkout: self._home(size, checkout) for checkout in self._checkouts}
        months = max(1, round(size / self._month_events))
        for age in range(months):
            if not (dumps / f"{age:02}").exists():
                shops.write_month(dumps / f"{age:02}", age, self._month_events)
        for checkout, home in homes.items():
            _begin(checkout, home)
        reference = None
        if self._has("build"):
            reference = yield from self._statements(size, dumps)
        for checkout, home in homes.items():
            build = self._full_build(size, dumps, checkout, home, reference)
            if self._has("build"):
                yield build
        if self._has("hour") or self._has("empty"):
            for checkout, home in homes.items():
                what = self._of(
                    "after it the first hour: models learned, scored, published", checkout
                )
                yield _row("", what, self._hour(checkout, home, FIRST_HOUR), size)
        if self._has("empty"):
            yield from self._again(size, homes)
            yield from self._nothing_new(size, homes)
        if self._has("hour"):
            yield from self._more_rows(size, dumps / "00", homes)
        if self._only or size != self._sizes[0]:
            for home in homes.values():
                shutil.rmtree(home.root)

    def _statements(self, size: int, dumps: Path) -> Generator[Row, None, float | None]:
        """What is written by hand; gives back the seconds that a build is compared with."""
        reference, sessions = None, set()
        for name in ("duckdb",) if self._only else by_hand.STATEMENTS:
            part, what = ("a", "one statement") if name == "duckdb" else ("b", "the same")
            what = f"{what} in {name}: sessions of {_short(size)} events"
            try:
                cost = measured(HERE.module("by_hand", name, dumps))
            except ProcessFailedError:
                yield Row(part, what, None, events=size, key=name)
                continue
            reference = reference or cost.seconds
            sessions.add(cost.out)
            yield _row(part, what, cost, size, name, reference)
        if len(sessions) != 1:
            raise ValueError(f"the statements do not find the same sessions: {sessions}")
        return reference

    def _full_build(
        self, size: int, dumps: Path, checkout: Checkout, home: Home, reference: float | None
    ) -> Row:
        build = checkout.module("own_steps", "build", dumps, FIRST_HOUR.isoformat())
        cost = measured(build, home.root, checkout.root)
        reported = json.loads(cost.out)
        self.slowest_nodes[self._of(_short(size), checkout)] = slowest(
            {"(landing)": reported["landing"], **reported["nodes"]}
        )
        what = f"Comeback: {_short(size)} events landed, all of dbt built and tested"
        return _row("a", self._of(what, checkout), cost, size, "build", reference)

    def _again(self, size: int, homes: Homes) -> Iterator[Row]:
        """The first hour once more."""
        costs = defaultdict(list)
        for _ in range(self._repeats):
            for checkout, home in homes.items():
                costs[checkout].append(self._hour(checkout, home, FIRST_HOUR))
        for checkout in homes:
            what = self._of(f"the same hour again on {_short(size)}", checkout)
            yield self._compared("d", what, costs[checkout], size, "again")

    def _nothing_new(self, size: int, homes: Homes) -> Iterator[Row]:
        """The hours after it, for which no file came: all that is known is older."""
        costs, splits = defaultdict(list), defaultdict(list)
        for number in range(1, self._repeats + 1):
            for checkout, home in homes.items():
                cost = self._hour(checkout, home, shops.hour_after(number))
                costs[checkout].append(cost)
                splits[checkout].append(split.split(cost, split.newest_run(home.dagster)))
        for checkout in homes:
            what = self._of(f"an hour with nothing new on {_short(size)}", checkout)
            yield self._compared("d", what, costs[checkout], size, "nothing")
            for part in splits[checkout][0]:
                seconds = statistics.median(each[part] for each in splits[checkout])
                yield Row("d", f"    {part}", seconds, events=size, key="split")

    def _more_rows(self, size: int, month: Path, homes: Homes) -> Iterator[Row]:
        costs, rows = self._hours_of_more_rows(month, [*homes.items()])
        for checkout, home in homes.items():
            what = self._of(f"an hour of {rows:,} rows more on {_short(size)}", checkout)
            yield self._compared("c", what, costs[home], size, "more")

    def _hours_of_more_rows(
        self, month: Path, homes: Sequence[tuple[Checkout, Home]]
    ) -> tuple[Mapping[Home, list[Cost]], int]:
        """What each hour costs in each home, in turn, and how many rows the newest had.

        They are the hours behind those that may have been scored with nothing new.
        """
        costs, rows = defaultdict(list), 0
        for number in range(self._repeats + 1, 2 * self._repeats + 1):
            more = shops.more_rows(month, number, ONE_MORE_HOUR)
            rows = more.height
            for checkout, home in homes:
                shops.deliver(more, home.landing / "canonical", f"{number}.parquet")
                costs[home].append(self._hour(checkout, home, shops.hour_after(number)))
        return costs, rows

    def _returning(self, size: int) -> Iterator[Row]:
        """(i) an hour over shoppers who come back, compared with one over their newest days."""
        folder = self._scratch / f"returning_{size}"
        dumps, newest = folder / "dumps", folder / "newest"
        newest.mkdir(parents=True, exist_ok=True)
        for group in range(max(1, round(size / self._month_events))):
            people = dumps / f"{group:02}"
            shops.write_returning(people, group, self._month_events)
            for path in shops.newest_days(people, NEWEST_DAYS):
                (newest / f"{group:02}_{path.name}").hardlink_to(path)
        for checkout in self._checkouts:
            homes = {log: Home(folder / f"home_{log.name}") for log in (newest, dumps)}
            for log, home in homes.items():
                _begin(checkout, home)
                build = checkout.module("own_steps", "build", log, FIRST_HOUR.isoformat())
                measured(build, home.root, checkout.root)
                self._hour(checkout, home, FIRST_HOUR)
            of_both = [(checkout, home) for home in homes.values()]
            costs, rows = self._hours_of_more_rows(dumps / "00", of_both)
            of_newest, of_all = (typical(costs[home]) for home in homes.values())
            what = f"an hour of {rows:,} rows more, shoppers come back: {{}}"
            alone = self._of(what.format(f"newest {NEWEST_DAYS} days"), checkout)
            yield _row("i", alone, of_newest, size, "newest_days", of_newest.seconds)
            whole = self._of(what.format(_short(size)), checkout)
            yield _row("i", whole, of_all, size, "returning", of_newest.seconds)
            for home in homes.values():
                shutil.rmtree(home.root)
        shutil.rmtree(folder)

    def _ga4(self, size: int) -> Iterator[Row]:
        """(h) landing GA4's rows, compared with DuckDB's own reader of the same files."""
        folder = self._scratch / f"ga4_{size}"
        ga4.write(folder, size)
        for form, what in GA4_FORMS.items():
            by_duckdb = measured(HERE.module("ga4", form, folder))
            what = f"{_short(size)} rows of GA4, {what}"
            read = f"{what}: read_{form} into a table"
            yield _row("h", read, by_duckdb, size, f"read_{form}", by_duckdb.seconds)
            for checkout in self._checkouts:
                home = Home(folder / f"home_{self._checkouts.index(checkout)}")
                land = checkout.module("own_steps", "land", folder / form, "ga4")
                cost = measured(land, home.root, checkout.root)
                landed = self._of(f"{what}: landed", checkout)
                yield _row("h", landed, cost, size, f"ga4_{form}", by_duckdb.seconds)
                shutil.rmtree(home.root)
                if cost.out != by_duckdb.out:
                    raise ValueError(f"{landed}: {cost.out} rows, DuckDB has {by_duckdb.out}")
        shutil.rmtree(folder)

    def _scoring(self) -> Iterator[Row]:
        home = Home(self._scratch / "many_carts")
        source = self._home(self._sizes[0], HERE)
        hour = shops.hour_after(2 * self._repeats)
        measured(
            HERE.module("own_steps", "more_carts", self._carts, hour.isoformat(), source.root),
            home.root,
        )
        for explained in (EXPLAINED_CARTS, 0):
            cost = measured(
                HERE.module("own_steps", "score", hour.isoformat(), explained), home.root
            )
            reasons = f"reasons for the top {explained:,}" if explained else "no reasons"
            what = f"{self._carts:,} open carts scored and written, {reasons}"
            yield _row("e", what, cost, None, f"score_{explained}")
        shutil.rmtree(home.root)

    def _sensor(self) -> Iterator[Row]:
        home = self._home(self._sizes[0], HERE)
        seconds = []
        with ui.watching(home):
            for number in range(2 * self._repeats + 1, 3 * self._repeats + 1):
                more = shops.more_rows(self._scratch / "dumps" / "00", number, ONE_MORE_HOUR)
                seconds.append(ui.seconds_to_export(home, shops.hour_after(number), more))
        what = (
            f"a file of {more.height:,} rows until it is in the export, slowest of {self._repeats}"
        )
        yield Row("f", what, max(seconds), key="sensor")

    def _hour(self, checkout: Checkout, home: Home, hour: datetime) -> Cost:
        run = checkout.comeback("run", "--as-of", f"{hour.isoformat()}Z")
        return measured(run, home.root, checkout.root)

    def _home(self, size: int, checkout: Checkout) -> Home:
        number = self._checkouts.index(checkout)
        return Home(self._scratch / (f"home_{size}_{number}" if number else f"home_{size}"))

    def _has(self, part: str) -> bool:
        """Whether one of `ALONE` is measured."""
        return not self._only or part in self._only

    def _of(self, what: str, checkout: Checkout) -> str:
        """With the checkout's name where there are several."""
        return what if len(self._checkouts) == 1 else f"{what}, {checkout.name}"

    def _compared(self, part: str, what: str, costs: list[Cost], size: int, key: str) -> Row:
        """The median of some hours, compared with the first: smallest history, first checkout."""
        cost = typical(costs)
        return _row(part, what, cost, size, key, self._hours.setdefault(key, cost.seconds))


def _begin(checkout: Checkout, home: Home) -> None:
    """Get a home ready, in which a long history stays whole.

    Checkouts of before that was a setting keep all by themselves.
    """
    if (checkout.root / "orchestration" / "ground" / "settings_retention.py").exists():
        home.root.mkdir(parents=True, exist_ok=True)
        (home.root / "comeback.toml").write_text("[retention]\nraw_events_months = 0\n")
    measured(checkout.module("own_steps", "parse"), home.root, checkout.root)


def _row(
    part: str,
    what: str,
    cost: Cost,
    size: int | None,
    key: str = "",
    reference: float | None = None,
) -> Row:
    times = cost.seconds / reference if reference else None
    return Row(part, what, cost.seconds, cost.megabytes, times, size, key, cost.cpu_seconds)


def _short(events: int) -> str:
    """A number of events in thousands or millions."""
    return f"{events / 1e6:g} million" if events >= 1_000_000 else f"{events / 1e3:g} thousand"
