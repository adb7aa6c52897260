"""The documented query of predicted against observed, on outcomes written by hand."""

import re
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.warehouse.outcomes import weekly_outcomes
from orchestration.warehouse.score_tables import CART_SCORES, SCORE_OUTCOMES

PAGE = Path(__file__).parents[2] / "dbt_project" / "docs" / "tables.md"
MORE = PAGE.with_name("more_questions.md")
[QUERY] = re.findall(r"^## 7\. .*?```sql\n(.*?)```", PAGE.read_text(), re.S | re.M)
[BY_SEGMENT] = re.findall(r"^## 12\. .*?```sql\n(.*?)```", PAGE.read_text(), re.S | re.M)
BY_AGE, BY_CHANCE, BY_MODEL = re.findall(
    r"^## 2[345]\. .*?```sql\n(.*?)```", MORE.read_text(), re.S | re.M
)
MONDAY = datetime(2026, 3, 2)


@pytest.fixture
def connection():
    """263 carts of one week, 81 of them abandoned, each scored twice; a few rows do not count,
    and those of a bot do not."""
    with duckdb.connect() as opened:
        opened.execute("create schema scores")
        opened.execute(SCORE_OUTCOMES.ddl("scores.score_outcomes"))
        opened.execute(
            """
            insert into scores.score_outcomes by name
            select
                timestamp '2026-03-04 10:00' + to_hours(hours) as scored_at,
                'cart ' || number as cart_id,
                case hours when 0 then 0.3 else 0.9 end as p_abandon,
                number > 81 or hours = 1 as is_converted,
                2.0 as hours_idle,
                true as is_mature
            from range(1, 264) as carts(number), range(2) as hours(hours)
            union all by name
            select timestamp '2026-03-04 11:00' as scored_at, kind as cart_id, 0.99 as p_abandon,
                true as is_converted, 2.0 as hours_idle, false as is_mature
            from (values ('not mature')) as kinds(kind)
            union all by name
            select timestamp '2026-03-04 11:00' as scored_at, 'closed before' as cart_id,
                0.99 as p_abandon, false as is_converted, null as hours_idle, true as is_mature
            union all by name
            select timestamp '2026-03-04 10:00' as scored_at, 'of a bot' as cart_id,
                0.01 as p_abandon, false as is_converted, 2.0 as hours_idle, true as is_mature
            """
        )
        opened.execute(CART_SCORES.ddl("scores.cart_scores"))
        opened.execute(
            "insert into scores.cart_scores by name select scored_at, cart_id, p_abandon,"
            " 'on_the_fence' as segment, case when cart_id = 'of a bot' then true"
            " when cart_id <> 'cart 1' then false end as is_suspected_bot"
            " from scores.score_outcomes"
        )
        opened.execute("create view cart_scores as from scores.cart_scores")
        opened.execute("create view score_outcomes as from scores.score_outcomes")
        yield opened


def test_the_documented_query_gives_the_share_and_the_interval_of_the_literature(connection):
    [row] = connection.execute(QUERY).fetchall()
    assert row[:2] == (MONDAY, 263)
    # 81 of 263 and its interval: Newcombe (1998), table I, method 3
    assert row[2:] == pytest.approx((0.3, 81 / 263, 0.2553, 0.3662), abs=5e-5)


def test_the_documented_query_by_segment_is_of_the_same_carts(connection):
    [row] = connection.execute(BY_SEGMENT).fetchall()
    assert row == ("on_the_fence", 263, pytest.approx(0.3), pytest.approx(81 / 263))


def test_the_weeks_of_the_ui_are_those_of_the_query(connection):
    assert weekly_outcomes(connection, 8).to_dicts() == [
        {
            "week": MONDAY.date(),
            "cart_count": 263,
            "abandoned_count": 81,
            "mean_predicted": pytest.approx(0.3),
        }
    ]


def test_scores_are_compared_by_age_and_by_chance_with_one_score_of_each_cart(connection):
    [by_age] = connection.execute(BY_AGE).fetchall()
    assert by_age == ("2. under 8 hours", 263, pytest.approx(0.3), pytest.approx(81 / 263))
    [by_chance] = connection.execute(BY_CHANCE).fetchall()
    brier = (81 * 0.7**2 + 182 * 0.3**2) / 263
    expected = (0.3, 263, 0.3, 81 / 263, brier)
    assert by_chance == pytest.approx(expected)


def test_models_are_compared_by_all_scores_of_each(connection):
    connection.execute("update scores.score_outcomes set abandonment_model = 'a1'")
    connection.execute("create table models as select 'a1' model_id, 'abandonment' name, 'x' kind")
    [row] = connection.execute(BY_MODEL).fetchall()
    assert row[:4] == ("abandonment a1", "x", 526, 263)
    brier = (81 * 0.7**2 + 182 * 0.3**2 + 263 * 0.9**2) / 526
    assert row[4:] == pytest.approx((0.6, 81 / 526, brier))
