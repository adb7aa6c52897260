"""Within an hour, once a day, what is too old goes: out of tables, files and the bytes of both."""

import json
from datetime import UTC, datetime
from unittest.mock import Mock

import polars as pl
import pytest

from orchestration.dagster import erase_steps, expiry_steps
from orchestration.dagster.run import Run, open_run
from orchestration.ground.home import Home
from orchestration.landing.locations import configured_locations, known_sources, land_locations
from orchestration.outputs.exports import membership
from orchestration.outputs.exports.rolling import Rolled
from orchestration.outputs.exports.rows import ROWS
from orchestration.people import vault
from orchestration.warehouse import dbt_build

EVENTS = """event_id,visitor_id,user_id,event_at,event_type
1,phone-of-anna-01,anna-7431-account,2025-01-31T23:59:59Z,view_item
2,phone-of-anna-01,anna-7431-account,2025-02-01T00:00:00Z,view_item
3,tablet-kitchen-77,bert-5521-account,2026-03-30T10:02:00Z,view_item
4,tablet-kitchen-77,bert-5521-account,2026-03-31T10:02:00Z,view_item
"""
# what stays of it is a row that was never any event
OLD_FILE = """event_id,visitor_id,user_id,event_at,event_type
6,phone-of-anna-01,,2024-12-24T18:00:00Z,view_item
7,phone-of-anna-01,,24.12.2024 18:05,view_item
"""
PROFILES = """user_id,email,updated_at
anna-7431-account,anna.secret@shop.example,2026-02-28T23:59:59Z
bert-5521-account,bert.secret@shop.example,2025-03-01T10:00:00Z
"""
# two to an address of nobody's, one of which says not when, and one that says nothing
MESSAGES = """contacted_at,email,channel
2025-03-01T10:00:00Z,nobody@shop.example,email
2025-03-02T10:00:00Z,nobody@shop.example,email
never,nobody@shop.example,email
2025-03-02T10:00:00Z,,email
"""
FILES = (
    "select source, rows_read, rows_accepted, rows_dropped, is_suspect from main.landed_files"
    " order by source desc"
)
IDLE = """user_id,email,country,updated_at
idle-account,idle@shop.example,Atlantis,2025-03-01T10:00:00Z
"""
SET_ASIDE = "select source, line from main.set_aside_rows where source <> 'canonical' order by all"
HOUR = datetime(2026, 3, 31, 11)
ADDRESSES = ["anna.secret@shop.example", "bert.secret@shop.example"]
LISTED = pl.DataFrame(dict.fromkeys(ROWS, ADDRESSES))
STOPS = Rolled(LISTED, LISTED, LISTED.clear())


def land(run: Run, **dumps: str) -> None:
    for name, content in dumps.items():
        folder = run.home.landing / name
        folder.mkdir(exist_ok=True)
        (folder / f"{len(list(folder.iterdir()))}.csv").write_text(content)
    sources = known_sources(run.home)
    with run.open_warehouse() as connection:
        locations = configured_locations(run.home, run.settings, sources)
        land_locations(connection, run.home, sources, locations, datetime.now(UTC))
        vault.settle(connection, sources, run.settings)


def query(run: Run, sql: str) -> list[tuple]:
    with run.open_warehouse() as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.heavy
def test_what_is_too_old_goes_once_a_day(tmp_path):
    home = Home(tmp_path)
    home.prepare()
    with open_run(home, "run-1", "hourly", HOUR) as run:
        land(run, canonical=EVENTS, profiles=PROFILES)
        land(run, canonical=OLD_FILE)
        # before anything was built nobody knows what is old
        assert not expiry_steps.expire(run, HOUR)
        dbt_build.build(home, run.settings, as_of=HOUR, command="run").require_success()
        assert b"anna.secret" in home.warehouse.read_bytes()
        with run.open_warehouse() as connection:
            membership.remember(connection, "stops", "suppressions", HOUR, STOPS, is_full=True)
        assert expiry_steps.expire(run, HOUR)
        listed = "select identifier, persons from vault.export_members, vault.export_lists"
        assert query(run, listed) == [("bert.secret@shop.example", 1)]
        assert query(run, "select event_id from main.events order by all") == [
            ("2",),
            ("3",),
            ("4",),
        ]
        assert query(
            run,
            "select source, rows_read, rows_accepted, rows_dropped, is_suspect, note"
            " from main.landed_files order by source, load_id",
        ) == [
            ("canonical", 4, 3, 1, False, "1 rows are older than events are kept, and gone"),
            ("canonical", 2, 0, 2, False, "1 rows are older than events are kept, and gone"),
            ("profiles", 2, 2, 0, False, None),
        ]
        assert query(run, "select user_id, email from vault.profiles order by all") == [
            ("anna-7431-account", None),
            ("bert-5521-account", "bert.secret@shop.example"),
        ]
        assert b"anna.secret" not in home.warehouse.read_bytes()
        assert home.warehouse.stat().st_mode & 0o777 == 0o600
        # an old row that comes later waits for the next month, an old profile for the next day
        again = EVENTS.replace("phone", "watch")
        land(run, canonical=again, profiles=PROFILES.replace("anna.secret", "ann.second"))
        assert not expiry_steps.expire(run, HOUR)
        land(run, canonical=f"{EVENTS.splitlines()[0]}\n5,a,,2026-04-01T00:00:00Z,view_item\n")
        dbt_build.build(home, run.settings, as_of=HOUR, command="run").require_success()
        assert expiry_steps.expire(run, datetime(2026, 4, 1, 1))
        noted = query(run, "select counts from scores.audit_log where deed = 'retention'")
    assert [json.loads(counts) for (counts,) in noted] == [
        {"day": 20260331, "month": 202502, "events": 2, "rows": 1},
        {"day": 20260401, "month": 202503, "events": 3, "rows": 1},
    ]


@pytest.mark.heavy
def test_of_what_was_set_aside_and_goes_the_next_build_says_what_a_full_one_does(tmp_path):
    home = Home(tmp_path)
    home.prepare()
    with open_run(home, "run-1", "hourly", HOUR) as run:
        land(run, canonical=EVENTS, contacts=MESSAGES, profiles=IDLE)
        dbt_build.build(home, run.settings, as_of=HOUR).require_success()
        expected = [("contacts", 4), ("contacts", 5), ("profiles", 2)]
        assert query(run, SET_ASIDE) == expected
        assert expiry_steps.expire(run, HOUR)
        expected = [
            ("profiles", 1, 1, 0, False),
            ("contacts", 4, 0, 4, False),
            ("canonical", 4, 3, 1, False),
        ]
        for is_full in (False, True):
            built = dbt_build.build(home, run.settings, as_of=HOUR, full_refresh=is_full)
            built.require_success()
            assert query(run, FILES) == expected
            assert query(run, SET_ASIDE) == [("contacts", 5)]


def test_what_a_killed_run_took_away_leaves_lists_and_bytes_with_the_next(tmp_path, monkeypatch):
    home = Home(tmp_path)
    home.prepare()
    monkeypatch.setattr(erase_steps, "rebuild", erase_steps.replace_warehouse)
    with open_run(home, "run-1", "hourly", HOUR) as run:
        land(run, profiles=PROFILES)
        with run.open_warehouse() as connection:
            connection.execute(
                "create table main.events as select 'bert-5521-account' as owner_id,"
                " 'bert-5521-account' as user_id, timestamp '2026-03-31 10:02:00' as event_at;"
                "create table main.ordered_events as select event_at from main.events"
            )
            membership.remember(connection, "stops", "suppressions", HOUR, STOPS, is_full=True)
            connection.execute("checkpoint")
        with monkeypatch.context() as killed:
            killed.setattr(vault, "settle", Mock(side_effect=KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                expiry_steps.expire(run, HOUR)
        assert b"anna.secret" in home.warehouse.read_bytes()
        # the next run settles the vault as it lands
        land(run)
        assert expiry_steps.expire(run, HOUR)
        assert query(run, "select identifier from vault.export_members") == [(ADDRESSES[1],)]
        assert b"anna.secret" not in home.warehouse.read_bytes()
        assert not expiry_steps.expire(run, datetime(2026, 4, 1, 1))
        assert query(run, "select user_id, email from vault.profiles order by all") == [
            ("anna-7431-account", None),
            ("bert-5521-account", "bert.secret@shop.example"),
        ]
