"""The tables of dbt that say which files are suspect, empty, for tests without a build.

Belongs here: their columns, as far as they are read. Not here: any row.
"""

QUALITY_TABLES = """
create table main.landed_files (load_id bigint, source varchar, file varchar, content_hash varchar,
    rows_read bigint, rows_dropped bigint, is_suspect boolean, landed_at timestamp);
create table main.set_aside_rows (load_id bigint, line bigint, action varchar, reason varchar,
    raw_row varchar);
create table main.candidate_events (load_id bigint, event_type varchar, price double,
    order_value double, drop_reason varchar);
"""
