"""What was recorded while the clock was ahead, once it is right again.

Belongs here: finding that out, and dating it by the right one. Not here: hours that were scored
then, which never count as the newest (`ground.hours.newest_possible_hour`); a clock that was set
back, after which nothing is dated earlier than what was there before (`landing.load`, `run_log`).

A file that landed while the clock was ahead would have rows be events that are dated up to then,
its own and, because later files are dated no earlier, those of all that come after it; and a run of
then would count as later than all others. No time that has not come yet is when a thing was done:
it was done before now. But the clock may as well be behind now, and those times right. The events
say which: a log that was delivered up to a time has events of many visitors up to it.
"""

import logging
from datetime import datetime, timedelta

import duckdb

from orchestration.ground.hours import iso
from orchestration.ground.sql import transaction
from orchestration.warehouse.database import has_table

logger = logging.getLogger(__name__)

# Of so many visitors a right log may hold events that are dated ahead: by their own wrong clocks.
MAX_VISITORS_AHEAD = 3
_SECOND = timedelta(seconds=1)


def correct_times(connection: duckdb.DuckDBPyConnection, now: datetime, skew: timedelta) -> bool:
    """Date by the clock what is dated after it, unless the events say that the clock is behind.

    The rows of files that are dated otherwise are judged again: the next build is a full one.

    Args:
        connection: the open warehouse, before the next run begins.
        now: by the clock, UTC.
        skew: how much later than now a thing may be dated.

    Returns:
        Whether anything was dated otherwise.
    """
    limit = now + skew
    files = recorded_ahead(connection, limit)
    ((runs,),) = connection.execute(
        "select count(*) from scores.runs where started_at > ?", [limit]
    ).fetchall()
    if not (files or runs) or not _is_believed(connection, limit):
        return False
    with transaction(connection):
        # earlier than the run that begins now
        connection.execute(
            "update scores.runs set started_at = least(started_at, $1),"
            " finished_at = least(finished_at, $1) where greatest(started_at, finished_at) > $2",
            [now - _SECOND, limit],
        )
        if files:
            connection.execute(
                "update raw.files set landed_at = ? where landed_at > ?", [now, limit]
            )
            connection.execute("drop table if exists main.last_build")
    logger.warning(
        "What was recorded while the clock was ahead (%d files, %d runs) is dated %s now.",
        files,
        runs,
        iso(now),
    )
    return True


def recorded_ahead(connection: duckdb.DuckDBPyConnection, limit: datetime) -> int:
    """How many files are recorded as landed after a time, UTC."""
    if not has_table(connection, "raw", "files"):
        return 0
    query = "select count(*) from raw.files where landed_at > ?"
    return connection.execute(query, [limit]).fetchall()[0][0]


def _is_believed(connection: duckdb.DuckDBPyConnection, limit: datetime) -> bool:
    """Whether the log says nothing against the clock; a log without any event says nothing."""
    if not has_table(connection, "main", "candidate_events"):
        return False
    ((events, ahead),) = connection.execute(
        "select count(*), count(distinct visitor_id) filter (where event_at > ?)"
        " from main.candidate_events where drop_reason is null",
        [limit],
    ).fetchall()
    return events > 0 and ahead <= MAX_VISITORS_AHEAD
