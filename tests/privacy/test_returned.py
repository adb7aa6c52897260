"""What lands again of erased people in another form, so that no delivered id shows it as theirs."""

from datetime import datetime

import pytest

from orchestration.ground.settings import Settings
from orchestration.privacy import erasure, returned
from orchestration.privacy.erasure_records import Plan, Subject

from .conftest import ANNA, NOW, SOURCES

CANONICAL = SOURCES["canonical"]
BERT, TABLET, PHONE = "bert-5521-account", "tablet-kitchen-77", "phone-of-bert-01"
MAIL = "Anna.Muster+news@shop.example"
EVENTS = [
    # visitor, user, owner, type; one a minute from 10:01 on
    (TABLET, None, None, "view_item"),
    (TABLET, ANNA, ANNA, "login"),
    (TABLET, None, ANNA, "add_to_cart"),
    (TABLET, BERT, BERT, "login"),
    (TABLET, None, BERT, "view_item"),
]


def land(connection, load_id: int, *rows: dict[str, str]) -> None:
    connection.execute(
        "insert into raw.files (load_id, source, file, content_hash, byte_size, landed_at,"
        " rows_read) values (?, 'canonical', 'march.csv', 'hash', 1, ?, ?)",
        [load_id, NOW, len(rows)],
    )
    for line, row in enumerate(rows, start=1):
        columns = ", ".join(row)
        places = ", ".join("?" * (len(row) + 2))
        connection.execute(
            f"insert into raw.canonical (_load_id, _line, {columns}) values ({places})",
            [load_id, line, *row.values()],
        )


@pytest.fixture
def erased(connection, home):
    """A warehouse in which Anna was erased, who shared a tablet with Bert."""
    connection.execute(
        """
        create or replace view main.stg_canonical as
        select _load_id as load_id, _line as line, visitor_id, user_id, event_type,
            try_cast(event_at as timestamptz) at time zone 'UTC' as event_at
        from raw.canonical
        """
    )
    connection.execute("set TimeZone = 'UTC'")
    for line, (visitor, user, owner, event_type) in enumerate(EVENTS, start=1):
        id_, at = f"e{line}", datetime(2026, 3, 1, 10, line)
        land_row = {"event_id": id_, "visitor_id": visitor, "user_id": user, "event_at": f"{at}Z"}
        columns = "_load_id, _line, event_type, " + ", ".join(land_row)
        connection.execute(
            f"insert into raw.canonical ({columns}) values (1, ?, ?, ?, ?, ?, ?)",
            [line, event_type, *land_row.values()],
        )
        connection.execute(
            "insert into main.events values ('canonical', ?, ?, ?, ?, ?, ?)",
            [id_, visitor, user, owner, at, line],
        )
        connection.execute(
            "insert into main.candidate_events values ('canonical', ?, 1, ?, ?, ?, ?, ?)",
            [id_, line, visitor, user, at, event_type],
        )
    erasure.mark(connection, home, SOURCES, Subject("user", ANNA), NOW)
    plan = erasure.find(connection, SOURCES, Plan.of(Subject("user", ANNA)))
    erasure.remove(connection, home, SOURCES, plan, NOW)
    return connection


def left_out(connection, home) -> list[int]:
    """The lines of load 2 that are set aside; the others are there."""
    landed = returned.landed_sources(connection, SOURCES)
    returned.leave_out_mentions(connection, home.erasure_key, landed)
    judged = returned.sources_to_judge(connection, home.erasure_key, landed, [])
    returned.leave_out_erased(connection, home.erasure_key, judged, Settings())
    there, gone = (
        [line for (line,) in connection.execute(query).fetchall()]
        for query in (
            "select _line from raw.canonical where _load_id = 2 order by 1",
            "select line from raw.unreadable_rows where load_id = 2 and reason = 'erased'"
            " and raw_row is null order by 1",
        )
    )
    assert not {*there} & {*gone}
    return gone


def test_what_named_nobody_on_a_shared_device_stays_erased_in_any_form(erased, home):
    visit = {"visitor_id": TABLET}
    land(
        erased,
        2,
        visit | {"event_at": "2026-03-01T10:01:00+00:00", "event_type": "view_item"},
        visit | {"event_at": "2026-03-01 12:03:00.000+02:00", "event_type": "Add To Cart"},
        # Bert's, another visit's, and what nobody ever delivered
        visit | {"event_at": "2026-03-01T10:05:00+00:00", "event_type": "view_item"},
        visit | {"event_at": "2026-03-01T10:03:00+00:00", "event_type": "view_item"},
        {"visitor_id": PHONE, "event_at": "2026-03-01T10:01:00Z", "event_type": "view_item"},
        visit | {"event_at": "never", "event_type": "view_item"},
    )
    assert left_out(erased, home) == [1, 2]


def test_without_rows_of_a_shared_device_no_view_is_asked(erased, home):
    land(erased, 2, {"visitor_id": PHONE, "event_at": "2026-03-01T10:01:00Z"})
    landed = returned.landed_sources(erased, SOURCES)
    assert landed == [CANONICAL]
    assert returned.sources_to_judge(erased, home.erasure_key, landed, []) == []
    assert returned.sources_to_judge(erased, home.erasure_key, landed, ["canonical"]) == landed


@pytest.mark.parametrize(
    ("text", "is_theirs"),
    [
        ("https://shop.example/?mail=Anna.Muster%2Bnews%40shop.example", True),
        ("https://shop.example/?mail=anna.muster%252Bnews%2540shop.example&x=1", True),
        ('{"to": "ANNA.MUSTER+news\\u0040shop.example"}', True),
        ("written to Anna.Muster+news@shop.example, thanks", True),
        ("https://shop.example/?mail=hanna.muster%2Bnews%40shop.example", False),
        ("https://shop.example/?mail=anna.muster%2Bnews%40shop.example.net", False),
        ("anna.muster news shop.example", False),
    ],
)
def test_a_row_that_says_an_erased_address_is_left_out(connection, home, text, is_theirs):
    connection.execute("insert into main.candidate_events (load_id) values (1)")
    erasure.mark(connection, home, SOURCES, Subject("email", MAIL.lower()), NOW)
    land(
        connection,
        2,
        {"visitor_id": PHONE, "event_at": "2026-03-02T10:00:00Z", "page_url": text},
        {"visitor_id": PHONE, "event_at": "2026-03-02T10:00:01Z", "page_url": "/bert@shop.example"},
    )
    assert left_out(connection, home) == ([1] if is_theirs else [])


def test_nothing_is_looked_at_again_once_it_is_in_the_log(erased):
    row = {"visitor_id": TABLET, "event_at": "2026-03-01T10:01:00Z", "event_type": "view_item"}
    land(erased, 2, row)
    erased.execute("insert into main.candidate_events (load_id) values (2)")
    assert returned.landed_sources(erased, SOURCES) == []
