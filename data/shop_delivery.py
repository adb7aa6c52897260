"""How the log reaches the pipeline: rows late, twice, broken or nonsense, in files by the slice.

Belongs here: everything that goes wrong between the shop and the file, the formats, the writing.
Does not belong here: what happened in the shop (`shop_events`). Nothing here takes a good event
away: nonsense in a required column comes as an extra row, so that the truth stays true.
"""

import gzip
import io
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from data.shop_events import COLUMNS
from data.shop_law import ShopLaw

FORMATS = ("csv", "csv.gz", "jsonl", "parquet")
SLICES = {"hour": 1, "day": 24}
_NOBODY = (
    *("", "0", "null", "undefined", "None", "NaN", "anonymous"),
    "00000000-0000-0000-0000-000000000000",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",  # SHA-256 of nothing
)
_BAD_TIMES = ("yesterday", "2026-13-45T99:00:00Z", "10/5", "-", "")
_IMPLAUSIBLE_TIMES = (
    "1970-01-01T00:00:00.000Z",
    "1999-12-31T23:59:59.999Z",
    "2199-01-01T00:00:00Z",
)
_BAD_OPTIONAL = {
    "quantity": ("0", "two", "-1", "1.5"),
    "price": ("-9.99", "free", "n/a"),
    "currency": ("XXQ", "euro", "??"),
}

_HOUR_US = 3_600_000_000


def deliver(
    law: ShopLaw, events: pl.DataFrame, *, start: datetime, hours: int, seed: int
) -> pl.DataFrame:
    """Turn a clean log into rows as delivered: COLUMNS as text, and `slot`, the hour of their file.

    `events` has COLUMNS with `event_at` as UTC time, within `hours` of `start`. Rows are sorted by
    slot, then time; nothing arrives after the last slot.
    """
    rng = np.random.default_rng([seed, 10])
    count = len(events)
    at_us = events["event_at"].to_physical()
    opened_us = round(start.timestamp()) * 1_000_000
    delivered = events.with_columns(
        at_us=at_us,
        slot=_hour(at_us, opened_us) + _late(law, rng, count),
    )
    delivered = _spoil_optional(law, delivered, rng)
    again = delivered.filter(pl.Series(rng.random(count) < law.duplicate_share))
    again = again.with_columns(slot=again["slot"] + pl.Series(rng.integers(0, 4, len(again))))
    redelivered = delivered.filter(pl.Series(rng.random(count) < law.redelivered_share))
    later = 1000 * (1 + rng.exponential(600_000.0, len(redelivered)).astype(np.int64))
    redelivered = redelivered.with_columns(at_us=pl.col("at_us") + pl.Series(later))
    redelivered = redelivered.with_columns(
        slot=pl.max_horizontal(pl.col("slot"), _hour(redelivered["at_us"], opened_us))
    )
    rows = pl.concat([delivered, again, redelivered])
    rows = rows.with_columns(
        event_at=pl.col("at_us").cast(pl.Datetime("us")).dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
    )
    rows = pl.concat([rows, _nonsense(law, rows, rng)])
    return (
        rows.with_columns(slot=pl.col("slot").clip(0, hours - 1))
        .sort("slot", "at_us", "event_id", "event_at", maintain_order=True)
        .select(*COLUMNS, "slot")
    )


def write_dumps(
    law: ShopLaw,
    rows: pl.DataFrame,
    folder: Path,
    *,
    start: datetime,
    hours: int,
    file_format: str,
    slice_name: str,
    seed: int,
) -> list[Path]:
    """Write what `deliver` made as `folder`/2026-10-05/10.csv (or 2026-10-05.csv by the day).

    `start` is the full hour of slot 0. A slice without rows has its file too. Files appear whole or
    not at all. Text formats get lines cut short now and then. Returns the paths.

    Raises:
        ValueError: if `file_format` or `slice_name` is not one of FORMATS or SLICES.
    """
    if file_format not in FORMATS or slice_name not in SLICES:
        raise ValueError(
            f"cannot write {file_format!r} by the {slice_name!r}: "
            f"formats are {', '.join(FORMATS)}; slices are {', '.join(SLICES)}"
        )
    rng = np.random.default_rng([seed, 11])
    encode = _ENCODERS[file_format]
    paths = []
    for name, part in _slices(rows, start, hours, SLICES[slice_name]):
        broken = part.filter(pl.Series(rng.random(len(part)) < law.broken_line_share))
        path = folder / f"{name}.{file_format}"
        replace_file(path, encode(part, broken))
        paths.append(path)
    return paths


def replace_file(path: Path, content: bytes) -> None:
    """Write `path` under another name and rename it: readers see all of it or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_bytes(content)
    os.replace(unfinished, path)  # noqa: PTH105


def parquet(frame: pl.DataFrame) -> bytes:
    """Encode a frame as Parquet."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def _hour(at_us: pl.Series, opened_us: int) -> pl.Series:
    return (at_us - opened_us) // _HOUR_US


def _late(law: ShopLaw, rng: np.random.Generator, count: int) -> pl.Series:
    hours = rng.geometric(1.0 / law.late_mean_hours, count)
    return pl.Series(np.where(rng.random(count) < law.late_share, hours, 0))


def _spoil_optional(
    law: ShopLaw, delivered: pl.DataFrame, rng: np.random.Generator
) -> pl.DataFrame:
    """Put nonsense into quantity, price or currency of a few rows, and nobody into user_id."""
    count = len(delivered)
    anonymous = delivered["user_id"].is_null() & delivered["visitor_id"].is_not_null()
    users = [name for name in _NOBODY if name]
    plan = [("user_id", users, anonymous, law.placeholder_user_share)]
    for name, values in _BAD_OPTIONAL.items():
        has_value = delivered[name].is_not_null()
        # Rare values are spoiled more often, so that the share of all rows comes out.
        share = law.bad_optional_share / len(_BAD_OPTIONAL) * count / max(1, has_value.sum())
        plan.append((name, values, has_value, share))
    for name, values, candidates, share in plan:
        is_hit = candidates & pl.Series(rng.random(count) < share)
        nonsense = pl.Series(rng.choice(values, count), dtype=pl.String)
        delivered = delivered.with_columns(
            pl.when(is_hit).then(nonsense).otherwise(name).alias(name)
        )
    return delivered


def _nonsense(law: ShopLaw, rows: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Extra page views with nobody in them, or at no time, or at a time that cannot be."""
    views = rows.filter(pl.col("event_type") == "page_view")
    count = round(law.bad_required_share * len(rows)) if len(views) else 0
    picked = views[np.sort(rng.integers(0, max(1, len(views)), count)), :]
    kind = rng.integers(0, 3, count)

    def one_of(values: tuple[str, ...]) -> pl.Series:
        return pl.Series(rng.choice(values, count), dtype=pl.String)

    nobody, no_time, no_such_time = (pl.Series(kind == number) for number in range(3))
    return picked.with_columns(
        event_id="x" + pl.Series(np.arange(count)).cast(pl.String).str.zfill(13),
        visitor_id=pl.when(nobody).then(one_of(_NOBODY)).otherwise("visitor_id"),
        user_id=pl.when(nobody).then(one_of(_NOBODY)).otherwise("user_id"),
        event_at=pl.when(no_time)
        .then(one_of(_BAD_TIMES))
        .when(no_such_time)
        .then(one_of(_IMPLAUSIBLE_TIMES))
        .otherwise("event_at"),
    )


def _slices(
    rows: pl.DataFrame, start: datetime, hours: int, size: int
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Cut sorted rows every `size` hours of the UTC calendar; name the parts by day and hour."""
    first = int(start.timestamp()) // 3600
    whole = np.arange(first // size, (first + hours - 1) // size + 2) * size
    edges = np.clip(whole - first, 0, hours)  # the first and the last day may be short
    bounds = np.searchsorted(rows["slot"].to_numpy(), edges)
    for edge, begin, end in zip(edges[:-1], bounds[:-1], bounds[1:], strict=True):
        at = start.astimezone(UTC) + timedelta(hours=int(edge))
        yield f"{at:%Y-%m-%d/%H}" if size == 1 else f"{at:%Y-%m-%d}", rows[begin:end].drop("slot")


def _csv(part: pl.DataFrame, broken: pl.DataFrame) -> bytes:
    cut = "".join(f"{','.join(field or '' for field in row[:4])}\n" for row in broken.rows())
    return (part.write_csv() + cut).encode()


def _csv_gz(part: pl.DataFrame, broken: pl.DataFrame) -> bytes:
    return gzip.compress(_csv(part, broken), compresslevel=6, mtime=0)


def _jsonl(part: pl.DataFrame, broken: pl.DataFrame) -> bytes:
    # A record without a value has no such key, as logs have it.
    def line(row: dict[str, str | None]) -> str:
        return json.dumps({name: value for name, value in row.items() if value is not None})

    whole = "".join(f"{line(row)}\n" for row in part.iter_rows(named=True))
    cut = "".join(f"{line(row)[:60]}\n" for row in broken.iter_rows(named=True))
    return (whole + cut).encode()


def _parquet(part: pl.DataFrame, broken: pl.DataFrame) -> bytes:  # noqa: ARG001
    return parquet(part)  # a binary file has no lines to cut


_ENCODERS: dict[str, Callable[[pl.DataFrame, pl.DataFrame], bytes]] = {
    "csv": _csv,
    "csv.gz": _csv_gz,
    "jsonl": _jsonl,
    "parquet": _parquet,
}
