"""Prices, order values and lists of items that cannot be read, in files that say enough all the
same.

Belongs here: how many of a file's, and one of them as it was delivered. Not here: which amounts and
lists can be read (`macros/rules/amounts.sql`, `items.sql`), or files of which most amounts cannot
(`suspect_files`).
"""

import re
from datetime import datetime

import duckdb

from orchestration.ground.hours import BEGINNING_OF_TIME
from orchestration.ground.text import in_print
from orchestration.warehouse import remedies

_NOUNS = {
    "bad_order_value": ("order value", "order values"),
    "bad_price": ("price", "prices"),
    "bad_items": ("list of items", "lists of items"),
}
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
    """Files with amounts or lists of items that became null because they cannot be read, in
    sentences, the newest first.

    Args:
        connection: warehouse or published file.
        since: only files that landed at or after it, UTC.
        with_text: whether one of them is shown as it was delivered; never in what is kept.
        schema: where `landed_files` and `set_aside_rows` are.
    """
    reasons = ", ".join(f"'{reason}'" for reason in _NOUNS)
    rows = connection.execute(
        "with unread as (select load_id,"
        " count(*) filter (where reason = 'bad_order_value') as value_count,"
        " count(*) filter (where reason = 'bad_price') as price_count,"
        " count(*) filter (where reason = 'bad_items') as list_count,"
        " min(line) as line, min_by(detail, (line, reason)) as detail"
        f" from {schema}.set_aside_rows where action = 'repaired' and reason in ({reasons})"
        " group by 1)"
        " select file, source, rows_read, value_count, price_count, list_count, line, detail"
        f" from {schema}.landed_files inner join unread using (load_id)"
        " where landed_at >= ? and not is_suspect order by load_id desc",
        [since or BEGINNING_OF_TIME],
    ).fetchall()
    sentences = []
    for file, source, read, values, prices, lists, line, found in rows:
        counted = [
            f"{count:,} {one if count == 1 else many}"
            for count, (one, many) in zip((values, prices, lists), _NOUNS.values(), strict=True)
            if count
        ]
        several = (
            " and ".join([", ".join(counted[:-1]), counted[-1]]) if counted[1:] else counted[0]
        )
        # which of a row's fields it is, the rule says that could not read it
        shown = found if with_text and found and len(found) <= _MOST_CHARACTERS else None
        example = f"{in_print(shown)} in line {line}" if shown else f"line {line}"
        todos = [remedies.ITEMS] if lists else []
        if values or prices:
            below_0 = found and _BELOW_0.search(found)
            todos.insert(0, _TODO_BELOW_0 if below_0 else remedies.AMOUNT)
        sentences.append(
            f"{file} ({source}): {several} in {read:,} rows could not be read, for"
            f" example {example}; {'; '.join(todos)}"
        )
    return sentences
