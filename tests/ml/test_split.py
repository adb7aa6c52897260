from datetime import datetime, timedelta

import polars as pl

from ml.split import Window, cart_weights, time_split

MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)


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
