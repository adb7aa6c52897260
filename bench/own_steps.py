"""Steps of Comeback that no command runs alone, each as a process over COMEBACK_HOME.

    python -m bench.own_steps parse                        parse the dbt project, once a home
    python -m bench.own_steps build FOLDER HOUR            land dumps, build up to snapshots
    python -m bench.own_steps land FOLDER SOURCE           land dumps; the number of rows
    python -m bench.own_steps more_carts NUMBER HOUR HOME  carts to score, out of another home
    python -m bench.own_steps score HOUR EXPLAINED         score the hour's carts, write them

Belongs here: calling what the assets call, in their order, and printing seconds as JSON. Not here:
any work of its own, but for drawing carts. A step imports what it needs, as a command does.
"""

import itertools
import json
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from orchestration.ground.home import Home
from orchestration.ground.settings import load_settings
from orchestration.landing.locations import Location, known_sources, land_locations
from orchestration.warehouse import database, dbt_build, dbt_manifest
from orchestration.warehouse.reference_tables import ensure_reference_tables

SOURCE = "canonical"
SEED = 7


def parse(home: Home) -> dict[str, object]:
    """Parse the dbt project, as the first command in a home does."""
    home.prepare()
    return {"manifest": str(dbt_build.prepare_manifest(home, load_settings(home.root)))}


def build(home: Home, folder: str, hour: str) -> dict[str, object]:
    """Land the dumps, then build all models and run all tests of the dbt project.

    Returns:
        seconds of landing, of dbt, and of each of its nodes.
    """
    settings = load_settings(home.root)
    begun = time.perf_counter()
    with database.connect(home, settings) as connection:
        database.ensure_score_tables(connection)
        land_locations(
            connection, home, known_sources(home), [Location(folder, SOURCE)], datetime.now(UTC)
        )
    landed = time.perf_counter()
    built = dbt_build.build(home, settings, as_of=datetime.fromisoformat(hour))
    built.require_success()
    return {
        "landing": landed - begun,
        "dbt": time.perf_counter() - landed,
        "nodes": {node.unique_id.split(".")[2]: node.seconds for node in built.nodes},
    }


def land(home: Home, folder: str, source: str) -> int:
    """Land the dumps of a source, and nothing else; how many rows are loaded."""
    home.prepare()
    settings = load_settings(home.root)
    with database.connect(home, settings) as connection:
        landed = land_locations(
            connection, home, known_sources(home), [Location(folder, source)], datetime.now(UTC)
        )
        database.checkpoint(connection, settings)
    return landed["rows_read"].sum() - landed["rows_unreadable"].sum()


def more_carts(home: Home, number: str, hour: str, original: str) -> dict[str, object]:
    """Fill a home with carts to score, drawn with replacement from those of another home.

    Each has the features of a real one and ids of its own; models and settings are the other's.
    """
    from orchestration.modelling import scoring

    home.prepare()
    source = Home(Path(original))
    for folder in ("models", "dbt"):
        shutil.copytree(source.root / folder, home.root / folder, dirs_exist_ok=True)
    settings = load_settings(source.root)
    with database.connect(source, settings) as connection:
        frames = scoring.read_frames(connection, datetime.fromisoformat(hour))
        orders = connection.sql("select * from main.hour_order_values").pl()
        currency = connection.sql("select * from main.hour_currency").pl()
        # nobody among the drawn signed in anywhere else
        sessions = connection.sql("select * from main.sessions limit 0").pl()
    rows = pl.int_range(frames.snapshots.height, eager=True)
    drawn = rows.sample(int(number), with_replacement=True, seed=SEED)
    own_ids = pl.Series([f"{row:08x}" for row in range(int(number))])
    with database.connect(home, settings) as connection:
        database.ensure_score_tables(connection)
        ensure_reference_tables(connection, datetime.fromisoformat(hour))
        for name, frame in (
            ("scoring_snapshots", _own(frames.snapshots[drawn], own_ids)),
            ("scoring_returns", _own(frames.returns[drawn], own_ids)),
            ("hour_order_values", orders),
            ("hour_currency", currency),
            ("sessions", sessions),
        ):
            connection.register("drawn", frame)
            connection.execute(f"create or replace table main.{name} as select * from drawn")
            connection.unregister("drawn")
    return {"carts": int(number), "drawn_from": rows.len()}


def score(home: Home, hour: str, explained: str) -> dict[str, object]:
    """Score the carts of the hour and write them, as the asset does; seconds of each part."""
    from orchestration.modelling import holdout_arms, scoring, training, written_scores
    from orchestration.modelling.model_store import ModelStore

    settings = load_settings(home.root)
    as_of = datetime.fromisoformat(hour)
    manifest = json.loads(dbt_build.prepare_manifest(home, settings).read_bytes())
    model_store = ModelStore(home.models)
    times = [time.perf_counter()]
    with database.connect(home, settings) as connection:
        frames = scoring.read_frames(connection, as_of)
        times.append(time.perf_counter())
        scored = scoring.score(
            frames,
            training.champion(model_store, training.ABANDONMENT, as_of),
            training.champion(model_store, training.RETURN, as_of),
            as_of=as_of,
            settings=settings,
            holdout_key=holdout_arms.holdout_key(home, settings),
            phrases=dbt_manifest.reason_phrases(manifest),
            explained_carts=int(explained),
        )
        times.append(time.perf_counter())
        written_scores.write_scores(
            connection,
            scored.scores,
            as_of,
            "bench",
            settings,
            plans=scored.plans,
            arms=scored.arms,
        )
    times.append(time.perf_counter())
    reading, scoring_seconds, writing = (b - a for a, b in itertools.pairwise(times))
    return {
        "carts": scored.scores.height,
        "planned": scored.plans.height,
        "explained": scored.scores["reasons"].count(),
        "reading": reading,
        "scoring": scoring_seconds,
        "writing": writing,
    }


def _own(frame: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    """The carts with ids, visitors and owners of their own."""
    return frame.with_columns(
        pl.format("{}{}", pl.lit(ids), pl.col(name).str.slice(8)).alias(name)
        for name in ("cart_id", "visitor_id", "owner_id")
    )


STEPS: dict[str, Callable[..., object]] = {
    each.__name__: each for each in (parse, build, land, more_carts, score)
}


if __name__ == "__main__":
    print(json.dumps(STEPS[sys.argv[1]](Home.from_environment(), *sys.argv[2:])))
