"""Numbers of JSON and Parquet in a source of decimal commas, whose texts have points between
thousands.

Belongs here: how the text of a number stays apart from such a text. Not here: reading amounts (the
macros of `rules/amounts.sql`).

Of a text 1.299 is a thousand and more there, of a number it is one and a bit. With another zero at
its end it can be meant in one way only.
"""

import re

from orchestration.ground.sql import literal

# A number that would be taken for thousands.
AS_THOUSANDS = r"^-?[0-9]{1,3}[.][0-9]{3}$"
_LIKE_THOUSANDS = re.compile(AS_THOUSANDS)


def text_of_number(number: str) -> str:
    """The text of a number with a decimal point."""
    return f"{number}0" if _LIKE_THOUSANDS.match(number) else number


def number_sql(text: str) -> str:
    """The same in SQL."""
    return (
        f"case when regexp_matches({text}, {literal(AS_THOUSANDS)}) then {text} || '0'"
        f" else {text} end"
    )
