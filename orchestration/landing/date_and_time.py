"""A time that is delivered in two columns, a date and a time of day, as one text.

Belongs here: which columns are the two, and joining their values, in SQL and in Python. Not here:
reading the joined text as a time (SQL of the dbt project).
"""

import re
from collections.abc import Sequence

from orchestration.landing.signatures import name_key
from orchestration.landing.sources import Source

DATE_NAMES = (
    *("date", "eventdate", "day", "localdate", "utcdate", "hitdate", "visitdate"),
    *("dt", "ds"),  # as Hive's folders are often called
)
TIME_NAMES = ("time", "eventtime", "timeofday", "localtime", "utctime", "hittime", "visittime")

_COMPACT = r"([01][0-9]|2[0-4])([0-5][0-9])([0-5][0-9])?"  # as in 1000 or 100000
_CLOCK = r"[0-9]{1,2}:[0-9]{2}([:. Zz+-].*)?"
_DATE = r"([0-9]{4})[-/.]?([0-9]{2})[-/.]?([0-9]{2})([T ]00:00(:00([.]0+)?)?Z?)?"
_COMPACT_PATTERN = re.compile(_COMPACT)
_CLOCK_PATTERN = re.compile(_CLOCK)
_DATE_PATTERN = re.compile(_DATE)


def date_position(delivered: Sequence[str], source: Source) -> int | None:
    """Where among delivered columns the date is; None where no column is one, or where it is a
    declared column of the source."""
    return _first(delivered, DATE_NAMES, source)


def time_position(delivered: Sequence[str], source: Source) -> int | None:
    """Where the time of day is, if it is no declared column of the source."""
    return _first(delivered, TIME_NAMES, source)


def joined_sql(date: str, time: str) -> str:
    """SQL for the two as one text: the date before a time of day, anything else as it is."""
    compact = f"regexp_full_match(trim({time}), '{_COMPACT}')"
    parts = f"rtrim(regexp_replace(trim({time}), '{_COMPACT}', '\\1:\\2:\\3'), ':')"
    clock = f"if({compact}, {parts}, if(trim({time}) like '_:%', '0', '') || trim({time}))"
    day = f"regexp_replace(trim({date}), '^{_DATE}$', '\\1-\\2-\\3')"
    is_clock = f"{date} is not null and regexp_full_match(trim({time}), '{_CLOCK}|{_COMPACT}')"
    return f"case when {is_clock} then {day} || ' ' || {clock} else {time} end"


def joined(date: str | None, time: str) -> str:
    """What ``joined_sql`` gives."""
    clock = time.strip(" ")
    if compact := _COMPACT_PATTERN.fullmatch(clock):
        clock = ":".join(filter(None, compact.groups()))
    if not date or not _CLOCK_PATTERN.fullmatch(clock):
        return time
    day = _DATE_PATTERN.fullmatch(date.strip(" "))
    first = "-".join(day.group(1, 2, 3)) if day else date.strip(" ")
    return f"{first} {'0' if clock[1] == ':' else ''}{clock}"


def is_clock(time: str) -> bool:
    """Whether a text may be a time of day alone; quick."""
    is_compact = len(time) in (4, 6) and time.isdecimal()
    return is_compact or ":" in time[:4] or time[:1] == " "


def _first(delivered: Sequence[str], names: Sequence[str], source: Source) -> int | None:
    if source.time_name is None:
        return None
    found = [
        at
        for at, name in enumerate(delivered)
        if name_key(name) in names and source.target(name) is None
    ]
    return found[0] if found else None
