from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest

from ml.people import (
    PersonModels,
    Shares,
    clusters,
    intent,
    next_purchase,
    score,
    send_time,
    value,
)
from ml.people.next_purchase import EDGES, Pace

from .shops import AS_OF, nobody, people
from .test_channels import messages
from .test_send_time import activity


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        # a tenth and three tenths of ten
        ([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], ["high"] + 3 * ["medium"] + 6 * ["low"]),
        # of equals all or none
        ([10, 10, 8, 7, 6, 5, 4, 3, 2, 1], 4 * ["medium"] + 6 * ["low"]),
        ([10, 9, 8, 7, 7, 5, 4, 3, 2, 1], ["high"] + 2 * ["medium"] + 7 * ["low"]),
        ([1, 1], ["low", "low"]),
        # who has none does not count
        ([None, *range(10, 0, -1)], [None, "high", *3 * ["medium"], *6 * ["low"]]),
        ([], []),
    ],
)
def test_levels_are_shares_of_the_people(values, levels):
    assert Shares(0.1, 0.3).levels(pl.Series(values, dtype=pl.Float64)).to_list() == levels


def test_nobody_is_high_where_the_share_is_nothing():
    assert Shares(0, 0.5).levels(pl.Series([2.0, 1.0])).to_list() == ["medium", "low"]


def scored(frame: pl.DataFrame, models: PersonModels) -> pl.DataFrame:
    return score(
        frame,
        activity(("p0001", "mobile", 9, 2, 0, 5)),
        messages(("p0001", "sms", "a", "clicked", 1)),
        models,
        as_of=AS_OF,
        intent_shares=Shares(0.1, 0.3),
        value_shares=Shares(0.2, 0.3),
    )


def learned(frame: pl.DataFrame) -> PersonModels:
    return PersonModels(
        intent.train(frame, as_of=AS_OF, shares=Shares(0.1, 0.3)),
        value.train(frame, as_of=AS_OF),
        next_purchase.train(frame, as_of=AS_OF),
        send_time.train(activity(("p0001", "mobile", 9, 2, 0, 5)), as_of=AS_OF),
        clusters.train(frame.unique("person_id"), as_of=AS_OF),
    )


@cache
def of_a_shop() -> PersonModels:
    return learned(people(300, 12))


def test_an_hour_scored_again_gives_the_same_bytes_whoever_comes_first():
    frame, models = people(200, 1), of_a_shop()
    once = scored(frame, models)
    again = scored(frame.sample(fraction=1, shuffle=True, seed=2), of_a_shop())
    assert once.equals(again)
    assert once["person_id"].is_sorted()
    assert once["scored_at"].unique().to_list() == [AS_OF]
    assert (once["p_purchase_30d"] >= once["p_purchase_7d"]).all()
    assert once["intent_level"].value_counts().sort("intent_level").rows() == [
        ("high", 20),
        ("low", 120),
        ("medium", 60),
    ]
    assert once["best_send_hour"].unique().to_list() == [9]
    assert once["cluster_id"].null_count() == 0
    assert once["preferred_channel"].drop_nulls().to_list() == ["sms"]
    # as of the hour: a row is of its own features alone
    assert (
        scored(frame[:50], models)
        .select("p_purchase_7d", "expected_value_365d")
        .equals(once[:50].select("p_purchase_7d", "expected_value_365d"))
    )


def test_the_next_purchase_is_to_the_minute_and_null_beyond_a_year():
    models = of_a_shop()
    rate = np.log(2) / 2
    pace = Pace(30.0, False, (1,), ((rate,) * len(EDGES), (rate,) * len(EDGES)))
    slow = Pace(30.0 * 365 / 60 + 1e-3, False, (1,), pace.rates)
    card = models.next_purchase.card
    frame = people(1, 1)
    for curve, expected in (
        (pace, AS_OF + timedelta(days=60)),
        (replace(slow, span_days=30.0 * 365 / 60 - 1e-9), AS_OF + timedelta(days=365)),
        (slow, None),
    ):
        own = replace(models, next_purchase=next_purchase.NextPurchaseModel(card, curve))
        assert scored(frame, own)["next_purchase_at"].to_list() == [expected]


def test_a_shop_that_begins_has_scores_but_no_chances():
    frame = people(4, 1).with_columns(order_value_365d=pl.Series([0.0, 20.0, 5.0, 0.0]))
    scores = scored(frame, learned(nobody()))
    assert scores["expected_value_365d"].cast(pl.Float64).to_list() == [0, 20, 5, 0]
    assert scores["value_tier"].to_list() == ["low", "medium", "medium", "low"]
    for name in ("p_purchase_7d", "intent_level", "next_purchase_at", "p_purchase_30d"):
        assert scores[name].null_count() == 4
    assert scores["scored_at"].to_list() == [datetime(2026, 6, 1)] * 4
