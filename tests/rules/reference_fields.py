"""The fields of a delivered row, one by one: ids, times, quantities, amounts, currencies.

Belongs here: what a text means on its own. Not here: what becomes of the row (reference_rows.py).
"""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

NOBODY = frozenset(
    {
        "null",
        "nil",
        "none",
        "nan",
        "n/a",
        "na",
        "undefined",
        "unknown",
        "(not set)",
        "(none)",
        "\\n",
        "anonymous",
        "guest",
        "[object object]",
        hashlib.sha256(b"").hexdigest(),
        "(no consent)",
    }
)
NO_NUMBER = {"nan", "anonymous", "guest", "[object object]", "(no consent)"}
NOT_GIVEN = NOBODY - NO_NUMBER | {"-", "--", ""}
NO_ITEM = frozenset(
    {"", "null", "nil", "none", "nan", "n/a", "undefined", "(not set)", "(none)", "\\n"}
    | {"[object object]"}
)
BLANKS = "".join(
    chr(code)
    for code in range(0x10000)
    if chr(code).isspace() or code in (0x180E, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF)
)
QUOTES = "\"'`\u00ab\u00bb" + "".join(map(chr, range(0x2018, 0x2020)))

DASHES = "".join(map(chr, range(0x2010, 0x2016))) + "\u2212"


def known_id(text: str | None) -> str | None:
    """The id of a visitor, user, order or event, or null where it means nobody."""
    return None if text is None or means_nobody(text) else whole_number(text.strip(BLANKS))


def known_item(text: str | None) -> str | None:
    """The id of an item, which may be 0, or null where it means none."""
    is_none = text is None or text.strip(BLANKS).lower() in NO_ITEM
    return None if is_none else whole_number(text.strip(BLANKS))


def given_text(text: str | None) -> str | None:
    """A text, or null where a dump wrote that there is none."""
    return None if text in (None, "", "\\N") else text


def means_nobody(text: str) -> bool:
    """Placeholders, in quotes or repeated, and what has nothing but zeros and signs."""
    if not text.strip(BLANKS + QUOTES + DASHES + "{}0-"):
        return True
    parts = [part.strip(BLANKS + QUOTES).lower() for part in text.split("-")]
    return all(part in NOBODY or re.fullmatch(NOUGHT, part) for part in parts)


def whole_number(id_: str) -> str:
    """An id that is a whole number written as a float, as that number; others as they are."""
    if is_rounded(id_) or not re.fullmatch(r"-?\d+(\.\d*|,0)|" + EXPONENT, id_, re.ASCII):
        return id_
    number = Decimal(id_.replace(",", "."))
    return str(int(number)) if number == int(number) and abs(number) < 10**15 else id_


NOUGHT = r"0*(\.0+)?|0+(\.|,0)|0([.,]0+e\+?|e\+)\d{1,3}"
EXPONENT = r"-?\d(?:[.,]\d+[eE]\+?|[eE]\+)\d{1,3}"


def is_rounded(id_: str | None) -> bool:
    """Whether an id is a float that shows fewer digits than it had, or had more than 15."""
    if id_ is None:
        return False
    if re.fullmatch(EXPONENT, id_, re.ASCII):
        mantissa, exponent = re.split("[eE]", id_.replace(",", "."))
        return int(exponent) > min(len(mantissa.partition(".")[2]), 14)
    return re.fullmatch(r"-?\d{16,}(\.0*|,0)", id_, re.ASCII) is not None


def day_with_dashes(text: str) -> str:
    """20261231 alone as 2026-12-31, where no epoch is meant."""
    return re.sub(r"^\s*(\d{4})(\d\d)(\d\d)\s*$", r"\1-\2-\3", text)


def parse_time(text: str | None, zone: str) -> datetime | None:
    """An instant in UTC from ISO 8601 or an epoch in s, ms, us or ns; null if it is neither."""
    plain = str.maketrans(dict.fromkeys(BLANKS, " ") | {"\u2212": "-"})
    text = (text or "").translate(plain).strip(" ")
    if re.fullmatch(r"\d(\.\d+)?[eE]\+?\d{1,2}", text, re.ASCII):
        mantissa, exponent = re.split("[eE]", text)
        has_all_digits = len(mantissa.partition(".")[2]) >= int(exponent)
        text = f"{Decimal(text):f}" if has_all_digits else ""
    if re.fullmatch(r"\d{1,20}(\.\d*)?", text, re.ASCII):
        number = Decimal(text)
        # Seconds of 11 digits begin in the year 5138, milliseconds of 11 digits end in 1973.
        per_second = next(10**power for power in (0, 3, 6, 9) if number < 10 ** (11 + power))
        microseconds = int(number * 10**6 // per_second)
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    found = re.fullmatch(
        r"(\d{4}-?\d\d-?\d\d(?:[Tt ]\d\d(?::?\d\d(?::?\d\d)?)?)?)(?:[.,](\d+))?"
        r"(?:\s*([zZ](?:\s*(?:UTC|GMT))?|UTC|GMT)|\s*([+-])(\d\d):?(\d\d)?(?:\s*(?:UTC|GMT))?)?",
        text,
        re.ASCII,
    )
    if found is None:
        return None
    clock, fraction, is_utc, sign, hours, minutes = found.groups()
    # a fraction is of a second
    if fraction and not re.search(r"[Tt ]\d\d:?\d\d:?\d\d$", clock):
        return None
    # the end of a day is the beginning of the next
    morning = re.sub(r"(?<=[Tt ])24(?=(:?00(:?00)?)?$)", "00", clock)
    try:
        instant = datetime.fromisoformat(morning.upper())
    except ValueError:
        return None
    if morning != clock and (fraction or "").strip("0"):
        return None
    instant += timedelta(days=morning != clock)
    instant += timedelta(microseconds=int((fraction or "0").ljust(6, "0")[:6]))
    if sign is None:
        # Of two instants at which clocks showed it, the first: that is what fold=0 means.
        return instant.replace(tzinfo=UTC if is_utc else ZoneInfo(zone)).astimezone(UTC)
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    if offset > timedelta(hours=14) or int(minutes or 0) > 59:
        return None
    return instant.replace(tzinfo=UTC) - (offset if sign == "+" else -offset)


def whole_quantity(text: str | None) -> int | None:
    """A whole number, else null; 0 and less mean something in a cart."""
    value = number_of(text, Decimal("0.000001"))
    is_whole = value is not None and value == int(value) and abs(value) < 2**31
    return int(value) if is_whole else None


def amount(text: str | None) -> Decimal | None:
    """A number of at least 0 and of at most 14 digits before the point, else null."""
    value = number_of(text, Decimal("0.0001"))
    return value if value is not None and 0 <= value < 10**14 else None


def number_of(text: str | None, unit: Decimal) -> Decimal | None:
    """A number rounded to a unit, else null."""
    text = (text or "").strip(BLANKS)
    if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?", text, re.ASCII):
        return None
    value = Decimal(text)
    return value.quantize(unit, ROUND_HALF_UP) if abs(value) < 10**18 else None


def known_currency(text: str | None) -> str | None:
    """A code out of ISO 4217, else null; only the codes that the tests use are known here."""
    code = (text or "").strip(BLANKS).upper()
    return code if code in {"EUR", "USD", "GBP", "JPY"} else None
