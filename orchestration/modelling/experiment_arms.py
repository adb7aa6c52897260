"""Who is in which arm of which experiment: `scores.experiment_arms`.

Belongs here: which people an experiment takes, drawing their arms, and keeping them. Not here: how
a hash draws (`ml.experiments`), what an arm changes of a contact (`outputs.exports`), results
(`experiment_results`).

A person is drawn when contacted first, or when that was due, and stays in the arm for as long as
the experiment is in the settings, whatever is set of its shares or key. Who is in an experiment is
in no other meanwhile.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

import duckdb
import polars as pl

from ml.experiments import Draw
from orchestration.ground.settings_experiments import Experiment
from orchestration.ground.sql import transaction
from orchestration.warehouse.database import has_table
from orchestration.warehouse.experiment_tables import EXPERIMENT_ARMS

ARMS = {
    "experiment": pl.String,
    "person_id": pl.String,
    "arm": pl.String,
    "assigned_at": pl.Datetime("us"),
    "key_id": pl.String,
    "p_abandon": pl.Float64,
}
_ARMS = f"scores.{EXPERIMENT_ARMS.name}"
_WHICH = "experiment"


def recorded(
    connection: duckdb.DuckDBPyConnection, experiments: Collection[str], before: datetime
) -> pl.DataFrame:
    """In which of the experiments people are: the rows of `ARMS` assigned before an instant.

    Of a person in several, as one was taken out of the settings for a while, the first counts.
    """
    if not experiments or not has_table(connection, "scores", EXPERIMENT_ARMS.name):
        return pl.DataFrame(schema=ARMS)
    return (
        connection.sql(
            f"select {', '.join(ARMS)} from {_ARMS}"
            " where assigned_at < $before and list_contains($names, experiment)"
            " qualify row_number() over"
            " (partition by person_id order by assigned_at, experiment) = 1 order by person_id",
            params={"before": before, "names": sorted(experiments)},
        )
        .pl()
        .cast(ARMS)
    )


def drawn(
    people: pl.DataFrame,
    experiments: Mapping[str, Experiment],
    members: Mapping[str, pl.Series],
    draw: Draw,
    at: datetime,
) -> pl.DataFrame:
    """The rows of `ARMS` of people who are in no experiment yet; who fits in none has no row.

    Of several experiments that take a person one is drawn, each as likely.

    Args:
        people: person_id, country (alpha-2, may be null) and p_abandon.
        experiments: by name.
        members: by the name of an experiment that takes segments, person_id of their members.
        draw: how they are drawn.
        at: the hour.
    """
    members_of = {name: set(each.to_list()) for name, each in members.items()}
    rows = []
    for person, country, p_abandon in people.select(
        "person_id", "country", "p_abandon"
    ).iter_rows():
        fitting = [
            name
            for name, each in sorted(experiments.items())
            if (not each.segments or person in members_of[name])
            and (not each.countries or country in each.countries)
        ]
        if not fitting:
            continue
        name = fitting[draw.one_of(_WHICH, person, (1.0,) * len(fitting))]
        arm = draw.one_of(f"{_WHICH} {name}", person, experiments[name].weights)
        rows.append((name, person, experiments[name].arms[arm], at, draw.key_id, p_abandon))
    return pl.DataFrame(rows, schema=ARMS, orient="row").sort("person_id")


def keep(connection: duckdb.DuckDBPyConnection, rows: pl.DataFrame, at: datetime) -> None:
    """Keep the rows of an hour in the place of those that it had."""
    connection.execute("create schema if not exists scores")
    connection.execute(EXPERIMENT_ARMS.ddl(_ARMS))
    connection.register("drawn_arms", rows.unique("person_id", maintain_order=True))
    with transaction(connection):
        connection.execute(f"delete from {_ARMS} where assigned_at = ?", [at])
        connection.execute(f"insert into {_ARMS} by name from drawn_arms order by person_id")
    connection.unregister("drawn_arms")


def drop_old(
    connection: duckdb.DuckDBPyConnection, experiments: Collection[str], before: datetime
) -> None:
    """Drop who was in experiments that are in the settings no more, and assigned before."""
    connection.execute(
        f"delete from {_ARMS} where assigned_at < ? and not list_contains(?, experiment)",
        [before, sorted(experiments)],
    )
