"""Simulated shops of a size that says something, out of a real warehouse, beside their truth.

Belongs here: making a shop, building its tables, and what the truth says of each row. Not here: the
models, what is asked of them, or how it is measured (`test_models_judged_by_truth`).
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from data.shop_delivery import deliver, write_dumps
from data.shop_futures import Futures
from data.shop_law import ShopLaw
from data.simulated_shop import simulate
from ml import abandonment
from ml.abandonment import AbandonmentModel
from ml.features import person_id
from ml.intervals import groups_of
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.landing.locations import Location, known_sources, land_locations
from orchestration.landing.simulated_shop import RATES
from orchestration.warehouse import database, dbt_build

VISITORS, DAYS, LEARNED_DAYS = 45_000, 60, 45
START = datetime(2026, 9, 27)
NOW, END = START + timedelta(days=LEARNED_DAYS), START + timedelta(days=DAYS)
HORIZON = timedelta(hours=72)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
STEADY = ShopLaw()
# the odds of buying fall to a fifth when the models have been learned
SHIFTED = replace(STEADY, shift_from_hours=LEARNED_DAYS * 24.0, shift_log_odds=-1.55)
TABLES = ("training_snapshots", "training_returns")


@dataclass(frozen=True)
class JudgedShop:
    """A shop's tables of all its days, and what only the simulator knows.

    Attributes:
        snapshots: rows of `training_snapshots` of no suspected bot, by time and cart; those of
            the first days are what is learned from.
        returns: `training_returns`.
        first_adds: visitor_id, as_of, p_buy: the true chance at each first add.
        people: visitor_id, person and device, as numbers.
        futures: what may still come of a visit.
    """

    snapshots: pl.DataFrame
    returns: pl.DataFrame
    first_adds: pl.DataFrame
    people: pl.DataFrame
    futures: Futures

    @cached_property
    def model(self) -> AbandonmentModel:
        """What is learned when the learned days are over."""
        return abandonment.train(self.snapshots, as_of=NOW, horizon=HORIZON)

    @cached_property
    def later(self) -> pl.DataFrame:
        """The snapshots since, whose outcome is known, with age and p_true: the true chance to buy,
        null where there is none, in the middle of a visit."""
        rows = self.snapshots.filter(
            pl.col("as_of") > NOW,
            pl.col("as_of") + HORIZON < END,
            pl.col("converts_within_horizon").is_not_null(),
        )
        age = pl.Series(abandonment.idle_hours(rows)).round(3)
        return rows.with_columns(age=age, p_true=pl.Series(self.true_chances(rows))).with_columns(
            pl.col("p_true").fill_nan(None)
        )

    def true_chances(self, rows: pl.DataFrame) -> np.ndarray:
        """(n,) chances to buy; NaN in the middle of a visit that is not at a first add."""
        at = hours(rows["as_of"])
        visit, device = self.visits(rows)
        ended = self.futures.visits.end[np.maximum(visit, 0)]
        is_asked = (visit >= 0) & (at > ended + 0.01) & (abandonment.idle_hours(rows) > 1e-3)
        chances = np.full(rows.height, np.nan)
        asked = visit[is_asked], at[is_asked], device[is_asked]
        chances[is_asked] = self.futures.buys(*asked, seed=1)
        first = rows.select("visitor_id", "as_of").join(
            self.first_adds, on=["visitor_id", "as_of"], how="left", maintain_order="left"
        )["p_buy"]
        return np.where(first.is_null(), chances, first.fill_null(0.0).to_numpy())

    def visits(self, rows: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """(n,) the person's newest visit at each row, -1 for none, and the row's device."""
        who = rows.select("visitor_id").join(
            self.people, on="visitor_id", how="left", maintain_order="left"
        )
        person = who["person"].to_numpy()
        return self.futures.newest_visit(person, hours(rows["as_of"])), who["device"].to_numpy()


@cache
def shop_of(seed: int, *, is_shifted: bool = False) -> JudgedShop:
    """The shop of a seed, made once a process."""
    with TemporaryDirectory() as folder:
        return open_judged_shop(Path(folder), seed, SHIFTED if is_shifted else STEADY)


def hours(at: pl.Series) -> np.ndarray:
    """(n,) hours since the shop opened."""
    return (at - START).dt.total_microseconds().to_numpy() / 3.6e9


def people_groups(rows: pl.DataFrame) -> np.ndarray:
    """(n,) groups of people, for intervals."""
    return groups_of(rows.select(person_id()).to_series())


def open_judged_shop(folder: Path, seed: int, law: ShopLaw = STEADY) -> JudgedShop:
    """Simulate a shop, land its dumps and build its tables in a home below an empty folder."""
    dumps, rates = folder / "dumps", folder / "rates"
    start = START.replace(tzinfo=UTC)
    shop = simulate(visitors=VISITORS, days=DAYS, seed=seed, start=start, law=law)
    span = {"start": start, "hours": DAYS * 24, "seed": seed}
    rows = deliver(law, shop.events, **span)
    write_dumps(law, rows, dumps, file_format="parquet", slice_name="day", **span)
    rates.mkdir()
    (rates / "rates.csv").write_text(RATES)
    home, settings = Home(folder / "home"), Settings(threads=1)
    home.root.mkdir()
    home.prepare()
    with database.connect(home, settings) as connection:
        database.ensure_score_tables(connection)
        places = [Location(str(dumps), "canonical"), Location(str(rates), "exchange_rates")]
        land_locations(connection, home, known_sources(home), places, datetime.now(UTC))
    select = [f"+{table}" for table in TABLES]
    dbt_build.build(home, settings, as_of=END, command="run", select=select).require_success()
    with database.connect(home, settings) as connection:
        snapshots, returns = (
            connection.sql(f"select * from main.{table} {where}").pl()
            for table, where in zip(TABLES, ("where not is_suspected_bot", ""), strict=True)
        )
    people = shop.people.select("visitor_ids", person="person_id")
    devices = pl.int_ranges(pl.col("visitor_ids").list.len()).alias("device")
    return JudgedShop(
        snapshots=snapshots.sort("as_of", "cart_id"),
        returns=returns,
        first_adds=shop.carts.select(
            "visitor_id",
            as_of=pl.col("started_at").dt.replace_time_zone(None).cast(pl.Datetime("us")),
            p_buy="p_convert_72h",
        ),
        people=people.with_columns(devices)
        .explode("visitor_ids", "device")
        .rename({"visitor_ids": "visitor_id"}),
        futures=shop.futures,
    )
