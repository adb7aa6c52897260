"""A shop's event dumps, simulated, and the truth behind them: `python -m data.simulated_shop`.

Belongs here: putting the parts together, and the command. Does not belong here: what people do
(`shop_visits`), what the log says (`shop_events`, `shop_orders`), constants and closed forms
(`shop_law`), the truth tables and their columns (`shop_truth`), what may still come of a visit
(`shop_futures`), the dirt and the files (`shop_delivery`), what is known of users
(`shop_contacts`).

The same arguments give the same bytes, down to the last file. The truth goes to a folder of its
own, which the pipeline never reads.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from data.shop_catalogue import draw_catalogue, draw_names
from data.shop_contacts import Contacts, draw_contacts
from data.shop_delivery import FORMATS, SLICES, deliver, parquet, replace_file, write_dumps
from data.shop_events import as_text, machine_events, passive_events, visit_events
from data.shop_futures import Futures
from data.shop_law import SeasonClock, ShopLaw
from data.shop_orders import listed_items
from data.shop_people import draw_people
from data.shop_truth import carts_truth, people_truth, sessions_truth
from data.shop_visits import draw_visits

DEFAULT_VISITORS = 8_500
DEFAULT_DAYS = 35
DEFAULT_SEED = 7
DEFAULT_START = "2026-09-27T00:00:00Z"  # with the default days it ends on 1 November 2026
LAW = ShopLaw()
PEOPLE_SOURCES = ("profiles", "suppressions", "contacts")


@dataclass(frozen=True)
class Shop:
    """The clean log (canonical columns as text, `event_at` as UTC time), the truth behind it, what
    the shop knows of its users, and what may still come of each visit."""

    events: pl.DataFrame
    carts: pl.DataFrame
    people: pl.DataFrame
    sessions: pl.DataFrame
    known: Contacts
    futures: Futures


@dataclass(frozen=True)
class Written:
    """What `write_shop` made."""

    files: list[Path]
    events: int
    rows: int


def simulate(*, visitors: int, days: int, seed: int, start: datetime, law: ShopLaw = LAW) -> Shop:
    """Simulate `visitors` people over `days` from `start`, a full hour in UTC.

    Raises:
        ValueError: if a number is below one, or `start` is not a full hour with an offset.
    """
    if visitors < 1 or days < 1:
        raise ValueError(f"visitors and days must be at least 1, not {visitors} and {days}")
    if start.tzinfo is None or start.timestamp() % 3600:
        raise ValueError(f"start must be a full hour with an offset, not {start.isoformat()}")
    opened = start.astimezone(UTC)
    opened_us = round(opened.timestamp()) * 1_000_000
    hours = days * 24.0
    clock = SeasonClock(opened)
    catalogue = draw_catalogue(law, days, seed)
    people = draw_people(law, visitors, hours, clock, seed)
    visits = draw_visits(law, people, catalogue.cents / 100.0, hours, clock, seed)
    recorded = visit_events(law, people, visits, catalogue, seed)
    codes = pl.concat(
        [
            recorded.codes,
            passive_events(law, people, recorded, hours, seed),
            machine_events(law, visitors, catalogue, hours, seed),
        ]
    )
    names = draw_names(visitors, codes["visitor"].max() + 1, seed)
    listed = listed_items(law, visits, recorded, catalogue, seed)
    events = as_text(codes, listed, names, catalogue, opened_us)
    ids = events["event_id"]
    return Shop(
        # Visits go on until every truth is known; the log ends where it was asked to.
        events=events.filter(codes["at_us"] < days * 24 * 3_600_000_000),
        carts=carts_truth(law, clock, visits, recorded, ids, names, opened_us, hours),
        people=people_truth(law, people, names),
        sessions=sessions_truth(law, clock, people, visits, recorded, names, opened_us, hours),
        known=draw_contacts(people, names, opened, hours, seed),
        futures=Futures(law, clock, people, visits, catalogue.cents / 100.0),
    )


def write_shop(
    out: Path,
    truth: Path,
    *,
    visitors: int = DEFAULT_VISITORS,
    days: int = DEFAULT_DAYS,
    seed: int = DEFAULT_SEED,
    start: datetime | None = None,
    file_format: str = "csv",
    slice_name: str = "hour",
    law: ShopLaw = LAW,
    people: Path | None = None,
) -> Written:
    """Simulate a shop, write its dumps below `out` and its truth tables into `truth`.

    What it knows of its users is written below `people`, if that is given: a folder a source.

    Raises:
        ValueError: for arguments that `simulate` or `write_dumps` refuse, or if `truth` lies
            within `out`, where the pipeline would take it for dumps.
    """
    if truth.resolve().is_relative_to(out.resolve()):
        raise ValueError(f"the truth must not lie among the dumps: {truth} is within {out}")
    start = start or datetime.fromisoformat(DEFAULT_START)
    shop = simulate(visitors=visitors, days=days, seed=seed, start=start, law=law)
    rows = deliver(law, shop.events, start=start, hours=days * 24, seed=seed)
    files = write_dumps(
        law,
        rows,
        out,
        start=start,
        hours=days * 24,
        file_format=file_format,
        slice_name=slice_name,
        seed=seed,
    )
    for name in ("carts", "people", "sessions"):
        replace_file(truth / f"{name}_truth.parquet", parquet(getattr(shop, name)))
    if people is not None:
        for name in PEOPLE_SOURCES:
            content = getattr(shop.known, name).write_csv().encode()
            replace_file(people / name / f"{name}.csv", content)
    return Written(files=files, events=len(shop.events), rows=len(rows))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 done, 1 failed with a reason in one line, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m data.simulated_shop",
        description="Write a simulated shop's event dumps, and the truth behind them.",
    )
    parser.add_argument(
        "--visitors", type=int, default=DEFAULT_VISITORS, help="people (%(default)s)"
    )
    parser.add_argument("--days", type=int, default=DEFAULT_DAYS, help="days of log (%(default)s)")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="(%(default)s)")
    parser.add_argument(
        "--start",
        type=datetime.fromisoformat,
        default=DEFAULT_START,
        help="a full hour in ISO 8601 with offset (%(default)s)",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the dumps")
    parser.add_argument("--truth", type=Path, required=True, help="folder of the truth tables")
    parser.add_argument("--people", type=Path, help="folder of what is known of its users")
    parser.add_argument("--format", choices=FORMATS, default="csv", help="(%(default)s)")
    parser.add_argument("--slice", choices=SLICES, default="hour", help="a file (%(default)s)")
    given = parser.parse_args(arguments)
    began = time.perf_counter()
    try:
        written = write_shop(
            given.out,
            given.truth,
            visitors=given.visitors,
            days=given.days,
            seed=given.seed,
            start=given.start,
            file_format=given.format,
            slice_name=given.slice,
            people=given.people,
        )
    except (ValueError, OSError) as error:
        print(f"simulated_shop: {error}", file=sys.stderr)
        return 1
    seconds = time.perf_counter() - began
    print(
        f"{written.events:,} events, {written.rows:,} rows in {len(written.files):,} files "
        f"below {given.out} ({seconds:.1f} s, {written.events / seconds:,.0f} events a second)"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
