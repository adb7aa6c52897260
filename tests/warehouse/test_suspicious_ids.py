"""What is said of ids that tie too much together."""

import duckdb
import pytest

from orchestration.warehouse import suspicious_ids
from orchestration.warehouse.score_tables import SUSPICIOUS_IDS


@pytest.fixture
def warehouse():
    with duckdb.connect() as connection:
        connection.execute(
            f"create table {SUSPICIOUS_IDS} as select * from (values ('order_id', '1001', 4),"
            " ('user_id', 'till', 90), ('user_id', 'test', 99), ('double_fire', 'v1', 2),"
            " ('event_id', '1', 3)) as suspicious (kind, id, event_count)"
        )
        yield connection


def test_each_kind_is_said_with_ids_and_what_to_do(warehouse):
    assert suspicious_ids.warnings(warehouse, with_ids=True) == [
        "1 visitor with events of one type and item within 50 ms, such as v1: all of them count;"
        " if a tag fires twice for one action, give both events the same id (suspicious_ids)",
        "1 event id of several visitors, such as 1: one event of each id counts; deliver ids that"
        " are unique in the source, or none (suspicious_ids)",
        "1 order of more than 3 visitors, such as 1001: each counts once; if it means nobody, add"
        " it to [ids] placeholders; if order numbers start over, each year or in each shop, put"
        " the year or the shop before them (suspicious_ids)",
        "2 users with more than 20 visitors each, such as test, till: if it means nobody, add it"
        " to [ids] placeholders (suspicious_ids)",
    ]


def test_what_is_kept_names_no_id(warehouse):
    kept = suspicious_ids.warnings(warehouse, with_ids=False)
    assert [each.partition(":")[0] for each in kept] == [
        "1 visitor with events of one type and item within 50 ms",
        "1 event id of several visitors",
        "1 order of more than 3 visitors",
        "2 users with more than 20 visitors each",
    ]
