"""What an erasure does beside taking rows away."""

from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest

from orchestration.dagster import erase_steps
from orchestration.dagster.run import open_run
from orchestration.ground.home import Home
from orchestration.ground.hours import END_OF_TIME
from orchestration.landing.locations import configured_locations, known_sources, land_locations
from orchestration.privacy import erasure
from orchestration.privacy.erasure_records import Subject
from orchestration.warehouse import database

HOUR = datetime(2026, 3, 31, 11)


def test_the_newest_hour_is_rewritten_with_the_refusals_that_its_files_counted(
    tmp_path, monkeypatch
):
    home, counted = Home(tmp_path), []
    home.prepare()
    for module, name in (
        (erase_steps, "know_people_at"),
        (erase_steps.hour_files, "prepare"),
    ):
        monkeypatch.setattr(module, name, lambda *args: counted.append(args[-1]))
    monkeypatch.setattr(erase_steps.outcomes, "follow_log", lambda *_: None)
    monkeypatch.setattr(
        erase_steps.export_files, "rewrite_all", lambda *_, beside, **__: [beside(HOUR)]
    )
    with open_run(home, "run-1", "hourly", HOUR) as run:
        with run.open_warehouse() as connection:
            database.ensure_score_tables(connection)
            # more has landed since the hour
            connection.execute(
                "create table main.ordered_events as select ? as event_at",
                [HOUR + timedelta(hours=2)],
            )
            connection.execute(
                "insert into scores.outcomes_watermark by name select ? as newest_event_at", [HOUR]
            )
        erase_steps.rewrite_exports(run, erase_steps.Erasure([]))
    assert counted == [END_OF_TIME, END_OF_TIME]


def test_bytes_of_rows_of_the_erased_are_gone_with_the_next_run_where_one_was_ended(
    tmp_path, monkeypatch
):
    home = Home(tmp_path)
    home.prepare()
    folder = home.landing / "canonical"
    folder.mkdir()
    (folder / "a.csv").write_text(
        "visitor_id,event_at,event_type,page_url\n"
        "v1,2026-03-31T10:02:00Z,page_view,/?mail=anna.secret%40shop.example\n"
    )
    sources = known_sources(home)
    with open_run(home, "run-1", "hourly", HOUR) as run:
        with run.open_warehouse() as connection:
            anna = Subject("email", "anna.secret@shop.example")
            erasure.mark(connection, home, sources, anna, HOUR)
            locations = configured_locations(home, run.settings, sources)
            land_locations(connection, home, sources, locations, datetime.now(UTC))
            connection.execute("checkpoint")
        with monkeypatch.context() as ended:
            ended.setattr(erase_steps, "replace_warehouse", Mock(side_effect=KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                erase_steps.leave_out_returned(run)
        with run.open_warehouse() as connection:
            assert connection.execute("select count(*) from raw.canonical").fetchall() == [(0,)]
        assert b"anna.secret" in home.warehouse.read_bytes()
        assert erase_steps.leave_out_returned(run) == 0
        assert b"anna.secret" not in home.warehouse.read_bytes()
        replaced = Mock()
        monkeypatch.setattr(erase_steps, "replace_warehouse", replaced)
        assert erase_steps.leave_out_returned(run) == 0
        replaced.assert_not_called()
