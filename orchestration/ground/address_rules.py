"""A shop's rules of what the addresses of its pages say: `address_rules.csv` in its home.

Belongs here: reading that file, and whether each rule can be one. Not here: what a rule does, nor
the rules that come with Comeback (`dbt_project/macros/rules/address_rules.sql`); the language of
patterns is explained in `dbt_project/docs/address_rules.md`.
"""

import csv
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from orchestration.ground.errors import ComebackError

RULES_FILE = "address_rules.csv"

_COLUMNS = ("pattern", "page_type", "category", "item_id")
_NEEDED = ("pattern", "page_type")
_DOCS = "dbt_project/docs/address_rules.md"
# Words of others for the two types that make views.
_OTHER_WORDS = {
    "item": ("product", "products", "product_page", "product_detail", "detail", "pdp", "items"),
    "list": ("category", "categories", "collection", "listing", "product_list", "plp", "lists"),
}
_NAMES = ("{item_id}", "{category}")
_MOST_PARTS = 50


class AddressRule(BaseModel):
    """What an address that fits a pattern says.

    Attributes:
        pattern: a path from its first slash on, with `*`, `**`, `{item_id}` and `{category}`.
        page_type: kind of the page; `item` and `list` make views of page views.
        category: of the page; empty where the pattern says it, or nothing does.
        item_id: number from 1 of the part of the path that is the item; 0: the pattern says it.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    pattern: str
    page_type: str
    category: str = ""
    item_id: int = 0


def load_address_rules(home: Path) -> tuple[AddressRule, ...]:
    """The rules of a home folder in their order; none where it has no file of them.

    Raises:
        ComebackError: the file cannot be read, or a line of it is no rule.
    """
    path = home / RULES_FILE
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise ComebackError(
            f"the address rules cannot be read ({error})", str(path), "save them as CSV in UTF-8"
        ) from error
    return parse_address_rules(text, str(path))


def parse_address_rules(text: str, where: str = RULES_FILE) -> tuple[AddressRule, ...]:
    """The rules of a file's text; commas or semicolons, lines that begin with # are remarks.

    Raises:
        ComebackError: a line is no rule; `where` and its number are named.
    """
    lines = [
        (number, line)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip(" ,;") and not line.lstrip().startswith("#")
    ]
    if not lines:
        return ()
    header = lines[0][1]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    names = [name.strip().lower() for name in header.split(delimiter)]
    if not set(_NEEDED) <= set(names) <= set(_COLUMNS) or len(names) > len(set(names)):
        raise ComebackError(
            f"the first line is {header.strip()[:80]!r}",
            f"{where}, line {lines[0][0]}",
            f"write: {','.join(_COLUMNS)}",
        )
    rules: dict[str, AddressRule] = {}
    for number, line in lines[1:]:
        place = f"{where}, line {number}"
        try:
            row = next(csv.reader([line], delimiter=delimiter, strict=True))
        except csv.Error as error:
            raise ComebackError(
                f"the quotes of the line do not fit ({error})", place, "close or double them"
            ) from error
        if len(row) > len(names):
            raise ComebackError(
                f"{len(row)} fields where {len(names)} have a name", place, "quote what has commas"
            )
        values = dict.fromkeys(_COLUMNS, "") | dict(
            zip(names, (value.strip() for value in row), strict=False)
        )
        try:
            rule = _rule(**values)
            if rule.pattern in rules:
                raise _RuleError(f"the pattern {rule.pattern} stands twice", "leave the first")
        except _RuleError as fault:
            raise ComebackError(fault.what, place, f"{fault.remedy}: {_DOCS}") from None
        rules[rule.pattern] = rule
    return tuple(rules.values())


class _RuleError(Exception):
    """What is wrong with a rule, and what to do."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


def _rule(pattern: str, page_type: str, category: str, item_id: str) -> AddressRule:
    """The rule of a line.

    Raises:
        _RuleError: it can be none.
    """
    for fault in (*_faults_of_pattern(pattern), *_faults_of_type(page_type)):
        raise fault
    if category and "{category}" in pattern:
        raise _RuleError("the category is given twice", "keep {category} or the column category")
    if any(ord(letter) < 32 for letter in category):
        raise _RuleError("the category has a letter that cannot be seen", "delete it")
    if item_id and "{item_id}" in pattern:
        raise _RuleError("the item is given twice", "keep {item_id} or the column item_id")
    if item_id and not (item_id.isascii() and item_id.isdigit() and 1 <= int(item_id) <= 50):
        raise _RuleError(
            f"item_id is {item_id[:40]!r}",
            "give the number of a part of the path, from 1, or write {item_id} in the pattern",
        )
    if (item_id or "{item_id}" in pattern) and page_type != "item":
        raise _RuleError(
            f"a page of type {page_type} has no item", "its type is item, or it has none"
        )
    return AddressRule(
        pattern=pattern, page_type=page_type, category=category, item_id=int(item_id or 0)
    )


def _faults_of_type(page_type: str) -> Iterator[_RuleError]:
    for known, others in _OTHER_WORDS.items():
        if page_type.lower().replace("-", "_").replace(" ", "_") in others:
            yield _RuleError(f"{page_type!r} is no page type", f"it is called {known}")
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", page_type):
        yield _RuleError(
            f"the page type is {page_type[:40]!r}", "give a word of a-z, 0-9 and _, such as item"
        )


def _faults_of_pattern(pattern: str) -> Iterator[_RuleError]:
    if not pattern.startswith("/"):
        yield _RuleError(
            f"the pattern {pattern[:80]!r} does not begin with a slash",
            "give the path alone, without https:// and host",
        )
    if found := re.search(r"[#%\\^\x00-\x1f]", pattern):
        yield _RuleError(
            f"{found[0]!r} is no part of a pattern", "write letters as they are read, or a *"
        )
    path, question, query = pattern.partition("?")
    path = path.rstrip("/")
    parts = path.split("/")[1:]
    if "" in parts:
        yield _RuleError("the pattern has a part that is empty", "write * for any part")
    if len(parts) > _MOST_PARTS:
        yield _RuleError("the pattern has more than 50 parts", "write ** for many parts")
    if parts.count("**") > 1:
        yield _RuleError("the pattern has ** twice", "keep one of them")
    for part in parts:
        if part != "**":
            yield from _faults_of_part(part)
    for name in _NAMES:
        if pattern.count(name) > 1:
            yield _RuleError(f"the pattern has {name} twice", "write * for the other")
    if question:
        yield from _faults_of_query(query)


def _faults_of_query(query: str) -> Iterator[_RuleError]:
    for parameter in query.split("&"):
        name, equals, value = parameter.partition("=")
        if not (equals and value and re.fullmatch(r"[^\s=*{}?/]+", name)) or "=" in value:
            yield _RuleError(
                f"{parameter[:80]!r} is no parameter of a pattern", "write name=* or name={item_id}"
            )
        yield from _faults_of_part(value)


def _faults_of_part(part: str) -> Iterator[_RuleError]:
    tokens = [token for token in re.split(r"(\*|\{item_id\}|\{category\})", part) if token]
    wild = [token == "*" or token in _NAMES for token in tokens]
    for token, is_wild in zip(tokens, wild, strict=True):
        if not is_wild and re.search(r"[{}]", token):
            yield _RuleError(f"{part[:80]!r} has braces", "the names are {item_id} and {category}")
    if any(a and b for a, b in pairwise(wild)):
        yield _RuleError(
            f"in {part[:80]!r} nothing stands between two places that may be anything",
            "keep one of them; ** is a part of its own",
        )
