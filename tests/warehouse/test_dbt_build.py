"""dbt's command line and what is made of its results."""

import json
import re
import shutil
from inspect import unwrap
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated

import pytest
import yaml
from pydantic import Field

from orchestration.drafts import new_segment
from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.ground.own_files import faults_in
from orchestration.ground.project import project_of
from orchestration.ground.settings import Settings
from orchestration.ground.settings_schema import Mark, marked
from orchestration.warehouse import dbt_build
from orchestration.warehouse.build_result import BuildResult, NodeResult
from orchestration.warehouse.dbt_build import SECOND_STEP, _refuse_named, dbt_args, dbt_vars
from orchestration.warehouse.dbt_defaults import with_defaults
from orchestration.warehouse.dbt_manifest import parsed_project, reason_phrases, uncompiled
from orchestration.warehouse.project_hashes import code_version, project_fingerprint


def node(unique_id: str, status: str, message: str = "") -> NodeResult:
    return NodeResult(unique_id, status, seconds=0.1, failures=None, message=message)


def test_the_settings_become_variables():
    settings = Settings(session_gap_minutes=20, passive_event_types=("refund",))
    variables = dbt_vars(settings)
    assert len(variables.pop("triggers")) == 7
    assert variables["log_variables"] == marked(Settings, Mark.LOG)
    assert variables == {
        "session_gap_minutes": 20,
        "passive_event_types": ["refund"],
        "bot_event_count": 1000,
        "bot_session_hours": 12,
        "clock_skew_minutes": 5,
        "cart_expiry_days": 30,
        "items_from_carts": False,
        "label_horizon_hours": 72,
        "scoring_window_days": 7,
        "time_zone": "UTC",
        "country": "",
        "log_variables": [
            "session_gap_minutes",
            "passive_event_types",
            "bot_event_count",
            "bot_session_hours",
            "clock_skew_minutes",
            "cart_expiry_days",
            "items_from_carts",
            "ids",
            "money",
            "address_rules",
        ],
        "address_rules": [],
        "money": {"reporting_currency": "", "rates": {}},
        "ids": {"placeholders": []},
        "event_sources": [
            "amplitude",
            "canonical",
            "ga4",
            "mixpanel",
            "rees46",
            "segment",
            "shopify_pixel",
            "snowplow",
            "tealium",
        ],
        "segments": [
            "at_risk",
            "browsing_enthusiasts",
            "dormant_buyers",
            "frequent_buyers",
            "likely_to_purchase",
            "new_visitors",
            "on_the_fence",
            "serial_abandoners",
            "unlikely_to_purchase",
            "vip",
        ],
        "engagement": {
            "days": 30,
            "half_life_days": 7,
            "points": 1,
            "long_minutes": 5,
            "long_points": 1,
            "many_views": 7,
            "many_views_points": 1,
            "add_points": 1,
        },
    }


def test_a_source_and_a_segment_are_two_files_each_and_listed_nowhere(tmp_path):
    project = tmp_path / "dbt_project"
    for part in ("models/staging", "models/segments", "triggers"):
        shutil.copytree(DBT_PROJECT / part, project / part)
    before = dbt_vars(Settings(), project=project)
    staging, segments = project / "models" / "staging", project / "models" / "segments"
    declared = (staging / "rees46.yml").read_text()
    (staging / "till.yml").write_text(declared.replace("rees46", "till"))
    (staging / "stg_till.sql").write_text((staging / "stg_rees46.sql").read_text())
    for name in ("vip.yml", "vip.sql"):
        written = (segments / name).read_text().replace("name: vip", "name: misers")
        (segments / name.replace("vip", "misers")).write_text(written)
    after = dbt_vars(Settings(), project=project)
    assert after["event_sources"] == sorted([*before["event_sources"], "till"])
    assert after["segments"] == sorted([*before["segments"], "misers"])
    # nor is any of those that there are, but for the one that stands for them in the linter
    listed = re.findall(r"[a-z0-9_]+", (DBT_PROJECT / "dbt_project.yml").read_text())
    assert {*before["event_sources"], *before["segments"]} & {*listed} == {"canonical"}


class TidalSettings(Settings):
    """One more setting of each kind."""

    tides: Annotated[int, Mark.LOG] = Field(2, description="How often the tide turns.")
    moons: Annotated[int, Mark.HOUR] = 1
    boats: int = 0


def test_a_setting_that_is_declared_is_handed_to_dbt_as_its_marks_say():
    before, after = dbt_vars(Settings()), dbt_vars(TidalSettings(tides=3))
    assert {name: after[name] for name in after.keys() - before.keys()} == {"tides": 3, "moons": 1}
    assert after["log_variables"] == [*before["log_variables"], "tides"]
    # and written, with its description, to where dbt by itself finds its default
    text = with_defaults((DBT_PROJECT / "dbt_project.yml").read_text(), TidalSettings)
    variables = yaml.safe_load(text)["vars"]
    assert "\n    # How often the tide turns.\n    tides: 2\n" in text
    assert (variables["moons"], "boats" in variables) == (1, False)
    assert variables["log_variables"] == {
        name: variables[name] for name in marked(TidalSettings, Mark.LOG)
    }


def test_defaults_are_written_between_their_marks_or_not_at_all():
    with pytest.raises(ValueError, match="lacks one of the lines"):
        with_defaults("vars:\n  as_of: x\n")


def test_the_hour_is_no_part_of_what_parsing_depends_on():
    assert "as_of" not in dbt_vars(Settings())


def test_dbt_is_called_quietly_and_writes_only_below_its_target():
    args = dbt_args(
        "build",
        project=Path("/repo/dbt_project"),
        target=Path("/home/dbt"),
        variables={"b": 1, "a": "x"},
        select=["+events", "carts"],
    )
    assert args == [
        "--quiet",
        "--no-use-colors",
        "--no-send-anonymous-usage-stats",
        "--no-version-check",
        "--log-level",
        "none",
        "--log-level-file",
        "none",
        "--no-write-json",
        "build",
        "--project-dir",
        "/repo/dbt_project",
        "--profiles-dir",
        "/repo/dbt_project",
        "--target-path",
        "/home/dbt",
        "--vars",
        '{"a": "x", "b": 1}',
        "--exclude-resource-type",
        "unit_test",
        "--select",
        "+events",
        "carts",
    ]


def test_the_manifest_is_written_when_parsing_only():
    def args(command: str) -> list[str]:
        return dbt_args(command, project=Path("p"), target=Path("t"), variables={})

    assert "--write-json" in args("parse")
    assert "--no-write-json" in args("run")
    assert "--select" not in args("run")


def test_the_fingerprint_changes_with_files_and_variables_but_not_with_what_dbt_writes(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "target").mkdir()
    model = tmp_path / "models" / "carts.sql"
    model.write_text("select 1")
    before = project_fingerprint(tmp_path, {"a": 1})
    (tmp_path / "target" / "carts.sql").write_text("compiled")
    assert project_fingerprint(tmp_path, {"a": 1}) == before
    assert project_fingerprint(tmp_path, {"a": 2}) != before
    model.write_text("select 2")
    assert project_fingerprint(tmp_path, {"a": 1}) != before


def test_the_fingerprint_changes_with_descriptions_but_not_with_pages_for_people(tmp_path):
    blocks, page = tmp_path / "models" / "docs.md", tmp_path / "docs" / "rules.md"
    for path in (blocks, page):
        path.parent.mkdir()
        path.write_text("before")
    before = project_fingerprint(tmp_path, {})
    page.write_text("after")
    assert project_fingerprint(tmp_path, {}) == before
    blocks.write_text("after")
    assert project_fingerprint(tmp_path, {}) != before


def test_a_full_build_is_asked_for_by_dbts_own_flag():
    args = {"project": Path("p"), "target": Path("t"), "variables": {}}
    assert "--full-refresh" not in dbt_args("build", **args)
    assert dbt_args("build", **args, full_refresh=True)[-1] == "--full-refresh"


def test_other_sql_is_another_code_and_other_words_are_not(tmp_path):
    words, sql = tmp_path / "models" / "carts.yml", tmp_path / "macros" / "times.sql"
    source = tmp_path / "models" / "staging" / "canonical.yml"
    blocks = tmp_path / "models" / "docs.md"
    for path in (words, sql, source, blocks):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("before")
    before = code_version(tmp_path)
    words.write_text("after")
    blocks.write_text("after")
    assert code_version(tmp_path) == before
    source.write_text("another zone")
    after = code_version(tmp_path)
    sql.write_text("after")
    assert len({before, after, code_version(tmp_path)}) == 3


def test_warnings_and_skipped_nodes_do_not_fail_a_build():
    nodes = (
        node("model.comeback.carts", "success"),
        node("test.comeback.unique_carts.1a2b", "warn"),
        node("model.comeback.sessions", "skipped"),
    )
    result = BuildResult(nodes)
    result.require_success()
    assert result.bad == []


def test_a_model_that_is_no_table_fails_the_one_that_reads_it():
    said = "Compilation Error in model.comeback.segment_members, caused by model.comeback.big"
    nodes = (
        node("model.comeback.people", "success"),
        node("model.comeback.segment_members", "skipped", said),
        node("model.comeback.segment_counts", "skipped"),
    )
    result = BuildResult(nodes)
    assert result.bad == [nodes[1]]
    with pytest.raises(ComebackError, match=r"segment_members failed \(Compilation Error"):
        result.require_success()


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            "dbt stopped (Compilation Error Model 'model.comeback.big' (models/segments/big.sql)"
            " depends on a node named 'peeple' which was not found), in the dbt project, correct",
            "there is no table 'peeple'",
        ),
        (
            "dbt stopped (Compilation Error Model 'model.comeback.big' (models/segments/big.sql)"
            " depends on a source named 'raw.till' which was not found), in the dbt project, corr",
            "there is no table 'raw.till'",
        ),
        (
            "dbt stopped (Parsing Error in models/segments/big.yml: a word), in the dbt project, c",
            "dbt cannot read it (Parsing Error in models/segments/big.yml: a word)",
        ),
        (
            "dbt stopped (Compilation Error Documentation for 'model.comeback.big' depends on doc"
            " 'bog' which was not found), in the dbt project, correct it",
            "dbt cannot read it (Compilation Error Documentation for 'model.comeback.big' depends"
            " on doc 'bog' which was not found)",
        ),
    ],
)
def test_a_segment_that_dbt_cannot_parse_is_said_in_short(tmp_path, message, said):
    home = Home(tmp_path)
    new_segment(home, "big")
    project_of(home)
    assert _refuse_named(home, message)
    (fault,) = faults_in(home)
    assert str(fault).startswith(f"{said}, {home.segments / 'big.sql'}, correct it")
    assert not _refuse_named(home, message)


def test_after_a_file_that_dbt_cannot_parse_the_project_before_it_is_parsed_again(
    tmp_path, monkeypatch
):
    home = Home(tmp_path)
    home.prepare()
    new_segment(home, "right")
    parsed = home.dbt / "partial_parse.msgpack"
    calls = []

    def invoke(_home, _settings, args):
        calls.append(args[args.index("--vars") + 1])
        if '"wrong"' in calls[-1]:
            raise ComebackError("dbt stopped (in models/segments/wrong.sql)", "there", "correct it")
        for path in (parsed, home.dbt / "manifest.json"):
            path.write_text("{}")

    monkeypatch.setattr(dbt_build, "invoke", invoke)
    monkeypatch.setattr(dbt_build, "prepare_manifest", unwrap(dbt_build.prepare_manifest))
    dbt_build.prepare_manifest(home, Settings())
    new_segment(home, "wrong")
    dbt_build.prepare_manifest(home, Settings())
    assert len(calls) == 3
    assert calls[0] == calls[2]
    assert parsed.exists()


def test_a_failed_test_is_named_with_dbts_message_and_the_number_of_others():
    nodes = (
        node("model.comeback.carts", "success"),
        node("test.comeback.unique_carts.1a2b", "fail", "Got 2 results"),
        node("model.comeback.sessions", "error", "no such column"),
    )
    with pytest.raises(ComebackError) as failure:
        BuildResult(nodes).require_success()
    assert str(failure.value) == (
        "dbt: unique_carts and 1 more failed (Got 2 results), nothing was published, "
        "correct the data or the model, then run the hour again"
    )


def manifest(columns: dict) -> dict:
    return {"nodes": {"model.comeback.scoring_snapshots": {"columns": columns}}}


def test_the_words_for_reasons_stand_beside_the_columns():
    columns = {
        "idle_hours": {"config": {"meta": {"reason": ["left just now", "left long ago"]}}},
        "cart_id": {"config": {"meta": {}}},
    }
    assert reason_phrases(manifest(columns)) == {"idle_hours": ("left just now", "left long ago")}


@pytest.mark.parametrize("pair", [["only one"], "left long ago", ["", "left long ago"], [1, 2]])
def test_words_that_are_not_two_texts_are_refused(pair):
    columns = {"idle_hours": {"config": {"meta": {"reason": pair}}}}
    with pytest.raises(ComebackError, match="idle_hours"):
        reason_phrases(json.loads(json.dumps(manifest(columns))))


def test_a_parsed_project_with_numbers_as_keys_is_read(tmp_path):
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumaro_encoder

    manifest = Manifest()
    manifest.metadata.env = {2: "the place of a word in a row, as a yml may say it"}
    packed = manifest.to_msgpack(encoder=extended_mashumaro_encoder)
    (tmp_path / "partial_parse.msgpack").write_bytes(packed)
    assert parsed_project(tmp_path, "a").metadata.env == manifest.metadata.env


def test_a_project_that_was_built_is_made_as_it_was_before_any_build():
    """Else dbt would put no ephemeral SQL into that of another hour, or that of the first hour."""
    fields = ("compiled", "compiled_code", "_pre_injected_sql", "extra_ctes", "extra_ctes_injected")
    built = SimpleNamespace(**dict.fromkeys(fields, True))
    seed = SimpleNamespace()
    manifest = SimpleNamespace(nodes={"model.comeback.people": built, "seed.comeback.x": seed})
    assert uncompiled(manifest) is manifest
    assert [getattr(built, name) for name in fields] == [False, None, None, [], False]
    assert vars(seed) == {}


def test_what_reads_scores_is_a_step_of_its_own():
    assert {"fqn:comeback.people", "fqn:comeback.segments"} <= set(SECOND_STEP)
