"""A person is erased from the vault, and corrections can be made and erased."""

import json
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import duckdb
import pytest

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.encryption import database_key
from orchestration.ground.errors import ComebackError, WrongUsage
from orchestration.ground.home import Home
from orchestration.ground.sealed_files import MARK, opened
from orchestration.ground.settings import Settings
from orchestration.landing.files import content_hash
from orchestration.landing.locations import configured_locations, land_locations, sources_in
from orchestration.people import vault
from orchestration.people.known_at import know_people_at
from orchestration.privacy import access, erasure, rectified
from orchestration.privacy.erasure_records import (
    Plan,
    Subject,
    interrupted,
    read_pending,
    write_pending,
)
from orchestration.warehouse.database import ensure_score_tables

NOW = datetime(2026, 3, 9, 12)
SOURCES = sources_in(DBT_PROJECT)
ANNA, BERT = "anna-7431-account", "bert-5521-account"
PROFILES = f"""user_id,email,phone,country,email_consent,updated_at
{ANNA},Anna@shop.example,0151 23456789,DE,granted,2026-03-01T10:00:00Z
{ANNA},both@shop.example,0151 23456789,DE,granted,2026-03-02T10:00:00Z
{BERT},both@shop.example,0151 99456789,DE,granted,2026-03-01T10:00:00Z
"""
SUPPRESSIONS = """channel,email,phone,reason,suppressed_at
email,ANNA@shop.example,,bounced,2026-03-01
sms,,+49 151 23456789,manual,2026-03-01
email,BOTH@shop.example,,manual,2026-03-01
"""
AGAIN = {
    "profiles/b.jsonl": f'{{"updated_at": "2026-03-01T10:00:00+00:00", "user_id": " {ANNA}"}}\n',
    "suppressions/b.csv": 'suppressed_at,email,phone\n2026-03-01,"A. <anna@SHOP.example>",\n'
    "2026-03-01,,0049 (151) 23456789\n2026-03-01,,0151/23456789\n2026-03-01,carl@shop.example,\n",
}


@pytest.fixture
def home(tmp_path) -> Home:
    home = Home(tmp_path)
    home.prepare()
    put(home, {"profiles/a.csv": PROFILES, "suppressions/a.csv": SUPPRESSIONS})
    put(home, {"erasures/a.csv": f"user_id,requested_at\n{ANNA},2026-03-02T00:00:00Z\n"})
    return home


@pytest.fixture
def connection(home):
    """A warehouse with people, and a log of one event of each."""
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("set TimeZone = 'UTC'")
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
        for user in (ANNA, BERT):
            connection.execute(
                "insert into main.events values ('canonical', $1, 'phone-' || $1, $1, $1, $2, 1)",
                [user, NOW],
            )
        land(connection, home)
        yield connection


def put(home: Home, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = home.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def land(connection, home: Home) -> None:
    locations = configured_locations(home, Settings(), SOURCES)
    land_locations(connection, home, SOURCES, locations, datetime.now(UTC))
    vault.settle(connection, SOURCES, Settings())


def rows(connection, query: str) -> list[tuple]:
    return connection.execute(query).fetchall()


def test_whoever_is_erased_leaves_the_vault_and_does_not_come_back(connection, home):
    subject = Subject("user", ANNA)
    erasure.mark(connection, home, SOURCES, subject, NOW)
    plan = erasure.find(connection, SOURCES, Plan.of(subject))
    assert plan.rows == {"vault.erasures": 1, "vault.profiles": 2, "vault.suppressions": 2}
    # the address that Bert has too is not hers alone
    assert plan.emails == {"Anna@shop.example", "ANNA@shop.example", "anna@shop.example"}
    assert plan.phones == {"0151 23456789", "+49 151 23456789", "+4915123456789"}
    erasure.remove(connection, home, SOURCES, plan, NOW)
    vault.settle(connection, SOURCES, Settings())
    put(home, AGAIN)
    land(connection, home)
    assert rows(connection, "select user_id, email from vault.profiles") == [
        (BERT, "both@shop.example")
    ]
    assert rows(connection, "select email from vault.suppressions order by 1") == [
        ("BOTH@shop.example",),
        ("carl@shop.example",),
    ]
    assert rows(connection, "select * from vault.erasure_requests") == []
    assert rows(connection, "select reason, count(*) from raw.unreadable_rows group by 1") == [
        ("erased", 9)
    ]


@pytest.mark.usefixtures("with_and_without_key")
def test_a_correction_is_a_profile_of_its_own_and_goes_with_the_person(connection, home):
    fields = rectified.parsed(
        ["email=new@shop.example", "phone=", "attr_tier=gold"], SOURCES["profiles"]
    )
    path = rectified.write(connection, home, BERT, fields, NOW)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert BERT not in path.name
    assert (b"new@shop.example" in path.read_bytes()) is not bool(database_key())
    land(connection, home)
    assert rows(
        connection,
        "select email, phone, country, email_consent, sms_consent, updated_at, attributes"
        f" from vault.profile_versions where user_id = '{BERT}' order by updated_at desc limit 1",
    ) == [("new@shop.example", None, "DE", True, False, NOW, '{"attr_tier":"gold"}')]
    rectified.remove(connection, home, [ANNA])
    assert path.exists()
    rectified.remove(connection, home, [BERT])
    assert not path.exists()
    assert rows(connection, "select count(*) from raw.files where file like '%jsonl'") == [(0,)]


def test_corrections_of_before_the_key_are_encrypted_and_not_landed_again(
    connection, home, request
):
    path = rectified.write(connection, home, BERT, {"email": "new@shop.example"}, NOW)
    land(connection, home)
    before = rows(connection, "from vault.profile_versions order by all")
    content = path.read_bytes()
    request.getfixturevalue("key")
    for _ in range(2):
        rectified.seal(connection, home)
        kept = path.read_bytes()
        assert (b"new@shop.example" in kept, opened(kept)) == (False, content)
        land(connection, home)
        assert rows(connection, "from vault.profile_versions order by all") == before
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_correction_stays_known_if_whoever_encrypted_it_was_killed(connection, home, request):
    path = rectified.write(connection, home, BERT, {"email": "new@shop.example"}, NOW)
    land(connection, home)
    known = "select load_id, content_hash = ? from raw.files where file like '%jsonl'"
    [(load_id, _)] = connection.execute(known, [""]).fetchall()
    request.getfixturevalue("key")
    killed = Mock()
    killed.execute.side_effect = KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        rectified.seal(killed, home)
    assert path.read_bytes().startswith(MARK)
    rectified.seal(connection, home)
    land(connection, home)
    assert connection.execute(known, [content_hash(path)]).fetchall() == [(load_id, True)]


CONSENT_SET = [
    ([], True, "unsubscribed"),
    (["phone=+4915199999999"], True, "unsubscribed"),
    (["email_consent=denied"], False, "unsubscribed"),
    (["phone=", "email_consent=granted"], True, None),
]


@pytest.mark.parametrize(("assignments", "is_granted", "reason"), CONSENT_SET)
def test_only_a_consent_that_is_set_lifts_an_unsubscription(
    connection, home, assignments, is_granted, reason
):
    channels = "channel,user_id,reason,suppressed_at\n"
    since = f"{ANNA},unsubscribed,2026-03-05\nemail,{ANNA},complaint,2026-03-05\n"
    put(home, {"suppressions/c.csv": f"{channels}email,{since}"})
    land(connection, home)
    fields = rectified.parsed(assignments, SOURCES["profiles"])
    path = rectified.write(connection, home, ANNA, fields, NOW)
    # the shop's next row says what it has: a consent that it always had
    later = f"{ANNA},both@shop.example,,DE,{'granted' if is_granted else 'denied'},2026-03-09T13:00"
    put(home, {"profiles/c.csv": f"{PROFILES.splitlines()[0]}\n{later}:00Z\n"})
    land(connection, home)
    for at in (NOW + timedelta(seconds=1), NOW + timedelta(hours=2)):
        know_people_at(connection, at)
        consent = f"select email_consent from vault.current_profiles where user_id = '{ANNA}'"
        assert rows(connection, consent) == [(is_granted,)]
        found = rows(
            connection,
            "select reason from vault.current_suppressions"
            f" where user_id = '{ANNA}' and channel = 'email' and reason <> 'bounced'"
            " and reason <> 'manual' order by reason",
        )
        assert found == [(each,) for each in ("complaint", reason) if each]
    rectified.remove(connection, home, [ANNA])
    assert not path.exists()


def test_an_erasure_that_was_killed_is_known_until_its_search(home):
    home.erasures.mkdir()
    assert interrupted(home) == []
    plan = Plan(frozenset(["phone-1"]), frozenset([ANNA]), frozenset(["a@b.example"]))
    write_pending(home, plan)
    assert interrupted(home) == [Subject("user", ANNA), Subject("visitor", "phone-1")]
    write_pending(home, plan, is_searched=True)
    assert interrupted(home) == []
    assert read_pending(home) == plan


def test_only_fields_of_a_profile_can_be_set_and_no_value_is_shown():
    for text in ("user_id=x", "updated_at=2026", "secret", "shoe=38"):
        with pytest.raises(WrongUsage, match="is no field of a profile") as error:
            rectified.parsed([text], SOURCES["profiles"])
        assert "=" not in str(error.value).split(",")[0]


@pytest.mark.parametrize(
    ("field", "usable", "unusable"),
    [
        ("country", ("AT", "aut", "United Kingdom", "", " "), ("\u00d6sterreich", "XX")),
        ("time_zone", ("Europe/Vienna", " UTC ", ""), ("Mars/Base", "europe/vienna", "CEST+1")),
    ],
)
def test_a_value_that_would_be_lost_is_refused_and_not_shown(field, usable, unusable):
    for value in usable:
        assert rectified.parsed([f"{field}={value}"], SOURCES["profiles"]) == {field: value}
    for value in unusable:
        with pytest.raises(WrongUsage, match=f"'{field}' cannot be what was given") as error:
            rectified.parsed([f"{field}={value}"], SOURCES["profiles"])
        assert value not in str(error.value)


def test_nobody_is_corrected_of_whom_nothing_is_known(connection, home):
    with pytest.raises(ComebackError, match="no profile of this user has landed"):
        rectified.write(connection, home, "nobody-0001", {"email": "x@y.example"}, NOW)


def test_access_shows_what_an_erasure_would_delete_and_nothing_of_others(connection):
    values = json.loads(access.person(connection, SOURCES, Subject("user", ANNA)))
    assert (values["user"], values["visitors"]) == (ANNA, [f"phone-{ANNA}"])
    delivered = values["delivered"]
    assert {name: len(found) for name, found in delivered.items()} == {
        "erasures": 1,
        "profiles": 2,
        "suppressions": 2,
    }
    assert delivered["suppressions"][1] == {
        "file": "a.csv",
        "line": 3,
        "channel": "sms",
        "phone": "+49 151 23456789",
        "reason": "manual",
        "suppressed_at": "2026-03-01",
    }
    assert BERT not in json.dumps(values)
    with pytest.raises(ComebackError, match="no row names this user"):
        access.person(connection, SOURCES, Subject("user", "nobody-0001"))


def test_access_shows_plans_arms_outcomes_lines_and_what_was_exported(connection):
    connection.execute(
        "create table main.carts as select * from (values"
        f" ('c1', 'phone-{ANNA}', null, timestamp '2026-03-01'),"
        f" ('c2', 'tablet', '{ANNA}', timestamp '2026-03-01'),"
        f" ('c3', 'tablet', '{BERT}', timestamp '2026-03-02'))"
        " as carts (cart_id, visitor_id, owner_id, started_at)"
    )
    connection.execute(
        "create table main.orders as select cart_id as order_key, visitor_id, owner_id"
        " from main.carts"
    )
    for lines, key in (
        *(("cart_lines", "cart_id"), ("order_lines", "order_key")),
        ("order_items", "order_key"),
    ):
        connection.execute(
            f"create table main.{lines} as select unnest(['c1', 'c2', 'c3']) as {key},"
            " 'tablet' as visitor_id, unnest(['i1', 'i2', 'i3']) as item_id"
        )
    for table, time in (("cart_scores", "scored_at"), ("contact_plans", "planned_at")):
        connection.execute(
            f"insert into scores.{table} by name select timestamp '2026-03-05' as {time},"
            " cart_id, visitor_id, owner_id from main.carts"
        )
    connection.execute(
        "insert into scores.score_outcomes by name"
        " select scored_at, cart_id from scores.cart_scores"
    )
    connection.execute(
        "insert into scores.holdout_arms (person_id, assigned_at) values ('tablet', $1),"
        f" ('user:{ANNA}', $1), ('phone-{ANNA}', $1)",
        [NOW],
    )
    connection.execute(
        "insert into scores.experiment_arms (experiment, person_id, arm) values"
        f" ('subject', 'user:{ANNA}', 'short'), ('subject', 'user:{BERT}', 'plain')"
    )
    for table in ("contact_log", "withheld_contacts"):
        connection.execute(
            f"insert into scores.{table} (contact_id, person_id, cart_id) values"
            f" ('1', 'user:{ANNA}', 'c1'), ('2', 'user:{BERT}', 'c9')"
        )
    connection.execute(
        "create table vault.export_members as select * from (values"
        f" ('email', 'user:{ANNA}', 'a@shop.example', 'a@shop.example,high', $1),"
        " ('stops', 'anna@shop.example', 'anna@shop.example', 'anna@shop.example,bounced,', $1),"
        " ('stops', 'both@shop.example', 'both@shop.example', 'both@shop.example,manual,', $1),"
        f" ('email', 'user:{BERT}', 'b@shop.example', 'b@shop.example,low', $1))"
        " as members (export, person_id, identifier, row, listed_at)",
        [NOW],
    )
    connection.execute(
        "create table main.trigger_events as select 't' as trigger,"
        f" unnest(['user:{ANNA}', 'user:{BERT}', 'phone-{ANNA}']) as person_id"
    )
    values = json.loads(access.person(connection, SOURCES, Subject("user", ANNA)))
    fired = [each["person_id"] for each in values["trigger_events"]]
    assert fired == [f"phone-{ANNA}", f"user:{ANNA}"]
    for name in ("contact_log", "withheld_contacts"):
        assert [each["person_id"] for each in values[name]] == [f"user:{ANNA}"], name
    for name in ("carts", "cart_scores", "contact_plans", "score_outcomes", "cart_lines"):
        assert [each["cart_id"] for each in values[name]] == ["c1", "c2"], name
    for name in ("order_lines", "order_items"):
        assert [each["item_id"] for each in values[name]] == ["i1", "i2"], name
    arms = [each["person_id"] for each in values["holdout_arms"]]
    assert arms == [f"phone-{ANNA}", f"user:{ANNA}"]
    assert [each["arm"] for each in values["experiment_arms"]] == ["short"]
    assert values["export_members"] == [
        {
            "export": "email",
            "person_id": f"user:{ANNA}",
            "identifier": "a@shop.example",
            "row": "a@shop.example,high",
            "listed_at": str(NOW),
        },
        # by the address that is hers alone
        {
            "export": "stops",
            "person_id": "anna@shop.example",
            "identifier": "anna@shop.example",
            "row": "anna@shop.example,bounced,",
            "listed_at": str(NOW),
        },
    ]
    assert BERT not in json.dumps(values)
