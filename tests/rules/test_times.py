"""Local times where clocks change: the SQL against Python's own knowledge of zones.

Belongs here: times without an offset in a source's zone. Not here: other forms of times; cases of
those are in cases_times.py.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest

from orchestration.landing import ensure_raw_tables, load_sources

from .dbt_runs import DATABASE, PROJECT, Parsed, invoke
from .reference_fields import parse_time

ZONES = {
    "Europe/Berlin": ("2026-03-29 02:00", "2026-10-25 02:00"),
    "America/New_York": ("2026-03-08 02:00", "2026-11-01 01:00"),
    # by half an hour
    "Australia/Lord_Howe": ("2026-10-04 02:00", "2026-04-05 01:30"),
}

# epochs that count by the clocks of New York
EPOCHS = "epochs"

# Dates in another order than ISO 8601, each with what it is brought to.
REORDERED = {
    "day_first('text')": {
        "31.12.2026 23:59:58": "2026-12-31 23:59:58",
        "3/4/2026": "2026-04-03",
        " 3-4-2026, 9:05": "2026-04-03 09:05",
        "03.04.2026T10:00:00+02:00": "2026-04-03 10:00:00+02:00",
        "2026-04-03T10:00:00Z": "2026-04-03T10:00:00Z",
        "1795168800": "1795168800",
        "soon": "soon",
    },
    "month_first('text')": {
        "12/31/2026 23:59": "2026-12-31 23:59",
        "3/4/2026": "2026-03-04",
        "12/31/2026 11:59:58 PM": "2026-12-31 23:59:58",
        "12/31/2026, 12:05\u202fam": "2026-12-31 00:05",
        "12/31/2026 12:05 p.m.": "2026-12-31 12:05",
        "12/31/2026 9 AM": "2026-12-31 09",
        "12/31/2026 1:00:00.25 PM +0200": "2026-12-31 13:00:00.25 +0200",
        "12/31/2026 9:05:07,5 PM": "2026-12-31 21:05:07,5",
        "12/31/2026 12:59 AM GMT": "2026-12-31 00:59 GMT",
        "12/31/2026 13:00 PM": "2026-12-31 13:00 PM",
    },
    "year_first('text')": {
        "2026/12/31 23:59": "2026-12-31 23:59",
        "2026.3.4": "2026-03-04",
        "2026-12-31 1:00 PM": "2026-12-31 13:00",
    },
    "with_time_of_day(\"'2026-04-03 00:00:00'\", 'text')": {
        "10:00": "2026-04-03 10:00",
        " 9:05:01 ": "2026-04-03 09:05:01",
        "9:05:01 PM": "2026-04-03 21:05:01",
    },
}


@pytest.fixture(scope="module")
def expressions(dbt_parsed: Parsed, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What reads the column `text` in each zone, as dbt writes it."""
    folder = tmp_path_factory.mktemp("times")
    with duckdb.connect(str(folder / f"{DATABASE}.duckdb")) as connection:
        ensure_raw_tables(connection, load_sources(PROJECT / "models" / "staging"))
    columns = ["{{ event_time_in('text', '%s') }}" % zone for zone in ZONES]  # noqa: UP031 Jinja
    columns.append("{{ event_time_in(epoch_as_clock('text'), 'America/New_York') }}")
    columns += ["{{ %s }}" % macro for macro in REORDERED]  # noqa: UP031 Jinja
    # of its own, as what is compiled in a line of its own stays in it
    parsed = replace(dbt_parsed, manifest=dbt_parsed.manifest.deepcopy())
    inline = ["--inline", " /* and */ ".join(columns)]
    [result] = invoke("compile", parsed, PROJECT, folder, {}, inline).results
    compiled = result.node.compiled_code
    return dict(zip([*ZONES, EPOCHS, *REORDERED], compiled.split("/* and */"), strict=True))


def read(expression: str, texts: list[str]) -> list[tuple[datetime, bool]]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        return connection.execute(
            f"select {expression} from (select unnest(?) as text)", [texts]
        ).fetchall()


@pytest.mark.parametrize("zone", ZONES)
def test_a_local_time_at_a_clock_change_is_read_in_one_way_and_marked(expressions, zone):
    texts = [
        str(datetime.fromisoformat(change) + timedelta(minutes=minutes))
        for change in ZONES[zone]
        for minutes in range(-180, 240, 15)
    ]
    found = read(expressions[zone], texts)
    assert [at.replace(tzinfo=UTC) for at, _ in found] == [parse_time(text, zone) for text in texts]
    assert [is_marked for _, is_marked in found] == [is_at_change(text, zone) for text in texts]
    # an hour each in spring and autumn, of Lord Howe half of one
    assert sum(is_marked for _, is_marked in found) == (4 if "Lord" in zone else 8)


def is_at_change(text: str, zone: str) -> bool:
    """Whether the clocks of the zone showed a time twice or not at all: its readings differ."""
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    return local.utcoffset() != local.replace(fold=1).utcoffset()


def test_an_offset_goes_before_the_zone_and_is_not_marked(expressions: dict[str, str]):
    texts = ["2026-10-25T02:30:00+01:00", "2026-10-25 02:30:00 +0200", "1792891800", "soon"]
    # with blanks of other kinds as well
    texts += ["2026-10-25T02:30:00\u00a0+01:00", "\u00a02026-07-01\u00a006:00\t", "2026-07-01T06"]
    half_past = datetime(2026, 10, 25, 0, 30)
    assert read(expressions["Europe/Berlin"], texts) == [
        (half_past + timedelta(hours=1), False),
        (half_past, False),
        (datetime.fromtimestamp(1792891800, UTC).replace(tzinfo=None), False),
        (None, False),
        (half_past + timedelta(hours=1), False),
        (datetime(2026, 7, 1, 4), False),
        (datetime(2026, 7, 1, 4), False),
    ]


def test_an_epoch_may_count_by_the_clocks_of_a_zone(expressions):
    local = datetime(2026, 7, 1, 6, tzinfo=UTC).timestamp(), datetime(2026, 12, 1, 6, tzinfo=UTC)
    texts = [str(int(local[0])), str(int(local[1].timestamp()))]
    # four hours behind in summer, five in winter
    assert read(expressions[EPOCHS], texts) == [
        (datetime(2026, 7, 1, 10), False),
        (datetime(2026, 12, 1, 11), False),
    ]


@pytest.mark.parametrize("macro", REORDERED)
def test_dates_in_another_order_are_brought_to_iso_8601(expressions, macro):
    expected = REORDERED[macro]
    assert [text for (text,) in read(expressions[macro], [*expected])] == [*expected.values()]
