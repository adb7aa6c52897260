"""What of an e-mail address or a telephone number counts: two spellings of one have the same key.

Belongs here: the keys by which suppressions find people and erased people are recognised. Not here:
what a tool may be sent (`outputs.exports` refuses more), or who has which address. A key is for
comparing: it errs towards one person, since whoever said no must be found.
"""

import re
import unicodedata
from contextlib import suppress

import duckdb
import phonenumbers

from orchestration.ground.countries import country_code
from orchestration.ground.sql import define_function

# blanks, and what is not seen: marks of direction and width come along when an address is pasted
_BLANKS = re.compile(
    r"[\s\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]+"
)
# what lists put around and between addresses, and a spreadsheet in front of a text
_AROUND = "'\",;"
_WITHIN = re.compile(r"<([^<>]+@[^<>]+)>$")
GOOGLE = ("gmail.com", "googlemail.com")
"""Hosts of which one mailbox has both addresses, with dots and tags or without."""

# what a spreadsheet or a frame with gaps makes of a number
_FLOAT = re.compile(r"(\d+)[.,]0+")
_SCIENTIFIC = re.compile(r"(\d)(?:[.,](\d+))?[eE]\+?(\d{1,2})")
_LEAST_DIGITS = 5
_FIRST_DIGITS = tuple("123456789")


def bare_email(text: str | None) -> str:
    """An e-mail address without what lists and people write around it, in lower case."""
    address = _BLANKS.sub("", unicodedata.normalize("NFKC", text or "")).strip(_AROUND)
    if within := _WITHIN.search(address):
        address = within[1]
    return address.lower().removeprefix("mailto:")


def email_key(text: str | None) -> str | None:
    """The key of an e-mail address; None without one.

    Case, blanks, marks that are not seen, Unicode forms such as full-width letters, quotes and
    separators around it and a display name do not count, nor, in a mailbox of Google, dots and what
    follows a plus: Google delivers both to the same person.
    """
    address = bare_email(text)
    local, at, domain = address.rpartition("@")
    local = local.strip('"')
    if not at:
        return address or None
    with suppress(UnicodeError):
        domain = domain.rstrip(".").encode("idna").decode()
    if domain in GOOGLE:
        local, domain = local.partition("+")[0].replace(".", ""), GOOGLE[0]
    return f"{local}@{domain}"


def phone_key(text: str | None, country: str | None = None) -> str | None:
    """The key of a telephone number: `+` and digits; the digits alone, without zeros before them,
    where neither the number nor `country` says of which country it is; None without a number.

    Args:
        text: The number as it was written.
        country: A code or name of the country that it is of, if it does not say that itself.
    """
    text = undone_float((text or "").strip())
    if not text:
        return None
    region = country_code(country)
    if region is None:
        text = re.sub(r"^\s*00", "+", text)
    number = _number(text, region)
    # the plus is easily lost, to a spreadsheet for one
    if text[:1] in _FIRST_DIGITS and (full := _number(f"+{text}", None)):
        is_of_region = full.country_code == phonenumbers.country_code_for_region(region or "")
        is_better = region is None or is_of_region or number is None
        if is_better and phonenumbers.is_valid_number(full):
            number = full
    if number and phonenumbers.is_possible_number(number):
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    digits = phonenumbers.normalize_digits_only(text).lstrip("0")
    return digits if len(digits) >= _LEAST_DIGITS else None


def undone_float(text: str) -> str | None:
    """A telephone number as it was before it became a float (`4915123456789.0`), any other as it
    is; None for a float that lost digits (`4.91512E+12`)."""
    if whole := _FLOAT.fullmatch(text):
        return whole[1]
    if not (found := _SCIENTIFIC.fullmatch(text)):
        return text
    digits, places = found[1] + (found[2] or ""), int(found[3]) + 1
    return digits[:places] if len(digits) >= places and not digits[places:].strip("0") else None


def national_digits(key: str) -> str | None:
    """The key that a number has where nobody says of which country it is; None for no number."""
    if not key.startswith("+"):
        return key
    number = _number(key, None)
    return number and (phonenumbers.national_significant_number(number).lstrip("0") or None)


def _number(text: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    with suppress(phonenumbers.NumberParseException):
        return phonenumbers.parse(text, region)
    return None


def define_address_keys(con: duckdb.DuckDBPyConnection) -> None:
    """Give SQL on this connection `email_key(text)`, `phone_key(text, country)` and
    `country_code(text)`; null gives null."""
    # an empty text in the place of null: DuckDB calls no function for that
    define_function(con, "email_key", lambda text: email_key(text), 1)
    define_function(con, "phone_key", lambda text, country: phone_key(text, country), 2)
    define_function(con, "country_code", lambda text: country_code(text), 1)
