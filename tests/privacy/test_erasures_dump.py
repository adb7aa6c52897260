"""A dump of erasures does in an hour what the command does."""

import json
from datetime import UTC, datetime

import duckdb
import pytest

from orchestration.dagster import erase_steps
from orchestration.dagster.run import open_run
from orchestration.ground.home import Home
from orchestration.landing.locations import configured_locations, known_sources, land_locations
from orchestration.people import vault

EVENTS = """event_id,visitor_id,user_id,event_at,event_type,page_url
1,phone-of-anna-01,,2026-03-01T10:00:00Z,view_item,
2,phone-of-anna-01,anna-7431-account,2026-03-01T10:01:00Z,login,
3,tablet-kitchen-77,bert-5521-account,2026-03-01T10:02:00Z,login,
4,tablet-kitchen-77,bert-5521-account,2026-03-01T10:03:00Z,view_item,/x?by=anna%40shop.example
"""
PROFILES = """user_id,email,updated_at
anna-7431-account,Anna@shop.example,2026-03-01T10:00:00Z
bert-5521-account,bert@shop.example,2026-03-01T10:00:00Z
"""
ERASURES = "user_id,visitor_id\nanna-7431-account,\n,never-seen-0001\n"


@pytest.mark.heavy
def test_a_dump_of_erasures_does_what_the_command_does(tmp_path):
    home = Home(tmp_path)
    home.prepare()
    for name, content in {"canonical": EVENTS, "profiles": PROFILES, "erasures": ERASURES}.items():
        (home.landing / name).mkdir()
        (home.landing / name / "a.csv").write_text(content)
    sources = known_sources(home)
    with open_run(home, "run-1", "hourly", datetime(2026, 3, 1, 11)) as run:
        with run.open_warehouse() as connection:
            locations = configured_locations(home, run.settings, sources)
            land_locations(connection, home, sources, locations, datetime.now(UTC))
            vault.settle(connection, sources, run.settings)
        assert erase_steps.erase_requested(run) == 2
        assert erase_steps.erase_requested(run) == 0
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:

        def rows(query: str) -> list[tuple]:
            return connection.execute(query).fetchall()

        assert rows("select event_id from main.events") == [("3",)]
        assert rows("select user_id from vault.profiles") == [("bert-5521-account",)]
        assert rows(
            "select source, rows_read, rows_accepted, rows_dropped from main.landed_files"
            " order by source"
        ) == [("canonical", 4, 1, 3), ("erasures", 2, 0, 2), ("profiles", 2, 1, 1)]
        assert rows("select deed, counts from scores.audit_log") == [
            ("settings", "{}"),
            ("erase", '{"people": 2, "rows": 6, "still_found": 0}'),
        ]
    reports = [json.loads(path.read_text()) for path in home.erasures.glob("2*.json")]
    assert [each["verdict"] for each in reports] == ["nothing found"] * 2
    assert not (home.erasures / "pending.json").exists()
    assert home.warehouse.stat().st_mode & 0o777 == 0o600
    for path in home.root.rglob("*"):
        if path.is_file() and home.landing not in path.parents:
            content = path.read_bytes().lower()
            assert b"anna" not in content or path.is_relative_to(home.dbt), path
