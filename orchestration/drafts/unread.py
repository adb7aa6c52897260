"""What no guess takes, for whoever corrects the guesses.

Belongs here: the comment at the head of a draft's second file. Not here: what is taken (`guesses`).
"""

import textwrap
from collections.abc import Iterator, Mapping

from orchestration.drafts.fields import Fields
from orchestration.drafts.guesses import Guesses

_PLACES_SHOWN = 60
_COLUMNS_SHOWN = 200
_LEAST_ROWS = 3
_WIDTH = 110


def unread_lines(fields: Fields, guesses: Guesses, names: Mapping[str, str]) -> list[str]:
    """Comments in SQL: the columns of which nothing is read, and the places in JSON.

    Args:
        fields: what stands in the rows.
        guesses: what of it is taken for what.
        names: the columns that are declared, each with its name there.
    """
    columns = [*_columns(fields, guesses, names)]
    places = [*_places(fields, guesses, names)]
    lines = []
    if columns:
        lines.append("-- Not read, of the columns:")
        shown = ", ".join(columns[:_COLUMNS_SHOWN])
        if len(columns) > _COLUMNS_SHOWN:
            shown += f" and {len(columns) - _COLUMNS_SHOWN} more"
        indent = "--   "
        lines += textwrap.wrap(
            shown,
            _WIDTH,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    if places:
        lines += ["-- Not read, of what nested values hold:", *places[:_PLACES_SHOWN]]
    return lines


def _columns(fields: Fields, guesses: Guesses, names: Mapping[str, str]) -> Iterator[str]:
    """Those of which nothing is read; what is in JSON stands among the places."""
    read = {each.column for each in guesses.found.values()}
    read |= {each.column for each in (guesses.items, guesses.time_of_day) if each}
    nested = {column for column, path in fields.single if path is not None}
    nested |= {column for column, _ in fields.lists}
    for column, count in fields.columns.items():
        if column in names and column not in read | nested and _is_common(count, fields.rows):
            yield names[column]


def _places(fields: Fields, guesses: Guesses, names: Mapping[str, str]) -> Iterator[str]:
    read = {(each.column, each.path) for each in guesses.found.values()}
    for place, each in fields.single.items():
        is_shown = each.path is not None and each.column in names
        if is_shown and place not in read and _is_common(each.filled, fields.rows):
            yield f"--   {names[each.column]}: {each.path}"
    for items in fields.lists.values():
        if items is guesses.items or items.column not in names:
            continue
        paths = [
            path for path, held in items.elements.items() if _is_common(held.filled, items.filled)
        ]
        yield (
            f"--   {names[items.column]}: {items.path or '$'}, a list; in each element"
            f" {', '.join(paths[:_PLACES_SHOWN])}"
        )


def _is_common(filled: int, rows: int) -> bool:
    """Whether more than a few rows have a value there: a rare key may be somebody's id."""
    return filled >= max(_LEAST_ROWS, rows // 100)
