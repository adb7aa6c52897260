"""What `inspect` says of ids that a shop should not keep, or that erasing could not find.

Belongs here: e-mail addresses as ids, and ids of columns that are marked as nobody's. Not here: how
many ids there are, and which mean nobody (`inspection`).
"""

from collections.abc import Iterator

import duckdb

from orchestration.landing import Source
from orchestration.landing.raw_tables import raw_table
from orchestration.landing.tombstones import user_of, visitor_of

_EMAIL = "^[^\\s@]+@[^\\s@]+[.][^\\s@]+$"


def odd_id_lines(connection: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """A line about each kind of such ids that there is."""
    for kind, declared in (("visitor", visitor_of(source)), ("user", user_of(source))):
        ((emails,),) = connection.execute(
            f"select count(distinct {kind}_id) from main.candidate_events"
            f" where {kind}_id like '%@%' and regexp_matches({kind}_id, ?)",
            [_EMAIL],
        ).fetchall()
        if emails:
            yield (
                f"            e-mail addresses as ids of {kind}s: {emails:,}; they would stand in"
                " every table: let the SQL of the source hash them"
            )
        ((hidden,),) = connection.execute(
            f"""
            select count(distinct candidates.made)
            from (select load_id, line, {kind}_id as made from main.candidate_events) as candidates
            inner join (
                select _load_id, _line from {raw_table(source)} where {declared} is null
            ) as nobodys
                on candidates.load_id = nobodys._load_id and candidates.line = nobodys._line
            """
        ).fetchall()
        if hidden:
            yield (
                f"            ids of {kind}s out of columns that are no `identity`: {hidden:,};"
                " erasing would not find what was delivered: mark the columns in the yml"
            )
