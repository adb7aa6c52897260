"""The second build of an hour: people, segments and what else reads scores, with the history.

Belongs here: which hours are built in which order, so that the history of segments is that of one
run over everything. Not here: what an hour changes of it (`segment_history`), or running dbt
(`dbt_build`).
"""

import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.ground.home import Home
from orchestration.ground.own_files import own_files
from orchestration.ground.project import project_of
from orchestration.ground.segments import FOLDER, Segment, digest, segments_in
from orchestration.ground.settings import Settings
from orchestration.warehouse import (
    database,
    dbt_build,
    made_steps,
    past_hours,
    segment_faults,
    segment_history,
)
from orchestration.warehouse.build_result import BuildResult
from orchestration.warehouse.dbt_build import SECOND_STEP
from orchestration.warehouse.person_tables import PERSON_SCORES
from orchestration.warehouse.score_tables import CART_SCORES
from orchestration.warehouse.segment_tables import (
    PERSON_ATTRIBUTES,
    SEGMENT_HISTORY,
    SEGMENT_SIZES,
)

logger = logging.getLogger(__name__)

# All that the history needs of an hour, and what of it the first step has built of the newest.
_OF_THE_FIRST_STEP = ("hour_currency",)
# What people are scored from.
_TO_SCORE = (*_OF_THE_FIRST_STEP, "scoring_people")
OF_A_PAST_HOUR = (*_OF_THE_FIRST_STEP, "people", "segment_members")
# What the second build makes, and what of it is kept from hour to hour.
_MADE = ("people", "segment_members")
_WROTE = (f"from scores.{SEGMENT_HISTORY.name}", f"from scores.{SEGMENT_SIZES.name}")
# The published tables that are of an hour, and what they are built from.
PUBLISHED_OF_AN_HOUR = (*_OF_THE_FIRST_STEP, "people", "trigger_events", "also_bought")


# Scores the people of an hour; what it has beside it is an hour whose scores stay.
Scorer = Callable[[datetime, datetime | None], object]


def build_people(
    home: Home, settings: Settings, as_of: datetime, score: Scorer, select: Sequence[str] = ()
) -> BuildResult:
    """Build what reads the scores of an hour, over the warehouse, which must not be open.

    Hours whose members late rows may have changed are built first, without tests.

    Args:
        home: whose warehouse.
        settings: what the shop has set.
        as_of: the hour; its scores are there.
        score: scores the people of another hour, over the warehouse, which is not open.
        select: dbt's node selection; empty for all, and the history with them.

    Raises:
        ComebackError: as `dbt_build.build`; or a past hour cannot be built.
    """
    if select:
        return segment_faults.build(home, settings, as_of=as_of, select=select, exclude=())
    begun = time.monotonic()
    done: set[datetime] = set()
    while True:
        asked = _segments(home)
        with database.connect(home, settings) as connection:
            # hours that were taken without the segment that failed are taken with it as it was
            hours = sorted({*segment_history.hours_to_take(connection, as_of, asked), *done})
            # a segment of the shop's own may ask anything
            is_known = hours == [as_of] and not own_files(home).segments
            if is_known and _is_made(connection, as_of):
                _warn_of_strangers(connection)
                return dbt_build.say_built(BuildResult((), _MADE), begun)
        is_last = hours[-1:] == [as_of]
        past = hours[:-1] if is_last else hours
        if past:
            is_read = reads_scores(project_of(home))
            _take_past(home, settings, past, (lambda hour: score(hour, as_of)) if is_read else None)
        # what the past hours left of the first step is made again on the way
        select = (*SECOND_STEP, *_TO_SCORE) if past else SECOND_STEP
        built = segment_faults.build(home, settings, as_of=as_of, select=select, exclude=())
        # one that failed is as it was before, and so are the hours that late rows change
        if digest(_segments(home)) == digest(asked):
            break
        done.update(past)
    if not built.bad:
        with database.connect(home, settings) as connection:
            if is_last:
                segment_history.take(connection, as_of, _segments(home))
            if is_known:
                _note_made(connection, as_of)
            _warn_of_strangers(connection)
    own = (node for node in built.nodes if node.name not in _TO_SCORE or not node.is_good)
    return replace(built, nodes=tuple(own))


def _is_made(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> bool:
    """Whether people, members and history are made of the log and the scores that there are."""
    return made_steps.is_made(
        connection, made_steps.PEOPLE, as_of, _read(connection, as_of), *_WROTE
    )


def _note_made(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> None:
    made_steps.note(connection, made_steps.PEOPLE, as_of, _read(connection, as_of), *_WROTE)


def _read(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> list[str]:
    """What people are made of beside the log."""
    scored = f"where scored_at = timestamp '{as_of}'"
    tables = (
        f"{CART_SCORES.name} {scored}",
        f"{PERSON_SCORES.name} {scored}",
        PERSON_ATTRIBUTES.name,
    )
    return [made_steps.content(connection, f"from scores.{each}") for each in tables]


def _warn_of_strangers(connection: duckdb.DuckDBPyConnection) -> None:
    for each in segment_history.strangers(connection):
        logger.warning("Warning: %s", each)


def _take_past(
    home: Home,
    settings: Settings,
    hours: Sequence[datetime],
    score: Callable[[datetime], object] | None,
) -> None:
    """Take past hours into the history, in order; `score` scores the people of each, if any."""
    read = _TO_SCORE if score else _OF_THE_FIRST_STEP
    sql = past_hours.sql_of_any_hour(home, settings, read)
    for hour in hours:
        if sql is not None:
            try:
                with database.connect(home, settings) as connection:
                    past_hours.set_hour(connection, sql, hour)
                if score:
                    score(hour)
                with database.connect(home, settings) as connection:
                    past_hours.ask_members(connection, sql, hour)
                    segment_history.take(
                        connection, hour, _segments(home), past_hours.MEMBERS, is_past=True
                    )
                continue
            except duckdb.Error:
                # a segment that fails: dbt says which
                logger.debug("The members at %s cannot be asked.", hour)
                sql = None
        if score:
            _run(home, settings, hour, _TO_SCORE)
            score(hour)
        _run(home, settings, hour, OF_A_PAST_HOUR)
        with database.connect(home, settings) as connection:
            segment_history.take(connection, hour, _segments(home), is_past=True)


def reads_scores(project: Path) -> bool:
    """Whether a segment reads what the models say of people: else nobody is in another segment of
    a past hour for it."""
    names = {*PERSON_SCORES.column_names} - {"person_id", "scored_at"}
    texts = (path.read_text(encoding="utf-8") for path in (project / FOLDER).glob("*.sql"))
    return any(names.intersection(re.findall(r"\w+", text.lower())) for text in texts)


def return_to(home: Home, settings: Settings, newest: datetime, score: Scorer) -> None:
    """Build the published tables of an hour for the newest, after an older one was run: whoever
    reads them beside the priorities and the members of the newest means one hour.

    Args:
        home: whose warehouse, which must not be open.
        settings: what the shop has set.
        newest: the newest scored hour.
        score: scores the people of an hour, over the warehouse, which is not open.

    Raises:
        ComebackError: they cannot be built.
    """
    _run(home, settings, newest, _TO_SCORE)
    score(newest, None)
    _run(home, settings, newest, PUBLISHED_OF_AN_HOUR)


def _segments(home: Home) -> dict[str, Segment]:
    """Those there are: one that fails in a build is none, or another, after it."""
    return segments_in(project_of(home))


def _run(home: Home, settings: Settings, hour: datetime, select: Sequence[str]) -> None:
    built = segment_faults.build(
        home, settings, as_of=hour, command="run", select=select, exclude=()
    )
    built.require_success()
