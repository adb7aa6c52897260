"""What SQL knows of the world and not of the shop: public holidays, and the names of countries.

Belongs here: the schema `reference`, and filling it before a build. Not here: what is made of it
(dbt_project/macros/features/calendar_days.sql), nor what a country is (`ground.countries`).

All that is in it follows from the years around the hour and from the package `holidays`, so that
it is written again only when one of them is another: to work it out takes two seconds.
"""

import functools
from collections.abc import Iterator
from datetime import date, datetime
from importlib.metadata import version

import duckdb
import polars as pl

from orchestration.ground.countries import country_names
from orchestration.ground.sql import transaction

# Before the hour what is learned from, after it what contacts are planned for.
YEARS_BEFORE, YEARS_AFTER = 2, 1

_DDL = """
create schema if not exists reference;
create table if not exists reference.public_holidays (country varchar not null, day date not null);
create table if not exists reference.country_names (
    name varchar not null, country varchar not null
);
create table if not exists reference.made_from (
    version varchar not null, first_year bigint, last_year bigint
);
"""


def ensure_reference_tables(
    connection: duckdb.DuckDBPyConnection, as_of: datetime | None = None
) -> None:
    """Make the tables where they are missing, and fill them for an hour; without one, with names
    of countries alone."""
    connection.execute(_DDL)
    made_from = connection.execute("from reference.made_from").fetchall()
    first, last = _years(as_of) if as_of else (None, None)
    wanted = (version("holidays"), first, last)
    if made_from == [wanted] or (as_of is None and made_from):
        return
    names = country_names()
    rows = {
        "country_names": pl.DataFrame({"name": list(names), "country": list(names.values())}),
        "public_holidays": public_holidays(first, last) if as_of else None,
    }
    with transaction(connection):
        for table, frame in rows.items():
            connection.execute(f"delete from reference.{table}")
            if frame is not None:
                connection.register("known", frame)
                connection.execute(f"insert into reference.{table} by name from known")
                connection.unregister("known")
        connection.execute("delete from reference.made_from")
        connection.execute("insert into reference.made_from values (?, ?, ?)", wanted)


@functools.lru_cache(maxsize=2)
def public_holidays(first_year: int, last_year: int) -> pl.DataFrame:
    """The public holidays of whole countries in some years: country and day, in this order.

    Those of a part of a country are none: where in it a shopper lives is not known.
    """
    rows = sorted(_holidays(first_year, last_year))
    return pl.DataFrame(rows, schema={"country": pl.String, "day": pl.Date}, orient="row")


def read_holidays(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The public holidays that SQL knows: country and day."""
    return connection.sql("select country, day from reference.public_holidays order by all").pl()


def _years(as_of: datetime) -> tuple[int, int]:
    return as_of.year - YEARS_BEFORE, as_of.year + YEARS_AFTER


def _holidays(first_year: int, last_year: int) -> Iterator[tuple[str, date]]:
    import holidays  # slow to import, and mostly not needed

    for country in holidays.list_supported_countries(include_aliases=False):
        days = holidays.country_holidays(country, years=range(first_year, last_year + 1))
        # one that is moved to a working day may fall into the year before
        yield from ((country, day) for day in days if first_year <= day.year <= last_year)
