"""What the report says of segments of people and of triggers."""

from datetime import timedelta

import duckdb
import pytest

from orchestration.outputs.report.page import page
from orchestration.warehouse.segment_tables import SEGMENT_SIZES
from tests.outputs.small_published_file import HOUR, insert
from tests.outputs.test_report import Page


@pytest.fixture(scope="module")
def with_people(file, tmp_path_factory):
    """The same file with two segments over two days, one of a new version, and a trigger."""
    path = tmp_path_factory.mktemp("with_people") / "analytics.duckdb"
    path.write_bytes(file.read_bytes())
    sizes = [  # hours before the newest, segment, version, people, came in, left
        (48, "vip", 1, 1, 1, 0),
        (30, "vip", 1, 40, 40, 0),
        (24, "vip", 1, 50, 12, 2),
        (3, "vip", 1, 56, 7, 1),
        (0, "vip", 1, 55, 2, 3),
        (24, "my_own", 1, 900, 0, 0),
        (1, "my_own", 2, 60, 60, 0),
        (0, "my_own", 2, 1234, 1174, 0),
        (1, "gone", 1, 7, 0, 0),
    ]
    fired = [  # hours before the newest, trigger, person
        *((0, "three_categories_a_day", person) for person in "ab"),
        (23, "three_categories_a_day", "a"),
        (24, "three_categories_a_day", "c"),
        (167, "search_without_view", "a"),
        (168, "three_categories_a_day", "d"),
    ]
    with duckdb.connect(str(path)) as connection:
        connection.execute(SEGMENT_SIZES.ddl(SEGMENT_SIZES.name))
        names = ("segment", "version", "person_count", "entered_count", "left_count")
        for hours, *values in sizes:
            at = HOUR - timedelta(hours=hours)
            row = dict(zip(names, values, strict=True))
            insert(connection, SEGMENT_SIZES.name, as_of=at, **row)
        connection.execute(
            "create table trigger_events (trigger text, person_id text, fired_at timestamp,"
            " channel text)"
        )
        for hours, trigger, person in fired:
            row = {"trigger": trigger, "person_id": person, "channel": "email"}
            insert(connection, "trigger_events", fired_at=HOUR - timedelta(hours=hours), **row)
    return path


def test_segments_of_people_stand_with_what_a_day_changed(with_people, content):
    found = Page(page(with_people))
    assert found.table("People in each segment at Sun 1 Nov, 10:00 UTC")[1:] == [
        # a version before it had other people, and all came into the new one: no measure
        ["my own", "1,234", "\u2013", "\u2013", "\u2013"],
        ["vip", "55", "9", "4", "+10.0 %"],
    ]
    assert "Segments of people and triggers" not in Page(content).text


def test_triggers_stand_with_how_often_they_fired_within_a_week(with_people):
    found = Page(page(with_people))
    assert found.table("Triggers that fired within 7 days")[1:] == [
        ["three categories a day", "email", "2", "3", "4", "3"],
        ["search without view", "email", "0", "0", "1", "1"],
    ]
