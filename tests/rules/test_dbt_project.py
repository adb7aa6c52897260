"""dbt's own tests: unit tests of the rules with a boundary, and the data tests on an empty log."""

import re
from collections import Counter
from datetime import datetime

import duckdb
import pytest
import yaml

from ml.abandonment.metrics import SNAPSHOT_AGES_HOURS
from ml.features import USER_PREFIX
from orchestration.ground.segments import segments_in
from orchestration.ground.settings import Settings
from orchestration.ground.settings_schema import Mark, marked
from orchestration.landing import ensure_raw_tables, load_sources
from orchestration.warehouse.database import ensure_score_tables
from orchestration.warehouse.dbt_build import dbt_vars, event_sources
from orchestration.warehouse.dbt_defaults import COMMAND, with_defaults
from orchestration.warehouse.reference_tables import ensure_reference_tables

from .dbt_runs import DATABASE, PROJECT, invoke
from .macros import macros

VARIABLES = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]


def test_the_project_builds_on_an_empty_log_and_all_its_tests_pass(dbt_parsed, tmp_path):
    """With the settings as dbt has them by itself; the sources and segments as they are found."""
    with duckdb.connect(str(tmp_path / f"{DATABASE}.duckdb")) as connection:
        ensure_raw_tables(connection, load_sources(PROJECT / "models" / "staging"))
        ensure_score_tables(connection)
        ensure_reference_tables(connection, datetime(2026, 1, 1))
    found = {"event_sources": event_sources(PROJECT), "segments": [*segments_in(PROJECT)]}
    variables = {"as_of": "2026-01-01T00:00:00", **found}
    built = invoke("build", dbt_parsed, PROJECT, tmp_path, variables)
    unit_tests = sum(
        file.read_text().count("\n  - name: ") for file in PROJECT.rglob("*_unit_tests.yml")
    )
    kinds = Counter(str(each.node.resource_type) for each in built.results)
    assert kinds["unit_test"] == unit_tests
    assert {str(each.status) for each in built.results} <= {"success", "pass"}


def test_by_itself_dbt_has_the_defaults_that_the_settings_declare():
    text = (PROJECT / "dbt_project.yml").read_text()
    assert with_defaults(text) == text, f"write them again: {COMMAND}"
    declared = dbt_vars(Settings())
    names = declared.pop("log_variables")
    # these are files, which orchestration finds: none of them is listed
    own = {"event_sources": ["canonical"], "segments": [], "triggers": []}
    assert all(declared.pop(name) for name in own)
    assert {name: VARIABLES[name] for name in own} == own
    assert {name: VARIABLES[name] for name in declared} == declared
    assert VARIABLES["log_variables"] == {name: declared[name] for name in names}


def test_the_ages_of_snapshots_are_those_by_which_models_are_measured():
    assert [minutes / 60 for minutes in VARIABLES["snapshot_ages_minutes"]] == [
        *SNAPSHOT_AGES_HOURS
    ]


def test_a_user_among_visitors_is_written_in_sql_as_in_frames():
    assert macros({}, "rules/persons.sql").user_as_visitor("id") == f"'{USER_PREFIX}' || id"


def test_a_variable_that_is_a_setting_is_marked_as_one():
    settings = VARIABLES.keys() & Settings.model_fields.keys()
    assert settings == {*marked(Settings, Mark.LOG), *marked(Settings, Mark.HOUR)}


# Snapshots and people are of an hour and are made whole in each.
OF_AN_HOUR = {"snapshots", "people", "segments"}
LOG_FOLDERS = sorted(
    path.name
    for path in (PROJECT / "models").iterdir()
    if path.is_dir() and path.name not in OF_AN_HOUR
)
# Nobody sets these; a source that has its first rows changes no row that is there.
UNSET = {"event_sources", "sources_with_rows", "triggers"}
# A trigger that fired at an hour fired then whichever hour it is now: the table only grows with it.
OF_THE_HOUR = {"triggers": {"as_of"}}


def variables_in(folder):
    text = "".join(file.read_text() for file in (PROJECT / "models" / folder).rglob("*.sql"))
    found = set(re.findall(r"""\bvar\(\s*['"](\w+)['"]""", with_macros(text)))
    return found - OF_THE_HOUR.get(folder, set())


@pytest.mark.parametrize("folder", LOG_FOLDERS)
def test_tables_of_the_log_depend_on_no_other_variable_than_those_of_their_fingerprint(folder):
    assert variables_in(folder) <= {*UNSET, *VARIABLES["log_variables"]}


def test_every_variable_of_the_log_is_found_where_it_is_used():
    found = set().union(*map(variables_in, LOG_FOLDERS))
    assert found == {*UNSET, *VARIABLES["log_variables"]}


def test_the_text_of_a_dispatched_macro_is_found():
    assert "* exclude" in with_macros("{{ all_except(['a']) }}")


def with_macros(text: str) -> str:
    """SQL with the text of the project's macros that it calls, and of those that these call.

    A dispatched macro calls that of any dialect.
    """
    macros = dict(
        re.findall(
            r"macro (\w+)\(.*?-?%}(.*?){%-? endmacro",
            "".join(file.read_text() for file in sorted((PROJECT / "macros").rglob("*.sql"))),
            re.DOTALL,
        )
    )
    called: dict[str, str] = {}
    ahead = [text]
    while ahead:
        part = ahead.pop()
        dispatched = set(re.findall(r"adapter\.dispatch\('(\w+)'\)", part))
        names = set(re.findall(r"\b(\w+)\(", part)) | {
            name for name in macros if name.partition("__")[2] in dispatched
        }
        for name in names & macros.keys() - called.keys():
            called[name] = macros[name]
            ahead.append(macros[name])
    return "".join([text, *called.values()])
