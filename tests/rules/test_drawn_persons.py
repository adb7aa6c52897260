"""Whose rows are learned from where there are too many: whole persons, drawn by a hash."""

import dataclasses
import hashlib
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from data.simulated_shop import write_shop
from ml import abandonment

from .cases import Row, add, at, log, login, view
from .recording import Recording
from .warehouse import Warehouse

TABLES = ("training_snapshots", "training_returns")
TOUCHES, SESSIONS, OF_A_PERSON = 9, 7, 3
SMALL = {
    "limit 100000": f"limit {TOUCHES}",
    "limit 200000": f"limit {SESSIONS}",
    "person_row_number <= 1000": f"person_row_number <= {OF_A_PERSON}",
}
DEVICES = [f"v{number:02}" for number in range(12)]
# More touches in the last hour than there is room for: what they lead to, nobody knows.
BUSY_SHOP = log(
    login("phone", "08:00", "7"),
    login("laptop", "08:00", "7"),
    *(add(device, f"09:{minute:02}") for minute, device in enumerate(["phone", *DEVICES])),
    *(add(device, f"+6d 09:{minute:02}") for minute, device in enumerate(["laptop", *DEVICES])),
    # fifty adds on the one device of a school
    *(add("school", f"+1d 10:{minute:02}") for minute in range(50)),
    *(add(f"n{minute}", f"+20d 10:{minute:02}") for minute in range(12)),
    view("end", "+20d 11:00"),
)
TOUCHES_OF = {
    "user:7": 2,
    "school": OF_A_PERSON,
    **dict.fromkeys(DEVICES, 2),
    **dict.fromkeys((f"n{minute}" for minute in range(12)), 1),
}


def in_the_order_of_the_draw(person: str) -> str:
    return hashlib.md5(f"learn\x1f{person}".encode()).hexdigest()


def with_room_for(few: Mapping[str, str], dbt_recording: Recording) -> Warehouse:
    """A warehouse with other numbers in its SQL."""

    def lowered(text: str) -> str:
        for large, small in few.items():
            text = text.replace(large, small)
        return text

    models = [
        dataclasses.replace(
            model,
            statements={
                found: [lowered(text) for text in sent] for found, sent in model.statements.items()
            },
        )
        for model in dbt_recording.models
    ]
    return Warehouse(dataclasses.replace(dbt_recording, models=models))


@pytest.fixture(scope="module")
def small(dbt_recording: Recording) -> Warehouse:
    """A warehouse in which there is room for few rows to learn from."""
    return with_room_for(SMALL, dbt_recording)


def learned(warehouse: Warehouse, rows: list[Row], files: list[int] | None = None) -> list[list]:
    warehouse.build(rows, at("+20d 12:00"), tables=TABLES, files=files)
    return [warehouse.query(f"select * from {table} order by all") for table in TABLES]


def person(row: dict) -> str:
    known = {"phone": "user:7", "laptop": "user:7"}
    return known.get(row["visitor_id"], row["visitor_id"])


def test_persons_are_drawn_whole_until_there_is_no_room_and_of_one_person_not_all(small):
    snapshots, returns = learned(small, BUSY_SHOP)
    room, expected = TOUCHES, {}
    for drawn in sorted(TOUCHES_OF, key=in_the_order_of_the_draw):
        if room:
            expected[drawn] = min(room, TOUCHES_OF[drawn])
            room -= expected[drawn]
    touches = {(person(row), row["cart_id"], row["last_touched_at"]) for row in snapshots}
    found = [each for each, *_ in touches]
    assert {each: found.count(each) for each in found} == expected
    assert expected == {"n2": 1, "n4": 1, "user:7": 2, "school": 3, "n11": 1, "v03": 1}
    # of user 7's four sessions, too, no more than three
    visits = [person(row) for row in returns]
    assert {each: visits.count(each) for each in visits} == {
        "n2": 1,
        "n4": 1,
        "user:7": 3,
        "school": 1,
        "n11": 1,
    }


def test_a_shop_whose_newest_touches_nobody_knows_the_outcome_of_is_learned_from(small):
    newest = sorted(row["event_at"] for row in BUSY_SHOP if row["event_type"] == "add_to_cart")
    assert newest[-TOUCHES] > at("+20d 10:00").isoformat()
    snapshots, _ = learned(small, BUSY_SHOP)
    assert any(row["converts_within_horizon"] is False for row in snapshots)


def test_who_is_drawn_does_not_depend_on_how_the_log_arrived(small):
    generator = random.Random(5)
    shuffled = generator.sample(BUSY_SHOP, k=len(BUSY_SHOP))
    files = [generator.randint(1, 4) for _ in shuffled]
    assert learned(small, shuffled, files) == learned(small, BUSY_SHOP)


@pytest.mark.heavy
def test_a_busy_shop_gets_a_learned_model(dbt_recording, tmp_path):
    """With room for the touches of 54 hours, of none of which the outcome is known after 72."""
    start = datetime(2026, 3, 1, tzinfo=UTC)
    end, horizon = start + timedelta(days=60), timedelta(hours=72)
    write_shop(
        tmp_path / "dumps",
        tmp_path / "truth",
        visitors=20_000,
        days=60,
        start=start,
        file_format="parquet",
        slice_name="day",
    )
    warehouse = with_room_for({"limit 100000": "limit 800"}, dbt_recording)
    warehouse.build_files(tmp_path / "dumps", end, tables=("training_snapshots",))
    [newest] = warehouse.query(
        "select max(touched_at) - min(touched_at) as span"
        " from (select touched_at from cart_touches order by touched_at desc limit 800)"
    )
    assert newest["span"] < horizon
    frame = warehouse.connection.sql("select * from training_snapshots").pl()
    assert frame.select("cart_id", "last_touched_at").unique().height == 800
    model = abandonment.train(frame, as_of=end.replace(tzinfo=None), horizon=horizon)
    assert (model.card.kind, model.card.note[:7]) == ("lightgbm", "Figures")
    assert model.card.data_to - model.card.data_from > timedelta(days=50)
    assert model.card.metrics["auc"] > 0.65
