import json
from datetime import timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from ml.people import NextPurchaseModel, next_purchase
from ml.people.next_purchase import EDGES, SHRINKAGE_ORDERS, Pace

from .shops import AS_OF, WEEK, nobody, people


def buyers(**columns: list) -> pl.DataFrame:
    count = len(next(iter(columns.values())))
    plain = {
        "person_id": [f"p{i}" for i in range(count)],
        "as_of": [AS_OF - WEEK] * count,
        "days_since_first_seen": [100.0] * count,
        "days_since_order": [10.0] * count,
        "days_from_first_to_last_order": [0.0] * count,
        "order_count": [1] * count,
        "days_observed": [7.0] * count,
        "days_to_order": [None] * count,
    }
    return pl.DataFrame(plain | columns, schema_overrides={"days_to_order": pl.Float64})


def test_rates_are_orders_by_time_and_what_is_unseen_goes_on_and_falls_beyond_a_span():
    rows = buyers(days_since_order=[0.0, 0.0, 0.0, 0.0], days_to_order=[3.0, 7.0, 7.5, None])
    pace = Pace.fit(rows, is_own=False)
    assert (pace.span_days, pace.frequency_edges) == (30.0, (1,))
    # two orders in 3 + 7 + 7 + 7 days, in spans of 30; an order at the week's end counts, later not
    overall, bound = 2 / (24 / 30), [3 / 30, 7 / 30, 7 / 30, 7 / 30]
    within = [sum(max(min(each, high) - low, 0) for each in bound) for low, high in pairwise(EDGES)]
    expected, rate = [], overall
    orders = [1, 0, 1, *[0] * (len(EDGES) - 3)]
    middles = [*(max((low + high) / 2, 1) for low, high in pairwise(EDGES)), 1.25 * EDGES[-1]]
    for place, count in enumerate(orders):
        time = within[place] if place < len(within) else 0.0
        rate *= middles[place - 1] / middles[place] if place else 1
        rate = (count + SHRINKAGE_ORDERS) / (time + SHRINKAGE_ORDERS / rate)
        expected.append(rate)
    assert pace.rates[0] == (0.0,) * len(EDGES)  # nobody without an order
    assert pace.rates[1] == pytest.approx(expected)


def test_the_long_absent_are_not_taken_for_those_who_were_here_recently():
    here, gone = 400, 5000
    rows = buyers(
        days_since_order=[5.0] * here + [200.0] * gone,
        days_to_order=[3.0] * (here // 2) + [None] * (here // 2 + gone - 1) + [3.0],
    )
    expected = Pace.fit(rows, is_own=False).within(rows, 7.0)
    assert expected[:here].sum() > 100
    # one of them came; three orders more for each interval between would make it four
    assert 0.9 < expected[here:].sum() < 1.6


def test_chances_and_the_median_are_read_off_the_same_curve():
    rates = tuple(0.2 + 0.1 * place for place in range(len(EDGES)))
    pace = Pace(20.0, False, (1,), ((0.0,) * len(EDGES), rates))
    rows = buyers(days_since_order=[0.0, 33.0, 5000.0])
    median = pace.median_days(rows)
    for place in range(3):
        assert pace.within(rows, float(median[place]))[place] == pytest.approx(0.5)
    # beyond the last edge the rate stays: ln 2 / rate spans
    assert median[2] == pytest.approx(np.log(2) / rates[-1] * 20)
    never = rows.with_columns(order_count=pl.lit(0))
    assert pace.within(never, 30).tolist() == [0, 0, 0]
    assert np.isinf(pace.median_days(never)).all()


def test_a_span_is_the_persons_own_by_as_many_as_there_are():
    pace = Pace(30.0, True, (1, 2, 3), ())
    rows = buyers(
        order_count=[0, 1, 2, 5, 3], days_from_first_to_last_order=[None, 0.0, 90.0, 40.0, 0.0]
    )
    own = np.array([30.0, 30.0, 90.0, 10.0, 1.0])
    weight = np.array([0, 0, 1 / 3, 4 / 6, 2 / 4])
    assert pace._span(rows) == pytest.approx(own**weight * 30.0 ** (1 - weight))


def paced(count: int = 400, weeks: int = 26) -> pl.DataFrame:
    """Half of the people order every 10 days, half every 40, each a little early or late."""
    rng = np.random.default_rng(4)
    rows = []
    for person in range(count):
        span = 10.0 if person % 2 else 40.0
        times = np.cumsum(span * rng.uniform(0.8, 1.2, 60)) - rng.uniform(0, span)
        for week in range(weeks, 0, -1):
            at = 200.0 + 7 * (weeks - week)
            end = 200.0 + 7 * weeks - 0.01
            before = times[times <= at]
            after = times[(times > at) & (times <= end)]
            rows.append(
                {
                    "person_id": f"p{person:03}",
                    "as_of": AS_OF - week * WEEK,
                    "days_since_first_seen": at,
                    "days_since_order": at - before[-1],
                    "days_from_first_to_last_order": before[-1] - before[0],
                    "order_count": len(before),
                    "days_observed": end - at,
                    "days_to_order": after[0] - at if len(after) else None,
                }
            )
    return pl.DataFrame(rows, infer_schema_length=None)


def test_people_of_another_pace_are_expected_at_their_own():
    shop = paced()
    model = next_purchase.train(shop, as_of=AS_OF)
    metrics = model.card.metrics
    assert model.card.kind == "own_pace"
    assert metrics["log_loss"] < metrics["log_loss_shop"]
    assert metrics["auc"] > 0.8
    now = shop.filter(pl.col("as_of") == AS_OF - WEEK)
    # counted from the last order to the next
    span = pl.Series(model.median_days(now)) + now["days_since_order"]
    is_fast = now["order_count"] > 12
    assert span.filter(is_fast).median() == pytest.approx(10, rel=0.3)
    assert span.filter(~is_fast).median() == pytest.approx(40, rel=0.3)


def test_too_few_have_the_shops_curve_and_a_shop_that_begins_none():
    few = next_purchase.train(people(50, 6), as_of=AS_OF)
    assert few.card.is_fallback
    assert few.card.note.startswith("The shop's curve for all instead of one at a person's own")
    assert ((few.within(people(5, 1)) > 0) & (few.within(people(5, 1)) < 1)).all()
    none = next_purchase.train(nobody(), as_of=AS_OF)
    assert np.isnan(none.within(people(2, 1))).all()
    assert np.isinf(none.median_days(people(2, 1))).all()


@pytest.mark.parametrize("frame", [nobody(), paced(60, 8)], ids=["plain", "paced"])
def test_files_give_back_a_model_that_predicts_the_same_bits(frame):
    model = next_purchase.train(frame, as_of=AS_OF)
    read = NextPurchaseModel.from_files(model.to_files())
    scored = people(50, 1, seed=9)
    assert read.within(scored).tobytes() == model.within(scored).tobytes()
    assert (read.card, read.pace) == (model.card, model.pace)
    assert AS_OF + timedelta(0) == read.card.trained_as_of


def test_a_model_of_an_older_version_goes_on_at_its_last_rate():
    model = next_purchase.train(paced(60, 8), as_of=AS_OF)
    files = model.to_files()
    fields = json.loads(files["next_purchase.json"])
    fields["rates"] = [row[:16] for row in fields["rates"]]
    older = NextPurchaseModel.from_files(
        files | {"next_purchase.json": json.dumps(fields).encode()}
    )
    assert [row[:16] for row in older.pace.rates] == [row[:16] for row in model.pace.rates]
    assert {row[15:] for row in older.pace.rates} == {
        (row[15],) * (len(EDGES) - 15) for row in model.pace.rates
    }
