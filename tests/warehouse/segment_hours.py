"""A history of segments made by hand, hour by hour.

Belongs here: its tables without a row, hours with their members, and the stays as short tuples.
Not here: what a history should say (test_segment_history.py, test_segment_changes.py).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import duckdb

from orchestration.ground.segments import Segment
from orchestration.warehouse import segment_history
from orchestration.warehouse.score_tables import CART_SCORES
from orchestration.warehouse.segment_tables import SEGMENT_HISTORY, SEGMENT_HOURS, SEGMENT_SIZES

NOON = datetime(2026, 10, 31, 12)
GROUPS = {"vip": "", "new": "life", "away": "life"}


def hour(number: float) -> datetime:
    return NOON + timedelta(hours=number)


def segment(name: str, version: int = 1, *, content: str = "") -> Segment:
    rank = list(GROUPS).index(name)
    return Segment(name, "", "", version, GROUPS[name], rank, (), content or f"{name}{version}")


ALL = {name: segment(name) for name in GROUPS}
OTHERS = {name: segment(name, content=f"another {name}") for name in GROUPS}


def make_tables(connection: duckdb.DuckDBPyConnection) -> None:
    for table in (SEGMENT_HISTORY, SEGMENT_SIZES, SEGMENT_HOURS, CART_SCORES):
        connection.execute(
            f"create schema if not exists scores; {table.ddl(f'scores.{table.name}')}"
        )
    connection.execute(
        "create schema raw; create table raw.files (load_id bigint);"
        "create table main.segment_members (person_id varchar, segment varchar,"
        " version bigint, segment_group varchar, is_person boolean default true);"
        "create table main.candidate_events (load_id bigint, row_key bigint,"
        " event_at timestamp, drop_reason varchar);"
        "create table main.duplicate_rows (row_key bigint, load_id bigint);"
        "create table main.candidate_rates (load_id bigint, currency varchar,"
        " valid_from timestamp, rate decimal(9, 4), drop_reason varchar)"
    )


def empty(connection: duckdb.DuckDBPyConnection) -> None:
    for (name,) in connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables()"
    ).fetchall():
        connection.execute(f"delete from {name}")


def take(
    connection: duckdb.DuckDBPyConnection,
    at: float,
    members: str,
    segments: Mapping[str, Segment] = ALL,
    *,
    is_past: bool = False,
) -> None:
    """An hour with members written as `ann:vip ann:new bob:away`."""
    connection.execute("delete from main.segment_members")
    connection.execute(
        "insert into main.segment_members"
        " select split_part(member, ':', 1), found.*, member not like 'nobody%'"
        " from (select unnest(?::varchar[]) as member) inner join"
        " (select unnest(?::varchar[]), unnest(?::bigint[]), unnest(?::varchar[]))"
        " as found (segment, version, segment_group) on found.segment = split_part(member, ':', 2)",
        [
            members.split(),
            [*segments],
            [each.version for each in segments.values()],
            [each.group or None for each in segments.values()],
        ],
    )
    segment_history.take(connection, hour(at), segments, is_past=is_past)


def load(connection: duckdb.DuckDBPyConnection, load_id: int, *times: float) -> None:
    connection.execute("insert into raw.files values (?)", [load_id])
    for time in times:
        connection.execute(
            "insert into main.candidate_events values ($1, $1, $2, null)", [load_id, hour(time)]
        )


def stays(connection: duckdb.DuckDBPyConnection) -> list[tuple]:
    """person:segment, version, hours of entering and leaving, reason."""
    rows = connection.execute(
        f"select person_id || ':' || segment, version, entered_at, left_at, left_reason"
        f" from scores.{SEGMENT_HISTORY.name} order by entered_at, 1, 2"
    ).fetchall()
    return [
        (
            who,
            version,
            (entered - NOON) / timedelta(hours=1),
            left and (left - NOON) / timedelta(hours=1),
            reason,
        )
        for who, version, entered, left, reason in rows
    ]


def sizes(connection: duckdb.DuckDBPyConnection) -> list[tuple]:
    return connection.execute(
        f"select segment, person_count, entered_count, left_count from scores.{SEGMENT_SIZES.name}"
        " order by as_of, segment"
    ).fetchall()


def to_take(connection, at: float, segments: Mapping[str, Segment] = ALL) -> list[float]:
    found = segment_history.hours_to_take(connection, hour(at), segments)
    return [(each - NOON) / timedelta(hours=1) for each in found]
