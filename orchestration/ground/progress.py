"""How far a long piece of work has come, for whoever waits for it.

Belongs here: counting, the rate, the time left, and a line every few seconds. Not here: bars, which
take the place of these lines on a terminal (`orchestration.terminal`).
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 5.0
_SHORT_SECONDS = 1.0
# The first of many things says little of the rest: it may wait for what is done once, or come with
# others that were done together.
_TELLING_COUNT = 10
_TELLING_SHARE = 0.05


@dataclass
class Work:
    """A piece of work that can be counted.

    Attributes:
        what: what is done, such as Landing.
        total: of how many things; None if that is not known.
        unit: what they are, such as files.
        done: how many of them are done.
        begun: when it began, by the clock `time.monotonic`.
        said: when anything was last said of it, by that clock.
    """

    what: str
    total: int | None
    unit: str
    done: int = 0
    begun: float = field(default_factory=lambda: time.monotonic())
    said: float = 0.0

    def advance(self, things: int = 1) -> None:
        """Count things that were done; work that is over at once is not talked of."""
        self.done += things
        if time.monotonic() - self.begun >= _SHORT_SECONDS:
            _watcher(self, False)

    @property
    def line(self) -> str:
        """How far it is, how fast it goes, and, where enough is done to tell, when it will be over
        at that rate."""
        rate = self.done / max(time.monotonic() - self.begun, 1e-9)
        of = "" if self.total is None else f" of {self.total:,}"
        left = ""
        if self.total and self.done >= min(_TELLING_COUNT, _TELLING_SHARE * self.total):
            left = f", {_duration((self.total - self.done) / rate)} left"
        return f"{self.what}: {self.done:,}{of} {self.unit}, {_rate(rate)}{left}."


@contextmanager
def progress(what: str, total: int | None, unit: str) -> Iterator[Work]:
    """Work that is watched until the block ends, however it does."""
    work = Work(what, total, unit)
    try:
        yield work
    finally:
        _watcher(work, True)


def watch_with(watcher: Callable[[Work, bool], None]) -> None:
    """Have another watcher called for all work: at each step, and with True when it is over."""
    global _watcher
    _watcher = watcher


def in_lines(work: Work, is_over: bool) -> None:
    """Log a line every few seconds; that work is over is said by whoever did it."""
    now = time.monotonic()
    if not is_over and now - max(work.begun, work.said) >= INTERVAL_SECONDS:
        work.said = now
        logger.info("%s", work.line)


_watcher: Callable[[Work, bool], None] = in_lines


def _rate(a_second: float) -> str:
    if a_second >= 1:
        return f"{a_second:,.0f} a second"
    return f"{a_second * 60:,.1f} a minute"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
