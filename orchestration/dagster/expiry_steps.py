"""Taking away what is too old to be kept, once a day within an hour.

Belongs here: when that is due, the order of the steps, and the row of the audit log. Not here: what
is too old (`privacy.expiry`), how the warehouse is built again (`erase_steps`).
"""

import logging
from datetime import datetime, timedelta

from orchestration.dagster import erase_steps
from orchestration.dagster.run import Run
from orchestration.ground.hours import utc_now
from orchestration.landing.locations import known_sources, with_placeholders
from orchestration.outputs import hour_files, published_database
from orchestration.outputs.exports import forgetting
from orchestration.people import vault
from orchestration.privacy import expiry
from orchestration.warehouse import audit_log, database

logger = logging.getLogger(__name__)


def expire(run: Run, hour: datetime) -> bool:
    """Take away what is too old at an hour, unless that was done for its day.

    Age is counted from the newest event there is, so that a clock that is ahead deletes
    nothing. Events go by whole months: all tables are built again then, once a month. As after an
    erasure a fresh copy takes the place of the warehouse, with none of the bytes in it.

    Returns:
        Whether anything was.
    """
    retention = run.settings.retention
    with run.open_warehouse() as connection:
        done = audit_log.largest(connection, "retention", "day") or 0
        newest = database.log_end(connection) if done < _day(hour) else None
        if newest is None:
            return False
        instant = min(newest, hour, run.newest_possible_hour)
        day = _day(instant)
        if day <= done:
            return False
        # what a run that was killed took away is not found again, but lists and bytes may have it
        is_again = expiry.is_unfinished(connection)
        sources = with_placeholders(known_sources(run.home), run.settings)
        events = rows = month = 0
        events_limit = None
        if retention.raw_events_months:
            events_limit = expiry.months_before(instant, retention.raw_events_months)
            month = int(f"{events_limit:%Y%m}")
            last = audit_log.largest(connection, "retention", "month")
            if last is None or month > last:
                events = expiry.expire_events(connection, sources, events_limit)
        if retention.contact_data_days:
            midnight = instant.replace(hour=0, minute=0, second=0, microsecond=0)
            limit = midnight - timedelta(days=retention.contact_data_days)
            rows = expiry.strip_idle(connection, run.home, sources, limit, events_limit)
        if rows or is_again:
            vault.settle(connection, sources, run.settings)
            hour_files.settle_pending(connection, run.home)
            forgetting.forget_unknown(connection)
        if events or is_again:
            published_database.forget_last(connection)
            hour_files.settle_pending(connection, run.home)
    if is_again:
        logger.info("A run was ended while it took old data away: all tables are built again.")
        erase_steps.rebuild(run)
    elif events:
        logger.info("%d events are older than they are kept: all tables are built again.", events)
        erase_steps.rebuild(run)
    elif rows:
        erase_steps.replace_warehouse(run)
    with run.open_warehouse() as connection:
        audit_log.note(
            connection, "retention", utc_now(), day=day, month=month, events=events, rows=rows
        )
        expiry.finish(connection)
    return bool(events or rows or is_again)


def _day(instant: datetime) -> int:
    """A day as a number, as the audit log has none but numbers."""
    return int(f"{instant:%Y%m%d}")
