"""The second build of an hour: people, segments and what else reads scores, with the history.

Belongs here: which hours are built in which order, so that the history of segments is that of one
run over everything. Not here: what an hour changes of it (`segment_history`), or running dbt
(`dbt_build`).
"""

import logging
from collections.abc import Sequence
from datetime import datetime

from orchestration.ground.home import Home
from orchestration.ground.project import project_of
from orchestration.ground.segments import Segment, segments_in
from orchestration.ground.settings import Settings
from orchestration.warehouse import database, segment_faults, segment_history
from orchestration.warehouse.dbt_build import SECOND_STEP, BuildResult

logger = logging.getLogger(__name__)

# All that the history needs of an hour, and what of it the first step has built of the newest.
_OF_THE_FIRST_STEP = ("hour_currency",)
OF_A_PAST_HOUR = (*_OF_THE_FIRST_STEP, "people", "segment_members")
# The published tables that are of an hour, and what they are built from.
PUBLISHED_OF_AN_HOUR = (*_OF_THE_FIRST_STEP, "people", "trigger_events", "also_bought")


def build_people(
    home: Home, settings: Settings, as_of: datetime, select: Sequence[str] = ()
) -> BuildResult:
    """Build what reads the scores of an hour, over the warehouse, which must not be open.

    Hours whose members late rows may have changed are built first, without tests.

    Args:
        home: whose warehouse.
        settings: what the shop has set.
        as_of: the hour; its scores are there.
        select: dbt's node selection; empty for all, and the history with them.

    Raises:
        ComebackError: as `dbt_build.build`; or a past hour cannot be built.
    """
    if select:
        return segment_faults.build(home, settings, as_of=as_of, select=select, exclude=())
    with database.connect(home, settings) as connection:
        hours = segment_history.hours_to_take(connection, as_of, _segments(home))
    is_last = hours[-1:] == [as_of]
    past = hours[:-1] if is_last else hours
    for hour in past:
        _run(home, settings, hour, OF_A_PAST_HOUR)
        with database.connect(home, settings) as connection:
            segment_history.take(connection, hour, _segments(home))
    if past:
        _run(home, settings, as_of, _OF_THE_FIRST_STEP)
    built = segment_faults.build(home, settings, as_of=as_of, select=SECOND_STEP, exclude=())
    if not built.bad:
        with database.connect(home, settings) as connection:
            if is_last:
                segment_history.take(connection, as_of, _segments(home))
            for each in segment_history.strangers(connection):
                logger.warning("Warning: %s", each)
    return built


def return_to(home: Home, settings: Settings, newest: datetime) -> None:
    """Build the published tables of an hour for the newest, after an older one was run: whoever
    reads them beside the priorities and the members of the newest means one hour.

    Args:
        home: whose warehouse, which must not be open.
        settings: what the shop has set.
        newest: the newest scored hour.

    Raises:
        ComebackError: they cannot be built.
    """
    _run(home, settings, newest, PUBLISHED_OF_AN_HOUR)


def _segments(home: Home) -> dict[str, Segment]:
    """Those there are: one that fails in a build is none, or another, after it."""
    return segments_in(project_of(home))


def _run(home: Home, settings: Settings, hour: datetime, select: Sequence[str]) -> None:
    built = segment_faults.build(
        home, settings, as_of=hour, command="run", select=select, exclude=()
    )
    built.require_success()
