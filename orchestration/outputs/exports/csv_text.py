"""Cells that no spreadsheet runs, and the bytes of a CSV file.

Belongs here: what of a text is safe in a cell, and how cells become bytes. Not here: which cells
there are (`rows`).

A spreadsheet runs a cell that begins with = + - or @, and some take their full-width forms for the
same. It also splits where its country's separator is, whatever the file's is: in `a;=1+1` the
second cell runs. An identifier is a key to join on, so it is never altered: one that could run is
refused. Free text that could is left out whole.

A file is UTF-8 without a byte order mark, lines end in `\\n`, cells stand in quotes where RFC 4180
asks for them, the header is always there: the same cells, the same bytes.
"""

import csv
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from orchestration.ground.hours import iso

TRIGGERS = ("=", "+", "-", "@", "\u2212")
# A cell ends at any of these in some spreadsheet; a quote may open what follows it.
_SEPARATORS = re.compile(r"[,;\t\r\n\"]")
# Separators of lines count as control characters: whatever reads line by line breaks there.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Marks that turn the reading direction would turn the rest of the line, too.
_DIRECTION = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_INVISIBLE = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


def can_run(text: str) -> bool:
    """Whether a spreadsheet could take the text, or a part it splits off, for a formula."""
    if text.isascii() and text[:1].isalnum() and not _SEPARATORS.search(text):
        return False
    return any(_begins_formula(piece) for piece in _SEPARATORS.split(text))


def has_control(text: str) -> bool:
    """Whether there are control characters in a text, or separators of lines."""
    return _CONTROL.search(text) is not None


def is_safe_identifier(text: str) -> bool:
    """Whether an identifier may stand in a file as it is."""
    return not has_control(text) and _DIRECTION.search(text) is None and not can_run(text)


def safe_text(text: str) -> str:
    """Free text for a cell: without control characters, and empty if it could be a formula."""
    if can_run(text):
        return ""
    visible = _DIRECTION.sub("", _CONTROL.sub("", re.sub(r"[\t\r\n\u2028\u2029]+", " ", text)))
    visible = visible.strip()
    return "" if can_run(visible) else visible


def number(value: float | Decimal) -> str:
    """A number with a decimal point and without an exponent; empty for what is no number.

    Floats have four decimals at most, so that no digits come from their binary form.
    """
    exact = Decimal(str(value))
    if not exact.is_finite():
        return ""
    if isinstance(value, float):
        exact = round(exact, 4)
    text = f"{exact:f}"
    return text.rstrip("0").rstrip(".") or "0" if "." in text else text


def time(at: datetime, form: str) -> str:
    """A time in the form of a preset.

    Args:
        at: naive, in UTC.
        form: `iso` (ISO 8601 with Z, whole seconds), `epoch_seconds`, `epoch_milliseconds`, or what
            `strftime` takes.
    """
    whole = at.replace(microsecond=0)
    if form == "iso":
        return iso(whole)
    seconds = int((whole - datetime(1970, 1, 1)).total_seconds())  # noqa: DTZ001 naive UTC
    match form:
        case "epoch_seconds":
            return str(seconds)
        case "epoch_milliseconds":
            return str(1000 * seconds)
    return whole.strftime(form)


def shortened(text: str, most_bytes: int) -> str:
    """The text cut to so many bytes of UTF-8, never within a character."""
    return text.encode()[:most_bytes].decode(errors="ignore")


def lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as the lines of a file, without their ends.

    Raises:
        ValueError: a cell holds the end of a line.
    """
    found = [",".join(map(_quoted, row)) or '""' for row in rows]
    if any("\n" in line or "\r" in line for line in found):
        raise ValueError("a cell holds the end of a line")
    return found


def cells(line: str) -> list[str]:
    """The cells of a line."""
    return next(csv.reader([line]))


def to_bytes(header: Sequence[str], rows: Iterable[str]) -> bytes:
    """The bytes of a file of such lines; the header alone where there are none."""
    return "\n".join([*lines([header]), *rows, ""]).encode()


def _quoted(cell: str) -> str:
    """The cell in quotes where it needs them; csv.writer would take six times as long."""
    if "," in cell or '"' in cell:
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _begins_formula(piece: str) -> bool:
    for sign in piece:
        if unicodedata.category(sign) not in _INVISIBLE:
            return unicodedata.normalize("NFKC", sign)[:1] in TRIGGERS
    return False
