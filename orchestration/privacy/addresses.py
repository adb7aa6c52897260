"""Which e-mail addresses and telephone numbers go with erased people, and which rows those name.

Belongs here: finding the addresses in rows about people. Not here: deleting rows (`erasure`), or
the spellings to search for (`spellings`).

An address that somebody else has too, by a row that names them, is not theirs alone: it is neither
erased nor searched for.
"""

from collections.abc import Mapping, Sequence

import duckdb

from orchestration.ground.sql import quoted
from orchestration.landing import Source
from orchestration.landing.addresses import define_address_keys, national_digits
from orchestration.landing.raw_tables import raw_table
from orchestration.landing.sources import PEOPLE
from orchestration.landing.tombstones import address_keys, user_of, visitor_of

KINDS = ("email", "phone")


def find_addresses(
    connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Source]
) -> dict[str, frozenset[str]]:
    """The addresses of the people in `erased_users` and `erased_visitors`, by kind.

    Makes `erased_addresses` (kind, key) on the connection, for `names_address`.

    Args:
        connection: the open warehouse, with the ids of the erased.
        sources: those of which rows have landed.

    Returns:
        Each address as it was delivered, and as a number is written in full.
    """
    connection.execute("create or replace temp table erased_addresses (kind varchar, key varchar)")
    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    people = [each for each in sources.values() if each.holds == PEOPLE]
    define_address_keys(connection)
    if not people:
        return {kind: frozenset() for kind in KINDS}
    for kind in KINDS:
        queries = [
            f"""
            select
                {quoted(column)} as spelled,
                {_key(source, kind, column)} as key,
                {visitor_of(source)} is null as is_nobodys,
                {is_named(source)} as is_theirs
            from {raw_table(source)}
            where {quoted(column)} is not null
            """
            for source in people
            for column, _ in source.ids(kind)
        ]
        rows = connection.execute(
            f"""
            with addresses as ({" union all ".join(queries)}),
            own as (
                select key from addresses where key is not null
                group by key
                having bool_or(is_theirs) and bool_and(is_theirs or is_nobodys)
            )
            select distinct spelled, key from addresses semi join own using (key)
            """
        ).fetchall()
        found[kind] = {text for row in rows for text in row}
        keys = {key for _, key in rows}
        if kind == "phone":
            keys |= {digits for key in keys if (digits := national_digits(key))}
        if keys:
            connection.execute(
                "insert into erased_addresses select ?, unnest(?::varchar[])", [kind, sorted(keys)]
            )
    return {kind: frozenset(texts) for kind, texts in found.items()}


def names_address(source: Source) -> str:
    """SQL over the source's table: whether a row that names nobody has an address of theirs."""
    tests = [
        f"coalesce({key} in (select key from erased_addresses where kind = '{kind}'), false)"
        for kind in KINDS
        for key in address_keys(source, kind)
    ]
    if not tests:
        return "false"
    return f"({visitor_of(source)} is null and ({' or '.join(tests)}))"


def is_named(source: Source) -> str:
    """SQL over the source's table: whether a row names one of `erased_visitors`, `erased_users`."""
    return (
        f"(coalesce({visitor_of(source)} in (select id from erased_visitors), false)"
        f" or coalesce({user_of(source)} in (select id from erased_users), false))"
    )


def address_hashes(connection: duckdb.DuckDBPyConnection) -> Sequence[tuple[str, str]]:
    """Kind and key of every address that `find_addresses` found on this connection."""
    return connection.execute("select kind, key from erased_addresses order by all").fetchall()


def _key(source: Source, kind: str, column: str) -> str:
    if kind == "phone" and "country" in source.column_names:
        return f"phone_key({quoted(column)}, coalesce(country, ''))"
    (key,) = address_keys(source, kind)
    return key
