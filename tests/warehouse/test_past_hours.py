"""Hours that late rows change: what they cost dbt, and that they say what one run over everything
says."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.drafts import new_segment
from orchestration.ground import segments
from orchestration.ground.home import Home
from orchestration.ground.project import project_of
from orchestration.ground.refused_segments import Refusal, refuse
from orchestration.ground.segment_sql import is_like_at_every_hour
from orchestration.ground.settings import Settings
from orchestration.landing import ensure_raw_tables, find_files, land
from orchestration.landing.locations import known_sources
from orchestration.warehouse import database, dbt_build, past_hours, people_build
from orchestration.warehouse.build_result import BuildResult
from orchestration.warehouse.dbt_manifest import FINGERPRINT, parsed_project

HEADER = "event_id,visitor_id,user_id,event_at,event_type,item_id,item_category,price,currency"
BEGIN = datetime(2026, 3, 2)
HOURS = [BEGIN + timedelta(hours=each) for each in (24, 25, 27, 31, 40)]
EVERYTHING = "select * from scores.{} order by all"


@pytest.mark.parametrize(
    ("sql", "is_like"),
    [
        ("select person_id from {{ ref('people') }} where last_seen_at < {{ as_of() }}", True),
        ('select 1 from {{- ref("big") -}} {# {% if as_of() %} #}', True),
        ("select 1 from {{ source('scores', 'cart_scores') }} where scored_at = {{as_of()}}", True),
        ("select {{ as_of()[11:21] }}", False),
        ("select {{ epoch_us(as_of()) }}", False),
        ("{% if '00:00' in as_of() %} select 1 {% endif %}", False),
        ("select {{ var('as_of') }}", False),
        ("select 1 from {{ ref('people') }} {{ '{#' }} {{ as_of() | upper }} {{ '#}' }}", False),
    ],
)
def test_a_template_that_only_writes_the_hour_out_is_told_from_others(sql: str, is_like: bool):
    assert is_like_at_every_hour(sql) is is_like


@pytest.mark.slow
def test_the_hour_is_all_that_differs_in_what_dbt_makes_for_two_hours(tmp_path, monkeypatch):
    home, hour = Home(tmp_path), datetime(2026, 3, 29, 1)
    home.prepare()
    names = people_build._TO_SCORE
    of_any = past_hours.sql_of_any_hour(home, Settings(), names)
    assert of_any.keys() == {*names, "segment_members"}
    monkeypatch.setattr(past_hours, "_ANY_HOUR", hour)
    of_one = past_hours.sql_of_any_hour(home, Settings(), names)
    monkeypatch.undo()
    assert {name: past_hours._at(sql, hour) for name, sql in of_any.items()} == of_one
    # what it is elsewhere is not another thing for it
    manifest = parsed_project(home.dbt, (home.dbt / FINGERPRINT).read_text())
    assert manifest.nodes["model.comeback.people"].config.materialized == "rebuilt"


@pytest.fixture
def runs(monkeypatch) -> list[str]:
    """The commands that dbt runs."""
    commands, invoke = [], dbt_build.invoke

    def counted(home: Home, settings: Settings, args: Sequence[str], *others: object):
        commands.append(next(each for each in args if each in ("parse", "compile", "build", "run")))
        return invoke(home, settings, args, *others)

    monkeypatch.setattr(dbt_build, "invoke", counted)
    return commands


@pytest.mark.slow
@pytest.mark.heavy
def test_late_rows_change_many_hours_by_one_run_of_dbt_to_what_dbt_makes_of_everything(
    tmp_path, runs, monkeypatch
):
    rows, generator = log(), random.Random(5)
    late, at_once = (home_with_a_segment(tmp_path / name) for name in ("late", "at_once"))
    # each row comes at some hour after it happened, or with the last
    came = [generator.choice([hour for hour in HOURS if hour >= at] + HOURS[-1:]) for at, _ in rows]
    for hour in HOURS:
        deliver(late, hour, [row for (_, row), at in zip(rows, came, strict=True) if at == hour])
        runs.clear()
        scored = build(late, hour)
        assert scored == [(each, hour) for each in HOURS if each < hour]
        # the log, the SQL of all past hours, the hour
        assert runs[-3:] == (["run", "compile", "build"] if hour > HOURS[0] else runs[-3:])
        assert runs.count("run") == 1
    deliver(at_once, HOURS[-1], [row for _, row in rows])
    content = segments.digest(segments.segments_in(project_of(at_once)))
    with database.connect(at_once, Settings()) as connection:
        connection.executemany(
            "insert into scores.segment_hours (as_of, segments) values (?, ?)",
            [(hour, content) for hour in HOURS],
        )
    # dbt is asked hour for hour
    monkeypatch.setattr(past_hours, "sql_of_any_hour", lambda *_: None)
    build(at_once, HOURS[-1])
    for table in ("segment_history", "segment_sizes"):
        assert query(late, EVERYTHING.format(table)) == query(at_once, EVERYTHING.format(table))
    found = {*query(late, "select distinct segment from scores.segment_history")}
    assert found >= {(each,) for each in ("at_risk", "browsing_enthusiasts", "seen_lately", "vip")}


def test_dbt_builds_the_past_hours_that_cannot_be_asked(tmp_path, monkeypatch):
    home, done = Home(tmp_path), []
    home.prepare()

    def ask(_: object, sql: dict, hour: datetime) -> None:
        if hour == HOURS[1]:
            raise duckdb.ConversionException(sql["of"])
        done.append(("asked", hour))

    monkeypatch.setattr(past_hours, "sql_of_any_hour", lambda *_: {"of": "any hour"})
    monkeypatch.setattr(past_hours, "set_hour", lambda *_: None)
    monkeypatch.setattr(past_hours, "ask_members", ask)
    monkeypatch.setattr(
        people_build, "_run", lambda _, __, hour, select: done.append((select, hour))
    )
    monkeypatch.setattr(people_build.segment_history, "take", lambda *_, **__: None)
    people_build._take_past(home, Settings(), HOURS[:3], None)
    built = people_build.OF_A_PAST_HOUR
    assert done == [("asked", HOURS[0]), (built, HOURS[1]), (built, HOURS[2])]
    done.clear()
    people_build._take_past(home, Settings(), HOURS[:1], lambda hour: done.append(("scored", hour)))
    assert done == [("scored", HOURS[0]), ("asked", HOURS[0])]


def test_a_segment_that_fails_in_an_hour_keeps_no_late_rows_from_the_hours_before(
    tmp_path, monkeypatch
):
    home, asked, taken = Home(tmp_path), [], []
    home.prepare()
    _, sql = new_segment(home, "seen_lately")
    before = segments.digest(segments.segments_in(project_of(home)))
    sql.write_text("select person_id::int::text as person_id from {{ ref('people') }}\n")
    assert segments.digest(segments.segments_in(project_of(home))) != before

    def hours_to_take(_: object, as_of: datetime, there: dict) -> list[datetime]:
        # of other segments no hour before is looked at again
        return [HOURS[0], as_of] if segments.digest(there) == before else [as_of]

    def ask(*_: object, **options: object) -> BuildResult:
        asked.append(options["select"])
        if len(asked) == 1:
            refuse(home, "seen_lately", Refusal("its SQL failed", HOURS[1].date()))
        return BuildResult(())

    history = people_build.segment_history
    monkeypatch.setattr(history, "hours_to_take", hours_to_take)
    monkeypatch.setattr(history, "strangers", lambda _: [])
    monkeypatch.setattr(history, "take", lambda _, hour, __: taken.append(hour))
    monkeypatch.setattr(people_build, "_take_past", lambda _, __, hours, ___: taken.extend(hours))
    monkeypatch.setattr(people_build.segment_faults, "build", ask)
    people_build.build_people(home, Settings(), HOURS[1], lambda *_: None)
    assert taken == [HOURS[0], HOURS[1]]
    assert asked == [dbt_build.SECOND_STEP, (*dbt_build.SECOND_STEP, *people_build._TO_SCORE)]


def home_with_a_segment(root: Path) -> Home:
    home = Home(root)
    home.prepare()
    _, sql = new_segment(home, "seen_lately")
    sql.write_text(
        "select person_id from {{ ref('people') }}"
        " where last_seen_at > {{ as_of() }} - interval '9' hour and value_tier is null\n"
    )
    return home


def log() -> list[tuple[datetime, str]]:
    """Events of two days of some people, with their time, in order."""
    generator = random.Random(4)
    types = ("view_item", "view_item", "page_view", "add_to_cart", "add_to_cart", "purchase")
    rows = []
    for number in range(400):
        at = BEGIN + timedelta(minutes=generator.randrange(40 * 60))
        visitor, item = generator.randrange(25), generator.randrange(5)
        user = f"u{visitor // 2}" if generator.random() < 0.2 else ""
        event, price = generator.choice(types), generator.randrange(1, 90)
        rows.append(
            (
                at,
                f"e{number},v{visitor},{user},{at.isoformat()}Z,{event},i{item},c{item},{price},EUR",
            )
        )
    return sorted(rows)


def deliver(home: Home, hour: datetime, rows: Sequence[str]) -> None:
    """Land rows as a file of their own."""
    path = home.root / "dumps" / f"{hour:%d-%H}.csv"
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("\n".join((HEADER, *rows)) + "\n")
    sources = known_sources(home)
    with database.connect(home, Settings()) as connection:
        ensure_raw_tables(connection, sources)
        database.ensure_score_tables(connection)
        files = find_files(str(path), sources["canonical"])
        land(connection, files, sources["canonical"], landed_at=HOURS[-1].replace(tzinfo=UTC))


def build(home: Home, hour: datetime) -> list[tuple[datetime, datetime | None]]:
    """The two builds of an hour; what was to be scored meanwhile, where nobody has a score."""
    scored = []
    dbt_build.build(home, Settings(), as_of=hour, command="run").require_success()
    people_build.build_people(
        home, Settings(), hour, lambda *hours: scored.append(hours)
    ).require_success()
    return scored


def query(home: Home, select: str) -> list[tuple]:
    """The rows of a select."""
    with database.connect(home, Settings()) as connection:
        return connection.execute(select).fetchall()
