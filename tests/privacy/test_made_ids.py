"""People whose ids the SQL of a source makes of the delivered ones: erased under either id, and
known again under either."""

from datetime import datetime

import pytest

from orchestration.ground.settings import Settings
from orchestration.landing import Source, ensure_raw_tables
from orchestration.landing.sources import Column
from orchestration.landing.tombstones import Tombstones
from orchestration.privacy import erasure, returned
from orchestration.privacy.erasure_records import Plan, Subject

from .conftest import NOW
from .conftest import SOURCES as BUNDLED

OWN = Source(
    "till",
    (
        Column("high", identities=(("visitor", None),)),
        Column("low", identities=(("visitor", None),)),
        Column("mail", identities=(("user", None),)),
    ),
)
SOURCES = {**BUNDLED, OWN.name: OWN}
STAGING = """
    create or replace view main.stg_till as select
        _load_id as load_id, _line as line, _load_id || '-' || _line as event_id,
        high || '-' || low as visitor_id, md5(lower(mail)) as user_id,
        cast(null as timestamp) as event_at, cast(null as varchar) as event_type
    from raw.till
"""
MAIL = "Anna@shop.example"
MADE = "ea42f58f924e98504c131a3e8e42dc48"
ROWS = [
    ("5550001", "701", MAIL),
    ("5550001", "702", "bert@shop.example"),
    ("5550002", "701", MAIL.lower()),
    ("5550002", "701", None),
    ("5550003", "800", None),
]


def land(connection, load_id: int, rows: list[tuple]) -> None:
    for line, row in enumerate(rows, start=1):
        connection.execute(
            "insert into raw.till (_load_id, _line, high, low, mail) values (?, ?, ?, ?, ?)",
            [load_id, line, *row],
        )


def build(connection) -> None:
    """What dbt makes of the rows; the one without a user is of its device's."""
    connection.execute("delete from main.candidate_events")
    connection.execute("delete from main.events")
    connection.execute(
        "insert into main.candidate_events by name select 'till' as source, * from main.stg_till"
    )
    connection.execute(
        "insert into main.events select source, event_id, visitor_id, user_id,"
        " max(user_id) over (partition by visitor_id), ?, line from main.candidate_events",
        [datetime(2026, 3, 1)],
    )


@pytest.fixture
def till(connection):
    ensure_raw_tables(connection, SOURCES)
    connection.execute(STAGING)
    land(connection, 1, ROWS)
    connection.execute(
        "insert into raw.files (load_id, source, file, content_hash, byte_size, landed_at,"
        " rows_read) values (1, 'till', 'march.csv', 'hash', 1, ?, ?)",
        [NOW, len(ROWS)],
    )
    build(connection)
    return connection


def erased(connection, home, kind: str, id_: str) -> tuple[Plan, list[tuple]]:
    """The plan of an erasure, and what is left."""
    erasure.mark(connection, home, SOURCES, Subject(kind, id_), NOW)
    plan = erasure.find(connection, SOURCES, Plan.of(Subject(kind, id_)))
    erasure.remove(connection, home, SOURCES, plan, NOW)
    left = connection.execute("select high, low, mail from raw.till order by _load_id, _line")
    return plan, left.fetchall()


def taken_in_later(connection, home, *rows: tuple) -> list[tuple]:
    """Those of some rows that another file brings which are not known to be of the erased."""
    build(connection)
    land(connection, 2, list(rows))
    tombstones = Tombstones.load(connection, home.erasure_key)
    connection.execute(f"delete from raw.till where _load_id = 2 and ({tombstones.condition(OWN)})")
    landed = returned.landed_sources(connection, {OWN.name: OWN})
    judged = returned.sources_to_judge(connection, home.erasure_key, landed, [OWN.name])
    returned.leave_out_erased(connection, home.erasure_key, judged, Settings())
    return connection.execute(
        "select high, low, mail from raw.till where _load_id = 2 order by _line"
    ).fetchall()


@pytest.mark.parametrize("given", [MAIL, MADE])
def test_a_user_goes_with_every_device_under_the_delivered_id_and_the_made_one(till, home, given):
    plan, left = erased(till, home, "user", given)
    assert left == [ROWS[1], ROWS[4]]
    assert plan.users == {MAIL, MAIL.lower(), MADE}
    assert plan.visitors == {"5550001-701", "5550002-701", "5550002"}
    assert plan.counts == {"users": 1, "visitors": 2}


@pytest.mark.parametrize("given", [MAIL, MADE])
def test_a_user_does_not_come_back_on_another_device_in_any_spelling(till, home, given):
    erased(till, home, "user", given)
    other = ("5550009", "900", "carl@shop.example")
    later = [("5550009", "1", MAIL), ("5550009", "2", MAIL.upper()), other]
    assert taken_in_later(till, home, *later) == [other]
    aside = "select load_id, line, reason, raw_row from raw.unreadable_rows where load_id = 2"
    assert till.execute(aside).fetchall() == [(2, 2, "erased", None)]


def test_a_visitor_of_two_columns_goes_alone_and_does_not_come_back(till, home):
    plan, left = erased(till, home, "visitor", "5550001-701")
    assert left == ROWS[1:]
    assert plan.visitors == {"5550001-701"}
    later = [("5550001", "701", None), ("5550001", "703", None)]
    assert taken_in_later(till, home, *later) == later[1:]


def test_the_delivered_id_of_a_visitor_takes_along_what_is_made_of_it_alone(till, home):
    plan, left = erased(till, home, "visitor", "5550001")
    assert left == ROWS[2:]
    assert plan.visitors == {"5550001", "5550001-701", "5550001-702"}


def test_a_row_that_is_no_event_goes_by_its_made_id(till, home):
    till.execute("delete from main.events where event_id = '1-1'")
    assert erased(till, home, "visitor", "5550001-701")[1] == ROWS[1:]


def test_an_id_of_the_tables_does_not_take_along_what_others_have_of_it(till, home):
    """A cookie that is the visitor until somebody signs in, and a login thereafter."""
    till.execute(STAGING.replace("high || '-' || low", "coalesce(mail, high)"))
    till.execute("delete from raw.till")
    rows = [("cookie-01", "", None), ("cookie-01", "", MAIL), ("cookie-02", "", MAIL)]
    land(till, 1, rows)
    build(till)
    plan, left = erased(till, home, "visitor", "cookie-01")
    assert (plan.visitors, left) == ({"cookie-01"}, rows[2:])


def test_nothing_is_judged_again_where_nobody_was_erased_or_nothing_landed(till):
    assert returned.landed_sources(till, {OWN.name: OWN}) == []
    till.execute("delete from main.candidate_events")
    assert returned.landed_sources(till, {OWN.name: OWN}) == [OWN]
    till.execute("delete from raw.tombstones")
    assert returned.landed_sources(till, {OWN.name: OWN}) == []
