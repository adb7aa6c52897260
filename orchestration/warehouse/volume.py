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
    """The newest whole day before an hour, once dbt has built the log."""
    rows = connection.execute(
        "with days as (select day, session_count from main.daily_funnel where day < ?::date),"
        " newest as (select * from days order by day desc limit 1)"
        " select newest.day, newest.session_count, median(before.session_count),"
        " count(before.day) from newest left join days as before"
        " on before.day between newest.day - ? and newest.day - 7"
        " and (newest.day - before.day) % 7 = 0 group by all",
        [hour, 7 * _WEEKS],
    ).fetchall()
    for day, sessions, usual, known in rows:
        return Volume(day, sessions, usual if known >= 2 else None)
    return Volume(None, 0, None)
