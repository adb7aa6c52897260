"""Who is held out: `scores.holdout_arms`, and the key that arms are drawn with.

Belongs here: the key, which arms and logins concern the people of an hour, and keeping new arms.
Not here: how an arm is drawn and taken over (`ml.holdout`).
"""

import os
import secrets
from datetime import datetime, timedelta

import duckdb
import polars as pl

from ml import holdout
from ml.features import USER_PREFIX
from orchestration.ground.files import replace_file
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.warehouse.score_tables import HOLDOUT_ARMS

KEY_VARIABLE = "COMEBACK_HOLDOUT_KEY"
_ARMS = f"scores.{HOLDOUT_ARMS.name}"
# The visitors of `owners`, by the sessions up to an hour.
_OF_SESSIONS = """select owner_id, visitor_id from main.sessions
        where ended_at <= ? and owner_id in (select owner_id from owners)"""


def holdout_key(home: Home, settings: Settings) -> bytes:
    """The key: that of the environment, of the settings, or of the home, which is made if need be.

    The file is its owner's only: who knows the key can tell who is held out.
    """
    if given := os.environ.get(KEY_VARIABLE) or settings.holdout_key:
        return given.encode()
    try:
        if key := home.holdout_key.read_bytes():
            return key
    except FileNotFoundError:
        pass
    key = secrets.token_hex(32).encode()
    replace_file(home.holdout_key, key, mode=0o600)
    return key


def links_of_people(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> pl.DataFrame:
    """owner_id, visitor_id: the visitors of the owners of the carts to score, as known at the hour.

    A visitor is the user's who was signed in at the end of a session, or is now.
    """
    return connection.sql(
        f"""
        with owners as (
            select distinct owner_id, visitor_id from main.scoring_snapshots
            where owner_id is not null
        )
        from owners
        union
        {_OF_SESSIONS}
        order by all
        """,
        params=[as_of],
    ).pl()


def recorded_arms(
    connection: duckdb.DuckDBPyConnection, as_of: datetime, people: pl.DataFrame
) -> pl.DataFrame:
    """The arms recorded before the hour of the people in a column `person_id`."""
    connection.register("people", people)
    arms = connection.sql(
        f"select {', '.join(HOLDOUT_ARMS.column_names)} from {_ARMS}"
        " where assigned_at < ? and person_id in (select person_id from people)"
        " order by person_id, assigned_at",
        params=[as_of],
    ).pl()
    connection.unregister("people")
    return arms


def people_to_know(carts: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """person_id: everybody whose arm may decide that of somebody behind the carts."""
    visitors = pl.concat([carts["visitor_id"], links["visitor_id"]])
    users = USER_PREFIX + carts["owner_id"].drop_nulls()
    return pl.DataFrame({"person_id": pl.concat([visitors, users]).unique()})


def held_out(connection: duckdb.DuckDBPyConnection, people: pl.Series, hour: datetime) -> list[str]:
    """Who of people is held out once the hour's carts are scored, by what was known at the hour.

    Of somebody of whom, and of whose visitors, no cart was ever scored no arm was drawn.
    """
    users = people.filter(people.str.starts_with(USER_PREFIX)).str.strip_prefix(USER_PREFIX)
    connection.register("owners", pl.DataFrame({"owner_id": users}))
    links = connection.sql(f"{_OF_SESSIONS} group by all order by all", params=[hour]).pl()
    connection.unregister("owners")
    known = pl.DataFrame({"person_id": pl.concat([people, links["visitor_id"]]).unique()})
    # with those of the hour itself
    recorded = recorded_arms(connection, hour + timedelta(microseconds=1), known)
    return holdout.held_out(people, recorded, links)


def replace_arms(
    connection: duckdb.DuckDBPyConnection, as_of: datetime, arms: pl.DataFrame
) -> None:
    """Replace the arms recorded at an hour, within the transaction that writes its scores."""
    connection.execute(f"delete from {_ARMS} where assigned_at = ?", [as_of])
    connection.register("arms", arms)
    connection.execute(f"insert into {_ARMS} by name from arms order by person_id")
    connection.unregister("arms")
