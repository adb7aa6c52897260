"""What day it is for a shopper, in plain and slow Python.

Belongs here: the shop's sales, public holidays, and what follows from them at an instant, as
`dbt_project/docs/rules_calendar.md` states it. Not here: where a shopper is (reference_log.py).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from .reference_fields import day_with_dashes, parse_time

# Countries and days that the warehouse of the tests knows.
COUNTRY_NAMES = {"de": "DE", "germany": "DE", "fr": "FR", "fra": "FR", "gb": "GB", "uk": "GB"}
HOLIDAYS = (
    ("DE", "2026-01-01"),
    ("DE", "2026-04-03"),
    ("DE", "2026-04-06"),
    ("DE", "2026-05-01"),
    ("DE", "2026-05-14"),
    ("FR", "2026-04-06"),
    ("FR", "2026-05-08"),
    ("FR", "2026-07-14"),
    ("GB", "2026-12-25"),
)
LONGEST_DAYS = 60


@dataclass(frozen=True)
class Sale:
    """From a first instant to the one at which it is over, for one country or for all."""

    starts_at: datetime
    ends_at: datetime
    country: str | None


def country_of(text: str | None) -> str | None:
    """The code of a country as it is delivered; null where it is none that is known."""
    return COUNTRY_NAMES.get((text or "").strip().lower())


def clean_sales(delivered: Iterable[tuple[str, str, str, str]]) -> tuple[Sale, ...]:
    """Delivered rows (from, to, name, country) that are a sale; the shop's clocks are UTC."""
    found = []
    for *times, _, country in delivered:
        start, end = map(day_with_dashes, times)
        starts_at, ends_at = parse_time(start, "UTC"), parse_time(end, "UTC")
        if starts_at is None or ends_at is None:
            continue
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", end.strip()):
            ends_at += timedelta(days=1)
        if ends_at > starts_at and not (country.strip() and country_of(country) is None):
            found.append(Sale(starts_at, ends_at, country_of(country)))
    return tuple(found)


def calendar_features(sales: Iterable[Sale], country: str | None, instant: datetime) -> dict:
    """The features of a day for a shopper of a country, as it was delivered, of a shop of none."""
    code = country_of(country)
    days = sorted(
        (date.fromisoformat(day) - instant.date()).days
        for where, day in HOLIDAYS
        if where == code and date.fromisoformat(day) >= instant.date()
    )
    to_holiday = None if code is None else min([*days, LONGEST_DAYS])
    ends = [
        each.ends_at
        for each in sales
        if each.starts_at <= instant < each.ends_at and each.country in (None, code)
    ]
    return {
        "calendar_is_holiday": None if to_holiday is None else float(to_holiday == 0),
        "calendar_days_to_holiday": to_holiday,
        "calendar_is_sale": float(bool(ends)),
        "calendar_sale_hours_left": (max(ends) - instant) / timedelta(hours=1) if ends else None,
    }
