"""The dumps that are measured: a shop that has been open for longer or shorter, and one hour more.

Belongs here: making them. Not here: what is done with them.

A longer history is the same shop open for longer, not a bigger shop: months of 35 days, each by
another seed with other people and ids of its own, the newest the same in all. So the carts that
live at the end of the log are as many whatever the history. Nobody comes back there after a month:
what a long history of the same people costs, `write_returning` shows.

Of the simulated shop's lists of items, which purchases have, none is here, so that figures compare
with those of before it had them. One add in five is of two items: they are in the list `items`, and
the columns of one item are empty.
"""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from data.simulated_shop import write_shop

DAYS = 35
SPAN_DAYS = 45
LOG_END = datetime.fromisoformat("2026-11-01T00:00:00+00:00")
EVENTS_PER_PERSON = 29.7
SEED = 7
IDS = ("event_id", "visitor_id", "user_id", "order_id")
LATE_SHARE = 0.05
LISTED_SHARE = 0.2  # of the adds
READ_AT = (
    pl.col("event_at")
    .str.to_datetime("%+", time_unit="us", strict=False)
    .dt.replace_time_zone(None)
)
ITEM_FIELDS = ("item_id", "item_category", "item_brand", "quantity", "price")


def write_month(folder: Path, age: int, events: int) -> None:
    """Write one month of about so many events in Parquet by the day; `age` 0 is the newest."""
    _write(folder, f"m{age}-", events, SEED + age, LOG_END - timedelta(days=DAYS * age))


def write_returning(folder: Path, group: int, events: int) -> None:
    """Write shoppers who come back, in Parquet by the day: the same people in each of two spans.

    What a group of them does up to the log's end it did as well as many days before: so a shopper
    has some five sessions in ninety days, and those of today have a history as long as the log.

    Args:
        folder: where the files go; those of the newest days are called by their day.
        group: which people, counted from 0; each has ids of its own.
        events: how many, of both spans together.
    """
    _write(folder, f"g{group}-", events // 2, SEED + group, LOG_END, SPAN_DAYS)
    for path in sorted(folder.glob("*.parquet")):
        rows = pl.read_parquet(path).with_columns(
            # what is no time stays as it is
            pl.coalesce(_written(READ_AT - timedelta(days=SPAN_DAYS)), "event_at"),
            *(_renamed(name, "b-", pl.lit(True)) for name in ("event_id", "order_id")),
        )
        rows.write_parquet(path.with_name(f"before_{path.name}"))


def newest_days(folder: Path, days: int) -> list[Path]:
    """The files of the newest days of shoppers who come back."""
    first = (LOG_END - timedelta(days=days)).date().isoformat()
    return sorted(path for path in folder.glob("2*.parquet") if path.stem >= first)


def hour_after(number: int) -> datetime:
    """The end of the hour of that number, counted from 1, after the log's end; UTC, naive."""
    return LOG_END.replace(tzinfo=None) + timedelta(hours=number)


def more_rows(month: Path, number: int, rows: int) -> pl.DataFrame:
    """An hour after the log's end in which the newest rows of the log happen again.

    Half of the visitors are those of the log, coming again; the other half are new. One row in
    twenty is late: it says something new of a time within the log.

    Args:
        month: the newest month.
        number: which hour, counted from 1; each has ids of its own.
        rows: how many; of a month smaller than twenty times that, a twentieth.

    Returns:
        The rows as delivered.
    """
    at = pl.col("at")
    log = (
        pl.scan_parquet(month / "*.parquet")
        .with_columns(at=READ_AT)
        .filter(at < hour_after(0), pl.col("visitor_id").is_not_null())
        .unique("event_id", keep="any")
        .sort("at", "event_id")
        .collect()
    )
    newest = log.tail(min(rows, log.height // 20))
    share = (at - at.min()) / (at.max() - at.min())
    moved = hour_after(number - 1) + (share * 3_599_000_000).cast(pl.Duration("us"))
    is_late = pl.int_range(pl.len()) % round(1 / LATE_SHARE) == 0
    is_new = pl.col("visitor_id").hash(SEED) % 2 == 0
    return newest.with_columns(
        pl.when(is_late).then("event_at").otherwise(_written(moved)),
        *(_renamed(name, f"h{number}-", pl.lit(True)) for name in ("event_id", "order_id")),
        *(_renamed(name, f"h{number}-", is_new) for name in ("visitor_id", "user_id")),
    ).drop("at")


def _write(
    folder: Path, prefix: str, events: int, seed: int, end: datetime, days: int = DAYS
) -> None:
    """Write so many events of a shop that ends at an instant; the prefix makes its ids its own."""
    made, truth = folder.with_name(f".{folder.name}"), folder.with_name(f".{folder.name}_truth")
    write_shop(
        made,
        truth,
        visitors=max(1, round(events / EVENTS_PER_PERSON)),
        days=days,
        seed=seed,
        start=end - timedelta(days=days),
        file_format="parquet",
        slice_name="day",
    )
    folder.mkdir(parents=True, exist_ok=True)
    seconds = _second_items(made)
    for path in sorted(made.glob("*.parquet")):
        rows = _listed(pl.read_parquet(path), seconds)
        own = rows.with_columns(_renamed(name, prefix, pl.lit(True)) for name in IDS)
        own.write_parquet(folder / path.name)
    shutil.rmtree(made)
    shutil.rmtree(truth)


def deliver(rows: pl.DataFrame, landing: Path, name: str) -> None:
    """Put rows into a source's folder in one step, as a shop should."""
    landing.mkdir(parents=True, exist_ok=True)
    unfinished = landing / f".{name}"
    rows.write_parquet(unfinished)
    unfinished.rename(landing / name)


def _second_items(made: Path) -> pl.DataFrame:
    """For each item that is added, as `item_id`, the next one by id as the struct `second`."""
    price = pl.col("price").filter(pl.col("price").str.contains(r"^\d+\.\d+$"))
    items = (
        pl.scan_parquet(made / "*.parquet")
        .filter(pl.col("event_type") == "add_to_cart", pl.col("item_id").is_not_null())
        .group_by("item_id")
        .agg(pl.col("item_category", "item_brand").min(), price.min(), quantity=pl.lit("1"))
        .sort("item_id")
        .collect()
    )
    following = items.select(ITEM_FIELDS).to_struct("second")
    return items.select("item_id", pl.concat([following[1:], following[:1]]))


def _listed(rows: pl.DataFrame, seconds: pl.DataFrame) -> pl.DataFrame:
    """The rows with `items`: one add in five, by its id, has there its own item and a second.

    A row that is delivered twice is the same twice, for all follows from its own columns.
    """
    drawn = pl.col("event_id").str.slice(-3).str.to_integer(base=16, strict=False)
    is_drawn = (pl.col("event_type") == "add_to_cart") & (drawn % round(1 / LISTED_SHARE) == 0)
    numbered = rows.drop("items").with_row_index("row")
    # lists of the drawn rows alone: made for every row they take as long as the whole shop
    lists = (
        numbered.filter(is_drawn)
        .join(seconds, on="item_id")
        .select("row", items=pl.concat_list(pl.struct(ITEM_FIELDS), "second"))
    )
    return (
        numbered.join(lists, on="row", how="left", maintain_order="left")
        .with_columns(pl.when(pl.col("items").is_null()).then(pl.col(ITEM_FIELDS)).name.keep())
        .drop("row")
    )


def _written(at: pl.Expr) -> pl.Expr:
    """A time as the shop writes it."""
    return at.dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")


def _renamed(name: str, prefix: str, where: pl.Expr) -> pl.Expr:
    """An id of the shop with a prefix; what means nobody stays as it is."""
    is_id = pl.col(name).str.contains(r"^([gm]\d+-)?[a-z]?[0-9a-f]{6,16}$") & where
    return pl.when(is_id).then(pl.format("{}{}", pl.lit(prefix), name)).otherwise(name).alias(name)
