"""Segments and triggers of a shop's own that are wrong: they stop nothing, and are said."""

import logging
from datetime import date
from pathlib import Path

import pytest

from orchestration import status
from orchestration.drafts import new_segment
from orchestration.ground import own_files
from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.errors import WrongUsage
from orchestration.ground.home import Home
from orchestration.ground.own_files import faults_in, raise_fault_of, say_faults
from orchestration.ground.project import project_of
from orchestration.ground.refused_segments import Refusal, pardon_older, refuse
from orchestration.ground.segments import segments_in
from orchestration.ground.triggers import triggers_in
from tests.ground.test_segments import SHIPPED
from tests.ground.test_triggers import TEXT


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    (made.root / "triggers").mkdir()
    return made


def lines(home: Home) -> list[str]:
    return [str(each).replace(f"{home.root}/", "") for each in faults_in(home)]


def versions(home: Home) -> dict[str, int]:
    found = segments_in(project_of(home))
    return {name: each.version for name, each in found.items() if name not in SHIPPED}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_wrong_segment_stays_what_it_was_and_the_others_are_taken(home):
    big, _ = new_segment(home, "big")
    small, sql = new_segment(home, "small")
    assert (versions(home), lines(home)) == ({"big": 1, "small": 1}, [])
    edit(big, "version: 1", "version: 2")
    edit(small, "version: 1", "version: 0")
    assert versions(home) == {"big": 2, "small": 1}
    assert lines(home) == [
        "meta.version is 0, segments/small.yml, give a whole number from 1 to 2,147,483,647",
    ]
    edit(small, "version: 0", "version: 3")
    edit(sql, "last_order_at", "last_oder_at")
    assert versions(home) == {"big": 2, "small": 1}
    (line,) = lines(home)
    assert line.startswith('its SQL is wrong (Binder Error: Referenced column "last_oder_at"')
    assert line.endswith("segments/small.sql, line 6, correct it: dbt_project/docs/segments.md")
    edit(sql, "last_oder_at", "last_order_at")
    assert (versions(home), lines(home)) == ({"big": 2, "small": 3}, [])


def test_a_query_of_the_clock_is_said_and_taken(home):
    _, sql = new_segment(home, "big")
    edit(sql, "{{ as_of() }}", "now()")
    assert versions(home) == {"big": 1}
    assert lines(home) == [
        "its SQL asks for now(), which is another whenever the hour is run again, segments/big.sql,"
        " take {{ as_of() }} for the time, hash(person_id) for a share of people"
    ]
    # and so ends no run as one that failed
    assert [fault.is_taken for fault in faults_in(home)] == [True]


def test_a_segment_that_was_never_right_is_not_there(home):
    _, sql = new_segment(home, "big")
    sql.unlink()
    assert project_of(home) == DBT_PROJECT
    assert lines(home) == [
        "the segment big has no big.sql, segments, write it: dbt_project/docs/segments.md"
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("vip", "vip is a segment that Comeback has already, segments/vip.yml, rename the two"),
        ("carts", "carts is a table that Comeback has already, segments/carts.yml"),
        ("select", "select is a word of SQL, segments/select.yml, rename the two files"),
    ],
)
def test_a_name_that_is_taken_or_a_word_of_sql_is_said(home, name, said):
    for path in new_segment(home, "big"):
        path.rename(path.with_stem(name))
    assert segments_in(project_of(home)).keys() == SHIPPED
    (line,) = lines(home)
    assert line.startswith(said)


def test_of_a_clash_of_ranks_the_file_that_is_new_is_blamed_and_never_a_shipped_one(home):
    group = "group: lifecycle\n        rank: "
    taken = next(s for s in segments_in().values() if s.group == "lifecycle")
    # before the shipped one by name
    yml, _ = new_segment(home, "aaa")
    edit(yml, "# group: stage", f"{group}{taken.rank} #")
    assert versions(home) == {}
    assert lines(home) == [
        f"meta.rank {taken.rank} in the group lifecycle is that of {taken.name} too,"
        " segments/aaa.yml, give each segment of a group a rank of its own"
    ]
    edit(yml, f"rank: {taken.rank}", "rank: 90")
    assert versions(home) == {"aaa": 1}
    # one that was there is not to blame for one that came
    other, _ = new_segment(home, "a")
    edit(other, "# group: stage", f"{group}90 #")
    assert versions(home) == {"aaa": 1}
    assert lines(home)[0].startswith("meta.rank 90 in the group lifecycle is that of aaa too,")


def test_a_segment_that_only_the_database_finds_wrong_is_refused_until_it_changes(home):
    _, sql = new_segment(home, "big")
    project_of(home)
    edit(sql, "day", "hour")
    project_of(home)
    refuse(home, "big", Refusal("its SQL failed (Conversion Error: Could not convert string)"))
    inside = "models/segments/big.sql"
    assert "interval '30' day" in (project_of(home) / inside).read_text()
    assert lines(home) == [
        "its SQL failed (Conversion Error: Could not convert string), segments/big.sql,"
        " correct it: dbt_project/docs/segments.md"
    ]
    edit(sql, "hour", "week")
    assert lines(home) == []
    assert "interval '30' week" in (project_of(home) / inside).read_text()
    # one that was never right has no version before
    new_segment(home, "other")
    project_of(home)
    refuse(home, "other", Refusal("its SQL failed"))
    assert versions(home) == {"big": 1}


def test_a_segment_that_failed_on_the_data_of_a_day_is_asked_again_on_the_next(home):
    _, sql = new_segment(home, "big")
    new_segment(home, "small")
    project_of(home)
    edit(sql, "day", "hour")
    project_of(home)
    refuse(home, "big", Refusal("its SQL failed", date(2026, 11, 20)))
    refuse(home, "small", Refusal("its template is wrong"))
    inside = project_of(home) / "models/segments/big.sql"
    # nor by an hour of before, that late rows have made again
    for day in (19, 20):
        pardon_older(home, date(2026, 11, day))
        assert "interval '30' day" in (project_of(home) and inside.read_text())
    pardon_older(home, date(2026, 11, 21))
    assert [each.split(",")[0] for each in lines(home)] == ["its template is wrong"]
    assert "interval '30' hour" in (project_of(home) and inside.read_text())
    # it fails again: what it was before is still known
    refuse(home, "big", Refusal("its SQL failed", date(2026, 11, 21)))
    assert "interval '30' day" in (project_of(home) and inside.read_text())


def reads(sql: Path, table: str) -> None:
    sql.write_text(f"select person_id from {{{{ ref('{table}') }}}}\n")


def test_what_a_segment_was_before_is_no_way_out_where_that_was_refused_too(home):
    _, sql = new_segment(home, "big")
    project_of(home)
    edit(sql, "day", "hour")
    for _ in range(2):
        project_of(home)
        refuse(home, "big", Refusal("its SQL failed"))
    assert versions(home) == {}
    assert len(lines(home)) == 1
    edit(sql, "hour", "week")
    assert (versions(home), lines(home)) == ({"big": 1}, [])


def test_who_reads_a_segment_that_is_wrong_or_gone_is_right_again_once_that_is_back(home):
    big, _ = new_segment(home, "big")
    reads(new_segment(home, "by_big")[1], "big")
    reads(new_segment(home, "by_both")[1], "by_big")
    text = big.read_text()
    said = [
        f"it reads '{read}', which is no table or wrong itself, segments/{name}.sql,"
        " correct it: dbt_project/docs/segments.md"
        for name, read in (("by_big", "big"), ("by_both", "by_big"))
    ]
    big.write_text(text.replace("version: 1", "version: 0"))
    assert versions(home) == {}
    assert lines(home)[1:] == said
    big.write_text(text)
    assert (versions(home), lines(home)) == (dict.fromkeys(("big", "by_big", "by_both"), 1), [])
    # and of one that is taken away
    pair = {path: path.read_text() for path in (big, big.with_suffix(".sql"))}
    for path in pair:
        path.unlink()
    assert lines(home) == said
    assert versions(home) == {}
    assert [line.split("segments/")[1].split(".")[0] for line in lines(home)] == [
        "by_big",
        "by_both",
    ]
    for path, content in pair.items():
        path.write_text(content)
    assert (versions(home).keys(), lines(home)) == ({"big", "by_big", "by_both"}, [])


def test_segments_that_read_each_other_stay_what_they_were(home):
    _, one = new_segment(home, "one")
    _, other = new_segment(home, "other")
    reads(other, "one")
    assert versions(home) == {"one": 1, "other": 1}
    reads(one, "other")
    reads(new_segment(home, "all_of_them")[1], "segment_members")
    reads(new_segment(home, "same")[1], "same")
    said = "it reads itself, by way of what it reads, segments/"
    guide = "correct it: dbt_project/docs/segments.md"
    assert lines(home) == [f"{said}{name}.sql, {guide}" for name in ("all_of_them", "one", "same")]
    assert versions(home) == {"one": 1, "other": 1}
    assert "ref('people')" in (project_of(home) / "models/segments/one.sql").read_text()


def test_a_wrong_trigger_stays_what_it_was_or_what_is_shipped(home):
    folder = home.root / "triggers"

    def cooldowns() -> dict[str, int]:
        return {each.name: each.cooldown_minutes for each in triggers_in(project_of(home))}

    shipped = cooldowns()
    (folder / "checkout_left.yml").write_text("name: checkout_left")
    (folder / "mine.yml").write_text(TEXT.replace("viewed_often_not_bought", "mine"))
    assert cooldowns() == shipped | {"mine": 2880}
    (line,) = lines(home)
    assert line.startswith("the trigger has no version, triggers/checkout_left.yml, give all of")
    (folder / "mine.yml").write_bytes(b"name: \xff")
    assert cooldowns() == shipped | {"mine": 2880}
    assert len(lines(home)) == 2
    with pytest.raises(WrongUsage, match="cannot be read"):
        raise_fault_of(home, "trigger", "mine")
    raise_fault_of(home, "segment", "mine")


@pytest.mark.parametrize("folder", ["segments", "triggers"])
def test_a_file_of_another_ending_is_said(home, folder):
    (home.root / folder).mkdir(exist_ok=True)
    for name in ("mine.yaml", "notes.txt", ".mine.yaml", "Big.YML"):
        (home.root / folder / name).write_text("")
    assert lines(home) == [
        f"a file that ends with .YML is not read, {folder}/Big.YML, rename it: Big.yml",
        f"a file that ends with .yaml is not read, {folder}/mine.yaml, rename it: mine.yml",
    ]


def test_what_is_wrong_is_a_warning_of_a_run_once_and_wrong_in_the_status(
    home, caplog, monkeypatch
):
    monkeypatch.setattr(own_files, "_said", set())
    (home.root / "triggers" / "mine.yml").write_text("")
    with caplog.at_level(logging.WARNING):
        say_faults(home)
        say_faults(home)
    (said,) = caplog.messages
    assert said.startswith(f"Warning: the trigger has None, {home.root}/triggers/mine.yml, allowed")
    assert status.status(home).wrong == [said.removeprefix("Warning: ")]
