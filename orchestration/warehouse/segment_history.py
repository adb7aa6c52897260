"""Who came into which segment when, and left it: `scores.segment_history` and `segment_sizes`.

Belongs here: what an hour changes of the history, and which hours late rows make it look at again.
Not here: who is in a segment at one hour (`dbt_project/models/people/segment_members.sql`), nor
building that for several hours (`people_build`).

The history at an hour follows from that of the hour before and the members at the hour. So hours
are taken in order, and taking one forgets all from it on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb
import polars as pl

from orchestration.ground.segments import Segment, deciding, digest
from orchestration.ground.sql import transaction
from orchestration.warehouse.database import has_table
from orchestration.warehouse.score_tables import CART_SCORES
from orchestration.warehouse.segment_tables import (
    IS_OPEN,
    SEGMENT_HISTORY,
    SEGMENT_HOURS,
    SEGMENT_SIZES,
)

# Late rows change so many hours of the history, the newest: a week of a shop that runs each hour,
# half a year of one that runs each day. Of a million events an hour takes 0.3 s of CPU time
# (2026-12-01), 168 of them a minute.
MOST_HOURS = 168

_HISTORY = f"scores.{SEGMENT_HISTORY.name}"
_SIZES = f"scores.{SEGMENT_SIZES.name}"
_HOURS = f"scores.{SEGMENT_HOURS.name}"
_STAY = "(person_id, segment, version)"
_MEMBERS = "main.segment_members"


def hours_to_take(
    connection: duckdb.DuckDBPyConnection, as_of: datetime, segments: Mapping[str, Segment]
) -> list[datetime]:
    """The hours whose members may not be what the history has, in order.

    They are the hour itself where it is the newest, those from the first new event on, those that
    a run which died left, and an hour between others, or one that was scored otherwise since, with
    all after it. Hours before all segments were changed, and those before the newest `MOST_HOURS`,
    stay as they are; of others, the segments that were changed since (`take`).

    Args:
        connection: the open warehouse, with the log of the hour.
        as_of: the hour that is run.
        segments: those there are.
    """
    known = connection.execute(
        f"select as_of, load_id, scores from {_HOURS} order by as_of desc"
    ).fetchall()
    if not known:
        return [as_of]
    newest = max(known[0][0], as_of)
    unchanged = [*_alike(connection, segments)]
    unknown_from = _first_new_event(connection, max(load or 0 for _, load, _ in known))
    loads = {hour: load for hour, load, _ in known}
    scored = {hour: scores for hour, _, scores in known}
    again = {
        hour
        for hour in unchanged
        if loads[hour] is None or (unknown_from is not None and hour >= unknown_from)
    }
    later = {hour for hour in loads if hour > as_of}
    reached = sorted({as_of, *loads}, reverse=True)[:MOST_HOURS]
    if as_of == newest:
        again.add(as_of)
    elif as_of in reached and later.issubset(unchanged):
        is_between = as_of not in loads and as_of > unchanged[-1]
        is_scored_again = as_of in unchanged and scored[as_of] != _scores_at(connection, as_of)
        if is_between or is_scored_again:
            again |= {as_of} | later
    return sorted(again.intersection(reached))


def take(
    connection: duckdb.DuckDBPyConnection,
    as_of: datetime,
    segments: Mapping[str, Segment],
    members: str = _MEMBERS,
    *,
    is_past: bool = False,
) -> None:
    """Take the members of an hour into the history, which forgets all from that hour on.

    Of an hour before others the segments whose files, or those of their group, were changed since
    stay as they are: nobody can say any more whom they would have had.

    Args:
        connection: the open warehouse.
        as_of: the hour.
        segments: those there are.
        members: the table of the hour's members, as `main.segment_members`.
        is_past: whether the hour that is run is a later one.
    """
    defined = pl.DataFrame(
        [(each.name, each.version, each.group or None) for each in segments.values()],
        schema={"name": pl.String, "version": pl.Int64, "segment_group": pl.String},
        orient="row",
    )
    taken = _taken(connection, as_of, segments, is_past=is_past)
    if taken is not None:
        defined = defined.filter(pl.col("name").is_in(sorted(taken)))
    connection.register("defined_segments", defined)
    # of the newest hour all, also what is no segment any more
    is_taken = "true" if taken is None else "segment in (select name from defined_segments)"
    with transaction(connection):
        connection.execute(f"delete from {_HISTORY} where entered_at >= ? and {is_taken}", [as_of])
        connection.execute(
            f"update {_HISTORY} set left_at = null, left_reason = null"
            f" where left_at >= ? and {is_taken}",
            [as_of],
        )
        connection.execute(
            f"""
            update {_HISTORY} as stays
            set left_at = ?, left_reason = case
                when segment not in (select name from defined_segments) then 'removed'
                when (segment, version) not in (select (name, version) from defined_segments)
                    then 'new_version'
                when (person_id, segment) in (
                    select (members.person_id, defined_segments.name)
                    from {members} as members
                    inner join defined_segments using (segment_group)
                    where members.is_person
                ) then 'other_segment'
                else 'rule'
            end
            where {IS_OPEN} and {is_taken}
                and {_STAY} not in (select {_STAY} from {members} where is_person)
            """,
            [as_of],
        )
        connection.execute(
            f"""
            insert into {_HISTORY} by name
            select person_id, segment, version, ?::timestamp as entered_at
            from {members}
            where is_person and {is_taken}
                and {_STAY} not in (select {_STAY} from {_HISTORY} where {IS_OPEN})
            order by person_id, segment
            """,
            [as_of],
        )
        connection.execute(f"delete from {_SIZES} where as_of >= ? and {is_taken}", [as_of])
        connection.execute(
            f"""
            insert into {_SIZES} by name
            select
                $as_of::timestamp as as_of,
                name as segment,
                version,
                (select count(*) from {_HISTORY} where segment = name and {IS_OPEN})
                    as person_count,
                (select count(*) from {_HISTORY} where segment = name and entered_at = $as_of)
                    as entered_count,
                (select count(*) from {_HISTORY} where segment = name and left_at = $as_of)
                    as left_count
            from defined_segments
            order by name
            """,
            {"as_of": as_of},
        )
        connection.execute(f"update {_HOURS} set load_id = null where as_of > ?", [as_of])
        _note_hour(connection, as_of, segments, taken)
    connection.unregister("defined_segments")


def _alike(
    connection: duckdb.DuckDBPyConnection, segments: Mapping[str, Segment]
) -> dict[datetime, set[str]]:
    """By hour of the history, newest first, the segments that no file has changed since; up to the
    first at which all were others."""
    now, content = deciding(segments), digest(segments)
    rows = connection.execute(
        f"select as_of, segments, deciding from {_HOURS} order by as_of desc"
    ).fetchall()
    found, alike = {}, set(now)
    for hour, of, then in rows:
        if then is None:  # of an older release
            then = now if of == content else {}
        alike = {name for name in alike if then.get(name) == now[name]}
        if not alike:
            break
        found[hour] = alike
    return found


def _taken(
    connection: duckdb.DuckDBPyConnection,
    as_of: datetime,
    segments: Mapping[str, Segment],
    *,
    is_past: bool,
) -> set[str] | None:
    """The segments of which an hour is taken; None for all, if it is the newest."""
    query = f"select as_of from {_HOURS} where as_of >= ? order by as_of"
    hours = [hour for (hour,) in connection.execute(query, [as_of]).fetchall()]
    if not hours or (hours[-1] == as_of and not is_past):
        return None
    # one between others is as the next of them
    return _alike(connection, segments).get(hours[0], set())


def _note_hour(
    connection: duckdb.DuckDBPyConnection,
    as_of: datetime,
    segments: Mapping[str, Segment],
    taken: set[str] | None,
) -> None:
    """Note what an hour is made of: of segments that stay as they were, what they were."""
    files, content = deciding(segments), digest(segments)
    if taken is not None:
        query = f"select segments, deciding from {_HOURS} where as_of = ?"
        before = connection.execute(query, [as_of]).fetchall()
        files = {name: files[name] for name in taken}
        if before:
            content = before[0][0]
            files = (before[0][1] or {}) | files
    connection.execute(f"delete from {_HOURS} where as_of = ?", [as_of])
    connection.execute(
        f"insert into {_HOURS} by name select ?::timestamp as as_of,"
        " (select coalesce(max(load_id), 0) from raw.files) as load_id, ? as segments,"
        " ? as scores, map(?::varchar[], ?::varchar[]) as deciding",
        [as_of, content, _scores_at(connection, as_of), [*files], [*files.values()]],
    )


def remember_hours(connection: duckdb.DuckDBPyConnection, segments: Mapping[str, Segment]) -> None:
    """Have the hours of a history that was taken over looked at again, those of other rules not.

    Args:
        connection: the open warehouse, with history and sizes.
        segments: those there are.
    """
    connection.execute(
        f"""
        insert into {_HOURS} by name
        select
            as_of,
            case
                when list_sort(list(segment || ' ' || version)) = list_sort(?::varchar[]) then ?
                else ''
            end as segments
        from {_SIZES}
        where as_of not in (select as_of from {_HOURS})
        group by as_of
        """,
        [[f"{each.name} {each.version}" for each in segments.values()], digest(segments)],
    )


def sizes_at(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> dict[str, int]:
    """People in each segment at an hour, by name; empty where it is not of the history."""
    query = f"select segment, person_count from {_SIZES} where as_of = ? order by segment"
    return dict(connection.execute(query, [as_of]).fetchall())


@dataclass(frozen=True)
class Strangers:
    """Ids that a segment has for people and that are nobody's."""

    segment: str
    count: int
    members: int

    def __str__(self) -> str:
        """In a sentence."""
        return (
            f"{self.count:,} of {self.members:,} ids of the segment {self.segment} are nobody's,"
            " and left out; select the person_id of people"
        )


def strangers(connection: duckdb.DuckDBPyConnection) -> list[Strangers]:
    """The segments of the hour whose queries name people that there are not."""
    rows = connection.execute(
        "select segment, count(*) filter (not is_person) as unknown, count(*)"
        f" from {_MEMBERS} group by segment having unknown > 0 order by segment"
    ).fetchall()
    return [Strangers(*row) for row in rows]


@dataclass(frozen=True)
class Swing:
    """A segment that grew or shrank by more than half within a day."""

    segment: str
    before: int
    now: int

    def __str__(self) -> str:
        """In a sentence."""
        people = "person" if self.before == 1 else "people"
        return (
            f"{self.segment} had {self.before:,} {people} within the day before, now {self.now:,}"
        )


def swings(
    connection: duckdb.DuckDBPyConnection, as_of: datetime, schema: str = "scores"
) -> list[Swing]:
    """Segments that had more than half more people, or more than half less, at some hour of the day
    before; not those that had another version then.

    Args:
        connection: warehouse or published file.
        as_of: the hour.
        schema: where the table of sizes is.
    """
    if not has_table(connection, schema, SEGMENT_SIZES.name):
        return []
    sizes = f"{schema}.{SEGMENT_SIZES.name}"
    rows = connection.execute(
        f"""
        select
            now.segment,
            case
                when 2 * now.person_count < max(earlier.person_count)
                    then max(earlier.person_count)
                else min(earlier.person_count)
            end as before,
            now.person_count
        from {sizes} as now
        inner join {sizes} as earlier
            on
                now.segment = earlier.segment
                and now.version = earlier.version
                and earlier.as_of < now.as_of
                and earlier.as_of >= now.as_of - interval '1' day
        where now.as_of = ?
        group by now.segment, now.person_count
        having
            2 * now.person_count > 3 * min(earlier.person_count)
            or 2 * now.person_count < max(earlier.person_count)
        order by now.segment
        """,
        [as_of],
    ).fetchall()
    return [Swing(*row) for row in rows]


def _scores_at(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> str:
    """What distinguishes the scores of an hour from others of the same hour."""
    query = (
        "select concat_ws(' ', count(*), bit_xor(hash(scored)))"
        f" from scores.{CART_SCORES.name} as scored where scored_at = ?"
    )
    return connection.execute(query, [as_of]).fetchall()[0][0]


def _first_new_event(connection: duckdb.DuckDBPyConnection, load_id: int) -> datetime | None:
    """The earliest that rows of later loads can change: their first event, or their first rate.

    What was delivered before changes nothing: a row of an event of which another counts, or a rate
    that is not lower than the one there was of that time.
    """
    query = """
        select least(
            (
                select min(event_at)
                from main.candidate_events
                where
                    load_id > $load_id
                    and drop_reason is null
                    and row_key not in (
                        select row_key from main.duplicate_rows where load_id > $load_id
                    )
            ),
            (
                select min(valid_from)
                from main.candidate_rates as rates
                where
                    load_id > $load_id
                    and drop_reason is null
                    and not exists (
                        from main.candidate_rates as known
                        where
                            known.load_id <= $load_id
                            and known.drop_reason is null
                            and known.currency = rates.currency
                            and known.valid_from = rates.valid_from
                            and known.rate <= rates.rate
                    )
            )
        )
    """
    return connection.execute(query, {"load_id": load_id}).fetchall()[0][0]
