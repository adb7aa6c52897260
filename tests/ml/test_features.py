import numpy as np
import polars as pl
import pytest

from ml.features import Encoding, FeatureError, feature_columns


def training_frame() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "cart_id": [f"c{i}" for i in range(50)],
            "visitor_id": [f"v{i}" for i in range(50)],
            "session_event_count": list(range(50)),
            "device_type": ["mobile"] * 25 + ["desktop"] * 20 + ["rare"] * 5,
            "converts_within_horizon": [True] * 50,
            "idle_hours": [0.0] * 50,
        }
    )


def test_features_are_all_columns_but_keys_and_labels_in_the_order_of_the_frame():
    assert feature_columns(training_frame()) == ["session_event_count", "device_type", "idle_hours"]


def test_an_encoding_keeps_medians_minima_and_categories_that_enough_visitors_share():
    encoding = Encoding.fit(training_frame())
    assert encoding.categories == {"device_type": ("desktop", "mobile")}
    assert encoding.medians == {"session_event_count": 24.5, "idle_hours": 0.0}
    assert encoding.minima == {"session_event_count": 0.0, "idle_hours": 0.0}
    assert encoding.categorical_positions == [1]


def test_a_category_of_one_visitor_is_not_kept_however_many_rows_it_has():
    frame = training_frame().with_columns(visitor_id=pl.lit("v1"))
    assert Encoding.fit(frame).categories == {"device_type": ()}


def test_unknown_categories_nulls_and_untyped_columns_become_nan():
    encoding = Encoding.fit(training_frame())
    scored = pl.DataFrame(
        {
            "session_event_count": [1, None, 3],
            "device_type": ["mobile", "never seen", None],
            "idle_hours": [None, None, None],
        }
    )
    expected = [[1, 1, np.nan], [np.nan, np.nan, np.nan], [3, np.nan, np.nan]]
    np.testing.assert_array_equal(encoding.matrix(scored), expected)


def test_an_encoding_survives_its_json():
    encoding = Encoding.fit(training_frame())
    assert Encoding.from_json(encoding.to_json()) == encoding


def test_a_missing_or_changed_column_is_named():
    encoding = Encoding.fit(training_frame())
    with pytest.raises(FeatureError, match="no column 'idle_hours'"):
        encoding.matrix(training_frame().drop("idle_hours"))
    with pytest.raises(FeatureError, match="'idle_hours' is String, a numeric column is needed"):
        encoding.matrix(training_frame().with_columns(idle_hours=pl.lit("long")))
    with pytest.raises(FeatureError, match="'device_type' is Int32, a text column is needed"):
        encoding.matrix(training_frame().with_columns(device_type=pl.lit(1)))
