"""The documented query of what a contact earned by trigger, on firings written by hand."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.warehouse.contact_tables import CONTACT_LOG, WITHHELD_CONTACTS
from orchestration.warehouse.segment_tables import SEGMENT_SIZES

PAGE = Path(__file__).parents[2] / "dbt_project" / "docs" / "triggers.md"
FIRED, EARNED = re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.S)
MONDAY = datetime(2026, 3, 2)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def connection():
    with duckdb.connect() as opened:
        opened.execute(
            "create table trigger_events (trigger text, person_id text, fired_at timestamp)"
        )
        opened.execute(
            "create table orders (owner_id text, visitor_id text, ordered_at timestamp,"
            " order_value_base decimal(38, 4))"
        )
        for table in (CONTACT_LOG, WITHHELD_CONTACTS, SEGMENT_SIZES):
            opened.execute(table.ddl(table.name))
        opened.execute(f"insert into segment_sizes (as_of) values ('{MONDAY + 14 * DAY}')")
        yield opened


def fire(connection, trigger: str, person: str, at: datetime = MONDAY) -> None:
    connection.execute("insert into trigger_events values (?, ?, ?)", [trigger, person, at])


def mail(connection, user: str, at: datetime = MONDAY, *, is_withheld: bool = False) -> None:
    table, when = (
        ("withheld_contacts", "withheld_at") if is_withheld else ("contact_log", "exported_at")
    )
    connection.execute(
        f"insert into {table} (person_id, {when}, send_after) values (?, ?, ?)",
        [f"user:{user}", at, at],
    )


def order(connection, user: str, at: datetime, value: int) -> None:
    connection.execute("insert into orders values (?, 'a', ?, ?)", [user, at, value])


def test_a_contact_earned_what_those_held_out_did_not_order(connection):
    for user in ("ann", "bob", "cyd", "dan"):
        fire(connection, "left", f"user:{user}")
        mail(connection, user, is_withheld=user in ("cyd", "dan"))
    order(connection, "ann", MONDAY + HOUR, 60)
    order(connection, "ann", MONDAY + 7 * DAY, 40)
    order(connection, "ann", MONDAY + 7 * DAY + HOUR, 1000)
    order(connection, "bob", MONDAY, 1000)
    order(connection, "cyd", MONDAY + DAY, 30)
    # a later mail is of nobody who was held out first
    mail(connection, "dan", MONDAY + DAY)
    assert connection.sql(EARNED).fetchall() == [("left", 2, 2, 50.0, 15.0, 35.0)]


def test_a_mail_counts_from_the_firing_on_for_seven_days_and_once_its_own_seven_are_over(
    connection,
):
    for user, at in {
        "before": MONDAY - HOUR,
        "at": MONDAY,
        "last": MONDAY + 7 * DAY - HOUR,
        "late": MONDAY + 7 * DAY,
    }.items():
        fire(connection, "left", f"user:{user}")
        mail(connection, user, at)
    fire(connection, "new", "user:new", MONDAY + 7 * DAY)
    mail(connection, "new", MONDAY + 7 * DAY + HOUR)
    assert connection.sql(EARNED).fetchall() == [("left", 2, 0, 0.0, None, None)]


def test_who_ordered_after_a_trigger_is_counted(connection):
    for person in ("user:ann", "a"):
        fire(connection, "left", person)
    order(connection, "ann", MONDAY + DAY, 10)
    assert connection.sql(FIRED).fetchall() == [("left", 2, 2, 1)]
