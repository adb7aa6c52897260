"""What values look like: times and how they are written, amounts and their decimal mark, ids.

Belongs here: the form of values. Not here: names (`words`), or reading values for a table: that is
the SQL of the dbt project.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from orchestration.drafts.fields import Field

_OFFSET = r"(?P<offset>\s*(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?))?"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?"
_HALF_DAY = r"(?:\s*[AaPp]\.?[Mm]\.?)"
_ISO = re.compile(
    rf"\d{{4}}-\d{{2}}-\d{{2}}(?P<clock>[T ]{_CLOCK})?{_OFFSET}"
    rf"|\d{{8}}(?P<basic>T\d{{6}}(?:[.,]\d+)?){_OFFSET.replace('offset', 'offset2')}",
    re.IGNORECASE,
)
_YEAR_FIRST = re.compile(
    rf"\d{{4}}[/.]\d{{1,2}}[/.]\d{{1,2}}(?P<clock>[T ,]+{_CLOCK}{_HALF_DAY}?)?{_OFFSET}"
    rf"|\d{{4}}-\d{{2}}-\d{{2}}(?P<basic>[T ]{_CLOCK}{_HALF_DAY})"
    rf"{_OFFSET.replace('offset', 'offset2')}"
)
_YEAR_LAST = re.compile(
    rf"(?P<a>\d{{1,2}})(?P<mark>[./-])(?P<b>\d{{1,2}})[./-]\d{{4}}"
    rf"(?P<clock>[T ,]+{_CLOCK}{_HALF_DAY}?)?{_OFFSET}"
)
_EPOCH = re.compile(r"(\d{9,10}|\d{12,13}|\d{15,16}|\d{18,19})(\.\d+)?")
_TIME_OF_DAY = re.compile(f"{_CLOCK}{_HALF_DAY}?")
_AMOUNT = re.compile(r"-?\d[\d., \u00a0]*")
_COMMA = re.compile(r"-?(\d+|\d{1,3}([. \u00a0]\d{3})+),\d{1,2}")
_POINT = re.compile(r"-?[\d,]*\.\d+")
_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}(\.\d{3})+")
_SYMBOLS = {"€": "EUR", "$": "USD", "£": "GBP", "zł": "PLN", "EUR": "EUR", "USD": "USD"}
_MANY_ROWS = 10
_ID = re.compile(r"[\w.:@|/+=-]{1,200}")


@dataclass(frozen=True)
class TimeForm:
    """How times are written.

    Attributes:
        order: `iso` (or an epoch), `day`, `month` or `year`: what a date begins with, where it is
            not ISO 8601's.
        has_clock: Whether a time of day is in it.
        is_local: Whether most are without an offset, and no epochs.
        is_sure: Whether the order is certain: some date can be read in this one only.
    """

    order: str
    has_clock: bool
    is_local: bool
    is_sure: bool = True


def share(field: Field, fits: Callable[[str], object]) -> float:
    """How many of the values fit, of all that were looked at."""
    looked_at = sum(count for _, count in field.common)
    return sum(count for value, count in field.common if fits(value.strip())) / max(looked_at, 1)


def time_form(field: Field) -> TimeForm | None:
    """How the times of a field are written; None if it holds no times."""
    # all of them: the commonest are only the first days of a log that is in order
    values = [value.strip() for value in field.values]
    if share(field, _is_epoch) > 0.9:
        return TimeForm("iso", has_clock=True, is_local=False)
    for order, pattern in (("iso", _ISO), ("year", _YEAR_FIRST), ("last", _YEAR_LAST)):
        if share(field, pattern.fullmatch) <= 0.8:
            continue
        found = [match for match in map(pattern.fullmatch, values) if match]
        groups = [match.groupdict() for match in found]
        has_clock = any(each.get("clock") or each.get("basic") for each in groups)
        with_offset = sum(bool(each.get("offset") or each.get("offset2")) for each in groups)
        is_local = with_offset < len(groups) / 2
        if order != "last":
            return TimeForm(order, has_clock, is_local)
        if any(int(each["a"]) > 12 for each in groups):
            return TimeForm("day", has_clock, is_local)
        if any(int(each["b"]) > 12 for each in groups):
            return TimeForm("month", has_clock, is_local)
        first = "month" if groups[0]["mark"] == "/" else "day"
        return TimeForm(first, has_clock, is_local, is_sure=False)
    return None


def is_time_of_day(field: Field) -> bool:
    """Whether a field holds times of day without a date."""
    return share(field, _TIME_OF_DAY.fullmatch) > 0.9


def has_half_days(field: Field) -> bool:
    """Whether times of day in a field say which half of the day they are in."""
    return share(field, re.compile(rf".*\d{_HALF_DAY}").match) > 0


def is_amount(field: Field) -> bool:
    """Whether a field holds numbers, with a currency's sign or without."""
    return share(field, lambda value: _AMOUNT.fullmatch(without_symbols(value))) > 0.8


def is_count(field: Field) -> bool:
    """Whether a field holds whole numbers as small as quantities are."""
    return share(field, re.compile(r"-?\d{1,4}([.,]0+)?").fullmatch) > 0.95


def without_symbols(value: str) -> str:
    """An amount without the sign of a currency."""
    for symbol in _SYMBOLS:
        value = value.replace(symbol, "")
    return value.strip(" \u00a0")


def symbols_in(field: Field) -> dict[str, str]:
    """The signs of currencies in the amounts of a field, each with its code."""
    return {
        symbol: code
        for symbol, code in _SYMBOLS.items()
        if share(field, lambda value, symbol=symbol: symbol in value) > 0.05
    }


def decimal_commas(fields: list[Field]) -> bool | None:
    """Whether amounts have decimal commas; None where nothing says so."""
    values = [
        without_symbols(value) for field in fields for value, _ in field.common if value.strip()
    ]
    commas = sum(bool(_COMMA.fullmatch(value)) for value in values)
    points = sum(
        bool(_POINT.fullmatch(value)) and not _THOUSANDS.fullmatch(value) for value in values
    )
    return None if commas == points else commas > points


def is_id(field: Field) -> bool:
    """Whether the values can be ids: no sentences, and no amounts with cents."""
    no_id = re.compile(r"-?\d+[.,]\d{1,2}|true|false")
    return share(field, _ID.fullmatch) > 0.9 and share(field, no_id.fullmatch) < 0.1


def has_cents(field: Field) -> bool:
    """Whether nearly all values are amounts with two decimals."""
    return share(field, re.compile(r"\d[\d., \u00a0]*[.,]\d{2}").fullmatch) > 0.9


def is_unique(field: Field) -> bool:
    """Whether hardly any value is there twice."""
    return len(field.values) >= 0.9 * field.filled


def is_address(field: Field) -> bool:
    """Whether the values are addresses of pages."""
    return share(field, re.compile(r"(https?://|/)\S*", re.IGNORECASE).match) > 0.7


def is_image(field: Field) -> bool:
    """Whether the values are addresses of pictures, by their endings."""
    ending = re.compile(r"[^?#]+\.(png|jpe?g|gif|webp|svg|avif|bmp|ico)([?#].*)?", re.IGNORECASE)
    return share(field, ending.fullmatch) > 0.5


def is_constant(field: Field) -> bool:
    """Whether many rows have the same value, so that it separates none of them."""
    return len(field.values) == 1 and field.filled >= _MANY_ROWS


def is_word(field: Field) -> bool:
    """Whether the values are few and have letters, as the names of events are."""
    has_letters = share(field, re.compile(r".*[^\W\d_]{2}.*").fullmatch) > 0.9
    few = len(field.values) <= max(12, min(300, field.filled // 3))
    return has_letters and few and share(field, lambda value: len(value) <= 80) > 0.95


def is_zone(value: str) -> bool:
    """Whether a text names a time zone."""
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        return False
    return True


def host_ending(address: str) -> str:
    """What the host of an address ends with: `de` of `https://shop.example.de/a`."""
    found = re.match(r"https?://[^/:?#]*\.([a-z]+)(?:[/:?#]|$)", address, re.IGNORECASE)
    return found[1].lower() if found else ""


def _is_epoch(value: str) -> bool:
    found = _EPOCH.fullmatch(value)
    if not found:
        return False
    digits = len(found[1])
    scale = 10 ** ({9: 0, 10: 0, 12: 3, 13: 3, 15: 6, 16: 6, 18: 9, 19: 9}[digits])
    return 946_684_800 <= int(found[1]) // scale < 4_102_444_800
