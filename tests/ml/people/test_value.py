import numpy as np
import polars as pl
import pytest

from ml.people import ValueModel, value
from ml.people.value import LastYear, rank_correlation

from .shops import AS_OF, nobody, people


def test_it_learns_over_as_many_days_as_the_history_allows():
    model = value.train(people(weeks=20), as_of=AS_OF)
    assert (model.card.kind, model.card.params) == ("poisson", {"horizon_days": 30})
    assert model.card.note.startswith("Expected revenue of the next 30 days: the history allows no")
    metrics = model.card.metrics
    assert metrics["rank_correlation"] > metrics["rank_correlation_last_year"] == 0
    assert metrics["top_fifth"] > metrics["top_fifth_last_year"]
    assert 0.75 < metrics["predicted_over_observed"] < 1.3


def test_last_years_revenue_is_served_where_it_orders_people_as_well():
    shop = people(weeks=20)
    # as if the year before said exactly who spends
    known = shop.with_columns(
        order_value_365d=pl.col("value_next_14d").fill_null(0),
        engagement_points=pl.lit(1.0),
    )
    model = value.train(known.drop("value_next_30d", "value_next_90d"), as_of=AS_OF)
    assert model.card.metrics["rank_correlation_last_year"] == 1
    assert model.card.is_fallback
    assert "no better" in model.card.note
    predicted = model.predict(known.filter(pl.col("days_observed") > 14))
    assert predicted.sum() == pytest.approx(known["value_next_14d"].sum())


def test_a_shop_that_begins_has_what_was_ordered():
    model = value.train(nobody(), as_of=AS_OF)
    assert (model.card.is_fallback, model.card.params) == (True, {"horizon_days": 365})
    assert model.card.note.startswith("What was ordered in the last 365 days: no outcome is known")
    scored = people(3, 1).with_columns(order_value_365d=pl.Series([1.5, 0.0, 7.0]))
    assert model.predict(scored).tolist() == [1.5, 0.0, 7.0]


def test_the_plain_answer_has_the_sum_of_what_came():
    rows = pl.DataFrame({"order_value_365d": [10.0, 30.0, 0.0]})
    assert LastYear.fit(rows, np.array([5.0, 10.0, 5.0])).factor == 0.5
    assert LastYear.fit(rows[2:], np.array([5.0])).factor == 1.0


def test_rank_correlation_is_spearmans():
    assert rank_correlation(np.array([1, 2, 3.0]), np.array([5, 7, 100.0])) == pytest.approx(1)
    assert rank_correlation(np.array([1, 2, 3.0]), np.array([3, 2, 1.0])) == pytest.approx(-1)
    # ranks 1.5, 1.5, 3 and 1, 2, 3
    assert rank_correlation(np.array([1, 1, 3.0]), np.array([1, 2, 3.0])) == pytest.approx(
        0.75**0.5
    )
    assert rank_correlation(np.ones(3), np.arange(3.0)) == 0


@pytest.mark.parametrize("frame", [nobody(), people(300, 12)], ids=["plain", "learned"])
def test_files_give_back_a_model_that_predicts_the_same_bits(frame):
    model = value.train(frame, as_of=AS_OF)
    read = ValueModel.from_files(model.to_files())
    scored = people(50, 1, seed=9)
    assert read.predict(scored).tobytes() == model.predict(scored).tobytes()
    assert read.card == model.card
