"""Steps of an hour that would come out as they are, so that they are not done again.

Belongs here: what a step was made of, noted once it is whole, and whether it would be made of the
same now. Not here: what each step is made of (`dbt_build`, `people_build`, `modelling`, `outputs`).

An hour is run again more often than anything comes for it: by hand, by a sensor, at night with
`--as-of latest`. Its log, hour and models are then those that its tables were made of. What a step
wrote is hashed too, where anything else writes there: then it is made again.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from importlib.metadata import version

import duckdb

from orchestration.ground.checkout import REPOSITORY
from orchestration.ground.sql import transaction
from orchestration.warehouse.database import has_table
from orchestration.warehouse.score_tables import MADE_STEPS

LOG, CARTS, SCORED_PEOPLE, PEOPLE, PAGE = "log", "carts", "scored_people", "people", "page"
_TABLE = f"scores.{MADE_STEPS.name}"
_PACKAGES = ("numpy", "polars", "lightgbm", "scikit-learn", "duckdb", "jinja2", "matplotlib")
_CODE = ("ml", "orchestration")
_ENDINGS = (".py", ".jinja", ".css")


def log_of_the_hour(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> str:
    """What distinguishes the log of the hour that dbt has built from any other; empty where the
    last whole build was of another hour or by other code, or anything was built after it."""
    made = _row(connection, LOG)
    return made[1] if made and made[0] == as_of and made[1] == _last_build(connection) else ""


def models_of_the_log(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The names of all models that `note_log` was given, in that order."""
    return _row(connection, LOG)[2]


def note_log(connection: duckdb.DuckDBPyConnection, as_of: datetime, models: Sequence[str]) -> None:
    """Note that dbt has built the log of the hour as a whole, with these models; each comes after
    those that it is built from."""
    if last := _last_build(connection):
        _note(connection, LOG, as_of, last, models)


def is_made(
    connection: duckdb.DuckDBPyConnection,
    step: str,
    as_of: datetime,
    made_of: Sequence[object],
    *wrote: str,
) -> bool:
    """Whether a step of the hour was made of this, over the log of the hour, and is as it was.

    Args:
        connection: the open warehouse.
        step: one of those above.
        as_of: the hour.
        made_of: all that it rests on beside the log of the hour.
        wrote: queries of all rows that it wrote.
    """
    made, digest = _row(connection, step), _digest(connection, as_of, made_of)
    if not digest or made is None or made[:2] != (as_of, digest):
        return False
    return made[2] == [content(connection, each) for each in wrote]


def note(
    connection: duckdb.DuckDBPyConnection,
    step: str,
    as_of: datetime,
    made_of: Sequence[object],
    *wrote: str,
) -> None:
    """Note for `is_made` that the step is done; the arguments are those."""
    if digest := _digest(connection, as_of, made_of):
        _note(connection, step, as_of, digest, [content(connection, each) for each in wrote])


def forget(connection: duckdb.DuckDBPyConnection, *steps: str) -> None:
    """Have steps made again, by default all: something is about to change what they wrote."""
    if has_table(connection, "scores", MADE_STEPS.name):
        is_one = f" where step in ({', '.join('?' * len(steps))})" if steps else ""
        connection.execute(f"delete from {_TABLE}{is_one}", [*steps])


def content(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """What distinguishes the rows of a query from others, in whatever order they are."""
    found = f"select concat_ws(' ', count(*), sum(hash(found))) from ({query}) as found"
    return connection.execute(found).fetchall()[0][0]


def _last_build(connection: duckdb.DuckDBPyConnection) -> str:
    """What distinguishes the last build that was done: by which code, and with which holidays, of
    which a newer package may know others; empty where there was none."""
    if not has_table(connection, "main", "last_build"):
        return ""
    queries = ["select concat_ws(' ', inputs, as_of, finished_at) from main.last_build"]
    if has_table(connection, "reference", "made_from"):
        queries.append(
            "select concat_ws(' ', version, first_year, last_year) from reference.made_from"
        )
    rows = [row for query in queries for row in connection.execute(query).fetchall()]
    return " ".join([_code(), *(text for (text,) in rows)])


def _digest(
    connection: duckdb.DuckDBPyConnection, as_of: datetime, made_of: Sequence[object]
) -> str:
    log = log_of_the_hour(connection, as_of)
    text = "\n".join([log, *map(str, made_of)])
    return hashlib.sha256(text.encode()).hexdigest() if log else ""


@cache
def _code() -> str:
    """A hash over the code, and the packages that the results depend on."""
    digest = hashlib.sha256()
    for name in _PACKAGES:
        digest.update(f"{name} {version(name)}\n".encode())
    paths = (path for each in _CODE for path in (REPOSITORY / each).rglob("*.*"))
    for path in sorted(path for path in paths if path.suffix in _ENDINGS):
        digest.update(f"{path.relative_to(REPOSITORY)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _row(
    connection: duckdb.DuckDBPyConnection, step: str
) -> tuple[datetime, str, list[str]] | None:
    if not has_table(connection, "scores", MADE_STEPS.name):
        return None
    query = f"select as_of, made_of, wrote from {_TABLE} where step = ?"
    for row in connection.execute(query, [step]).fetchall():
        return row
    return None


def _note(
    connection: duckdb.DuckDBPyConnection,
    step: str,
    as_of: datetime,
    made_of: str,
    wrote: Sequence[str],
) -> None:
    connection.execute("create schema if not exists scores")
    connection.execute(MADE_STEPS.ddl(_TABLE))
    values = {"step": step, "as_of": as_of, "made_of": made_of, "wrote": [*wrote]}
    with transaction(connection):
        forget(connection, step)
        MADE_STEPS.insert(connection, [values])
