"""The step that compares contacted people with those held out."""

from contextlib import nullcontext
from decimal import Decimal
from types import SimpleNamespace

import dagster as dg
import polars as pl

from orchestration.dagster.contact_assets import _metadata, campaign_results_asset
from orchestration.dagster.run import RUN_KEY
from orchestration.dagster.shared import hourly_partitions
from orchestration.ground.hours import END_OF_TIME
from orchestration.ground.settings import Settings, parse_settings
from orchestration.warehouse.score_tables import RUNS
from tests.modelling.contact_logs import DAY, MONDAY, Log


def materialize(log: Log, settings: Settings | None = None) -> dict:
    run = SimpleNamespace(
        settings=settings or Settings(),
        newest_possible_hour=END_OF_TIME,
        open_warehouse=lambda: nullcontext(log.connection),
    )
    result = dg.materialize(
        [campaign_results_asset(hourly_partitions(Settings()))],
        partition_key="2026-11-04-00:00",
        resources={RUN_KEY: dg.ResourceDefinition.hardcoded_resource(run)},
    )
    (event,) = result.asset_materializations_for_node("campaign_results")
    return {name: each.value for name, each in event.metadata.items()}


def test_the_ui_gets_counts_and_once_both_arms_have_somebody_the_differences_drawn():
    log = Log()
    log.connection.execute(RUNS.ddl("scores.runs"))
    assert materialize(log) == {
        "contacted_persons": 0,
        "held_out_persons": 0,
        "earned_is_known": "seven days after a whole week of contacts; none is so old yet",
    }
    for number in range(8):
        log.contact(f"c{number}", MONDAY, is_withheld=number >= 4)
    log.order(MONDAY + DAY, "c0")
    found = materialize(log)
    assert (found["contacted_persons"], found["held_out_persons"]) == (4, 4)
    assert "data:image/png;base64," in found["differences"]
    assert "on_the_fence" in found["by_week"]
    assert "experiments" not in found


def test_the_ui_says_of_which_experiments_nothing_may_be_read_yet():
    log = Log()
    log.connection.execute(RUNS.ddl("scores.runs"))
    for arm in ("plain", "short"):
        log.insert(
            "scores.experiment_arms",
            experiment="subject",
            person_id=f"user:{arm}",
            arm=arm,
            assigned_at=MONDAY,
            p_abandon=0.9,
        )
    settings = parse_settings({"experiments": {"subject": {"arms": ["plain", "short"]}}})
    found = materialize(log, settings)
    assert found["warning"] == ("too early to stop, whatever the difference looks like: subject")
    assert "too_early" in found["experiments"]
    assert "control" in found["experiments"]


def test_what_weeks_that_are_over_earned_is_a_number():
    results = pl.DataFrame(
        {
            "contacted_persons": [200, 100, 50, 1],
            "held_out_persons": [100, 50, 20, 1],
            "incremental_margin": [Decimal("270.5"), Decimal("-10"), Decimal("999"), Decimal("9")],
            "contact_cost": [Decimal("20"), Decimal("5"), Decimal("1"), Decimal("1")],
            "is_mature": [True, True, False, True],
            "difference": pl.Series([None] * 4, dtype=pl.Float64),
            "week": [MONDAY.date()] * 3 + [(MONDAY - 7 * DAY).date()],
            "reporting_currency": ["EUR", "EUR", "EUR", "GBP"],  # changed since
        }
    )
    assert _metadata(results) == {
        "contacted_persons": 351,
        "held_out_persons": 171,
        "earned": 235.5,
    }
    early = _metadata(results.filter(~pl.col("is_mature")))
    assert "earned" not in early
    assert early["earned_is_known"].startswith("seven days after")
    of_one_arm = results.filter("is_mature").with_columns(
        incremental_margin=pl.lit(None, pl.Decimal(18, 4))
    )
    assert _metadata(of_one_arm)["earned_is_known"] == (
        "once a week has people of both arms, and rates for its orders"
    )
