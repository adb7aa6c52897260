"""Who the shoppers are: the segments of people at the hour, and the triggers that fired.

Belongs here: the section that speaks of people as such. Not here: their carts (`carts`), nor whom
an export took and why (`contacts`).
"""

from datetime import timedelta

from orchestration.outputs.report import formats
from orchestration.outputs.report.parts import Section, Table
from orchestration.outputs.report.published import Hour, Published

DAY, WEEK = timedelta(hours=24), timedelta(days=7)
A_DAY = f"24{formats.NO_BREAK}h"


def people(published: Published) -> Section | None:
    """The shipped segments and triggers and the shop's own."""
    hour = published.hour
    if hour is None:
        return None
    tables = [table for make in (_segments, _triggers) if (table := make(published, hour))]
    if not tables:
        return None
    return Section(
        "people",
        "Segments of people and triggers",
        "Whom each segment has at this hour and how that moved within a day, and how often each"
        " trigger fired; the shop's own stand among the shipped ones.",
        tables=tables,
        is_side_by_side=True,
    )


def _segments(published: Published, hour: Hour) -> Table | None:
    if not published.has_rows("segment_sizes"):
        return None
    rows = published.rows(
        """
        select
            now.segment,
            now.person_count as persons,
            sum(sizes.entered_count) filter (sizes.as_of > $1 - $2) as entered,
            sum(sizes.left_count) filter (sizes.as_of > $1 - $2) as gone,
            max_by(sizes.person_count, sizes.as_of) filter (sizes.as_of <= $1 - $2) as before
        from segment_sizes as now
        inner join segment_sizes as sizes using (segment, version)
        where now.as_of = $1 and sizes.as_of <= $1 and sizes.as_of > $1 - 2 * $2
        group by now.segment, now.person_count
        order by persons desc, now.segment
        """,
        [hour.at, DAY],
    )
    if not rows:
        return None
    return Table(
        f"People in each segment at {formats.moment(hour.at)} UTC",
        ["Segment", "People#", f"Joined, {A_DAY}#", f"Left, {A_DAY}#", f"Change, {A_DAY}#"],
        [
            (
                formats.words(row["segment"]),
                formats.count(row["persons"]),
                *(formats.count(None if is_new else row[each]) for each in ("entered", "gone")),
                formats.change(row["persons"], row["before"]),
            )
            for row in rows
            # all whom a new segment has joined it, which says nothing of how people move
            for is_new in [row["before"] is None]
        ],
        note="Who they are: segment_memberships; who joined and left when: segment_history. What is"
        " less than a day old has no movement yet.",
    )


def _triggers(published: Published, hour: Hour) -> Table | None:
    if not published.has_rows("trigger_events"):
        return None
    rows = published.rows(
        """
        select
            trigger,
            any_value(channel) as channel,
            count(*) filter (fired_at = $1) as now,
            count(*) filter (fired_at > $1 - $2) as day,
            count(*) as week,
            count(distinct person_id) as persons
        from trigger_events
        where fired_at <= $1 and fired_at > $1 - $3
        group by trigger
        order by day desc, week desc, trigger
        """,
        [hour.at, DAY, WEEK],
    )
    if not rows:
        return None
    return Table(
        "Triggers that fired within 7 days",
        ["Trigger", "Channel", "This hour#", f"{A_DAY}#", "7 days#", "People, 7 days#"],
        [
            (
                formats.words(row["trigger"]),
                formats.words(row["channel"]),
                *(formats.count(row[each]) for each in ("now", "day", "week", "persons")),
            )
            for row in rows
        ],
        note="For whom, and for which item or cart: trigger_events.",
    )
