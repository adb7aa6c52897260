"""Money of several currencies in plain and slow Python.

Belongs here: rates, and sums by currency and of one. Not here: what a cart or an order comes to
(reference_carts.py), in which currency a log reports (reference_log.py).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from .reference_fields import day_with_dashes, known_currency, number_of, parse_time

Amounts = Mapping[str | None, Decimal]
"""Sums by currency; null where none is named."""


RATE_UNIT = Decimal("1e-12")


@dataclass(frozen=True)
class Rate:
    """What one unit of a currency is worth in the reporting currency, from a time on."""

    valid_from: datetime
    currency: str
    rate: Decimal


def clean_rates(delivered: Iterable[tuple[str, str, str]]) -> tuple[Rate, ...]:
    """Delivered rates (date, currency, rate) that are any; of two of one time the lower."""
    found: dict[tuple[datetime, str], Decimal] = {}
    for written, code, text in delivered:
        valid_from = parse_time(day_with_dashes(written), "UTC")
        currency = known_currency(code)
        rate = number_of(text, RATE_UNIT)
        if valid_from is None or currency is None or not rate or not 0 < rate < 10**6:
            continue
        key = (valid_from, currency)
        found[key] = min(rate, found.get(key, rate))
    return tuple(Rate(*key, rate) for key, rate in found.items())


def total(values: Iterable[Decimal]) -> Decimal | None:
    """Their sum; null, not 0, where there is none."""
    found = list(values)
    return sum(found, Decimal(0)) if found else None
