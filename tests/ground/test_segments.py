"""Segments as their two files define them, and what is wrong in one line."""

import re
from pathlib import Path

import pytest

from orchestration.drafts import new_segment
from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.errors import ComebackError, WrongUsage
from orchestration.ground.home import Home
from orchestration.ground.project import project_of
from orchestration.ground.segments import digest, segments_in

SHIPPED = {
    "vip",
    "frequent_buyers",
    "serial_abandoners",
    "browsing_enthusiasts",
    "dormant_buyers",
    "at_risk",
    "new_visitors",
    "likely_to_purchase",
    "on_the_fence",
    "unlikely_to_purchase",
}


def test_the_shipped_segments_and_their_groups():
    found = segments_in()
    assert found.keys() == SHIPPED
    groups: dict[str, list[str]] = {}
    for each in sorted(found.values(), key=lambda each: -each.rank):
        groups.setdefault(each.group, []).append(each.name)
    assert groups["lifecycle"] == ["dormant_buyers", "at_risk", "new_visitors"]
    assert groups["cart"] == ["on_the_fence", "likely_to_purchase", "unlikely_to_purchase"]
    assert all(each.version == 1 and each.export == () for each in found.values())


def project(folder: Path, **files: str) -> Path:
    """A dbt project with segments: `name="meta"`, the meta in yml."""
    (folder / "models/segments").mkdir(parents=True)
    for name, meta in files.items():
        yml = f"models:\n- name: {name}\n  description: d\n  config: {{meta: {{{meta}}}}}\n"
        (folder / f"models/segments/{name}.yml").write_text(yml)
        (folder / f"models/segments/{name}.sql").write_text("select 1")
    return folder


def test_a_segment_is_what_its_yml_says(tmp_path):
    meta = "owner: ann, version: 3, group: stage, rank: 2, export: [email, meta]"
    (one,) = segments_in(project(tmp_path, big=meta)).values()
    assert (one.name, one.description, one.owner, one.version) == ("big", "d", "ann", 3)
    assert (one.group, one.rank, one.export) == ("stage", 2, ("email", "meta"))


@pytest.mark.parametrize(
    ("meta", "reason"),
    [
        ("version: 1", "meta.owner is missing"),
        ("owner: ann", "meta.version is None"),
        ("owner: ann, version: 1.5", "meta.version is 1.5"),
        ("owner: ann, version: 0", "meta.version is 0"),
        ("owner: ann, version: 2147483648", "meta.version is 2147483648"),
        ("owner: ann, version: 1, rank: high", "meta.rank is 'high'"),
        ("owner: ann, version: 1, group: a, rank: -2147483649", "meta.rank is -2147483649"),
        ("owner: ann, version: 1, rank: 0", "meta.rank is 0 without meta.group"),
        ("owner: ann, version: 1, group: A-B", "meta.group is 'A-B'"),
        ("owner: ann, version: 1, export: email", "meta.export is 'email'"),
        ("owner: ann, version: 1, exports: [email]", "meta.exports is nothing known"),
    ],
)
def test_a_yml_that_does_not_fit_is_one_clear_line(tmp_path, meta, reason):
    with pytest.raises(ComebackError, match=re.escape(reason)) as caught:
        segments_in(project(tmp_path, big=meta))
    assert "big.yml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["enabled: false", "materialized: table"])
def test_a_segment_is_a_query_and_nothing_else_for_dbt(tmp_path, key):
    folder = project(tmp_path, big="owner: ann, version: 1")
    yml = folder / "models/segments/big.yml"
    yml.write_text(yml.read_text().replace("{meta:", f"{{{key}, meta:"))
    with pytest.raises(WrongUsage, match=rf"config\.{key[:7]}.*: a segment is a query alone"):
        segments_in(folder)
    yml.write_text(yml.read_text().replace(key, "materialized: ephemeral, enabled: true"))
    assert segments_in(folder)["big"].version == 1


def test_two_of_a_group_need_ranks_of_their_own(tmp_path):
    meta = "owner: ann, version: 1, group: stage, rank: 1"
    with pytest.raises(WrongUsage, match="rank 1 in the group stage is that of big too"):
        segments_in(project(tmp_path, big=meta, small=meta))


def test_a_segment_needs_both_files(tmp_path):
    folder = project(tmp_path, big="owner: ann, version: 1")
    (folder / "models/segments/big.sql").unlink()
    with pytest.raises(ComebackError, match=r"the segment big has no big\.sql"):
        segments_in(folder)


def test_a_new_segment_is_found_beside_the_shipped_ones(tmp_path):
    home = Home(tmp_path)
    before = digest(segments_in(project_of(home)))
    assert project_of(home) == DBT_PROJECT
    for path in new_segment(home, "big_spenders"):
        assert path.parent == tmp_path / "segments"
    found = segments_in(project_of(home))
    assert found.keys() == SHIPPED | {"big_spenders"}
    assert digest(found) != before
    with pytest.raises(ComebackError, match="there is a segment big_spenders already"):
        new_segment(home, "big_spenders")


@pytest.mark.parametrize(
    "name", ["select", "order", "Big", "1st", "a-b", "vip", "carts", "../x", ""]
)
def test_a_name_that_cannot_be_or_is_taken_is_wrong_usage(tmp_path, name):
    with pytest.raises(WrongUsage):
        new_segment(Home(tmp_path), name)
    assert not (tmp_path / "segments").exists()
