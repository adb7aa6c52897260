"""The hours that Comeback scores: which one is meant, and how it is written.

Belongs here: arithmetic on full hours, and the clock. Not here: how far the log reaches. Every time
in `orchestration` is a naive datetime in UTC.
"""

from datetime import UTC, datetime, timedelta

from orchestration.ground.errors import ComebackError

HOUR = timedelta(hours=1)
BEGINNING_OF_TIME = datetime.min  # noqa: DTZ901 naive UTC, as everywhere here
END_OF_TIME = datetime.max  # noqa: DTZ901
PARTITION_FORMAT = "%Y-%m-%d-%H:%M"
_NAME_FORMAT = "%Y-%m-%dT%HZ"


def last_full_hour(at: datetime) -> datetime:
    """The full hour at or before `at`: what `--as-of now` means."""
    return at.replace(minute=0, second=0, microsecond=0)


def first_full_hour(at: datetime) -> datetime:
    """The full hour at or after `at`: what `--as-of latest` means for the newest event."""
    floor = last_full_hour(at)
    return floor if floor == at else floor + HOUR


def newest_possible_hour(now: datetime, clock_skew_minutes: int) -> datetime:
    """The last hour that can be the newest one by this clock: what `latest` means for an event as
    far ahead as events may be. An hour beyond was scored while the clock was ahead."""
    return first_full_hour(now + timedelta(minutes=clock_skew_minutes))


def parse_hour(text: str) -> datetime:
    """Read an ISO 8601 time that is a full hour; without an offset it is taken as UTC.

    Raises:
        ComebackError: the text is no time, or not a full hour.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ComebackError(
            f"'{text}' is no time", "the hour asked for", "write it like 2026-10-31T10:00Z"
        ) from None
    if at.tzinfo is not None:
        at = at.astimezone(UTC).replace(tzinfo=None)
    if at != last_full_hour(at):
        raise ComebackError(
            f"'{text}' is not a full hour", "the hour asked for", "write it like 2026-10-31T10:00Z"
        )
    return at


def hours_between(first: datetime, last: datetime) -> list[datetime]:
    """Every full hour from `first` to `last`, both included; empty when `last` comes first."""
    return [first + n * HOUR for n in range((last - first) // HOUR + 1)]


def partition_key(hour: datetime) -> str:
    """The Dagster partition of a scored hour, `2026-10-31-23:00`."""
    return hour.strftime(PARTITION_FORMAT)


def from_partition_key(key: str) -> datetime:
    """The scored hour of a Dagster partition."""
    return datetime.strptime(key, PARTITION_FORMAT)  # noqa: DTZ007 naive UTC, as everywhere here


def hour_name(hour: datetime) -> str:
    """The hour as a folder name that sorts by time, `2026-10-31T23Z`."""
    return hour.strftime(_NAME_FORMAT)


def is_hour_name(name: str) -> bool:
    """Whether `name` is what `hour_name` writes."""
    try:
        return hour_name(datetime.strptime(name, _NAME_FORMAT)) == name  # noqa: DTZ007
    except ValueError:
        return False


def iso(at: datetime) -> str:
    """ISO 8601 with Z, microseconds only where there are any: `2026-10-31T23:00:00Z`."""
    return f"{at.isoformat()}Z"


def utc_now() -> datetime:
    """The time now, to the second."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)
