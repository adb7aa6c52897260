"""What stands where in rows: columns, paths in their JSON, lists of objects, and the values there.

Belongs here: walking through rows. Not here: what a field means (`guesses`).
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from orchestration.landing.json_rows import DECODER
from orchestration.landing.signatures import Row, name_key

_DEPTH = 6
_FIELDS = 600
_VALUE_CHARACTERS = 500
_PLAIN_KEY = re.compile(r"[A-Za-z_]\w*", re.ASCII)
# What would end the text that a path stands in, or begin one of dbt's own expressions.
_UNFIT = re.compile(r"[\"'\\{}%#\n]|^$")
_STEPS = re.compile(r"\.(\w+)|\.\"([^\"]+)\"")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

_GERMAN = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ł": "l"}
)


@dataclass
class Field:
    """A place in a row that holds single values.

    Attributes:
        column: The delivered name.
        path: Where in the JSON of the column it is; None for the column itself.
        values: How often each value was there, as text.
    """

    column: str
    path: str | None = None
    values: Counter[str] = field(default_factory=Counter)

    @property
    def filled(self) -> int:
        """In how many rows it has a value."""
        return self.values.total()

    @property
    def tokens(self) -> tuple[str, ...]:
        """The words of its name and of those around it, without `data`, as JSON:API calls what is
        inside of anything."""
        *around, last = tokens_of(f"{self.column} {self.path or ''}") or ("",)
        return (*(each for each in around if each != "data"), last)

    @property
    def own_tokens(self) -> tuple[str, ...]:
        """The words of its own name, without those around it."""
        steps = _STEPS.findall(self.path or "")
        return tokens_of("".join(steps[-1]) if steps else self.column)

    @property
    def common(self) -> list[tuple[str, int]]:
        """Its commonest values, enough to see their form."""
        return self.values.most_common(300)


@dataclass
class ItemList:
    """A place in a row that holds a list of objects.

    Attributes:
        column: The delivered name.
        path: Where in the JSON of the column it is; None for the column itself.
        elements: What stands in the objects: a field by its path in them.
        filled: In how many rows it has an object.
    """

    column: str
    path: str | None = None
    elements: dict[str, Field] = field(default_factory=dict)
    filled: int = 0

    @property
    def tokens(self) -> tuple[str, ...]:
        """The words of its name and of those around it."""
        return tokens_of(f"{self.column} {self.path or ''}")


@dataclass
class Fields:
    """All that stands in some rows.

    Attributes:
        rows: How many there were.
        single: Single values.
        lists: Lists of objects.
        columns: In how many rows each column has a value, by delivered name; of names that differ
            in case, blanks, `-` and `_` only, the first.
        always: Columns that nearly every row of every file has.
    """

    rows: int = 0
    single: dict[tuple[str, str | None], Field] = field(default_factory=dict)
    lists: dict[tuple[str, str | None], ItemList] = field(default_factory=dict)
    columns: Counter[str] = field(default_factory=Counter)
    always: list[str] = field(default_factory=list)


def fields_of_files(files: Iterable[Iterable[Row]]) -> Fields:
    """Walk through the rows of some files."""
    found = Fields()
    spelled: dict[str, str] = {}
    always: set[str] | None = None
    for rows in files:
        there: Counter[str] = Counter()
        before = found.rows
        for row in rows:
            found.rows += 1
            for delivered, value in row.items():
                if value is None or value == "" or _UNFIT.search(delivered):
                    continue
                name = spelled.setdefault(name_key(delivered), delivered)
                there[name] += 1
                _walk(found, name, value)
        found.columns.update(there)
        most = 0.9 * (found.rows - before)
        mostly = {name for name, count in there.items() if count >= most}
        always = mostly if always is None else always & mostly
    found.always = [name for name in found.columns if name in (always or ())]
    return found


@lru_cache(maxsize=4096)
def tokens_of(text: str) -> tuple[str, ...]:
    """The words in a name or a text: lower case, without accents; `addToCart` has three."""
    return tuple(word.lower() for word in _WORDS.findall(without_accents(text)))


def without_accents(text: str) -> str:
    """The text in ASCII, as far as its letters have a spelling there."""
    spelled = unicodedata.normalize("NFC", text).translate(_GERMAN)
    return unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()


def parsed_json(text: str) -> Any:
    """An object or a list that a text holds as JSON; None for any other text."""
    begin = text.lstrip()[:1]
    if begin not in ("{", "[") or not begin:
        return None
    try:
        return DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


def value_at(row: Row, column: str, path: str | None) -> Any:
    """What stands at a place of a row, single values as text; None where there is nothing."""
    value = row.get(column)
    if path is not None:
        if isinstance(value, str):
            value = parsed_json(value)
        for plain, named in _STEPS.findall(path):
            value = value.get(plain or named) if isinstance(value, Mapping) else None
    if value is None or value == "":
        return None
    return value if isinstance(value, Mapping | list) else _text(value)


def _walk(found: Fields, column: str, value: Any) -> None:
    if isinstance(value, str):
        parsed = parsed_json(value)
        value = value if parsed is None else parsed
    if not isinstance(value, Mapping | list):
        _add(found, column, None, value)
        return
    for path, held in _places(value, "$", _DEPTH):
        if isinstance(held, list):
            _add_list(found, column, None if path == "$" else path, held)
        else:
            _add(found, column, path, held)


def _places(value: Any, path: str, depth: int) -> Iterator[tuple[str, Any]]:
    """Single values and lists of objects, each with its path."""
    if isinstance(value, list):
        if any(isinstance(each, Mapping) for each in value):
            yield path, value
        return
    if not isinstance(value, Mapping):
        yield path, value
        return
    for key, held in value.items() if depth else ():
        if held is None or held == "" or _UNFIT.search(str(key)):
            continue
        step = f".{key}" if _PLAIN_KEY.fullmatch(key) else f'."{key}"'
        yield from _places(held, path + step, depth - 1)


def _add(found: Fields, column: str, path: str | None, value: Any) -> None:
    place = (column, path)
    if place not in found.single:
        if len(found.single) >= _FIELDS:
            return
        found.single[place] = Field(column, path)
    found.single[place].values[_text(value)] += 1


def _add_list(found: Fields, column: str, path: str | None, value: list[Any]) -> None:
    items = found.lists.setdefault((column, path), ItemList(column, path))
    items.filled += 1
    for element in value[:50]:
        if not isinstance(element, Mapping):
            continue
        for inside, held in _places(element, "$", _DEPTH):
            if not isinstance(held, list) and len(items.elements) < _FIELDS:
                place = items.elements.setdefault(inside, Field(column, inside))
                place.values[_text(held)] += 1


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return str(text)[:_VALUE_CHARACTERS]
