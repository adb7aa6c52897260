"""E-mail addresses, phone numbers and countries: one normal form, and from it the form of a tool.

Belongs here: what makes two spellings one address, the rules in which tools differ, and the hash.
Not here: which tool wants which form (`presets`), nor names and places (`names_and_places`).

There is no one rule. Google drops dots and `+...` of a gmail address before it hashes, Meta does
not; Google hashes a phone number with its `+`, Meta without. So nothing is kept hashed: the normal
form is, and each file hashes its own. Rules as of 2026-11; `RULESET` is in the manifest.

No message and no error holds a value: they are logged.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from orchestration.landing.addresses import GOOGLE, undone_float

RULESET = "2026-11"

EMPTY, LOOKS_HASHED, UNREADABLE = "empty", "looks_hashed", "unreadable"

# What hashes are written as: hexadecimal digits, as many as MD5, SHA-1, SHA-2 and SHA-3 have.
_HASH = re.compile(
    r"(?i)(?:0x)?(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64}|"
    r"[0-9a-f]{96}|[0-9a-f]{128})"
)
# Of such a local part the validator has nothing to say but that it is too long.
_PLAIN_LOCAL = re.compile(r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*")
_LONGEST_LOCAL, _LONGEST_ADDRESS = 64, 254
_OTHER_CODES = {"UK": "GB", "EL": "GR"}
# Countries without a numbering plan of their own in the tables of phonenumbers.
_COUNTRIES = frozenset(phonenumbers.SUPPORTED_REGIONS) | {"AQ", "BV", "GS", "HM", "PN", "TF", "UM"}


class UnusableValueError(ValueError):
    """A value that no tool could match.

    Attributes:
        fault: `empty`, `looks_hashed` or `unreadable`.
    """

    def __init__(self, fault: str) -> None:
        """Of the value nothing is kept: errors are logged."""
        super().__init__(fault)
        self.fault = fault


def sha256(text: str) -> str:
    """SHA-256 of a normalised value, in lower-case hexadecimal digits, without a salt.

    Raises:
        UnusableValueError: the text is a hash, or empty: that hash would be everybody's.
    """
    if not text:
        raise UnusableValueError(EMPTY)
    if _HASH.fullmatch(text):
        raise UnusableValueError(LOOKS_HASHED)
    return hashlib.sha256(text.encode()).hexdigest()


def normal_email(text: str | None) -> str:
    """An address in the one form by which addresses are compared and kept.

    NFC, lower case, without blanks around it. Nothing else is changed: dots and `+...` tell
    mailboxes apart everywhere but at Google.

    Raises:
        UnusableValueError: it is empty, a hash, or no address to which a message can be sent.
    """
    address = _plain(text)
    local, at, domain = address.rpartition("@")
    if not at or not local:
        raise UnusableValueError(UNREADABLE)
    if (
        _PLAIN_LOCAL.fullmatch(local)
        and len(local) <= _LONGEST_LOCAL
        and len(address) <= _LONGEST_ADDRESS
    ):
        return f"{local}@{_domain(domain)}"
    return _validated(address)


def normal_phone(text: str | None, country: str | None) -> str:
    """A phone number in E.164, such as `+447700900123`.

    Args:
        text: the number in any spelling.
        country: alpha-2 code of the country whose numbers are written without a prefix; None: only
            a number with its `+` can be read. No prefix is ever guessed, but one of that country
            which only lost its `+` is one.

    Raises:
        UnusableValueError: it is empty, a hash, or no number that there can be.
    """
    plain = undone_float(_plain(text))
    try:
        number = phonenumbers.parse(plain, country or None)
    except phonenumbers.NumberParseException:
        raise UnusableValueError(UNREADABLE) from None
    if plain and plain.startswith(str(number.country_code)):
        with suppress(phonenumbers.NumberParseException):
            full = phonenumbers.parse(f"+{plain}", None)
            number = full if phonenumbers.is_valid_number(full) else number
    if not phonenumbers.is_possible_number(number):
        raise UnusableValueError(UNREADABLE)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def normal_country(text: str | None) -> str:
    """A country's alpha-2 code in upper case; `UK` and `EL` are those of ISO 3166-1.

    Raises:
        UnusableValueError: it is empty or no such code.
    """
    code = _plain(text).upper()
    code = _OTHER_CODES.get(code, code)
    if code not in _COUNTRIES:
        raise UnusableValueError(UNREADABLE)
    return code


def email_google(email: str) -> str:
    """A normal address as Google hashes it: without dots and `+...` where the domain is gmail's.

    Raises:
        UnusableValueError: nothing is left before the @.
    """
    local, _, domain = email.rpartition("@")
    return _without_dots_and_tag(local, domain) if domain in GOOGLE else email


def email_strip_all(email: str) -> str:
    """A normal address as Reddit hashes it: of every domain without dots and `+...`.

    Raises:
        UnusableValueError: nothing is left before the @.
    """
    local, _, domain = email.rpartition("@")
    return _without_dots_and_tag(local, domain)


def _unchanged(value: str) -> str:
    return value


# How a normalised value is written, by the name that presets give it.
FORMS: dict[str, Callable[[str], str]] = {
    "plain": _unchanged,
    "email_google": email_google,
    "email_strip_all": email_strip_all,
    "phone_e164": _unchanged,
    "phone_digits": lambda phone: phone.removeprefix("+"),
    "country_upper": _unchanged,
    "country_lower": str.lower,
}


def _plain(text: str | None) -> str:
    """In NFC and lower case, without blanks and invisible characters around it."""
    value = (text or "").strip()
    if not value.isascii():
        value = unicodedata.normalize("NFC", value).strip("\u200b\u2060\ufeff").strip()
    if not value:
        raise UnusableValueError(EMPTY)
    if _HASH.fullmatch(value):
        raise UnusableValueError(LOOKS_HASHED)
    return value.lower() if value.isascii() else unicodedata.normalize("NFC", value.lower())


def _without_dots_and_tag(local: str, domain: str) -> str:
    mailbox = local.partition("+")[0].replace(".", "")
    if not mailbox:
        raise UnusableValueError(UNREADABLE)
    return f"{mailbox}@{domain}"


def _validated(address: str) -> str:
    try:
        valid = validate_email(address, check_deliverability=False, strict=True)
    except EmailNotValidError:
        raise UnusableValueError(UNREADABLE) from None
    return unicodedata.normalize("NFC", valid.normalized.lower())


@lru_cache(maxsize=100_000)
def _domain(domain: str) -> str:
    """A domain as the validator writes it; most people share few of them."""
    return _validated(f"a@{domain}").removeprefix("a@")
