"""How values look on the page.

Belongs here: numbers, money, times and names as text. Not here: escaping; the template does that.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal

from orchestration.ground.text import in_print

NONE = "\N{EN DASH}"
# An amount or a share never breaks across lines.
NO_BREAK = "\N{NO-BREAK SPACE}"
NARROW = "\N{NARROW NO-BREAK SPACE}"
SHOWN_ID = 8
SHOWN_NAME = 60

Number = float | Decimal


def count(value: Number | None) -> str:
    """A count: `1,234`."""
    return NONE if value is None else f"{value:,.0f}"


def counted(value: int, noun: str) -> str:
    """A count of something: `1 cart`, `2 carts`."""
    return f"{value:,} {noun}{'' if value == 1 else 's'}"


def share(value: Number | None, digits: int = 1) -> str:
    """A share of one: `12.3 %`."""
    return NONE if value is None else f"{value * 100:.{digits}f}{NARROW}%"


def change(value: Number | None, before: Number | None) -> str:
    """By how much a number differs from what it was: `+4.1 %`."""
    if value is None or not before:
        return NONE
    return f"{(float(value) / float(before) - 1) * 100:+.1f}{NARROW}%".replace(
        "-", "\N{MINUS SIGN}"
    )


def points(value: float | None, before: float | None) -> str:
    """By how many hundredths a share differs from what it was: `+1.2 points`."""
    if value is None or before is None:
        return NONE
    return f"{(value - before) * 100:+.1f} points".replace("-", "\N{MINUS SIGN}")


def money(amount: Number | None, currency: str | None) -> str:
    """An amount: `EUR 1,234`, from 1,000 on without cents."""
    if amount is None:
        return NONE
    digits = 0 if abs(amount) >= 1000 else 2
    number = f"{amount:,.{digits}f}".replace("-", "\N{MINUS SIGN}")
    return f"{name(currency)}{NO_BREAK}{number}" if currency else number


def day(at: date | None) -> str:
    """A day: `Sat 31 Oct`."""
    return NONE if at is None else f"{at:%a} {at.day} {at:%b}"


def moment(at: datetime | None) -> str:
    """A time, UTC: `Sat 31 Oct, 14:58`."""
    return NONE if at is None else f"{day(at)}, {at:%H:%M}"


def duration(length: timedelta) -> str:
    """A length of time in its largest unit: `40 min`, `9 h`, `3 days`."""
    minutes = max(0, round(length.total_seconds() / 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"


def name(text: str | None, shown: int = SHOWN_NAME) -> str:
    """A name that the shop chose, on one line and cut where it is long."""
    if not text:
        return NONE
    line = " ".join(in_print(text[: 4 * shown]).split())
    return line if len(line) <= shown else f"{line[: shown - 1]}\N{HORIZONTAL ELLIPSIS}"


def short_id(id_: str) -> str:
    """The beginning of an id."""
    return in_print(id_[:SHOWN_ID])


def words(code: str) -> str:
    """A code of ours as words: `on_the_fence` is `on the fence`."""
    return in_print(code).replace("_", " ")
