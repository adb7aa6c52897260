"""How a delimited file is laid out: delimiter, column names, and where its rows begin.

Belongs here: deciding that from the first lines. Not here: reading the rows (`csv_files`), or
cutting a line into fields (`csv_fields`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePath
from urllib.parse import unquote

from orchestration.landing.csv_fields import fields_of
from orchestration.landing.lines import MARK, Line, is_blank, text_lines
from orchestration.landing.signatures import SAMPLE_ROWS, Row, name_key
from orchestration.landing.sources import Source
from orchestration.landing.streams import ByteStream

DELIMITERS = (",", ";", "\t", "|")
# A report of a few lines may stand before the header; further down a line that looks like one is
# a row.
LINES_BEFORE_HEADER = 50
AS_DECLARED = "no header line; columns taken in the declared order"
"""The note about a file without a header line; nothing is wrong with it."""

_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
_NO_NAME = re.compile(r"\s*([-+]?\d|$)")


@dataclass(frozen=True, slots=True)
class Layout:
    """Delimiter and column names of a file, and the line its header is on (0: it has none).

    ``skipped_lines`` come before the rows: the header's and those above it. ``is_known`` is false
    when none of its columns is one that the source needs. ``sample`` are the first lines of the
    rows, ``unnamed`` the first lines of a file without a header that the source knows. ``is_text``
    is true where no delimiter cuts the lines into the same number of fields. ``has_quote_above``
    says whether a quote stands above the header. ``escape`` is what stands before a quote within
    quotes, ``none`` where nothing is quoted. ``header_text`` is the line of the header.
    """

    delimiter: str
    names: tuple[str, ...]
    header_line: int
    is_known: bool
    note: str | None = None
    skipped_lines: int = 0
    sample: tuple[Line, ...] = ()
    unnamed: tuple[Line, ...] = ()
    is_text: bool = False
    has_quote_above: bool = False
    escape: str = "quote"
    header_text: str = ""

    @property
    def delivered_names(self) -> tuple[str, ...]:
        """What stands where the names of columns do; the source may know none of them."""
        if not self.unnamed:
            return self.names
        return names_in(fields_of(_text(self.unnamed[0]), self.delimiter))

    def rows(self) -> Iterator[Row]:
        """Some of the first rows, by the names that were delivered, as far as each can be cut."""
        names = self.delivered_names
        for line in self.sample:
            yield dict(zip(names, fields_of(_text(line), self.delimiter), strict=False))

    def unnamed_lines(self) -> list[str]:
        """The lines of ``unnamed``, whatever cuts them."""
        return [_text(line) for line in self.unnamed]


def layout_of(stream: ByteStream, source: Source, limit: int) -> Layout:
    """Find delimiter and columns from the first lines that are not blank.

    The first line is a header if it names at least two declared columns (or its only one). Else, if
    it, or half of the first lines, has as many fields as the source's declared header, that is the
    order. Else a line below is the header that has names in all its fields, two of them declared
    and one of these required.
    Else the file's columns are unknown. Excel's line ``sep=;`` names the delimiter and is no row.
    """
    first_lines = islice(
        text_lines(stream, limit, are_returns_ends=True), LINES_BEFORE_HEADER + SAMPLE_ROWS
    )
    lines = [line for line in first_lines if not is_blank(line)]
    delimiters, above = DELIMITERS, 0
    if lines and (separator := separator_in(_text(lines[0]))):
        delimiters, above = (separator,), lines[0].number
        lines = lines[1:]
    if not lines:
        return Layout(delimiters[0], (), 0, False, skipped_lines=above)
    first = {each: fields_of(_text(lines[0]), each) for each in delimiters}
    best = max(delimiters, key=lambda delimiter: source.knows(first[delimiter]))
    names = names_in(first[best])
    if source.knows(names) >= max(1, min(2, len(names))):
        return _with_header(lines, 0, best, names, source)
    later = _header_below(lines, delimiters, source)
    if later and _is_report(lines, *later):
        return _with_header(lines, later[0], *later[1:], source)
    rest = {"sample": tuple(lines[1 : SAMPLE_ROWS + 1]), "unnamed": tuple(lines[:SAMPLE_ROWS])}
    for delimiter in delimiters if source.header else ():
        if _has_width(lines, delimiter, source):
            rest |= {"skipped_lines": above, "escape": source.escape}
            return Layout(delimiter, source.header, 0, True, AS_DECLARED, **rest)
    widest = max(delimiters, key=lambda delimiter: len(first[delimiter]))
    is_text = not any(_cuts(lines, delimiter) for delimiter in delimiters)
    names = tuple(first[widest])
    return Layout(widest, names, 0, False, skipped_lines=above, is_text=is_text, **rest)


def separator_in(line: str) -> str | None:
    """The delimiter that Excel's line ``sep=;`` names; None for any other line."""
    found = _SEPARATOR_LINE.fullmatch(line.strip(" \r\n"))
    return found[1] if found else None


def names_in(fields: Sequence[str]) -> tuple[str, ...]:
    """The column names in the fields of a header."""
    return tuple(name.strip() for name in fields)


def header_keys(names: Sequence[str], source: Source) -> frozenset[str]:
    """What the first field of a header is as `name_key` has it: the file's own, or any declared."""
    return frozenset(map(name_key, (names[0], *source.spellings))) - {""}


def is_header(fields: Sequence[str], source: Source) -> bool:
    """Whether a line in the middle of a file can only be a header: names in all its fields, two of
    them declared, one of these required."""
    named = [*fields]
    while named and not named[-1].strip():
        named.pop()
    return (
        source.knows(named) >= 2
        and source.accepts(named)
        and not any(_NO_NAME.match(name) for name in named)
    )


def folder_columns(name: str) -> dict[str, str]:
    """The columns that Hive's folders in a file's name give all its rows: ``country=DE/a.csv``."""
    parts = PurePath(name.partition("://")[2] or name).parent.parts
    pairs = [part.partition("=") for part in parts if re.fullmatch(r"[A-Za-z_][\w-]*=.+", part)]
    # Hive writes characters that a path cannot have as %XX
    return {key: unquote(value) for key, _, value in pairs if value != _HIVE_NULL}


def _with_header(
    lines: list[Line], at: int, delimiter: str, names: tuple[str, ...], source: Source
) -> Layout:
    header = lines[at].number
    above = lines[:at]
    return Layout(
        delimiter,
        names,
        header,
        source.accepts(names),
        _note_above(len(above)),
        skipped_lines=header,
        sample=tuple(lines[at + 1 : at + 1 + SAMPLE_ROWS]),
        has_quote_above=any('"' in line.text for line in above),
        escape="quote" if source.escape == "none" else source.escape,
        header_text=_text(lines[at]),
    )


def _note_above(count: int) -> str | None:
    if not count:
        return None
    lines = "1 line before the header is" if count == 1 else f"{count} lines before the header are"
    return f"{lines} not read"


def _header_below(
    lines: list[Line], delimiters: Sequence[str], source: Source
) -> tuple[int, str, tuple[str, ...]] | None:
    for at, line in enumerate(lines[1:LINES_BEFORE_HEADER], start=1):
        for delimiter in delimiters:
            fields = fields_of(_text(line), delimiter)
            if is_header(fields, source):
                return at, delimiter, names_in(fields)
    return None


def _is_report(lines: list[Line], at: int, delimiter: str, names: tuple[str, ...]) -> bool:
    """Whether the lines above a header are a report, and not the rows of a file without a header
    that another one was put behind: those are as wide as it, with more than two values."""
    above = (fields_of(_text(line), delimiter) for line in lines[:at])
    return not any(
        len(fields) == len(names) and sum(bool(field.strip()) for field in fields) > 2
        for fields in above
    )


def _has_width(lines: list[Line], delimiter: str, source: Source) -> bool:
    """Whether a delimiter cuts the first line, which may be a bad row, or else half of the first
    lines into as many fields as the source's declared header has."""
    fits = [
        len(fields_of(_text(line), delimiter, source.escape)) == len(source.header)
        for line in lines[:SAMPLE_ROWS]
    ]
    return fits[0] or 2 * sum(fits) >= len(fits)


def _cuts(lines: list[Line], delimiter: str) -> bool:
    """Whether a delimiter cuts most lines into the same number of fields, at least two."""
    counts = [len(fields_of(_text(line), delimiter)) for line in lines[:20]]
    common = max(set(counts), key=counts.count)
    return common > 1 and counts.count(common) >= 0.8 * len(counts)


def _text(line: Line) -> str:
    return line.text.removeprefix(MARK)
