"""Scores of people on a simulated shop, judged by what came later: eight months, then twelve weeks.

Belongs here: whether the scores hold, with the figures (`pytest -m heavy -s`). Not here: what each
model does of made-up people (tests/ml/people). No constant of a model was chosen on this seed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import sqrt

import numpy as np
import polars as pl
import pytest

from data.simulated_shop import write_shop
from ml import evaluation
from ml.people import Shares, clusters, intent, next_purchase, send_time, value
from ml.people.windows import bought_within, windows
from orchestration.modelling.person_activity import activity_at

from .warehouse import Warehouse

pytestmark = [
    pytest.mark.slow,
    pytest.mark.heavy,
    pytest.mark.timeout(3600),
    # the shop takes minutes to make
    pytest.mark.xdist_group("people judged later"),
]

SEED = 505
VISITORS = 40_000
START = datetime.fromisoformat("2025-11-01T00:00:00+00:00")
DAYS, LATER_WEEKS = 240, 12
WEEK = timedelta(days=7)
LEVELS = Shares(0.1, 0.3)
ORDERS = """
    select coalesce('user:' || owner_id, visitor_id) as person_id, ordered_at,
        cast(coalesce(order_value_base, 0) as double) as amount
    from orders"""


@dataclass(frozen=True)
class Shop:
    """What is learned from at an hour, the people of that hour and of ten weeks after it, all
    orders, and when people were there: as known at the hour, and at the end."""

    training: pl.DataFrame
    people: list[pl.DataFrame]
    orders: pl.DataFrame
    activity: tuple[pl.DataFrame, pl.DataFrame]

    @property
    def hour(self) -> datetime:
        """The hour that is learned at."""
        return self.people[0]["as_of"][0]

    def followed(self, days: int) -> list[tuple[pl.DataFrame, np.ndarray, np.ndarray]]:
        """Of each week whose next days the log has: its people, what they spent then, and whether
        they ordered."""
        end = self.orders["ordered_at"].max()
        found = []
        for people in self.people:
            at = people["as_of"][0]
            if at + timedelta(days=days) > end:
                continue
            within = pl.col("ordered_at").is_between(at, at + timedelta(days=days), closed="right")
            spent = self.orders.filter(within).group_by("person_id").agg(pl.col("amount").sum())
            own = people.join(spent, on="person_id", how="left", maintain_order="left")["amount"]
            found.append(
                (people, own.fill_null(0.0).to_numpy(), own.is_not_null().to_numpy() * 1.0)
            )
        return found


@pytest.fixture(scope="module")
def shop(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("shop")
    write_shop(
        folder / "dumps",
        folder / "truth",
        visitors=VISITORS,
        days=DAYS,
        seed=SEED,
        start=START,
        file_format="parquet",
        slice_name="day",
    )
    end = START + timedelta(days=DAYS)
    hour = end - LATER_WEEKS * WEEK
    tables = (
        *("training_people", "scoring_people", "orders"),
        *("person_sessions", "person_totals", "ordered_events"),
    )
    warehouse.build_files(folder / "dumps", hour, tables=tables, landed_at=end)
    connection = warehouse.connection
    people = []
    for week in range(11):
        if week:
            warehouse.move(hour + week * WEEK, ("scoring_people",))
        people.append(connection.sql("from scoring_people order by person_id").pl())
    training = connection.sql("from training_people").pl()
    activity = [activity_at(connection, at, "UTC") for at in (hour, end)]
    return Shop(training, people, connection.sql(ORDERS).pl(), tuple(activity))


def mean(judged: Callable[[np.ndarray, np.ndarray, np.ndarray], float], pairs: list) -> float:
    """Of several hours, each with outcomes and what was said of them."""
    return float(np.mean([judged(came, said, np.ones(len(came))) for came, said in pairs]))


def test_intent_ranks_better_than_recency_and_frequency_and_each_level_buys_as_it_says(shop):
    model = intent.train(shop.training, as_of=shop.hour, shares=LEVELS)
    known = windows(shop.training, 7).known
    plain = intent.Rates.fit(known, bought_within(known, 7))
    weeks = shop.followed(7)
    auc = mean(evaluation.auc, [(bought, model.predict(people)) for people, _, bought in weeks])
    beside = mean(evaluation.auc, [(bought, plain(people)) for people, _, bought in weeks])
    print(f"intent: AUC {auc:.4f} beside {beside:.4f}")
    assert model.card.kind == "logistic"
    assert auc > beside
    rates = []
    for level in ("high", "medium", "low"):
        expected = observed = count = 0.0
        for people, _, bought in weeks:
            p = pl.Series(model.predict(people))
            own = (LEVELS.levels(p) == level).to_numpy()
            expected += p.filter(pl.Series(own)).sum()
            observed += bought[own].sum()
            count += own.sum()
        print(f"  {level}: {expected:.1f} buyers expected, {observed:.0f} of {count:.0f} people")
        assert abs(expected - observed) < 0.15 * observed + 3 * sqrt(observed + 1)
        rates.append(observed / count)
    assert all(more > less for more, less in pairwise(rates))


def rank_of(spent: np.ndarray, said: np.ndarray, _: np.ndarray) -> float:
    return value.rank_correlation(said, spent)


def of_top_fifth(spent: np.ndarray, said: np.ndarray, ones: np.ndarray) -> float:
    return evaluation.lift_table(spent, said, ones, [0.2])["captured"][0]


def test_expected_value_comes_within_a_tenth_and_its_top_fifth_spends_more_than_last_years(shop):
    model = value.train(shop.training, as_of=shop.hour)
    days = model.card.params["horizon_days"]
    plain = value.LastYear.fit(windows(shop.training, days).known, days)
    weeks = shop.followed(days)
    came = sum(spent.sum() for _, spent, _ in weeks)
    total, total_plain = (
        sum(scorer(people).sum() for people, *_ in weeks) / came
        for scorer in (model.predict, plain)
    )
    found = {}
    for name, scorer in (("learned", model.predict), ("last year", plain)):
        pairs = [(spent, scorer(people)) for people, spent, _ in weeks]
        found[name] = mean(rank_of, pairs), mean(of_top_fifth, pairs)
    for (name, (rank, fifth)), part in zip(found.items(), (total, total_plain), strict=True):
        print(f"value of {days} days, {name}: total {part:.3f}, rank {rank:.3f}, fifth {fifth:.3f}")
    assert model.card.kind == "poisson"
    assert 0.9 < total < 1.1
    assert found["learned"][1] > found["last year"][1]
    # nearly all spend nothing: ties of last year's revenue are worth as much to it as an order
    assert found["learned"][0] > 0.9 * found["last year"][0]


def test_the_next_purchase_is_expected_as_often_as_it_comes(shop):
    model = next_purchase.train(shop.training, as_of=shop.hour)
    weeks = shop.followed(30)
    bought = np.concatenate([came for *_, came in weeks])
    p = np.concatenate([model.within(people) for people, *_ in weeks])
    ratio = p.sum() / bought.sum()
    brier = evaluation.brier(bought, p, np.ones(len(p)))
    average = evaluation.brier(bought, np.full(len(p), bought.mean()), np.ones(len(p)))
    print(
        f"next purchase ({model.card.kind}): {ratio:.3f} expected for each of {bought.sum():.0f},"
        f" Brier {brier:.5f} beside {average:.5f} of the shop's average"
    )
    assert 0.85 < ratio < 1.15
    assert brier < average


def test_who_is_written_to_at_a_best_time_is_there_no_less_often_than_at_the_shops(shop):
    known, at_end = shop.activity
    model = send_time.train(known, as_of=shop.hour)
    later = at_end.filter(pl.col("period") == send_time.NEW).join(known, "person_id", "semi")
    people = later["person_id"].unique().sort()
    for clock, habits, name, reach in (
        (send_time.HOUR, model.hours, "best_send_hour", 1),
        (send_time.WEEKDAY, model.weekdays, "best_send_weekday", 0),
    ):
        size = send_time.SIZES[clock]
        own = pl.DataFrame({"person_id": people, "best": model.best(people, known)[name]})
        of_shop = send_time.Habits.fit(known, clock, 0.0).best(people, None)[0]
        visits = later.join(own, "person_id")
        away = (pl.col(clock) - pl.col("best")).mod(size)
        if clock == send_time.WEEKDAY:
            of_shop += 1
        far = (pl.col(clock) - int(of_shop)).mod(size)
        met, met_by_shop = (
            visits.select(
                (pl.col("count") * (apart.le(reach) | apart.ge(size - reach))).sum()
            ).item()
            / visits["count"].sum()
            for apart in (away, far)
        )
        print(
            f"{name} (own counts against {habits.strength:g}): {met:.4f} of {visits['count'].sum()}"
            f" visits beside {met_by_shop:.4f} of the shop's"
        )
        assert met > met_by_shop - 0.005


def test_groups_and_their_ids_stay_over_ten_weekly_refits(shop):
    model, ids, found = None, None, []
    for people in shop.people:
        before, model = model, clusters.train(people, as_of=people["as_of"][0], before=model)
        if before is None:
            ids = model.groups.ids
            continue
        assert model.groups.ids == ids
        found.append((model.card.metrics["stability"], model.card.metrics["stability_refitted"]))
    print(
        "clusters: adjusted Rand kept, refitted:",
        *(f"{kept:.3f} {refitted:.3f}" for kept, refitted in found),
    )
    assert len(found) == 10
    assert min(kept for kept, _ in found) >= 0.8
    # had the centres followed the people as well
    assert min(refitted for _, refitted in found) >= 0.8
