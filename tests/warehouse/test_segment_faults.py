"""What is said of a segment that fails while an hour is built."""

import os
import time

import pytest

from orchestration.drafts import new_segment
from orchestration.ground.home import Home
from orchestration.ground.own_files import faults_in
from orchestration.ground.project import project_of
from orchestration.ground.segments import segments_in
from orchestration.ground.settings import Settings
from orchestration.warehouse import segment_faults
from orchestration.warehouse.build_result import BuildResult, NodeResult
from orchestration.warehouse.dbt_build import _refuse_named
from orchestration.warehouse.segment_faults import _what_failed


@pytest.mark.parametrize(
    ("where", "message", "said"),
    [
        (
            "{{ as_off() }} > last_seen_at",
            "Compilation Error in model big (models/segments/big.sql) 'as_off' is undefined.",
            "its template is wrong (nothing is called as_off)",
        ),
        (
            "{{ 1 / 0 }} > 1",
            "Compilation Error in model big (models/segments/big.sql) division by zero",
            "its template is wrong (it cannot be made into SQL)",
        ),
        (
            "person_id::int > 0",
            "Runtime Error in model big Conversion Error: Could not convert string 'ann@x' to INT",
            "its SQL failed (Conversion Error: Could not convert string)",
        ),
        (
            "person_id > ''",
            "Runtime Error in model big Conversion Error: Type INT64 with value 491701234567 can't",
            "its SQL failed (Conversion Error: Type INT64 with value)",
        ),
        (
            "person_id > ''",
            "Runtime Error in model big Out of Range Error: Overflow in multiplication of INT32"
            " (2147483647 * 2)!",
            "its SQL failed (Out of Range Error: Overflow in multiplication of INT32)",
        ),
        (
            "person_id > ''",
            "Runtime Error in model big (models/segments/big.sql) Invalid Input Error: Could not"
            ' parse string "ann@x"',
            "its SQL failed (Invalid Input Error: Could not parse string)",
        ),
    ],
)
def test_a_template_is_told_from_a_query_and_no_value_is_said(tmp_path, where, message, said):
    home = Home(tmp_path)
    _, sql = new_segment(home, "big")
    sql.write_text(f"select person_id from {{{{ ref('people') }}}} where {where}\n")
    project_of(home)
    node = NodeResult("model.comeback.segment_members", "error", 0.1, None, message)
    assert _what_failed(home, "big", node) == said


def test_a_test_of_a_segment_that_fails_refuses_the_segment_and_the_hour_goes_on(
    tmp_path, monkeypatch
):
    home = Home(tmp_path)
    for name in ("big", "small"):
        new_segment(home, name)
    project_of(home)
    failed = NodeResult(
        "test.comeback.not_null_big_person_id.1a2b",
        *("fail", 0.1, 1234, "Got 1234 results, configured to fail if != 0", "model.comeback.big"),
    )
    built = iter([BuildResult((failed,)), BuildResult(())])
    monkeypatch.setattr(segment_faults.dbt_build, "build", lambda *_, **__: next(built))
    assert not segment_faults.build(home, Settings()).bad
    (fault,) = faults_in(home)
    assert str(fault).startswith("its test not_null_big_person_id failed (1,234 rows), ")
    assert (project_of(home) / "models/segments").joinpath("small.sql").exists()
    assert not (project_of(home) / "models/segments").joinpath("big.sql").exists()
    # one that is a table in a copy of before
    failed = NodeResult("model.comeback.small", "error", 0.1, None, "Runtime Error in model small")
    built = iter([BuildResult((failed,)), BuildResult(())])
    assert not segment_faults.build(home, Settings()).bad
    assert str(faults_in(home)[1]).startswith("its SQL failed (it cannot be asked), ")


def test_who_reads_a_segment_that_fails_is_there_again_once_that_is_right(tmp_path, monkeypatch):
    home = Home(tmp_path)
    for name in ("big", "by_big", "small"):
        _, sql = new_segment(home, name)
        if name == "by_big":
            sql.write_text("select person_id from {{ ref('big') }}\n")
    message = "Runtime Error in model segment_members Conversion Error: Could not convert"
    failed = NodeResult("model.comeback.segment_members", "error", 0.1, None, message)

    def build(home: Home, *_: object, segments: tuple[str, ...] | None = None, **__: object):
        there = segments_in(project_of(home)) if segments is None else segments
        text = (home.segments / "big.sql").read_text()
        return BuildResult((failed,) if "::int" in text and {"big", "by_big"} & {*there} else ())

    monkeypatch.setattr(segment_faults.dbt_build, "build", build)
    right = (home.segments / "big.sql").read_text()
    (home.segments / "big.sql").write_text(
        "select person_id::int::text as person_id from {{ ref('people') }}\n"
    )
    project_of(home)
    assert not segment_faults.build(home, Settings()).bad
    assert [each.name for each in faults_in(home)] == ["big", "by_big"]
    (home.segments / "big.sql").write_text(right)
    assert segments_in(project_of(home)).keys() >= {"big", "by_big", "small"}
    assert faults_in(home) == []


def test_where_dbt_names_no_file_the_segment_that_changed_since_is_to_blame(tmp_path):
    home = Home(tmp_path)
    yml, _ = new_segment(home, "big")
    new_segment(home, "small")
    manifest = project_of(home).parent / "manifest.json"
    manifest.write_text("{}")
    later = time.time() + 5
    os.utime(manifest, (later, later))
    message = "dbt stopped (Compilation Error 'x' is undefined), in the dbt project, correct it"
    assert not _refuse_named(home, message)
    yml.write_text(yml.read_text().replace("doc('member_id')", "x"))
    for path in (project_of(home) / "models/segments").glob("big.*"):
        os.utime(path, (later + 5, later + 5))
    assert _refuse_named(home, message)
    (fault,) = faults_in(home)
    assert str(fault).startswith("dbt cannot read it (Compilation Error 'x' is undefined), ")
    assert "member_id" in (project_of(home) / "models/segments/big.yml").read_text()
    # what stands there again is not to blame
    assert not _refuse_named(home, message)
