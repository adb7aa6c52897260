"""What dumps that hold no events say: rates of exchange, sales, and what people allow.

Belongs here: lines of `inspect` about such dumps, of a run that was tried; of people only how many,
never what a row says. Not here: files, columns and rows of any dump (`inspection`).
"""

from collections.abc import Iterator

import duckdb

from orchestration.ground.settings import Settings
from orchestration.ground.sql import quoted
from orchestration.ground.text import in_print
from orchestration.landing import Source
from orchestration.landing.raw_tables import raw_table
from orchestration.landing.sources import PEOPLE, RATES, SALES
from orchestration.people.words import CONSENTS, GRANTED, allows

_SHOWN = 10


def lines_of_others(
    connection: duckdb.DuckDBPyConnection, source: Source, settings: Settings
) -> Iterator[str]:
    """What a dump says that holds no events."""
    if source.holds == SALES:
        yield from _sale_lines(connection)
    elif source.holds == RATES:
        yield from _rate_lines(connection, settings.money.reporting_currency)
    elif source.holds == PEOPLE:
        yield from _consent_lines(connection, source)


def _sale_lines(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """The first sales, by UTC as they will be known."""
    for starts_at, ends_at, name, country in connection.execute(
        f"select starts_at, ends_at, name, country from main.sales order by all limit {_SHOWN}"
    ).fetchall():
        span = f"{starts_at:%Y-%m-%d %H:%M} to {ends_at:%Y-%m-%d %H:%M} UTC"
        shown = "none" if name is None else in_print(name)
        yield f"Sale        {span}, {country or 'all countries'}: {shown}"


def _rate_lines(
    connection: duckdb.DuckDBPyConnection, reporting_currency: str | None
) -> Iterator[str]:
    """The currencies of most rates, each with its span and what the newest rate says: in words, for
    a rate the wrong way round is a number like any other."""
    reporting = reporting_currency or "of the reporting currency"
    for currency, count, first, last, newest in connection.execute(
        "select currency, count(*), min(valid_from), max(valid_from), max_by(rate, valid_from)"
        " from main.candidate_rates where drop_reason is null"
        f" group by 1 order by 2 desc, 1 limit {_SHOWN}"
    ).fetchall():
        rates = f"{count:,} rate{'s' if count > 1 else ''}"
        span = f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
        yield (
            f"Rates       {currency}: {rates}, {span}; by the newest 1 {currency} is worth"
            f" {newest.normalize():f} {reporting}"
        )


def _consent_lines(connection: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    """Of each consent, in how many of the rows that say something of it it is given."""
    for name in CONSENTS:
        if name not in source.column_names:
            continue
        ((said, given),) = connection.execute(
            f"select count({quoted(name)}), count(*) filter (where {allows(quoted(name))})"
            f" from {raw_table(source)}"
        ).fetchall()
        if said:
            line = f"Consent     {name}: {said:,} rows say something, {given:,} of them allow"
            yield line + ("" if given else f"; what allows is {', '.join(GRANTED)}")
