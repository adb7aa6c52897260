"""One command, one table: what an hour costs, as ratios to plain statements over the same dumps.

    make bench                                  a million events
    python -m tests.bench --events 5000000      more of them

Every figure is of a process of its own, from start to end, on this machine and in this run; only
the ratios say something elsewhere. The reference of the full build reads the same Parquet files and
makes sessions with fifteen aggregates, nothing else: no identity, no carts, no features.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import polars as pl

COMEBACK = str(Path(sys.executable).with_name("comeback"))
EVENTS_PER_PERSON = 29.7  # of the simulated shop over its 35 days
ONE_MORE_HOUR = 10_000

BY_HAND_IN_DUCKDB = """
import duckdb, sys
duckdb.execute("set threads = 2")
duckdb.execute(f'''
    create table sessions as
    with events as (
        select *, epoch_us(cast(event_at as timestamptz)) as at_us
        from read_parquet('{sys.argv[1]}/*.parquet')
        where try_cast(event_at as timestamptz) is not null and visitor_id is not null
    ),
    cut as (
        select *, coalesce(at_us - lag(at_us) over w > 1800000000, true) as is_start
        from events window w as (partition by visitor_id order by at_us, event_id)
    ),
    numbered as (
        select *, sum(is_start::int) over (
            partition by visitor_id order by at_us, event_id rows unbounded preceding
        ) as session_number
        from cut
    )
    select
        visitor_id, session_number, min(at_us) as started, max(at_us) as ended, count(*) as events,
        count(*) filter (event_type = 'view_item') as views,
        count(*) filter (event_type = 'add_to_cart') as adds,
        count(*) filter (event_type = 'remove_from_cart') as removes,
        count(*) filter (event_type = 'begin_checkout') as checkouts,
        count(*) filter (event_type = 'purchase') as purchases,
        sum(try_cast(order_value as decimal(18, 4))) as value,
        arg_min(page_url, at_us) as landing_page, arg_min(referrer, at_us) as referrer,
        any_value(utm_source) as utm_source, any_value(device_type) as device_type,
        any_value(country) as country, max(user_id) as user_id
    from numbered group by all
''')
"""
BY_HAND_IN_POLARS = """
import polars as pl, sys
kinds = ("view_item", "add_to_cart", "remove_from_cart", "begin_checkout", "purchase")
at = pl.col("event_at").str.to_datetime(time_unit="us", time_zone="UTC", strict=False)
(
    pl.scan_parquet(f"{sys.argv[1]}/*.parquet")
    .with_columns(at=at).drop_nulls(["at", "visitor_id"])
    .sort("visitor_id", "at", "event_id")
    .with_columns(gap=pl.col("at").diff().over("visitor_id"))
    .with_columns(is_start=(pl.col("gap") > pl.duration(minutes=30)).fill_null(True))
    .with_columns(session=pl.col("is_start").cast(pl.Int64).cum_sum().over("visitor_id"))
    .group_by("visitor_id", "session").agg(
        pl.col("at").min().alias("started"), pl.col("at").max().alias("ended"), pl.len(),
        *((pl.col("event_type") == kind).sum().alias(kind) for kind in kinds),
        pl.col("order_value").cast(pl.Float64, strict=False).sum(),
        pl.col("page_url", "referrer", "utm_source", "device_type", "country").first(),
        pl.col("user_id").max(),
    ).collect()
)
"""
BY_HAND_IN_PANDAS = """
import pandas as pd, sys
events = pd.read_parquet(sys.argv[1])
events["at"] = pd.to_datetime(events["event_at"], format="ISO8601", utc=True, errors="coerce")
events = events.dropna(subset=["at", "visitor_id"]).sort_values(["visitor_id", "at", "event_id"])
gap = events.groupby("visitor_id")["at"].diff()
events["session"] = (gap.isna() | (gap > pd.Timedelta(minutes=30))).cumsum()
events["value"] = pd.to_numeric(events["order_value"], errors="coerce")
kinds = ("view_item", "add_to_cart", "remove_from_cart", "begin_checkout", "purchase")
for kind in kinds:
    events[kind] = events["event_type"] == kind
events.groupby("session").agg(
    visitor=("visitor_id", "first"), started=("at", "min"), ended=("at", "max"),
    events=("at", "size"), value=("value", "sum"), **{kind: (kind, "sum") for kind in kinds},
    **{n: (n, "first") for n in ("page_url", "referrer", "utm_source", "device_type", "country")},
    user=("user_id", "max"),
)
"""


@dataclass(frozen=True)
class Cost:
    """What a process took: seconds by the clock, and the peak of its memory in megabytes."""

    seconds: float
    megabytes: float


def measured(command: Sequence[str], **environment: str) -> Cost:
    """Run a command to its end.

    Raises:
        RuntimeError: it failed.
    """
    begun = time.perf_counter()
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    errors = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"{' '.join(command[:3])} failed: {errors[-500:]}")
    return Cost(time.perf_counter() - begun, usage.ru_maxrss / 1024)


def simulate(folder: Path, people: int, seed: int = 7) -> int:
    """Dumps by the day in Parquet below `folder`; the number of their rows."""
    subprocess.run(
        [
            *(sys.executable, "-m", "data.simulated_shop", "--visitors", str(people)),
            *("--seed", str(seed), "--format", "parquet", "--slice", "day"),
            *("--out", str(folder), "--truth", str(folder.with_name(f"{folder.name}_truth"))),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return pl.scan_parquet(folder / "*.parquet").select(pl.len()).collect().item()


def one_more_hour(dumps: Path, target: Path) -> None:
    """The newest rows of the dumps again, as if other visitors had done the same an hour later."""
    rows = pl.scan_parquet(dumps / "*.parquet").tail(ONE_MORE_HOUR).collect()
    target.mkdir()
    rows.with_columns(
        pl.format("later-{}", "event_id").alias("event_id"),
        pl.format("later-{}", "visitor_id").alias("visitor_id"),
        pl.lit(None, dtype=pl.String).alias("order_id"),
    ).write_parquet(target / "later.parquet")


def figures(folder: Path, events: int) -> Iterator[tuple[str, Cost, float]]:
    """Each row of the table: what, its cost, and how many times the reference's seconds it took."""
    dumps = folder / "dumps"
    rows = simulate(dumps, round(events / EVENTS_PER_PERSON))
    home = {"COMEBACK_HOME": str(folder / "home")}
    land = [COMEBACK, "land", "--source", "canonical"]
    hour = [COMEBACK, "run", "--as-of", "latest"]

    by_hand = measured([sys.executable, "-c", BY_HAND_IN_DUCKDB, str(dumps)])
    yield f"sessions of {rows:,} rows, one DuckDB statement", by_hand, 1.0
    for name, script in (("polars", BY_HAND_IN_POLARS), ("pandas", BY_HAND_IN_PANDAS)):
        cost = measured([sys.executable, "-c", script, str(dumps)])
        yield f"the same in {name}", cost, cost.seconds / by_hand.seconds
    costs = {
        "landing and events": measured([*land, str(dumps)], **home),
        "first hour: carts, models, scores, files": measured(hour, **home),
        "an hour with nothing new": measured(hour, **home),
    }
    one_more_hour(dumps, folder / "later")
    measured([*land, str(folder / "later")], **home)
    costs[f"an hour after {ONE_MORE_HOUR:,} new rows"] = measured(hour, **home)
    costs["starting Python and the command"] = measured([COMEBACK, "--help"], **home)
    for name, cost in costs.items():
        yield name, cost, cost.seconds / by_hand.seconds


def main() -> None:
    """Print the table as it grows."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    events = parser.parse_args().events
    libraries = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "dbt-core", "dagster"))
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}, {libraries}\n")
    print(f"{'what':60} {'seconds':>8} {'times':>7} {'peak MB':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for what, cost, ratio in figures(Path(folder), events):
            print(f"{what:60} {cost.seconds:8.1f} {ratio:7.1f} {cost.megabytes:8.0f}", flush=True)


if __name__ == "__main__":
    main()
