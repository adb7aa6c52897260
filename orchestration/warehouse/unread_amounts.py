"""Prices and order values that cannot be read, in files that say enough all the same.

Belongs here: how many of a file's, and one of them as it was delivered. Not here: which amounts can
be read (`macros/rules/amounts.sql`), or files of which most cannot (`suspect_files`).
"""

import re
from datetime import datetime

import duckdb

from orchestration.ground.hours import BEGINNING_OF_TIME
from orchestration.ground.text import in_print
from orchestration.warehouse import remedies

_NOUNS = {"bad_order_value": "order value", "bad_price": "price"}
_TODO_BELOW_0 = "no price is below 0: deliver what was given back as a refund, or no price"
_MOST_CHARACTERS = 40
_BELOW_0 = re.compile(r" -\s*\d+(?:\.\d+)?$")


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
        " min(line) as line, min_by(detail, (line, reason)) as detail"
        f" from {schema}.set_aside_rows where action = 'repaired' and reason in ({reasons})"
        " group by 1)"
        " select file, source, rows_read, value_count, price_count, line, detail"
        f" from {schema}.landed_files inner join unread using (load_id)"
        " where landed_at >= ? and not is_suspect order by load_id desc",
        [since or BEGINNING_OF_TIME],
    ).fetchall()
    sentences = []
    for file, source, read, values, prices, line, found in rows:
        counted = [
            f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
            for count, noun in zip((values, prices), _NOUNS.values(), strict=True)
            if count
        ]
        # which of a row's fields it is, the rule says that could not read it
        shown = found if with_text and found and len(found) <= _MOST_CHARACTERS else None
        example = f"{in_print(shown)} in line {line}" if shown else f"line {line}"
        todo = _TODO_BELOW_0 if found and _BELOW_0.search(found) else remedies.AMOUNT
        sentences.append(
            f"{file} ({source}): {' and '.join(counted)} in {read:,} rows could not be read, for"
            f" example {example}; {todo}"
        )
    return sentences
