from datetime import timedelta

import polars as pl
import pytest

from ml.return_time.sessions import GRID_HOURS, durations_on_grid, known_at
from tests.ml.training import START


def test_durations_are_rounded_up_to_the_grid():
    assert len(GRID_HOURS) == 1968
    rows = pl.DataFrame({"duration_hours": [1e-6, 1 / 12, 0.1, 24.01, 170.2, 720.0]}).with_columns(
        is_returned=True
    )
    durations, _ = durations_on_grid(rows)
    assert durations.tolist() == pytest.approx([1 / 12, 1 / 12, 2 / 12, 24.25, 170.5, 720.0])


def test_a_return_after_the_hour_is_not_known_at_the_hour():
    rows = pl.DataFrame(
        {
            "session_id": ["a", "b", "c", "d"],
            "ended_at": [START, START, START + timedelta(hours=9), START - timedelta(days=40)],
            "duration_hours": [4.0, 12.0, 2.0, 900.0],
            "is_returned": [True, True, True, True],
        }
    )
    known = known_at(rows, START + timedelta(hours=8))
    assert known.select("session_id", "duration_hours", "is_returned").rows() == [
        ("d", 720.0, False),
        ("a", 4.0, True),
        ("b", 8.0, False),
    ]
