"""What is published hour after hour, against a first publication of the same warehouse."""

import logging
import random
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from data.simulated_shop import write_shop
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.landing import ensure_raw_tables, find_files, land
from orchestration.landing.locations import known_sources
from orchestration.modelling import contact_effects, contact_results, written_scores
from orchestration.outputs.exports import contact_log
from orchestration.outputs.exports.contact_log import LOGGED
from orchestration.outputs.published_database import FROM_SCRATCH, publish
from orchestration.warehouse import database, dbt_build, late_data, outcomes, run_log
from orchestration.warehouse.score_tables import CART_SCORES, DBT_TABLES, SCORE_TABLES
from orchestration.warehouse.segment_tables import MEMBERSHIPS

pytestmark = [pytest.mark.slow, pytest.mark.heavy]

# amid the log, so that outcomes of scores become known from load to load
NOON = datetime(2026, 10, 20, 12)
SETTINGS = Settings(scores_keep_days=1)
# the simulated shop does not say what is bought
BOUGHT = '[{"item_id": "bag", "quantity": 2, "price": 5}, {"item_id": "hat", "price": 3}]'
BOUGHT_ALONE = '[{"item_id": "cap"}]'


@pytest.mark.parametrize("hours", [3, 4, 6])
def test_hour_after_hour_the_file_equals_a_first_publication(tmp_path, caplog, hours):
    home = Home(tmp_path / "home")
    home.prepare()
    generator = random.Random(3)
    followed = 0
    for number, rows in enumerate(loads(tmp_path / "shop", generator, hours)):
        deliver(home, number, rows)
        if number and generator.random() < 0.3:
            # as after a kill: the carts of the touched visitors are others already
            build(home, command="run", select=["+carts"])
        build(home, command="run")
        with database.connect(home, SETTINGS) as connection, caplog.at_level(logging.INFO):
            # some hours are scored again
            score(connection, NOON + timedelta(hours=9 * (number - generator.choice((0, 0, 1)))))
            outcomes.follow_log(connection, SETTINGS)
            late_data.count_withdrawn(connection, home.published)
            if 0 < number < hours - 1 and generator.random() < 0.3:
                continue
            caplog.clear()
            row_counts = publish(connection, home.published)
            followed += FROM_SCRATCH not in [record.msg for record in caplog.records]
        expected = contents_of_first_publication(home, tmp_path / "twin")
        found = contents(home.published)
        assert found == expected
        assert row_counts == {name: len(rows) for name, rows in expected.items()}
    assert followed >= hours // 3
    # nothing was learned, so nothing was planned and nobody held out
    assert {name for name, rows in found.items() if not rows} <= {
        *("models", "contact_plans", "holdout_arms")
    }


def loads(folder: Path, generator: random.Random, hours: int) -> list[pl.DataFrame]:
    """The dumps of a small shop in as many loads as there are hours, with rows that come later."""
    dumps = write_shop(
        folder / "out",
        folder / "truth",
        visitors=60,
        days=38,
        seed=5,
        start=datetime(2026, 9, 28, tzinfo=UTC),
        file_format="parquet",
        slice_name="day",
    )
    rows = pl.concat(pl.read_parquet(path) for path in dumps.files)
    # as from a collector that is built in twice
    twice = rows.filter(pl.col("event_type") == "view_item").gather_every(50)
    rows = pl.concat([rows, twice.with_columns(event_id="again-" + pl.col("event_id"))])
    # a shop of this size sells too little for what is bought together, so others buy, too
    orders = rows.filter(pl.col("event_type") == "view_item").gather_every(10)
    orders = orders.with_columns(
        event_id="order-" + pl.col("event_id"),
        visitor_id="buyer-" + pl.col("visitor_id"),
        event_type=pl.lit("purchase"),
        order_id="order-" + pl.col("event_id"),
        order_value=pl.lit("13"),
    )
    rows = pl.concat([rows, orders]).sort("event_at", maintain_order=True)
    is_order = pl.col("event_type") == "purchase"
    bought = pl.when(is_order & (is_order.cum_sum() % 2 == 0)).then(pl.lit(BOUGHT))
    bought = bought.when(is_order).then(pl.lit(BOUGHT_ALONE))
    rows = rows.with_columns(items=bought)
    of_load = [
        min(hours - 1, max(0, place * 2 * hours // rows.height - hours) + delay)
        for place in range(rows.height)
        for delay in [generator.choice((*(0,) * 30, 1, 2))]
    ]
    return rows.with_columns(load=pl.Series(of_load)).partition_by(
        "load", include_key=False, maintain_order=True
    )


def deliver(home: Home, number: int, rows: pl.DataFrame) -> None:
    """Land rows as a file of their own."""
    path = home.root / "dumps" / f"{number}.parquet"
    path.parent.mkdir(exist_ok=True)
    rows.write_parquet(path)
    source = known_sources(home)["canonical"]
    with database.connect(home, SETTINGS) as connection:
        database.ensure_score_tables(connection)
        ensure_raw_tables(connection, known_sources(home))
        landed_at = datetime(2026, 12, 1, tzinfo=UTC)
        land(connection, find_files(str(path), source), source, landed_at=landed_at)


def build(home: Home, **options) -> None:
    """One build that must succeed."""
    dbt_build.build(home, SETTINGS, as_of=NOON, exclude=(), **options).require_success()


def score(connection: duckdb.DuckDBPyConnection, hour: datetime) -> None:
    """Scores of the open carts, as good as any."""
    known = {
        "scored_at": "cast(? as timestamp)",
        "cart_id": "cart_id",
        "visitor_id": "visitor_id",
        "best_action": "case when hash(cart_id) % 2 = 0 then 'reminder' else 'nothing' end",
        "priority_rank": "row_number() over (order by cart_id)",
    }
    columns = ", ".join(
        f"cast({known.get(column.name, 'null')} as {column.type}) as {column.name}"
        for column in CART_SCORES.columns
    )
    query = f"select {columns} from main.carts where status = 'open'"
    scores = connection.sql(query, params=[hour]).pl()
    run = {"job": "hourly", "as_of": hour, "started_at": datetime.now(UTC), "settings": SETTINGS}
    run_id = f"run {run['started_at']}"
    run_log.begin_run(connection, run_id, **run)
    written_scores.write_scores(connection, scores, hour, run_id, SETTINGS)
    belong(connection, hour)
    contact(connection, scores, hour)
    try_out(connection, hour)
    group(connection, hour)


def belong(connection: duckdb.DuckDBPyConnection, hour: datetime) -> None:
    """Whoever has a cart was in a segment when they were contacted; one in three left it since."""
    entered_at = hour - timedelta(days=12)
    connection.execute("delete from scores.segment_history where entered_at = ?", [entered_at])
    connection.execute(
        "insert into scores.segment_history by name"
        " select distinct visitor_id as person_id, 'vip' as segment, 1 as version,"
        " $1::timestamp as entered_at,"
        " case when hash(visitor_id) % 3 = 0 then $1::timestamp + interval '9' day end as left_at"
        " from main.carts",
        [entered_at],
    )
    connection.execute("delete from scores.segment_sizes where as_of = ?", [hour])
    connection.execute(
        "insert into scores.segment_sizes by name"
        " select ?::timestamp as as_of, 'vip' as segment, 1 as version, 2 as person_count,"
        " 1 as entered_count, 0 as left_count",
        [hour],
    )


def contact(connection: duckdb.DuckDBPyConnection, scores: pl.DataFrame, hour: datetime) -> None:
    """Everybody is contacted, or would be, a plan of ten days ago."""
    carts = scores.select(
        "cart_id",
        contact_id=pl.col("cart_id") + f" {hour}",
        person_id="visitor_id",
        channel=pl.lit("email"),
        export=pl.lit("email"),
        logged_at=pl.lit(hour),
        send_after=pl.lit(hour - timedelta(days=10)),
        segment=pl.lit("on_the_fence"),
        action=pl.lit("reminder"),
        p_abandon=pl.lit(0.5),
        expected_gain=pl.lit(1),
        session_ended_at=pl.lit(hour - timedelta(days=11)),
        sent_action=pl.lit("incentive"),
        is_withheld=pl.int_range(pl.len()) % 2 == 0,
    )
    contact_log.keep(connection, carts.select(pl.col(n).cast(t) for n, t in LOGGED.items()))
    contact_log.settle(connection, hour)
    contact_effects.measured(connection, SETTINGS, hour)
    contact_results.write_results(connection, SETTINGS, hour, "EUR")


def try_out(connection: duckdb.DuckDBPyConnection, hour: datetime) -> None:
    """Another person of a cart is in an experiment with each hour, of which results are made."""
    connection.execute(
        "insert into scores.experiment_arms by name"
        " select 'subject' as experiment, visitor_id as person_id, 'short' as arm,"
        " $1::timestamp as assigned_at, 'key' as key_id, 0.5 as p_abandon"
        " from main.carts where visitor_id not in (select person_id from scores.experiment_arms)"
        " order by visitor_id limit 1",
        [hour],
    )
    connection.execute("delete from scores.experiment_results")
    connection.execute(
        "insert into scores.experiment_results by name"
        " select experiment, arm, count(*) as assigned_persons, $1::timestamp as judged_at"
        " from scores.experiment_arms group by all",
        [hour],
    )


def group(connection: duckdb.DuckDBPyConnection, hour: datetime) -> None:
    """Groups are counted again with each hour."""
    connection.execute("delete from scores.clusters")
    connection.execute(
        "insert into scores.clusters by name"
        " select 1 as cluster_id, $1::timestamp as scored_at, count(*) as person_count"
        " from main.carts",
        [hour],
    )


def contents_of_first_publication(home: Home, folder: Path) -> dict[str, list[tuple]]:
    """What would be published of a warehouse by whoever published nothing of it before."""
    shutil.rmtree(folder, ignore_errors=True)
    twin = Home(folder)
    twin.prepare()
    shutil.copyfile(home.warehouse, twin.warehouse)
    with database.connect(twin, SETTINGS) as connection:
        connection.execute(
            "delete from scores.score_outcomes; delete from scores.outcomes_watermark"
        )
        outcomes.follow_log(connection, SETTINGS)
        publish(connection, twin.published)
    return contents(twin.published)


def contents(published: Path) -> dict[str, list[tuple]]:
    """All rows of all published tables; those of the priorities as they stand."""
    names = [*DBT_TABLES, *(table.name for table in SCORE_TABLES)]
    names += [MEMBERSHIPS, "retargeting_priorities"]
    with duckdb.connect(str(published), read_only=True) as connection:
        return {
            name: connection.execute(
                f"from {name}" + (" order by all" if name != "retargeting_priorities" else "")
            ).fetchall()
            for name in names
        }
