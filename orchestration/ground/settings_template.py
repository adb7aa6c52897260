"""The template of `comeback.toml`, out of the declaration of the settings.

Belongs here: how settings are written as TOML and commented. Not here: which settings there are
(`settings`), nor the words for what fits one (`settings_schema`).
"""

import json
import re
import textwrap
from collections.abc import Iterator
from datetime import date

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from orchestration.ground.settings_schema import (
    Mark,
    declared,
    free_value,
    in_words,
    is_table,
    settings_of,
)

_INTRODUCTION = (
    "What this shop sets for itself. All of it is optional.",
    "A setting stands here with its default behind a #. To set it, take the # away and change the"
    " value. Settings of a table count below the line that names the table in brackets: take its #"
    " away, too.",
)
_FULL_BUILD = "Another value makes the next run build all tables again."
_WIDTH = 100


def toml_template(model: type[BaseModel]) -> str:
    """A TOML document with every setting of a model, described and commented out.

    A # before a setting or the name of a table has no blank after it, before prose it has one:
    without the former, the document gives the defaults.
    """
    settings = {
        name: field for name, field in declared(model).items() if Mark.FILE not in field.metadata
    }
    values = [name for name, field in settings.items() if not is_table(field)]
    tables = [name for name, field in settings.items() if is_table(field)]
    blocks = [_prose(*_INTRODUCTION), *(_setting(name, settings[name]) for name in values)]
    for name in tables:
        blocks += _table(name, settings[name])
    return "\n\n".join(blocks) + "\n"


def _setting(name: str, field: FieldInfo) -> str:
    notes = [field.description or "", f"{in_words(field)}."]
    if Mark.LOG in field.metadata:
        notes.append(_FULL_BUILD)
    return f"{_prose(*notes)}\n#{_assignment(name, field.get_default(call_default_factory=True))}"


def _table(name: str, field: FieldInfo, outer: str = "") -> Iterator[str]:
    """The table's name and its settings, a block each; then the tables in it."""
    inside = settings_of(field)
    path = f"{outer}{_key(name)}"
    heading = f"#[{path}]"
    if inside is not None:
        yield f"{_prose(field.description or '')}\n{heading}"
        values = [each for each, below in inside.items() if not is_table(below)]
        yield from (_setting(each, inside[each]) for each in values)
        for each, below in inside.items():
            if is_table(below):
                yield from _table(each, below, f"{path}.")
        return
    if is_table(free_value(field)):
        yield from _tables_by_name(path, field)
        return
    notes = [field.description or "", f"{in_words(free_value(field))}."]
    examples = [
        _assignment(key, value) for each in field.examples or () for key, value in each.items()
    ]
    lines = [f"#{_assignment(key, value)}" for key, value in field.get_default().items()]
    yield "\n".join([_prose(*notes, *(f"Such as: {each}" for each in examples)), heading, *lines])


def _tables_by_name(path: str, field: FieldInfo) -> Iterator[str]:
    """Tables of names that are free: the first with every setting, the others with their own."""
    settings = declared(free_value(field).annotation)
    if not field.get_default():
        # without a # the document gives the defaults, which have no such table
        fields = [
            f"{name}: {each.description} {in_words(each)}." for name, each in settings.items()
        ]
        examples = [
            f"Such as: [{path}.{_key(key)}] "
            + ", ".join(_assignment(name, value) for name, value in values.items())
            for each in field.examples or ()
            for key, values in each.items()
        ]
        yield f"{_prose(field.description or '', *fields, *examples)}\n#[{path}]"
        return
    for number, (key, value) in enumerate(field.get_default().items()):
        heading = f"#[{path}.{_key(key)}]"
        if number == 0:
            yield f"{_prose(field.description or '')}\n{heading}"
            for name, each in settings.items():
                prose = _prose(each.description or "", f"{in_words(each)}.")
                yield f"{prose}\n#{_assignment(name, getattr(value, name))}"
            continue
        own = [name for name in settings if getattr(value, name) != settings[name].default]
        yield "\n".join([heading, *(f"#{_assignment(name, getattr(value, name))}" for name in own)])


def _prose(*paragraphs: str) -> str:
    lines = []
    for text in filter(None, paragraphs):
        lines += textwrap.wrap(text[0].upper() + text[1:], _WIDTH - 2, break_on_hyphens=False)
    return "\n".join(f"# {line}" for line in lines)


def _assignment(name: str, value: object) -> str:
    return f"{_key(name)} = {_toml(value)}"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)


def _toml(value: object) -> str:
    """A value as TOML writes it.

    Raises:
        TypeError: no setting is of such a type.
    """
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case str():
            # JSON escapes as TOML does, but for the one control character that it leaves as it is
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case date():
            return value.isoformat()
        case list() | tuple():
            return f"[{', '.join(map(_toml, value))}]"
    raise TypeError(f"TOML is not written of {type(value).__name__}")
