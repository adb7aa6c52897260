"""Prices and order values that cannot be read, in files that say enough all the same.

Belongs here: how many of a file's, and one of them as it was delivered. Not here: which amounts can
be read (`macros/rules/amounts.sql`), or files of which most cannot (`suspect_files`).
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime

import duckdb

from orchestration.ground.hours import BEGINNING_OF_TIME
from orchestration.ground.text import in_print

_NOUNS = {"bad_order_value": "order value", "bad_price": "price"}
_TODO = "write 1299.00, or say `decimal: comma` in the source's own file for 1.299,00"
_TODO_BELOW_0 = "no price is below 0: deliver what was given back as a refund, or no price"
_MOST_CHARACTERS = 24
_THOUSANDS = r"\d{1,3}(?:[.,'\u2019\s]\d{3})+(?:[.,]\d+)?"
_AMOUNT = re.compile(
    rf"(?:[A-Z]{{3}}|[$€£¥])?\s*-?\s*(?:{_THOUSANDS}|\d+(?:[.,]\d+)?)\s*(?:[A-Z]{{3}}|[$€£¥])?"
)
_BELOW_0 = re.compile(r" -\s*\d+(?:\.\d+)?$")
_READABLE = re.compile(r"\d+(?:\.\d+)*")
_NAME = re.compile("price|value|total|revenue|amount", re.IGNORECASE)


def warnings(
    connection: duckdb.DuckDBPyConnection,
    since: datetime | None = None,
    *,
    with_text: bool,
    schema: str = "main",
) -> list[str]:
    """Files with amounts that became null because they cannot be read, in sentences, the newest
    first.

    Args:
        connection: warehouse or published file.
        since: only files that landed at or after it, UTC.
        with_text: whether an amount is shown as it was delivered; never in what is kept.
        schema: where `landed_files` and `set_aside_rows` are.
    """
    reasons = ", ".join(f"'{reason}'" for reason in _NOUNS)
    rows = connection.execute(
        "with unread as (select load_id,"
        " count(*) filter (where reason = 'bad_order_value') as value_count,"
        " count(*) filter (where reason = 'bad_price') as price_count,"
        " min(line) as line, min_by(raw_row, line) as raw_row"
        f" from {schema}.set_aside_rows where action = 'repaired' and reason in ({reasons})"
        " group by 1)"
        " select file, source, rows_read, value_count, price_count, line, raw_row"
        f" from {schema}.landed_files inner join unread using (load_id)"
        " where landed_at >= ? and not is_suspect order by load_id desc",
        [since or BEGINNING_OF_TIME],
    ).fetchall()
    sentences = []
    for file, source, read, values, prices, line, row in rows:
        counted = [
            f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
            for count, noun in zip((values, prices), _NOUNS.values(), strict=True)
            if count
        ]
        found = _amount_in(row) if row else None
        shown = found if with_text else None
        example = f"{in_print(shown)} in line {line}" if shown else f"line {line}"
        todo = _TODO_BELOW_0 if found and _BELOW_0.search(found) else _TODO
        sentences.append(
            f"{file} ({source}): {' and '.join(counted)} in {read:,} rows could not be read, for"
            f" example {example}; {todo}"
        )
    return sentences


def _amount_in(row: str) -> str | None:
    """Name and text of an amount in a row that cannot be read; one called like money first."""
    found = [
        (name, text)
        for name, text in _texts("", _parsed(row))
        if len(text) <= _MOST_CHARACTERS
        and _AMOUNT.fullmatch(text.strip())
        and not _READABLE.fullmatch(text.strip())
    ]
    if not found:
        return None
    name, text = max(found, key=lambda pair: bool(_NAME.search(pair[0])))
    return f"{name} {text}"


def _texts(name: str, value: object) -> Iterator[tuple[str, str]]:
    """All texts and numbers in a value, nested ones too, each with the name it has."""
    if isinstance(value, Mapping):
        for key, held in value.items():
            yield from _texts(key, held)
    elif isinstance(value, list):
        for held in value:
            yield from _texts(name, held)
    elif isinstance(value, str) and value.startswith(("{", "[")):
        parsed = _parsed(value)
        if not isinstance(parsed, str):
            yield from _texts(name, parsed)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield name, str(value)


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
