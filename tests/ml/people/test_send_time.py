import numpy as np
import polars as pl
import pytest

from ml.people import SendTimeModel, send_time
from ml.people.send_time import HOUR, WEEKDAY, Habits

from .shops import AS_OF

SCHEMA = {
    "person_id": pl.String,
    "device_type": pl.String,
    "hour": pl.Int64,
    "weekday": pl.Int64,
    "period": pl.Int64,
    "count": pl.Int64,
}


def activity(*rows: tuple) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=SCHEMA, orient="row")


def people_of_habit(count: int = 300, *, keeps: float = 0.8, seed: int = 1) -> pl.DataFrame:
    """People with an hour and a weekday of their own, kept so often; else any."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(count):
        own_hour, own_day = rng.integers(24), rng.integers(1, 8)
        for period in (0, 1, 2):
            for _ in range(5):
                hour = own_hour if rng.uniform() < keeps else rng.integers(24)
                day = own_day if rng.uniform() < keeps else rng.integers(1, 8)
                rows.append((f"p{person:03}", "mobile", int(hour), int(day), period, 1))
    return activity(*rows)


def best(model: SendTimeModel, *people: str, known: pl.DataFrame) -> list[tuple]:
    return model.best(pl.Series(people, dtype=pl.String), known).rows()


def test_people_of_habit_are_met_at_their_own_time():
    known = people_of_habit()
    model = send_time.train(known, as_of=AS_OF)
    metrics = model.card.metrics
    assert model.card.kind == "habits"
    assert metrics["hits_hour"] > 0.7 > 0.3 > metrics["hits_hour_shop"]
    assert metrics["hits_weekday"] > 0.7 > 0.3 > metrics["hits_weekday_shop"]
    own = known.filter(person_id="p007").group_by("weekday").agg(pl.col("count").sum())
    ((_, weekday),) = best(model, "p007", known=known)
    assert own.filter(weekday=weekday)["count"].item() == own["count"].max()


def test_where_nobody_has_a_habit_the_shop_is_served():
    known = people_of_habit(keeps=0.0).with_columns(
        # what everybody does most
        hour=pl.when(pl.int_range(pl.len()) % 3 == 0).then(20).otherwise(pl.col("hour")),
    )
    model = send_time.train(known, as_of=AS_OF)
    assert model.card.metrics["hits_hour"] <= model.card.metrics["hits_hour_shop"]
    assert model.hours.strength == 0
    times = best(model, "p001", "p002", "nobody", known=known)
    assert {hour for hour, _ in times} == {20}


def test_what_is_better_by_chance_alone_is_not_served():
    models = [
        send_time.train(people_of_habit(keeps=0.0, seed=seed), as_of=AS_OF) for seed in range(10)
    ]
    strengths = [
        each for model in models for each in (model.hours.strength, model.weekdays.strength)
    ]
    better = [
        model.card.metrics[f"hits_{clock}"] > model.card.metrics[f"hits_{clock}_shop"]
        for model in models
        for clock in (HOUR, WEEKDAY)
    ]
    # one of fifty is by chance that much better
    assert sum(map(bool, strengths)) <= 1 < sum(better)


def test_a_few_visits_are_drawn_to_people_alike_and_many_are_not():
    flat = tuple(1 / 7 for _ in range(7))
    tuesdays = (0.1, 0.4, 0.1, 0.1, 0.1, 0.1, 0.1)
    habits = Habits(WEEKDAY, 10.0, flat, (("mobile", tuesdays),))
    known = activity(
        ("few", "mobile", 0, 5, 0, 2),
        ("tied", "mobile", 0, 5, 0, 3),
        ("many", "mobile", 0, 5, 0, 4),
        ("other", None, 0, 6, 0, 1),
    )
    people = pl.Series(["many", "tied", "few", "other", "none"])
    # 10 x 0.4 of Tuesday against 10 x 0.1 and the own visits of Friday; of equals the first
    assert habits.best(people, known).tolist() == [4, 1, 1, 5, 0]


def test_neighbours_of_an_hour_count_half_and_the_day_is_a_circle():
    habits = Habits(HOUR, 1e-6, tuple(1 / 24 for _ in range(24)), ())
    known = activity(
        *(("a", None, hour, 1, 0, count) for hour, count in ((23, 2), (0, 2), (1, 2), (12, 3))),
        *(("b", None, hour, 1, 0, count) for hour, count in ((0, 2), (1, 1), (12, 3))),
    )
    assert habits.best(pl.Series(["a", "b"]), known).tolist() == [0, 12]


def test_too_few_people_have_the_shops_best_and_a_shop_that_begins_none():
    few = people_of_habit(20)
    model = send_time.train(few, as_of=AS_OF)
    assert model.card.is_fallback
    assert "20 people were there before and in the newest weeks, 200 are needed" in model.card.note
    assert len({*best(model, "p001", "p002", known=few)}) == 1
    none = send_time.train(few.clear(), as_of=AS_OF)
    assert best(none, "p001", known=few.clear()) == [(None, None)]


@pytest.mark.parametrize("count", [0, 20, 250])
def test_files_give_back_a_model_that_says_the_same(count):
    known = people_of_habit(count)
    model = send_time.train(known, as_of=AS_OF)
    again = send_time.train(known.sample(fraction=1, shuffle=True, seed=3), as_of=AS_OF)
    assert again.to_files() == model.to_files()
    assert SendTimeModel.from_files(model.to_files()) == model
