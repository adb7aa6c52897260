"""What an erasure does beside taking rows away."""

from datetime import datetime, timedelta

from orchestration.dagster import erase_steps
from orchestration.dagster.run import open_run
from orchestration.ground.home import Home
from orchestration.ground.hours import END_OF_TIME
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
