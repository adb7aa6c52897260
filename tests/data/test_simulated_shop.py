"""The simulated shop: repeatable, as wild as promised, and true to its own truth tables."""

import dataclasses
import json
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import combinations

import numpy as np
import polars as pl
import pytest

from data.shop_delivery import deliver
from data.shop_events import COLUMNS, TYPES, UNKNOWN_TYPE
from data.shop_law import (
    SeasonClock,
    ShopLaw,
    bought_later,
    delay_log_odds,
    log_logistic_cdf,
    log_logistic_quantile,
    purchase_between,
    purchase_by,
    purchase_delay,
    purchase_delay_cdf,
    return_cdf,
)
from data.simulated_shop import Shop, simulate

LAW = ShopLaw()
START = datetime(2026, 9, 27, tzinfo=UTC)
DAYS = 35
END = START + timedelta(days=DAYS)
PASSIVE = ["refund", "email_open"]


@pytest.fixture(scope="module")
def shop() -> Shop:
    began = time.perf_counter()
    shop = simulate(visitors=2_000, days=DAYS, seed=11, start=START)
    print(f"{len(shop.events) / (time.perf_counter() - began):,.0f} events a second")
    return shop


@pytest.fixture(scope="module")
def rows(shop: Shop) -> pl.DataFrame:
    return deliver(LAW, shop.events, start=START, hours=DAYS * 24, seed=11)


@pytest.fixture(scope="module")
def activity(shop: Shop) -> pl.DataFrame:
    """Everything that people (no machines) did, with the person who did it."""
    devices = shop.people.select("person_id", visitor_id="visitor_ids").explode("visitor_id")
    return shop.events.join(devices, on="visitor_id").sort("visitor_id", "event_at")


def assert_calibrated(predicted: pl.Series, happened: pl.Series, parts: int = 5) -> None:
    """In each of equally large parts, by prediction, the share differs by chance only (4 sigma)."""
    order = predicted.arg_sort()
    for part in np.array_split(order.to_numpy(), parts):
        expected = predicted.gather(part)
        deviation = abs(happened.gather(part).mean() - expected.mean())
        assert deviation <= 4 * np.sqrt((expected * (1 - expected)).sum()) / len(part)


def test_a_week_has_168_season_hours_and_nights_are_slow() -> None:
    clock = SeasonClock(START)
    hours = np.array([0.0, 3.3, 24.0, 168.0, 500.25])
    assert clock.season(np.array([0.0, 168.0, 336.0])) == pytest.approx([0, 168, 336])
    assert clock.hours(clock.season(hours)) == pytest.approx(hours)
    assert clock.hours(np.array([np.inf])) == np.inf
    at_night, in_the_evening = np.diff(clock.season(np.array([3.0, 4.0, 19.0, 20.0])))[[0, 2]]
    assert at_night == pytest.approx(0.1 * in_the_evening, rel=0.2)


def test_the_closed_forms_have_the_values_of_a_calculation_by_hand() -> None:
    law = ShopLaw(at_once_share=0.6, emptied_share=0.13)
    assert log_logistic_cdf(np.array([-1.0, 5.0, 10.0]), 5.0, 2.0) == pytest.approx([0, 0.5, 0.8])
    assert log_logistic_quantile(np.array([0.5, 0.8]), 5.0, 2.0) == pytest.approx([5, 10])
    half = np.array([0.5])
    assert bought_later(law, half) == pytest.approx(0.2 / (0.2 + 0.435))
    assert purchase_by(law, half, np.array([0.0])) == pytest.approx(0.3)
    assert purchase_by(law, half, np.array([96.0])) == pytest.approx(0.5)
    whole = purchase_between(law, half, np.array([0.0]), np.array([200.0]))
    assert whole == pytest.approx(0.5)
    # At both medians half of each kind is back: (1 - 0.4) / 2.
    law = ShopLaw(quick_shape=3.0, slow_shape=2.0)
    back = return_cdf(law, np.array([6.0]), np.array([0.4]), half, np.array([6.0]), np.array([6.0]))
    assert back == pytest.approx(0.3)


def test_a_nudge_within_the_hour_harms_and_is_best_after_one_to_three_days() -> None:
    hours = np.array([0.0, 1, 24, 48, 72, 168])
    delays = delay_log_odds(LAW, hours)
    assert delays == pytest.approx([-0.32, -0.2774, -0.0104, -0.0003, 0, -0.0457], abs=1e-4)
    assert (LAW.reminder_log_odds + delays < 0).tolist() == [True, True, False, False, False, False]


def test_drawn_delays_follow_their_distribution() -> None:
    rng = np.random.default_rng(1)
    delays = purchase_delay(LAW, rng.random(20_000) < LAW.soon_share, rng.random(20_000))
    assert delays.max() <= LAW.latest_hours
    for hours in (2.0, 8.0, 24.0, 60.0):
        expected = purchase_delay_cdf(LAW, np.array([hours]))[0]
        assert (delays <= hours).mean() == pytest.approx(expected, abs=0.015)


def test_event_names_are_known_and_the_columns_canonical(shop: Shop) -> None:
    assert shop.events.columns == list(COLUMNS)
    assert set(shop.events["event_type"]) == set(TYPES)
    assert shop.events["event_id"].is_unique().all()
    assert shop.events["event_at"].is_between(START, END, closed="left").all()


def test_the_shop_looks_like_a_shop(shop: Shop, activity: pl.DataFrame) -> None:
    assert 10 < len(activity) / len(shop.sessions) < 14
    assert 0.30 < shop.carts["converts_72h"].mean() < 0.40
    bought = shop.carts["converted_at"] - shop.carts["started_at"]
    assert 0.5 < (bought.drop_nulls() < timedelta(hours=2)).mean() < 0.7
    by_hour = activity.group_by(pl.col("event_at").dt.hour().alias("hour")).len()
    counts = dict(by_hour.iter_rows())
    assert counts[20] > 4 * counts[3]
    by_day = activity.group_by(pl.col("event_at").dt.weekday().alias("day")).len()
    counts = dict(by_day.iter_rows())
    assert counts[7] > counts[5]


def test_visits_are_the_sessions_that_half_an_hour_of_silence_cuts(
    shop: Shop, activity: pl.DataFrame
) -> None:
    silence = pl.col("event_at").diff().over("visitor_id")
    begins = activity.filter(silence.is_null() | (silence > timedelta(minutes=30)))
    truth = shop.sessions.select("visitor_id", "started_at")
    known = begins.select("visitor_id", started_at="event_at")
    # A visit still going on at the end of the log has begun, but not ended.
    assert truth.join(known, on=["visitor_id", "started_at"], how="anti").is_empty()
    assert 0 <= len(known) - len(truth) <= 20


def test_a_cart_is_bought_in_the_truth_when_the_log_has_the_order(
    shop: Shop, activity: pl.DataFrame
) -> None:
    carts = shop.carts.filter(pl.col("started_at") < END - timedelta(hours=72))
    orders = activity.filter(pl.col("event_type") == "purchase")
    in_time = pl.col("event_at").is_between(
        pl.col("started_at"), pl.col("started_at") + timedelta(hours=72), closed="right"
    )
    bought = (
        carts.join(orders.select("person_id", "event_at"), on="person_id")
        .filter(in_time)
        .select("add_event_id")
        .unique()
    )
    assert set(bought["add_event_id"]) == set(carts.filter("converts_72h")["add_event_id"])


def test_most_purchases_list_what_was_bought_at_what_it_cost(shop: Shop) -> None:
    orders = shop.events.filter(pl.col("event_type") == "purchase")
    silent = orders["items"].is_null()
    assert silent.mean() == pytest.approx(LAW.silent_order_share, abs=0.05)
    listed = orders.filter(~silent).select("order_id", "order_value", "items")
    for order_id, value, text in listed.iter_rows():
        items = json.loads(text)
        cents = sum(item["quantity"] * round(100 * item["price"]) for item in items)
        assert cents == round(100 * float(value)), order_id
    # a reload reports the same order
    assert listed.unique()["order_id"].is_unique().all()
    assert shop.events.filter(pl.col("event_type") != "purchase")["items"].is_null().all()


def test_items_that_go_together_are_bought_together(shop: Shop) -> None:
    orders = shop.events.filter(pl.col("event_type") == "purchase").unique("order_id")
    pairs = Counter(
        pair
        for text in orders["items"].drop_nulls()
        for pair in combinations(sorted({item["item_id"] for item in json.loads(text)}), 2)
    )
    several = [text for text in orders["items"].drop_nulls() if len(json.loads(text)) > 1]
    assert len(several) > 0.2 * len(orders)
    # of 600 items two would hardly ever meet twice: without pairs that go together none does
    assert sum(count >= 2 for count in pairs.values()) > 3


def test_orders_on_another_device_are_of_a_user_the_cart_knew(
    shop: Shop, activity: pl.DataFrame
) -> None:
    orders = activity.filter(pl.col("event_type") == "purchase")
    elsewhere = shop.carts.join(
        orders.select("person_id", "user_id", "event_at", bought_on="visitor_id"),
        left_on=["person_id", "converted_at"],
        right_on=["person_id", "event_at"],
    ).filter(pl.col("bought_on") != pl.col("visitor_id"))
    assert len(elsewhere) >= 5
    known = activity.select("visitor_id", "user_id", "event_at").join(
        elsewhere.select("visitor_id", "user_id", "converted_at"), on=["visitor_id", "user_id"]
    )
    known = known.filter(pl.col("event_at") < pl.col("converted_at"))
    assert known["converted_at"].n_unique() == len(elsewhere)


def test_the_truth_about_carts_is_calibrated(shop: Shop) -> None:
    carts = shop.carts
    assert len(carts) > 700
    assert_calibrated(carts["p_convert_72h"], carts["converts_72h"])
    idle = carts.filter(pl.col("idle_as_of").is_not_null())
    assert len(idle) > 300
    assert_calibrated(idle["p_convert_72h_idle"], idle["converts_72h_idle"])
    assert (carts["p_convert_72h"] <= carts["p_convert"]).all()


@pytest.mark.parametrize("hours", [4, 8, 24, 72, 168])
def test_returns_follow_their_law(shop: Shop, hours: int) -> None:
    away = shop.sessions["returned_at"] - shop.sessions["ended_at"]
    returned = (away <= timedelta(hours=hours)).fill_null(value=False)
    assert_calibrated(shop.sessions[f"p_return_{hours}h"], returned)


def test_people_differ_in_what_a_nudge_would_do(shop: Shop) -> None:
    people = shop.people
    assert len(people) == 2_000
    assert people["visitor_ids"].explode().is_unique().all()
    assert people["visitor_ids"].list.len().value_counts(sort=True)["visitor_ids"].to_list() == [
        *(1, 2, 3)
    ]
    assert 1.0 < people["reminder_odds_ratio"].median() < 1.3
    assert 1.3 < people["incentive_odds_ratio"].median() < 1.7
    sensitive = people["price_sensitivity"] > 1.5
    ratio = people["incentive_odds_ratio"]
    assert ratio.filter(sensitive).min() > ratio.filter(~sensitive).max()


def test_machines_are_known_by_their_numbers_or_their_hours(shop: Shop) -> None:
    people = shop.people["visitor_ids"].explode()
    machines = (
        shop.events.filter(pl.col("visitor_id").is_not_null())
        .filter(~pl.col("visitor_id").is_in(people.implode()))
        .group_by("visitor_id")
        .agg(pl.len(), hours=(pl.col("event_at").max() - pl.col("event_at").min()).dt.total_hours())
    )
    assert len(machines) == 2
    crawler, monitor = machines.sort("len", descending=True).iter_rows(named=True)
    assert crawler["len"] > 1_000
    assert monitor["hours"] >= 12
    assert machines["len"].sum() / len(shop.events) < 0.05


def test_every_hard_thing_occurs(shop: Shop, activity: pl.DataFrame) -> None:
    def rows_of(kind: str) -> pl.DataFrame:
        return activity.filter(pl.col("event_type") == kind)

    adds, removes, orders = rows_of("add_to_cart"), rows_of("remove_from_cart"), rows_of("purchase")
    assert 0.1 < (adds["quantity"] != "1").mean() < 0.3
    assert removes["item_id"].is_null().any()
    assert removes["quantity"].is_not_null().any()
    assert removes.filter(pl.col("item_id").is_not_null())["quantity"].is_null().any()
    # Repeated orders, and orders out of nothing.
    assert 0.02 < 1 - orders["order_id"].n_unique() / len(orders) < 0.08
    first = orders.unique("order_id", keep="first", maintain_order=True)
    carts = shop.carts.filter(pl.col("converted_at") < END)
    assert len(first) - len(carts) >= 20
    assert first["user_id"].is_not_null().mean() > 0.5
    # Sign-ins half-way: the same visit has rows without and with the user.
    visits = activity.with_columns(
        visit=(pl.col("event_at").diff() > timedelta(minutes=30)).cum_sum().over("visitor_id")
    )
    visits = visits.group_by("visitor_id", "visit").agg(
        unknown=pl.col("user_id").is_null().any(), known=pl.col("user_id").is_not_null().any()
    )
    assert (visits["unknown"] & visits["known"]).sum() > 200
    # Carts over several visits, people with several visitors, changing prices, ties in time.
    waited = shop.carts["converted_at"] - shop.carts["last_touched_at"]
    assert (waited > timedelta(hours=8)).sum() > 20
    assert (
        activity.group_by("user_id").agg(pl.col("visitor_id").n_unique())["visitor_id"] > 1
    ).any()
    prices = activity.drop_nulls("price").group_by("item_id").agg(pl.col("price").n_unique())
    assert (prices["price"] > 1).mean() > 0.5
    assert adds.join(rows_of("view_item"), on=["visitor_id", "event_at", "item_id"]).height > 5
    # Passive rows come without a visitor.
    passive = shop.events.filter(pl.col("event_type").is_in(PASSIVE))
    assert passive["visitor_id"].is_null().all()
    assert passive["user_id"].is_not_null().all()
    assert rows_of(UNKNOWN_TYPE).height > 100


def test_no_row_holds_an_address_or_a_number_to_call(rows: pl.DataFrame) -> None:
    text = rows.select(pl.concat_str(pl.exclude("slot"), separator=" ", ignore_nulls=True))
    assert not text.to_series().str.contains(r"@|\+\d{6}|tel:|mailto:").any()


def test_the_earliest_of_each_usable_event_id_is_the_clean_log(
    shop: Shop, rows: pl.DataFrame
) -> None:
    usable = rows.filter(pl.col("event_id").str.starts_with("e"))
    earliest = usable.group_by("event_id").agg(pl.col("event_at").min()).sort("event_id")
    clean = shop.events.select(
        "event_id", event_at=pl.col("event_at").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
    )
    assert earliest.equals(clean.sort("event_id"))


def test_rows_go_wrong_as_often_as_the_law_says(shop: Shop, rows: pl.DataFrame) -> None:
    count = len(shop.events)
    usable = rows.filter(pl.col("event_id").str.starts_with("e"))
    content = [name for name in rows.columns if name != "slot"]
    alike = len(usable) - len(usable.unique(content))
    assert alike / count == pytest.approx(LAW.duplicate_share, rel=0.3)
    redelivered = len(usable.unique(content)) - usable["event_id"].n_unique()
    assert redelivered / count == pytest.approx(LAW.redelivered_share, rel=0.3)

    at = pl.col("event_at").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_zone="UTC")
    hour = ((at - START).dt.total_hours()).alias("hour")
    first = usable.unique("event_id", keep="first", maintain_order=True).with_columns(hour)
    late = (first["slot"] - first["hour"]).filter(first["slot"] > first["hour"])
    assert len(late) / count == pytest.approx(LAW.late_share, rel=0.3)
    assert late.max() > 12
    assert (first["slot"] >= first["hour"]).all()

    useless = rows.filter(pl.col("event_id").str.starts_with("x"))
    assert len(useless) / count == pytest.approx(LAW.bad_required_share, rel=0.1)
    assert {"yesterday", "", "1970-01-01T00:00:00.000Z"} <= set(useless["event_at"])
    assert {"null", "undefined", "anonymous"} & set(useless["visitor_id"])

    kept = usable.unique("event_id")
    odd = (
        kept["quantity"].is_in(["0", "two", "-1", "1.5"]).sum()
        + kept["price"].is_in(["-9.99", "free", "n/a"]).sum()
        + kept["currency"].is_in(["XXQ", "euro", "??"]).sum()
    )
    assert odd / count == pytest.approx(LAW.bad_optional_share, rel=0.4)
    nobody = kept["user_id"].is_in(["null", "anonymous", "0"])
    assert 0.001 < nobody.sum() / count < LAW.placeholder_user_share


def test_the_odds_of_buying_are_others_from_the_hour_of_a_shift(shop: Shop):
    law = dataclasses.replace(LAW, shift_from_hours=DAYS * 12.0, shift_log_odds=-1.55)
    shifted = simulate(visitors=2_000, days=DAYS, seed=11, start=START, law=law)
    instant = START + timedelta(hours=law.shift_from_hours)

    def odds(shop: Shop, *, is_later: bool) -> float:
        carts = shop.carts.filter((pl.col("started_at") > instant) == is_later)
        assert carts.height > 200
        return float((carts["p_convert"] / (1 - carts["p_convert"])).median())

    assert odds(shifted, is_later=False) == pytest.approx(odds(shop, is_later=False), rel=0.25)
    ratio = odds(shifted, is_later=True) / odds(shop, is_later=True)
    assert ratio == pytest.approx(np.exp(-1.55), rel=0.25)
