"""How a text may be escaped where it stands within another: in JSON, an address of the web, HTML.

Belongs here: one regular expression for all of that, which DuckDB and Python read alike, and the
texts without their escapes. Not here: other spellings of an address (`privacy.spellings`).
"""

import html
import re
from collections.abc import Iterable, Iterator
from functools import cache
from html.entities import codepoint2name
from urllib.parse import unquote, unquote_plus

# Letters that end an escape, and so no word, though they could be one's: a text begins behind them.
ESCAPES = r"%[0-9A-Fa-f]{2}|(?:\\|%5[Cc])(?:u[0-9A-Fa-f]{4}|[bfnrt])"

# Behind such an escape, or where no word goes on: for Python, whose looks behind have one width.
_BEHIND = (
    *("%[0-9A-Fa-f]{2}", r"\\u[0-9A-Fa-f]{4}", r"\\[bfnrt]"),
    *("%5[Cc]u[0-9A-Fa-f]{4}", "%5[Cc][bfnrt]"),
)
_PLAIN = re.compile(r"[A-Za-z0-9_.-]")
# A backslash, which an address of the web may have as %5C.
_BACKSLASH = r"(?:\\|%(?:25)*5[Cc])"
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_LETTERS = {character: letter for letter, character in _CONTROLS.items()}


def is_escapable(text: str) -> bool:
    """Whether some character of it may be escaped."""
    return _PLAIN.sub("", text) != ""


def plain_parts(text: str) -> list[str]:
    """The parts of it that are never escaped."""
    return re.findall(rf"{_PLAIN.pattern}+", text)


def escaped_or_not(text: str) -> str:
    """A regular expression for the text, any of its characters escaped, also twice."""
    return "".join(map(_character_escaped_or_not, text))


@cache
def _character_escaped_or_not(character: str) -> str:
    if _PLAIN.match(character):
        return re.escape(character)
    return f"(?:{'|'.join(_forms(character))})"


def begins_word(letters: str) -> str:
    """A regular expression of Python for where a word of these letters, a class, may begin."""
    return f"(?:(?<![{letters}])|{'|'.join(f'(?<={each})' for each in _BEHIND)})"


def masked(text: str, texts: Iterable[str]) -> str:
    """The text with asterisks in place of others, escaped or not."""
    for each in texts:
        text = re.sub(escaped_or_not(each), "***", text)
    return text


def readings(text: str) -> Iterator[str]:
    """The text, and what it says where its escapes are undone, in each way that can be meant."""
    yield text
    found = {text}
    for encoding in ("utf-8", "latin-1"):
        plain = text
        for _ in range(3):  # escaped within what was escaped
            unescaped = _JSON_ESCAPE.sub(_character, plain)
            plain = _whole(html.unescape(unquote(unescaped, encoding)))
            ways = [plain, plain.replace("+", " "), _whole(unescaped)]
            if "+" in unescaped and "%" in unescaped:  # blanks and pluses, each as a form has it
                ways.append(_whole(html.unescape(unquote_plus(unescaped, encoding))))
            for each in ways:
                if each not in found:
                    found.add(each)
                    yield each


def _whole(text: str) -> str:
    """The text with the halves of its surrogates put together."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


_JSON_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|([bfnrt\"/\\]))")


def _character(escape: re.Match[str]) -> str:
    code, letter = escape.groups()
    if code:
        return chr(int(code, 16))
    return _CONTROLS.get(letter, letter)


def _forms(character: str) -> Iterator[str]:
    # JSON within JSON has its backslashes twice
    before = f"{_BACKSLASH}*"
    yield before + re.escape(character)
    units = character.encode("utf-16-be")
    yield "".join(rf"{_BACKSLASH}+u{_hex(units[at : at + 2])}" for at in range(0, len(units), 2))
    if character in _LETTERS:
        yield f"{_BACKSLASH}+{_LETTERS[character]}"
    for encoding in ("utf-8", "latin-1"):
        content = character.encode(encoding, errors="ignore")
        if content:
            codes = "".join(f"%(?:25)*{_hex(content[at : at + 1])}" for at in range(len(content)))
            yield before + codes
    if character == " ":
        yield r"\+"
    if character == '"':
        yield '""'
    code = ord(character)
    yield f"{before}&#0*{code};"
    yield f"{before}&#[xX]0*(?i:{code:x});"
    if code in codepoint2name:
        yield f"{before}&{codepoint2name[code]};"


def _hex(content: bytes) -> str:
    return f"(?i:{content.hex()})"
