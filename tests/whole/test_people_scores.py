"""What a whole run says of people, computed once more from the tables alone."""

import json
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from orchestration.modelling.person_models import PERSON_LEARNERS


@pytest.fixture(scope="module")
def published(simulated_home: Path):
    """The published file, and beside it the private warehouse."""
    path = simulated_home / "published" / "analytics.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute(f"attach '{simulated_home / 'warehouse.duckdb'}' as own (read_only)")
        yield connection


def test_every_person_has_scores_and_every_model_a_card_with_plots(simulated_home, published):
    filled = ("p_purchase_7d", "intent_level", "expected_value_365d", "value_tier")
    ((people, *counts),) = published.execute(
        f"select count(*), count(columns([{', '.join(map(repr, filled))}])) from people"
    ).fetchall()
    assert people > 10_000
    assert counts == [people] * len(filled)
    for learner in PERSON_LEARNERS:
        folder = simulated_home / "models" / learner.name
        champion = json.loads((folder / "champion.json").read_text())["champion"]
        assert json.loads((folder / champion / "card.json").read_text())["note"]
    assert list(simulated_home.glob("models/intent/*/calibration.png"))
    assert list(simulated_home.glob("models/intent/*/gain.png"))


def test_chances_are_those_of_people_alike_in_weeks_that_are_over(published):
    """The shop is too young for a learned model to be better: the plain answer, in SQL."""
    off = published.execute("""
        with cell as (
            from own.training_people
            select *, days_to_order <= 7 as bought
            where days_observed >= 7
        ),
        rates as (
            select
                days_since_seen <= 1 as d1, days_since_seen <= 7 as d7,
                days_since_seen <= 30 as d30,
                least(order_count, 2) as orders,
                count(*) as n,
                count(*) filter (bought) as buyers
            from cell group by all
        ),
        overall as (select count(*) filter (bought) / count(*) as rate from cell),
        hour as (select max(as_of) as as_of from runs)
        select max(abs(p_purchase_7d - coalesce((buyers + 50 * rate) / (n + 50), rate))), count(n)
        from people cross join overall cross join hour left join rates
            on d1 = (hour.as_of - last_seen_at <= interval 1 day)
            and d7 = (hour.as_of - last_seen_at <= interval 7 day)
            and d30 = (hour.as_of - last_seen_at <= interval 30 day)
            and rates.orders = least(people.order_count, 2)
    """).fetchall()
    ((furthest, people),) = off
    assert furthest < 1e-6
    assert people > 10_000


def test_value_is_last_years_revenue_times_what_follows_for_each_unit(published):
    ((factor,),) = published.execute(
        "select sum(value_next_14d) / sum(order_value_365d) from own.training_people"
        " where value_next_14d is not null"
    ).fetchall()
    assert 0 < factor < 5
    ((furthest, most),) = published.execute(
        "select max(abs(expected_value_365d::double - order_value_base::double * $factor)),"
        " max(expected_value_365d) from people",
        {"factor": factor},
    ).fetchall()
    assert furthest < 1e-3 * factor
    assert most > 10
    tiers = published.execute(
        "select value_tier, min(expected_value_365d), count(*) from people group by 1 order by 2"
    ).fetchall()
    # fewer than a fifth ever ordered: the others are alike, and low
    buyers = published.execute("select count(*) from people where order_value_base > 0").fetchone()
    assert [tier for tier, *_ in tiers] == ["low", "high"]
    assert tiers[1][2] == buyers[0]


def test_intent_is_high_for_no_more_than_a_tenth(published):
    levels = published.execute("""
        select intent_level, min(p_purchase_7d), max(p_purchase_7d), count(*)
        from people group by 1 order by 2 desc
    """).fetchall()
    order = [level for level, *_ in levels]
    assert order == [level for level in ("high", "medium", "low") if level in order]
    total = sum(count for *_, count in levels)
    assert sum(count for level, *_, count in levels if level == "high") <= total / 10
    assert sum(count for level, *_, count in levels if level != "low") <= 4 * total / 10
    for (_, lowest, *_), (_, _, highest, _) in pairwise(levels):
        assert lowest > highest
