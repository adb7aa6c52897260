"""The same hour again with nothing new: nothing is made again, and nothing is another than before.

Belongs here: what a second run of an hour does and leaves. Not here: what a step is made of
(`tests/warehouse/test_made_steps.py`), or runs that died (`test_kills`).
"""

import shutil
from pathlib import Path

import duckdb
import pytest

from tests.whole.twins import (
    FIRST_HOUR,
    SECOND_HOUR,
    Shop,
    differences,
    run_to_the_end,
    words_of,
)

pytestmark = [pytest.mark.slow, pytest.mark.heavy]

NOTHING = "dbt: 0 nodes"
PAGE = "published/report.html"
OF_HOUR = f"{{}} = timestamp '{SECOND_HOUR}'"


@pytest.fixture(scope="module")
def made(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop after its second hour, and once more: late rows have past hours built in the first,
    and what they leave is made again."""
    home = Path(shutil.copytree(shop.before, tmp_path_factory.mktemp("made") / "home"))
    for _ in range(2):
        run_to_the_end(home, SECOND_HOUR)
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """A copy of that."""
    return Path(shutil.copytree(made, tmp_path / "home"))


def test_the_same_hour_again_makes_nothing_and_is_the_same(shop: Shop, made: Path, home: Path):
    run_to_the_end(home, SECOND_HOUR)
    assert words_of(home).count(NOTHING) == 2
    assert differences(home, shop.twin) == []
    assert (home / PAGE).read_bytes() == (made / PAGE).read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        f"delete from scores.cart_scores where {OF_HOUR.format('scored_at')} and cart_id < '8'",
        "update scores.person_scores set intent_level = 'high'",
        f"delete from scores.segment_history where {OF_HOUR.format('entered_at')}",
        "update main.last_build set finished_at = finished_at + interval 1 second",
    ],
)
def test_what_is_not_as_it_was_made_is_made_again(shop: Shop, home: Path, change: str):
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        ((changed,),) = connection.execute(change).fetchall()
    assert changed
    run_to_the_end(home, SECOND_HOUR)
    assert differences(home, shop.twin) == []


def test_after_another_hour_all_is_made_again(home: Path):
    run_to_the_end(home, FIRST_HOUR)
    run_to_the_end(home, SECOND_HOUR)
    assert NOTHING not in words_of(home)
