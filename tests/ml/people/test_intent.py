import json

import numpy as np
import polars as pl
import pytest

from ml.people import IntentModel, Shares, intent
from ml.people.windows import windows

from .shops import AS_OF, WEEK, nobody, people

SHARES = Shares(0.1, 0.3)


@pytest.fixture(scope="module")
def shop() -> pl.DataFrame:
    return people()


@pytest.fixture(scope="module")
def model(shop: pl.DataFrame) -> IntentModel:
    return intent.train(shop, as_of=AS_OF, shares=SHARES)


def test_what_is_learned_beats_recency_and_frequency_where_they_say_nothing(model):
    metrics = model.card.metrics
    assert model.card.kind == "logistic"
    assert metrics["auc"] > 0.7 > 0.6 > metrics["auc_recency_frequency"]
    assert metrics["log_loss"] < metrics["log_loss_recency_frequency"]
    assert 0.8 < metrics["predicted_over_observed"] < 1.25
    assert metrics["coefficient_engagement_points"] > 0.5
    assert metrics["observed_high"] > metrics["observed_medium"] > metrics["observed_low"]


def test_the_test_window_is_later_than_all_that_was_learned_from(shop):
    cut = windows(shop, 7)
    # the newest week is not known whole
    assert cut.known["as_of"].max() == AS_OF - 2 * WEEK
    assert cut.test["as_of"].unique().len() == 4
    assert cut.train["as_of"].max() == cut.test["as_of"].min() - 2 * WEEK
    assert cut.train["as_of"].min() == shop["as_of"].min()


def test_where_nothing_is_to_be_learned_the_plain_answer_is_served():
    shop = people(pull=0.0)
    model = intent.train(shop, as_of=AS_OF, shares=SHARES)
    assert model.card.is_fallback
    assert "no better on the newest instants" in model.card.note
    assert model.card.metrics["log_loss"] >= model.card.metrics["log_loss_recency_frequency"]


def test_rates_are_those_of_people_alike_drawn_to_all():
    rows = pl.DataFrame(
        {"days_since_seen": [0.5, 1.0, 1.1, 100.0], "order_count": [0, 0, 1, 2]},
    )
    outcomes = np.array([1.0, 0.0, 1.0, 0.0])
    rates = intent.Rates.fit(rows, outcomes)
    # at most a day ago and never ordered: one of two bought; half of all did
    assert rates(rows).tolist() == [
        (1 + 50 * 0.5) / 52,
        (1 + 50 * 0.5) / 52,
        (1 + 50 * 0.5) / 51,
        (0 + 50 * 0.5) / 51,
    ]
    unseen = pl.DataFrame({"days_since_seen": [8.0], "order_count": [1]})
    assert rates(unseen).tolist() == [0.5]


@pytest.mark.parametrize(("frame", "rows"), [(nobody(), 0), (people(100, 4), 300)])
def test_too_few_people_have_the_plain_answer_and_a_note(frame, rows):
    model = intent.train(frame, as_of=AS_OF, shares=SHARES)
    assert (model.card.is_fallback, model.card.row_count) == (True, rows)
    assert model.card.note.startswith("Rates by recency and frequency instead of a learned model:")
    p = model.predict(people(5, 1))
    assert np.isnan(p).all() if rows == 0 else ((p > 0) & (p < 1)).all()


@pytest.mark.parametrize("frame", [nobody(), people(300, 12)], ids=["plain", "learned"])
def test_files_give_back_a_model_that_predicts_the_same_bits(frame):
    model = intent.train(frame, as_of=AS_OF, shares=SHARES)
    again = intent.train(frame.sample(fraction=1, shuffle=True, seed=1), as_of=AS_OF, shares=SHARES)
    assert again.to_files() == model.to_files()
    read = IntentModel.from_files(model.to_files())
    scored = people(50, 1, seed=9)
    assert read.predict(scored).tobytes() == model.predict(scored).tobytes()
    assert read.card == model.card


def test_a_model_of_an_older_version_predicts_what_it_did(shop, model):
    files = model.to_files()
    fields = json.loads(files["intent.json"])
    del fields["bend"]
    older = IntentModel.from_files(files | {"intent.json": json.dumps(fields).encode()})
    straight = older.scorer.platt(older.scorer.linear(shop))
    assert older.predict(shop).tobytes() == straight.tobytes()
    assert model.predict(shop).tobytes() != straight.tobytes()
