"""Amounts that cannot be read in files that are not suspect: how many, where, and one of them."""

from datetime import datetime

import duckdb
import pytest

from orchestration.warehouse import unread_amounts

NOON, ONE = datetime(2026, 11, 28, 12), datetime(2026, 11, 28, 13)
TODO = "write 1299.00, or say `decimal: comma` in the source's own file for 1.299,00"


@pytest.fixture
def warehouse():
    with duckdb.connect() as connection:
        connection.execute(
            "create table landed_files as select * from (values"
            f" (1, 'a.jsonl', 'segment', 122, false, timestamp '{NOON}'),"
            f" (2, 'b.csv', 'canonical', 9, true, timestamp '{NOON}'),"
            f" (3, 'c.csv', 'canonical', 40, false, timestamp '{ONE}'))"
            " as file (load_id, file, source, rows_read, is_suspect, landed_at);"
            "create table set_aside_rows (load_id bigint, line bigint, action varchar,"
            " reason varchar, detail varchar)"
        )
        rows = [
            (1, 7, "repaired", "bad_price", "price 12,50"),
            (1, 5, "repaired", "bad_price", "price 1.2.3"),
            (1, 5, "repaired", "bad_order_value", "order value 1,299.00"),
            (1, 6, "repaired", "bad_order_value", "order value 1,299.00"),
            (1, 8, "dropped", "bad_time", None),
            (1, 4, "repaired", "bad_quantity", "quantity 1.5"),
            (2, 2, "repaired", "bad_price", "price -"),
            (3, 2, "repaired", "bad_price", f"price {'?' * 40}"),
        ]
        connection.executemany("insert into set_aside_rows values (?, ?, ?, ?, ?)", rows)
        yield connection


def test_each_file_is_named_with_how_many_and_one_of_them(warehouse):
    assert unread_amounts.warnings(warehouse, with_text=True) == [
        f"c.csv (canonical): 1 price in 40 rows could not be read, for example line 2; {TODO}",
        "a.jsonl (segment): 2 order values and 2 prices in 122 rows could not be read,"
        f" for example order value 1,299.00 in line 5; {TODO}",
    ]


def test_of_an_amount_below_0_is_said_what_fits(warehouse):
    warehouse.execute("update set_aside_rows set detail = 'price -9.99' where load_id = 3")
    for with_text, example in ((True, "price -9.99 in line 2"), (False, "line 2")):
        (newest,) = unread_amounts.warnings(warehouse, ONE, with_text=with_text)
        assert newest.endswith(
            f"for example {example};"
            " no price is below 0: deliver what was given back as a refund, or no price"
        )


def test_lists_of_items_that_cannot_be_read_are_said(warehouse):
    lists = "2 lists of items in 40 rows could not be read, for example items [{'item_id': 'x'}]"
    warehouse.execute(
        "insert into set_aside_rows select * from (values"
        " (1, 9, 'repaired', 'bad_items', 'items -'),"
        " (3, 4, 'repaired', 'bad_items', 'items [{''item_id'': ''x''}]'),"
        " (3, 5, 'repaired', 'bad_items', 'items -'));"
        "delete from set_aside_rows where load_id = 3 and reason = 'bad_price'"
    )
    newer, older = unread_amounts.warnings(warehouse, with_text=True)
    json = 'write lists of items as JSON, as in [{"item_id": "shoe", "price": 12.50}]'
    assert newer == f"c.csv (canonical): {lists} in line 4; {json}"
    assert "2 order values, 2 prices and 1 list of items in 122 rows" in older
    assert older.endswith(f"{TODO}; {json}")


def test_what_is_kept_names_the_line_alone(warehouse):
    (newer,) = unread_amounts.warnings(warehouse, ONE, with_text=False)
    assert newer.startswith("c.csv")
    (_, older) = unread_amounts.warnings(warehouse, with_text=False)
    assert f"for example line 5; {TODO}" in older


def test_what_was_published_before_details_were_kept_is_read_too(warehouse):
    warehouse.execute("update set_aside_rows set detail = null")
    (newest, _) = unread_amounts.warnings(warehouse, with_text=True)
    assert (
        newest
        == f"c.csv (canonical): 1 price in 40 rows could not be read, for example line 2; {TODO}"
    )
