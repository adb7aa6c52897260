"""Which attributes become features, and what a row has of them."""

import json

import polars as pl

from ml import attributes
from ml.features import MIN_VISITORS_PER_CATEGORY as ENOUGH
from ml.features import feature_columns


def frame(*groups: tuple[dict | None, int]) -> pl.DataFrame:
    """So many visitors of whom each is known."""
    known = [text and json.dumps(text) for text, count in groups for _ in range(count)]
    return pl.DataFrame(
        {"visitor_id": [f"v{i}" for i in range(len(known))], "attributes": known},
        schema={"visitor_id": pl.String, "attributes": pl.String},
    )


def test_a_value_that_enough_visitors_share_is_a_feature_and_a_number_is_one():
    rows = frame(
        ({"attr_tier": "gold", "attr_age": "30"}, ENOUGH),
        ({"attr_tier": "silver", "attr_age": "41.5"}, ENOUGH - 1),
        ({"Attr_Tier": "gold"}, 1),
        ({"attr_rare": "7"}, ENOUGH - 1),
        (None, 3),
    )
    assert attributes.chosen(rows) == ["attr_age", "attr_tier=gold"]


def test_a_visitor_counts_once_however_many_rows_it_has():
    rows = frame(({"attr_tier": "gold"}, ENOUGH - 1))
    assert attributes.chosen(pl.concat([rows, rows])) == []


def test_what_could_be_an_address_is_no_feature():
    rows = frame(
        ({"attr_mail": "a@shop.example", "attr_json": '{"a": 1}', "attr_é": "x"}, ENOUGH),
    )
    assert attributes.chosen(rows) == []


def test_of_many_values_the_most_common_are_features():
    values = [f"v{i:02d}" for i in range(attributes.MAX_VALUES + 1)]
    rows = frame(
        *(({"attr_city": value}, ENOUGH + (i != 3)) for i, value in enumerate(values)),
    )
    assert attributes.chosen(rows) == [f"attr_city={v}" for v in values if v != "v03"]


def test_a_row_has_the_features_that_a_model_asks_for_and_no_text():
    rows = frame(
        ({"attr_tier": "gold", "attr_age": "30"}, 1),
        ({"attr_tier": " silver ", "attr_age": "old"}, 1),
        ({"ATTR_TIER": "gold", "attr_age": "1e300"}, 1),
        ({"attr_age": "nan"}, 1),
        (None, 1),
    )
    asked = ["attr_age", "session_minutes", "attr_tier=gold", "attr_tier=silver", "attr_tier=gold"]
    made = attributes.with_features(rows, asked)
    assert made.columns == ["visitor_id", "attr_age", "attr_tier=gold", "attr_tier=silver"]
    assert feature_columns(made) == ["attr_age", "attr_tier=gold", "attr_tier=silver"]
    assert made.drop("visitor_id").rows() == [
        (30.0, 1.0, 0.0),
        (None, 0.0, 1.0),
        (None, 1.0, 0.0),
        (None, 0.0, 0.0),
        (None, None, None),
    ]


def test_where_nobody_is_known_the_features_are_there_and_null():
    rows = pl.DataFrame({"visitor_id": ["v"]})
    assert attributes.chosen(rows) == []
    made = attributes.with_features(rows, ["attr_tier=gold", "cart_total"])
    assert made.to_dicts() == [{"visitor_id": "v", "attr_tier=gold": None}]
    assert made.schema["attr_tier=gold"] == pl.Float64
