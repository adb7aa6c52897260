"""The spellings in which an e-mail address or a telephone number may stand somewhere.

Belongs here: making them out of the address, to search for. Not here: the search
(`residue_search`), or what makes two spellings one address (`landing.addresses`).
"""

import base64
import hashlib
import json
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from urllib.parse import quote

import phonenumbers

from orchestration.landing.addresses import GOOGLE, email_key, national_digits, phone_key

# Fewer come about by chance in numbers.
_LEAST_DIGITS = 10


def spellings(emails: Iterable[str], phones: Iterable[str]) -> list[str]:
    """Every spelling of some addresses: as delivered and normalised, escaped, encoded, hashed.

    Digits alone are given only where they are too many to be anything else.
    """
    plain = {text for email in emails for text in _of_email(email)}
    plain |= {text for phone in phones for text in _of_phone(phone)}
    every = {each for text in plain for each in _encoded(text)}
    return sorted(
        each for each in every if len(each) >= _LEAST_DIGITS or (not each.isdecimal() and each)
    )


def hashes_without_tags(emails: Iterable[str]) -> list[str]:
    """The hashes of addresses without dots and `+...`, as some ads tools get them.

    At most hosts the address without them may be somebody else's: nothing is proved by them.
    """
    return sorted(hashlib.sha256(_without_tag(each).encode()).hexdigest() for each in emails)


def _of_email(email: str) -> Iterator[str]:
    stripped = email.strip()
    key = email_key(email) or stripped
    yield from (stripped, stripped.lower(), stripped.upper(), key)
    local, _, host = key.rpartition("@")
    if host in GOOGLE:  # with either host it is one mailbox, and has another hash
        yield from (f"{local}@{each}" for each in GOOGLE)


def _without_tag(email: str) -> str:
    address = unicodedata.normalize("NFC", email.strip()).lower()
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"


def _of_phone(phone: str) -> Iterator[str]:
    yield phone.strip()
    key = phone_key(phone)
    if key is None:
        return
    digits, national = key.lstrip("+"), national_digits(key) or ""
    yield from (key, digits, national, f"0{national}")
    if not key.startswith("+"):
        return
    yield f"00{digits}"
    with suppress(phonenumbers.NumberParseException):
        number = phonenumbers.parse(key)
        for form in (
            phonenumbers.PhoneNumberFormat.INTERNATIONAL,
            phonenumbers.PhoneNumberFormat.NATIONAL,
            phonenumbers.PhoneNumberFormat.RFC3966,
        ):
            yield phonenumbers.format_number(number, form)


def _encoded(text: str) -> Iterator[str]:
    """The text, and what tools and formats make of it."""
    yield text
    escaped = json.dumps(text)[1:-1]
    yield from (escaped, escaped.replace("@", "\\u0040").replace("+", "\\u002b"))
    percent = quote(text, safe="")
    yield from (percent, quote(text, safe="@+"), percent.replace("%2B", "%2b"))
    content = text.encode()
    yield base64.b64encode(content).decode()
    yield hashlib.sha256(content).hexdigest()
    yield hashlib.md5(content, usedforsecurity=False).hexdigest()
