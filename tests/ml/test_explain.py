import numpy as np
import polars as pl

from ml.explain import reason_codes
from ml.features import Encoding

ENCODING = Encoding(
    features=("idle_hours", "visitor_order_count", "device_type", "session_event_count"),
    categories={"device_type": ("desktop", "mobile")},
    medians={"idle_hours": 4.0, "visitor_order_count": 0.0, "session_event_count": 8.0},
    minima={"idle_hours": 0.0, "visitor_order_count": 0.0, "session_event_count": 1.0},
)
PHRASES = {
    "idle_hours": ("active just now", "idle for long"),
    "visitor_order_count": ("never ordered before", "ordered before"),
    "device_type": ("", "the device"),
    "session_event_count": ("a short visit", "a long visit"),
}
ROW = {
    "idle_hours": 20.0,
    "visitor_order_count": 0,
    "device_type": "mobile",
    "session_event_count": 9,
}


def reasons(contributions: list[float], row: dict | None = None, **arguments) -> str:
    frame = pl.DataFrame([ROW | (row or {})])
    shares = np.array([contributions])
    phrases = arguments.pop("phrases", PHRASES)
    return reason_codes(shares, frame, phrases, ENCODING, **arguments)[0]


def test_the_strongest_three_towards_abandoning_are_given_strongest_first():
    given = reasons([0.2, 0.5, 0.3, 0.1])
    assert given == "never ordered before; the device; idle for long"


def test_reasons_against_the_way_a_row_leans_are_left_out():
    assert reasons([0.9, -0.5, 0.0, -0.1]) == "idle for long"


def test_a_row_that_leans_towards_buying_has_reasons_for_buying():
    row = {"idle_hours": 1.0, "visitor_order_count": 2}
    assert reasons([-0.4, -0.8, 0.3, 0.0], row) == "ordered before; active just now"


def test_a_count_that_is_mostly_zero_is_low_at_zero_and_high_above():
    assert reasons([0, 1, 0, 0], {"visitor_order_count": 0}) == "never ordered before"
    assert reasons([0, 1, 0, 0], {"visitor_order_count": 1}) == "ordered before"


def test_at_the_median_a_value_is_high():
    assert reasons([1, 0, 0, 0], {"idle_hours": 4.0}) == "idle for long"
    assert reasons([1, 0, 0, 0], {"idle_hours": 3.9}) == "active just now"


def test_equal_shares_stand_in_the_order_of_the_features():
    assert reasons([0.5, 0.5, 0.5, 0.5], top=2) == "idle for long; never ordered before"


def test_unknown_values_and_features_without_words_are_passed_over():
    assert reasons([0.5, 0.1, 0.2, 0.0], {"idle_hours": None}, phrases=PHRASES) == (
        "the device; never ordered before"
    )
    assert reasons([0.5, 0.1, 0.2, 0.0], phrases={}) == ""


def test_where_nothing_was_weighed_nothing_is_said():
    assert reasons([0.0, 0.0, 0.0, 0.0]) == ""
