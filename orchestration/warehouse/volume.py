"""Whether as much happened on the newest whole day as is usual.

Belongs here: the comparison and what it means in a sentence. Not here: the days themselves; dbt
counts them (models/sessions/daily_funnel.sql).
"""

from dataclasses import dataclass
from datetime import date, datetime

import duckdb

# Sales and holidays double a day or halve it; a file that is missing, or came twice, does more.
LEAST, MOST = 0.4, 3.0
_WEEKS = 4


@dataclass(frozen=True)
class Volume:
    """The sessions of a day against those of the same weekday before.

    Attributes:
        day: the newest day that was over at the hour; None without any.
        sessions: how many sessions began on it.
        usual: median of that weekday in the four weeks before; None if fewer than two are known.
    """

    day: date | None
    sessions: int
    usual: float | None

    @property
    def warning(self) -> str | None:
        """What a person should look at; None if the day was as usual, or nothing is usual yet."""
        if not self.usual or LEAST <= self.sessions / self.usual <= MOST:
            return None
        what = "some files may be missing" if self.sessions < self.usual else "something came twice"
        return (
            f"{self.sessions:,} sessions began on {self.day}, {self.usual:,.0f} are usual on that"
            f" weekday: see whether {what}"
        )


def volume(connection: duckdb.DuckDBPyConnection, hour: datetime) -> Volume:
    """The newest whole day before an hour, once dbt has built the log.

    A day without a session has no row in `daily_funnel`: it counts as 0 where later days have some.
    A log that ended earlier is judged by its last day; that it is old, `freshness` says.
    """
    rows = connection.execute(
        "with newest as (select least(max(day), ?::date - 1) as day from main.daily_funnel"
        " where day <= ?::date)"
        " select newest.day, coalesce(any_value(it.session_count), 0),"
        " median(before.session_count), count(before.day) from newest"
        " left join main.daily_funnel as it on it.day = newest.day"
        " left join main.daily_funnel as before"
        " on before.day between newest.day - ? and newest.day - 7"
        " and (newest.day - before.day) % 7 = 0"
        " where newest.day is not null group by newest.day",
        [hour, hour, 7 * _WEEKS],
    ).fetchall()
    for day, sessions, usual, known in rows:
        return Volume(day, sessions, usual if known >= 2 else None)
    return Volume(None, 0, None)
