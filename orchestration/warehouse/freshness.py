"""How old the log is at an hour: fresh, stale, or too old for the hour to be published.

Belongs here: the age of the newest event before an hour, and what it means in a sentence. Not here:
stopping anything (`dagster.asset_checks`), or the newest event of all (`database.newest_event`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from orchestration.ground.errors import ComebackError
from orchestration.ground.hours import HOUR, iso
from orchestration.ground.settings import Settings
from orchestration.warehouse.database import log_end


@dataclass(frozen=True)
class Freshness:
    """What an hour rests on.

    Attributes:
        hour: the scored hour, UTC.
        newest_event: time of the newest event at or before it, UTC; None without any.
        stale_after: an older newest event makes the hour stale.
        stop_after: an older one stops it.
    """

    hour: datetime
    newest_event: datetime | None
    stale_after: timedelta
    stop_after: timedelta

    @property
    def age(self) -> timedelta | None:
        """How much older than the hour the newest event is; None without any."""
        return None if self.newest_event is None else self.hour - self.newest_event

    @property
    def is_stale(self) -> bool:
        """Whether the hour is to be read with a warning. A log without events is not old."""
        return self.age is not None and self.age > self.stale_after

    @property
    def warning(self) -> str | None:
        """What a person should know of a stale hour; None of one that is not."""
        if not self.is_stale:
            return None
        return (
            f"the newest event is of {iso(self.newest_event)}, {_hours(self.age)} h before the"
            " hour: what shoppers did since is not known"
        )

    @property
    def reason_to_stop(self) -> str | None:
        """The line that an hour ends with whose log is too old; None of one that may go on."""
        if self.age is None or self.age <= self.stop_after:
            return None
        fault = ComebackError(
            f"the newest event is of {iso(self.newest_event)}, {_hours(self.age)} h before the hour"
            f" {iso(self.hour)}, and nothing was published",
            f"at most {_hours(self.stop_after)} h are allowed (stop_after_hours)",
            "see why no newer files land; to score the log where it ends:"
            " comeback run --as-of latest",
        )
        return str(fault)


def freshness(
    connection: duckdb.DuckDBPyConnection, hour: datetime, settings: Settings
) -> Freshness:
    """How old the log is at an hour, once dbt has built it; only events up to the hour count."""
    return Freshness(
        hour=hour,
        newest_event=log_end(connection, hour),
        stale_after=settings.stale_after_hours * HOUR,
        stop_after=settings.stop_after_hours * HOUR,
    )


def _hours(age: timedelta) -> str:
    return f"{age / HOUR:,.1f}".removesuffix(".0")
