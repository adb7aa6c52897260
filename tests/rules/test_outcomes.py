"""What became of scores, followed through growing logs: by hand and against the reference.

Belongs here: `scores.score_outcomes` as `orchestration.warehouse.outcomes` keeps it after each
build. Not here: publishing it, or the scores themselves.
"""

import random
from collections.abc import Sequence
from datetime import datetime

import pytest

from orchestration.ground.settings import Settings
from orchestration.warehouse import outcomes
from orchestration.warehouse.database import ensure_score_tables

from .cases import LOADED_AT, Row, add, at, buy, log, login, remove, view
from .comparison import assert_same_rows
from .heavy import heavy
from .reference_log import Log
from .reference_rows import clean
from .reference_snapshots import HORIZON, outcome
from .schedules import schedule
from .strategies import GAPS, MICROSECOND, random_log
from .warehouse import Warehouse

SETTINGS = Settings()
# What following the log reads.
TABLES = ("carts", "visitor_orders", "cart_touches")
COLUMNS = "scored_at cart_id p_abandon is_converted converted_at hours_idle is_mature"


class Shop:
    """A warehouse that is loaded, built, scored and followed, load by load."""

    def __init__(self, warehouse: Warehouse) -> None:
        """Nothing has landed yet."""
        self.warehouse, self.loads, self.rows = warehouse, 0, []
        self.scored: dict[tuple[str, datetime], tuple[str, datetime]] = {}
        warehouse.empty()
        ensure_score_tables(warehouse.connection)

    def load(self, rows: Sequence[Row], *, is_followed: bool = True) -> None:
        """Land rows, build and, unless the run ends there, follow the log."""
        self.loads += 1
        self.rows += rows
        self.warehouse.land(rows, [self.loads] * len(rows))
        self.warehouse.follow(LOADED_AT, tables=TABLES)
        if is_followed:
            self.follow()

    def score(self, hour: datetime) -> None:
        """Score all carts that were begun by then, whether they are open or not."""
        connection = self.warehouse.connection
        found = self.warehouse.query(
            "select cart_id, visitor_id, started_at from carts"
            f" where started_at <= timestamp '{hour.replace(tzinfo=None)}'"
        )
        for row in found:
            self.scored[row["cart_id"], hour] = row["visitor_id"], row["started_at"]
            connection.execute(
                "insert into scores.cart_scores by name select ? as scored_at, ? as cart_id,"
                " ? as visitor_id, 0.25 as p_abandon, 'm' as abandonment_model",
                [hour.replace(tzinfo=None), row["cart_id"], row["visitor_id"]],
            )
        outcomes.expect_outcomes(connection, hour.replace(tzinfo=None))

    def follow(self) -> outcomes.Followed:
        """As an hour does, whose publication then forgets who was rebuilt."""
        followed = outcomes.follow_log(self.warehouse.connection, SETTINGS)
        self.warehouse.connection.execute("delete from main.unpublished_visitors")
        return followed

    def outcomes(self) -> list[dict]:
        names = ", ".join(COLUMNS.split())
        return self.warehouse.query(f"select {names} from scores.score_outcomes")

    def expected(self) -> list[dict]:
        """What the reference says of all that was scored."""
        events = clean(self.rows, LOADED_AT).events
        if not events:
            return []
        whole = Log(events)
        found = []
        for (cart_id, hour), (visitor, started_at) in self.scored.items():
            became = outcome(whole, visitor, started_at, hour)
            if became is not None:
                found.append({"scored_at": hour, "cart_id": cart_id, "p_abandon": 0.25, **became})
        return found

    def assert_as_expected(self) -> None:
        assert_same_rows("score_outcomes", self.outcomes(), self.expected())

    def published_changes(self) -> list[tuple]:
        query = "select distinct scored_at, cart_id from scores.unpublished_outcomes order by all"
        return self.warehouse.connection.execute(query).fetchall()


@pytest.fixture
def shop(warehouse: Warehouse) -> Shop:
    return Shop(warehouse)


def only(shop: Shop) -> dict:
    """The one outcome there is, which is that of the reference too."""
    shop.assert_as_expected()
    [row] = shop.outcomes()
    return row


def late(row: Row, number: int = 1) -> Row:
    return {"source": "canonical", "event_id": f"late{number}"} | row


def test_an_outcome_is_true_as_soon_as_seen_and_mature_when_the_log_has_passed(shop):
    shop.load(log(add("A", "10:00")))
    shop.score(at("12:00"))
    shop.follow()
    assert shop.outcomes() == []
    shop.load([late(buy("A", "+3d 12:00"))])
    row = only(shop)
    assert (row["is_converted"], row["converted_at"]) == (True, at("+3d 12:00"))
    assert (row["hours_idle"], row["is_mature"]) == (2.0, False)
    shop.load([late(view("B", "+3d 12:00:00.000001"), 2)])
    assert only(shop)["is_mature"] is True


def test_an_outcome_is_false_once_the_log_has_passed_the_horizon(shop):
    shop.load(log(add("A", "10:00"), view("B", "+3d 12:00")))
    shop.score(at("12:00"))
    shop.follow()
    assert shop.outcomes() == []
    shop.load([late(buy("A", "+3d 12:00:00.000001"))])
    row = only(shop)
    assert (row["is_converted"], row["converted_at"], row["is_mature"]) == (False, None, True)


def test_an_order_at_the_scored_hour_is_before_it_and_closes_the_cart(shop):
    shop.load(log(add("A", "10:00"), view("B", "+9d 10:00")))
    shop.score(at("12:00"))
    shop.follow()
    assert only(shop)["hours_idle"] == 2.0
    shop.load([late(buy("A", "12:00"))])
    row = only(shop)
    assert (row["is_converted"], row["hours_idle"], row["is_mature"]) == (False, None, True)


def test_a_late_order_and_a_late_login_make_an_outcome_true_afterwards(shop):
    shop.load(log(add("A", "10:00"), buy("B", "+1d 10:00"), view("C", "+9d 10:00")))
    shop.score(at("12:00"))
    shop.follow()
    assert only(shop)["is_converted"] is False
    shop.load([late(login("A", "11:00", "7"))])
    assert only(shop)["is_converted"] is False
    shop.load([late(login("B", "+1d 09:00", "7"), 2)])
    assert only(shop)["converted_at"] == at("+1d 10:00")
    shop.load([late(buy("A", "13:00"), 3)])
    assert only(shop)["converted_at"] == at("13:00")


def test_a_log_that_turns_out_to_end_earlier_takes_an_outcome_back(shop):
    end = late(view("C", "+9d 10:00"))
    shop.load(log(add("A", "10:00")))
    shop.load([end])
    shop.score(at("12:00"))
    shop.follow()
    assert only(shop)["is_converted"] is False
    shop.load([end | {"event_at": view("C", "11:00")["event_at"]}])
    assert shop.outcomes() == shop.expected() == []


def test_a_cart_that_never_was_keeps_its_row_without_idle_hours(shop):
    first = add("A", "10:00", event_id="x")
    shop.load(log(first, view("C", "+9d 10:00")))
    shop.score(at("12:00"))
    shop.follow()
    shop.load([late(add("A", "09:00"))])
    row = only(shop)
    assert (row["is_converted"], row["hours_idle"]) == (False, None)


def test_an_emptied_cart_counts_by_what_its_visitor_orders(shop):
    rows = (add("A", "10:00"), remove("A", "10:05"), buy("A", "+1d 10:00"), view("C", "+9d 10:00"))
    shop.load(log(*rows))
    shop.score(at("12:00"))
    shop.follow()
    row = only(shop)
    assert (row["is_converted"], row["hours_idle"]) == (True, None)


def test_what_did_not_change_is_not_noted_for_the_publication(shop):
    shop.load(log(add("A", "10:00"), add("B", "10:00"), view("C", "+9d 10:00")))
    shop.score(at("12:00"))
    assert shop.follow().changed == 2
    shop.warehouse.connection.execute("delete from scores.unpublished_outcomes")
    shop.load([late(view("A", "+2d 10:00"))])
    assert shop.published_changes() == []
    shop.load([late(buy("A", "+1d 10:00"), 2)])
    [(hour, _)] = shop.published_changes()
    assert hour == at("12:00").replace(tzinfo=None)


def test_another_horizon_looks_at_all_again(shop):
    shop.load(log(add("A", "10:00"), buy("A", "+2d 10:00"), view("C", "+9d 10:00")))
    shop.score(at("12:00"))
    shop.follow()
    assert only(shop)["is_converted"] is True
    day = Settings(label_horizon_hours=24)
    assert outcomes.follow_log(shop.warehouse.connection, day).changed == 1
    [row] = shop.outcomes()
    assert (row["is_converted"], row["converted_at"]) == (False, None)


def test_a_day_is_over_when_the_log_has_passed_its_horizon(shop):
    shop.load(log(add("A", "10:00"), view("C", "+4d 10:00")), is_followed=False)
    shop.score(at("12:00"))
    assert shop.follow().is_day_over is True
    shop.load([late(view("C", "+4d 23:59"))], is_followed=False)
    assert shop.follow().is_day_over is False
    shop.load([late(view("C", "+5d 00:00"), 2)], is_followed=False)
    assert shop.follow().is_day_over is True
    [week] = outcomes.weekly_outcomes(shop.warehouse.connection, 8).to_dicts()
    assert (week["cart_count"], week["abandoned_count"], week["mean_predicted"]) == (1, 1, 0.25)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [700, *heavy(range(701, 712))])
def test_outcomes_as_of_any_later_hour_are_those_of_the_reference(
    warehouse: Warehouse, seed: int
) -> None:
    shop, generator = Shop(warehouse), random.Random(seed)
    for load in schedule(seed, len(warehouse.lasting_names)):
        shop.load(load.rows, is_followed=False)
        times = [event.event_at for event in clean(shop.rows, LOADED_AT).events]
        for _ in range(2 if times else 0):
            gap = generator.choice(GAPS) + generator.choice((-1, 0, 1)) * MICROSECOND
            hour = generator.choice(times) + gap
            if hour not in {scored for _, scored in shop.scored}:
                shop.score(hour)
        # some runs end before they follow, and the next makes up for it
        if generator.random() < 0.8:
            shop.follow()
            shop.assert_as_expected()
    shop.follow()
    shop.assert_as_expected()
    in_pieces = shop.outcomes()
    warehouse.connection.execute(
        "delete from scores.score_outcomes; delete from scores.outcomes_watermark"
    )
    shop.follow()
    assert_same_rows("score_outcomes", shop.outcomes(), in_pieces)


@pytest.mark.parametrize("seed", range(720, 740))
def test_an_outcome_needs_no_event_after_its_horizon(seed: int) -> None:
    whole = Log(clean(random_log(seed, size=80), LOADED_AT).events)
    generator = random.Random(seed)
    known = 0
    for cart in whole.carts:
        hour = cart.started_at + generator.choice(GAPS)
        found = outcome(whole, cart.visitor_id, cart.started_at, hour)
        cut = whole.cut(hour + HORIZON)
        until = outcome(cut, cart.visitor_id, cart.started_at, hour)
        if found is None or not found["is_converted"]:
            assert until is None
        else:
            known += 1
            assert until | {"is_mature": found["is_mature"]} == found
    assert known or len(whole.carts) < 40
