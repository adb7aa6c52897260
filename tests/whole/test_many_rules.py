"""Two hundred segments and fifty triggers of a shop's own: what an hour costs of each.

Belongs here: their cost, printed (`pytest -m heavy -s`), and that each of them says something. Not
here: who is in a segment, when a trigger fires (tests/rules).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from data.simulated_shop import write_shop
from orchestration.ground.home import Home
from orchestration.ground.settings import load_settings
from orchestration.landing.locations import Location, known_sources, land_locations
from orchestration.warehouse import database, dbt_build, people_build

pytestmark = [pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(7200)]

SEGMENTS, TRIGGERS = 200, 50
PERSONS, DAYS = 100_000, 10
START = datetime.fromisoformat("2026-10-01T00:00:00+00:00")
HOUR = timedelta(hours=1)
# Far above what was measured, far below what grows by a square.
MOST_SECONDS = 120.0

QUERIES: tuple[Callable[[int], str], ...] = (
    lambda number: f"from {{{{ ref('people') }}}} where session_count > {number % 5}",
    lambda number: (
        "from {{ ref('person_visits') }} where started_at > {{ as_of() }}"
        f" - interval '{number + 1}' hour group by 1"
    ),
    lambda number: (
        "from {{ ref('person_orders') }} where ordered_at > {{ as_of() }}"
        f" - interval '{number + 24}' hour group by 1"
    ),
    lambda number: (
        "from {{ ref('person_views') }} where last_viewed_at > {{ as_of() }}"
        f" - interval '{number + 1}' hour group by 1 having sum(view_count) > {number % 7}"
    ),
)
RULES: tuple[Callable[[int], str], ...] = (
    lambda number: (
        f"per: item\nwhen:\n  - {{at_least: {2 + number % 3}, of: view_item, within: 24h}}\n"
        f"  - {{none: purchase, within: {1 + number % 48}h}}"
    ),
    lambda number: (
        f"per: person\nwhen:\n  - {{at_least: 1, of: add_to_cart, within: {24 + number}h}}\n"
        "  - {none: purchase, since: add_to_cart}"
    ),
    lambda number: (
        f"per: cart\nwhen:\n  - {{cart: abandoned}}\n  - {{idle_at_least: {30 + number}m}}"
    ),
    lambda number: (
        "per: person\nwhen:\n  - {at_least: 2, of: view_item, distinct: item_category, within:"
        f" {4 + number}h}}\n  - {{idle_at_most: {1 + number % 24}h}}"
    ),
    lambda number: (
        f"per: person\nwhen:\n  - {{at_least: 1, of: search, within: {12 + number}h}}\n"
        "  - {none: view_item, since: search}"
    ),
)


@dataclass(frozen=True)
class Costs:
    """Seconds of the nodes of an hour's two steps, by name."""

    nodes: dict[str, float]

    def of(self, *names: str) -> float:
        return sum(self.nodes.get(name, 0.0) for name in names)

    def __str__(self) -> str:
        return (
            f"{SEGMENTS} segments {self.of('segment_members'):.1f} s, {TRIGGERS} triggers"
            f" {self.of('trigger_spans'):.1f} + {self.of('trigger_events'):.1f} s,"
            f" all nodes {sum(self.nodes.values()):.1f} s"
        )


def write_rules(home: Home) -> None:
    """The files of the shop's own rules."""
    (home.root / "segments").mkdir()
    (home.root / "triggers").mkdir()
    for number in range(SEGMENTS):
        name, path = f"s{number:03}", home.root / "segments"
        query = QUERIES[number % len(QUERIES)](number)
        (path / f"{name}.sql").write_text(f"select person_id {query}\n")
        (path / f"{name}.yml").write_text(
            f"version: 2\n\nmodels:\n  - name: {name}\n    description: Of a test.\n    config:\n"
            "      meta: {owner: tests, version: 1}\n    columns:\n      - name: person_id\n"
            "        description: \"{{ doc('member_id') }}\"\n"
        )
    for number in range(TRIGGERS):
        name, rule = f"t{number:03}", RULES[number % len(RULES)](number)
        (home.root / "triggers" / f"{name}.yml").write_text(
            f"name: {name}\nversion: 1\ndescription: Of a test.\n{rule}\ncooldown: 24h\n"
            "channel: email\n"
        )


def run(home: Home, folder: Path, hour: datetime) -> Costs:
    """Land what lies there, and build both steps of an hour; nobody's score is read."""
    settings = load_settings(home.root)
    with database.connect(home, settings) as connection:
        database.ensure_score_tables(connection)
        land_locations(
            connection,
            home,
            known_sources(home),
            [Location(str(folder), "canonical")],
            datetime.now(UTC),
        )
    first = dbt_build.build(home, settings, as_of=hour)
    first.require_success()
    second = people_build.build_people(home, settings, hour, lambda *_: None)
    second.require_success()
    nodes = [*first.nodes, *second.nodes]
    return Costs({node.unique_id.split(".")[2]: node.seconds for node in nodes})


def test_an_hour_of_many_segments_and_triggers_costs_seconds(tmp_path: Path):
    home = Home(tmp_path / "home")
    home.prepare()
    write_rules(home)
    dumps, newest = tmp_path / "dumps", tmp_path / "newest"
    write_shop(
        dumps,
        tmp_path / "truth",
        visitors=PERSONS,
        days=DAYS,
        seed=11,
        start=START,
        file_format="parquet",
    )
    end = (START + timedelta(days=DAYS)).replace(tzinfo=None)
    last = dumps / f"{end - HOUR:%Y-%m-%d/%H}.parquet"
    newest.mkdir()
    last = last.rename(newest / last.name)
    print("everything:", run(home, dumps, end - HOUR))
    of_an_hour = run(home, newest, end)
    print("an hour's rows:", of_an_hour)
    nothing_new = run(home, newest, end + HOUR)
    print("nothing new:", nothing_new)
    with database.connect(home, load_settings(home.root)) as connection:
        members = connection.execute(
            "select count(distinct segment), count(*) from main.segment_members"
        ).fetchall()[0]
        fired = connection.execute(
            "select count(distinct trigger), count(*) from main.trigger_events"
        ).fetchall()[0]
    print(f"{members[1]:,} members of {members[0]} segments, {fired[1]:,} firings of {fired[0]}")
    assert members[0] > SEGMENTS * 0.9
    assert fired[0] >= TRIGGERS
    for costs in (of_an_hour, nothing_new):
        assert costs.of("segment_members") < MOST_SECONDS
        assert costs.of("trigger_spans", "trigger_events") < MOST_SECONDS
