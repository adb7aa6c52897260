"""What a draft cannot say in its two files: rows that were not read, rows of several events, ids
that are e-mail addresses.

Belongs here: one sentence about each. Not here: guesses (`guesses`), and the files (`texts`).
"""

import re
from collections.abc import Iterator

from orchestration.drafts.fields import Field, Fields
from orchestration.drafts.forms import time_form
from orchestration.drafts.guesses import Guesses, holds_changes
from orchestration.ground.text import in_print

_PAGE = "dbt_project/docs/own_source.md"
_EMAIL = re.compile(r"\s*[^\s@]+@[^\s@]+\.[^\s@]+\s*")


def notes_on(fields: Fields, guesses: Guesses, uncut: int) -> Iterator[str]:
    """Sentences for whoever reads the draft.

    Args:
        fields: what stands in the rows.
        guesses: what of it is taken for what.
        uncut: rows that were left out because of their number of fields.
    """
    if uncut:
        yield (
            f"{uncut:,} more rows have another number of fields than most, and were not looked at:"
            " inspect shows one"
        )
    if holds_changes(fields):
        yield (
            "each row is a change of a row of a table, before and after: its op says which (c, u,"
            " d, r); of a deleted row all is in before, so read both in the second file, and mark"
            " the ids in both as identity in the first"
        )
    for each in fields.lists.values():
        times = [path for path, held in each.elements.items() if time_form(held)]
        if times:
            place = in_print(f"{each.column} {each.path or ''}".strip())
            yield (
                f"each row has a list with a time in its elements, {place}: where they are events,"
                f" deliver a row for each ({_PAGE})"
            )
    for kind in ("visitor_id", "user_id"):
        field = guesses.found.get(kind)
        if field and is_email(field):
            yield (
                f"{kind} is an e-mail address, and would stand in every table: hash it in the"
                f" second file, md5(lower(trim(...))) ({_PAGE})"
            )


def is_email(field: Field) -> bool:
    """Whether most values of a field are e-mail addresses."""
    common = field.common
    found = sum(count for value, count in common if _EMAIL.fullmatch(value))
    return 2 * found > sum(count for _, count in common)
