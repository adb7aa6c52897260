"""Whom an erasure concerns, what the proof finds, and that a killed erasure can be repeated."""

import json
from datetime import datetime

import dagster as dg
import duckdb
import pytest

from orchestration.cli import main
from orchestration.dagster import erase_job
from orchestration.dagster.in_process import Launcher
from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.ground.own_files import faults_in
from orchestration.ground.settings import Settings
from orchestration.privacy import erasure, residue_search
from orchestration.privacy.erasure_records import Plan, Subject

from .conftest import ANNA, NOW, SOURCES

BERT = "bert-5521-account"
PHONE, TABLET = "phone-of-anna-01", "tablet-kitchen-77"


def log(connection, *events: tuple[str, str | None, str | None]) -> None:
    """Canonical events (visitor, user, owner), one a minute, each from a line of load 1."""
    for line, (visitor, user, owner) in enumerate(events, start=1):
        id_, at = f"e{line}", datetime(2026, 3, 1, 10, line)
        connection.execute(
            "insert into main.events values ('canonical', ?, ?, ?, ?, ?, ?)",
            [id_, visitor, user, owner, at, line],
        )
        connection.execute(
            "insert into main.candidate_events values ('canonical', ?, 1, ?, ?, ?, ?, 'page_view')",
            [id_, line, visitor, user, at],
        )
        connection.execute(
            "insert into raw.canonical (_load_id, _line, event_id, visitor_id, user_id)"
            " values (1, ?, ?, ?, ?)",
            [line, id_, visitor, user],
        )
    connection.execute(
        "insert into raw.files (load_id, source, file, content_hash, byte_size, landed_at,"
        " rows_read) values (1, 'canonical', 'march.csv', 'hash', 1, ?, ?)",
        [NOW, len(events)],
    )


def erased_lines(connection, plan: Plan) -> tuple[Plan, list[int]]:
    found = erasure.find(connection, SOURCES, plan)
    rows = connection.execute("select line from erased_rows order by line").fetchall()
    return found, [line for (line,) in rows]


def test_a_user_takes_along_the_visitors_that_nobody_else_signed_in_on(connection):
    log(
        connection,
        (PHONE, None, None),
        (PHONE, ANNA, ANNA),
        (PHONE, None, ANNA),
        ("other-phone-0001", None, None),
        (f"user:{ANNA}", ANNA, ANNA),
    )
    found, lines = erased_lines(connection, Plan.of(Subject("user", ANNA)))
    assert lines == [1, 2, 3, 5]
    assert found.visitors == {PHONE, f"user:{ANNA}"}
    assert (found.rows, found.files) == ({"raw.canonical": 4}, {"canonical: march.csv"})


@pytest.mark.parametrize(
    ("first", "second", "lines"), [(ANNA, BERT, [1, 2, 3]), (BERT, ANNA, [4, 5])]
)
def test_of_a_shared_device_goes_what_was_theirs_and_what_came_before_the_first_sign_in(
    connection, first, second, lines
):
    log(
        connection,
        (TABLET, None, None),
        (TABLET, first, first),
        (TABLET, None, first),
        (TABLET, second, second),
        (TABLET, None, second),
    )
    found, erased = erased_lines(connection, Plan.of(Subject("user", ANNA)))
    assert erased == lines
    assert found.visitors == set()


def test_a_visitor_goes_alone(connection):
    log(connection, (PHONE, None, None), (PHONE, ANNA, ANNA), (TABLET, ANNA, ANNA))
    found, lines = erased_lines(connection, Plan.of(Subject("visitor", PHONE)))
    assert lines == [1, 2]
    assert (found.visitors, found.users) == ({PHONE}, set())


def test_every_copy_of_an_erased_event_goes_also_one_that_names_nobody(connection):
    log(connection, (TABLET, ANNA, ANNA), (TABLET, BERT, BERT))
    connection.execute(
        "insert into main.candidate_events (source, event_id, load_id, line)"
        " values ('canonical', 'e1', 2, 1)"
    )
    connection.execute(
        "insert into raw.canonical (_load_id, _line, event_id, visitor_id) values (2, 1, 'e1', ?)",
        [TABLET],
    )
    erasure.find(connection, SOURCES, Plan.of(Subject("user", ANNA)))
    rows = connection.execute("select load_id, line, is_named from erased_rows order by all")
    assert rows.fetchall() == [(1, 1, True), (2, 1, False)]


def test_a_row_of_another_goes_if_it_mentions_an_id_that_can_be_nothing_else(connection):
    log(connection, *[(TABLET, None, None)] * 4)
    for line, text in enumerate((f"/?by={PHONE}", f"/?by={PHONE}2", "/item/4711", PHONE), start=1):
        connection.execute("update raw.canonical set page_url = ? where _line = ?", [text, line])
    plan = Plan(visitors=frozenset([PHONE, "4711"]))
    assert erased_lines(connection, plan)[1] == [1, 4]


def test_what_is_removed_stays_as_lines_without_text_and_as_tombstones(connection, home):
    log(connection, (PHONE, ANNA, ANNA), (TABLET, BERT, BERT))
    for table in ("unreadable_rows", "repaired_rows"):
        connection.execute(
            f"insert into raw.{table} values (1, 8, 'x', 'y', ?), (1, 9, 'x', 'y', ?)",
            [f"0,{PHONE},", f"0,{PHONE}2,"],
        )
    connection.execute(
        "insert into scores.cart_scores (scored_at, cart_id, visitor_id, owner_id) values"
        " ('2026-11-05', 'c1', ?, null), ('2026-11-05', 'c2', ?, ?), ('2026-11-05', 'c3', ?, ?)",
        [PHONE, TABLET, ANNA, TABLET, BERT],
    )
    connection.execute(
        "insert into scores.score_outcomes by name"
        " select scored_at, cart_id from scores.cart_scores"
    )
    plan = erasure.find(connection, SOURCES, Plan.of(Subject("user", ANNA)))
    erasure.remove(connection, home, SOURCES, plan, NOW)
    assert connection.execute("select _line from raw.canonical").fetchall() == [(2,)]
    for table in ("cart_scores", "score_outcomes"):
        assert connection.execute(f"select cart_id from scores.{table}").fetchall() == [("c3",)]
    texts = "select line, reason, raw_row from raw.{} order by line"
    assert connection.execute(texts.format("unreadable_rows")).fetchall() == [
        (1, "erased", None),
        (8, "erased", None),
        (9, "x", f"0,{PHONE}2,"),
    ]
    assert connection.execute(texts.format("repaired_rows")).fetchall() == [
        (8, "x", None),
        (9, "x", f"0,{PHONE}2,"),
    ]
    kinds = connection.execute("select kind, length from raw.tombstones order by kind").fetchall()
    assert kinds == [("user", len(ANNA)), ("visitor", len(PHONE))]
    assert plan.rows == {
        "raw.canonical": 1,
        "raw.unreadable_rows": 1,
        "raw.repaired_rows": 1,
        "scores.cart_scores": 2,
    }


def test_plans_and_arms_of_the_erased_go_and_those_of_others_stay(connection, home):
    log(connection, (PHONE, ANNA, ANNA), (TABLET, BERT, BERT))
    connection.execute(
        "insert into scores.contact_plans (planned_at, cart_id, visitor_id, owner_id) values"
        f" (?, 'c1', '{PHONE}', null), (?, 'c2', '{TABLET}', '{ANNA}'),"
        f" (?, 'c3', '{TABLET}', '{BERT}')",
        [NOW] * 3,
    )
    people = [PHONE, TABLET, f"user:{ANNA}", f"user:{BERT}"]
    connection.execute(
        "insert into scores.holdout_arms (person_id, assigned_at) select unnest(?), ?",
        [people, NOW],
    )
    plan = erasure.find(connection, SOURCES, Plan.of(Subject("user", ANNA)))
    assert plan.rows["scores.contact_plans"] == plan.rows["scores.holdout_arms"] == 2
    erasure.remove(connection, home, SOURCES, plan, NOW)
    assert connection.execute("select cart_id from scores.contact_plans").fetchall() == [("c3",)]
    left = connection.execute("select person_id from scores.holdout_arms order by 1").fetchall()
    assert left == [(TABLET,), (f"user:{BERT}",)]


@pytest.mark.parametrize("table", ["contact_log", "withheld_contacts"])
def test_contacts_of_the_erased_go_and_those_of_others_stay(connection, home, table):
    """By the person, and by a cart of theirs that somebody else's contact was about."""
    log(connection, (PHONE, ANNA, ANNA), (TABLET, BERT, BERT))
    connection.execute(
        "insert into scores.cart_scores (scored_at, cart_id, visitor_id)"
        f" values (?, 'c2', '{PHONE}')",
        [NOW],
    )
    connection.execute(
        f"insert into scores.{table} (contact_id, person_id, cart_id) values"
        f" ('1', 'user:{ANNA}', 'c1'), ('2', 'user:{BERT}', 'c2'), ('3', 'user:{BERT}', 'c3')"
    )
    plan = erasure.find(connection, SOURCES, Plan.of(Subject("user", ANNA)))
    assert plan.rows[f"scores.{table}"] == 2
    erasure.remove(connection, home, SOURCES, plan, NOW)
    left = connection.execute(f"select contact_id from scores.{table}").fetchall()
    assert left == [("3",)]


def test_the_key_is_made_once_and_only_its_owner_can_read_it(connection, home):
    key = home.erasure_key.read_bytes()
    erasure.mark(connection, home, SOURCES, Subject("visitor", PHONE), NOW)
    assert home.erasure_key.read_bytes() == key
    assert home.erasure_key.stat().st_mode & 0o777 == 0o600
    home.erasure_key.unlink()
    with pytest.raises(ComebackError, match="restore the file from a backup"):
        erasure.mark(connection, home, SOURCES, Subject("visitor", PHONE), NOW)


@pytest.mark.parametrize("text", ["", " ", "0", "NULL", "anonymous"])
def test_an_id_that_means_nobody_is_refused(text):
    with pytest.raises(ComebackError, match="means nobody"):
        Subject.named("user", text)


def test_a_subject_and_a_plan_never_name_the_id():
    subject = Subject.named("user", f" {ANNA} ")
    assert subject.id == ANNA
    assert ANNA not in f"{subject} {subject!r} {Plan.of(subject)}"


@pytest.mark.parametrize(
    ("id_", "is_unmistakable"),
    [("1234567", False), ("12345678901", False), ("123456789012", True), ("a1b2c3d4", True)],
)
def test_a_short_id_may_be_a_number_of_something_else(id_, is_unmistakable):
    assert erasure.is_unmistakable(id_) == is_unmistakable


def test_the_proof_finds_an_id_in_a_column_and_in_the_bytes_of_a_file(connection, home):
    log(connection, (PHONE, None, None), (f"{TABLET}-2", None, None))
    connection.close()
    (home.dagster / "run.log").write_bytes(b"\0" + PHONE.encode() + b"7")
    (home.landing / "a.csv").write_text(PHONE)
    (home.root / f"{PHONE}.txt").write_text("")
    found = residue_search.search(home, Settings(), [PHONE]).found
    assert found == [
        "***.txt",
        "dagster/run.log",
        'warehouse main."candidate_events".visitor_id',
        'warehouse main."events".visitor_id',
        'warehouse raw."canonical".visitor_id',
        "warehouse.duckdb",
    ]


def test_a_longer_id_of_somebody_else_is_no_trace(connection, home):
    log(connection, (f"{TABLET}-2", None, None), ("4711", None, None))
    connection.execute("update raw.canonical set item_id = '4711', visitor_id = 'x'")
    for table in ("candidate_events", "events"):
        connection.execute(f"update main.{table} set visitor_id = 'x' where visitor_id = '4711'")
    connection.close()
    searched = residue_search.search(home, Settings(), [TABLET, "4711"])
    assert searched.found == []
    assert 'warehouse raw."canonical".item_id' in searched.ambiguous


DUMP = f"""event_id,visitor_id,user_id,event_at,event_type
1,{PHONE},,2026-03-01T10:00:00Z,view_item
2,{PHONE},{ANNA},2026-03-01T10:01:00Z,login
3,{TABLET},{BERT},2026-03-01T10:02:00Z,login
"""


class Killed(BaseException):
    """What a process meets that goes no further."""


def state(home: Home) -> list[tuple]:
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        return [
            connection.execute(query).fetchall()
            for query in (
                "select visitor_id from main.events",
                "select kind, hash from raw.tombstones order by all",
                "select line, reason, raw_row from raw.unreadable_rows order by all",
            )
        ]


@pytest.mark.heavy
@pytest.mark.parametrize(
    "written_wrong",
    # what the shop has written wrong stops no right of a person
    [(), ("segments/big.sql", "triggers/mine.yml", "sources/till.sql")],
)
def test_an_erasure_that_dies_is_completed_by_the_next(home, monkeypatch, written_wrong):
    monkeypatch.setenv("COMEBACK_HOME", str(home.root))
    (home.root / "march.csv").write_text(DUMP)
    assert main(["land", str(home.root / "march.csv"), "--source", "canonical"]) == 0

    def die(*_):
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr(erasure, "replace_warehouse", die)
        with Launcher(home, "erase") as launcher, pytest.raises(Killed):
            launcher.erase(Subject("user", ANNA))
    assert PHONE in (home.erasures / "pending.json").read_text()

    for file in written_wrong:
        (home.root / file).parent.mkdir(exist_ok=True)
        (home.root / file).write_text("wrong")
    assert len(faults_in(home)) == (2 if written_wrong else 0)
    assert main(["access", "--user", BERT]) == 0
    assert main(["erase", "--user", ANNA]) == 0
    (path,) = home.erasures.glob("2*.json")
    report = json.loads(path.read_text())
    assert (report["visitors"], report["rows"]) == (1, {"raw.canonical": 2})
    assert report["files_that_named_them"] == [f"canonical: {home.root}/march.csv"]
    visitors, _, set_aside = state(home)
    assert (visitors, set_aside) == ([(TABLET,)], [(2, "erased", None), (3, "erased", None)])
    assert not (home.erasures / "pending.json").exists()


@pytest.mark.heavy
def test_erasing_again_changes_nothing_and_whom_no_row_names_is_said(home, monkeypatch, capsys):
    monkeypatch.setenv("COMEBACK_HOME", str(home.root))
    (home.root / "march.csv").write_text(DUMP)
    assert main(["land", str(home.root / "march.csv"), "--source", "canonical"]) == 0
    assert main(["erase", "--user", ANNA]) == 0
    once = state(home)
    assert main(["erase", "--user", ANNA]) == 0
    assert state(home) == once
    assert main(["erase", "--visitor", "never-seen-0001"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "comeback: no row names this visitor, all that has landed was searched,"
        " check the id; a tombstone now keeps it out of files to come"
    )
    traces = [
        path
        for path in home.root.rglob("*")
        if path.is_file() and path.name != "march.csv" and b"never-seen-0001" in path.read_bytes()
    ]
    assert traces == []


def test_a_run_that_names_nobody_erases_nobody():
    with pytest.raises(dg.DagsterError) as error:
        erase_job.ERASE.execute_in_process(
            resources={
                "comeback": dg.ResourceDefinition.hardcoded_resource(None),
                "erasure": erase_job.no_subject,
            },
            instance=dg.DagsterInstance.ephemeral(),
        )
    assert "nobody was named" in str(error.value.__cause__)
