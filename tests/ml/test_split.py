from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from ml.split import Window, cart_weights, time_split

MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)
AGES = (0, 0.5, 1, 4, 8, 24, 48, 72, 96, 120, 144, 168)


def test_windows_and_gaps_are_what_one_works_out_by_hand():
    # 26 days less two gaps of 3 leave 20: test and validation get 3 days each, training 14.
    first = datetime.fromisoformat("2026-03-01")
    last = datetime.fromisoformat("2026-03-27") - MICROSECOND
    split = time_split(first, last, gap=3 * DAY, share=0.15, longest=28 * DAY)
    assert split is not None
    assert split.train == Window(
        datetime.fromisoformat("2026-03-01"), datetime.fromisoformat("2026-03-15")
    )
    assert split.validation == Window(
        datetime.fromisoformat("2026-03-18"), datetime.fromisoformat("2026-03-21")
    )
    assert split.test == Window(
        datetime.fromisoformat("2026-03-24"), datetime.fromisoformat("2026-03-27")
    )


def test_window_lengths_are_full_hours():
    first = datetime.fromisoformat("2026-03-01")
    split = time_split(first, first + timedelta(hours=32), gap=DAY / 24, share=0.15, longest=DAY)
    assert split is not None
    assert split.test.end - split.test.start == timedelta(hours=4)  # of 0.15 x 30 hours = 4:30


def test_a_long_log_does_not_make_windows_longer_than_allowed():
    first = datetime.fromisoformat("2025-01-01")
    split = time_split(first, first + 365 * DAY, gap=3 * DAY, share=0.15, longest=28 * DAY)
    assert split is not None
    assert split.test.end - split.test.start == 28 * DAY


def test_a_log_shorter_than_the_gaps_has_no_split():
    first = datetime.fromisoformat("2026-03-01")
    assert time_split(first, first + 6 * DAY, gap=3 * DAY, share=0.3, longest=28 * DAY) is None


def test_a_window_holds_its_start_and_not_its_end():
    hours = [datetime.fromisoformat(f"2026-03-01T{hour:02}:00") for hour in range(4)]
    window = Window(hours[1], hours[3])
    assert window.rows(pl.DataFrame({"as_of": hours}))["as_of"].to_list() == hours[1:3]


def test_a_touch_counts_less_the_more_there_were_before_it_whatever_comes_after():
    nine, ten, noon = (datetime.fromisoformat(f"2026-03-01T{hour}:00") for hour in ("09", 10, 12))
    frame = pl.DataFrame(
        {
            "cart_id": ["a", "b", "a", "a", "a", "a"],
            "last_touched_at": [ten, noon, nine, nine, noon, ten],
        }
    )
    assert cart_weights(frame).tolist() == [1 / 2, 1, 1, 1, 1 / 3, 1 / 2]
    assert cart_weights(frame.head(4)).tolist() == [1 / 2, 1, 1, 1]


def rows_of(cart: str, touched: float, asked_for: float) -> list[dict]:
    """The rows of a cart at each age up to so many hours after a touch."""
    at = datetime.fromisoformat("2026-03-01") + timedelta(hours=touched)
    return [
        {"cart_id": cart, "last_touched_at": at, "age": age} for age in AGES if age <= asked_for
    ]


def test_at_an_age_each_cart_counts_the_same_and_over_all_ages_as_often_as_it_was_open():
    frame = pl.DataFrame(
        [
            *rows_of("left open", 0, 168),
            *rows_of("expired", 3, 168),
            *rows_of("bought after five hours", 5, 5),
            *rows_of("touched again after a day", 0, 23),
            *rows_of("touched again after a day", 24, 168),
        ]
    )
    weighed = frame.with_columns(weight=pl.Series(cart_weights(frame)))
    sums = dict(weighed.group_by("cart_id").agg(pl.col("weight").sum()).iter_rows())
    assert sums == {
        "left open": 12,
        "expired": 12,
        "bought after five hours": 4,
        "touched again after a day": 5 + 12 / 2,
    }
    at_four_hours = weighed.filter(pl.col("age") == 4)["weight"].to_list()
    assert at_four_hours == [1, 1, 1, 1, 1 / 2]


def test_the_weighed_share_is_the_chance_and_that_of_one_vote_a_cart_is_not():
    """Carts are bought at a constant rate, so that at each age the chance of 72 hours is .3."""
    carts = 20_000
    bought_after = np.random.default_rng(6).exponential(-72 / np.log(0.7), carts)
    cart, age = np.meshgrid(np.arange(carts), np.array(AGES), indexing="ij")
    is_open = bought_after[:, None] > age
    touched = datetime.fromisoformat("2026-03-01")
    frame = pl.DataFrame({"cart_id": cart[is_open], "last_touched_at": touched})
    bought = (bought_after[:, None] <= age + 72)[is_open]
    assert np.average(bought, weights=cart_weights(frame)) == pytest.approx(0.3, abs=0.005)
    one_vote = 1 / frame.select(pl.len().over("cart_id")).to_series().to_numpy()
    assert np.average(bought, weights=one_vote) > 0.4
