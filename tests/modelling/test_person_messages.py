"""What was sent to people, as it was known at an hour."""

from datetime import datetime

import duckdb

from orchestration.modelling.person_messages import messages_at
from orchestration.warehouse.database import ensure_score_tables

NINE, TEN, ELEVEN = (datetime(2026, 3, 1, hour) for hour in (9, 10, 11))


def test_a_message_is_of_whoever_a_visitor_was_then_and_counts_once_it_is_known():
    with duckdb.connect() as connection:
        ensure_score_tables(connection)
        assert messages_at(connection, ELEVEN).is_empty()
        connection.execute(
            "create table ordered_events (visitor_id varchar, event_at timestamp, owner_id varchar)"
        )
        connection.executemany(
            "insert into ordered_events values (?, ?, ?)",
            [("phone", NINE, None), ("phone", TEN, "anna"), ("phone", ELEVEN, "bert")],
        )
        connection.executemany(
            "insert into scores.person_messages values (?, ?, ?, ?, ?, ?, ?)",
            [
                (None, "phone", "email", "", "sent", NINE, NINE),
                (None, "phone", "email", "", "sent", TEN, TEN),
                (None, "phone", "email", "", "opened", TEN, TEN),
                ("anna", "phone", "sms", "spring", "sent", NINE, ELEVEN),
                ("anna", None, "email", "", "sent", NINE, NINE),
            ],
        )
        at_ten = [
            ("phone", "email", "", "sent", 1),
            ("user:anna", "email", "", "opened", 1),
            ("user:anna", "email", "", "sent", 2),
        ]
        assert sorted(messages_at(connection, TEN).rows()) == at_ten
        assert sorted(messages_at(connection, ELEVEN).rows()) == [
            *at_ten,
            ("user:anna", "sms", "spring", "sent", 1),
        ]
