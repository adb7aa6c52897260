from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from ml.people import ClusterModel, clusters
from ml.people.clusters import bic

from .shops import AS_OF, WEEK


def kinds(*sizes: int, seed: int = 2) -> pl.DataFrame:
    """People of kinds that lie far apart: each buys, views and comes more than the one before."""
    rng = np.random.default_rng(seed)
    frames = [
        pl.DataFrame(
            {
                "kind": [kind] * size,
                "days_since_seen": 25.0 / 4**kind * rng.uniform(0.95, 1.05, size),
                "session_count_30d": 4.0**kind * rng.uniform(0.95, 1.05, size),
                "view_count_30d": 6.0**kind * rng.uniform(0.95, 1.05, size),
                "add_count_7d": 2.0**kind * rng.uniform(0.95, 1.05, size),
                "order_count": 3.0**kind * rng.uniform(0.95, 1.05, size),
                "order_value": 9.0**kind * rng.uniform(0.95, 1.05, size),
            }
        )
        for kind, size in enumerate(sizes)
        if size
    ]
    people = pl.concat(frames)
    return people.with_columns(person_id=pl.format("p{}", pl.int_range(people.height) + 10_000))


def test_people_who_are_alike_are_in_one_group_which_says_what_sets_it_apart():
    people = kinds(100, 100, 100, 100)
    model = clusters.train(people, as_of=AS_OF)
    assert model.card.metrics["bic_4"] < model.card.metrics["bic_3"]
    found = people.with_columns(model.groups_of(people))
    # nobody is with people of another kind
    assert found.group_by("cluster_id").agg(pl.col("kind").n_unique())["kind"].max() == 1
    names = dict(found.select("kind", "cluster_name").unique().iter_rows())
    assert len({*names.values()}) == 4
    assert set(names[3].split(", ")) & {"many orders", "high order value", "many adds in 7 days"}
    assert "low order value" in names[0] or "few orders" in names[0] or "not seen" in names[0]


def test_groups_keep_their_ids_and_people_over_ten_weekly_refits():
    model = None
    for week in range(10):
        # one kind grows, another shrinks, everybody moves a little
        people = kinds(120 + 8 * week, 100, 100, 120 - 5 * week, seed=week)
        before, model = model, clusters.train(people, as_of=AS_OF + week * WEEK, before=model)
        if before is None:
            ids = model.groups.ids
            continue
        assert model.groups.ids == ids
        assert model.card.metrics["stability"] >= 0.8
        one, other = (each.groups_of(people)["cluster_id"] for each in (before, model))
        assert adjusted_rand_score(one, other) == pytest.approx(model.card.metrics["stability"])
        assert model.card.model_id != before.card.model_id


def test_another_group_of_people_has_an_id_that_nobody_had():
    first = clusters.train(kinds(150, 150, 150), as_of=AS_OF)
    later = kinds(150, 0, 0, 150, 150)
    second = clusters.train(later, as_of=AS_OF + WEEK, before=first)
    kept = {*first.groups.ids} & {*second.groups.ids}
    new = {*second.groups.ids} - kept
    assert min(new) >= first.groups.next_id
    assert second.groups.next_id == max(*second.groups.ids, *first.groups.ids) + 1
    # those who stayed as they were stayed in their group
    people = kinds(150)
    assert first.groups_of(people)["cluster_id"].mode().item() in kept


def test_too_few_people_are_in_no_group():
    people = kinds(100, 99)
    model = clusters.train(people, as_of=AS_OF)
    assert model.card.is_fallback
    assert model.card.note.startswith("No groups: there are 199 people")
    assert model.groups_of(people).unique().rows() == [(None, None)]
    alike = pl.concat([kinds(1)] * 300).with_columns(person_id=pl.format("p{}", pl.int_range(300)))
    assert clusters.train(alike, as_of=AS_OF).card.is_fallback
    # ids are not used again afterwards
    after = clusters.train(kinds(100, 100, 100), as_of=AS_OF)
    none = clusters.train(people, as_of=AS_OF, before=after)
    again = clusters.train(kinds(100, 100, 100), as_of=AS_OF, before=none)
    assert min(again.groups.ids) == after.groups.next_id


def test_whoever_is_gone_is_gone_however_long_ago():
    people = kinds(100, 100, 100)
    model = clusters.train(people, as_of=AS_OF)
    gone = people.with_columns(days_since_seen=pl.lit(30.0))
    longer = people.with_columns(days_since_seen=pl.lit(300.0))
    assert model.groups_of(gone).equals(model.groups_of(longer))


def test_the_criterion_is_that_of_round_groups():
    values = np.array([[0.0], [2.0], [10.0], [12.0]])
    variance = 1.0
    likelihood = 4 * np.log(0.5) - 2 * (np.log(2 * np.pi * variance) + 1)
    expected = -2 * likelihood + 4 * np.log(4)
    assert bic(values, np.array([[1.0], [11.0]])) == pytest.approx(expected)


def test_files_give_back_a_model_that_says_the_same_of_rows_in_any_order():
    people = kinds(100, 100, 100)
    model = clusters.train(people, as_of=AS_OF)
    shuffled = people.sample(fraction=1, shuffle=True, seed=1)
    assert clusters.train(shuffled, as_of=AS_OF).to_files() == model.to_files()
    assert ClusterModel.from_files(model.to_files()) == model
    assert replace(model.card, trained_as_of=AS_OF + timedelta(0)) == model.card
