"""A warehouse with the tables that results of contacts are made from.

Belongs here: what tests of contacts share. Not here: any test.
"""

from datetime import datetime, timedelta

import duckdb

from orchestration.ground.settings import Settings, parse_settings
from orchestration.modelling.contact_effects import first_contacts
from orchestration.modelling.contact_results import write_results
from orchestration.warehouse.contact_tables import (
    CAMPAIGN_RESULTS,
    CONTACT_EFFECTS,
    CONTACT_LOG,
    SEGMENT_RESULTS,
    WITHHELD_CONTACTS,
)
from orchestration.warehouse.experiment_tables import EXPERIMENT_ARMS, EXPERIMENT_RESULTS
from orchestration.warehouse.score_tables import CART_SCORES
from orchestration.warehouse.segment_tables import SEGMENT_HISTORY

MONDAY = datetime(2026, 10, 5)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = MONDAY + 30 * DAY


class Log:
    """A warehouse with the tables that results are made from."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("create schema scores")
        for table in (
            CART_SCORES,
            CONTACT_LOG,
            WITHHELD_CONTACTS,
            CAMPAIGN_RESULTS,
            CONTACT_EFFECTS,
            SEGMENT_RESULTS,
            SEGMENT_HISTORY,
            EXPERIMENT_ARMS,
            EXPERIMENT_RESULTS,
        ):
            self.connection.execute(table.ddl(f"scores.{table.name}"))
        self.connection.execute(
            "create table main.carts (cart_id varchar, visitor_id varchar);"
            "create table main.orders (visitor_id varchar, owner_id varchar, ordered_at timestamp,"
            " order_value_base decimal(38, 4));"
            "create table main.ordered_events (event_at timestamp);"
            "create table main.scoring_snapshots (cart_id varchar, visitor_id varchar,"
            " owner_id varchar)"
        )
        self.number = 0
        self.event(LATER)

    def insert(self, table: str, **values: object) -> None:
        marks = ", ".join("?" * len(values))
        self.connection.execute(
            f"insert into {table} ({', '.join(values)}) values ({marks})", list(values.values())
        )

    def event(self, at: datetime) -> None:
        self.insert("main.ordered_events", event_at=at)

    def contact(
        self, user: str, at: datetime, *, is_withheld: bool = False, **values: object
    ) -> None:
        self.number += 1
        row = {
            "contact_id": f"{self.number:08d}",
            "person_id": f"user:{user}",
            "channel": "email",
            "export": "email",
            "withheld_at" if is_withheld else "exported_at": at,
            "send_after": at,
            "cart_id": f"cart-{user}",
            "segment": "on_the_fence",
            "action": "reminder",
            "p_abandon": 0.8,
            "expected_gain": 1,
            "session_ended_at": at - DAY,
        } | values
        if not is_withheld:
            row = {"status": "sent", "sent_at": at} | row
        self.insert(f"scores.{'withheld_contacts' if is_withheld else 'contact_log'}", **row)

    def order(self, at: datetime, user: str | None = None, visitor: str = "v", value=100) -> None:
        self.insert(
            "main.orders",
            visitor_id=visitor,
            owner_id=user,
            ordered_at=at,
            order_value_base=value,
        )

    def results(self, at: datetime = LATER, **economics: float) -> list[dict]:
        settings = parse_settings({"economics": economics}) if economics else Settings()
        return write_results(self.connection, settings, at, "EUR").to_dicts()

    def firsts(self, at: datetime = LATER) -> dict[str, dict]:
        found = first_contacts(self.connection, at)
        return {row["person_id"].removeprefix("user:"): row for row in found.to_dicts()}
