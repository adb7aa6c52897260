"""A shop's own sources: two files in its home, in the project that dbt reads, nowhere else."""

from pathlib import Path

import pytest

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.ground.project import own_sources, project_files, project_of


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.sources.mkdir(parents=True)
    return made


def write(home: Home, *names: str, text: str = "x") -> None:
    for name in names:
        (home.sources / name).write_text(text)


def test_a_home_without_sources_of_its_own_has_the_checkouts_project(home: Home):
    assert project_of(home) == DBT_PROJECT
    home.sources.rmdir()
    assert project_of(home) == DBT_PROJECT
    assert not (home.dbt / "project").exists()


def test_a_source_of_the_home_stands_among_the_others_in_a_copy_of_the_project(home: Home):
    write(home, "till.yml", "till.sql", "notes.txt", ".till.yml.swp")
    copy = project_of(home)
    assert copy.is_relative_to(home.dbt)
    theirs = {inside: path.read_bytes() for path, inside in project_files(DBT_PROJECT)}
    found = {inside: path.read_bytes() for path, inside in project_files(copy)}
    assert found == {
        **theirs,
        "models/staging/till.yml": b"x",
        "models/staging/stg_till.sql": b"x",
    }


def test_the_copy_follows_the_checkout_and_the_home(home: Home):
    write(home, "till.yml", "till.sql", "desk.yml", "desk.sql")
    copy = project_of(home)
    (copy / "models" / "gone.sql").write_text("of an older checkout")
    model = copy / "models" / "carts" / "carts.sql"
    model.write_text("of an older checkout")
    write(home, "till.sql", text="y")
    for path in home.sources.glob("desk.*"):
        path.unlink()
    assert project_of(home) == copy
    assert model.read_bytes() == (DBT_PROJECT / "models" / "carts" / "carts.sql").read_bytes()
    staging = {path.name for path in (copy / "models" / "staging").glob("*[kl].*")}
    assert not (copy / "models" / "gone.sql").exists()
    assert (copy / "models" / "staging" / "stg_till.sql").read_text() == "y"
    assert "desk.yml" not in staging
    assert "stg_desk.sql" not in staging


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["till.yml"], "the source till has no till.sql"),
        (["till.sql"], "the source till has no till.yml"),
        (["rees46.yml", "rees46.sql"], "rees46 is a source that Comeback has already"),
    ],
)
def test_a_source_that_is_not_whole_or_has_a_taken_name_is_refused(
    home: Home, files: list[str], message: str
):
    write(home, *files)
    with pytest.raises(ComebackError, match=message):
        own_sources(home)
