"""Cutting the lines of a delimited file into fields.

Belongs here: quotes and escapes. Not here: what a line is (`lines`), or which lines belong to one
record (`csv_records`).
"""

import re
from contextlib import suppress

# Inside quotes: anything, quotes doubled, up to the quote that closes. Possessive, so a field that
# does not close fails at once.
_CLOSING = {
    "quote": re.compile(r'[^"]*+(?:""[^"]*+)*+"(?!")'),
    # the same with quotes and backslashes behind a backslash
    "backslash": re.compile(r'[^"\\]*+(?:(?:""|\\.|\\$)[^"\\]*+)*+"(?!")', re.DOTALL),
}
_OPENING = re.compile(r' *+"')
_ESCAPED = re.compile(r'\\(["\\])|""')


class StrayQuote(Exception):  # noqa: N818  # control flow between the modules that read CSV
    """Text follows a closing quote."""


def fields_of(text: str, delimiter: str, escape: str = "quote") -> list[str]:
    """The fields of one line, as far as it can be cut."""
    fields: list[str] = []
    with suppress(StrayQuote):
        Splitter(delimiter, escape).split(text, fields)
    return fields


class Splitter:
    """Cuts lines into fields. A field is quoted when it begins with a quote (spaces before and
    after do not count)."""

    def __init__(self, delimiter: str, escape: str = "quote") -> None:
        """Cut at ``delimiter``; ``escape`` is what stands before a quote within quotes, ``none``
        where nothing is quoted."""
        self.delimiter = delimiter
        self.has_quotes = escape != "none"
        self.closing = _CLOSING["quote" if escape == "none" else escape]
        self.has_backslashes = escape == "backslash"
        self.after_quotes = re.compile(f" *+({re.escape(delimiter)}|$)")
        # outside of quotes a backslash stands before what cuts fields and lines, and before itself:
        # MySQL and Adobe write so
        other = rf"[^\\{re.escape(delimiter)}]*+"
        self.bare = re.compile(rf"{other}(?:\\.{other})*+", re.DOTALL)
        self.bare_escaped = re.compile(rf"\\([\\\n{re.escape(delimiter)}]|\r\n?)")
        self.is_open_bare = False

    def split(self, text: str, fields: list[str], at: int = 0) -> list[str] | None:
        """Append the fields of ``text`` from ``at`` on.

        Returns:
            None, or the beginning of a field that the line leaves open, for ``close``: a quoted
            one, or with ``is_open_bare`` one that is not, where a backslash ends the line.

        Raises:
            StrayQuote: Text follows a closing quote.
        """
        if not self.has_quotes:
            fields.extend(text[at:].split(self.delimiter))
            return None
        while True:
            opening = _OPENING.match(text, at)
            if opening is None and self.has_backslashes:
                end = self.bare.match(text, at).end()
                if end < len(text) and text[end] == "\\":
                    self.is_open_bare = True
                    return [text[at:]]
                fields.append(self.bare_field([text[at:end]]))
                if end == len(text):
                    return None
                at = end + 1
                continue
            if opening is None:
                end = text.find(self.delimiter, at)
                if end < 0:
                    fields.append(text[at:])
                    return None
                fields.append(text[at:end])
                at = end + 1
                continue
            closing = self.closing.match(text, opening.end())
            if closing is None:
                self.is_open_bare = False
                return [text[opening.end() :]]
            fields.append(self._plain(text[opening.end() : closing.end() - 1]))
            after = self.after_quotes.match(text, closing.end())
            if after is None:
                raise StrayQuote
            if not after[1]:
                return None
            at = after.end()

    def close(self, text: str, opened: list[str], fields: list[str]) -> list[str] | None:
        """Go on in the next line of an open field; returns and raises as ``split``."""
        if self.is_open_bare:
            return self._close_bare(text, opened, fields)
        closing = self.closing.match(text)
        opened.append(text if closing is None else text[: closing.end() - 1])
        if closing is None:
            return opened
        fields.append(self._plain("".join(opened)))
        after = self.after_quotes.match(text, closing.end())
        if after is None:
            raise StrayQuote
        return self.split(text, fields, after.end()) if after[1] else None

    def _close_bare(self, text: str, opened: list[str], fields: list[str]) -> list[str] | None:
        end = self.bare.match(text).end()
        opened.append(text[:end])
        if end < len(text) and text[end] == "\\":
            opened[-1] = text
            return opened
        fields.append(self.bare_field(opened))
        return None if end == len(text) else self.split(text, fields, end + 1)

    def bare_field(self, parts: list[str]) -> str:
        """A field that is not quoted, of its lines and what ends them, without its escapes."""
        text = "".join(parts)
        return self.bare_escaped.sub(r"\1", text) if "\\" in text else text

    def _plain(self, inside: str) -> str:
        """What stands between quotes, without its escapes."""
        if self.has_backslashes:
            return _ESCAPED.sub(lambda found: found[1] or '"', inside)
        return inside.replace('""', '"')
