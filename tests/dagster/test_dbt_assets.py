"""What the UI shows of a table that dbt built."""

import duckdb

from orchestration.dagster.dbt_assets import table_metadata


def test_landed_files_show_those_that_lost_rows_and_other_tables_their_rows_alone():
    with duckdb.connect() as connection:
        connection.execute(
            "create table landed_files as select * from (values"
            " ('good.csv', 'rees46', 10, 0, 1), ('bad.csv', 'rees46', 10, 7, 2),"
            " ('worse.csv', 'ga4', 90, 8, 3)) as t(file, source, rows_read, rows_dropped, load_id);"
            " create table carts as select 1 as cart_id"
        )
        found = table_metadata(connection)
    assert found["carts"] == {"dagster/row_count": 1}
    assert found["landed_files"]["dagster/row_count"] == 3
    assert [dict(record.data) for record in found["landed_files"]["lost_rows"].records] == [
        {"file": "worse.csv", "source": "ga4", "read": 90, "dropped": 8},
        {"file": "bad.csv", "source": "rees46", "read": 10, "dropped": 7},
    ]
