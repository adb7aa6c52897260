from datetime import datetime, timedelta

import polars as pl

from ml import abandonment


def test_rows_whose_absence_of_a_purchase_cannot_be_known_yet_are_left_out():
    hours = [datetime.fromisoformat(f"2026-01-01T{hour:02}:00") for hour in range(6)]
    rows = pl.DataFrame(
        {
            "cart_id": list("abcdef"),
            "as_of": hours,
            "converts_within_horizon": [True, None, False, True, None, False],
        }
    )
    known = abandonment.matured(
        rows, as_of=datetime.fromisoformat("2026-01-01T07:00"), horizon=timedelta(hours=3)
    )
    # "d" is a purchase after the newest known absence, "f" is younger than the horizon.
    assert known["cart_id"].to_list() == ["a", "c"]
