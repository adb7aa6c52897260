"""What is said of a segment that fails while an hour is built."""

import os
from datetime import UTC, datetime, timedelta
from inspect import unwrap
from pathlib import Path

import pytest

from orchestration.drafts import new_segment
from orchestration.ground.checkout import SOURCE_DEFINITIONS
from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.ground.own_files import faults_in
from orchestration.ground.project import project_of
from orchestration.ground.refused_segments import copy_of_project
from orchestration.ground.segments import segments_in
from orchestration.ground.settings import Settings
from orchestration.warehouse import dbt_build, segment_faults
from orchestration.warehouse.build_result import BuildResult, NodeResult
from orchestration.warehouse.segment_faults import _what_failed

HOUR = datetime(2026, 11, 20, 12, tzinfo=UTC)


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
    assert not segment_faults.build(home, Settings(), as_of=HOUR).bad
    (fault,) = faults_in(home)
    assert str(fault).startswith("its test not_null_big_person_id failed (1,234 rows), ")
    assert (project_of(home) / "models/segments").joinpath("small.sql").exists()
    assert not (project_of(home) / "models/segments").joinpath("big.sql").exists()
    # one that is a table in a copy of before
    failed = NodeResult("model.comeback.small", "error", 0.1, None, "Runtime Error in model small")
    built = iter([BuildResult((failed,)), BuildResult(())])
    assert not segment_faults.build(home, Settings(), as_of=HOUR).bad
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
    assert not segment_faults.build(home, Settings(), as_of=HOUR).bad
    assert [each.name for each in faults_in(home)] == ["big", "by_big"]
    (home.segments / "big.sql").write_text(right)
    assert segments_in(project_of(home)).keys() >= {"big", "by_big", "small"}
    assert faults_in(home) == []


@pytest.mark.parametrize(
    ("message", "is_asked_again"),
    [
        ("Runtime Error in model big Conversion Error: Could not convert", True),
        ('Runtime Error in model big Binder Error: column "day" not found', False),
    ],
)
def test_what_failed_on_the_data_is_asked_again_on_the_next_day(
    tmp_path, monkeypatch, message, is_asked_again
):
    home = Home(tmp_path)
    new_segment(home, "big")
    bad = BuildResult((NodeResult("model.comeback.big", "error", 0.1, None, message),))
    asked = []

    def build(home: Home, *_: object, as_of: datetime, **__: object):
        there = "big" in segments_in(project_of(home))
        if there:
            asked.append(as_of)
        return bad if there else BuildResult(())

    monkeypatch.setattr(segment_faults.dbt_build, "build", build)
    for hours in (0, 1, 11, 12):
        built = segment_faults.build(home, Settings(), as_of=HOUR + timedelta(hours=hours))
        assert not built.bad
    wanted = [0, 12] if is_asked_again else [0]
    assert asked == [HOUR + timedelta(hours=hours) for hours in wanted]


def test_where_the_shipped_segments_fail_too_none_of_the_shops_is_to_blame(tmp_path, monkeypatch):
    home = Home(tmp_path)
    new_segment(home, "big")
    project_of(home)
    message = "Runtime Error in model segment_members Out of Memory Error: could not allocate block"
    failed = BuildResult(
        (NodeResult("model.comeback.segment_members", "error", 0.1, None, message),)
    )
    monkeypatch.setattr(segment_faults.dbt_build, "build", lambda *_, **__: failed)
    assert segment_faults.build(home, Settings(), as_of=HOUR) == failed
    assert faults_in(home) == []


@pytest.fixture
def reading(tmp_path, monkeypatch):
    """A home whose project dbt cannot read where `no_word` stands in one of the shop's own files,
    and does not say which; and how to have it read."""
    home = Home(tmp_path)
    home.prepare()

    def invoke(*_: object) -> None:
        for folder in ("segments", "staging"):
            for path in (copy_of_project(home) / "models" / folder).glob("*.*"):
                if "no_word" in path.read_text():
                    raise ComebackError(
                        "dbt stopped (Compilation Error 'no_word' is undefined)",
                        *("in the dbt project", "correct it, then run again"),
                    )
        for name in ("manifest.json", "partial_parse.msgpack"):
            (home.dbt / name).write_text("{}")

    monkeypatch.setattr(dbt_build, "invoke", invoke)
    monkeypatch.setattr(dbt_build, "prepare_manifest", unwrap(dbt_build.prepare_manifest))
    return home, lambda: dbt_build.prepare_manifest(home, Settings())


def _edit(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


def test_where_dbt_names_no_file_the_segment_that_it_cannot_read_is_refused_alone(reading):
    home, read = reading
    ymls = {name: new_segment(home, name)[0] for name in ("big", "old", "small")}
    read()
    _edit(ymls["big"], "doc('member_id')", "no_word")
    _edit(ymls["small"], "version: 1", "version: 2")
    project_of(home)
    # the clock says nothing: it may be set back, or the home may be a copy
    for path in (copy_of_project(home) / "models/segments").glob("*.*"):
        os.utime(path, (0, 0))
    read()
    (fault,) = faults_in(home)
    assert fault.name == "big"
    said = "dbt cannot read it (Compilation Error 'no_word' is undefined), "
    assert str(fault).startswith(f"{said}{home.segments / 'big.sql'}, ")
    there = segments_in(project_of(home))
    assert (there["big"].version, there["old"].version, there["small"].version) == (1, 1, 2)
    assert "member_id" in (copy_of_project(home) / "models/segments/big.yml").read_text()
    # nor is one that was never right anything to the others
    new_segment(home, "aaa")
    _edit(new_segment(home, "other")[0], "doc('member_id')", "no_word")
    read()
    assert [each.name for each in faults_in(home)] == ["big", "other"]
    assert segments_in(project_of(home)).keys() >= {"aaa", "big", "old", "small"}


def test_a_segment_that_came_with_a_source_that_dbt_cannot_read_is_not_to_blame(reading):
    home, read = reading
    yml, _ = new_segment(home, "big")
    read()
    home.sources.mkdir()
    text = (SOURCE_DEFINITIONS / "rees46.yml").read_text().replace("rees46", "till")
    (home.sources / "till.yml").write_text(text)
    (home.sources / "till.sql").write_text("{{ no_word }}")
    _edit(yml, "version: 1", "version: 2")
    with pytest.raises(ComebackError, match="'no_word' is undefined"):
        read()
    assert faults_in(home) == []
    assert segments_in(project_of(home))["big"].version == 2
