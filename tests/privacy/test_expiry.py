"""Events and contact data that are too old go, and what a person allowed or refused stays."""

from datetime import datetime, timedelta
from unittest.mock import Mock

import duckdb
import pytest

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.landing import ensure_raw_tables
from orchestration.landing.files import content_hash
from orchestration.landing.locations import sources_in
from orchestration.people import vault
from orchestration.people.known_at import know_people_at
from orchestration.privacy import expiry, rectified

from .test_people import land, put

SOURCES = sources_in(DBT_PROJECT)
LIMIT = datetime(2026, 3, 1)
NOW = datetime(2026, 3, 31)
HEADER = "user_id,email,phone,first_name,email_consent,updated_at,attr_tier\n"
PROFILES = f"""{HEADER}idle,idle@shop.example,0151 23456789,Ida,granted,2026-01-01T00:00:00Z,gold
idle,idle@shop.example,0151 23456789,Ida,granted,2026-02-28T23:59:59Z,gold
busy,busy@shop.example,,Bo,granted,2026-01-01T00:00:00Z,
owner,owner@shop.example,,Ole,granted,2026-01-01T00:00:00Z,
fresh,fresh@shop.example,,Fay,granted,2026-03-01T00:00:00Z,
"""
SUPPRESSIONS = """channel,email,reason,suppressed_at
email,idle@shop.example,unsubscribed,2026-02-01T00:00:00Z
"""
CONTACTS = """contacted_at,user_id,email,channel,campaign,status
2026-02-02T00:00:00Z,,IDLE@shop.example,email,a,opened
2026-02-03T00:00:00Z,,idle@shop.example,email,a,bounced
2026-02-02T00:00:00Z,,busy@shop.example,email,a,sent
2026-02-02T00:00:00Z,,nobody@shop.example,email,a,sent
2026-02-02T00:00:00Z,,recent@shop.example,email,a,sent
2026-03-01T00:00:00Z,,recent@shop.example,email,b,sent
"""
AGAIN = PROFILES.splitlines()[2].replace("idle@shop", "Idle@Shop")


@pytest.fixture
def home(tmp_path) -> Home:
    home = Home(tmp_path)
    home.prepare()
    put(
        home,
        {
            "profiles/a.csv": PROFILES,
            "suppressions/a.csv": SUPPRESSIONS,
            "contacts/a.csv": CONTACTS,
        },
    )
    return home


@pytest.fixture
def connection(home):
    """The vault, and a log in which one user was there since, and one owned what was done."""
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(
            "create table main.events as select * from (values"
            " ('busy', null, timestamp '2026-03-01'), (null, 'owner', timestamp '2026-03-05'),"
            " ('idle', 'idle', timestamp '2026-02-28 23:59:59'))"
            " as events (user_id, owner_id, event_at)"
        )
        ensure_raw_tables(connection, SOURCES)
        land(connection, home)
        yield connection


def rows(connection, query: str) -> list[tuple]:
    return connection.execute(query).fetchall()


def strip(connection, home: Home) -> int:
    count = expiry.strip_idle(connection, home, SOURCES, LIMIT)
    vault.settle(connection, SOURCES, Settings())
    know_people_at(connection, NOW)
    return count


def known(connection) -> list[tuple]:
    return rows(connection, "select user_id, email from vault.current_profiles order by all")


def test_whoever_was_not_seen_and_not_delivered_since_has_no_contact_data(connection, home):
    assert strip(connection, home) == 4
    assert known(connection) == [
        ("busy", "busy@shop.example"),
        ("fresh", "fresh@shop.example"),
        ("owner", "owner@shop.example"),
    ]
    assert rows(
        connection,
        "select user_id, coalesce(email, phone, first_name), email_consent, updated_at, _extra"
        " from vault.profiles where user_id = 'idle' order by updated_at",
    ) == [
        ("idle", None, "granted", "2026-01-01T00:00:00Z", '{"attr_tier":"gold"}'),
        ("idle", None, "granted", "2026-02-28T23:59:59Z", '{"attr_tier":"gold"}'),
    ]
    # twice does no more than once
    assert strip(connection, home) == 0


@pytest.mark.parametrize(
    ("attributes_limit", "kept"),
    [(datetime(2026, 2, 28, 23, 59, 59), 2), (datetime(2026, 2, 28, 23, 59, 59, 1), 0)],
)
def test_attributes_stay_as_long_as_events_do(connection, home, attributes_limit, kept):
    expiry.strip_idle(connection, home, SOURCES, LIMIT, attributes_limit)
    vault.settle(connection, SOURCES, Settings())
    assert rows(connection, "select count(attributes) from vault.profile_versions") == [(kept,)]
    # undeclared columns that are no attributes go with the addresses
    put(home, {"profiles/x.csv": "user_id,updated_at,shoe\nidle,2026-01-05T00:00:00Z,38\n"})
    land(connection, home)
    expiry.strip_idle(connection, home, SOURCES, LIMIT, attributes_limit)
    assert rows(
        connection, "select count(_extra) from vault.profiles where _extra like '%38%'"
    ) == [(0,)]


def test_of_messages_the_user_stays_and_what_suppresses_stays_whole(connection, home):
    strip(connection, home)
    query = "select user_id, email, status from vault.contacts order by _line"
    assert rows(connection, query) == [
        ("idle", None, "opened"),
        (None, "idle@shop.example", "bounced"),
        (None, "busy@shop.example", "sent"),
        (None, "recent@shop.example", "sent"),
        (None, "recent@shop.example", "sent"),
    ]
    assert rows(connection, "select email from vault.suppressions") == [("idle@shop.example",)]
    assert rows(
        connection,
        "select file, rows_read, rows_accepted, coalesce(row_count, 0) from raw.files"
        " inner join raw.people_rows using (load_id) left join raw.expired_rows using (load_id)"
        " where source in ('contacts', 'profiles') order by source",
    ) == [("a.csv", 6, 5, 1), ("a.csv", 5, 5, 0)]


def test_a_file_is_not_judged_by_what_is_left_of_it(connection, home):
    columns = "user_id,email,contacted_at,channel\n"
    put(home, {"contacts/b.csv": f"{columns},nobody@shop.example,never,email\nidle,,never,email\n"})
    land(connection, home)
    connection.execute(
        "create table scores.accepted_files (content_hash varchar);"
        "create table main.landed_files as select load_id, file = 'b.csv' as is_suspect"
        " from raw.files;"
        "create table main.set_aside_rows as select source, load_id, line, action, reason"
        " from raw.people_set_aside inner join raw.files using (load_id);"
        "insert into main.set_aside_rows values ('canonical', 1, 1, 'dropped', 'bad_time')"
    )
    strip(connection, home)
    of_file = "select file, source from raw.files semi join raw.passed_files using (load_id)"
    assert rows(connection, of_file) == [("a.csv", "contacts")]
    # nor counted twice
    gone = "select file, row_count from raw.expired_rows inner join raw.files using (load_id)"
    assert rows(connection, f"{gone} order by file") == [("a.csv", 1), ("b.csv", 1)]
    left = "select source, line from main.set_aside_rows order by all"
    assert rows(connection, left) == [("canonical", 1), ("contacts", 3)]


def test_a_profile_that_is_delivered_again_counts_again_and_lifts_nothing(connection, home):
    strip(connection, home)
    # the same row as before, in another file
    put(home, {"profiles/b.csv": f"{HEADER}{AGAIN}\n"})
    land(connection, home)
    know_people_at(connection, NOW)
    assert ("idle", "Idle@Shop.example") in known(connection)
    suppressed = "select user_id, reason from vault.current_suppressions where channel = 'email'"
    both = [("idle", "bounced"), ("idle", "unsubscribed")]
    assert rows(connection, f"{suppressed} order by all") == both
    # a later row that only repeats the consent lifts nothing either: its history is known
    later = AGAIN.replace("2026-02-28T23:59:59Z", "2026-03-20T00:00:00Z")
    put(home, {"profiles/c.csv": f"{HEADER}{later}\n"})
    land(connection, home)
    know_people_at(connection, NOW)
    assert rows(connection, f"{suppressed} order by all") == both


@pytest.mark.usefixtures("with_and_without_key")
def test_a_correction_loses_what_its_row_lost_and_is_not_landed_twice(connection, home):
    fields = {"email": "new@shop.example", "attr_tier": "silver"}
    path = rectified.write(connection, home, "idle", fields, datetime(2026, 2, 10))
    land(connection, home)
    assert strip(connection, home) == 5
    (kept,) = rectified.read(path)
    assert set(kept) == {
        *("user_id", "updated_at", "email_consent", "sms_consent", "attr_tier"),
        *("ad_user_data_consent", "ad_personalization_consent"),
    }
    assert path.stat().st_mode & 0o777 == 0o600
    before = rows(connection, "select count(*) from vault.profiles")
    land(connection, home)
    assert rows(connection, "select count(*) from vault.profiles") == before


@pytest.mark.usefixtures("with_and_without_key")
def test_a_correction_stays_known_though_taking_it_away_was_stopped(connection, home, monkeypatch):
    path = rectified.write(
        connection, home, "idle", {"email": "new@shop.example"}, datetime(2026, 2, 10)
    )
    land(connection, home)
    with monkeypatch.context() as stopped:
        stopped.setattr(vault, "forget", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            strip(connection, home)
    assert "email" not in rectified.read(path)[0]
    strip(connection, home)
    known = "select content_hash from raw.files where file like '%jsonl'"
    assert rows(connection, known) == [(content_hash(path),)]


@pytest.mark.parametrize(
    ("instant", "months", "limit"),
    [
        (datetime(2026, 3, 31, 5), 13, datetime(2025, 2, 1)),
        (datetime(2026, 1, 1), 13, datetime(2024, 12, 1)),
        (datetime(2026, 12, 31), 12, datetime(2025, 12, 1)),
        (datetime(2026, 2, 1), 1, datetime(2026, 1, 1)),
    ],
)
def test_whole_months_go(instant, months, limit):
    assert expiry.months_before(instant, months) == limit


def test_old_events_leave_their_file_and_are_counted_once(connection):
    connection.execute(
        "insert into raw.files (load_id, source, file, content_hash, byte_size, landed_at,"
        " rows_read) values (90, 'canonical', 'old.csv', 'x', 1, $1, 4),"
        " (91, 'canonical', 'new.csv', 'y', 1, $2, 2)",
        [LIMIT - timedelta(days=1), LIMIT],
    )
    connection.execute(
        "create table main.candidate_events as select * from (values"
        " ('canonical', 90, 1, timestamp '2026-02-28 23:59:59.999999', null),"
        " ('canonical', 90, 2, timestamp '2026-03-01', null),"
        " ('canonical', 90, 3, null, 'bad_time'), ('canonical', 91, 1, null, 'bad_time'),"
        " ('canonical', 91, 2, timestamp '2020-01-01', null),"
        " ('canonical', 91, 4, timestamp '1970-01-01', 'implausible_time'))"
        " as candidates (source, load_id, line, event_at, drop_reason)"
    )
    connection.execute(
        "insert into raw.canonical (_load_id, _line) select load_id, line from candidate_events"
    )
    connection.execute(
        "insert into raw.unreadable_rows values (90, 4, 'bad_json', '', 'anna@shop.example'),"
        " (91, 3, 'bad_json', '', 'bert@shop.example')"
    )
    for _ in range(2):
        # a run that was killed before it built the tables again finds the same
        assert expiry.expire_events(connection, SOURCES, LIMIT) == 3
        assert rows(connection, "select _load_id, _line from raw.canonical order by all") == [
            (90, 2),
            (91, 1),
            (91, 4),
        ]
        assert rows(connection, "from raw.expired_rows where load_id >= 90 order by all") == [
            (90, 2),
            (91, 1),
        ]
    assert rows(connection, "select line, raw_row from raw.unreadable_rows order by all") == [
        (3, "bert@shop.example"),
        (4, None),
    ]
