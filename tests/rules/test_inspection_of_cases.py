"""What `comeback inspect` says of the shared cases and of a sample of each source, against what a
run then makes of the same files.

Each folder is inspected by itself, in a home of its own; the run has all of them in one home, but
for those that name visitors of others, and dbt builds it once. What inspect has dbt build is
replayed here from one recording.
"""

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Set
from contextlib import nullcontext
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import duckdb
import pytest

from orchestration import inspection, inspection_trial
from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.landing import ensure_raw_tables
from orchestration.landing.locations import configured_locations, known_sources, land_locations
from orchestration.warehouse import database, dbt_build
from orchestration.warehouse.kept_statements import Statements
from tests.landing.dumps_of_systems import DUMPS, NOT_READ

from .ga4_export import hit, write_json
from .recording import NOTHING, Recording
from .segment_calls import track, write_calls

pytestmark = pytest.mark.heavy

# These have visitors and ids of other cases.
ALONE = {"passive_quote", "clock_ahead", "short_expiry_look_ahead"}
SOURCE_OF_CASES = {"c12_foreign_words": "segment", "f19_ga4_nested": "ga4"}
# Nothing in it can be read, so nothing says whose it is.
UNRECOGNIZED = {"f07_zip"}
TABLES = tuple(
    f"+file:{name}.sql"
    for name in ("landed_files", "set_aside_rows", "sessions", "carts", "orders")
)


@pytest.fixture(scope="module")
def folders(shared_cases: Path, shared_data: Path, tmp_path_factory) -> dict[str, tuple[str, Path]]:
    """By name the source and the folder of each case and sample."""
    cases = {path.name: path for path in sorted(shared_cases.iterdir()) if path.is_dir()}
    found = {name: (SOURCE_OF_CASES.get(name, "canonical"), path) for name, path in cases.items()}
    samples = tmp_path_factory.mktemp("samples")
    for name, rows in DUMPS.items():
        if name not in NOT_READ:
            (samples / name).mkdir()
            (samples / name / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
            found[f"sample_{name}"] = (name, samples / name)
    shoe = {"item_id": "shoe", "price": 19.9, "quantity": 1}
    hits = [hit("g1", "10:00", "add_to_cart", [shoe]), hit(None, "10:01", "page_view")]
    (samples / "ga4").mkdir()
    write_json(samples / "ga4" / "a.jsonl", hits)
    write_calls(samples / "segment" / "a.jsonl", [track("Product Added", "10:00", "s1", price=-1)])
    for name in ("rees46", "shopify_pixel"):
        (samples / name).mkdir()
        # one without a header line says nothing of whose it is
        files = sorted((shared_data / name).glob("*.csv"))
        first = next(path for path in files if "event_" in path.read_text().partition("\n")[0])
        with first.open() as lines:
            head = [*islice(lines, 200)]
        (samples / name / "a.csv").write_text("".join(head))
    for name in ("ga4", "segment", "rees46", "shopify_pixel"):
        found[f"sample_{name}"] = (name, samples / name)
    return found


@pytest.fixture(scope="module")
def ran(
    folders: dict[str, tuple[str, Path]], tmp_path_factory
) -> dict[str, duckdb.DuckDBPyConnection]:
    """By name the warehouse of a home in which it landed as delivered, and that was built."""
    together = folders.keys() - ALONE
    warehouse = _run(folders, together, tmp_path_factory.mktemp("home"))
    return dict.fromkeys(together, warehouse) | {
        name: _run(folders, {name}, tmp_path_factory.mktemp(name)) for name in ALONE
    }


def _run(
    folders: dict[str, tuple[str, Path]], names: Set[str], root: Path
) -> duckdb.DuckDBPyConnection:
    home, settings = Home(root), Settings()
    home.prepare()
    for name in names:
        source, folder = folders[name]
        shutil.copytree(folder, home.landing / source / name)
    sources = known_sources(home)
    with database.connect(home, settings) as connection:
        ensure_raw_tables(connection, sources)
        database.ensure_score_tables(connection)
        places = configured_locations(home, settings, sources)
        land_locations(connection, home, sources, places, datetime.now(UTC))
    dbt_build.build(home, settings, as_of=None, command="run", select=TABLES).require_success()
    return duckdb.connect(str(home.warehouse), read_only=True)


@pytest.fixture(scope="module")
def inspected(
    folders: dict[str, tuple[str, Path]], all_sources: Recording, tmp_path_factory
) -> Iterator[dict[str, list[str]]]:
    """What is said of each folder by itself, by name."""
    home = Home(tmp_path_factory.mktemp("empty") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inspection_trial, "statements_of", _recorded(all_sources))
        patch.setattr(inspection_trial, "asked_meanwhile", lambda *_: nullcontext(lambda: None))
        said = {}
        for name, (source, folder) in folders.items():
            if name in UNRECOGNIZED:
                with pytest.raises(ComebackError, match="no file that can be read"):
                    inspection.inspect(home, [str(folder)], None)
            given = source if name in UNRECOGNIZED else None
            said[name] = inspection.inspect(home, [str(folder)], given)
    return said


def _recorded(recording: Recording) -> Callable[..., Statements]:
    """What stands in for dbt: its own statements, for the models that are asked for."""

    def statements_of(*asked: object) -> Statements:
        *_, select, _kept_in = asked
        needs = {model.name: model.needs for model in recording.models}
        ahead = [name.removeprefix("+file:").removesuffix(".sql") for name in select]
        wanted: set[str] = set()
        while ahead:
            name = ahead.pop()
            if name not in wanted:
                wanted.add(name)
                ahead.extend(needs[name])
        return [
            *(("begin", statement) for statement in recording.begin[NOTHING]),
            *(
                (model.name, statement)
                for model in recording.models
                if model.name in wanted
                for statement in model.statements[NOTHING]
            ),
        ]

    return statements_of


def test_each_is_taken_for_what_it_is(folders, inspected):
    found = {name: said[0].split()[1].rstrip(":") for name, said in inspected.items()}
    assert found == {name: source for name, (source, _) in folders.items()}


def test_rows_become_events_and_are_set_aside_as_in_a_run(inspected, ran):
    for name, said in inspected.items():
        of_it = f"from landed_files where file like '{name}/%'"
        counted = ran[name].execute(
            "select count(*) filter (where skipped_reason is null), coalesce(sum(rows_read), 0),"
            " coalesce(sum(rows_accepted), 0), coalesce(sum(rows_duplicate), 0),"
            f" coalesce(sum(rows_dropped), 0), coalesce(sum(rows_repaired), 0) {of_it}"
        )
        ((files, rows, accepted, duplicate, dropped, repaired),) = counted.fetchall()
        assert (name, _numbers(said, "Files"), _numbers(said, "Rows")) == (
            name,
            [files, rows],
            [accepted, duplicate, dropped, repaired],
        )
        skipped = ran[name].execute(f"select skipped_reason {of_it} and skipped_reason is not null")
        assert (name, _ends(said, "Not read")) == (
            name,
            Counter(each for (each,) in skipped.fetchall()),
        )


def test_reasons_are_those_of_a_run(inspected, ran):
    for name, said in inspected.items():
        found = {
            (action, reason): int(count.replace(",", ""))
            for line in said
            for action, reason, count in re.findall(r"^(Dropped|Repaired) +(\w+): ([\d,]+) ", line)
        }
        expected = (
            ran[name]
            .execute(
                "select action, reason, count(*) from set_aside_rows"
                f" where file like '{name}/%' group by all"
            )
            .fetchall()
        )
        assert (name, found) == (
            name,
            {(action.capitalize(), reason): count for action, reason, count in expected},
        )


def test_files_that_would_stop_the_hour_are_those_that_do(inspected, ran):
    stopping = {
        name for name, said in inspected.items() if any("a run would stop" in x for x in said)
    }
    query = "select file from landed_files where is_suspect"
    files = [file for each in {*ran.values()} for (file,) in each.execute(query).fetchall()]
    assert stopping == {file.split("/")[0] for file in files}


def test_cases_end_in_as_many_sessions_carts_and_orders(inspected, ran):
    said = Counter()
    for name, lines in inspected.items():
        if not name.startswith("sample_"):
            (outcome,) = (line for line in lines if line.startswith("A run makes"))
            for count, noun in re.findall(r"([\d,]+) (session|cart|order)s?\b", outcome):
                said[noun] += int(count.replace(",", ""))
    of_cases = (
        "visitor_id in (select visitor_id from candidate_events inner join landed_files"
        " using (load_id) where file not like 'sample_%')"
    )
    made = Counter()
    for each in {*ran.values()}:
        for noun in ("session", "cart", "order"):
            query = f"select count(*) from {noun}s where {of_cases}"
            made[noun] += each.execute(query).fetchall()[0][0]
    assert said == made


def _numbers(said: list[str], word: str) -> list[int]:
    (line,) = (line for line in said if line.startswith(f"{word} "))
    return [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", line)]


def _ends(said: list[str], word: str) -> Counter[str]:
    return Counter(line.rsplit(": ", 1)[1] for line in said if line.startswith(word))
