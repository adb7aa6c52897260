"""Texts that are escaped within others, by what escapes them, in SQL, in Python and read back."""

import html
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import duckdb
import pytest

from orchestration.landing.escapes import begins_word, escaped_or_not, is_escapable, readings
from orchestration.landing.tombstones import WORD
from orchestration.privacy.erasure import words_match

IDS = [
    "müller-anna-77",
    "slash/anna-99",
    'o\'brien "x" & co',
    "emoji😀-12345",
    "a+b@c-99",
    "back\\slash-77",
    "straße 5-anna",
    "phone-of-anna-01",
    "anna~77~zeta",
    "tab\tanna-99",
]
WAYS: list[Callable[[str], str]] = [
    str,
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text).replace("/", "\\/")[1:-1],
    lambda text: json.dumps(json.dumps(text))[3:-3],
    quote,
    lambda text: quote(text, safe=""),
    lambda text: quote(quote(text, safe=""), safe=""),
    quote_plus,
    lambda text: re.sub("%..", lambda code: code[0].lower(), quote(text)),
    lambda text: quote(text, safe="", encoding="latin-1" if "ü" in text else None),
    html.escape,
    lambda text: text.encode("ascii", "xmlcharrefreplace").decode(),
    # JSON within an address, and within HTML
    lambda text: quote(json.dumps(text)[1:-1], safe=""),
    lambda text: quote(json.dumps(text).replace("/", "\\/")[1:-1], safe=""),
    lambda text: quote(quote(json.dumps(text)[1:-1], safe=""), safe=""),
    lambda text: quote(json.dumps(json.dumps(text))[3:-3], safe=""),
    lambda text: html.escape(json.dumps(text)[1:-1]),
    # as Java does it
    lambda text: quote_plus(text).replace("~", "%7E"),
]
AROUND = [
    *("{}", "?v={}&x", "%3D{}", '{{"a":"{}"}}', "\\n{} ", "\\u0020{}"),
    *("%7B%22a%22%3A%22{}%22%7D", "%5Cu0022{}%5Cu0022", "%5Cn{}"),
]


def missed(id_: str, texts: list[str], *, expected: bool) -> list[tuple[str, str]]:
    """The texts of which somebody does not say as expected whether the id stands in them as a word,
    and who."""
    pattern = f"{begins_word(WORD)}{escaped_or_not(id_)}(?![{WORD}])"
    plain = re.compile(f"(?<![{WORD}]){re.escape(id_)}(?![{WORD}])")
    query = f"select {words_match('text', [id_])} from (select unnest(?) as text)"
    in_sql = [is_found for (is_found,) in duckdb.execute(query, [texts]).fetchall()]
    said = {
        "SQL": in_sql,
        "texts": [re.search(pattern, text) is not None for text in texts],
        "bytes": [re.search(pattern.encode(), text.encode()) is not None for text in texts],
        "readings": [any(map(plain.search, readings(text))) for text in texts],
    }
    return [
        (who, text)
        for who, each in said.items()
        for text, is_found in zip(texts, each, strict=True)
        if is_found != expected
    ]


@pytest.mark.parametrize("id_", IDS)
def test_an_id_is_found_however_it_is_escaped(id_: str):
    texts = {around.format(way(id_)) for way in WAYS for around in AROUND}
    assert missed(id_, sorted(texts), expected=True) == []


@pytest.mark.parametrize(
    ("text", "id_"),
    [("?v=a%2Bb+c-anna&q=1", "a+b c-anna"), ("?v=A\\u002520b-anna", "A%20b-anna")],
)
def test_a_plus_and_a_code_may_be_of_the_id(text: str, id_: str):
    assert any(id_ in reading for reading in readings(text))


@pytest.mark.parametrize("id_", IDS)
def test_a_longer_or_shorter_id_is_another(id_: str):
    others = [f"x{id_}", f"{id_}7", f"{id_}-7", id_[:-1], f"{json.dumps(id_)[1:-1]}7"]
    assert missed(id_, others, expected=False) == []


def test_letters_digits_and_dashes_are_never_escaped():
    assert not is_escapable("a-b_c.7")
    assert all(map(is_escapable, ("a/b", "ä", "a b", "a~b")))
    assert escaped_or_not("a-b_7") == r"a\-b_7"
