"""What a person would write by hand: sessions with fifteen aggregates, in one statement.

    python -m bench.by_hand duckdb FOLDER

Belongs here: the same statement in DuckDB, polars and pandas; each prints the number of sessions it
found. Not here: identity, duplicates, carts, features; nobody writes those in one statement. So no
statement reads the list `items`: an event of several items is one add, as it is in Comeback. Each
library is imported by its own function only, so that a process pays for the one it uses.
"""

import sys

SECONDS_OF_GAP = 30 * 60
KINDS = ("view_item", "add_to_cart", "remove_from_cart", "begin_checkout", "purchase")
FIRSTS = ("page_url", "referrer", "utm_source", "device_type", "country")
COLUMNS = ("event_id", "visitor_id", "user_id", "event_at", "event_type", "order_value", *FIRSTS)


def in_duckdb(folder: str) -> int:
    """One DuckDB statement, with as many threads as there are cores."""
    import duckdb

    statement = f"""
        create table sessions as
        with events as (
            select *, epoch_us(try_cast(event_at as timestamptz)) as at_us
            from read_parquet('{folder}/**/*.parquet')
            where try_cast(event_at as timestamptz) is not null and visitor_id is not null
        ),
        cut as (
            select *, coalesce(at_us - lag(at_us) over w > {SECONDS_OF_GAP} * 1000000, true) as cuts
            from events window w as (partition by visitor_id order by at_us, event_id)
        ),
        numbered as (
            select *, sum(cuts::int) over (
                partition by visitor_id order by at_us, event_id rows unbounded preceding
            ) as number
            from cut
        )
        select
            visitor_id, number, min(at_us) as started, max(at_us) as ended, count(*) as events,
            {", ".join(f"count(*) filter (event_type = '{kind}') as {kind}s" for kind in KINDS)},
            sum(try_cast(order_value as decimal(18, 4))) as value,
            {", ".join(f"arg_min({name}, at_us) as {name}" for name in FIRSTS)},
            max(user_id) as user_id
        from numbered group by visitor_id, number
    """
    duckdb.execute(statement)
    return duckdb.execute("select count(*) from sessions").fetchall()[0][0]


def in_polars(folder: str) -> int:
    """One lazy polars query."""
    import polars as pl

    at = pl.col("event_at").str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
    sessions = (
        pl.scan_parquet(f"{folder}/**/*.parquet")
        .with_columns(at=at)
        .drop_nulls(["at", "visitor_id"])
        .sort("visitor_id", "at", "event_id")
        .with_columns(gap=pl.col("at").diff().over("visitor_id"))
        .with_columns(cuts=(pl.col("gap") > pl.duration(seconds=SECONDS_OF_GAP)).fill_null(True))
        .with_columns(number=pl.col("cuts").cast(pl.Int64).cum_sum())
        .group_by("number")
        .agg(
            pl.col("visitor_id").first(),
            pl.col("at").min().alias("started"),
            pl.col("at").max().alias("ended"),
            pl.len().alias("events"),
            *((pl.col("event_type") == kind).sum().alias(f"{kind}s") for kind in KINDS),
            pl.col("order_value").cast(pl.Float64, strict=False).sum(),
            pl.col(FIRSTS).drop_nulls().first(),
            pl.col("user_id").max(),
        )
        .collect()
    )
    return sessions.height


def in_pandas(folder: str) -> int:
    """The same in pandas, reading the columns it needs."""
    import pandas as pd

    events = pd.read_parquet(folder, columns=list(COLUMNS))
    events["at"] = pd.to_datetime(
        events.pop("event_at"), format="ISO8601", utc=True, errors="coerce"
    )
    events = events.dropna(subset=["at", "visitor_id"])
    events = events.sort_values(["visitor_id", "at", "event_id"], ignore_index=True)
    gap = events.groupby("visitor_id")["at"].diff()
    events["number"] = (gap.isna() | (gap > pd.Timedelta(seconds=SECONDS_OF_GAP))).cumsum()
    events["order_value"] = pd.to_numeric(events["order_value"], errors="coerce")
    for kind in KINDS:
        events[f"{kind}s"] = events["event_type"] == kind
    events["user_id"] = events["user_id"].fillna("")
    sessions = events.groupby("number").agg(
        visitor_id=("visitor_id", "first"),
        started=("at", "min"),
        ended=("at", "max"),
        events=("at", "size"),
        **{f"{kind}s": (f"{kind}s", "sum") for kind in KINDS},
        value=("order_value", "sum"),
        **{name: (name, "first") for name in FIRSTS},
        user_id=("user_id", "max"),
    )
    return len(sessions)


STATEMENTS = {"duckdb": in_duckdb, "polars": in_polars, "pandas": in_pandas}


if __name__ == "__main__":
    print(STATEMENTS[sys.argv[1]](sys.argv[2]))
