"""A home, and a warehouse in which somebody is about to be erased."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.home import Home
from orchestration.landing.locations import sources_in
from orchestration.privacy import erasure
from orchestration.privacy.erasure_records import Subject
from orchestration.warehouse.database import ensure_score_tables

NOW = datetime(2026, 3, 9, 12)
SOURCES = sources_in(DBT_PROJECT)
ANNA = "anna-7431-account"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.prepare()
    return home


@pytest.fixture
def connection(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with what landing and dbt make, but without a row."""
    with duckdb.connect(str(home.warehouse)) as connection:
        ensure_score_tables(connection)
        connection.execute(
            "create table main.candidate_events"
            " (source varchar, event_id varchar, load_id bigint, line bigint,"
            " visitor_id varchar, user_id varchar, event_at timestamp, event_type varchar)"
        )
        connection.execute(
            "create table main.events (source varchar, event_id varchar, visitor_id varchar,"
            " user_id varchar, owner_id varchar, event_at timestamp, event_number bigint)"
        )
        erasure.mark(connection, home, SOURCES, Subject("user", ANNA), NOW)
        yield connection
