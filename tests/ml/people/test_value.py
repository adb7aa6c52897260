import numpy as np
import polars as pl
import pytest

from ml.people import ValueModel, value
from ml.people.value import LEVEL_BUYERS, LastYear, Spending, rank_correlation

from .shops import AS_OF, WEEK, nobody, people


def test_it_learns_over_as_many_days_as_the_history_allows():
    model = value.train(people(weeks=20), as_of=AS_OF)
    assert (model.card.kind, model.card.params) == ("poisson", {"horizon_days": 30})
    assert model.card.note.startswith("Expected revenue of the next 30 days: the history allows no")
    metrics = model.card.metrics
    assert metrics["gain_area"] > metrics["gain_area_last_year"]
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
    # at the level of the newest weeks, who spend all but the same
    assert predicted.sum() == pytest.approx(known["value_next_14d"].sum(), rel=0.1)


def test_a_shop_that_begins_has_what_was_ordered():
    model = value.train(nobody(), as_of=AS_OF)
    assert (model.card.is_fallback, model.card.params) == (True, {"horizon_days": 365})
    assert model.card.note.startswith("What was ordered in the last 365 days: no outcome is known")
    scored = people(3, 1).with_columns(order_value_365d=pl.Series([1.5, 0.0, 7.0]))
    assert model.predict(scored).tolist() == [1.5, 0.0, 7.0]


def test_the_plain_answer_is_what_came_for_each_unit_drawn_to_the_newest_weeks():
    rows = pl.DataFrame(
        {
            "person_id": ["a", "b", "a", "b"],
            "as_of": [AS_OF - 5 * WEEK, AS_OF - 3 * WEEK, AS_OF, AS_OF],
            "order_value_365d": [10.0, 10.0, 30.0, 0.0],
            "value_next_14d": [70.0, 5.0, 10.0, 5.0],
        }
    )
    # 90 of 50 in all; of the last four weeks 20 of 40, by two people
    expected = (2 * 0.5 + LEVEL_BUYERS * 1.8) / (2 + LEVEL_BUYERS)
    assert LastYear.fit(rows, 14).factor == pytest.approx(expected)
    assert LastYear.fit(rows[3:], 14).factor == 1.0
    # nothing came in the newest weeks, of nobody
    none = rows.with_columns(value_next_14d=pl.Series([70.0, 0.0, 0.0, 0.0]))
    assert LastYear.fit(none, 14).factor == 70 / 50


def test_what_is_learned_is_drawn_to_what_came_of_the_newest_weeks():
    shop = people(weeks=20)
    is_new = pl.col("as_of") > AS_OF - 7 * WEEK
    # everybody spends three times as much in the newest weeks
    grown = shop.with_columns(
        value_next_14d=pl.col("value_next_14d") * pl.when(is_new).then(3.0).otherwise(1.0)
    ).filter(pl.col("value_next_14d").is_not_null())
    learned = Spending.fit(grown, 14)
    last = grown.filter(pl.col("as_of") > AS_OF - 7 * WEEK)
    came = last["value_next_14d"].sum()
    buyers = last.filter(pl.col("value_next_14d") > 0)["person_id"].n_unique()
    before = learned(last).sum() / learned.level
    assert before < 0.6 * came
    share = buyers / (buyers + LEVEL_BUYERS)
    assert learned.level == pytest.approx(1 + share * (came / before - 1), rel=0.02)


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
