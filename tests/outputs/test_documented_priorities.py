"""The documented queries of the newest hour: what they leave out."""

import re
from pathlib import Path

import pytest

from tests.outputs.small_published_file import HOUR, insert, make_empty

PAGE = Path(__file__).parents[2] / "dbt_project" / "docs" / "tables.md"
NUDGE, RETURNS = re.findall(r"^## [16]\. .*?```sql\n(.*?)```", PAGE.read_text(), re.S | re.M)


@pytest.fixture
def connection(tmp_path):
    with make_empty(tmp_path / "analytics.duckdb") as connection:
        for rank, (cart, is_holdout, is_bot) in enumerate(
            [("bot", False, True), ("held out", True, False), ("old", False, None)], start=1
        ):
            insert(
                connection,
                "retargeting_priorities",
                scored_at=HOUR,
                cart_id=cart,
                priority_rank=rank,
                best_action="reminder",
                segment="on_the_fence",
                return_window="24h",
                cart_value_base=10,
                is_holdout=is_holdout,
                is_suspected_bot=is_bot,
            )
        yield connection


def test_worth_a_nudge_is_nobody_who_may_not_be_contacted(connection):
    assert [row[:2] for row in connection.execute(NUDGE).fetchall()] == [(3, "old")]


def test_bots_are_no_shoppers_that_will_be_back(connection):
    [row] = connection.execute(RETURNS).fetchall()
    assert row == ("on_the_fence", "24h", 2, None, 20)
