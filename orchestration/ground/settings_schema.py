"""How a setting is declared, and what can be read back from its declaration.

Belongs here: the marks that say what a setting decides, and what fits it in words. Not here: the
settings themselves (`settings`), the reading of a file, nor the template of one.
"""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from enum import Enum, auto
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, GetCoreSchemaHandler, Strict
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema

_BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


class Mark(Enum):
    """What a setting decides; stands in its annotation.

    A table has the marks that count for all of it; on a setting within, `LOG` is for the template,
    which says where the next build is full.

    Attributes:
        LOG: the tables of the log. A variable of dbt; after another value the next build is full.
        HOUR: the snapshots of an hour and nothing that stays. A variable of dbt.
        MACHINE: no score and no export. Not in the digest.
        DIGEST_IF_SET: in the digest only where it is not at its default, as it came after the first
            digests were written.
        FILE: stands in a file of its own in the home, not in `comeback.toml`.
    """

    LOG = auto()
    HOUR = auto()
    MACHINE = auto()
    DIGEST_IF_SET = auto()
    FILE = auto()


@dataclass(frozen=True)
class InWords:
    """What fits a type whose constraints do not say it by themselves; stands beside them."""

    text: str


class FromTable:
    """For a dataclass that a table of the file may give; its values are strict all the same."""

    def __get_pydantic_core_schema__(
        self, source: type, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """The dataclass's own schema, which in strict models would take an instance only."""
        schema = handler(source)
        handler.resolve_ref_schema(schema)["strict"] = False
        return schema


def marked(model: type[BaseModel], mark: Mark) -> list[str]:
    """The names of the settings that have a mark, in the order of their declaration."""
    return [name for name, field in model.model_fields.items() if mark in field.metadata]


def declared(kind: type) -> dict[str, FieldInfo]:
    """The settings of a model, or of a dataclass, whose docstring describes its `Attributes`."""
    if issubclass(kind, BaseModel):
        return dict(kind.model_fields)
    types, texts = get_type_hints(kind, include_extras=True), _attribute_texts(kind)
    found = {
        each.name: FieldInfo.from_annotated_attribute(types[each.name], each.default)
        for each in fields(kind)
    }
    for name, field in found.items():
        field.description = texts.get(name)
    return found


def is_table(field: FieldInfo) -> bool:
    """Whether a setting is a table of the file: of settings, or of names that are free."""
    kind = field.annotation
    return get_origin(kind) is dict or is_dataclass(kind) or _is_model(kind)


def settings_of(field: FieldInfo) -> dict[str, FieldInfo] | None:
    """The settings of a table; None where its names are free."""
    return None if get_origin(field.annotation) is dict else declared(field.annotation)


def free_value(field: FieldInfo) -> FieldInfo:
    """What each value is in a table whose names are free."""
    return FieldInfo.from_annotation(get_args(field.annotation)[1])


def in_words(field: FieldInfo) -> str:
    """What fits a setting that is no table, such as "a whole number of at least 1".

    Raises:
        TypeError: it has a type or a constraint that there are no words for.
    """
    for each in field.metadata:
        if isinstance(each, InWords):
            return each.text
    bounds = " and ".join(_bounds(field))
    return f"{_noun(field)}{' of' if bounds.startswith('at ') else ''} {bounds}".rstrip()


def _noun(field: FieldInfo) -> str:
    kind = field.annotation
    if get_origin(kind) is tuple:
        return f"a list, each {in_words(FieldInfo.from_annotation(get_args(kind)[0]))}"
    if kind is date:
        return f"a date such as {field.default}"
    nouns = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    if kind not in nouns:
        raise TypeError(f"there are no words for the type {kind}")
    return nouns[kind]


def _bounds(field: FieldInfo) -> Iterator[str]:
    for each in field.metadata:
        bounds = {words: getattr(each, name, None) for name, words in _BOUNDS.items()}
        found = [f"{words} {bound:,}" for words, bound in bounds.items() if bound is not None]
        if not found and not isinstance(each, Mark | Strict):
            raise TypeError(f"there are no words for the constraint {each}")
        yield from found


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _attribute_texts(kind: type) -> dict[str, str]:
    section = (inspect.getdoc(kind) or "").partition("Attributes:\n")[2].partition("\n\n")[0]
    found = re.findall(r"^    (\w+): (.+(?:\n {5,}.+)*)", section, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}
