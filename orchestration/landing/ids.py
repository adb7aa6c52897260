"""Which delivered ids mean nobody, and what an id is that was written otherwise.

Belongs here: the reading of ids as the dbt macro ``known_id`` has it, for those who look at rows
before dbt does: landing, which must know an erased person in every spelling, and whoever is given
an id by hand. A test holds both to the same answers. Not here: which columns hold ids; the
``sources`` say that.
"""

import re
from collections.abc import Sequence

import duckdb

from orchestration.ground.sql import literal

# As in the macro placeholder_words.
PLACEHOLDER_WORDS = (
    "null",
    "nil",
    "none",
    "nan",
    "n/a",
    "na",
    "undefined",
    "unknown",
    "(not set)",
    "(none)",
    "\\N",
    "anonymous",
    "guest",
    "[object object]",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
)

_BLANKS = r"\s\x{0b}\x{85}\x{180e}\x{200b}-\x{200d}\x{2060}\x{feff}\p{Z}"
_QUOTES = r""""'`\x{ab}\x{bb}\x{2018}-\x{201f}"""
_WHOLE = r"^-?[0-9]{1,15}([.]0*|,0)$"
_EXPONENT = r"^-?[0-9]([.,][0-9]+[eE][+]?|[eE][+])[0-9]{1,3}$"


def known_id(column: str, placeholders: Sequence[str] = ()) -> str:
    """SQL for the id in a column: trimmed, a float as the number it is, null for nobody.

    Args:
        column: an expression of type text.
        placeholders: the shop's own words for nobody.
    """
    words = "|".join(re.escape(word.strip()) for word in (*PLACEHOLDER_WORDS, *placeholders))
    around = f"[{_QUOTES}{_BLANKS}]*"
    word = f"{around}(?:{words}|0*(?:[.]0+)?){around}"
    nobody = f"^(?i:{word}(?:-{word})*|[{_QUOTES}{_BLANKS}{{}}0-]*)$"
    id_ = f"regexp_replace({column}, '^[{_BLANKS}]+|[{_BLANKS}]+$', '', 'g')"
    exponent = f"try_cast(regexp_extract({id_}, '[0-9]+$', 0) as integer)"
    digits = f"least(length(regexp_extract({id_}, '[.,]([0-9]*)', 1)), 14)"
    number = f"try_cast(replace({id_}, ',', '.') as decimal(38, 15))"
    return (
        f"case when regexp_matches({column}, {literal(nobody)}) then null"
        f" when regexp_matches({id_}, '{_WHOLE}') then regexp_extract({id_}, '^[^.,]*', 0)"
        f" when regexp_matches({id_}, '{_EXPONENT}') and {exponent} <= {digits}"
        f" and {number} = floor({number}) then cast(try_cast({number} as bigint) as varchar)"
        f" else {id_} end"
    )


def read_id(text: str, placeholders: Sequence[str] = ()) -> str | None:
    """The id that a text stands for; None if it means nobody."""
    with duckdb.connect() as connection:
        query = f"select {known_id('id', placeholders)} from (select ? as id)"
        return connection.execute(query, [text]).fetchall()[0][0]
